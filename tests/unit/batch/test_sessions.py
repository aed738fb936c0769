"""Sessions are judged as `pipeline.combine` judges them."""

from dataclasses import replace

import pytest

from backsight.batch.facts import ClipFacts
from backsight.batch.ledger import Item
from backsight.batch.options import ClipOptions
from backsight.batch.sessions import judge_sessions
from backsight.batch.sources import Found
from backsight.domain.recording import Exercise
from backsight.pipeline import combine
from tests.assessments import make_assessment
from tests.fakes import FAKE_CARD


def item(exercise: Exercise, *, facts: ClipFacts | None = None, failure: str | None = None, subject: str = "a") -> Item:
    return Item(
        number=1,
        row=1,
        found=Found("x", "x.mp4"),
        subject=subject,
        session="",
        clip=ClipOptions(exercise),
        failure=failure,
        facts=None if facts is None else facts.to_json(),
    )


def test_a_session_is_what_combine_makes_of_it() -> None:
    parts = make_assessment().exercises
    expected = combine({part.exercise: part for part in parts}, card=FAKE_CARD, created_at="", backsight_version="")
    # Rows come in the order of their names, which is not the paper's.
    items = [item(part.exercise, facts=ClipFacts.of_assessment(part)) for part in reversed(parts)]
    (row,) = judge_sessions(items, card=FAKE_CARD)
    assert row.judged is not None
    assert (row.judged.index, row.judged.interval) == (expected.index, expected.interval)
    assert (row.judged.verdict, row.reason) == (expected.verdict, expected.reason)
    assert row.judged.notes == expected.notes
    assert row.quality is expected.quality


def test_facts_survive_as_text_bit_by_bit() -> None:
    for part in make_assessment().exercises:
        facts = ClipFacts.of_assessment(part)
        assert ClipFacts.from_json(facts.to_json()).to_json() == facts.to_json()
        assert ClipFacts.from_json(facts.to_json()).index == part.index


def test_a_recording_that_cannot_be_read_is_said_and_does_not_count() -> None:
    parts = make_assessment().exercises
    seen = next(part for part in parts if part.index is not None)
    other = next(exercise for exercise in Exercise if exercise is not seen.exercise)
    items = [
        item(seen.exercise, facts=ClipFacts.of_assessment(seen)),
        item(other, failure="x.mp4: the video is damaged"),
    ]
    (row,) = judge_sessions(items, card=FAKE_CARD)
    assert (row.status, row.failed) == ("done", (other.value,))
    assert row.judged is not None
    assert row.judged.index == pytest.approx(seen.index)
    assert f"The recording of `{other.label}` gave no index and does not count." in row.judged.notes
    # Unusable is what has no number; this session has one.
    assert row.quality is seen.quality.verdict


def test_a_session_without_a_person_or_not_yet_complete_has_no_verdict() -> None:
    part = make_assessment().exercises[0]
    nobody = replace(ClipFacts.of_assessment(part), n_with_person=0)
    rows = list(
        judge_sessions(
            [
                item(Exercise.WALK, failure="x.mp4: damaged", subject="a"),
                item(Exercise.WALK, facts=nobody, subject="b"),
                item(Exercise.WALK, subject="c"),
            ],
            card=FAKE_CARD,
        )
    )
    assert [row.status for row in rows] == ["failed", "failed", "waiting"]
    assert [row.judged for row in rows] == [None, None, None]
    assert rows[0].reason == "x.mp4: damaged"
    assert rows[1].reason == "`Walk 2 metres`: no person was found"


def test_a_session_of_absent_recordings_says_of_each_that_it_is_absent() -> None:
    items = [
        item(Exercise.JUMP, failure="j.mp4: cannot be read: it is not there"),
        item(Exercise.WALK, failure="w.mp4: cannot be read: it is not there"),
    ]
    (row,) = judge_sessions(items, card=FAKE_CARD)
    assert row.reason == "w.mp4: cannot be read: it is not there; j.mp4: cannot be read: it is not there"
    assert (row.quality, row.exercises) == (None, ())
