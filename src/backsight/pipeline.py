"""The whole road, read top to bottom: frames to landmarks to features to an assessment.

The only place that knows the order of the stages. Knows no engine: frames, landmarks and index come through ports.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import numpy as np

from backsight.domain.assessment import Assessment, ExerciseAssessment, ModelCard, QualityReport, QualityVerdict
from backsight.domain.movement import Movement
from backsight.domain.recording import EXERCISE_LIMIT_S, Exercise, SourceInfo
from backsight.domain.sequences import FeatureSequence, PoseObservation, PoseSequence, PoseTrack
from backsight.errors import InputError, NoPersonError, VideoError
from backsight.features.extract import extract_features
from backsight.kinematics.resampling import resample
from backsight.ports import FrameSource, IndexPredictor, PoseEstimator
from backsight.pose.filtering import fill_short_gaps, filled_share, filter_by_visibility, removed_share
from backsight.pose.quality import judge_quality
from backsight.scoring.assess import assess_session, index_interval
from backsight.scoring.measure import measure_exercise
from backsight.scoring.sub_indices import sub_indices
from backsight.video.buffer import read_beside
from backsight.video.in_turn import read_in_turn
from backsight.video.statistics import ImageStatisticsCollector

MODEL_FPS = 30.0
"""The network reads 30 frames a second (paper, section I: "5 sec, 30 fps")."""
LONGEST_S = 5 * EXERCISE_LIMIT_S
"""A file longer than this is surely not one exercise, and its report would be too large to open."""
SHORTEST_S = 0.5
"""No exercise is over sooner: a shorter part is a slip of --start or --end."""

Progress = Callable[[int, int], None]
"""Called with (frames done, frames expected); 0 expected means unknown."""


@dataclass(frozen=True, eq=False)
class Prepared:
    """Landmarks cleaned and turned into features: what training and assessing do alike."""

    filtered: PoseSequence
    """Landmarks of visibility >= 0.6, short gaps filled, at the recording's own times."""
    features: FeatureSequence
    """At 30 frames a second."""
    removed_share: float
    filled_share: float


def prepare(raw: PoseSequence) -> Prepared:
    """Filter, fill short gaps, resample to 30 fps and extract the 193 features (paper, section III-A).

    Features begin and end with the person: how long an empty room was filmed says nothing of a back. Where nobody is
    seen at all they cover the whole recording, all missing.
    """
    kept = filter_by_visibility(raw)
    filled = fill_short_gaps(kept)
    return Prepared(
        filtered=filled,
        features=extract_features(resample(while_present(filled), fps=MODEL_FPS)),
        removed_share=removed_share(raw, kept),
        filled_share=filled_share(kept, filled),
    )


def while_present(pose: PoseSequence) -> PoseSequence:
    """Cut the frames before the person is first seen and after they are last seen."""
    seen = np.flatnonzero(pose.has_person)
    if not len(seen):
        return pose
    present = slice(seen[0], seen[-1] + 1)
    return PoseSequence(
        image_px=pose.image_px[present],
        world_m=pose.world_m[present],
        visibility=pose.visibility[present],
        presence=pose.presence[present],
        timestamps_s=pose.timestamps_s[present],
        frame_size=pose.frame_size,
    )


def track_person(
    source: FrameSource, estimator: PoseEstimator, *, beside: bool = True, on_progress: Progress | None = None
) -> PoseTrack:
    """Follow one person through all frames of a source.

    Parameters
    ----------
    beside
        Decode in a thread beside pose estimation, which uses more than one core; False = in turn, for files only and
        where other recordings fill the other cores. The landmarks are the same.

    Raises
    ------
    InputError
        When the recording is too long to be one exercise; found before the first frame is decoded.
    VideoError
        When the source gives next to nothing: a movement cannot be judged from a few pictures.
    """
    info = source.info
    if info.duration_s > LONGEST_S:
        raise InputError(
            f"{info.name}: expected one exercise of at most {EXERCISE_LIMIT_S:.0f} s, got {info.duration_s:.0f} s; "
            "name the part that holds it with --start and --end"
        )
    observations: list[PoseObservation] = []
    timestamps_s: list[float] = []
    statistics = ImageStatisticsCollector()
    frame_size = (0, 0)
    with read_beside(source) if beside else read_in_turn(source) as frames:
        for frame in frames:
            observations.append(estimator.estimate(frame))
            timestamps_s.append(frame.timestamp_s)
            statistics.add(frame)
            frame_size = (frame.image.shape[1], frame.image.shape[0])
            if on_progress:
                on_progress(len(observations), info.n_frames)
        n_dropped = frames.n_dropped
    if len(observations) < 2 or timestamps_s[-1] - timestamps_s[0] < SHORTEST_S:
        raise VideoError(
            f"{info.name}: expected a recording of a movement, got {len(observations)} frame(s); "
            "choose a longer video or a wider --start and --end"
        )
    return PoseTrack(
        pose=PoseSequence.from_observations(observations, timestamps_s, frame_size=frame_size),
        n_people=np.array([np.nan if seen.n_people is None else seen.n_people for seen in observations]),
        changed_person=np.array([seen.changed_person for seen in observations]),
        images=statistics.result(),
        n_dropped=n_dropped,
    )


