import numpy as np
import pytest

from backsight.kinematics.gait import find_walking_speed

TIMES = np.arange(0.0, 6.0, 1 / 60)


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
