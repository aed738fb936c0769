"""A cohort of virtual volunteers doing the paper's three exercises. Knows nothing of features or networks.

Everything about a volunteer follows from the cohort's seed and the volunteer's number, whatever else is simulated.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from backsight.domain.recording import Exercise, Recording
from backsight.domain.sequences import PoseSequence
from backsight.errors import InvalidValueError
from backsight.simulation.body import Body, sample_body
from backsight.simulation.camera import landmarks_as_seen, mid_hip_m, sample_camera
from backsight.simulation.dysfunction import Trait, Volunteer, rate_back, sample_volunteer
from backsight.simulation.motion import perform
from backsight.simulation.noise import sample_errors, spoil
from backsight.simulation.performance import Performance
from backsight.simulation.skeleton import pose_body
from backsight.simulation.truth import measure_truth
from backsight.simulation.turning import Arms, turn_trunk

FRAME_RATES_FPS = (30.0, 25.0, 60.0)
FRAME_RATE_ODDS = (0.8, 0.1, 0.1)
"""How often recordings run at each rate. Assumption: most cameras run at 30."""


@dataclass(frozen=True, eq=False)
class VirtualRecording:
    """A recording whose truth is known."""

    recording: Recording
    index: float
    """True dysfunction, 0 best to 1 worst, before the noise of rating."""
    pose: PoseSequence
    """Landmarks as BlazePose would report them, before any filter."""
    ideal: PoseSequence
    """The same without error: every landmark fully visible and where it is."""
    truth: Mapping[str, float]
    """Movement as it really was, measured on the error-free body; units in the names."""
    view_yaw_deg: float
    """Where the camera stands as seen by the volunteer: 0 = in front, 90 = at the left, 180 = behind."""
    distance_m: float
    """Lens to the middle of the hips at the start."""
    body: Body
    effects: Mapping[Trait, float]
    """Strength with which the person expresses each effect."""


def simulate_cohort(n_subjects: int, *, seed: int) -> Iterator[VirtualRecording]:
    """Yield three recordings of each of `n_subjects` volunteers, person by person.

    Raises
    ------
    InvalidValueError
        When `n_subjects` is negative.
    """
    if n_subjects < 0:
        raise InvalidValueError(f"`n_subjects` must be 0 or more, got {n_subjects}")
    for subject_index in range(n_subjects):
        for exercise in Exercise:
            yield simulate_recording(subject_index, exercise, seed=seed)


def simulate_recording(
    subject_index: int, exercise: Exercise, *, seed: int, fps: float | None = None
) -> VirtualRecording:
    """Simulate one exercise of one volunteer as landmarks.

    Parameters
    ----------
    subject_index
        The volunteer's number in the cohort of this seed.
    fps
        Frames a second; drawn from `FRAME_RATES_FPS` when None.
    """
    performance = simulate_performance(subject_index, exercise, seed=seed, fps=fps)
    body, camera, figure = performance.volunteer.body, performance.camera, performance.figure
    image, world = landmarks_as_seen(camera, figure.landmarks_m)
    n = len(image)
    ideal = PoseSequence(
        image, world, np.ones((n, 33)), np.ones((n, 33)), performance.motion.timestamps_s, camera.frame_size
    )
    hips_m = camera.to_camera(mid_hip_m(figure.landmarks_m))[:, 0]
    rng = _rng(seed, subject_index, exercise, "noise")
    errors = sample_errors(rng, height_m=body.height_m)
    pose = spoil(ideal, errors=errors, height_m=body.height_m, px_per_m=camera.focal_px / hips_m[:, 2], rng=rng)
    return VirtualRecording(
        recording=Recording(performance.volunteer.subject_id, exercise, performance.rating),
        index=performance.volunteer.dysfunction,
        pose=pose,
        ideal=ideal,
        truth=measure_truth(performance).values,
        view_yaw_deg=performance.view_yaw_deg,
        distance_m=performance.distance_m,
        body=body,
        effects=performance.volunteer.effects,
    )


def simulate_volunteer(subject_index: int, *, seed: int) -> Volunteer:
    """Draw one volunteer of a cohort."""
    if subject_index < 0:
        raise InvalidValueError(f"`subject_index` must be 0 or more, got {subject_index}")
    rng = _rng(seed, subject_index, None, "person")
    return sample_volunteer(rng, subject_id=f"virtual-{seed}-{subject_index:05d}", body=sample_body(rng))


def simulate_performance(
    subject_index: int,
    exercise: Exercise,
    *,
    seed: int,
    fps: float | None = None,
    yaw_deg: float | None = None,
    distance_m: float | None = None,
) -> Performance:
    """Let one volunteer of a cohort do an exercise before a camera.

    The volunteer moves the same way whatever the camera and the frame rate.

    Parameters
    ----------
    fps
        Frames a second; drawn from `FRAME_RATES_FPS` when None.
    yaw_deg
        Where the camera stands as seen by the volunteer: 0 = in front, 90 = at the left, 180 = behind; drawn when None.
    distance_m
        Lens to the middle of the space that the movement takes, along the floor; drawn when None. Somebody who walks
        towards the lens starts further away than this and never comes nearer than `camera.NEAREST_M`.
    """
    volunteer = simulate_volunteer(subject_index, seed=seed)
    setup = _rng(seed, subject_index, exercise, "setup")
    drawn_fps, drawn_yaw_deg = float(setup.choice(FRAME_RATES_FPS, p=FRAME_RATE_ODDS)), _sample_yaw_deg(exercise, setup)
    rate, yaw = drawn_fps if fps is None else fps, drawn_yaw_deg if yaw_deg is None else yaw_deg
    motion = perform(volunteer, exercise, rng=_rng(seed, subject_index, exercise, "motion"), fps=rate)
    figure = pose_body(volunteer.body, motion)
    camera = sample_camera(figure.landmarks_m, yaw_deg=yaw, rng=setup, distance_m=distance_m)
    rating = rate_back(volunteer, _rng(seed, subject_index, exercise, "rating"))
    return Performance(volunteer, exercise, motion, figure, camera, yaw, rating, rate)


def simulate_turning(
    subject_index: int,
    *,
    seed: int,
    fps: float | None = None,
    yaw_deg: float | None = None,
    distance_m: float | None = None,
    arms: Arms | None = None,
    is_seated: bool = False,
) -> Performance:
    """Let one volunteer of a cohort turn the trunk left and right; the parameters are those of `simulate_performance`.

    Parameters
    ----------
    arms, is_seated
        See `turning.turn_trunk`.
    """
    volunteer = simulate_volunteer(subject_index, seed=seed)
    setup = _rng(seed, subject_index, None, "setup")
    drawn_fps, drawn_yaw_deg = float(setup.choice(FRAME_RATES_FPS, p=FRAME_RATE_ODDS)), float(setup.normal(0.0, 25.0))
    rate, yaw = drawn_fps if fps is None else fps, drawn_yaw_deg if yaw_deg is None else yaw_deg
    rng = _rng(seed, subject_index, None, "motion")
    motion = turn_trunk(volunteer, rng=rng, fps=rate, arms=arms, is_seated=is_seated)
    figure = pose_body(volunteer.body, motion)
    camera = sample_camera(figure.landmarks_m, yaw_deg=yaw, rng=setup, distance_m=distance_m)
    rating = rate_back(volunteer, _rng(seed, subject_index, None, "rating"))
    return Performance(volunteer, None, motion, figure, camera, yaw, rating, rate)


def _sample_yaw_deg(exercise: Exercise, rng: np.random.Generator) -> float:
    """Choose the view: from front to either side; walkers also from behind.

    Assumption: people set up front or side views more often than anything between, never exactly.
    """
    side = 1.0 if rng.random() < 0.5 else -1.0
    kind = rng.random()
    front, across = float(rng.normal(0.0, 8.0)), float(rng.normal(90.0, 8.0))
    between = float(rng.uniform(0.0, 100.0 if exercise is not Exercise.WALK else 180.0))
    if exercise is Exercise.WALK:
        return side * (across if kind < 0.45 else front if kind < 0.6 else 180.0 - front if kind < 0.7 else between)
    return side * (front if kind < 0.35 else across if kind < 0.65 else between)


def _rng(seed: int, subject_index: int, exercise: Exercise | None, purpose: str) -> np.random.Generator:
    """Independent random numbers for each person, exercise and purpose."""
    which = 0 if exercise is None else 1 + list(Exercise).index(exercise)
    number = ("person", "setup", "motion", "rating", "noise").index(purpose)
    return np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(subject_index, which, number)))
