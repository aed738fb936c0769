"""BlazePose's errors have the sizes stated, and only there where they should be."""

from dataclasses import replace

import numpy as np
import pytest

from backsight.domain.landmarks import Landmark
from backsight.domain.recording import Exercise
from backsight.domain.sequences import PoseSequence
from backsight.simulation import noise
from backsight.simulation.cohort import VirtualRecording, simulate_recording
from backsight.simulation.noise import RecordingErrors, bend_forward, correlated_noise, hidden_share, misplace, spoil

L = Landmark
NO_ERRORS = RecordingErrors(
    false_flexion_deg=0.0,
    hip_drop_share=0.0,
    hip_advance_m=0.0,
    shoulder_slide=0.0,
    scale=1.0,
    depth_share=1.0,
    image_depth_gain=1.0,
    clarity=0.0,
    nearness=0.0,
    hiding=1.0,
    jitter=1.0,
)


def standing(*, yaw_deg: float = 0.0, n: int = 1) -> np.ndarray:
    """A plain upright figure in camera axes; facing the camera at 0 deg, its left side towards it at 90."""
    marks = np.zeros((33, 3))
    marks[:11] = (0.0, -0.70, -0.05)
    marks[L.NOSE, 2], marks[[L.LEFT_EAR, L.RIGHT_EAR], 2] = -0.12, 0.0
    for left, right, x, y in (
        (L.LEFT_SHOULDER, L.RIGHT_SHOULDER, 0.17, -0.50),
        (L.LEFT_ELBOW, L.RIGHT_ELBOW, 0.22, -0.20),
        (L.LEFT_WRIST, L.RIGHT_WRIST, 0.24, 0.05),
        (L.LEFT_HIP, L.RIGHT_HIP, 0.09, 0.0),
        (L.LEFT_KNEE, L.RIGHT_KNEE, 0.09, 0.42),
        (L.LEFT_ANKLE, L.RIGHT_ANKLE, 0.09, 0.84),
    ):
        marks[left], marks[right] = (x, y, 0.0), (-x, y, 0.0)
    for end, start in (
        (17, 15),
        (19, 15),
        (21, 15),
        (18, 16),
        (20, 16),
        (22, 16),
        (29, 27),
        (31, 27),
        (30, 28),
        (32, 28),
    ):
        marks[end] = marks[start] + (0.0, 0.05, 0.0)
    yaw = np.radians(yaw_deg)
    turn = np.array([[np.cos(yaw), 0.0, np.sin(yaw)], [0.0, 1.0, 0.0], [-np.sin(yaw), 0.0, np.cos(yaw)]])
    return np.tile(marks @ turn.T, (n, 1, 1))


def still_pose(n: int, *, yaw_deg: float = 0.0, px_per_m: float = 200.0, fps: float = 30.0) -> PoseSequence:
    world = standing(yaw_deg=yaw_deg, n=n)
    image = world * px_per_m + np.array([640.0, 360.0, 0.0])
    return PoseSequence(image, world, np.ones((n, 33)), np.ones((n, 33)), np.arange(n) / fps, (1280, 720))


def flexion_deg(world: np.ndarray) -> float:
    trunk = world[0, [L.LEFT_SHOULDER, L.RIGHT_SHOULDER]].mean(axis=0) - world[0, [L.LEFT_HIP, L.RIGHT_HIP]].mean(
        axis=0
    )
    return float(np.degrees(np.arctan2(np.hypot(trunk[0], trunk[2]), -trunk[1])))


def test_correlated_noise_has_unit_variance_and_forgets_as_stated() -> None:
    series = correlated_noise((60_000,), 1.0 / 30.0, 0.1, np.random.default_rng(0))
    assert series.std() == pytest.approx(1.0, abs=0.03)
    # Three frames are 0.1 s: the correlation is 1 / e.
    assert np.corrcoef(series[3:], series[:-3])[0, 1] == pytest.approx(np.exp(-1.0), abs=0.03)


@pytest.mark.parametrize(("yaw_deg", "expected_deg"), [(0.0, 12.0), (90.0, 0.0), (180.0, 12.0)])
def test_false_flexion_is_full_from_the_front_and_absent_from_the_side(yaw_deg: float, expected_deg: float) -> None:
    world = bend_forward(standing(yaw_deg=yaw_deg, n=5), 12.0)
    assert flexion_deg(world) == pytest.approx(expected_deg, abs=0.1)


def test_false_flexion_tips_towards_where_the_person_faces() -> None:
    assert bend_forward(standing(n=5), 10.0)[0, L.LEFT_SHOULDER, 2] == pytest.approx(-0.5 * np.tan(np.radians(10.0)))
    assert bend_forward(standing(yaw_deg=180.0, n=5), 10.0)[0, L.LEFT_SHOULDER, 2] > 0.05


