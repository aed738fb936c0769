"""Put the road together: what `openers` opens, recordings in, results out. Knows no engine, and no format of a file.

Adapters are imported inside the functions, so that a command loads what it uses and assessing never loads torch.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from backsight.domain.assessment import Assessment, ExerciseAssessment
from backsight.domain.recording import CAMERA_PREFIX, HEIGHT_RANGE_M, Exercise, SourceInfo
from backsight.errors import BacksightError, InputError
from backsight.inputs import Clip, Input, LiveCamera, parse_input
from backsight.openers import (
    DEFAULT_MODEL,
    FASTEST,
    check_engine,
    index_predictor,
    pose_bundle,
    pose_estimator,
    pose_model_for,
)

if TYPE_CHECKING:
    from backsight.domain.sequences import PoseTrack
    from backsight.pose.engines import PoseEngine
    from backsight.pose.weights import PoseModel
    from backsight.video.overlay import Still

GET_READY_S = 5
"""Seconds between the command and the first recorded frame: time to step back from the keyboard."""
N_STILLS = 6
"""Pictures drawn for print, spread evenly over a recording."""

Progress = Callable[[str, int, int], None]
"""Called with (what is being done, how much is done, how much there is; 0 = unknown)."""


def assess(
    *,
    touch_toes: str | Path | Input | None = None,
    walk: str | Path | Input | None = None,
    jump: str | Path | Input | None = None,
    pose_model: PoseModel | str | None = None,
    engine: PoseEngine | str = "auto",
    model: str | Path = DEFAULT_MODEL,
    follow_largest: bool = False,
    height_m: float | None = None,
    on_progress: Progress | None = None,
) -> Assessment:
    """Assess one to three recordings of one person. This is not a diagnosis.

    Parameters
    ----------
    touch_toes, walk, jump
        Video files, with an optional media fragment (`walk.mp4#t=1.6,6.0&xywh=0,470,1560,524`), cameras (`camera:0`),
        or `Clip` and `LiveCamera` objects.
    pose_model
        `lite`, `full` or `heavy`: BlazePose from fast to precise. None = `lite`, or the one that found most landmarks
        of the study that `model` was fitted to.
    engine
        `mediapipe`, `openvino` or `auto`: what runs BlazePose; see `openers.pose_estimator`. The assessment names it.
    model
        `kinematic`, named measures added up; `lstm-paper`, the paper's network; or the path of a file that `backsight
        train` wrote, also of one's own study.
    follow_largest
        Accept other people in view and follow the largest and most central person.
    height_m
        The person's standing height, 1.00 to 2.30 m; lengths and speeds are then in true metres. None = in BlazePose's
        own scale, with the larger error that it brings.
    on_progress
        Called with (what, done, total).

    Raises
    ------
    BacksightError
        One of the tree in `backsight.errors`; its message says what was expected and what to do.
    """
    given = {Exercise.TOUCH_TOES: touch_toes, Exercise.WALK: walk, Exercise.JUMP: jump}
    inputs = {
        exercise: parse_input(item) if isinstance(item, str | Path) else item
        for exercise, item in given.items()
        if item is not None
    }
    return _assess_inputs(
        inputs,
        pose_model=pose_model,
        engine=engine,
        model=model,
        follow_largest=follow_largest,
        height_m=height_m,
        on_progress=on_progress,
    )


def assess_landmarks(
    track: PoseTrack,
    *,
    exercise: Exercise,
    source: SourceInfo | None = None,
    pose_model: PoseModel | str = FASTEST,
    pose_engine: str = "",
    model: str | Path = DEFAULT_MODEL,
    height_m: float | None = None,
) -> Assessment:
    """Assess one recording of which the landmarks are known, with or without its pictures. This is not a diagnosis.

    Parameters
    ----------
    track
        The recording as a pose estimator saw it, in a browser or here.
    exercise
        What the person was asked to do.
    source
        Where the landmarks were found; None = a camera of which nothing more is known than the landmarks tell.
    pose_model, pose_engine
        What found them.
    model
        See `assess`.
    height_m
        See `assess`.

    Raises
    ------
    BacksightError
        `NoPersonError` when nobody is seen; otherwise as `assess`.
    """
    from backsight import pipeline

    _check_height(height_m)
    predictor = index_predictor(model, exercises=(exercise,), pose_model=pose_model)
    part = pipeline.assess_track(
        track,
        exercise=exercise,
        source=source or _camera_of(track),
        predictor=predictor,
        pose_model=str(pose_model),
        height_m=height_m,
    )
    return pipeline.combine(
        {exercise: part},
        card=predictor.card,
        created_at=datetime.now().astimezone().isoformat(timespec="seconds"),
        backsight_version=version("backsight"),
        pose_model=str(pose_model),
        pose_engine=pose_engine,
        height_m=height_m,
    )


def _camera_of(track: PoseTrack) -> SourceInfo:
    """Return what the landmarks themselves tell of the camera."""
    width, height = track.pose.frame_size
    step_s = float(np.median(np.diff(track.pose.timestamps_s))) if track.pose.n_frames > 1 else float("nan")
    return SourceInfo(
        name=f"{CAMERA_PREFIX}browser",
        width=width,
        height=height,
        fps=1.0 / step_s,
        duration_s=track.pose.duration_s,
        n_frames=track.pose.n_frames,
        is_live=True,
        analysed_size=(width, height),
    )


def assess_to_folder(
    inputs: Mapping[Exercise, Input],
    out: Path,
    *,
    overwrite: bool = False,
    overlay: bool = True,
    pose_model: PoseModel | str | None = None,
    engine: PoseEngine | str = "auto",
    model: str | Path = DEFAULT_MODEL,
    follow_largest: bool = False,
    height_m: float | None = None,
    on_progress: Progress | None = None,
) -> Assessment:
    """Assess a session and write everything a reader needs into one folder, or nothing at all.

    A camera's recording is the exception: it cannot be had again, so it outlives a failure, beside `out`.

    Parameters
    ----------
    inputs
        What to assess, by exercise.
    out
        The folder to make: `assessment.json`, `landmarks.parquet`, `overlay*.mp4`, `report.html`, and `recording*.mp4`
        where a camera was used.
    overwrite
        Replace an earlier assessment in `out`.
    overlay
        Draw the skeleton on the video; without it the report shows no video.

    Raises
    ------
    BacksightError
        See `assess`; `OutputError` when `out` cannot be written.
    """
    from backsight.exports.folder import staged_folder
    from backsight.exports.json_file import write_json
    from backsight.exports.landmarks import write_landmarks
    from backsight.reporting.report import write_report

    moment = f"{datetime.now():%Y%m%d-%H%M%S}"
    recordings = {
        exercise: out.with_name(f"{out.name}-{exercise}-{moment}.mp4")
        for exercise, given in inputs.items()
        if isinstance(given, LiveCamera)
    }
    with staged_folder(out, overwrite=overwrite) as folder, _saying_what_is_kept(recordings.values()):
        assessment = _assess_inputs(
            inputs,
            pose_model=pose_model,
            engine=engine,
            model=model,
            follow_largest=follow_largest,
            height_m=height_m,
            recordings=recordings,
            on_progress=on_progress,
        )
        clips = {
            exercise: Clip(recordings[exercise]) if isinstance(given, LiveCamera) else given
            for exercise, given in inputs.items()
        }
        overlays: dict[Exercise, Path] = {}
        stills: dict[Exercise, tuple[Still, ...]] = {}
        if overlay:
            for part in assessment.exercises:
                path = folder / _named("overlay", part.exercise, inputs)
                stills[part.exercise] = _draw(path, clips[part.exercise], part, on_progress)
                overlays[part.exercise] = path
        write_json(folder / "assessment.json", assessment)
        write_landmarks(folder / "landmarks.parquet", assessment)
        write_report(folder / "report.html", assessment, overlays=overlays, stills=stills)
        for exercise, recording in recordings.items():
            recording.replace(folder / _named("recording", exercise, inputs))
    return assessment


def _assess_inputs(
    inputs: Mapping[Exercise, Input],
    *,
    pose_model: PoseModel | str | None,
    engine: PoseEngine | str,
    model: str | Path,
    follow_largest: bool,
    height_m: float | None,
    recordings: Mapping[Exercise, Path] | None = None,
    on_progress: Progress | None = None,
) -> Assessment:
    from backsight import pipeline

    if not inputs:
        raise InputError("no recording given; name at least one of touch_toes, walk and jump")
    _check_height(height_m)
    check_engine(engine)
    # Whatever can be wrong with models, files and cameras is found before the first slow step, and before anybody
    # moves in front of a camera for nothing.
    pose_model = pose_model_for(model) if pose_model is None else pose_model
    predictor = index_predictor(model, exercises=inputs, pose_model=pose_model)
    bundle = pose_bundle(pose_model, on_progress=on_progress)
    sources = {
        exercise: given.open() if isinstance(given, Clip) else given.open(record_to=(recordings or {}).get(exercise))
        for exercise, given in inputs.items()
    }
    parts: dict[Exercise, ExerciseAssessment] = {}
    for exercise, source in sources.items():
        if source.info.is_live:
            _count_down(exercise, on_progress)
        with pose_estimator(bundle, engine=engine) as estimator:
            # One session, one engine: whatever `auto` became for the first recording serves the others.
            engine = estimator.engine
            parts[exercise] = pipeline.assess_exercise(
                source,
                exercise=exercise,
                estimator=estimator,
                predictor=predictor,
                pose_model=str(pose_model),
                height_m=height_m,
                follow_largest=follow_largest,
                on_progress=name_stage(on_progress, f"{exercise.label}: finding landmarks"),
            )
    return pipeline.combine(
        parts,
        card=predictor.card,
        created_at=datetime.now().astimezone().isoformat(timespec="seconds"),
        backsight_version=version("backsight"),
        pose_model=str(pose_model),
        pose_engine=str(engine),
        follow_largest=follow_largest,
        height_m=height_m,
    )


def _check_height(height_m: float | None) -> None:
    shortest, tallest = HEIGHT_RANGE_M
    # Written so that NaN is refused as well.
    if height_m is not None and not shortest <= height_m <= tallest:
        raise InputError(
            f"`height_m` must be the standing height in metres, {shortest:.2f} to {tallest:.2f}, got {height_m:g}"
        )


@contextmanager
def _saying_what_is_kept(recordings: Iterable[Path]) -> Iterator[None]:
    """Name in an error's message the camera recordings that outlive it."""
    try:
        yield
    except BacksightError as error:
        kept = [str(path) for path in recordings if path.exists()]
        if not kept:
            raise
        raise type(error)(f"{error}; what the camera recorded is kept: {', '.join(kept)}") from error


def _count_down(exercise: Exercise, on_progress: Progress | None) -> None:
    for second in range(GET_READY_S + 1):
        if on_progress:
            on_progress(f"{exercise.label}: get ready", second, GET_READY_S)
        if second < GET_READY_S:
            time.sleep(1.0)


def name_stage(on_progress: Progress | None, stage: str) -> Callable[[int, int], None] | None:
    """Say with every (done, total) what is being done."""
    if on_progress is None:
        return None
    return lambda done, total: on_progress(stage, done, total)


def _named(stem: str, exercise: Exercise, inputs: Mapping[Exercise, object]) -> str:
    return f"{stem}.mp4" if len(inputs) == 1 else f"{stem}-{exercise}.mp4"


def _draw(path: Path, clip: Clip, part: ExerciseAssessment, on_progress: Progress | None) -> tuple[Still, ...]:
    from backsight.video.overlay import write_overlay

    times = part.pose.timestamps_s
    return write_overlay(
        path,
        clip.open(),
        part.pose,
        curve=part.curve,
        still_times_s=tuple(np.linspace(times[0], times[-1], N_STILLS)),
        n_dropped=part.n_dropped,
        on_progress=name_stage(on_progress, f"{part.exercise.label}: drawing the skeleton"),
    )
