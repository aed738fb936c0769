"""`backsight benchmark batch`: what many clips at once cost beside one after the other, on this machine, in one run."""

from __future__ import annotations

import importlib.util
import math
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from backsight.batch.ledger import NewItem, open_ledger
from backsight.batch.options import ClipOptions, RunOptions, Task
from backsight.batch.processes import ProcessPool
from backsight.batch.run import equip, run_wide
from backsight.batch.runner import Runner
from backsight.batch.sources import find_recordings
from backsight.batch.store import Store
from backsight.batch.work import ClipResult, Equipment, Job, do_clip
from backsight.benchmarks.figures import BenchmarkResult, Figure
from backsight.benchmarks.road import DEMO_FRAGMENT, peak_memory_mib
from backsight.errors import InputError, MissingDependencyError
from backsight.settings import demo_clip_path

N_CLIPS = 8
"""Enough that the last clip, which one worker does alone, costs little of the whole."""
CLIP_S = 4.0
TINY_COUNTS = (100, 1000, 10_000)
"""Clips of a few bytes, for what the bookkeeping costs."""

Progress = Callable[[str, int, int], None]


def run_batch(
    *, n_clips: int = N_CLIPS, repeats: int = 3, with_ray: bool = True, on_progress: Progress | None = None
) -> BenchmarkResult:
    """Measure scaling, overhead, bookkeeping and memory, and whether bytes depend on who did the work.

    Parameters
    ----------
    n_clips
        Copies of the demo's walk, each its own content, so that none is skipped.
    repeats
        How often one worker, two workers and single runs take turns; ratios are of medians.
    with_ray
        Also on a Ray cluster of two nodes on loopback.

    Raises
    ------
    InputError
        When the demo's clip has not been fetched yet.
    """
    options = RunOptions(Task.EXTRACT)
    notes = [
        "Bookkeeping and memory are of clips of a few bytes, whose work is a function that does nothing.",
        "Single runs are the same function called in one process, one thread a clip, without pool, ledger or tables.",
    ]
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        clips = _copies(folder / "clips", n_clips)
        figures = [*_scaling(folder, clips, options, repeats=repeats, on_progress=on_progress)]
        figures.append(_killed_worker(folder, clips, options))
        if with_ray:
            try:
                figures.append(_ray_bytes(folder, clips))
            except MissingDependencyError as error:
                notes.append(f"Ray is left out: {error}")
        figures += _bookkeeping(folder, on_progress=on_progress)
    return BenchmarkResult(name="batch", figures=tuple(figures), notes=tuple(notes))


def do_nothing(job: Job) -> ClipResult:
    """Stand in for the work, so that what is left is bookkeeping."""
    return ClipResult(_NO_FACTS, job.key.encode(), n_frames=1)


_NO_FACTS = (
    '{"analysed_height_px": 1, "analysed_width_px": 1, "checks": [], "codec": "", "duration_s": 1.0, "exercise": null,'
    ' "filled_share": NaN, "first_timestamp_s": 0.0, "fps": 1.0, "height_px": 1, "index": null, "index_high": NaN,'
    ' "index_low": NaN, "index_raw": NaN, "measured": [], "n_frames": 1, "n_with_person": 1, "removed_share": 0.0,'
    ' "unfamiliar_share": NaN, "width_px": 1}'
)


def do_tiny_clips(folder: Path, n_clips: int) -> tuple[float, float]:
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
        with closing(ProcessPool(do_nothing, n_workers=1)) as pool:
            Runner(ledger, store, folder=out, run="tiny").run(pool)
        store.write_tables(ledger, task=Task.EXTRACT, settings={}, card=None)
    return time.perf_counter() - begun_s, peak_memory_mib() or math.nan


