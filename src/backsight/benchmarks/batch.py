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

from backsight.batch.manifest import Manifest
from backsight.batch.options import RunOptions, Task
from backsight.batch.run import equip, run_wide
from backsight.batch.store import RUN_NAME
from backsight.batch.work import ClipResult, Equipment, Job, do_clip
from backsight.benchmarks.batch_growth import Progress, measure_length, measure_number, measure_resolution
from backsight.benchmarks.figures import BenchmarkResult, Figure
from backsight.benchmarks.long_clip import write_looped
from backsight.domain.recording import Exercise
from backsight.errors import InputError, MissingDependencyError
from backsight.settings import demo_clip_path

N_PEOPLE = 4
CLIP_S = 20.0
"""Recordings of the paper's exercises last 5 to 60 s (section I; `EXERCISE_LIMIT_S`); the middle by ratio is 17 s."""
START_S = 2.0
"""Length of the clips that a start-up is timed with; what their frames cost is taken off."""
GROWTH_REPEATS = 3
DOOMED = "p2-walk.mp4"
"""The clip over which a worker is killed."""


def run_batch(
    *,
    n_people: int = N_PEOPLE,
    clip_s: float = CLIP_S,
    repeats: int = 3,
    with_ray: bool = True,
    on_progress: Progress | None = None,
) -> BenchmarkResult:
    """Measure scaling, overhead, growth and memory, and whether bytes depend on who did the work.

    Parameters
    ----------
    n_people
        Each with a recording of every exercise, which is its own content, so that none is skipped.
    clip_s
        Length of each recording in seconds.
    repeats
        How often one worker, two workers and single runs take turns; ratios are of medians.
    with_ray
        Also on a Ray cluster of two nodes on loopback.

    Raises
    ------
    InputError
        When the demo's real clip has not been fetched yet.
    """
    demo = demo_clip_path()
    if not demo.exists():
        raise InputError(f"{demo.name} is not here yet: run `make demo` first")
    options = RunOptions(Task.ASSESS)
    n_clips = n_people * len(Exercise)
    notes = _notes(n_people=n_people, clip_s=clip_s)
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        manifest = write_people(folder / "people", n_people=n_people, clip_s=clip_s)
        figures = [*_scaling(folder, manifest, options, n_clips=n_clips, repeats=repeats, on_progress=on_progress)]
        figures.append(_killed_worker(folder, manifest, options))
        if with_ray:
            try:
                figures.append(_ray_bytes(folder, manifest, n_clips=n_clips))
            except MissingDependencyError as error:
                notes.append(f"Ray is left out: {error}")
        figures += measure_number(folder, on_progress=on_progress)
        equipment, _ = equip(RunOptions(Task.EXTRACT))
        figures += measure_length(folder / "lengths", demo, equipment, repeats=GROWTH_REPEATS)
        figures += measure_resolution(folder / "sizes", demo, equipment, repeats=GROWTH_REPEATS)
    return BenchmarkResult(name="batch", figures=tuple(figures), notes=tuple(notes))


def _notes(*, n_people: int, clip_s: float) -> list[str]:
    return [
        f"Scaling is of `backsight batch` over {n_people * len(Exercise)} recordings of {clip_s:g} s, 1280 x 720 at 30 "
        f"frames a second: {n_people} people with the bundled session's three exercises, each played to and fro.",
        "Single runs are the same function called in one process that has everything loaded, one thread a clip, "
        "without pool, ledger or tables.",
        "Ratios hold whole runs, from the call to the last table, the start of worker processes included. Those "
        f"`_without_start_up` are less a run with a recording of {START_S:g} s for each worker, of which the time of a "
        "single run is taken off.",
        "Bookkeeping and memory are of clips of a few bytes, whose work is a function that does nothing.",
        "Growth with length and resolution is of single runs of the demo's walk, decoding included; frames above 720p "
        "are decoded whole and then scaled down.",
    ]


def write_people(folder: Path, *, n_people: int, clip_s: float) -> Path:
    """Write a manifest of people with three recordings each, whose bytes differ and whose pictures do not."""
    from backsight.demo.session import session_clips
    from backsight.inputs import parse_clip

    folder.mkdir()
    lines = ["subject,exercise,path"]
    for exercise, recording in session_clips().items():
        first = folder / f"p0-{exercise}.mp4"
        write_looped(first, parse_clip(recording).open(), duration_s=clip_s)
        content = first.read_bytes()
        for number in range(n_people):
            path = folder / f"p{number}-{exercise}.mp4"
            # A `free` box (ISO/IEC 14496-12) at the end of an MP4 file is skipped by every reader.
            path.write_bytes(content + b"\x00\x00\x00\x0cfree" + number.to_bytes(4, "big"))
            lines.append(f"p{number},{exercise},{path.name}")
    manifest = folder / "people.csv"
    manifest.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return manifest


