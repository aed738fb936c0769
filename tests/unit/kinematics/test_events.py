import numpy as np
import pytest

from backsight.kinematics.events import Jump, NoJump, find_bend, find_jump, find_walking_pass
from backsight.kinematics.signals import rate_of_change, smooth, swing_with

TIMES = np.arange(0.0, 6.0, 1 / 60)
G = 9.81


def cosine_bend(start, length, depth, times=TIMES):
    """One turn of a cosine, from standing to standing."""
    phase = np.clip((times - start) / length, 0.0, 1.0)
    return 0.5 * depth * (1.0 - np.cos(2.0 * np.pi * phase))


def test_a_bend_is_timed_and_measured_above_standing():
    bend = find_bend(12.0 + cosine_bend(1.0, 3.0, 100.0), TIMES)
    assert bend.standing_deg == pytest.approx(12.0, abs=0.5)
    assert bend.range_deg == pytest.approx(100.0, abs=1.0)
    assert bend.deepest_s == pytest.approx(2.5, abs=0.02)
    # 5 % of a cosine's depth is reached after arccos(0.9) of its turn: 0.0718 x 3 s = 0.215 s.
    assert bend.start_s == pytest.approx(1.215, abs=0.03)
    assert bend.end_s == pytest.approx(3.785, abs=0.03)
    assert not bend.is_paused
    assert bend.down_and_up_s == pytest.approx(3.0, abs=0.05)


def test_a_pause_at_the_bottom_is_left_out():
    down, up = cosine_bend(1.0, 2.0, 90.0), cosine_bend(3.0, 2.0, 90.0)
    flexion = np.where(TIMES < 2.0, down, np.where(TIMES < 4.0, 90.0, up))
    bend = find_bend(flexion, TIMES)
    assert bend.is_paused
    assert bend.down_and_up_s == pytest.approx(2.0, abs=0.08)


def test_the_smoothest_reach_down_and_up_is_no_pause():
    way = np.clip(1.0 - np.abs(TIMES - 2.5) / 1.5, 0.0, 1.0)
    bend = find_bend(100.0 * (10 * way**3 - 15 * way**4 + 6 * way**5), TIMES)
    assert not bend.is_paused
    # Least jerk passes 5 % after 0.19 of the way down, a cosine after 0.14: 0.81 / 0.856 of 3 s.
    assert bend.down_and_up_s == pytest.approx(0.946 * 3.0, abs=0.05)


def test_no_bend_when_the_trunk_hardly_moves():
    assert find_bend(5.0 + cosine_bend(1.0, 3.0, 28.0), TIMES) is None
    assert find_bend(np.full_like(TIMES, np.nan), TIMES) is None


def test_a_recording_that_ends_in_the_bend_has_no_duration():
    bend = find_bend(cosine_bend(4.0, 3.0, 100.0), TIMES)
    assert bend.start_s > 4.0
    assert np.isnan(bend.end_s)
    assert np.isnan(bend.down_and_up_s)


def test_frames_missing_in_the_bend_are_counted():
    flexion = cosine_bend(1.0, 3.0, 100.0)
    flexion[(TIMES > 2.0) & (TIMES < 2.4)] = np.nan
    assert find_bend(flexion, TIMES).known_share == pytest.approx(1 - 0.4 / 2.57, abs=0.03)


def jump_heights(flight_s, *, take_off=2.0, heel_rise=0.1, crouch=0.25):
    """Hips: standing 0, a crouch of 0.4 s, then from `heel_rise` in free fall. Feet: free fall only."""
    since = TIMES - take_off
    arc = np.where((since > 0) & (since < flight_s), 0.5 * G * since * (flight_s - since), 0.0)
    dip = -crouch * np.sin(np.pi * np.clip((since + 0.45) / 0.4, 0, 1))
    return arc + np.where((since > 0) & (since < flight_s), heel_rise, 0.0) + dip, arc


@pytest.mark.parametrize("flight_s", [0.35, 0.5, 0.6])
def test_a_jumps_flight_and_rise(flight_s):
    hips, feet = jump_heights(flight_s)
    jump = find_jump(hips + 0.9, feet - 0.3, TIMES)
    assert isinstance(jump, Jump)
    assert jump.flight_s == pytest.approx(flight_s, abs=0.01)
    assert jump.hip_rise_m == pytest.approx(0.1 + G * flight_s**2 / 8, abs=0.01)
    assert jump.apex_s == pytest.approx(2.0 + flight_s / 2, abs=0.02)


