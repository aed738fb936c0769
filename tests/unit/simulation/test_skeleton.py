"""The body stays a body: lengths, sides, floor, and angles that mean what they say."""

import numpy as np
import pytest

from backsight.domain.landmarks import Landmark
from backsight.domain.recording import Exercise
from backsight.simulation.body import Body
from backsight.simulation.performance import Performance
from backsight.simulation.skeleton import Motion, about_x, about_y, about_z, foot_ankle_m, orient, pose_body

L = Landmark


def still(body: Body, **changes: np.ndarray) -> Motion:
    """One frame of standing straight, with changes."""
    fields: dict[str, np.ndarray] = {
        "timestamps_s": np.zeros(1),
        "root_m": np.array([[0.0, body.ankle_height_m + 0.999 * body.leg_m, 0.0]]),
        "spine_rad": np.zeros((1, 4, 3)),
        "neck_rad": np.zeros((1, 2, 3)),
        "girdle_rad": np.zeros((1, 2)),
        "shoulder_rad": np.zeros((1, 2, 3)),
        "elbow_rad": np.zeros((1, 2)),
        "wrist_rad": np.zeros((1, 2)),
        "ankle_m": np.array([[[0.09, body.ankle_height_m, 0.0], [-0.09, body.ankle_height_m, 0.0]]]),
        "foot_rad": np.zeros((1, 2, 2)),
    }
    return Motion(**{**fields, **changes})


def test_rotations_take_up_to_forward_forward_to_left_and_left_to_up() -> None:
    quarter = np.array([np.pi / 2])
    left, up, forward = np.eye(3)
    assert about_x(quarter)[0] @ up == pytest.approx(forward)
    assert about_y(quarter)[0] @ forward == pytest.approx(left)
    assert about_z(quarter)[0] @ left == pytest.approx(up)


def test_lean_goes_to_the_left() -> None:
    tipped = orient(np.array([[0.0, np.radians(30.0), 0.0]]))[0] @ np.array([0.0, 1.0, 0.0])
    assert tipped == pytest.approx([0.5, np.sqrt(0.75), 0.0])


def test_upright_body_has_its_published_heights(body: Body) -> None:
    marks = pose_body(body, still(body)).landmarks_m[0]
    # Drillis and Contini: hips at .530, shoulders at .818, eyes at .936 of height, fingertips .44 below the shoulder.
    assert marks[L.LEFT_HIP, 1] / body.height_m == pytest.approx(0.530, abs=0.001)
    assert marks[L.LEFT_SHOULDER, 1] / body.height_m == pytest.approx(0.818, abs=0.001)
    assert marks[L.LEFT_EYE, 1] / body.height_m == pytest.approx(0.936, abs=0.01)
    assert marks[[L.LEFT_HEEL, L.LEFT_FOOT_INDEX], 1] == pytest.approx(0.0, abs=1e-12)
    assert marks[L.LEFT_FOOT_INDEX, 2] - marks[L.LEFT_HEEL, 2] == pytest.approx(0.152 * body.height_m)
    fingertip = pose_body(body, still(body)).joints_m["left_fingertip"][0]
    assert marks[L.LEFT_SHOULDER, 1] - fingertip[1] == pytest.approx(0.44 * body.height_m)


def test_left_is_at_positive_x_and_the_face_looks_forward(body: Body) -> None:
    marks = pose_body(body, still(body)).landmarks_m[0]
    for left in L:
        if left.name.startswith("LEFT") or left is L.MOUTH_LEFT:
            assert marks[left, 0] > 0.0, left
    assert marks[L.NOSE, 2] > marks[L.LEFT_EAR, 2] + 0.05
    assert marks[L.LEFT_THUMB, 2] > marks[L.LEFT_PINKY, 2]


@pytest.mark.parametrize(
    ("joint", "angles_deg", "expected"),
    [
        ("shoulder", (90.0, 0.0, 0.0), (0.0, 0.0, 1.0)),
        ("shoulder", (0.0, 90.0, 0.0), (1.0, 0.0, 0.0)),
        ("shoulder", (180.0, 0.0, 0.0), (0.0, 1.0, 0.0)),
        ("shoulder", (180.0, 20.0, 0.0), (np.sin(np.radians(20.0)), np.cos(np.radians(20.0)), 0.0)),
    ],
    ids=["forward", "sideways", "overhead", "overhead and outwards"],
)
def test_arm_points_where_its_angles_say(
    body: Body, joint: str, angles_deg: tuple[float, ...], expected: tuple[float, ...]
) -> None:
    angles = np.zeros((1, 2, 3))
    angles[:, :] = np.radians(angles_deg)
    marks = pose_body(body, still(body, shoulder_rad=angles)).landmarks_m[0]
    for elbow, shoulder, mirror in ((L.LEFT_ELBOW, L.LEFT_SHOULDER, 1.0), (L.RIGHT_ELBOW, L.RIGHT_SHOULDER, -1.0)):
        direction = (marks[elbow] - marks[shoulder]) / body.upper_arm_m
        assert direction == pytest.approx(np.array(expected) * [mirror, 1.0, 1.0], abs=1e-9)