@dataclass(frozen=True, eq=False)
class ExtractedRecording:
    """Landmarks as the pose estimator gave them, and whether they can be trusted."""

    pose: PoseSequence
    """Nothing filtered and nothing filled."""
    quality: QualityReport
    removed_share: float
    """Share of the landmark readings that an assessment would remove, because their visibility is below 0.6."""


def extract_recording(
    source: FrameSource,
    *,
    estimator: PoseEstimator,
    exercise: Exercise | None = None,
    follow_largest: bool = False,
    beside: bool = True,
    on_progress: Progress | None = None,
) -> ExtractedRecording:
    """Take one recording as far as its landmarks and the verdict on its quality.

    Parameters
    ----------
    exercise
        What the person was asked to do; None = not known, and the checks that need it are left out.
    beside
        See `track_person`.

    Raises
    ------
    InputError
        When the recording cannot be read, or is too long or too short to be an exercise.
    """
    track = track_person(source, estimator, beside=beside, on_progress=on_progress)
    kept = filter_by_visibility(track.pose)
    quality = judge_quality(track, kept, exercise=exercise, source=source.info, follow_largest=follow_largest)
    return ExtractedRecording(pose=track.pose, quality=quality, removed_share=removed_share(track.pose, kept))


def assess_exercise(
    source: FrameSource,
    *,
    exercise: Exercise,
    estimator: PoseEstimator,
    predictor: IndexPredictor,
    pose_model: str,
    height_m: float | None = None,
    follow_largest: bool = False,
    beside: bool = True,
    on_progress: Progress | None = None,
) -> ExerciseAssessment:
    """Take one recording down the whole road; one that shows nobody comes back unusable.

    Parameters
    ----------
    pose_model
        Name of the BlazePose model behind `estimator`, whose errors the measurements carry.
    height_m
        Standing height where it is known; lengths are then in true metres.
    beside
        See `track_person`.

    Raises
    ------
    InputError
        When the recording cannot be read, or is too long or too short to be an exercise.
    """
    track = track_person(source, estimator, beside=beside, on_progress=on_progress)
    return assess_track(
        track,
        exercise=exercise,
        source=source.info,
        predictor=predictor,
        pose_model=pose_model,
        height_m=height_m,
        follow_largest=follow_largest,
    )


def assess_track(
    track: PoseTrack,
    *,
    exercise: Exercise,
    source: SourceInfo,
    predictor: IndexPredictor,
    pose_model: str,
    height_m: float | None = None,
    follow_largest: bool = False,
) -> ExerciseAssessment:
    """Take the landmarks of one recording down the rest of the road; one that shows nobody comes back unusable.

    Checks that need the pictures say that they were not measured where the track knows none.

    Parameters
    ----------
    source
        Where the landmarks were found.
    pose_model, height_m
        See `assess_exercise`.
    """
    prepared = prepare(track.pose)
    quality = judge_quality(track, prepared.filtered, exercise=exercise, source=source, follow_largest=follow_largest)
    judged = ExerciseAssessment(
        exercise=exercise,
        source=source,
        pose=prepared.filtered,
        features=prepared.features,
        quality=quality,
        removed_share=prepared.removed_share,
        filled_share=prepared.filled_share,
        n_dropped=track.n_dropped,
    )
    if quality.verdict is QualityVerdict.UNUSABLE:
        # No number at all from a recording that cannot carry one: a plausible wrong value is worse than none.
        return judged
    measured = measure_exercise(prepared.filtered, exercise=exercise, pose_model=pose_model, height_m=height_m)
    said = predictor.judge(
        Movement(exercise, while_present(prepared.filtered), prepared.features, measured, raw=track.pose)
    )
    return replace(
        judged,
        measurements=measured.measurements,
        events=measured.events,
        sub_indices=sub_indices(measured, exercise=exercise),
        curve=said.curve,
        interval=index_interval(said.curve.final, card=predictor.card, exercises=(exercise,)),
        unfamiliar_share=said.unfamiliar_share,
        explanation=said.explanation,
    )


def combine(
    parts: Mapping[Exercise, ExerciseAssessment],
    *,
    card: ModelCard,
    created_at: str,
    backsight_version: str,
    pose_model: str = "",
    pose_engine: str = "",
    follow_largest: bool = False,
    height_m: float | None = None,
) -> Assessment:
    """Make a session of its exercises, in the paper's order.

    Raises
    ------
    NoPersonError
        When no recording shows anybody: there is nothing to report on then.
    """
    ordered = tuple(parts[exercise] for exercise in Exercise if exercise in parts)
    if not any(part.pose.has_person.any() for part in ordered):
        names = ", ".join(part.source.name for part in ordered)
        n_frames = sum(part.pose.n_frames for part in ordered)
        raise NoPersonError(
            f"{names}: no person found in {n_frames} frames; film the whole body, upright in the picture, in good "
            "light, 2 to 4 m from the camera, and leave them inside --crop"
        )
    session = assess_session(ordered, card=card)
    return Assessment(
        exercises=ordered,
        index=session.index,
        interval=session.interval,
        verdict=session.verdict,
        reason=session.reason,
        model=card,
        created_at=created_at,
        backsight_version=backsight_version,
        pose_model=pose_model,
        pose_engine=pose_engine,
        follow_largest=follow_largest,
        height_m=height_m,
        notes=session.notes,
    )
