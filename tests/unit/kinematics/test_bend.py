import numpy as np
import pytest

from backsight.kinematics.bend import find_bend

TIMES = np.arange(0.0, 6.0, 1 / 60)


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
