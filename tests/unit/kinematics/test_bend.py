import numpy as np
import pytest

from backsight.kinematics.bend import find_bend
from tests.unit.kinematics.profiles import least_jerk

TIMES = np.arange(0.0, 8.0, 1 / 30)


def least_jerk_bend(start, bottom, leave, end, *, depth=100.0, times=TIMES):
    """Down between the first two times, up between the last two."""
    down, up = least_jerk((times - start) / (bottom - start)), least_jerk((times - leave) / (end - leave))
    return depth * (down - up)


def duration_s(bend):
    return bend.down.duration_s + bend.up.duration_s


@pytest.mark.parametrize("fps", [25.0, 30.0, 60.0])
def test_start_bottom_leaving_and_end_are_found_between_frames(fps):
    times = np.arange(0.0, 6.0, 1 / fps)
    bend = find_bend(12.0 + least_jerk_bend(1.013, 2.207, 2.631, 4.119, times=times), times)
    found = (bend.start_s, bend.bottom_s, bend.leave_s, bend.end_s)
    assert found == pytest.approx((1.013, 2.207, 2.631, 4.119), abs=0.01)
    assert (bend.down.duration_s, bend.pause_s, bend.up.duration_s) == pytest.approx((1.194, 0.424, 1.488), abs=0.015)
    assert bend.standing_deg == pytest.approx(12.0, abs=0.1)
    assert bend.range_deg == pytest.approx(100.0, abs=0.2)
    assert bend.known_share == 1.0


def test_jitter_and_wild_frames_hardly_move_the_times():
    # Midway between least jerk and least acceleration: jitter hides the shape, and the fit takes it to be usual.
    def way(from_s, to_s):
        x = np.clip((TIMES - from_s) / (to_s - from_s), 0.0, 1.0)
        return 0.5 * least_jerk(x) + 0.5 * x * x * (3.0 - 2.0 * x)

    rng = np.random.default_rng(5)
    flexion = 12.0 + 100.0 * (way(1.2, 2.5) - way(2.7, 4.4)) + rng.normal(0.0, 3.0, len(TIMES))
    flexion[rng.choice(len(TIMES), 6, replace=False)] += 60.0
    bend = find_bend(flexion, TIMES)
    assert bend.down.duration_s == pytest.approx(1.3, abs=0.1)
    assert bend.up.duration_s == pytest.approx(1.7, abs=0.1)
    assert bend.range_deg == pytest.approx(100.0, abs=3.0)


def test_frames_at_uneven_times_do_not_matter():
    times = np.sort(np.random.default_rng(2).uniform(0.0, 6.0, 180))
    bend = find_bend(least_jerk_bend(1.0, 2.2, 2.6, 4.1, times=times), times)
    assert (bend.start_s, bend.end_s) == pytest.approx((1.0, 4.1), abs=0.02)


def test_a_bend_along_another_smooth_curve_is_timed_as_well():
    # One turn of a cosine, 3 s: steepest half way, by pi / 2 of its mean speed where least jerk has 15 / 8.
    phase = np.clip((TIMES - 1.0) / 3.0, 0.0, 1.0)
    bend = find_bend(50.0 * (1.0 - np.cos(2.0 * np.pi * phase)), TIMES)
    assert duration_s(bend) == pytest.approx(3.0, abs=0.1)
    assert 0.5 * (bend.start_s + bend.end_s) == pytest.approx(2.5, abs=0.02)


@pytest.mark.parametrize("skew", [-0.25, 0.25])
def test_a_bend_whose_speed_peaks_early_or_late_is_timed_as_well(skew):
    # Between least jerk and a cosine; the greatest speed of a way comes near (1 + skew / 2) / 2 of its time.
    def way(from_s, to_s):
        x = np.clip((TIMES - from_s) / (to_s - from_s), 0.0, 1.0)
        x = x - skew * x * (1.0 - x)
        return 0.5 * least_jerk(x) + 0.25 * (1.0 - np.cos(np.pi * x))

    jitter = np.random.default_rng(4).normal(0.0, 1.0, len(TIMES))
    bend = find_bend(100.0 * (way(1.0, 2.4) - way(2.7, 4.3)) + jitter, TIMES)
    assert duration_s(bend) == pytest.approx(3.0, abs=0.15)
    assert np.sign(bend.down.skew) == np.sign(skew)
    assert np.sign(bend.up.skew) == np.sign(skew)


