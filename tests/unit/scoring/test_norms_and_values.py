import math

import numpy as np
import pytest

from backsight.domain.assessment import IndexVerdict, Interval, Norm, NormKind
from backsight.domain.recording import Exercise
from backsight.scoring import norms
from backsight.scoring.measure import take_measures
from backsight.scoring.person import observe
from backsight.scoring.sub_indices import sub_index_interval, sub_index_value
from tests.unit.kinematics.skeletons import make_pose

NORMS = {name: norm for name, norm in vars(norms).items() if isinstance(norm, Norm)}


def made_up(middle, low, high):
    return Norm(middle, low, high, "made up", NormKind.CUT_OFF)


def test_every_measure_has_a_norm_or_a_reason_for_none():
    person = observe(make_pose(timestamps_s=np.arange(0.0, 2.0, 1 / 30)))
    taken = [item for exercise in Exercise for item in take_measures(person, exercise=exercise).measurements]
    assert {item.name for item in taken if item.norm is None} == set(norms.WITHOUT_NORM)
    assert all(norms.WITHOUT_NORM.values())


def test_every_norm_is_ordered_and_names_its_source():
    assert len(NORMS) >= 9
    for name, norm in NORMS.items():
        assert norm.low < norm.middle < norm.high, name
        assert norm.source, name
        assert math.isfinite(norm.low) or math.isfinite(norm.high), name


def test_laird_flexion_centile_by_hand():
    # 54 % of patients lie below the cut: 0.1004 SD above their mean 93. 10 % of healthy people do: 1.2816 SD below 111.
    sd = 18.0 / (1.2816 + 0.1004)
    assert norms.TRUNK_FLEXION_DEG.low == pytest.approx(111.0 - 1.2816 * sd, abs=0.01)
    assert norms.TRUNK_FLEXION_DEG.low == pytest.approx(93.0 + 0.1004 * sd, abs=0.01)
    assert norms.BEND_DURATION_S.high == pytest.approx(2.28 + 1.2816 * 0.9 / (1.2816 - 0.2533), abs=0.001)


@pytest.mark.parametrize(
    ("value", "expected"),
    [(10.0, 0.0), (14.0, 0.5), (12.0, 0.25), (17.0, 0.875), (30.0, 1.0), (8.0, 0.5), (9.0, 0.25), (0.0, 1.0)],
)
def test_a_sub_index_is_linear_from_the_middle_through_the_end_of_the_range(value, expected):
    norm = made_up(10.0, 8.0, 14.0)
    assert sub_index_value(value, norm=norm) == pytest.approx(expected)


def test_towards_a_side_without_an_end_nothing_is_bad():
    norm = made_up(9.0, 7.0, math.inf)
    assert sub_index_value(90.0, norm=norm) == 0.0
    assert sub_index_value(7.0, norm=norm) == pytest.approx(0.5)


def test_what_is_not_known_stays_unknown():
    assert np.isnan(sub_index_value(math.nan, norm=made_up(0.0, -1.0, 1.0)))


def test_only_what_laird_prints_gives_centiles_and_what_was_remembered_is_provisional():
    of_kind = {kind: {name for name, norm in NORMS.items() if norm.kind is kind} for kind in NormKind}
    assert of_kind[NormKind.DERIVED_CENTILES] == {"TRUNK_FLEXION_DEG", "BEND_DURATION_S"}
    for name, norm in NORMS.items():
        assert norm.is_provisional == ("remembered" in norm.source), name


@pytest.mark.parametrize(
    ("value", "error", "low", "high", "verdict"),
    [
        (10.0, 1.0, 0.0, 0.25, IndexVerdict.NO_RED_FLAG),  # 9 and 11: a quarter of the range down, an eighth up.
        (11.0, 0.5, 0.0625, 0.1875, IndexVerdict.NO_RED_FLAG),
        (13.0, 1.0, 0.25, 0.5, IndexVerdict.CANNOT_TELL),
        (15.0, 2.0, 0.375, 0.875, IndexVerdict.CANNOT_TELL),
        (17.0, 2.0, 0.625, 1.0, IndexVerdict.RED_FLAG),
        (7.0, 0.5, 0.625, 0.875, IndexVerdict.RED_FLAG),
        (11.0, 4.0, 0.0, 0.75, IndexVerdict.CANNOT_TELL),
    ],
)
def test_the_error_of_a_value_becomes_the_interval_of_its_sub_index(value, error, low, high, verdict):
    interval = sub_index_interval(value, error=error, norm=made_up(10.0, 8.0, 14.0))
    assert (interval.low, interval.high) == (pytest.approx(low), pytest.approx(high))
    assert interval.verdict is verdict


@pytest.mark.parametrize(("value", "error"), [(math.nan, 1.0), (1.0, math.nan)])
def test_without_value_or_error_there_is_no_interval(value, error):
    assert sub_index_interval(value, error=error, norm=made_up(0.0, -1.0, 1.0)) is None


def test_an_interval_that_touches_the_threshold_spans_it():
    assert Interval(0.5, 0.7).verdict is IndexVerdict.CANNOT_TELL
    assert Interval(0.3, 0.5).verdict is IndexVerdict.CANNOT_TELL