def test_standing_up_is_no_jump():
    hips, _ = jump_heights(0.5)
    assert find_jump(hips, np.zeros_like(hips), TIMES) == NoJump("the feet are not seen to leave the floor")


def test_jumping_down_from_a_box_is_no_jump():
    hips, feet = jump_heights(0.5)
    lower = np.where(TIMES > 2.5, -0.5, 0.0)
    found = find_jump(hips + lower, feet + lower, TIMES)
    assert found == NoJump("the person does not stand equally high before and after, as on level ground")


def test_a_walk_up_a_slope_in_the_picture_is_no_jump():
    # The feet leave their median level for seconds: no flight lasts that long.
    slope = 0.15 * TIMES
    assert isinstance(find_jump(slope + 0.9, slope, TIMES), NoJump)


def test_stepping_onto_a_box_and_down_again_is_no_jump():
    on_the_box = np.where((TIMES > 2.0) & (TIMES < 3.2), 0.4, 0.0)
    assert find_jump(on_the_box, on_the_box, TIMES) == NoJump("take-off and landing of the feet are not both seen")


def test_a_jump_without_any_standing_is_refused():
    hips, feet = jump_heights(0.5, take_off=0.5)
    short = TIMES < 1.2
    assert "standing" in find_jump(hips[short], feet[short], TIMES[short]).reason


def test_hidden_hips_give_no_jump():
    assert find_jump(np.full_like(TIMES, np.nan), np.zeros_like(TIMES), TIMES) == NoJump("the hips are not seen")


@pytest.mark.parametrize("direction", [1.0, -1.0])
def test_a_walk_there_is_measured_at_its_steady_speed(direction):
    moved = direction * np.clip(1.3 * (TIMES - 1.0), 0.0, 2.6)
    walk = find_walking_pass(moved, TIMES, height_m=1.7)
    assert walk.travel_m == pytest.approx(direction * 2.6, abs=0.02)
    assert walk.speed_m_per_s == pytest.approx(1.3, abs=0.01)
    assert walk.steady_from_s == pytest.approx(1.2, abs=0.02)
    assert walk.steady_to_s == pytest.approx(2.8, abs=0.02)


def test_swaying_on_the_spot_is_no_walk():
    assert find_walking_pass(0.3 * np.sin(TIMES), TIMES, height_m=1.7) is None


def test_smoothing_keeps_a_line_straight_and_missing_frames_missing():
    line = 3.0 * TIMES
    assert smooth(line, TIMES) == pytest.approx(line)
    gappy = line.copy()
    gappy[100:110] = np.nan
    assert np.flatnonzero(np.isnan(smooth(gappy, TIMES))).tolist() == list(range(100, 110))


def test_rate_of_change_of_a_parabola_is_its_derivative():
    rate = rate_of_change(4.0 * TIMES**2, TIMES)
    assert rate[10:-10] == pytest.approx(8.0 * TIMES[10:-10])
    assert np.isnan(rate_of_change(np.array([1.0]), np.array([0.0]))).all()


def test_a_swing_is_measured_in_step_with_its_rhythm_and_not_beside_it():
    rhythm = 0.3 * np.sin(2 * np.pi * 0.9 * TIMES + 0.4) + 0.02 * TIMES
    swing = 6.0 * np.sin(2 * np.pi * 0.9 * TIMES - 1.0)
    other = 9.0 * np.sin(2 * np.pi * 3.1 * TIMES)
    limits = {"slowest_hz": 0.5, "fastest_hz": 1.4}
    assert swing_with(swing, rhythm, TIMES, **limits) == pytest.approx(12.0, abs=0.1)
    assert swing_with(swing + other + 40.0, rhythm, TIMES, **limits) == pytest.approx(12.0, abs=0.6)
    assert swing_with(other, rhythm, TIMES, **limits) < 1.0
    missing = np.where(np.arange(len(TIMES)) % 7 < 2, np.nan, swing)
    assert swing_with(missing, rhythm, TIMES, **limits) == pytest.approx(12.0, abs=0.1)
    assert np.isnan(swing_with(swing[:60], rhythm[:60], TIMES[:60], **limits))
