import numpy as np
import pytest

from backsight.kinematics.body import measure_body
from backsight.kinematics.gait import (
    HeelStrike,
    find_heel_strikes,
    find_path_m,
    find_rhythm,
    find_walking_speed,
    find_way,
    foot_parting_m,
)
from tests.unit.kinematics.skeletons import make_pose

TIMES = np.arange(0.0, 6.0, 1 / 60)
FILM_TIMES = np.arange(0.0, 6.0, 1 / 30)


def lead(times_s, *, step_s=0.55, first_s=0.4, step_m=0.7):
    """Left foot furthest ahead at `first_s`, right foot a step later, and so on."""
    return step_m * np.cos(np.pi * (times_s - first_s) / step_s)


def test_heel_strikes_lie_between_frames_left_and_right_by_turns():
    strikes = find_heel_strikes(lead(FILM_TIMES), FILM_TIMES, height_m=1.7)
    assert [strike.time_s for strike in strikes] == pytest.approx(0.4 + 0.55 * np.arange(10), abs=0.005)
    assert [strike.is_left for strike in strikes] == [True, False] * 5
    assert [strike.apart_m for strike in strikes] == pytest.approx([0.7] * 10, abs=0.03)
    assert not any(strike.is_first for strike in strikes)


def test_legs_taken_for_each_other_change_neither_times_nor_sides():
    swapped = lead(FILM_TIMES)
    swapped[30:45] *= -1.0
    swapped[100:103] *= -1.0
    assert [s.is_left for s in find_heel_strikes(swapped, FILM_TIMES, height_m=1.7)] == [True, False] * 5
    assert find_rhythm(find_heel_strikes(swapped, FILM_TIMES, height_m=1.7)).step_s == pytest.approx(0.55, abs=0.002)


def test_one_wild_frame_is_no_strike():
    wild = lead(FILM_TIMES)
    wild[50] = 1.5
    assert len(find_heel_strikes(wild, FILM_TIMES, height_m=1.7)) == 10


def test_the_first_step_from_standing_is_marked_and_closing_up_is_none():
    # Standing until 1.0 s; then steps of 0.5 s whose first is half as long; the feet are together again at 3.75 s.
    knots = [0.0, 1.0, 1.5, 2.0, 2.5, 3.0, 3.5, 3.75, 6.0]
    at = [0.0, 0.0, 0.45, -0.7, 0.7, -0.7, 0.7, 0.05, 0.05]
    since = np.clip(np.searchsorted(knots, TIMES, side="right") - 1, 0, len(knots) - 2)
    share = (TIMES - np.take(knots, since)) / np.diff(knots)[since]
    signal = np.take(at, since) + np.diff(at)[since] * 0.5 * (1.0 - np.cos(np.pi * share))
    strikes = find_heel_strikes(signal, TIMES, height_m=1.7)
    assert [strike.time_s for strike in strikes] == pytest.approx([1.5, 2.0, 2.5, 3.0, 3.5], abs=0.03)
    assert [strike.is_first for strike in strikes] == [True, False, False, False, False]


def test_a_run_of_steps_ends_where_the_feet_are_not_seen():
    hidden = lead(FILM_TIMES)
    hidden[(FILM_TIMES > 1.1) & (FILM_TIMES < 1.7)] = np.nan
    strikes = find_heel_strikes(hidden, FILM_TIMES, height_m=1.7)
    assert strikes[0].time_s == pytest.approx(2.05, abs=0.01)
    assert find_rhythm(strikes).step_s == pytest.approx(0.55, abs=0.003)


def test_standing_and_few_frames_have_no_strikes():
    assert find_heel_strikes(0.05 * lead(FILM_TIMES), FILM_TIMES, height_m=1.7) == ()
    assert find_heel_strikes(np.full(60, np.nan), FILM_TIMES[:60], height_m=1.7) == ()
    assert find_heel_strikes(lead(FILM_TIMES[:3]), FILM_TIMES[:3], height_m=1.7) == ()
    assert find_rhythm(()) is None


def test_the_phase_of_a_stride_is_nought_at_left_strikes_and_half_a_turn_at_right_ones():
    strikes = tuple(HeelStrike(is_left, time_s, 0.7) for is_left, time_s in ((False, 1.0), (True, 1.5), (False, 2.0)))
    rhythm = find_rhythm(strikes)
    assert np.exp(1j * rhythm.phase_rad(np.array([1.0, 1.5, 2.0]))) == pytest.approx(np.array([-1.0, 1.0, -1.0]))
    assert rhythm.frames(np.array([0.7, 0.8, 2.2, 2.3]), beyond_steps=0.5).tolist() == [False, True, True, False]


def test_the_path_before_a_pinhole_camera():
    # From 1 m left of the line of sight at 4 m to 1 m right of it at 2 m; 800 px focal length.
    sideways_m, depth_m = np.linspace(-1.0, 1.0, 60), np.linspace(4.0, 2.0, 60)
    got = find_path_m(800.0 * sideways_m / depth_m, 800.0 / depth_m, TIMES[:60], focal_px=800.0)
    assert got[:, 0] == pytest.approx(sideways_m, abs=1e-9)
    assert got[:, 1] == pytest.approx(depth_m, abs=1e-9)


