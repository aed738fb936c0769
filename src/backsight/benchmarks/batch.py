"""`backsight benchmark batch`: what many clips at once cost beside one after the other, on this machine, in one run."""

from __future__ import annotations

import importlib.util
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from backsight.batch.options import ClipOptions, RunOptions, Task
from backsight.batch.run import equip, run_wide
from backsight.batch.store import RUN_NAME
from backsight.batch.work import ClipResult, Equipment, Job, do_clip
from backsight.benchmarks.batch_growth import Progress, measure_length, measure_number, measure_resolution
from backsight.benchmarks.figures import BenchmarkResult, Figure
from backsight.benchmarks.road import DEMO_FRAGMENT
from backsight.errors import InputError, MissingDependencyError
from backsight.settings import demo_clip_path

N_CLIPS = 8
"""Enough that the last clip, which one worker does alone, costs little of the whole."""
CLIP_S = 4.0
START_S = 1.0
"""Length of the clips that a start-up is timed with; what their frames cost is taken off."""
GROWTH_REPEATS = 3


def run_batch(
    *, n_clips: int = N_CLIPS, repeats: int = 3, with_ray: bool = True, on_progress: Progress | None = None
) -> BenchmarkResult:
    """Measure scaling, overhead, growth and memory, and whether bytes depend on who did the work.

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
        "Start-up is a run with a clip of 1 s for each worker, less a single run of one; it is taken off before "
        "runs are compared.",
        "Growth with length and resolution is of single runs of the demo's walk, decoding included; frames above 720p "
        "are decoded whole and then scaled down.",
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
        figures += measure_number(folder, on_progress=on_progress)
        equipment, _ = equip(options)
        demo = demo_clip_path()
        figures += measure_length(folder / "lengths", demo, equipment, repeats=GROWTH_REPEATS)
        figures += measure_resolution(folder / "sizes", demo, equipment, repeats=GROWTH_REPEATS)
    return BenchmarkResult(name="batch", figures=tuple(figures), notes=tuple(notes))


def _copies(folder: Path, n_clips: int, *, clip_s: float = CLIP_S) -> Path:
    """Write clips that differ in their bytes and not in their pictures."""
    from backsight.benchmarks.long_clip import write_looped
    from backsight.inputs import parse_clip

    demo = demo_clip_path()
    if not demo.exists():
        raise InputError(f"{demo.name} is not here yet: run `make demo` first")
    folder.mkdir()
    first = folder / "0.mp4"
    write_looped(first, parse_clip(f"{demo}{DEMO_FRAGMENT}").open(), duration_s=clip_s)
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
    starts_s = [
        statistics.median(
            _start_up(folder / f"start-{n_workers}-{repeat}", equipment, n_workers) for repeat in range(repeats)
        )
        for n_workers in (1, 2)
    ]
    single, one, two = (statistics.median(timings[name]) for name in sides)
    n_clips = len(list(clips.iterdir()))
    yield Figure(
        "two_workers_over_one", (one - starts_s[0]) / (two - starts_s[1]), "ratio", repeats, bar=1.8, better="higher"
    )
    yield Figure("one_worker_over_single_runs", (one - starts_s[0]) / single, "ratio", repeats, bar=1.05)
    yield Figure("start_up", starts_s[0], "s", repeats)
    yield Figure("start_up_two_workers", starts_s[1], "s", repeats)
    yield Figure("single_run", single / n_clips, "s a clip", repeats)
    same = _tree(folder / "one-0") == _tree(folder / "two-0")
    yield Figure("same_bytes_one_and_two_workers", float(same), "1 = yes", n_clips, bar=1.0, better="higher")


def _single_runs(clips: Path, equipment: Equipment) -> None:
    for number, path in enumerate(sorted(clips.iterdir())):
        do_clip(Job(f"{number:032d}", path, ClipOptions()), equipment)


def _timed_run(clips: Path, out: Path, options: RunOptions, *, n_workers: int) -> None:
    run_wide(str(clips), out, options=options, n_workers=n_workers)


def _start_up(folder: Path, equipment: Equipment, n_workers: int) -> float:
    """Time a run over a short clip for each worker, less that clip: everything that does not depend on their number.

    The clips are real ones, because workers load decoder and engine only for those.
    """
    clips = _copies(folder, n_workers, clip_s=START_S)
    begun_s = time.perf_counter()
    run_wide(str(clips), folder / "out", options=equipment.options, n_workers=n_workers)
    ended_s = time.perf_counter()
    do_clip(Job("0" * 32, clips / "0.mp4", ClipOptions()), equipment)
    return 2 * ended_s - begun_s - time.perf_counter()


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


def _tree(out: Path) -> dict[str, bytes]:
    """Return all results by name; the ledger is bookkeeping, and so is what the last run did."""
    return {
        str(path.relative_to(out)): path.read_bytes()
        for path in sorted(out.rglob("*"))
        if path.is_file() and path.name != RUN_NAME and not path.name.startswith(".ledger")
    }
