import numpy as np
import pytest

from backsight.kinematics.ways import UNSEEN, Signals, Way, Ways, fit_way, fit_ways
from tests.unit.kinematics.profiles import least_jerk

TIMES = np.arange(0.0, 6.0, 1 / 30)
EVERY_FRAME = np.ones(len(TIMES), dtype=bool)


def test_the_third_order_is_least_jerk_and_the_second_least_acceleration():
    x = np.linspace(-0.2, 1.2, 29)
    inside = np.clip(x, 0.0, 1.0)
    assert Way(0.0, 1.0, order=3.0).covered(x) == pytest.approx(least_jerk(x))
    assert Way(0.0, 1.0, order=2.0).covered(x) == pytest.approx(3.0 * inside**2 - 2.0 * inside**3)


def test_a_way_tells_when_a_share_of_it_is_covered():
    # 0.19^3 (10 - 15 * 0.19 + 6 * 0.19^2) = 0.0505
    assert Way(2.0, 3.0, order=3.0).time_at(0.05) == pytest.approx(2.19, abs=0.002)
    assert Way(2.0, 4.0).time_at(0.5) == pytest.approx(3.0)
    assert Way(2.0, 4.0, skew=-0.2).time_at(0.5) < 2.95
    assert np.isnan(UNSEEN.time_at(0.5))


@pytest.mark.parametrize(("order", "skew"), [(2.0, 0.0), (2.5, -0.15), (3.0, 0.0), (3.0, 0.2)])
def test_one_way_is_timed_in_any_unit_whatever_its_shape(order, skew):
    values = 0.3 - 0.12 * Way(2.1, 3.5, order=order, skew=skew).covered(TIMES)
    way = fit_way(values, TIMES, start_s=1.8, arrive_s=3.7)
    assert (way.start_s, way.arrive_s) == pytest.approx((2.1, 3.5), abs=0.015)
    assert (way.order, way.skew) == pytest.approx((order, skew), abs=0.05)


def test_what_noise_hides_of_the_shape_is_taken_to_be_usual():
    # Of jitter by a tenth of the way little is left that tells the shape, and the prior draws towards order 2.5.
    jitter = np.random.default_rng(1).normal(0.0, 0.1, len(TIMES))
    way = fit_way(Way(2.1, 3.5).covered(TIMES) + jitter, TIMES, start_s=2.0, arrive_s=3.6)
    assert way.order == pytest.approx(2.5, abs=0.15)
    assert way.duration_s == pytest.approx(1.4, abs=0.2)


def test_nothing_is_fitted_to_what_is_not_seen():
    unknown = np.full(len(TIMES), np.nan)
    assert not fit_way(unknown, TIMES, start_s=1.0, arrive_s=2.0).is_seen
    still = Signals.of(TIMES, EVERY_FRAME, angles=[np.ones(len(TIMES))])
    guess = Ways(Way(1.0, 2.0), UNSEEN)
    assert len(still) == 0
    assert fit_ways(still, guess=guess) is guess


def test_a_series_that_is_mostly_missing_has_no_part():
    values = Way(2.0, 3.0).covered(TIMES)
    half = np.where(np.arange(len(TIMES)) % 2, values, np.nan)
    assert len(Signals.of(TIMES, EVERY_FRAME, angles=[values, half])) == 1