def way_of(moved, times=TIMES, *, turned_deg=0.0):
    """A way across the picture, or turned away from the camera."""
    turn = np.radians(turned_deg)
    return find_way(np.outer(moved, [np.cos(turn), np.sin(turn)]), times, height_m=1.7)


@pytest.mark.parametrize("direction", [1.0, -1.0])
def test_a_walk_there_is_measured_at_its_steady_speed(direction):
    way = way_of(direction * np.clip(1.3 * (TIMES - 1.0), 0.0, 2.6))
    assert find_walking_speed(way, TIMES) == pytest.approx(1.3, abs=0.01)
    assert way.direction == pytest.approx([direction, 0.0], abs=1e-6)


@pytest.mark.parametrize("turned_deg", [0.0, 30.0, 90.0, 200.0])
def test_the_direction_of_a_way_and_its_angle_to_the_line_of_sight(turned_deg):
    way = way_of(TIMES, turned_deg=turned_deg)
    assert way.direction == pytest.approx([np.cos(np.radians(turned_deg)), np.sin(np.radians(turned_deg))], abs=1e-6)
    assert way.across_deg == pytest.approx({0.0: 90.0, 30.0: 60.0, 90.0: 0.0, 200.0: 70.0}[turned_deg], abs=1e-6)


def test_hips_that_speed_up_and_slow_down_within_steps_are_measured_over_whole_ones():
    # 5 cm to and fro at two steps a second, in 2.5 s: the middle 80 % of the way are no whole number of steps.
    times = TIMES[:150]
    way = way_of(1.2 * times + 0.05 * np.sin(4.0 * np.pi * times), times)
    strikes = tuple(HeelStrike(k % 2 == 0, 0.1 + 0.5 * k, 0.6, is_first=k == 0) for k in range(5))
    assert find_walking_speed(way, times, strikes=strikes) == pytest.approx(1.2, abs=0.003)
    assert find_walking_speed(way, times) != pytest.approx(1.2, abs=0.01)


@pytest.mark.parametrize("direction", [1.0, -1.0])
def test_three_passes_are_measured_on_one_of_them(direction):
    # There, back and there at 1 m/s, the last 4 cm further: from end to end it is 2.04 m in 6 s and more.
    times = np.arange(0.0, 9.0, 1 / 30)
    moved = direction * np.interp(times, [1.0, 3.0, 3.5, 5.5, 6.0, 8.04], [0.0, 2.0, 2.0, 0.0, 0.0, 2.04])
    assert find_walking_speed(way_of(moved, times), times) == pytest.approx(1.0, abs=0.01)


def test_the_longest_pass_counts():
    way = way_of(np.interp(TIMES, [0.0, 1.0, 3.5, 5.0], [1.0, 0.0, 3.0, 1.0]))
    assert find_walking_speed(way, TIMES) == pytest.approx(1.2, abs=0.01)
    assert TIMES[way.frames][[0, -1]] == pytest.approx([1.0, 3.5], abs=0.1)


def test_hips_that_sway_and_missing_frames_do_not_end_a_pass():
    moved = 1.1 * TIMES + 0.02 * np.sin(2 * np.pi * 1.8 * TIMES)
    moved[100:110] = np.nan
    assert find_walking_speed(way_of(moved), TIMES) == pytest.approx(1.1, abs=0.01)


def test_a_stop_on_the_way_is_no_speed():
    way = way_of(np.interp(TIMES, [1.0, 2.0, 3.0, 4.0], [0.0, 1.0, 1.0, 2.0]))
    assert np.isnan(find_walking_speed(way, TIMES))


def test_swaying_on_the_spot_is_no_way():
    assert way_of(0.3 * np.sin(TIMES)) is None


@pytest.mark.parametrize("times", [TIMES[:0], TIMES[:1], TIMES[:2]])
def test_a_few_frames_are_no_way(times):
    assert way_of(2.0 * times, times) is None


@pytest.mark.parametrize("px_per_m", [150.0, 300.0])
def test_feet_are_parted_across_the_picture_and_by_their_heights(px_per_m):
    # Seen from the left side, left leg 25 degrees forward; 0.84 m long each. Then the left knee bent to a right angle.
    parted = make_pose(n_frames=30, thigh_forward_deg=(25.0, -25.0), yaw_deg=-90.0, px_per_m=px_per_m)
    across_m = -2.0 * 0.84 * np.sin(np.radians(25.0))
    assert foot_parting_m(parted, measure_body(parted))[15] == pytest.approx([across_m, 0.0], abs=1e-6)
    lifted = make_pose(n_frames=30, knee_flexion_deg=(90.0, 0.0), px_per_m=px_per_m)
    assert foot_parting_m(lifted, measure_body(lifted))[15, 1] == pytest.approx(-0.42, abs=1e-6)
