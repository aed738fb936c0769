"""Projection by hand, and what a perfect BlazePose would say."""

import numpy as np
import pytest

from backsight.domain.landmarks import Landmark
from backsight.domain.recording import Exercise
from backsight.simulation.camera import FRAME_SIZE, Camera, aim_camera, landmarks_as_seen
from backsight.simulation.cohort import VirtualRecording
from backsight.simulation.performance import Performance

L = Landmark


def front(*, yaw_deg: float = 0.0, pitch_deg: float = 0.0, focal_px: float = 600.0, roll_deg: float = 0.0) -> Camera:
    return aim_camera(
        at_m=np.zeros(3),
        yaw_deg=yaw_deg,
        distance_m=3.0,
        height_m=1.0,
        pitch_deg=pitch_deg,
        focal_px=focal_px,
        roll_deg=roll_deg,
    )


@pytest.mark.parametrize(
    ("yaw_deg", "point", "expected"),
    [
        # 0.5 m to the person's left and above the lens, 3 m away: 600 * 0.5 / 3 = 100 px from the centre.
        (0.0, (0.5, 1.5, 0.0), (740.0, 260.0)),
        # From the person's left, forward is the image's left: 600 * 0.6 / 3 = 120 px.
        (90.0, (0.0, 1.0, 0.6), (520.0, 360.0)),
        # From behind, the person's left is the image's left; 1 m forward is 4 m away: 600 * 0.4 / 4 = 60 px.
        (180.0, (0.4, 0.6, 1.0), (580.0, 420.0)),
    ],
    ids=["front", "left side", "behind"],
)
def test_point_lands_on_the_pixel_worked_out_by_hand(
    yaw_deg: float, point: tuple[float, ...], expected: tuple[float, float]
) -> None:
    assert front(yaw_deg=yaw_deg).project(np.array(point)) == pytest.approx(np.array(expected))


def test_camera_pitched_down_sees_its_aim_in_the_middle() -> None:
    camera = front(pitch_deg=np.degrees(np.arctan2(1.0, 3.0)))
    assert camera.project(np.zeros(3)) == pytest.approx(np.array(FRAME_SIZE) / 2.0)
    assert camera.axes @ camera.axes.T == pytest.approx(np.eye(3))
    assert np.linalg.det(camera.axes) == pytest.approx(1.0)


def test_rolled_camera_shows_an_upright_line_leaning_to_the_left() -> None:
    camera = front(roll_deg=10.0)
    foot, head = camera.project(np.array([[0.0, 0.0, 0.0], [0.0, 1.0, 0.0]]))
    leaning = np.degrees(np.arctan2(head[0] - foot[0], foot[1] - head[1]))
    assert leaning == pytest.approx(-10.0)
    assert camera.axes @ camera.axes.T == pytest.approx(np.eye(3))
    assert np.linalg.det(camera.axes) == pytest.approx(1.0)


def test_cameras_are_level_within_a_few_degrees(performances: dict[Exercise, list[Performance]]) -> None:
    rolls = [np.degrees(np.arcsin(item.camera.axes[0, 1])) for items in performances.values() for item in items]
    assert 0.4 < np.std(rolls) < 1.6
    assert abs(np.mean(rolls)) < 0.8


def figure_at(x: float) -> np.ndarray:
    marks = np.zeros((1, 33, 3))
    marks[:, L.LEFT_HIP], marks[:, L.RIGHT_HIP] = (x + 0.1, 1.0, 0.0), (x - 0.1, 1.0, 0.0)
    marks[:, L.NOSE] = (x, 1.7, 0.1)
    return marks


def test_world_landmarks_are_hip_centred_right_down_and_away() -> None:
    image, world = landmarks_as_seen(front(), figure_at(0.0))
    assert world[0, L.LEFT_HIP] == pytest.approx([0.1, 0.0, 0.0])
    assert world[0, L.NOSE] == pytest.approx([0.0, -0.7, -0.1])
    assert image[0, L.NOSE, 2] == pytest.approx(-0.1 * 600.0 / 3.0)


def test_world_axes_turn_with_the_line_of_sight() -> None:
    # 3 m ahead and 1.2 m to the right: seen along atan(1.2 / 3) = 21.8 deg, the hip line is turned by that much.
    _, world = landmarks_as_seen(front(), figure_at(1.2))
    across = world[0, L.LEFT_HIP] - world[0, L.RIGHT_HIP]
    assert np.degrees(np.arctan2(across[2], across[0])) == pytest.approx(21.8, abs=0.1)
    assert np.linalg.norm(across) == pytest.approx(0.2)


@pytest.mark.parametrize("exercise", Exercise)
def test_everybody_is_wholly_in_view_in_front_of_the_lens(
    performances: dict[Exercise, list[Performance]], exercise: Exercise
) -> None:
    for performance in performances[exercise]:
        pixels = performance.camera.project(performance.figure.landmarks_m)
        assert pixels.min() > 0.0
        assert (pixels.max(axis=(0, 1)) < FRAME_SIZE).all()
        assert performance.camera.to_camera(performance.figure.landmarks_m)[..., 2].min() > 1.0
        assert 0.8 <= performance.camera.position_m[1] <= 1.6


def test_person_who_faces_the_camera_has_their_left_at_larger_x(
    recordings: dict[Exercise, list[VirtualRecording]],
) -> None:
    n_checked = 0
    for recording in (item for items in recordings.values() for item in items):
        facing = np.cos(np.radians(recording.view_yaw_deg))
        if abs(facing) > 0.8:
            across = np.nanmedian(
                recording.pose.image_px[:, L.LEFT_SHOULDER, 0] - recording.pose.image_px[:, L.RIGHT_SHOULDER, 0]
            )
            assert np.sign(across) == np.sign(facing)
            n_checked += 1
    assert n_checked >= 5
