import numpy as np
import pytest

from backsight.kinematics.signals import rate_of_change, smooth, swing_with

TIMES = np.arange(0.0, 6.0, 1 / 60)


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
