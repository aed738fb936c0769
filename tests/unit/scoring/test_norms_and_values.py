import math

import numpy as np
import pytest

from backsight.domain.assessment import Norm
from backsight.scoring import norms
from backsight.scoring.sub_indices import sub_index_value

NORMS = {name: norm for name, norm in vars(norms).items() if isinstance(norm, Norm)}


def test_every_norm_is_ordered_and_names_its_source():
    assert len(NORMS) >= 9
    for name, norm in NORMS.items():
        assert norm.low < norm.median < norm.high, name
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
def test_a_sub_index_is_linear_from_the_median_through_the_centile(value, expected):
    norm = Norm(median=10.0, low=8.0, high=14.0, source="made up")
    assert sub_index_value(value, norm=norm) == pytest.approx(expected)


def test_towards_a_side_without_a_centile_nothing_is_bad():
    norm = Norm(median=9.0, low=7.0, high=math.inf, source="made up")
    assert sub_index_value(90.0, norm=norm) == 0.0
    assert sub_index_value(7.0, norm=norm) == pytest.approx(0.5)


def test_what_is_not_known_stays_unknown():
    assert np.isnan(sub_index_value(math.nan, norm=Norm(median=0.0, low=-1.0, high=1.0, source="made up")))
