"""Events become marks on the page's clock and a legend without repetition."""

import pytest

from backsight.domain.assessment import MovementEvent
from backsight.reporting.moments import find_moments


def _event(name: str, time_s: float) -> MovementEvent:
    return MovementEvent(name, name.replace("_", " "), time_s)


def test_time_starts_at_the_first_analysed_frame_and_events_outside_are_left_out() -> None:
    events = [_event("take_off", 2.5), _event("apex", 2.75), _event("landing", 3.0), _event("early", 0.5)]

    marks, kinds = find_moments(events, start_s=1.0, duration_s=1.8)

    assert [mark.time_s for mark in marks] == pytest.approx([1.5, 1.75])
    assert [kind.label for kind in kinds] == ["Take off", "Apex"]


def test_feet_have_letters_and_everything_else_numbers_in_order_of_time() -> None:
    events = [
        _event("right_heel_strike", 1.5),
        _event("left_heel_strike", 1.0),
        _event("left_heel_strike", 2.0),
        _event("stop", 3.0),
        _event("turn", 2.5),
    ]

    marks, kinds = find_moments(events, start_s=0.0, duration_s=5.0)

    assert [mark.symbol for mark in marks] == ["L", "R", "L", "1", "2"]
    assert [(kind.symbol, kind.times_s) for kind in kinds] == [
        ("L", (1.0, 2.0)),
        ("R", (1.5,)),
        ("1", (2.5,)),
        ("2", (3.0,)),
    ]


def test_no_events_leave_no_marks() -> None:
    assert find_moments([], start_s=0.0, duration_s=5.0) == ((), ())
