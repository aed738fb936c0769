import numpy as np
import pytest

from backsight.domain.landmarks import MIRRORED, Landmark
from backsight.kinematics.angles import body_frame
from backsight.kinematics.body import measure_body
from backsight.kinematics.sagittal import (
    hold_facing,
    picture_weight,
    sagittal_flexion_deg,
    sagittal_knee_flexion_deg,
    sagittal_m,
)
from backsight.kinematics.view import View, find_view
from tests.unit.kinematics.skeletons import changed, make_pose, without

TIMES = np.arange(0.0, 4.0, 1 / 30)
BEND = np.sin(np.pi * np.clip((TIMES - 1.0) / 2.0, 0.0, 1.0)) ** 2
"""Upright for a second at both ends, deepest after 2 s."""
DEEPEST = 60


def bending(**more):
    return make_pose(timestamps_s=TIMES, **({"flexion_deg": 5.0 + 95.0 * BEND} | more))


def view_of(pose):
    return find_view(hold_facing(body_frame(pose.world_m), pose.world_m, pose.timestamps_s))


def flexion(pose, *, shows_back=False):
    return sagittal_flexion_deg(pose, view=view_of(pose), body=measure_body(pose), shows_back=shows_back)


def through_a_lens(pose):
    """Draw a person as a lens 3 m away sees it, whose focal length is 0.7 of the longer side, looking down by 4 deg."""
    slope, distance_m, focal_px = np.radians(4.0), 3.0, 0.7 * 1280
    x, y, z = np.moveaxis(pose.world_m, -1, 0)
    seen = np.stack((x, y * np.cos(slope) - z * np.sin(slope), y * np.sin(slope) + z * np.cos(slope)), axis=-1)
    scale = focal_px / (distance_m + seen[..., 2:])
    picture = np.concatenate((seen[..., :2] * scale + [640.0, 360.0], seen[..., 2:] * scale), axis=-1)
    return changed(pose, image_px=picture)


@pytest.mark.parametrize("yaw", [90.0, -90.0])
def test_flexion_from_either_side(yaw):
    pose = bending(yaw_deg=yaw)
    got = flexion(pose)
    assert got[[0, DEEPEST]] == pytest.approx([5.0, 100.0], abs=0.3)
    half = without(pose, Landmark.LEFT_SHOULDER)
    assert flexion(half)[DEEPEST] == pytest.approx(100.0, abs=0.3)


@pytest.mark.parametrize("yaw", [0.0, 20.0, 35.0, -45.0, 60.0, 75.0, 140.0])
def test_flexion_at_an_angle(yaw):
    # Drawn without perspective; undoing what is not there costs up to 3 degrees.
    got = flexion(bending(yaw_deg=yaw), shows_back=abs(yaw) > 90.0)
    assert got[DEEPEST] == pytest.approx(100.0, abs=3.0)


@pytest.mark.parametrize("peak", [60.0, 90.0])
@pytest.mark.parametrize("yaw", [60.0, -60.0, 120.0, -120.0])
def test_a_trunk_that_comes_nearer_to_the_lens_or_goes_away_is_as_flexed_as_it_is(yaw, peak):
    pose = through_a_lens(bending(yaw_deg=yaw, flexion_deg=5.0 + (peak - 5.0) * BEND))
    assert flexion(pose, shows_back=abs(yaw) > 90.0)[DEEPEST] == pytest.approx(peak, abs=1.0)


def test_a_back_taken_for_a_front_is_flexed_too_little():
    pose = through_a_lens(bending(yaw_deg=120.0, flexion_deg=5.0 + 55.0 * BEND))
    assert flexion(pose)[DEEPEST] < 58.5


def test_a_person_leaning_sideways_from_the_front_is_not_flexed():
    got = flexion(bending(flexion_deg=5.0, lean_right_deg=40.0 * BEND))
    assert np.abs(got).max() < 8.0


def test_flexion_does_not_change_when_left_and_right_are_exchanged_in_the_bend():
    pose = bending(yaw_deg=0.0)
    bent = (BEND > 0.3)[:, np.newaxis, np.newaxis]
    confused = changed(
        pose,
        image_px=np.where(bent, pose.image_px[:, MIRRORED], pose.image_px),
        world_m=np.where(bent, pose.world_m[:, MIRRORED], pose.world_m),
    )
    assert flexion(confused) == pytest.approx(flexion(pose), nan_ok=True)
    frame = hold_facing(body_frame(confused.world_m), confused.world_m, TIMES)
    assert frame.forward[:, 2] == pytest.approx(-1.0)
    assert frame.right[:, 0] == pytest.approx(-1.0)


def test_facing_is_kept_as_it_is_while_a_person_turns_round_upright():
    yaw = np.interp(TIMES, [1.0, 3.0], [0.0, 170.0])
    pose = make_pose(timestamps_s=TIMES, flexion_deg=8.0, yaw_deg=yaw)
    frame = body_frame(pose.world_m)
    assert hold_facing(frame, pose.world_m, TIMES).forward == pytest.approx(frame.forward)


@pytest.mark.parametrize("yaw", [0.0, 90.0])
def test_a_person_found_on_the_head_is_not_measured(yaw):
    pose = bending(yaw_deg=yaw)
    first = (TIMES < 0.2)[:, np.newaxis, np.newaxis]
    overturned = pose.world_m * [1.0, -1.0, 1.0]
    picture = pose.image_px * [1.0, -1.0, 1.0] + [0.0, 720.0, 0.0]
    got = flexion(
        changed(
            pose, image_px=np.where(first, picture, pose.image_px), world_m=np.where(first, overturned, pose.world_m)
        )
    )
    assert np.isnan(got[TIMES < 0.2]).all()
    assert got[TIMES >= 0.2] == pytest.approx(flexion(pose)[TIMES >= 0.2], abs=0.5)


@pytest.mark.parametrize("yaw", [0.0, 30.0, 90.0, -120.0])
def test_knees_from_anywhere(yaw):
    knees = 30.0 * BEND
    pose = bending(yaw_deg=yaw, thigh_forward_deg=(knees, knees), knee_flexion_deg=(knees, knees))
    got = sagittal_knee_flexion_deg(pose, view=view_of(pose), body=measure_body(pose))
    assert got[[0, DEEPEST]] == pytest.approx([0.0, 30.0], abs=1.0)


def test_forward_in_the_picture_is_as_long_as_it_is():
    pose = make_pose(n_frames=3, yaw_deg=50.0)
    place = sagittal_m(pose, view=view_of(pose), body=measure_body(pose))
    foot = place[:, Landmark.LEFT_FOOT_INDEX] - place[:, Landmark.LEFT_HEEL]
    # The drawn foot reaches 0.20 m forward from the heel.
    assert foot == pytest.approx(np.tile([0.20, 0.0], (3, 1)), abs=1e-6)


def test_the_picture_counts_more_the_more_it_shows():
    weights = [picture_weight(View(off_front_deg=angle, towards_right=1.0)) for angle in (0.0, 30.0, 45.0, 60.0, 90.0)]
    assert weights == pytest.approx([0.0, 0.5, 0.75, 1.0, 1.0])


def test_nobody_seen_has_no_flexion():
    assert np.isnan(flexion(without(bending(), *Landmark))).all()
