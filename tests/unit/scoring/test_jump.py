import numpy as np
import pytest

from backsight.domain.landmarks import Landmark
from backsight.scoring.jump import MEASURES, measure_jump
from backsight.scoring.person import observe
from tests.unit.kinematics.skeletons import changed, make_pose, without
from tests.unit.scoring.movements import LIFT_CM, RISE_CM, TAKE_OFF_S, TIMES, jump_pose


def crouching(pose, depth_m=0.2):
    """Lower everything but the feet before take-off, over 0.6 s."""
    dip_px = 300.0 * depth_m * np.sin(np.pi * np.clip((TIMES - TAKE_OFF_S + 0.7) / 0.6, 0.0, 1.0)) ** 2
    image = pose.image_px.copy()
    image[:, : Landmark.LEFT_ANKLE, 1] += dip_px[:, np.newaxis]
    return changed(pose, image_px=image)


def measured(pose, **more):
    return measure_jump(observe(pose, **more))


@pytest.mark.parametrize("yaw", [0.0, 45.0, 90.0, -90.0])
def test_a_jumps_height_two_ways_and_its_landing(yaw):
    got = measured(jump_pose(yaw_deg=yaw))
    assert got["jump_flight_height_cm"].value == pytest.approx(RISE_CM, abs=0.6)
    assert got["jump_hip_rise_cm"].value == pytest.approx(RISE_CM + LIFT_CM, abs=0.6)
    # The deepest flexion is that of a mean over 0.1 s, which blunts this peak by 5 %.
    assert got["landing_trunk_flexion_deg"].value == pytest.approx(30.0, abs=2.0)


def test_events_between_frames_in_order():
    got = measured(jump_pose())
    assert [event.name for event in got.events] == ["take_off", "apex", "landing"]
    assert [event.time_s for event in got.events] == pytest.approx([2.5, 2.75, 3.0], abs=0.004)


def test_depth_of_the_countermovement():
    got = measured(crouching(jump_pose()))["countermovement_depth_cm"]
    assert got.value == pytest.approx(20.0, abs=1.5)


def test_lengths_take_the_persons_height_and_flight_time_does_not():
    pose = crouching(jump_pose())
    plain = measured(pose)
    taller = measured(pose, height_m=1.1 * observe(pose).body.height_m)
    for name in ("jump_hip_rise_cm", "countermovement_depth_cm"):
        assert taller[name].value == pytest.approx(1.1 * plain[name].value, rel=0.005)
        assert "BlazePose's own scale" in plain[name].note
        assert "BlazePose's own scale" not in taller[name].note
    # Gravity is the same for everybody, and holds against a scale that says otherwise.
    taller_jump, plain_jump = taller["jump_flight_height_cm"].value, plain["jump_flight_height_cm"].value
    assert plain_jump < taller_jump < 1.085 * plain_jump


def test_measures_do_not_depend_on_the_scale_of_the_picture():
    near = jump_pose()
    far = changed(near, image_px=near.image_px * 0.4)
    for one, other in zip(measured(near).measurements, measured(far).measurements, strict=True):
        assert other.value == pytest.approx(one.value, abs=1e-6, nan_ok=True)


def test_standing_still_has_no_height():
    got = measured(make_pose(timestamps_s=TIMES))
    assert got.events == ()
    for item in got.measurements:
        assert np.isnan(item.value)
        assert item.note == "Cannot be measured: the hips do not rise with the feet."


def test_feet_are_told_apart_in_fast_recordings_from_the_front():
    times = np.arange(0.0, 6.0, 1 / 60)
    got = measured(jump_pose(times=times, late_left_foot_s=0.04))
    assert got["take_off_asymmetry_ms"].value == pytest.approx(40.0, abs=8.0)
    assert got["landing_asymmetry_ms"].value == pytest.approx(40.0, abs=8.0)
    side = measured(jump_pose(times=times, yaw_deg=90.0))["take_off_asymmetry_ms"]
    assert np.isnan(side.value)
    assert "film from the front" in side.note
    slow = measured(jump_pose())["landing_asymmetry_ms"]
    assert np.isnan(slow.value)
    assert "30 frames a second: a frame lasts 33 ms" in slow.note


def test_interpolated_toes_are_not_believed():
    times = np.arange(0.0, 6.0, 1 / 60)
    pose = jump_pose(times=times)
    image, visibility = pose.image_px.copy(), pose.visibility.copy()
    air = (times > 2.45) & (times < 3.05)
    image[air, Landmark.LEFT_FOOT_INDEX] = pose.image_px[0, Landmark.LEFT_FOOT_INDEX]
    visibility[air, Landmark.LEFT_FOOT_INDEX] = 0.3
    got = measured(changed(pose, image_px=image, visibility=visibility))
    assert got["jump_flight_height_cm"].value == pytest.approx(RISE_CM, abs=0.6)
    assert np.isnan(got["take_off_asymmetry_ms"].value)
    assert "one foot is hidden" in got["take_off_asymmetry_ms"].note


def test_a_trunk_hidden_at_landing_leaves_the_rest():
    pose = without(jump_pose(), Landmark.LEFT_SHOULDER, Landmark.RIGHT_SHOULDER, frames=slice(90, 110))
    got = measured(pose)
    assert np.isnan(got["landing_trunk_flexion_deg"].value)
    assert "trunk is hidden" in got["landing_trunk_flexion_deg"].note
    assert np.isfinite(got["jump_flight_height_cm"].value)


@pytest.mark.parametrize("pose", [make_pose(), without(make_pose(timestamps_s=TIMES), *Landmark)])
def test_one_frame_or_nobody_gives_notes_and_no_numbers(pose):
    got = measured(pose)
    assert [item.name for item in got.measurements] == [item.name for item in MEASURES]
    for item in got.measurements:
        assert np.isnan(item.value)
        assert item.note.startswith("Cannot be measured")


def test_every_measure_says_how_it_is_defined_and_invents_no_error():
    for pose in (jump_pose(), make_pose(timestamps_s=TIMES)):
        for item in measured(pose).measurements:
            assert item.source, item.name
            assert np.isnan(item.error), item.name
