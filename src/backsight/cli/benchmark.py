"""`backsight benchmark`: measure this machine or the measures themselves, and print a table of figures."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from backsight.cli.benchmark_runs import ENTRIES, Benchmark, Choices, Judging, Recordings, Server, Volunteers
from backsight.cli.exit_codes import ExitCode
from backsight.cli.given import command_for_others, given_options, refuse
from backsight.cli.interruption import resumable
from backsight.cli.markdown import echo_markdown
from backsight.cli.progress import progress_bar

OF_ALL = frozenset({"context", "name", "json_file", "quiet"})
"""Parameters that every benchmark takes."""
_KEPT_IN = frozenset({"work", "cohort"})
"""Parameters that name a folder of what is finished."""

_Clips = Annotated[
    list[str] | None,
    typer.Argument(
        help="pose: recordings to run on, the first of one person; #t= and &xywh= allowed; default the demo's."
    ),
]
_Clip = Annotated[
    str | None,
    typer.Option(
        help="road, live: recording to run on, #t= and &xywh= allowed; default the demo's walking clip, or the walk of "
        "the session that ships."
    ),
]
_Repeats = Annotated[
    int, typer.Option(min=1, help="road, batch: how often each timing is taken; the ratios are of medians.")
]
_Seconds = Annotated[
    float | None,
    typer.Option(min=1, help="live: how long to watch, default 60. study: how long everybody records, default 30."),
]
_Participants = Annotated[int, typer.Option(min=1, max=1000, help="study: how many record at once.")]
_Database = Annotated[
    str | None,
    typer.Option(metavar="URL", help="study: an empty database, which is filled; default SQLite, thrown away."),
]
_Subjects = Annotated[
    int,
    typer.Option(
        min=1,
        help="measures, index: how many virtual volunteers, held out of calibration. raw-image: how many of --cohort "
        "at most.",
    ),
]
_First = Annotated[
    int,
    typer.Option(
        "--from",
        min=0,
        metavar="NUMBER",
        help="measures, index: the first volunteer's number; rules were chosen in sight of those before 18.",
    ),
]
_Spoilt = Annotated[
    int, typer.Option(min=0, help="measures: how many other volunteers are filmed with every kind of fault.")
]
_Cohort = Annotated[
    Path | None,
    typer.Option(
        help="measures, index: folder of filmed volunteers, filled where it is not; default your cache folder. "
        "raw-image, shipped: the same, already filled; default the volunteers that calibration is fitted to."
    ),
]
_Workers = Annotated[
    int, typer.Option(min=1, help="measures, index: processes that film. study: processes that answer.")
]
_Data = Annotated[
    Path | None,
    typer.Option(
        help="agreement: folder of keraal_SUBJECT.npz. kimore: of kimore_EXERCISE.npz and kimore_clips.csv. "
        "uiprmd: of uiprmd_kinect_MOVEMENT.npz. tables: as kimore, or a study of your own."
    ),
]
_Learners = Annotated[
    list[str] | None,
    typer.Option(help="kimore, uiprmd, shipped: which learner to judge; again for more; default all there are."),
]
_Folds = Annotated[
    int,
    typer.Option(
        min=2, help="kimore, tables, raw-image, shipped: folds by person. uiprmd: folds of the split that leaks."
    ),
]
_Seeds = Annotated[
    int,
    typer.Option(
        min=1, help="kimore, uiprmd, tables, raw-image, shipped: how often folds are drawn and learners fitted."
    ),
]
_Curve = Annotated[bool, typer.Option("--learning-curve", help="kimore, index: also learn from fewer people.")]
_Work = Annotated[
    Path | None,
    typer.Option(
        help="kimore, uiprmd, tables, raw-image, shipped: folder of finished folds, with which an interrupted run goes "
        "on; default your cache folder."
    ),
]
_Videos = Annotated[Path | None, typer.Option(help="agreement: folder of keraal_KEY.avi.")]
_Frames = Annotated[
    list[int] | None,
    typer.Option(
        min=2,
        help="pose: frames taken of each recording, default 120. tables: lengths to compare, default 100 and 500.",
    ),
]
_Tables = Annotated[
    list[str] | None, typer.Option(help="tables: table-2, ablation or steps; again for more; default all.")
]
_Model = Annotated[Path | None, typer.Option(help="index: checkpoint to judge; default the model that ships.")]
_PoseModels = Annotated[
    list[str] | None,
    typer.Option(
        help="measures, agreement, pose: lite, full or heavy; again for more; default full, for pose all. index, "
        "raw-image, shipped: one of them; default full."
    ),
]
_Plots = Annotated[Path | None, typer.Option(help="measures, agreement: folder for Bland-Altman plots (SVG).")]
_JsonFile = Annotated[Path | None, typer.Option("--json", help="Also write the figures to this file.")]


def benchmark(
    context: typer.Context,
    name: Annotated[Benchmark, typer.Argument(help="Which benchmark to run.")],
    clips: _Clips = None,
    clip: _Clip = None,
    repeats: _Repeats = 5,
    seconds: _Seconds = None,
    participants: _Participants = 50,
    database: _Database = None,
    subjects: _Subjects = 60,
    first: _First = 18,
    spoilt: _Spoilt = 8,
    cohort: _Cohort = None,
    workers: _Workers = 1,
    data: _Data = None,
    learner: _Learners = None,
    folds: _Folds = 5,
    seeds: _Seeds = 3,
    learning_curve: _Curve = False,
    work: _Work = None,
    videos: _Videos = None,
    frames: _Frames = None,
    table: _Tables = None,
    model: _Model = None,
    pose_model: _PoseModels = None,
    plots: _Plots = None,
    json_file: _JsonFile = None,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No progress bar.")] = False,
) -> None:
    """Measure, print a table, and exit with 4 when a bar is missed."""
    _refuse_ignored(context, name)
    chosen = Choices(
        recordings=Recordings(clips or [], clip, repeats, seconds, frames or [], pose_model or []),
        volunteers=Volunteers(subjects, first, spoilt, cohort),
        judging=Judging(data, videos, learner or [], table or [], folds, seeds, learning_curve, work, model),
        server=Server(participants, database),
        workers=workers,
    )
    if not _measure(name, chosen, json_file=json_file, plots=plots, quiet=quiet):
        raise typer.Exit(ExitCode.BAR_MISSED)


def _refuse_ignored(context: typer.Context, name: Benchmark) -> None:
    """Raise when an option is given that the named benchmark does not look at."""
    uses = ENTRIES[name].uses
    options = given_options(context, also=uses)
    taken = (
        ", ".join(sorted(option for parameter, option in options.items() if parameter in uses))
        or "no options of its own"
    )
    refuse(context, set(options) - uses - OF_ALL, f"not used by `backsight benchmark {name}`, which takes {taken}")


def _measure(name: Benchmark, chosen: Choices, *, json_file: Path | None, plots: Path | None, quiet: bool) -> bool:
    """Run a benchmark, write and print what it found; return whether it missed no bar."""
    from backsight.benchmarks.bland_altman import check_drawable, draw_plots
    from backsight.benchmarks.figures import check_writable, print_table, write_figures

    # Hours lie between here and the end.
    if json_file is not None:
        check_writable(json_file)
    if plots is not None:
        check_drawable(plots)
    entry = ENTRIES[name]
    keeps = bool(entry.uses & _KEPT_IN)
    with resumable(keeps=keeps) as interruption, progress_bar(quiet=quiet) as show:
        result = replace(entry.run(chosen, interruption.watching(show)), command=command_for_others())
    if json_file is not None:
        write_figures(json_file, result)
    if entry.lines is not None:
        echo_markdown(entry.lines(result))
    print_table(result)
    if plots is not None:
        draw_plots(plots, result.plots)
    return all(figure.met is not False for figure in result.figures)