def _copies(folder: Path, n_clips: int) -> Path:
    """Write clips that differ in their bytes and not in their pictures."""
    from backsight.benchmarks.long_clip import write_looped
    from backsight.inputs import parse_clip

    demo = demo_clip_path()
    if not demo.exists():
        raise InputError(f"{demo.name} is not here yet: run `make demo` first")
    folder.mkdir()
    first = folder / "0.mp4"
    write_looped(first, parse_clip(f"{demo}{DEMO_FRAGMENT}").open(), duration_s=CLIP_S)
    content = first.read_bytes()
    for number in range(1, n_clips):
        # A `free` box (ISO/IEC 14496-12) at the end of an MP4 file is skipped by every reader.
        (folder / f"{number}.mp4").write_bytes(content + b"\x00\x00\x00\x0cfree" + number.to_bytes(4, "big"))
    return folder


def _scaling(
    folder: Path, clips: Path, options: RunOptions, *, repeats: int, on_progress: Progress | None
) -> Iterator[Figure]:
    equipment, _ = equip(options)
    sides: dict[str, Callable[[Path], None]] = {
        "single": lambda _: _single_runs(clips, equipment),
        "one": lambda out: _timed_run(clips, out, options, n_workers=1),
        "two": lambda out: _timed_run(clips, out, options, n_workers=2),
    }
    timings: dict[str, list[float]] = {name: [] for name in sides}
    for repeat in range(repeats):
        for done, (name, side) in enumerate(sides.items()):
            if on_progress:
                on_progress("batch: scaling", len(sides) * repeat + done, len(sides) * repeats)
            out = folder / f"{name}-{repeat}"
            begun_s = time.perf_counter()
            side(out)
            timings[name].append(time.perf_counter() - begun_s)
    start_s = statistics.median(_start_up(folder / f"start-{repeat}", options) for repeat in range(repeats))
    single, one, two = (statistics.median(timings[name]) for name in sides)
    n_clips = len(list(clips.iterdir()))
    yield Figure("two_workers_over_one", (one - start_s) / (two - start_s), "ratio", repeats, bar=1.8, better="higher")
    yield Figure("one_worker_over_single_runs", (one - start_s) / single, "ratio", repeats, bar=1.05)
    yield Figure("start_up", start_s, "s", repeats)
    yield Figure("single_run", single / n_clips, "s a clip", repeats)
    same = _tree(folder / "one-0") == _tree(folder / "two-0")
    yield Figure("same_bytes_one_and_two_workers", float(same), "1 = yes", n_clips, bar=1.0, better="higher")


def _single_runs(clips: Path, equipment: Equipment) -> None:
    for number, path in enumerate(sorted(clips.iterdir())):
        do_clip(Job(f"{number:032d}", path, ClipOptions()), equipment)


def _timed_run(clips: Path, out: Path, options: RunOptions, *, n_workers: int) -> None:
    run_wide(str(clips), out, options=options, n_workers=n_workers)


def _start_up(folder: Path, options: RunOptions) -> float:
    """Time a run over one file that is no video: everything that does not depend on the number of clips."""
    folder.mkdir()
    (folder / "none.mp4").write_bytes(b"no video")
    begun_s = time.perf_counter()
    run_wide(str(folder), folder / "out", options=options, n_workers=1)
    return time.perf_counter() - begun_s


def _killed_worker(folder: Path, clips: Path, options: RunOptions) -> Figure:
    """Kill a worker midway; returns the share of clips that are done all the same, with the same bytes."""
    mark = folder / "killed"
    equipment, _ = equip(options)
    summary = run_wide(
        str(clips),
        folder / "with-death",
        options=options,
        n_workers=2,
        work=partial(die_once, equipment=equipment, mark=mark),
    )
    same = mark.exists() and _tree(folder / "with-death") == _tree(folder / "one-0")
    kept = summary.counts.n_done / summary.counts.n_items if same else 0.0
    return Figure("kept_when_a_worker_is_killed", kept, "share", summary.counts.n_items, bar=1.0, better="higher")


