"""How the cost of many clips grows: with their number, their length, their resolution, and with the workers."""

from __future__ import annotations

import math
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from backsight.batch.ledger import NewItem, open_ledger
from backsight.batch.options import ClipOptions, Task
from backsight.batch.processes import ProcessPool
from backsight.batch.runner import Runner
from backsight.batch.sources import find_recordings
from backsight.batch.store import Store
from backsight.batch.work import ClipResult, Equipment, Job, do_clip
from backsight.benchmarks.figures import Figure
from backsight.benchmarks.long_clip import write_looped
from backsight.benchmarks.road import DEMO_FRAGMENT, peak_memory_mib
from backsight.domain.recording import SourceInfo
from backsight.domain.sequences import Frame
from backsight.inputs import parse_clip
from backsight.ports import FrameSource

TINY_COUNTS = (100, 1000, 10_000)
"""Clips of a few bytes, for what the bookkeeping costs."""
TINY_WORKERS = (1, 4)
"""Workers whose bookkeeping is compared, over the two smaller counts."""
LENGTHS_S = (4.0, 8.0, 16.0)
SIZES_PX = ((640, 360), (1280, 720), (1920, 1080))
SCALED_S = 4.0
_WHOLE_PICTURE = DEMO_FRAGMENT.partition("&")[0]
"""The demo's own 16:9, with a second person at the edge."""

Progress = Callable[[str, int, int], None]

_NO_FACTS = (
    '{"analysed_height_px": 1, "analysed_width_px": 1, "checks": [], "codec": "", "duration_s": 1.0, "exercise": null,'
    ' "filled_share": NaN, "first_timestamp_s": 0.0, "fps": 1.0, "height_px": 1, "index": null, "index_high": NaN,'
    ' "index_low": NaN, "index_raw": NaN, "measured": [], "n_frames": 1, "n_with_person": 1, "removed_share": 0.0,'
    ' "unfamiliar_share": NaN, "width_px": 1}'
)


def measure_number(folder: Path, *, on_progress: Progress | None) -> Iterator[Figure]:
    """Measure what the bookkeeping of many tiny clips costs, and whether that stays the same for each."""
    costs: dict[int, tuple[float, float]] = {}
    for done, n_clips in enumerate(TINY_COUNTS):
        if on_progress:
            on_progress("batch: bookkeeping", done, len(TINY_COUNTS))
        costs[n_clips] = _in_own_process(folder / f"tiny-{n_clips}", n_clips, n_workers=1)
        yield Figure(f"bookkeeping_{n_clips}_clips", 1000 * costs[n_clips][0] / n_clips, "ms a clip", 1)
        yield Figure(f"peak_memory_{n_clips}_clips", costs[n_clips][1], "MiB", 1)
    fewest, middle, most = TINY_COUNTS
    # What each further clip costs, because the smallest count is mostly start-up.
    late = (costs[most][0] - costs[middle][0]) / (most - middle)
    early = (costs[middle][0] - costs[fewest][0]) / (middle - fewest)
    yield Figure("bookkeeping_growth", late / early, "ratio", len(TINY_COUNTS), bar=1.5)
    yield Figure("peak_memory_growth", costs[most][1] / costs[fewest][1], "ratio", len(TINY_COUNTS), bar=1.15)
    few, many = TINY_WORKERS
    shared = {n: _in_own_process(folder / f"tiny-shared-{n}", n, n_workers=many) for n in (fewest, middle)}
    per_clip = (shared[middle][0] - shared[fewest][0]) / (middle - fewest)
    yield Figure(f"bookkeeping_{many}_over_{few}_workers", per_clip / early, "ratio", 1, bar=1.5)
    yield Figure(f"peak_memory_{many}_over_{few}_workers", shared[middle][1] / costs[middle][1], "ratio", 1, bar=1.15)


def measure_length(folder: Path, demo: Path, equipment: Equipment, *, repeats: int) -> Iterator[Figure]:
    """Measure what a frame costs in ever longer clips of the same pictures."""
    folder.mkdir()
    clips = {f"{length_s:.0f}_s": folder / f"{length_s:.0f}.mp4" for length_s in LENGTHS_S}
    for length_s, path in zip(LENGTHS_S, clips.values(), strict=True):
        write_looped(path, parse_clip(f"{demo}{DEMO_FRAGMENT}").open(), duration_s=length_s)
    costs = _frame_ms(clips, equipment, repeats=repeats)
    for name, ms in costs.items():
        yield Figure(f"frame_of_{name}", ms, "ms a frame", repeats)
    shortest, *_, longest = costs.values()
    yield Figure("frame_growth_with_length", longest / shortest, "ratio", repeats, bar=1.1)