def test_hips_are_placed_lower_and_further_forward() -> None:
    moved = misplace(standing(), errors=replace(NO_ERRORS, hip_drop_share=0.03, hip_advance_m=0.02), height_m=1.8)
    hips = moved[0, [L.LEFT_HIP, L.RIGHT_HIP]]
    assert hips.mean(axis=0) == pytest.approx([0.0, 0.054, -0.02])
    assert hips[0, 0] - hips[1, 0] == pytest.approx(noise.HIP_SPREAD * 0.18)


@pytest.mark.parametrize(("yaw_deg", "far"), [(90.0, "RIGHT"), (-90.0, "LEFT")])
def test_far_side_is_hidden_from_the_side_and_nobody_from_the_front(yaw_deg: float, far: str) -> None:
    near = "LEFT" if far == "RIGHT" else "RIGHT"
    side = hidden_share(standing(yaw_deg=yaw_deg))[0]
    assert side[L[f"{far}_KNEE"]] > 0.95
    assert side[L[f"{near}_KNEE"]] == 0.0
    assert hidden_share(standing())[0].max() < 0.05
    assert hidden_share(standing(yaw_deg=30.0))[0].max() < 0.05


def test_face_is_hidden_from_behind() -> None:
    assert hidden_share(standing(yaw_deg=180.0))[0, :11].min() > 0.95


def spoilt(seed: int, *, yaw_deg: float = 0.0, n: int = 300) -> tuple[PoseSequence, PoseSequence]:
    pose = still_pose(n, yaw_deg=yaw_deg)
    rng = np.random.default_rng(seed)
    return pose, spoil(pose, errors=NO_ERRORS, height_m=1.7, px_per_m=np.full(n, 200.0), rng=rng)


def test_still_trunk_jitters_by_a_millimetre_or_two_and_more_in_depth() -> None:
    wobble = []
    for seed in range(12):
        _, seen = spoilt(seed)
        third = np.diff(seen.world_m[:, L.LEFT_SHOULDER], n=3, axis=0) / np.sqrt(20.0)
        wobble.append(1.4826 * np.nanmedian(np.abs(third), axis=0))
    across, _, depth = np.median(wobble, axis=0)
    # Keraal's people who keep still: 1.6 mm across, 4 mm in depth at the shoulders.
    assert across == pytest.approx(0.0016, rel=0.35)
    assert depth == pytest.approx(0.0040, rel=0.35)


def test_far_arm_falls_below_the_filter_from_the_side_and_the_trunk_does_not() -> None:
    far, near, trunk = [], [], []
    for seed in range(12):
        _, seen = spoilt(seed, yaw_deg=90.0)
        far.append(np.nanmedian(seen.visibility[:, L.RIGHT_ELBOW]))
        near.append(np.nanmedian(seen.visibility[:, L.LEFT_ELBOW]))
        trunk.append(np.nanmedian(seen.visibility[:, L.RIGHT_SHOULDER]))
    # Real clips from the side: far elbow .22 to .34, near elbow .96 to .996, far shoulder above .99.
    assert np.median(far) == pytest.approx(0.28, abs=0.1)
    assert np.median(near) > 0.96
    assert np.median(trunk) > 0.99


def test_world_stays_hip_centred_and_lost_frames_are_nan_with_zero_visibility(
    recordings: dict[Exercise, list[VirtualRecording]],
) -> None:
    n_lost = 0
    for recording in (item for items in recordings.values() for item in items):
        pose = recording.pose
        lost = ~pose.has_person
        n_lost += int(lost.sum())
        hips = pose.world_m[~lost][:, [L.LEFT_HIP, L.RIGHT_HIP]].mean(axis=1)
        assert np.abs(hips).max() < 1e-9
        assert np.isnan(pose.world_m[lost]).all()
        assert (pose.visibility[lost] == 0.0).all()
        assert np.isfinite(pose.image_px[~lost]).all()
        assert pose.visibility.min() >= 0.0
        assert pose.visibility.max() <= 1.0
    assert n_lost > 0


def test_landmarks_stay_near_their_truth_in_the_picture() -> None:
    off = []
    for index in range(10):
        recording = simulate_recording(index, Exercise.TOUCH_TOES, seed=2)
        height_px = np.ptp(recording.ideal.image_px[0, :, 1])
        distance = np.linalg.norm(recording.pose.image_px[..., :2] - recording.ideal.image_px[..., :2], axis=-1)
        off.append(np.nanmedian(distance) / height_px)
    # A few centimetres on a person: between half and three per cent of their height.
    assert 0.005 < np.median(off) < 0.03
