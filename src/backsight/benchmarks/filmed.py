"""Take measures of filmed volunteers and set them beside the truth. Knows nothing of bars or tables."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

import numpy as np

from backsight.benchmarks.shots import view_of
from backsight.domain.assessment import MeasuredMovement, Measurement, QualityReport, QualityVerdict
from backsight.domain.recording import Exercise
from backsight.domain.sequences import PoseSequence
from backsight.pose.filtering import fill_short_gaps, filter_by_visibility
from backsight.pose.quality import judge_quality
from backsight.scoring.calibration import SCALED, Calibration, Conditions, calibrate
from backsight.scoring.calibration_fit import CalibrationSample
from backsight.scoring.measure import take_measures
from backsight.scoring.person import observe
from backsight.simulation.camera import landmarks_as_seen
from backsight.studio.filmed import FilmedRecording, Shot, stage

BYSTANDER, OCCLUDER = "bystander", "occluder"
PERFECT = "perfect"
"""Stands for the pose model where landmarks are the true ones."""


@dataclass(frozen=True)
class Reading:
    """One measure of one recording as a user would get it, beside the truth."""

    measure: str
    unit: str
    exercise: Exercise
    pose_model: str
    view: str
    """Where the camera truly stood, one of `shots.VIEWS`."""
    distance_m: float
    fps: float
    has_height: bool
    person: str
    shot_name: str
    true: float
    value: float
    """NaN = not measured, without a known error, or of a recording that the gate refuses."""
    error: float
    raw: float
    """Before calibration."""

    @property
    def is_given(self) -> bool:
        """Whether a value with an interval was given that can be set beside the truth."""
        return bool(np.isfinite([self.true, self.value, self.error]).all())


@dataclass(frozen=True)
class GateVerdict:
    """What the quality gate said of one recording."""

    pose_model: str
    exercise: Exercise
    distance_m: float
    spoil: str | None
    """What was spoilt on purpose, or `BYSTANDER` or `OCCLUDER` where chance put one into the room; None = nothing."""
    verdict: QualityVerdict
    problems: tuple[str, ...]
    """Names of the checks that did not pass, worst first."""


def take_samples(films: Iterable[FilmedRecording], *, models: Iterable[str]) -> Iterator[CalibrationSample]:
    """Yield every measure of every usable recording, raw and true; lengths with and without the person's height."""
    wanted = tuple(models)
    for film in films:
        for model in wanted:
            pose = _usable_pose(film, model)
            if pose is None:
                continue
            for has_height in (True, False):
                conditions, taken = _take(film, pose, model, has_height=has_height)
                for item in taken.measurements:
                    # Only lengths depend on the height: of the others one is enough.
                    if item.name in film.truth.values and (has_height or item.name in SCALED):
                        yield CalibrationSample(
                            measure=item.name,
                            raw=item.value,
                            true=film.truth.values[item.name],
                            conditions=conditions,
                            person=film.recording.subject_id,
                        )


def read_measures(
    films: Iterable[FilmedRecording], *, models: Iterable[str], calibration: Calibration | None = None
) -> Iterator[Reading]:
    """Yield every measure of every recording that is not spoilt on purpose as a user would get it.

    Those that the gate refuses are among them, with values and errors of NaN: a user gets no number either.

    Parameters
    ----------
    calibration
        None = the one that ships.
    """
    wanted = tuple(models)
    for film in films:
        for model in wanted:
            if film.shot.spoil is not None or model not in film.tracks:
                continue
            pose, quality = _prepare(film, model)
            is_refused = quality.verdict is QualityVerdict.UNUSABLE
            for has_height in (True, False):
                conditions, taken = _take(film, pose, model, has_height=has_height)
                given = calibrate(taken, conditions=conditions, calibration=calibration)
                for raw, item in zip(taken.measurements, given.measurements, strict=True):
                    if item.name in film.truth.values and (has_height or item.name in SCALED):
                        shown = replace(item, value=np.nan, error=np.nan) if is_refused else item
                        yield _reading(film, shown, raw=raw.value, pose_model=model, has_height=has_height)


def read_perfectly_seen(films: Iterable[FilmedRecording]) -> Iterator[Reading]:
    """Yield what the measures would be, uncalibrated, had BlazePose seen each landmark where it truly was.

    What is off then is the measure's geometry or its definition, and not the landmarks. Lengths know the height.
    """
    for film in films:
        if film.shot.spoil is None:
            pose = _true_pose(film.shot)
            taken = take_measures(observe(pose, height_m=film.height_m), exercise=film.exercise)
            for item in taken.measurements:
                if item.name in film.truth.values:
                    yield _reading(film, item, raw=item.value, pose_model=PERFECT, has_height=True)


def _true_pose(shot: Shot) -> PoseSequence:
    performance = shot.perform()
    image_px, world_m = landmarks_as_seen(performance.camera, performance.figure.landmarks_m)
    sure = np.ones(image_px.shape[:2])
    times_s, size = performance.motion.timestamps_s, performance.camera.frame_size
    return PoseSequence(image_px, world_m, sure, sure, times_s, size)


def _reading(film: FilmedRecording, item: Measurement, *, raw: float, pose_model: str, has_height: bool) -> Reading:
    return Reading(
        measure=item.name,
        unit=item.unit,
        exercise=film.exercise,
        pose_model=pose_model,
        view=view_of(film.view_yaw_deg),
        distance_m=film.distance_m,
        fps=film.fps,
        has_height=has_height,
        person=film.recording.subject_id,
        shot_name=film.shot.name,
        true=film.truth.values[item.name],
        value=item.value,
        error=item.error,
        raw=raw,
    )


def judge_films(films: Iterable[FilmedRecording], *, models: Iterable[str]) -> Iterator[GateVerdict]:
    """Yield what the quality gate says of every recording, spoilt or not."""
    wanted = tuple(models)
    for film in films:
        for model in wanted:
            if model in film.tracks:
                _, report = _prepare(film, model)
                yield GateVerdict(
                    pose_model=model,
                    exercise=film.exercise,
                    distance_m=film.distance_m,
                    spoil=_disturbance(film.shot),
                    verdict=report.verdict,
                    problems=tuple(check.name for check in report.problems),
                )


def _disturbance(shot: Shot) -> str | None:
    """Return what is wrong with a recording, on purpose or by chance."""
    if shot.spoil is not None:
        return str(shot.spoil)
    # Drawn again: a recording does not keep its room.
    setting = stage(shot, shot.perform()).setting
    if setting.company is not None:
        return BYSTANDER
    return None if setting.occluder is None else OCCLUDER


def _usable_pose(film: FilmedRecording, model: str) -> PoseSequence | None:
    """Return the landmarks that a report would measure; None where it would give no number."""
    if film.shot.spoil is not None or model not in film.tracks:
        return None
    filtered, quality = _prepare(film, model)
    return None if quality.verdict is QualityVerdict.UNUSABLE else filtered


def _prepare(film: FilmedRecording, model: str) -> tuple[PoseSequence, QualityReport]:
    """Return the landmarks as `pipeline.prepare` filters them, without its features, and the gate's report."""
    track = film.tracks[model]
    filtered = fill_short_gaps(filter_by_visibility(track.pose))
    return filtered, judge_quality(track, filtered, exercise=film.exercise, source=film.source)


def _take(
    film: FilmedRecording, pose: PoseSequence, model: str, *, has_height: bool
) -> tuple[Conditions, MeasuredMovement]:
    person = observe(pose, height_m=film.height_m if has_height else None)
    return Conditions.of(person, pose_model=model), take_measures(person, exercise=film.exercise)