def test_hip_and_knee_flexion_of_a_deep_squat_follow_from_the_feet(body: Body) -> None:
    # Thigh and shank at right angles to each other, ankle right below: an isosceles-like triangle solved by hand.
    drop = np.hypot(body.thigh_m, body.shank_m)
    root = np.array([[0.0, body.ankle_height_m + drop, 0.0]])
    ankle = still(body).ankle_m.copy()
    ankle[0, :, 0] = [body.hip_half_m, -body.hip_half_m]
    figure = pose_body(body, still(body, root_m=root, ankle_m=ankle))
    assert np.degrees(figure.knee_flexion_rad[0]) == pytest.approx([90.0, 90.0])
    assert np.degrees(figure.hip_flexion_rad[0]) == pytest.approx(np.degrees(np.arctan2(body.shank_m, body.thigh_m)))
    assert figure.landmarks_m[0, L.LEFT_KNEE, 2] > 0.2


def test_raised_heel_keeps_the_toes_on_their_spot(body: Body) -> None:
    pitch = np.radians([-50.0, -20.0, 0.0, 15.0])
    forward, height = foot_ankle_m(body, toes_up_rad=pitch)
    for angle, ahead, high in zip(pitch, forward, height, strict=True):
        foot = about_x(np.array([-angle]))[0]
        ankle = np.array([0.0, high, ahead])
        toe = ankle + foot @ np.array([0.0, -body.ankle_height_m, body.toe_m])
        heel = ankle + foot @ np.array([0.0, -body.ankle_height_m, -body.heel_m])
        fixed, rest = (heel, -body.heel_m) if angle > 0.0 else (toe, body.toe_m)
        assert fixed == pytest.approx([0.0, 0.0, rest], abs=1e-12)
        assert min(toe[1], heel[1]) >= -1e-12


BONES = [
    (L.LEFT_SHOULDER, L.LEFT_ELBOW, "upper_arm_m"),
    (L.LEFT_ELBOW, L.LEFT_WRIST, "forearm_m"),
    (L.RIGHT_SHOULDER, L.RIGHT_ELBOW, "upper_arm_m"),
    (L.RIGHT_ELBOW, L.RIGHT_WRIST, "forearm_m"),
    (L.LEFT_HIP, L.LEFT_KNEE, "thigh_m"),
    (L.LEFT_KNEE, L.LEFT_ANKLE, "shank_m"),
    (L.RIGHT_HIP, L.RIGHT_KNEE, "thigh_m"),
    (L.RIGHT_KNEE, L.RIGHT_ANKLE, "shank_m"),
]


@pytest.mark.parametrize("exercise", Exercise)
def test_bones_keep_their_lengths_in_every_frame(
    performances: dict[Exercise, list[Performance]], exercise: Exercise
) -> None:
    for performance in performances[exercise]:
        marks, body = performance.figure.landmarks_m, performance.volunteer.body
        for start, end, name in BONES:
            lengths = np.linalg.norm(marks[:, start] - marks[:, end], axis=1)
            assert lengths == pytest.approx(getattr(body, name), abs=1e-9), name
        hips = np.linalg.norm(marks[:, L.LEFT_HIP] - marks[:, L.RIGHT_HIP], axis=1)
        assert hips == pytest.approx(2.0 * body.hip_half_m, abs=1e-9)
        feet = np.linalg.norm(marks[:, L.LEFT_HEEL] - marks[:, L.LEFT_FOOT_INDEX], axis=1)
        assert feet == pytest.approx(body.heel_m + body.toe_m, abs=1e-9)


@pytest.mark.parametrize("exercise", Exercise)
def test_legs_reach_the_feet_and_rotations_are_rotations(
    performances: dict[Exercise, list[Performance]], exercise: Exercise
) -> None:
    for performance in performances[exercise]:
        figure = performance.figure
        for side, ankle in enumerate((L.LEFT_ANKLE, L.RIGHT_ANKLE)):
            assert np.abs(figure.landmarks_m[:, ankle] - performance.motion.ankle_m[:, side]).max() < 1e-9
        for name, rotation in figure.rotations.items():
            assert np.abs(rotation @ rotation.transpose(0, 2, 1) - np.eye(3)).max() < 1e-9, name
            assert np.linalg.det(rotation).min() > 0.0, name


@pytest.mark.parametrize("exercise", Exercise)
def test_knees_bend_the_human_way_and_nothing_sinks_into_the_floor(
    performances: dict[Exercise, list[Performance]], exercise: Exercise
) -> None:
    for performance in performances[exercise]:
        knees = np.degrees(performance.figure.knee_flexion_rad)
        assert knees.min() >= 0.0
        assert knees.max() < 140.0
        assert performance.figure.landmarks_m[:, 25:, 1].min() > -0.002


@pytest.mark.parametrize("exercise", Exercise)
def test_motion_is_smooth(performances: dict[Exercise, list[Performance]], exercise: Exercise) -> None:
    for performance in performances[exercise]:
        marks = performance.figure.landmarks_m
        # A hand swung up in a jump reaches some 8 m/s; a jump in the curve would be far above.
        speed = np.linalg.norm(np.diff(marks, axis=0), axis=-1) * 60.0
        assert speed.max() < 12.0
