"""Times that increase strictly, whatever the file says."""

from fractions import Fraction

import pytest

from backsight.video.clock import FrameClock


def _clock(zero_pts: int | None = 0) -> FrameClock:
    return FrameClock(zero_pts=zero_pts, time_base=Fraction(1, 1000), fps=10.0)


def test_times_count_from_the_first_frame() -> None:
    clock = _clock(zero_pts=500)
    assert [clock.stamp(pts) for pts in (500, 540, 1500)] == [0.0, 0.04, 1.0]


def test_duplicate_and_slightly_late_pictures_are_dropped() -> None:
    clock = _clock()
    assert [clock.stamp(pts) for pts in (0, 100, 100, 90, 200)] == [0.0, 0.1, None, None, 0.2]


def test_missing_times_follow_from_the_rate() -> None:
    clock = _clock(zero_pts=None)
    assert [clock.stamp(None) for _ in range(3)] == pytest.approx([0.0, 0.1, 0.2])


def test_clock_set_anew_goes_on_without_a_jump_back() -> None:
    clock = _clock()
    assert [clock.stamp(pts) for pts in (0, 5000, 100, 200)] == pytest.approx([0.0, 5.0, 5.1, 5.2])
