"""`backsight live`: guidance, hints and the index so far, while the person moves."""

from __future__ import annotations

import math
import os
import sys
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from backsight.cli.assess import EXERCISE_METAVAR, parse_height_m, read_exercise
from backsight.cli.assessing_options import LooksWithOption, ModelOption
from backsight.cli.progress import progress_bar
from backsight.domain.assessment import NO_DIAGNOSIS
from backsight.domain.recording import CAMERA_PREFIX, EXERCISE_LIMIT_S, Exercise
from backsight.pose.engines import PoseEngine
from backsight.pose.weights import PoseModel

if TYPE_CHECKING:
    from backsight.inputs import Clip, LiveCamera


def live(
    camera: Annotated[
        str | None, typer.Option(metavar="N", help="Which camera: 0, 1, ... or a device's name; default 0.")
    ] = None,
    video: Annotated[
        str | None, typer.Option(help="Play a video file like a camera instead; #t= and &xywh= allowed.")
    ] = None,
    exercise: Annotated[
        Exercise | None,
        typer.Option(
            parser=read_exercise,
            metavar=EXERCISE_METAVAR,
            help="Exercise to begin with; without a window: the one that is done from the first frame on.",
        ),
    ] = None,
    seconds: Annotated[
        float, typer.Option(min=1, max=EXERCISE_LIMIT_S, help="An exercise ends by itself after so many seconds.")
    ] = 8.0,
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="Folder to save into; default: backsight-live-DATE-TIME.")
    ] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace an earlier assessment there.")] = False,
    follow_largest: Annotated[
        bool,
        typer.Option("--follow-largest", help="Saving: accept other people in view, follow the largest one."),
    ] = False,
    height: Annotated[
        float | None, typer.Option(metavar="CM", help="Saving: standing height in centimetres, for true lengths.")
    ] = None,
    pose_model: LooksWithOption = None,
    engine: Annotated[PoseEngine, typer.Option(help="What runs it; auto takes the fastest.")] = PoseEngine.AUTO,
    model: ModelOption = "kinematic",
    window: Annotated[bool, typer.Option(help="Show a window, or print.")] = True,
    as_json: Annotated[bool, typer.Option("--json", help="With --no-window: print one JSON line a frame.")] = False,
    stop_after: Annotated[
        float | None, typer.Option(min=0.1, help="Stop by itself so many seconds after the first picture.")
    ] = None,
) -> None:
    """Guide a person in front of a camera, and assess them meanwhile.

    Shows what the camera sees, what to do next and the index so far; records, and saves an assessment.

    The live index is a preview. What `s` saves is assessed like a recording by `backsight assess`, and is the result.

    In the window: space tries the exercise, r records it, s saves, 1 2 3 or n choose, q quits.

    Exit code 0: ended by the user or with the video; 1: no camera or no picture from it, no display, bad input; 130:
    interrupted.
    This is not a diagnosis.
    """
    from backsight.inputs import LiveCamera, parse_clip
    from backsight.live.window import check_display, load_toolkit
    from backsight.openers import pose_model_for

    if as_json and window:
        raise typer.BadParameter("--json goes with --no-window")
    if video is not None and camera is not None:
        raise typer.BadParameter("give --camera or --video, not both")
    if out is not None and not window:
        raise typer.BadParameter("--out goes with a window: without one nothing is saved")
    if window:
        # Before anything imports PyAV.
        load_toolkit()
        check_display()
    height_m = parse_height_m(height)
    looks_with = pose_model or PoseModel(pose_model_for(model))
    source = (
        parse_clip(video)
        if video is not None
        else LiveCamera((camera or "0").removeprefix(CAMERA_PREFIX), duration_s=math.inf)
    )
    if window:
        _in_window(
            source,
            exercise or Exercise.TOUCH_TOES,
            seconds,
            out or Path(f"backsight-live-{datetime.now():%Y%m%d-%H%M%S}"),
            overwrite=overwrite,
            follow_largest=follow_largest,
            height_m=height_m,
            pose_model=looks_with,
            engine=engine,
            model=model,
            stop_after=stop_after,
        )
    else:
        _without_window(
            source, exercise, as_json=as_json, pose_model=looks_with, engine=engine, model=model, stop_after=stop_after
        )


def _in_window(
    source: Clip | LiveCamera,
    exercise: Exercise,
    seconds: float,
    out: Path,
    *,
    overwrite: bool,
    follow_largest: bool,
    height_m: float | None,
    pose_model: PoseModel,
    engine: PoseEngine,
    model: str,
    stop_after: float | None,
) -> None:
    from backsight.live.picture import CANVAS, Status
    from backsight.live.session import Session
    from backsight.live.show import LiveWindow
    from backsight.live.window import Window
    from backsight.live.wiring import connect_to, name_takes, save_into
    from backsight.openers import index_predictor

    save = save_into(
        out,
        overwrite=overwrite,
        pose_model=pose_model,
        engine=engine,
        model=model,
        height_m=height_m,
        follow_largest=follow_largest,
    )
    predictor = index_predictor(model, exercises=(exercise,), pose_model=pose_model)
    with progress_bar(quiet=False) as show:
        connect = connect_to(source, predictor=predictor, pose_model=pose_model, engine=engine, on_progress=show)
    # A camera that is not there is said before a window opens.
    source.open()
    screen = Window(CANVAS)
    try:
        LiveWindow(
            connect,
            screen=screen,
            save=save,
            take_path=name_takes(out),
            session=Session(exercise=exercise, exercise_s=seconds),
            status=Status(model=predictor.card.headline),
            say=_to_stderr,
            until_s=stop_after,
        ).run()
    finally:
        screen.close()
    typer.echo(NO_DIAGNOSIS)


def _without_window(
    source: Clip | LiveCamera,
    exercise: Exercise | None,
    *,
    as_json: bool,
    pose_model: PoseModel,
    engine: PoseEngine,
    model: str,
    stop_after: float | None,
) -> None:
    from backsight.live.lines import run_lines
    from backsight.live.stream import JsonLines
    from backsight.live.wiring import connect_to
    from backsight.openers import index_predictor

    predictor = index_predictor(model, exercises=() if exercise is None else (exercise,), pose_model=pose_model)
    connect = connect_to(source, predictor=predictor, pose_model=pose_model, engine=engine)
    # A camera that is not there is the only thing to say then.
    source.open()
    _to_stderr(f"{predictor.card.headline} {NO_DIAGNOSIS}")
    try:
        run_lines(
            connect,
            exercise=exercise,
            lines=JsonLines(sys.stdout) if as_json else None,
            say=typer.echo,
            until_s=stop_after,
        )
    except BrokenPipeError:
        # Whoever read the lines has seen enough; Python must not complain of it when it flushes at exit.
        with suppress(OSError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _to_stderr(line: str) -> None:
    typer.echo(line, err=True)
