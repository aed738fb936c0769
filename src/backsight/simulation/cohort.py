"""A cohort of virtual volunteers doing the paper's three exercises. Knows nothing of features or networks.

Everything about a volunteer follows from the cohort's seed and the volunteer's number, whatever else is simulated.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from backsight.domain.landmarks import Landmark
from backsight.domain.recording import Exercise, Recording
from backsight.domain.sequences import PoseSequence
from backsight.domain.validation import FloatArray
from backsight.errors import InvalidValueError
from backsight.simulation.body import Body, sample_body
from backsight.simulation.camera import Camera, landmarks_as_seen, mid_hip_m, sample_camera
from backsight.simulation.dysfunction import Trait, Volunteer, rate_back, sample_volunteer
from backsight.simulation.motion import perform
from backsight.simulation.noise import sample_errors, spoil
from backsight.simulation.skeleton import Figure, Motion, pose_body

FRAME_RATES_FPS = (30.0, 25.0, 60.0)
FRAME_RATE_ODDS = (0.8, 0.1, 0.1)
"""How often recordings run at each rate. Assumption: most cameras run at 30."""


@dataclass(frozen=True, eq=False)
class Performance:
    """A volunteer doing an exercise before a camera, without any error: what a renderer draws."""

    volunteer: Volunteer
    exercise: Exercise
    motion: Motion
    figure: Figure
    camera: Camera
    view_yaw_deg: float
    """Where the camera stands as seen by the volunteer: 0 = in front, 90 = at the left, 180 = behind."""
    rating: float
    """What the volunteer says of their back afterwards, 0 worst to 100 best."""


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
        truth=measure_truth(performance),
        view_yaw_deg=performance.view_yaw_deg,
        distance_m=float(np.linalg.norm(hips_m[0])),
        body=body,
        effects=performance.volunteer.effects,
    )


def simulate_volunteer(subject_index: int, *, seed: int) -> Volunteer:
    """Draw one volunteer of a cohort."""
    if subject_index < 0:
        raise InvalidValueError(f"`subject_index` must be 0 or more, got {subject_index}")
    rng = _rng(seed, subject_index, None, "person")
    return sample_volunteer(rng, subject_id=f"virtual-{seed}-{subject_index:05d}", body=sample_body(rng))


def simulate_performance(subject_index: int, exercise: Exercise, *, seed: int, fps: float | None = None) -> Performance:
    """Let one volunteer of a cohort do an exercise before a camera."""
    volunteer = simulate_volunteer(subject_index, seed=seed)
    setup = _rng(seed, subject_index, exercise, "setup")
    rate = float(setup.choice(FRAME_RATES_FPS, p=FRAME_RATE_ODDS)) if fps is None else fps
    yaw_deg = _sample_yaw_deg(exercise, setup)
    motion = perform(volunteer, exercise, rng=_rng(seed, subject_index, exercise, "motion"), fps=rate)
    figure = pose_body(volunteer.body, motion)
    camera = sample_camera(figure.landmarks_m, yaw_deg=yaw_deg, rng=setup)
    rating = rate_back(volunteer, _rng(seed, subject_index, exercise, "rating"))
    return Performance(volunteer, exercise, motion, figure, camera, yaw_deg, rating)


def measure_truth(performance: Performance) -> dict[str, float]:
    """Measure what really happened on the error-free body."""
    figure, motion, habits = performance.figure, performance.motion, performance.volunteer.habits
    marks = figure.landmarks_m
    shoulders = marks[:, [Landmark.LEFT_SHOULDER, Landmark.RIGHT_SHOULDER]].mean(axis=1)
    trunk = shoulders - mid_hip_m(marks)[:, 0]
    flexion = np.degrees(np.unwrap(np.arctan2(trunk[:, 2], trunk[:, 1])))
    lean = np.degrees(np.arcsin(trunk[:, 0] / np.linalg.norm(trunk, axis=1)))
    fingers = np.minimum(*(figure.joints_m[f"{side}_fingertip"][:, 1] for side in ("left", "right")))
    return {
        "peak_trunk_flexion_deg": float(flexion.max()),
        "trunk_flexion_range_deg": float(flexion.max() - flexion[0]),
        "side_lean_deg": float(lean.mean()),
        "side_lean_at_deepest_deg": float(lean[int(flexion.argmax())]),
        "fingertip_to_floor_cm": float(100.0 * fingers.min()),
        "shoulder_obliquity_deg": habits[Trait.SHOULDER_TILT],
        "pelvic_obliquity_deg": habits[Trait.PELVIC_TILT],
        "thorax_pelvis_phase_deg": habits[Trait.THORAX_PHASE],
        "axial_rotation_range_deg": float(np.ptp(_axial_rotation_deg(marks))),
        **motion.events,
    }


def _axial_rotation_deg(marks: FloatArray) -> FloatArray:
    """Turn of the shoulder line against the hip line about the vertical; shape (n,)."""
    shoulders = marks[:, Landmark.LEFT_SHOULDER] - marks[:, Landmark.RIGHT_SHOULDER]
    hips = marks[:, Landmark.LEFT_HIP] - marks[:, Landmark.RIGHT_HIP]
    angle = np.arctan2(shoulders[:, 2], shoulders[:, 0]) - np.arctan2(hips[:, 2], hips[:, 0])
    return np.degrees(np.unwrap(angle))


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