def test_landmarks_that_jump_while_bent_do_not_fit_a_bend():
    flexion = least_jerk_bend(1.0, 2.6, 2.6, 4.2)
    assert find_bend(flexion, TIMES).misfit < 0.005
    # By 15 of 100 degrees to either side, every sixth of a second, in 2.0 s of the 3.2 s; standing is seen well.
    bent = np.abs(TIMES - 2.6) < 1.0
    jumping = flexion + bent * np.where(np.arange(len(TIMES)) // 5 % 2, 15.0, -15.0)
    assert find_bend(jumping, TIMES).misfit == pytest.approx(0.14, abs=0.04)


def test_landmarks_that_jump_on_one_way_only_do_not_fit_either():
    jumps = np.where(np.arange(len(TIMES)) // 5 % 2, 15.0, -15.0) * ((TIMES > 2.7) & (TIMES < 4.1))
    assert find_bend(least_jerk_bend(1.0, 2.6, 2.6, 4.2) + jumps, TIMES).misfit > 0.08


@pytest.mark.parametrize("hold_s", [0.3, 0.5, 1.0])
def test_a_stop_on_the_way_up_does_not_fit_a_bend(hold_s):
    # Half of the way in 0.8 s, a catch, the other half in 0.8 s.
    halves = least_jerk((TIMES - 2.7) / 0.8) + least_jerk((TIMES - 3.5 - hold_s) / 0.8)
    flexion = 100.0 * (least_jerk((TIMES - 1.0) / 1.3) - 0.5 * halves)
    assert find_bend(flexion, TIMES).misfit > 0.07


def test_places_tell_the_times_where_the_flexion_is_not_to_be_believed():
    flexion_rad = np.radians(least_jerk_bend(1.0, 2.2, 2.6, 4.1))
    head = (30.0 + 90.0 * np.sin(flexion_rad), 200.0 * np.cos(flexion_rad))
    early = least_jerk_bend(0.7, 1.9, 2.9, 4.4)
    bend = find_bend(early, TIMES, carried=head, times_from_flexion=False)
    assert (bend.start_s, bend.bottom_s, bend.leave_s, bend.end_s) == pytest.approx((1.0, 2.2, 2.6, 4.1), abs=0.03)


def test_a_bend_held_for_nearly_the_whole_recording_is_seen():
    # One second of standing, 1 s down, 31 s held, 1 s up: standing is 3 % of the recording.
    times = np.arange(0.0, 34.0, 1 / 30)
    bend = find_bend(10.0 + least_jerk_bend(1.0, 2.0, 33.0, 34.0, depth=95.0, times=times), times)
    assert bend.standing_deg == pytest.approx(10.0, abs=1.0)
    assert bend.range_deg == pytest.approx(95.0, abs=1.0)
    assert bend.pause_s == pytest.approx(31.0, abs=0.1)


def test_leaning_back_for_a_moment_is_not_standing():
    leaning_back = -15.0 * np.exp(-0.5 * ((TIMES - 6.0) / 0.1) ** 2)
    bend = find_bend(12.0 + least_jerk_bend(0.5, 2.0, 2.0, 3.5) + leaning_back, TIMES)
    assert bend.standing_deg == pytest.approx(12.0, abs=1.0)


@pytest.mark.parametrize(
    ("second_depth", "expected_start_s"),
    [(95.0, 0.5), (104.0, 0.5), (140.0, 4.0)],
    ids=["second shallower", "second hardly deeper", "second much deeper"],
)
def test_of_several_bends_the_first_that_is_about_as_deep_as_any_counts(second_depth, expected_start_s):
    flexion = least_jerk_bend(0.5, 1.6, 1.8, 3.3) + least_jerk_bend(4.0, 5.4, 5.5, 7.3, depth=second_depth)
    bend = find_bend(flexion, TIMES)
    assert bend.start_s == pytest.approx(expected_start_s, abs=0.02)
    assert bend.range_deg == pytest.approx(100.0 if expected_start_s < 1.0 else second_depth, abs=0.5)


def test_a_bend_that_is_cut_off_gives_way_to_a_whole_one():
    flexion = least_jerk_bend(-0.8, 0.4, 0.6, 2.0) + least_jerk_bend(3.0, 4.2, 4.4, 6.0)
    assert find_bend(flexion, TIMES).start_s == pytest.approx(3.0, abs=0.02)


def test_no_bend_when_the_trunk_hardly_moves():
    assert find_bend(5.0 + least_jerk_bend(1.0, 2.0, 2.2, 3.5, depth=28.0), TIMES) is None
    assert find_bend(np.full_like(TIMES, np.nan), TIMES) is None
    assert find_bend(np.full_like(TIMES, 5.0), TIMES) is None


def test_a_recording_that_ends_in_the_bend_has_a_way_down_and_no_way_up():
    bend = find_bend(least_jerk_bend(4.0, 6.0, 7.8, 9.5), TIMES)
    assert bend.down.duration_s == pytest.approx(2.0, abs=0.05)
    assert np.isnan([bend.leave_s, bend.end_s, bend.up.duration_s]).all()


def test_a_recording_that_starts_in_the_bend_has_a_way_up_and_no_way_down():
    bend = find_bend(least_jerk_bend(-1.5, -0.1, 0.5, 2.0), TIMES)
    assert bend.up.duration_s == pytest.approx(1.5, abs=0.05)
    assert np.isnan([bend.start_s, bend.bottom_s, bend.down.duration_s]).all()


def test_frames_missing_in_the_bend_are_counted():
    flexion = least_jerk_bend(1.0, 2.5, 2.5, 4.0)
    flexion[(TIMES > 2.0) & (TIMES < 2.4)] = np.nan
    bend = find_bend(flexion, TIMES)
    # 15 % of the depth is passed after 0.29 of 1.5 s: the bend counts from 1.43 to 3.57 s, of which 0.4 s are missing.
    assert bend.known_share == pytest.approx(1 - 0.4 / 2.14, abs=0.03)
    assert duration_s(bend) == pytest.approx(3.0, abs=0.03)
