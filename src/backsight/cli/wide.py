"""`backsight extract` and `backsight batch`: many recordings at once."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from backsight.batch.options import RunOptions, Task
from backsight.cli.assessing_options import LooksWithOption, ModelOption
from backsight.cli.clip_progress import clip_progress
from backsight.cli.exit_codes import ExitCode
from backsight.cli.interruption import Interruption, noticing
from backsight.pose.engines import PoseEngine
from backsight.pose.weights import PoseModel

if TYPE_CHECKING:
    from backsight.batch.run import Summary
    from backsight.batch.runner import OnProgress, Progress


class Machines(StrEnum):
    """Where clips are worked on."""

    LOCAL = "local"
    RAY = "ray"


_Out = Annotated[Path, typer.Option("--out", "-o", help="Folder to fill; an interrupted run goes on there.")]
_PoseModel = Annotated[PoseModel, typer.Option(help="BlazePose model: lite is the fastest, heavy the most precise.")]
_Engine = Annotated[PoseEngine, typer.Option(help="What runs BlazePose; auto = the fastest that is installed.")]
_FollowLargest = Annotated[
    bool, typer.Option("--follow-largest", help="Accept other people in view: follow the largest, most central one.")
]
_Workers = Annotated[int | None, typer.Option(min=1, help="Clips at once, each on one core; all cores when not given.")]
_Machines = Annotated[
    Machines, typer.Option("--engine-cluster", help="local = this machine; ray = a Ray cluster (extra `cluster`).")
]
_Address = Annotated[
    str, typer.Option(help="Of the Ray cluster: auto = the one that runs on this machine, local, or HOST:PORT.")
]
_ClipTimeout = Annotated[
    float | None,
    typer.Option(
        min=1,
        metavar="SECONDS",
        help="Give a clip up after so long; 600 s and 20 s for each of its seconds when not given.",
    ),
]
_Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="No progress bar.")]


def extract(
    source: Annotated[
        str, typer.Argument(help="A folder, a glob, a manifest (.csv, .parquet), a recording, or a URL of one.")
    ],
    out: _Out,
    pose_model: _PoseModel = PoseModel.LITE,
    engine: _Engine = PoseEngine.AUTO,
    follow_largest: _FollowLargest = False,
    workers: _Workers = None,
    engine_cluster: _Machines = Machines.LOCAL,
    address: _Address = "auto",
    clip_timeout: _ClipTimeout = None,
    quiet: _Quiet = False,
) -> None:
    """Find BlazePose's landmarks in many recordings, and judge the quality of each.

    backsight extract recordings/ --out landmarks

    Run it again after an interruption: finished clips are skipped. Exit code 5: some clips failed, the others are done.
    """
    options = RunOptions(Task.EXTRACT, pose_model=pose_model.value, engine=engine.value, follow_largest=follow_largest)
    cluster = _cluster(engine_cluster, address)
    _run(source, out, options, workers=workers, cluster=cluster, clip_timeout=clip_timeout, quiet=quiet)


def batch(
    manifest: Annotated[
        str, typer.Argument(help="A table (.csv, .parquet) with columns subject, exercise, path; a file or a URL.")
    ],
    out: _Out,
    pose_model: LooksWithOption = None,
    engine: _Engine = PoseEngine.AUTO,
    model: ModelOption = "kinematic",
    follow_largest: _FollowLargest = False,
    workers: _Workers = None,
    engine_cluster: _Machines = Machines.LOCAL,
    address: _Address = "auto",
    clip_timeout: _ClipTimeout = None,
    quiet: _Quiet = False,
) -> None:
    """Assess many people: a row a recording goes in, a row a clip, measure and session comes out.

    backsight batch people.csv --out assessments

    Run it again after an interruption: finished clips are skipped. Exit code 5: some clips failed, the others are done.
    This is not a diagnosis.
    """
    from backsight.openers import pose_model_for

    looks_with = pose_model_for(model) if pose_model is None else pose_model.value
    options = RunOptions(
        Task.ASSESS, pose_model=looks_with, engine=engine.value, model=model, follow_largest=follow_largest
    )
    cluster = _cluster(engine_cluster, address)
    _run(manifest, out, options, workers=workers, cluster=cluster, clip_timeout=clip_timeout, quiet=quiet)


def _cluster(machines: Machines, address: str) -> str | None:
    if machines is Machines.RAY:
        return address
    if address != "auto":
        raise typer.BadParameter("--address goes with --engine-cluster ray")
    return None


def _run(
    source: str,
    out: Path,
    options: RunOptions,
    *,
    workers: int | None,
    cluster: str | None,
    clip_timeout: float | None,
    quiet: bool,
) -> None:
    from backsight.batch.limits import TimeLimit
    from backsight.batch.run import run_wide

    last: list[Progress] = []
    try:
        with noticing() as interruption, clip_progress(quiet=quiet) as show:
            summary = run_wide(
                source,
                out,
                options=options,
                n_workers=workers,
                cluster=cluster,
                time_limit=TimeLimit(clip_timeout),
                on_note=lambda note: typer.echo(f"Note: {note}"),
                on_progress=_remembering(last, show, interruption),
            )
    except (KeyboardInterrupt, SystemExit):
        done = f"{last[0].n_done} of {last[0].n_items} clips are done" if last else "nothing is done yet"
        typer.echo(f"backsight: {done}; run the same command again to go on", err=True)
        raise
    _print_summary(summary, out)
    counts = summary.counts
    if counts.n_failed:
        raise typer.Exit(ExitCode.PARTIAL if counts.n_done else ExitCode.FAILED)


def _remembering(last: list[Progress], show: OnProgress | None, interruption: Interruption) -> OnProgress:
    def remember(progress: Progress) -> None:
        last[:] = [progress]
        interruption.check()
        if show is not None:
            show(progress)

    return remember


def _print_summary(summary: Summary, out: Path) -> None:
    from backsight.domain.assessment import NO_DIAGNOSIS

    counts = summary.counts
    typer.echo(f"{_outcome_line(summary)}: {out}")
    for _, reason in summary.failures:
        typer.echo(f"  failed: {reason}")
    if counts.n_failed > len(summary.failures):
        typer.echo(f"  and {counts.n_failed - len(summary.failures)} more: see `reason` in {out / 'clips.parquet'}")
    typer.echo(NO_DIAGNOSIS)


def _outcome_line(summary: Summary) -> str:
    """Say what became of all: `43 clips: 10 done now, 2 the same as one of those, 30 already there, 1 failed`."""
    counts = summary.counts
    parts = [f"{summary.n_done_now} done now"]
    if summary.n_repeated:
        parts.append(f"{summary.n_repeated} the same as one of those")
    if summary.n_already_there:
        parts.append(f"{summary.n_already_there} already there")
    parts.append(f"{counts.n_failed} failed")
    line = f"{counts.n_items} clip{'' if counts.n_items == 1 else 's'}: {', '.join(parts)}"
    if not summary.n_unusable:
        return line
    verb = "is" if summary.n_unusable == 1 else "are"
    return f"{line}; {summary.n_unusable} of those done {verb} unusable"
