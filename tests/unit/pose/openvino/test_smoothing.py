"""The 1-euro filter worked out by hand, and what is smoothed with what."""

import math

import numpy as np
import pytest

from backsight.domain.sequences import PoseObservation
from backsight.pose.openvino.smoothing import LandmarkSmoother, OneEuroFilter, OneEuroSettings


def new_share(cutoff_hz: float, rate_hz: float) -> float:
    """Of a low pass: 1 / (1 + tau / step) with tau = 1 / (2 pi cut-off)."""
    return 1 / (1 + rate_hz / (2 * math.pi * cutoff_hz))


class TestOneEuroFilter:
    def test_the_first_value_is_taken_as_it_is(self) -> None:
        smoothed = OneEuroFilter(OneEuroSettings(0.05, 80.0)).smooth(np.array([3.0]), time_s=7.0)
        assert smoothed.tolist() == [3.0]

    def test_the_second_follows_by_its_speed(self) -> None:
        """From 0 to 2 in a tenth of a second, seen in proportion to 4: 5 sizes a second before its own low pass."""
        euro = OneEuroFilter(OneEuroSettings(min_cutoff_hz=0.5, beta=0.2))
        euro.smooth(np.array([0.0]), time_s=1.0, size=4.0)
        smoothed = euro.smooth(np.array([2.0]), time_s=1.1, size=4.0)
        speed = 5.0 * new_share(1.0, 10.0)
        assert smoothed[0] == pytest.approx(2.0 * new_share(0.5 + 0.2 * speed, 10.0))

    def test_speed_is_of_raw_values_and_keeps_a_memory(self) -> None:
        euro = OneEuroFilter(OneEuroSettings(min_cutoff_hz=1.0, beta=0.1))
        values = [0.0, 1.0, 4.0]
        smoothed = [euro.smooth(np.array([value]), time_s=number / 10)[0] for number, value in enumerate(values)]
        share = new_share(1.0, 10.0)
        first_speed = 10.0 * share
        second_speed = first_speed + share * (30.0 - first_speed)
        expected = 1.0 * new_share(1.0 + 0.1 * first_speed, 10.0)
        assert smoothed[1] == pytest.approx(expected)
        expected += new_share(1.0 + 0.1 * second_speed, 10.0) * (4.0 - expected)
        assert smoothed[2] == pytest.approx(expected)

    def test_in_proportion_to_nothing_values_are_left_as_they_are_and_not_remembered(self) -> None:
        euro, undisturbed = (OneEuroFilter(OneEuroSettings(0.05, 80.0)) for _ in range(2))
        for filtered in (euro, undisturbed):
            filtered.smooth(np.array([1.0]), time_s=0.0, size=100.0)
        for size in (0.0, 0.9e-6):
            assert euro.smooth(np.array([5.0]), time_s=0.1, size=size).tolist() == [5.0]
        after = euro.smooth(np.array([2.0]), time_s=0.2, size=100.0)
        assert after[0] == undisturbed.smooth(np.array([2.0]), time_s=0.2, size=100.0)[0]

    def test_values_do_not_know_each_other(self) -> None:
        together, alone = (OneEuroFilter(OneEuroSettings(0.1, 40.0)) for _ in range(2))
        for time_s, values in ((0.0, [1.0, 5.0]), (0.04, [1.5, -3.0]), (0.08, [1.2, 9.0])):
            both = together.smooth(np.array(values), time_s=time_s)
            one = alone.smooth(np.array(values[:1]), time_s=time_s)
        assert both[0] == one[0]


def observation(x_px: float, *, visibility: float, presence: float) -> PoseObservation:
    return PoseObservation(
        image_px=np.full((33, 3), x_px),
        world_m=np.full((33, 3), x_px / 100),
        visibility=np.full(33, visibility),
        presence=np.full(33, presence),
    )


def test_a_tenth_of_a_smoothed_visibility_is_new_and_presence_is_not_smoothed() -> None:
    smoother = LandmarkSmoother()
    smoother.smooth(observation(5.0, visibility=1.0, presence=1.0), time_s=0.0, size_px=100.0)
    second = smoother.smooth(observation(5.0, visibility=0.0, presence=0.0), time_s=0.1, size_px=100.0)
    third = smoother.smooth(observation(5.0, visibility=0.0, presence=0.3), time_s=0.2, size_px=100.0)
    assert (second.visibility[0], third.visibility[0]) == pytest.approx((0.9, 0.81))
    assert (second.presence[0], third.presence[0]) == (0.0, 0.3)


def test_a_large_person_is_smoothed_more_than_a_small_one_in_the_image_but_not_in_the_world() -> None:
    after = {}
    for size_px in (100.0, 1000.0):
        smoother = LandmarkSmoother()
        smoother.smooth(observation(0.0, visibility=1.0, presence=1.0), time_s=0.0, size_px=size_px)
        after[size_px] = smoother.smooth(observation(1.0, visibility=1.0, presence=1.0), time_s=1 / 30, size_px=size_px)
    assert after[1000.0].image_px[0, 0] < after[100.0].image_px[0, 0] < 1.0
    assert after[1000.0].world_m[0, 0] == after[100.0].world_m[0, 0]