def _scaling(
    folder: Path, manifest: Path, options: RunOptions, *, n_clips: int, repeats: int, on_progress: Progress | None
) -> Iterator[Figure]:
    equipment, _ = equip(options)
    sides: dict[str, Callable[[Path], object]] = {
        "single": lambda _: _single_runs(manifest, equipment),
        "one": lambda out: run_wide(str(manifest), out, options=options, n_workers=1),
        "two": lambda out: run_wide(str(manifest), out, options=options, n_workers=2),
    }
    # What libraries a single run needs are loaded before the clock starts.
    short = write_people(folder / "short", n_people=1, clip_s=START_S)
    _single_runs(short, equipment)
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
    warm_one, warm_two = one - starts_s[0], two - starts_s[1]
    yield Figure("two_workers_over_one", one / two, "ratio", repeats, bar=1.8, better="higher")
    yield Figure("two_workers_over_one_without_start_up", warm_one / warm_two, "ratio", repeats, better="higher")
    yield Figure("one_worker_over_single_runs", one / single, "ratio", repeats, bar=1.05)
    yield Figure("one_worker_over_single_runs_without_start_up", warm_one / single, "ratio", repeats)
    yield Figure("start_up_of_one_worker", starts_s[0], "s", repeats)
    yield Figure("start_up_of_two_workers", starts_s[1], "s", repeats)
    yield Figure("single_run", single / n_clips, "s a clip", repeats)
    same = _tree(folder / "one-0") == _tree(folder / "two-0")
    yield Figure("same_bytes_one_and_two_workers", float(same), "1 = yes", n_clips, bar=1.0, better="higher")


def _single_runs(manifest: Path, equipment: Equipment) -> None:
    for row in Manifest(str(manifest), needs_subject=True):
        do_clip(Job(f"{row.number:032d}", Path(row.found.location), row.clip), equipment)


def _start_up(folder: Path, equipment: Equipment, n_workers: int) -> float:
    """Time a run over a short clip for each worker, less that clip: everything that does not depend on their number.

    The clips are real ones, because workers load decoder, engine and model only for those.
    """
    folder.mkdir()
    people = write_people(folder / "people", n_people=n_workers, clip_s=START_S)
    header, *rows = people.read_text(encoding="utf-8").splitlines()
    # One exercise each: a worker does one clip.
    people.write_text("\n".join([header, *rows[:n_workers]]) + "\n", encoding="utf-8")
    begun_s = time.perf_counter()
    run_wide(str(people), folder / "out", options=equipment.options, n_workers=n_workers)
    took_s = time.perf_counter() - begun_s
    (first, *_) = Manifest(str(people), needs_subject=True)
    begun_s = time.perf_counter()
    do_clip(Job("0" * 32, Path(first.found.location), first.clip), equipment)
    return took_s - (time.perf_counter() - begun_s)


def _killed_worker(folder: Path, manifest: Path, options: RunOptions) -> Figure:
    """Kill a worker midway; returns the share of clips that are done all the same, with the same bytes."""
    mark = folder / "killed"
    equipment, _ = equip(options)
    summary = run_wide(
        str(manifest),
        folder / "with-death",
        options=options,
        n_workers=2,
        work=partial(die_once, equipment=equipment, mark=mark),
    )
    same = mark.exists() and _tree(folder / "with-death") == _tree(folder / "one-0")
    kept = summary.counts.n_done / summary.counts.n_items if same else 0.0
    return Figure("kept_when_a_worker_is_killed", kept, "share", summary.counts.n_items, bar=1.0, better="higher")


def die_once(job: Job, *, equipment: Equipment, mark: Path) -> ClipResult:
    """Kill this process over the clip `DOOMED`, the first time that it comes."""
    if job.path.name == DOOMED and not mark.exists():
        mark.touch()
        os._exit(9)
    return do_clip(job, equipment)


def _ray_bytes(folder: Path, manifest: Path, *, n_clips: int) -> Figure:
    """Do the clips on two Ray nodes of this machine; in a process of its own, which ray stays in."""
    if importlib.util.find_spec("ray") is None:
        raise MissingDependencyError("ray is not installed: pip install 'backsight[cluster]'")
    out = folder / "ray"
    program = "import sys; from backsight.benchmarks.batch import run_on_two_nodes; run_on_two_nodes(*sys.argv[1:])"
    words = [str(manifest), str(out), Task.ASSESS.value]
    subprocess.run([sys.executable, "-c", program, *words], check=True, stdout=subprocess.DEVNULL, timeout=900)
    same = _tree(out) == _tree(folder / "one-0")
    return Figure("same_bytes_on_two_ray_nodes", float(same), "1 = yes", n_clips, bar=1.0, better="higher")


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
