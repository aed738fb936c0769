"""`backsight assess` and `backsight schema`."""

from __future__ import annotations

import math
import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from backsight.cli.assessing_options import LooksWithOption, ModelOption
from backsight.cli.exit_codes import ExitCode
from backsight.cli.history import open_record
from backsight.cli.interruption import noticing
from backsight.cli.progress import progress_bar
from backsight.domain.assessment import RED_FLAG_ABOVE, verdict_of
from backsight.domain.recording import EXERCISE_LIMIT_S, HEIGHT_RANGE_M, Exercise
from backsight.errors import InputError
from backsight.inputs import parse_exercise
from backsight.pose.engines import PoseEngine
from backsight.reporting.wording import (
    COMPARISONS,
    ERROR_MEANING,
    compare,
    describe_landmarks,
    format_interval,
    format_measured,
    format_norm,
    format_score,
)

if TYPE_CHECKING:
    from backsight.domain.assessment import Assessment, ExerciseAssessment, Measurement
    from backsight.inputs import Input


def read_exercise(text: str) -> Exercise:
    """Read an option's exercise."""
    try:
        return parse_exercise(text)
    except InputError as error:
        raise typer.BadParameter(str(error)) from error


EXERCISE_METAVAR = "|".join(Exercise)


def assess(
    video: Annotated[
        str | None,
        typer.Argument(help="A video file, or camera:0 to record now. For a session use the three options instead."),
    ] = None,
    exercise: Annotated[
        Exercise | None,
        typer.Option(parser=read_exercise, metavar=EXERCISE_METAVAR, help="What the person does in VIDEO."),
    ] = None,
    touch_toes: Annotated[str | None, typer.Option(help="Session: recording of touching the toes.")] = None,
    walk: Annotated[str | None, typer.Option(help="Session: recording of the 2 m walk.")] = None,
    jump: Annotated[str | None, typer.Option(help="Session: recording of the jump.")] = None,
    start: Annotated[
        str | None, typer.Option(help="Where the exercise begins in VIDEO: 12.5, 1:02.5 or a frame, 48f.")
    ] = None,
    end: Annotated[
        str | None,
        typer.Option(help="Where it ends, written like --start; for a camera the seconds to record."),
    ] = None,
    crop: Annotated[
        str | None, typer.Option(help="Part of the picture to look at, X,Y,WIDTH,HEIGHT in pixels of VIDEO.")
    ] = None,
    out: Annotated[Path | None, typer.Option("--out", "-o", help="Folder to write; default: backsight-NAME.")] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace an earlier assessment there.")] = False,
    overlay: Annotated[bool, typer.Option(help="Draw the skeleton on the video and put it into the report.")] = True,
    follow_largest: Annotated[
        bool,
        typer.Option("--follow-largest", help="Accept other people in view: follow the largest, most central one."),
    ] = False,
    height: Annotated[
        float | None,
        typer.Option(
            metavar="CM", help="Standing height in centimetres: lengths and speeds are then in true centimetres."
        ),
    ] = None,
    pose_model: LooksWithOption = None,
    engine: Annotated[
        PoseEngine,
        typer.Option(help="What runs BlazePose: openvino is the fastest; auto takes it where it is installed."),
    ] = PoseEngine.AUTO,
    model: ModelOption = "kinematic",
    as_json: Annotated[bool, typer.Option("--json", help="Print assessment.json instead of the table.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No progress bar.")] = False,
    subject: Annotated[
        str | None,
        typer.Option(metavar="ID", help="Record landmarks and assessment of this person; see `backsight history`."),
    ] = None,
) -> None:
    """Assess a recording or a session and write a report.

    A session has up to three recordings, one an exercise.

    One recording:  backsight assess walk.mp4 --exercise walk

    A session:      backsight assess --touch-toes a.mp4 --walk b.mp4 --jump c.mp4

    A session's files can name their part: 'b.mp4#t=1.6,6.0&xywh=0,470,1560,524', and its cameras how long they
    record: 'camera:0#t=0,8'

    Exit code 0: assessed; 1: bad input; 2: wrong words; 3: recording unusable, report says why; 130: interrupted.
    This is not a diagnosis.
    """
    from backsight.composition import assess_to_folder
    from backsight.inputs import Clip

    inputs = _inputs(
        video,
        exercise,
        {Exercise.TOUCH_TOES: touch_toes, Exercise.WALK: walk, Exercise.JUMP: jump},
        start=start,
        end=end,
        crop=crop,
    )
    height_m = parse_height_m(height)
    folder = out if out is not None else Path(f"backsight-{_name(inputs)}")
    record = open_record(subject, {name: given.path for name, given in inputs.items() if isinstance(given, Clip)})
    with noticing() as interruption, progress_bar(quiet=quiet or as_json) as show:
        assessment = assess_to_folder(
            inputs,
            folder,
            overwrite=overwrite,
            overlay=overlay,
            pose_model=pose_model,
            engine=engine,
            model=model,
            follow_largest=follow_largest,
            height_m=height_m,
            on_progress=interruption.watching(show),
        )
    if as_json:
        typer.echo((folder / "assessment.json").read_text(encoding="utf-8"), nl=False)
    else:
        _print_table(assessment, folder)
    record(assessment, quiet=as_json)
    if assessment.index is None:
        # The table has said why already; who reads JSON has it in there, and one line of it here.
        why = assessment.reason if as_json else "no recording was good enough for an index; the reasons stand above."
        typer.echo(f"backsight: unusable: {why} The report is in {folder}", err=True)
        raise typer.Exit(ExitCode.UNUSABLE)


