import numpy as np
import pytest

from backsight.domain.landmarks import Landmark
from backsight.kinematics import view as views
from backsight.kinematics.angles import body_frame
from backsight.kinematics.body import measure_body
from tests.unit.kinematics.skeletons import TRUNK_M, changed, make_pose, mirrored, without

SHOULDERS = {"left": Landmark.LEFT_SHOULDER, "right": Landmark.RIGHT_SHOULDER}
HEIGHT_M = (0.49 + 0.42 + 0.42) / 0.779


def view_of(pose):
    return views.find_view(body_frame(pose.world_m))


def lean(pose):
    return views.lateral_lean_in_picture_deg(pose, body=measure_body(pose), frame=body_frame(pose.world_m))


def slope(pose):
    return views.obliquity_in_picture_deg(pose, **SHOULDERS, body=measure_body(pose))


@pytest.mark.parametrize("bent", [{}, {"flexion_deg": 80.0}, {"knee_flexion_deg": (90.0, 60.0), "yaw_deg": 50.0}])
def test_size_does_not_depend_on_posture_or_view(bent):
    body = measure_body(make_pose(n_frames=3, px_per_m=250.0, **bent))
    assert body.height_m == pytest.approx(HEIGHT_M)
    assert body.trunk_m == pytest.approx(TRUNK_M)
    assert body.px_per_m == pytest.approx(250.0)
    assert body.height_px == pytest.approx(250.0 * HEIGHT_M)


def test_a_person_cut_off_at_the_knees_still_has_a_height():
    legs = [mark for mark in Landmark if mark.name.split("_", 1)[-1] in {"KNEE", "ANKLE", "HEEL", "FOOT_INDEX"}]
    # Only the trunk is left: 0.49 m is 0.288 of the height.
    assert measure_body(without(make_pose(), *legs)).height_m == pytest.approx(0.49 / 0.288)


def test_one_bad_frame_does_not_change_the_size():
    pose = make_pose(n_frames=5)
    world = pose.world_m.copy()
    world[2] *= 7.0
    assert measure_body(changed(pose, world_m=world)).height_m == pytest.approx(HEIGHT_M)


@pytest.mark.parametrize(("yaw", "off_front"), [(0, 0), (20, 20), (-90, 90), (170, 10), (-115, 65)])
def test_view_from_the_yaw(yaw, off_front):
    view = view_of(make_pose(n_frames=3, yaw_deg=yaw))
    assert view.off_front_deg == pytest.approx(off_front)
    assert view.is_frontal == (off_front <= 25)
    assert view.is_lateral == (off_front > 60)


def test_a_few_frames_with_left_and_right_confused_do_not_turn_the_person_round():
    yaw = np.zeros(60)
    yaw[30:36] = 180.0
    pose = make_pose(n_frames=60, yaw_deg=yaw)
    assert views.faces_camera(body_frame(pose.world_m), pose.timestamps_s).tolist() == [1.0] * 60


def test_a_lean_keeps_its_side_when_the_person_turns_round():
    yaw = np.where(np.arange(240) < 120, 0.0, 180.0)
    away_from_the_turn = np.abs(np.arange(240) - 119.5) > 15
    assert lean(make_pose(n_frames=240, yaw_deg=yaw, lean_right_deg=5.0))[away_from_the_turn] == pytest.approx(5.0)


def test_an_unknown_view_is_neither_frontal_nor_lateral():
    view = view_of(without(make_pose(), *Landmark))
    assert np.isnan(view.off_front_deg)
    assert not view.is_frontal
    assert not view.is_lateral


@pytest.mark.parametrize("yaw", [0.0, 180.0])
@pytest.mark.parametrize("forward", [0.0, 70.0])
def test_lean_in_the_picture_from_front_and_back_also_while_bent(yaw, forward):
    pose = make_pose(lean_right_deg=30.0, flexion_deg=forward, yaw_deg=yaw)
    assert lean(pose)[0] == pytest.approx(30.0)
    assert lean(mirrored(pose))[0] == pytest.approx(-30.0)


def test_coming_closer_does_not_change_the_lean():
    pose = make_pose(n_frames=3, lean_right_deg=10.0, px_per_m=[200.0, 300.0, 500.0])
    assert lean(pose) == pytest.approx([10.0, 10.0, 10.0])


@pytest.mark.parametrize("yaw", [0.0, 180.0])
def test_shoulder_slope_in_the_picture(yaw):
    pose = make_pose(right_shoulder_up_deg=8.0, yaw_deg=yaw)
    assert slope(pose)[0] == pytest.approx(8.0)
    assert slope(mirrored(pose))[0] == pytest.approx(-8.0)


def test_shoulders_seen_end_on_have_no_slope():
    assert np.isfinite(slope(make_pose(right_shoulder_up_deg=5.0, yaw_deg=55.0)))[0]
    assert np.isnan(slope(make_pose(right_shoulder_up_deg=5.0, yaw_deg=85.0)))[0]
