"""Read virtual volunteers as a study: filmed and seen by BlazePose, or as landmarks that were never filmed.

Knows nothing of how they are filmed.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from backsight.domain.landmarks import N_LANDMARKS
from backsight.domain.recording import Recording
from backsight.domain.sequences import PoseSequence
from backsight.domain.study import NOT_KNOWN, RATING_SCALE, FoundBy, Study, StudyClip
from backsight.domain.validation import FloatArray
from backsight.errors import InputError
from backsight.kinematics.view import FRONT_WITHIN_DEG, SIDE_BEYOND_DEG
from backsight.simulation.camera import landmarks_as_seen
from backsight.simulation.cohort import simulate_cohort
from backsight.simulation.seeds import HELD_OUT_SEED, TRAINING_SEED
from backsight.studio.cache import load_filmed
from backsight.studio.filmed import FilmedRecording, Shot

_CITATION = "virtual volunteers of backsight.simulation; nobody in it is real"


@dataclass(frozen=True, eq=False)
class VirtualCohort:
    """Filmed virtual volunteers as a study, and beside each clip what only a simulation can know of it."""

    study: Study
    """As BlazePose saw them; the score is the volunteer's rating, which errs like a real one."""
    shots: tuple[Shot, ...]
    """What was filmed, clip by clip."""
    true_index: FloatArray
    """Dysfunction before the noise of rating, 0 best to 1 worst; shape (n_clips,)."""
    yaw_deg: FloatArray
    """Where the camera stood as seen by the volunteer: 0 = in front, 90 = at the left, 180 = behind; shape (n_clips,).
    """
    distance_m: FloatArray
    """Lens to the middle of the hips at the start; shape (n_clips,)."""
    brightness: FloatArray
    """Mean luma of the pictures, 0 black to 255 white; shape (n_clips,)."""

    def true_scores(self) -> FloatArray:
        """Return the true index on the rating's scale; shape (n_clips,)."""
        return np.array([RATING_SCALE.to_score(index) for index in self.true_index])


def load_virtual_cohort(
    folder: Path,
    *,
    model: str = "full",
    allow_held_out: bool = False,
    on_progress: Callable[[int, int], None] | None = None,
) -> VirtualCohort:
    """Read a folder of films with their truth.

    Films that were spoilt on purpose, or in which the model saw nobody, are left out: the road gives such recordings no
    index either.

    Parameters
    ----------
    folder
        What `backsight simulate cohort --landmarks-only` or `make cohort` filled.
    model
        Which BlazePose model's landmarks: `lite`, `full` or `heavy`.
    allow_held_out
        Read the volunteers on whom benchmarks judge, too; whoever does must learn nothing from them.
    on_progress
        Called with (done, total).

    Raises
    ------
    InputError
        When the folder holds no films, none that the model looked at, or volunteers held out for judging.
    """
    # Films outlive small changes of the renderer; what BlazePose saw in them is as true as ever.
    films = load_filmed(folder, require_fresh=False, on_progress=on_progress)
    models = sorted({name for filmed in films for name in filmed.tracks})
    if model not in models:
        raise InputError(
            f"{folder}: expected films that BlazePose's {model} model looked at, got {', '.join(models) or 'none'}"
        )
    if not allow_held_out and any(filmed.seed == HELD_OUT_SEED for filmed in films):
        raise InputError(
            f"{folder}: holds volunteers of seed {HELD_OUT_SEED}, on whom benchmarks judge and nothing is ever "
            f"trained; film others: backsight simulate cohort --landmarks-only --seed {TRAINING_SEED}"
        )
    films = [filmed for filmed in films if filmed.shot.spoil is None and _saw_somebody(filmed, model)]
    if not films:
        raise InputError(f"{folder}: expected films in which somebody is seen, got none; film a cohort without faults")
    seen = tuple(_filmed_clip(filmed, model=model) for filmed in films)
    study = Study(name=folder.resolve().name, clips=seen, scale=RATING_SCALE, source=_CITATION, may_ship=True)
    return VirtualCohort(
        study=study,
        shots=tuple(filmed.shot for filmed in films),
        true_index=np.array([filmed.index for filmed in films]),
        yaw_deg=np.array([filmed.view_yaw_deg for filmed in films]),
        distance_m=np.array([filmed.distance_m for filmed in films]),
        brightness=np.array([_mean(filmed.tracks[model].images.brightness) for filmed in films]),
    )