def schema() -> None:
    """Print the JSON Schema of assessment.json."""
    from backsight.exports.json_file import SCHEMA_PATH

    typer.echo(SCHEMA_PATH.read_text(encoding="utf-8"), nl=False)


def _inputs(
    video: str | None,
    exercise: Exercise | None,
    session: dict[Exercise, str | None],
    *,
    start: str | None,
    end: str | None,
    crop: str | None,
) -> dict[Exercise, Input]:
    from backsight.inputs import parse_input

    given = {name: text for name, text in session.items() if text is not None}
    if (video is None) == (not given):
        raise typer.BadParameter(
            "name one VIDEO with --exercise, or a session with --touch-toes, --walk and --jump (one to three of them)"
        )
    if video is None:
        if any(option is not None for option in (exercise, start, end, crop)):
            raise typer.BadParameter(
                "--exercise, --start, --end and --crop go with a single VIDEO; "
                "in a session write the part behind the file name: walk.mp4#t=1.6,6.0&xywh=0,470,1560,524"
            )
        return {name: parse_input(text) for name, text in given.items()}
    if exercise is None:
        raise typer.BadParameter("say what the person does: --exercise touch-toes, walk or jump")
    return {exercise: _with_part(parse_input(video), start=start, end=end, crop=crop)}


def parse_height_m(height_cm: float | None) -> float | None:
    """Read `--height`: centimetres into metres."""
    if height_cm is None:
        return None
    shortest_cm, tallest_cm = (100 * limit for limit in HEIGHT_RANGE_M)
    # Written so that NaN is refused as well.
    if not shortest_cm <= height_cm <= tallest_cm:
        raise typer.BadParameter(
            f"--height is the standing height in centimetres, {shortest_cm:.0f} to {tallest_cm:.0f}, got {height_cm:g}"
        )
    return height_cm / 100


def _with_part(given: Input, *, start: str | None, end: str | None, crop: str | None) -> Input:
    """Return the input with the part that the options name; an option that is there but empty is a mistake, said."""
    from backsight.inputs import Clip, LiveCamera
    from backsight.video.reader import parse_crop, parse_position

    if isinstance(given, Clip):
        return Clip(
            given.path,
            start=given.start if start is None else parse_position(start),
            end=given.end if end is None else parse_position(end),
            crop=given.crop if crop is None else parse_crop(crop),
        )
    if start is not None or crop is not None:
        raise typer.BadParameter("--start and --crop go with a file; a camera records from now on, until --end")
    if end is None:
        return given
    seconds = parse_position(end).seconds
    if seconds is None or not 0 < seconds <= EXERCISE_LIMIT_S:
        raise typer.BadParameter(f"--end of a camera is the seconds to record, 1 to {EXERCISE_LIMIT_S:.0f}, got {end}")
    return LiveCamera(given.name, duration_s=seconds)


