import numpy as np
import pytest

from backsight.domain.landmarks import Landmark
from backsight.kinematics.rotation import axial_turn_deg, line_turn_deg, pelvis_turn_deg, shoulder_turn_deg
from tests.unit.kinematics.skeletons import make_pose, mirrored, without

TURNS_DEG = np.linspace(-60.0, 60.0, 61)


def seen(turn_deg, *, length_m=0.36, gain=1.0):
    """Return the line from right to left as BlazePose shows it; x to the image's right, z away from the camera."""
    turn = np.radians(np.asarray(turn_deg))
    length = np.broadcast_to(length_m, turn.shape)
    return np.stack([length * np.cos(turn), 0.0 * turn, -gain * length * np.sin(turn)], axis=1)


def test_a_line_seen_without_error_gives_its_angle():
    np.testing.assert_allclose(line_turn_deg(seen(TURNS_DEG)), TURNS_DEG, atol=0.1)
    np.testing.assert_allclose(line_turn_deg(seen([0.0])), 0.0, atol=0.1)


def test_a_large_turn_is_told_from_foreshortening_where_depth_falls_further_short():
    turns = np.concatenate((np.zeros(50), np.full(50, 45.0)))
    line = seen(turns, gain=0.6)
    plain = np.degrees(np.arctan2(-line[:, 2], line[:, 0]))
    assert plain[-1] == pytest.approx(31.0, abs=0.1)  # 14 degrees short.
    assert abs(line_turn_deg(line)[-1] - 45.0) < 0.5 * abs(plain[-1] - 45.0)


def test_shoulders_drawn_together_by_raised_arms_are_no_turn():
    # A line 12 % shorter and square to the camera: foreshortening alone would make it 28 degrees.
    length = np.concatenate((np.full(50, 0.36), np.full(50, 0.88 * 0.36)))
    got = line_turn_deg(seen(np.zeros(100), length_m=length))
    assert np.abs(got).max() < 1.0


@pytest.mark.parametrize("yaw", [0.0, 180.0, 90.0])
def test_shoulders_pelvis_and_the_difference_have_one_sign_from_any_side(yaw):
    axial = np.concatenate((np.zeros(40), np.full(40, 20.0)))
    pose = make_pose(n_frames=80, axial_right_deg=axial, yaw_deg=yaw)
    turned = axial_turn_deg(pose.world_m)
    assert np.median(turned[40:]) - np.median(turned[:40]) == pytest.approx(20.0, abs=0.2)
    pelvis = pelvis_turn_deg(pose.world_m)
    assert np.ptp(pelvis) < 1e-6
    glass = axial_turn_deg(mirrored(pose).world_m)
    assert np.median(glass[40:]) - np.median(glass[:40]) == pytest.approx(-20.0, abs=0.2)


def test_facing_away_is_half_a_turn():
    assert abs(shoulder_turn_deg(make_pose(n_frames=10, yaw_deg=180.0).world_m)[0]) == pytest.approx(180.0, abs=0.1)


def test_what_is_hidden_or_steep_has_no_turn():
    pose = without(make_pose(n_frames=10), Landmark.LEFT_SHOULDER, frames=slice(3, 5))
    assert list(np.flatnonzero(np.isnan(shoulder_turn_deg(pose.world_m)))) == [3, 4]
    assert np.isnan(line_turn_deg(np.full((4, 3), np.nan))).all()
    steep = np.array([[0.1, 0.3, 0.0], [0.3, 0.1, 0.0]])
    assert list(np.isnan(line_turn_deg(steep))) == [True, False]
