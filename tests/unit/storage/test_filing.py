"""Filing what the command line assessed: a recording counts once, whatever it is assessed with; on both databases."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import pytest
from sqlalchemy import func, select

from backsight.domain.assessment import Assessment
from backsight.domain.recording import Exercise
from backsight.storage.database import Database
from backsight.storage.filing import Filed, file_assessment
from backsight.storage.history import history
from backsight.storage.tables import AssessmentRow, LandmarkChunk, Participant, Recording, Visit
from tests.assessments import make_assessment, make_exercise, make_pose
from tests.unit.storage.people import make_participant, make_study

TOES, WALK = Exercise.TOUCH_TOES, Exercise.WALK
A, B, C = "a" * 64, "b" * 64, "c" * 64


def assessed(*exercises: Exercise, day: int, index: float = 0.4, start_s: float = 0.0) -> Assessment:
    """Return an assessment of 5 s of a file from `start_s` on."""
    parts = [
        replace(make_exercise(exercise, index=index), pose=make_pose(exercise, start_s=start_s))
        for exercise in exercises
    ]
    return replace(make_assessment(parts), created_at=f"2026-03-{day:02d}T09:00:00+01:00")


class Person:
    """Somebody on a database, whose assessments are filed one after the other."""

    def __init__(self, database: Database) -> None:
        self._database = database
        with database.session() as session:
            self.id = make_participant(session, make_study(session)).id

    def file(self, assessment: Assessment, sha256: Mapping[Exercise, str]) -> Filed:
        with self._database.session() as session:
            return file_assessment(session, self.id, assessment, sha256=sha256)

    def sessions(self) -> list[tuple[int, tuple[str, ...], float | None]]:
        """Return day, exercises and index of each session."""
        with self._database.session() as session:
            return [
                (item.started_at.day, item.exercises, None if item.index is None else round(item.index.value, 6))
                for item in history(session, self.id).sessions
            ]

    def count(self, table: type[Visit] | type[Recording] | type[AssessmentRow] | type[LandmarkChunk]) -> int:
        with self._database.session(read_only=True) as session:
            return int(session.scalar(select(func.count()).select_from(table)) or 0)


@pytest.fixture
def person(database: Database) -> Person:
    return Person(database)


def test_the_same_recording_counts_once_and_the_newer_result_replaces_the_earlier(person: Person) -> None:
    assert person.file(assessed(TOES, day=1, index=0.6), {TOES: A}).replaced == ()
    again = person.file(assessed(TOES, day=8, index=0.3), {TOES: A})
    assert again.replaced == (TOES,)
    # It stays where it was in time: the person moved then, not when it was assessed again.
    assert person.sessions() == [(1, ("touch-toes",), 0.3)]
    assert (person.count(Visit), person.count(Recording), person.count(AssessmentRow)) == (1, 1, 2)
    assert person.count(LandmarkChunk) == 1


def test_another_file_exercise_or_person_is_another_session(person: Person, database: Database) -> None:
    person.file(assessed(TOES, day=1), {TOES: A})
    person.file(assessed(TOES, day=2), {TOES: B})
    person.file(assessed(WALK, day=3), {WALK: A})
    # A camera's recording has no file to be known by.
    for day in (4, 5):
        person.file(assessed(TOES, day=day), {})
    assert [day for day, _, _ in person.sessions()] == [1, 2, 3, 4, 5]
    with database.session() as session:
        first = session.get_one(Participant, person.id)
        other = Participant(study_id=first.study_id, code="somebody else")
        session.add(other)
        session.flush()
        assert file_assessment(session, other.id, assessed(TOES, day=1), sha256={TOES: A}).replaced == ()
    assert len(person.sessions()) == 5


@pytest.mark.parametrize(("start_s", "is_same"), [(0.5, True), (4.9, True), (5.1, False), (30.0, False)])
def test_another_stretch_of_a_film_is_another_go_and_another_cut_of_one_is_not(
    start_s: float, is_same: bool, person: Person
) -> None:
    person.file(assessed(WALK, day=1), {WALK: A})
    # Each is 150 frames long at 30 a second: the first ends at 4.97 s.
    assert bool(person.file(assessed(WALK, day=2, start_s=start_s), {WALK: A}).replaced) == is_same
    assert len(person.sessions()) == (1 if is_same else 2)


def test_of_two_goes_in_a_film_the_one_that_shares_more_time_is_meant(person: Person) -> None:
    person.file(assessed(WALK, day=1, index=0.6), {WALK: A})
    person.file(assessed(WALK, day=2, index=0.5, start_s=6.0), {WALK: A})
    person.file(assessed(WALK, day=3, index=0.2, start_s=4.0), {WALK: A})
    assert person.sessions() == [(1, ("walk",), 0.6), (2, ("walk",), 0.2)]


def test_an_exercise_that_is_assessed_later_with_a_known_one_joins_its_session(person: Person) -> None:
    person.file(assessed(TOES, day=1, index=0.4), {TOES: A})
    filed = person.file(assessed(TOES, WALK, day=2, index=0.4), {TOES: A, WALK: B})
    assert filed.replaced == (TOES,)
    assert [(day, exercises) for day, exercises, _ in person.sessions()] == [(1, ("touch-toes", "walk"))]


def test_one_of_a_sessions_recordings_assessed_again_leaves_the_other(person: Person) -> None:
    person.file(assessed(TOES, WALK, day=1, index=0.4), {TOES: A, WALK: B})
    person.file(assessed(WALK, day=2, index=0.4), {WALK: B})
    assert [(day, exercises) for day, exercises, _ in person.sessions()] == [(1, ("touch-toes", "walk"))]
    assert (person.count(Recording), person.count(AssessmentRow)) == (2, 3)


def test_recordings_assessed_one_by_one_and_then_together_become_one_session(person: Person) -> None:
    person.file(assessed(TOES, day=1), {TOES: A})
    person.file(assessed(WALK, day=2), {WALK: B})
    filed = person.file(assessed(TOES, WALK, day=3), {TOES: A, WALK: B})
    assert set(filed.replaced) == {TOES, WALK}
    assert [(day, exercises) for day, exercises, _ in person.sessions()] == [(1, ("touch-toes", "walk"))]
    assert (person.count(Visit), person.count(AssessmentRow)) == (1, 3)


def test_a_session_that_has_another_recording_of_an_exercise_keeps_it(person: Person) -> None:
    person.file(assessed(TOES, WALK, day=1, index=0.4), {TOES: A, WALK: B})
    filed = person.file(assessed(TOES, WALK, day=2, index=0.4), {TOES: A, WALK: C})
    assert filed.replaced == (TOES,)
    assert [(day, exercises) for day, exercises, _ in person.sessions()] == [
        (1, ("touch-toes", "walk")),
        (2, ("walk",)),
    ]


def test_a_recording_that_moves_leaves_the_rest_of_its_session_judged_without_it(person: Person) -> None:
    person.file(assessed(TOES, day=1, index=0.4), {TOES: A})
    person.file(assessed(WALK, Exercise.JUMP, day=2, index=0.4), {WALK: B, Exercise.JUMP: C})
    person.file(assessed(TOES, WALK, day=3, index=0.4), {TOES: A, WALK: B})
    assert [(day, exercises) for day, exercises, _ in person.sessions()] == [
        (1, ("touch-toes", "walk")),
        (2, ("jump",)),
    ]