def read_virtual_cohort(folder: Path, *, model: str = "full", allow_held_out: bool = False) -> Study:
    """Read filmed virtual volunteers as a study; see `load_virtual_cohort`, which also gives their truth."""
    return load_virtual_cohort(folder, model=model, allow_held_out=allow_held_out).study


def ideal_virtual_study(cohort: VirtualCohort) -> Study:
    """Return the same films as landmarks without error: neither renderer nor BlazePose comes between.

    Clip by clip the counterpart of `cohort.study`, so that what rendering and pose estimation cost can be measured.
    """
    clips = tuple(
        replace(clip, pose=landmarks_without_error(shot), found_by=NOT_KNOWN)
        for clip, shot in zip(cohort.study.clips, cohort.shots, strict=True)
    )
    return replace(cohort.study, name=f"{cohort.study.name}-ideal", clips=clips)


def simulate_virtual_study(n_subjects: int, *, seed: int, is_ideal: bool = False) -> tuple[Study, FloatArray]:
    """Simulate volunteers as landmarks, which takes no renderer and no BlazePose.

    Parameters
    ----------
    n_subjects
        From volunteer 0; each does the paper's three exercises.
    seed
        Cohort that the volunteers are of; people, movements and ratings are those of its films.
    is_ideal
        True = landmarks without error, False = with BlazePose's kind of noise, bias and dropouts.

    Returns
    -------
    tuple
        The study, and each clip's true index, 0 best to 1 worst, shape (n_clips,).
    """
    clips, truth = [], []
    for virtual in simulate_cohort(n_subjects, seed=seed):
        pose = virtual.ideal if is_ideal else virtual.pose
        clips.append(_clip(virtual.recording, pose, yaw_deg=virtual.view_yaw_deg))
        truth.append(virtual.index)
    name = f"virtual-{seed}{'-ideal' if is_ideal else ''}"
    study = Study(name=name, clips=tuple(clips), scale=RATING_SCALE, source=_CITATION, may_ship=True)
    return study, np.array(truth)


def name_view(yaw_deg: float) -> str:
    """Return from where the volunteer is seen: front, oblique, side or back.

    The limits are those within which measures read lean or flexion off the picture.
    """
    off_front_deg = abs((yaw_deg + 180.0) % 360.0 - 180.0)
    off_line_deg = min(off_front_deg, 180.0 - off_front_deg)
    if off_line_deg >= SIDE_BEYOND_DEG:
        return "side"
    if off_line_deg > FRONT_WITHIN_DEG:
        return "oblique"
    return "front" if off_front_deg < 90.0 else "back"


def _filmed_clip(filmed: FilmedRecording, *, model: str) -> StudyClip:
    clip = _clip(filmed.recording, filmed.tracks[model].pose, yaw_deg=filmed.view_yaw_deg)
    return replace(clip, name=filmed.shot.name, found_by=FoundBy(pose_model=model))


def _clip(recording: Recording, pose: PoseSequence, *, yaw_deg: float) -> StudyClip:
    return StudyClip(
        subject=recording.subject_id,
        exercise=recording.exercise.value,
        pose=pose,
        score=float("nan") if recording.rating is None else recording.rating,
        view=name_view(yaw_deg),
        name=f"{recording.subject_id} {recording.exercise}",
    )


def _saw_somebody(filmed: FilmedRecording, model: str) -> bool:
    return model in filmed.tracks and bool(filmed.tracks[model].pose.has_person.any())


def landmarks_without_error(shot: Shot) -> PoseSequence:
    """Return the landmarks as they were before the camera."""
    performance = shot.perform()
    image_px, world_m = landmarks_as_seen(performance.camera, performance.figure.landmarks_m)
    certain = np.ones((len(image_px), N_LANDMARKS))
    return PoseSequence(
        image_px, world_m, certain, certain, performance.motion.timestamps_s, performance.camera.frame_size
    )


def _mean(values: FloatArray) -> float:
    return float(values.mean()) if len(values) else float("nan")
