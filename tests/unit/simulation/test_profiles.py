"""Ways from one posture to another: where they start and end, and how they differ on the way."""

import numpy as np
import pytest

from backsight.simulation.profiles import Way, pulse

T = np.linspace(0.0, 4.0, 4001)
WAYS = [Way(), Way(skew=0.4), Way(skew=-0.4, abruptness=1.0), Way(halting=0.7), Way(0.4, 1.0, 0.7), Way(-0.4, 0.5, 0.7)]


@pytest.mark.parametrize("way", WAYS)
def test_every_way_leaves_and_arrives_on_time_and_never_turns_back(way):
    course = way(T, 1.0, 3.0)
    assert (course[T <= 1.0] == 0.0).all()
    np.testing.assert_allclose(course[T >= 3.0], 1.0, atol=1e-12)
    assert (np.diff(course) >= -1e-12).all()
    assert course[np.searchsorted(T, 1.05)] > 0.0


def test_least_jerk_has_its_known_shares():
    # Flash and Hogan 1985: 10 x^3 - 15 x^4 + 6 x^5 at a quarter, a half and three quarters.
    np.testing.assert_allclose(
        Way()(np.array([0.25, 0.5, 0.75]), 0.0, 1.0), [0.103515625, 0.5, 0.896484375], atol=1e-12
    )


def test_skew_moves_the_greatest_speed():
    times = [float(T[np.gradient(Way(skew=skew)(T, 0.0, 4.0), T).argmax()]) for skew in (0.4, 0.0, -0.4)]
    assert times == pytest.approx([1.47, 2.0, 2.53], abs=0.02)


def test_abrupt_ways_accelerate_at_once_and_halting_ways_almost_stop():
    early = np.array([0.02])
    # Half a cosine leaves as x^2, least jerk as x^3.
    assert Way(abruptness=1.0)(early, 0.0, 1.0) > 10.0 * Way()(early, 0.0, 1.0)
    speed = np.gradient(Way(halting=0.7)(T, 0.0, 4.0), T)
    assert (
        speed[np.searchsorted(T, 4.0 / 3.0)] < 0.4 * np.gradient(Way()(T, 0.0, 4.0), T)[np.searchsorted(T, 4.0 / 3.0)]
    )


def test_there_and_back_may_differ():
    times = (0.0, 1.0, 2.0, 4.0)
    course = pulse(T, times, there=Way(skew=0.4), back=Way(skew=-0.4))
    there, back = Way(skew=0.4)(T, 0.0, 1.0), Way(skew=-0.4)(T, 2.0, 4.0)
    np.testing.assert_allclose(course, there - back)