def _name(inputs: dict[Exercise, Input]) -> str:
    from backsight.inputs import Clip

    if len(inputs) > 1:
        return "session"
    (given,) = inputs.values()
    return given.path.stem if isinstance(given, Clip) else re.sub(r"[^\w.-]+", "-", given.name)


def _print_table(assessment: Assessment, folder: Path) -> None:
    from rich.console import Console
    from rich.table import Table

    from backsight.domain.assessment import NO_DIAGNOSIS

    # No markup: file names and findings may hold square brackets.
    console = Console(highlight=False, markup=False, soft_wrap=True)
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in ("", "value", "usual", "verdict"):
        table.add_column(column, overflow="fold")
    for part in assessment.exercises:
        table.add_row(part.exercise.label, "", "", f"quality {part.quality.verdict}", style="bold")
        for row in _rows(part):
            table.add_row(*row)
    console.print(table, soft_wrap=False)
    if any(part.measurements for part in assessment.exercises):
        console.print(ERROR_MEANING)
    for part in assessment.exercises:
        for note, labels in _why_not_measured(part).items():
            console.print(f"  Not measured: {'; '.join(labels)}. {note}")
        for problem in part.quality.problems:
            console.print(f"  {part.exercise.label}, {problem.verdict}: {problem.finding}. {problem.tip}")
    if assessment.index is not None:
        around = format_interval(assessment.interval) or "no interval known"
        console.print(
            f"\nSpinal health index {assessment.index:.2f}, {around}, 0 best, 1 worst: {assessment.verdict}",
            style="bold",
        )
        if score := format_score(assessment.index, assessment.interval, assessment.model.score_scale):
            console.print(f"The model's score: {score}")
        console.print(assessment.reason)
    else:
        console.print("\nNo spinal health index: no recording was good enough for one.", style="bold")
    for note in assessment.notes:
        console.print(note)
    console.print(f"Landmarks: {describe_landmarks(assessment)}")
    console.print(f"Model: {assessment.model.name} {assessment.model.version}. {assessment.model.headline}")
    console.print(NO_DIAGNOSIS)
    console.print(f"Report: {folder / 'report.html'}")


def _rows(part: ExerciseAssessment) -> list[tuple[str, str, str, str]]:
    rows = []
    if part.index is not None:
        verdict = "–" if part.interval is None else verdict_of(part.index, part.interval)
        rows.append(("  index", f"{part.index:.2f}", f"up to {RED_FLAG_ABOVE:.2f}", verdict))
    for sub in part.sub_indices:
        known = not math.isnan(sub.value)
        value = f"{sub.value:.2f} ({_value(sub.measurement)})" if known else "not measured"
        rows.append((f"  {sub.label} (sub-index)", value, _norm(sub.measurement), sub.verdict))
    rows += [(f"  {item.label}", _value(item), _norm(item), _compared(item)) for item in part.measurements]
    return rows


def _why_not_measured(part: ExerciseAssessment) -> dict[str, list[str]]:
    """Return each reason with what it keeps from being measured, so that a reason shared by many is said once."""
    reasons: dict[str, list[str]] = {}
    for item in (*part.measurements, *(sub.measurement for sub in part.sub_indices)):
        labels = reasons.setdefault(item.note, [])
        if math.isnan(item.value) and item.label not in labels:
            labels.append(item.label)
    return {note: labels for note, labels in reasons.items() if note and labels}


def _value(item: Measurement) -> str:
    return "not measured" if math.isnan(item.value) else format_measured(item.value, item.unit, error=item.error)


def _compared(item: Measurement) -> str:
    """Return where a value lies against the usual range; a dash where there is no value or no range."""
    words, _ = COMPARISONS["" if item.norm is None else compare(item.value, item.norm, error=item.error)]
    return words or "–"


def _norm(item: Measurement) -> str:
    if item.norm is None:
        return ""
    return format_norm(item.norm, item.unit) + (" (provisional)" if item.norm.is_provisional else "")