def measure_resolution(folder: Path, demo: Path, equipment: Equipment, *, repeats: int) -> Iterator[Figure]:
    """Measure what a frame costs in recordings of the same scene with ever more pixels."""
    folder.mkdir()
    clips: dict[str, Path] = {}
    for size in SIZES_PX:
        path = clips[f"{size[1]}p"] = folder / f"{size[1]}p.mp4"
        write_looped(path, _Scaled(parse_clip(f"{demo}{_WHOLE_PICTURE}").open(), size), duration_s=SCALED_S)
    costs = _frame_ms(clips, equipment, repeats=repeats)
    for name, ms in costs.items():
        yield Figure(f"frame_of_{name}", ms, "ms a frame", repeats)
    _, middle, most = costs.values()
    # Decoding grows with the pixels, finding landmarks hardly: how the sum grows depends on the codec, too.
    yield Figure("frame_of_1080p_over_720p", most / middle, "ratio", repeats)


def _frame_ms(clips: dict[str, Path], equipment: Equipment, *, repeats: int) -> dict[str, float]:
    """Return milliseconds a frame of each clip, done by itself; they take turns, and medians count."""
    timings: dict[str, list[float]] = {name: [] for name in clips}
    for repeat in range(repeats + 1):
        for name, path in clips.items():
            begun_s = time.perf_counter()
            result = do_clip(Job("0" * 32, path, ClipOptions()), equipment)
            took_s = time.perf_counter() - begun_s
            # The first turn loads libraries.
            if repeat:
                timings[name].append(1000 * took_s / result.n_frames)
    return {name: statistics.median(values) for name, values in timings.items()}


@dataclass(frozen=True)
class _Scaled:
    """A source of frames in another size."""

    source: FrameSource
    size: tuple[int, int]

    @property
    def info(self) -> SourceInfo:
        return self.source.info

    def frames(self) -> Iterator[Frame]:
        import av

        width, height = self.size
        for frame in self.source.frames():
            picture = av.VideoFrame.from_ndarray(frame.image, format="rgb24").reformat(width=width, height=height)
            yield replace(frame, image=np.asarray(picture.to_ndarray(), dtype=np.uint8))


def do_nothing(job: Job) -> ClipResult:
    """Stand in for the work, so that what is left is bookkeeping."""
    return ClipResult(_NO_FACTS, job.key.encode(), n_frames=1)


def do_tiny_clips(folder: Path, n_clips: int, n_workers: int = 1) -> tuple[float, float]:
    """Take clips of a few bytes through ledger, pool and tables; returns (seconds, peak memory in MiB of this process).

    Called in a process of its own, so that the peak is that of this run.
    """
    source = folder / "tiny"
    source.mkdir(parents=True)
    for number in range(n_clips):
        (source / f"{number:06d}.mp4").write_text(str(number), encoding="utf-8")
    (out := folder / "out").mkdir()
    begun_s = time.perf_counter()
    with closing(open_ledger(out)) as ledger:
        ledger.add_items(NewItem(row, found, ClipOptions()) for row, found in enumerate(find_recordings(str(source))))
        store = Store(out)
        with closing(ProcessPool(do_nothing, n_workers=n_workers)) as pool:
            Runner(ledger, store, folder=out, run="tiny").run(pool)
        store.write_tables(ledger, task=Task.EXTRACT, about={}, card=None)
    return time.perf_counter() - begun_s, peak_memory_mib() or math.nan


def _in_own_process(folder: Path, n_clips: int, *, n_workers: int) -> tuple[float, float]:
    program = (
        "import sys; from pathlib import Path; from backsight.benchmarks.batch_growth import do_tiny_clips;"
        "print(*do_tiny_clips(Path(sys.argv[1]), *map(int, sys.argv[2:])))"
    )
    words: Sequence[Any] = (folder, n_clips, n_workers)
    out = subprocess.run(
        [sys.executable, "-c", program, *map(str, words)], check=True, capture_output=True, text=True
    ).stdout.split()
    return float(out[-2]), float(out[-1])
