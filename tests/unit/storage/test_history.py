"""Change against measurement error: the rule on values worked out by hand, and sessions that cannot be compared."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from backsight.domain.assessment import Assessment
from backsight.domain.recording import Exercise
from backsight.errors import NotFoundError
from backsight.storage import recordings
from backsight.storage.database import Database
from backsight.storage.history import Estimate, History, compare, history
from tests.unit.storage.people import assess, make_participant, make_study, record

FIRST = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("before", "after", "low", "high", "exceeds"),
    [
        # Half widths of 3 and 4 make one of 5.
        (Estimate(10, 7, 13), Estimate(15.1, 11.1, 19.1), 0.1, 10.1, True),
        (Estimate(10, 7, 13), Estimate(14.9, 10.9, 18.9), -0.1, 9.9, False),
        (Estimate(15.1, 12.1, 18.1), Estimate(10, 6, 14), -10.1, -0.1, True),
        (Estimate(1, 1, 1), Estimate(1, 1, 1), 0.0, 0.0, False),
        # Cut at 0 and at 1: the sides that face each other were not, 0.3 and 0.4.
        (Estimate(0.1, 0.0, 0.4), Estimate(0.9, 0.5, 1.0), 0.3, 0.8 + math.hypot(0.1, 0.1), True),
    ],
    ids=["just beyond", "just within", "downwards", "nothing", "cut intervals"],
)
def test_a_change_is_beyond_error_when_its_interval_misses_zero(
    before: Estimate, after: Estimate, low: float, high: float, exceeds: bool
) -> None:
    change = compare(before, after, since=FIRST)
    assert (change.low, change.high) == pytest.approx((low, high))
    assert change.exceeds_error is exceeds


def test_with_equal_errors_the_limit_is_the_minimal_detectable_change() -> None:
    # SEM 0.1: MDC90 = 1.645 * sqrt(2) * 0.1 = 0.2326.
    half = 1.645 * 0.1
    for difference, exceeds in ((0.2326 - 0.0005, False), (0.2326 + 0.0005, True)):
        after = 0.3 + difference
        change = compare(
            Estimate(0.3, 0.3 - half, 0.3 + half), Estimate(after, after - half, after + half), since=FIRST
        )
        assert change.exceeds_error is exceeds


def test_one_in_ten_unchanged_values_is_called_changed() -> None:
    rng = np.random.default_rng(3)
    values = 50.0 + rng.normal(scale=[2.0, 5.0], size=(4000, 2))
    errors = 1.645 * np.array([2.0, 5.0])
    called = [
        compare(
            Estimate(a, a - errors[0], a + errors[0]), Estimate(b, b - errors[1], b + errors[1]), since=FIRST
        ).exceeds_error
        for a, b in values
    ]
    # Standard error 0.0047.
    assert np.mean(called) == pytest.approx(0.10, abs=0.015)


def sessions(database: Database, *assessments: dict[Exercise, Assessment]) -> History:
    """Record visits a week apart and return their history."""
    with database.session() as session:
        person = make_participant(session, make_study(session))
        for number, parts in enumerate(assessments):
            visit = recordings.open_visit(session, person)
            visit.started_at = FIRST + timedelta(weeks=number)
            for exercise, assessment in parts.items():
                recording = record(session, visit, exercise, rating=60.0 + number)
                recordings.save_assessment(session, recording.id, assessment)
            visit.finished_at = visit.started_at
            session.flush()
        return history(session, person.id)


def walk(index: float | None, *, half_width: float = 0.1) -> dict[Exercise, Assessment]:
    return {Exercise.WALK: assess(Exercise.WALK, index=index, half_width=half_width)}


def test_each_session_is_set_beside_the_first_and_the_one_before(database: Database) -> None:
    # Half widths of 0.1 each: the limit is 0.141.
    found = sessions(database, walk(0.6), walk(0.5), walk(0.4))
    first, second, third = found.sessions
    assert (first.since_first, first.since_previous) == (None, None)
    assert second.since_previous == second.since_first
    assert third.since_first is not None
    assert third.since_previous is not None
    assert (third.since_first.since, third.since_previous.since) == (FIRST, FIRST + timedelta(weeks=1))
    assert third.since_first.difference == pytest.approx(-0.2)
    assert (third.since_first.exceeds_error, third.since_previous.exceeds_error) == (True, False)
    assert [item.ratings for item in found.sessions] == [{"walk": 60.0}, {"walk": 61.0}, {"walk": 62.0}]


def test_an_unusable_session_is_shown_and_stepped_over(sqlite_database: Database) -> None:
    first, second, third = sessions(sqlite_database, walk(0.6), walk(None), walk(0.2)).sessions
    assert (second.index, second.quality, second.since_first) == (None, "unusable", None)
    assert second.measures == ()
    assert third.since_previous is not None
    assert third.since_previous.since == first.started_at


def test_sessions_of_other_exercises_or_models_are_not_compared(sqlite_database: Database) -> None:
    both = {**walk(0.6), Exercise.JUMP: assess(Exercise.JUMP, index=0.4, half_width=0.1)}
    other_model = assess(Exercise.WALK, index=0.2, half_width=0.1)
    other_model = replace(other_model, model=replace(other_model.model, version="9"))
    other_pose = replace(assess(Exercise.WALK, index=0.2, half_width=0.1), pose_model="heavy")
    found = sessions(sqlite_database, both, walk(0.2), {Exercise.WALK: other_model}, {Exercise.WALK: other_pose})
    reasons = [item.since_previous.why_not for item in found.sessions[1:] if item.since_previous]
    assert reasons == [
        "other exercises gave the index then (walk, jump)",
        "another model gave the index then (backsight-default 0.1.0)",
        "another model gave the index then (backsight-default 9); "
        "another BlazePose model found the landmarks then (full)",
    ]
    assert [item.since_previous.exceeds_error for item in found.sessions[1:] if item.since_previous] == [None] * 3
    # What both sessions hold is still compared: the walk's own index fell by 0.4.
    index = found.sessions[1].measures[0]
    assert (index.exercise, index.name) == ("walk", "index")
    assert index.since_previous is not None
    assert (index.since_previous.difference, index.since_previous.exceeds_error) == (pytest.approx(-0.4), True)


def test_measures_with_an_interval_are_compared_and_others_left_out(sqlite_database: Database) -> None:
    before, after = (assess(Exercise.TOUCH_TOES, index=0.3) for _ in range(2))
    part = after.exercises[0]
    # The flexion, 95.2 +- 7.0, falls by 9.8 and then by 10.0: the limit is 7 sqrt(2) = 9.90.
    less, more = (
        replace(part, measurements=(replace(part.measurements[0], value=95.2 - fall), *part.measurements[1:]))
        for fall in (9.8, 10.0)
    )
    visits = [{Exercise.TOUCH_TOES: item} for item in (before, *(replace(after, exercises=(p,)) for p in (less, more)))]
    _, second, third = sessions(sqlite_database, *visits).sessions
    assert [item.name for item in second.measures] == ["index", "trunk_flexion_deg", "lateral_lean_deg"]
    changes = [item.measures[1].since_first for item in (second, third)]
    assert [change.exceeds_error for change in changes if change is not None] == [False, True]


def test_it_is_json_without_nan(sqlite_database: Database) -> None:
    both = {**walk(0.6), Exercise.JUMP: assess(Exercise.JUMP, index=0.4)}
    document = sessions(sqlite_database, both, walk(0.2), walk(None)).to_dict()
    read = json.loads(json.dumps(document, allow_nan=False))
    assert read["sessions"][1]["since_first"]["exceeds_error"] is None
    assert read["sessions"][2]["index"] is None
    assert "not a diagnosis" in read["statement"]
    assert "Zou and Donner" in read["rule"]


def test_nobody_has_no_history(sqlite_database: Database) -> None:
    with sqlite_database.session() as session, pytest.raises(NotFoundError, match="no participant"):
        history(session, "0" * 32)
