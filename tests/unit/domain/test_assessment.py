from __future__ import annotations

import numpy as np

from backsight.domain.assessment import CANNOT_TELL_SHARE, IndexVerdict, Interval, cannot_tell, verdict_of


def test_a_verdict_is_withheld_where_more_than_a_share_lies_beyond() -> None:
    # Of [.3, .7] exactly half lies above .5; of [.2, .6] a quarter; of [.1, .51] a fortieth; of [.6, .9] nothing.
    low, high = np.array([0.3, 0.2, 0.1, 0.6]), np.array([0.7, 0.6, 0.51, 0.9])
    assert cannot_tell(low, high, threshold=0.5, share=0.2).tolist() == [True, True, False, False]
    assert cannot_tell(low, high, threshold=0.5, share=0.3).tolist() == [True, False, False, False]
    assert cannot_tell(low, high, threshold=0.5, share=0.0).tolist() == [True, True, True, False]


def test_an_interval_is_undecided_by_the_same_rule() -> None:
    ends = [(0.2, 0.6), (0.4, 0.8), (0.45, 0.55), (0.1, 0.45), (0.0, 0.66), (0.1, 0.54), (0.5, 0.5)]
    low, high = np.array(ends).T
    # At a tenth: .54 lies .04 beyond .5, less than a tenth of .44; the others across .5 more.
    assert [Interval(*one).is_undecided for one in ends] == [True, True, True, False, True, False, False]
    assert cannot_tell(low, high, threshold=0.5).tolist() == [Interval(*one).is_undecided for one in ends]
    assert CANNOT_TELL_SHARE == 0.1


def test_an_index_is_told_by_the_rule_of_the_session_and_not_told_without_an_interval() -> None:
    # 0.00 to 0.51: less than a tenth of it lies above 0.5.
    assert verdict_of(0.22, Interval(0.0, 0.51)) is IndexVerdict.NO_RED_FLAG
    assert verdict_of(0.40, Interval(0.1, 0.7)) is IndexVerdict.CANNOT_TELL
    assert verdict_of(0.80, Interval(0.49, 1.0)) is IndexVerdict.RED_FLAG
    assert verdict_of(0.80, None) is IndexVerdict.CANNOT_TELL