def die_once(job: Job, *, equipment: Equipment, mark: Path) -> ClipResult:
    """Kill this process over the clip `3.mp4`, the first time that it comes."""
    if job.path.name == "3.mp4" and not mark.exists():
        mark.touch()
        os._exit(9)
    return do_clip(job, equipment)


def _ray_bytes(folder: Path, clips: Path) -> Figure:
    """Do the clips on two Ray nodes of this machine; in a process of its own, which ray stays in."""
    if importlib.util.find_spec("ray") is None:
        raise MissingDependencyError("ray is not installed: pip install 'backsight[cluster]'")
    out = folder / "ray"
    program = "import sys; from backsight.benchmarks.batch import run_on_two_nodes; run_on_two_nodes(*sys.argv[1:])"
    subprocess.run(
        [sys.executable, "-c", program, str(clips), str(out)], check=True, stdout=subprocess.DEVNULL, timeout=900
    )
    same = _tree(out) == _tree(folder / "one-0")
    return Figure("same_bytes_on_two_ray_nodes", float(same), "1 = yes", 1, bar=1.0, better="higher")


def run_on_two_nodes(source: str, out: str, task: str = Task.EXTRACT.value) -> None:
    """Start a Ray cluster of two nodes on loopback and take a source through it."""
    with two_ray_nodes() as address:
        run_wide(source, Path(out), options=RunOptions(Task(task)), cluster=address)


@contextmanager
def two_ray_nodes() -> Iterator[str]:
    """Start a Ray cluster of two nodes with a core each on loopback; yields its address."""
    from backsight.batch.cluster import LOOPBACK, prepare_environment

    prepare_environment(f"{LOOPBACK}:0")
    from ray.cluster_utils import Cluster

    node: dict[str, Any] = {"num_cpus": 1, "node_ip_address": LOOPBACK}
    cluster: Any = Cluster(initialize_head=True, connect=False, head_node_args={**node, "include_dashboard": False})
    try:
        cluster.add_node(**node)
        yield cluster.address
    finally:
        cluster.shutdown()


def _bookkeeping(folder: Path, *, on_progress: Progress | None) -> Iterator[Figure]:
    program = (
        "import sys; from pathlib import Path; from backsight.benchmarks.batch import do_tiny_clips;"
        "print(*do_tiny_clips(Path(sys.argv[1]), int(sys.argv[2])))"
    )
    costs: dict[int, tuple[float, float]] = {}
    for done, n_clips in enumerate(TINY_COUNTS):
        if on_progress:
            on_progress("batch: bookkeeping", done, len(TINY_COUNTS))
        out = subprocess.run(
            [sys.executable, "-c", program, str(folder / f"tiny-{n_clips}"), str(n_clips)],
            check=True,
            capture_output=True,
            text=True,
        ).stdout.split()
        costs[n_clips] = (float(out[-2]), float(out[-1]))
        yield Figure(f"bookkeeping_{n_clips}_clips", 1000 * costs[n_clips][0] / n_clips, "ms a clip", 1)
        yield Figure(f"peak_memory_{n_clips}_clips", costs[n_clips][1], "MiB", 1)
    fewest, middle, most = TINY_COUNTS
    # From the middle to the largest count, because the smallest is mostly start-up.
    per_clip = (costs[most][0] - costs[middle][0]) / (most - middle)
    before = (costs[middle][0] - costs[fewest][0]) / (middle - fewest)
    yield Figure("bookkeeping_growth", per_clip / before, "ratio", len(TINY_COUNTS), bar=1.5)
    yield Figure("peak_memory_growth", costs[most][1] / costs[fewest][1], "ratio", len(TINY_COUNTS), bar=1.15)


def _tree(out: Path) -> dict[str, bytes]:
    """Return all results by name; the ledger is bookkeeping."""
    return {
        str(path.relative_to(out)): path.read_bytes()
        for path in sorted(out.rglob("*"))
        if path.is_file() and not path.name.startswith(".ledger")
    }
