import numpy as np
import pytest

from backsight.kinematics.events import Jump, NoJump, find_bend, find_jump, find_walking_speed
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


def test_a_bend_held_for_nearly_the_whole_recording_is_seen():
    # One second of standing, 1 s down, 31 s held, 1 s up: standing is 3 % of the recording.
    times = np.arange(0.0, 34.0, 1 / 30)
    bend = find_bend(np.interp(times, [1.0, 2.0, 33.0, 34.0], [10.0, 105.0, 105.0, 10.0]), times)
    assert bend.standing_deg == pytest.approx(10.0, abs=1.0)
    assert bend.range_deg == pytest.approx(95.0, abs=1.0)
    assert bend.is_paused


def test_leaning_back_for_a_moment_is_not_standing():
    leaning_back = -15.0 * np.exp(-0.5 * ((TIMES - 5.0) / 0.1) ** 2)
    bend = find_bend(12.0 + cosine_bend(0.5, 3.0, 100.0) + leaning_back, TIMES)
    assert bend.standing_deg == pytest.approx(12.0, abs=1.5)


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
    assert find_walking_speed(moved, TIMES, height_m=1.7) == pytest.approx(1.3, abs=0.01)


@pytest.mark.parametrize("direction", [1.0, -1.0])
def test_three_passes_are_measured_on_one_of_them(direction):
    # There, back and there at 1 m/s, the last 4 cm further: from end to end it is 2.04 m in 6 s and more.
    times = np.arange(0.0, 9.0, 1 / 30)
    moved = direction * np.interp(times, [1.0, 3.0, 3.5, 5.5, 6.0, 8.04], [0.0, 2.0, 2.0, 0.0, 0.0, 2.04])
    assert find_walking_speed(moved, times, height_m=1.7) == pytest.approx(1.0, abs=0.01)


def test_the_longest_pass_counts():
    moved = np.interp(TIMES, [0.0, 1.0, 3.5, 5.0], [1.0, 0.0, 3.0, 1.0])
    assert find_walking_speed(moved, TIMES, height_m=1.7) == pytest.approx(1.2, abs=0.01)


def test_hips_that_sway_and_missing_frames_do_not_end_a_pass():
    moved = 1.1 * TIMES + 0.02 * np.sin(2 * np.pi * 1.8 * TIMES)
    moved[100:110] = np.nan
    assert find_walking_speed(moved, TIMES, height_m=1.7) == pytest.approx(1.1, abs=0.01)


def test_a_stop_on_the_way_is_no_speed():
    moved = np.interp(TIMES, [1.0, 2.0, 3.0, 4.0], [0.0, 1.0, 1.0, 2.0])
    assert np.isnan(find_walking_speed(moved, TIMES, height_m=1.7))


def test_swaying_on_the_spot_is_no_walk():
    assert np.isnan(find_walking_speed(0.3 * np.sin(TIMES), TIMES, height_m=1.7))


@pytest.mark.parametrize("times", [TIMES[:0], TIMES[:1], TIMES[:2]])
def test_a_few_frames_are_no_walk(times):
    assert np.isnan(find_walking_speed(2.0 * times, times, height_m=1.7))


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
    # One second holds 0.9 of a stride: too little, and not a faster stride.
    assert np.isnan(swing_with(swing[:60], rhythm[:60], TIMES[:60], **limits))


@pytest.mark.parametrize("seconds", [1.15, 1.4, 1.8])
def test_a_short_walk_of_little_more_than_one_stride_has_a_swing(seconds):
    times = TIMES[seconds >= TIMES]
    rhythm = 0.3 * np.sin(2 * np.pi * 0.9 * times + 0.4) + 0.02 * times
    swing = 4.0 * np.sin(2 * np.pi * 0.9 * times - 1.0) + 2.0 * times
    assert swing_with(swing, rhythm, times, slowest_hz=0.5, fastest_hz=1.4) == pytest.approx(8.0, abs=0.3)


def test_a_slow_stride_seen_in_part_is_not_taken_for_a_fast_one():
    times = TIMES[TIMES <= 1.5]
    slow = np.sin(2 * np.pi * 0.55 * times)
    assert np.isnan(swing_with(5.0 * slow, slow, times, slowest_hz=0.5, fastest_hz=1.4))
