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
from backsight.storage.landmarks import load_track
from backsight.storage.tables import AssessmentRow, LandmarkChunk, Participant, Recording, Visit
from tests.assessments import make_assessment, make_exercise, make_pose
from tests.unit.storage.people import make_participant, make_study

TOES, WALK, JUMP = Exercise.TOUCH_TOES, Exercise.WALK, Exercise.JUMP
A, B, C = "a" * 64, "b" * 64, "c" * 64


def assessed(
    *exercises: Exercise,
    day: int,
    hour: int = 9,
    index: float | None = 0.4,
    unusable: tuple[Exercise, ...] = (),
    start_s: float = 0.0,
    n_frames: int = 150,
) -> Assessment:
    """Return an assessment of a file from `start_s` on, 30 frames a second; what is unusable has no index."""
    parts = [
        replace(
            make_exercise(exercise, index=None if exercise in unusable else index),
            pose=make_pose(exercise, start_s=start_s, n_frames=n_frames),
        )
        for exercise in exercises
    ]
    return replace(make_assessment(parts), created_at=f"2026-03-{day:02d}T{hour:02d}:30:00+01:00")


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

    def frames(self) -> list[int]:
        """Return how many frames of landmarks are kept of each recording."""
        with self._database.session() as session:
            recordings = session.scalars(select(Recording.id)).all()
            return [load_track(session, recording_id).pose.n_frames for recording_id in recordings]

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


@pytest.mark.parametrize(
    ("start_s", "is_same"), [(0.5, True), (2.4, True), (2.6, False), (4.9, False), (5.1, False), (30.0, False)]
)
def test_another_stretch_of_a_film_is_another_go_and_another_cut_of_one_is_not(
    start_s: float, is_same: bool, person: Person
) -> None:
    person.file(assessed(WALK, day=1), {WALK: A})
    # Each is 150 frames long at 30 a second, so 4.97 s: from 2.48 s on less than half of it is shared.
    assert bool(person.file(assessed(WALK, day=2, start_s=start_s), {WALK: A}).replaced) == is_same
    assert len(person.sessions()) == (1 if is_same else 2)


@pytest.mark.parametrize(("start_s", "is_same"), [(2.0, True), (4.4, True), (4.6, False)])
def test_a_shorter_cut_is_the_same_go_where_most_of_it_is(start_s: float, is_same: bool, person: Person) -> None:
    person.file(assessed(WALK, day=1), {WALK: A})
    # 31 frames are 1 s, a fifth of the first: from 4.47 s on less than half of it lies in the first.
    short = assessed(WALK, day=2, start_s=start_s, n_frames=31)
    assert bool(person.file(short, {WALK: A}).replaced) == is_same


def test_two_goes_of_a_film_that_were_cut_generously_are_both_kept(person: Person) -> None:
    person.file(assessed(TOES, day=1, index=0.6), {TOES: A})
    person.file(assessed(TOES, day=2, index=0.2, start_s=4.0), {TOES: A})
    assert person.sessions() == [(1, ("touch-toes",), 0.6), (2, ("touch-toes",), 0.2)]


def test_an_unusable_second_look_does_not_replace_a_result(person: Person) -> None:
    first = person.file(assessed(TOES, day=1, index=0.6), {TOES: A})
    again = person.file(assessed(TOES, day=2, index=None, n_frames=140), {TOES: A})
    assert (again.replaced, again.upheld) == ((), (TOES,))
    assert again.visit_ids == first.visit_ids
    assert person.sessions() == [(1, ("touch-toes",), 0.6)]
    assert (person.count(Recording), person.count(AssessmentRow), person.count(LandmarkChunk)) == (1, 2, 1)
    # The landmarks are those of the result that is kept.
    assert person.frames() == [150]


def test_an_unusable_first_look_is_replaced_whatever_the_second_gives(person: Person) -> None:
    person.file(assessed(TOES, day=1, index=None), {TOES: A})
    for day, index in ((2, None), (3, 0.3)):
        again = person.file(assessed(TOES, day=day, index=index), {TOES: A})
        assert (again.replaced, again.upheld) == ((TOES,), ())
    assert person.sessions() == [(1, ("touch-toes",), 0.3)]


def test_a_result_that_stays_joins_the_session_of_its_day(person: Person) -> None:
    person.file(assessed(WALK, day=1, hour=9, index=0.2), {WALK: B})
    person.file(assessed(TOES, day=1, hour=10, index=0.6), {TOES: A})
    filed = person.file(assessed(TOES, WALK, day=2, index=0.4, unusable=(TOES,)), {TOES: A, WALK: B})
    assert (filed.replaced, filed.upheld) == ((WALK,), (TOES,))
    # The mean of 0.6, as it was, and 0.4, which is new.
    assert person.sessions() == [(1, ("touch-toes", "walk"), 0.5)]
    assert (person.count(Visit), person.count(AssessmentRow)) == (1, 3)


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


def test_recordings_of_one_day_assessed_one_by_one_and_then_together_become_one_session(person: Person) -> None:
    person.file(assessed(TOES, day=1, hour=9), {TOES: A})
    person.file(assessed(WALK, day=1, hour=10), {WALK: B})
    filed = person.file(assessed(TOES, WALK, day=3), {TOES: A, WALK: B})
    assert set(filed.replaced) == {TOES, WALK}
    assert [(day, exercises) for day, exercises, _ in person.sessions()] == [(1, ("touch-toes", "walk"))]
    assert (person.count(Visit), person.count(AssessmentRow)) == (1, 3)


def test_recordings_of_two_days_assessed_together_keep_their_days(person: Person) -> None:
    person.file(assessed(TOES, day=1, index=0.6), {TOES: A})
    person.file(assessed(WALK, day=20, index=0.5), {WALK: B})
    filed = person.file(assessed(TOES, WALK, day=21, index=0.3), {TOES: A, WALK: B})
    assert set(filed.replaced) == {TOES, WALK}
    assert person.sessions() == [(1, ("touch-toes",), 0.3), (20, ("walk",), 0.3)]
    assert (person.count(Recording), person.count(AssessmentRow)) == (2, 4)


def test_a_day_is_one_of_the_clock_that_the_recordings_are_assessed_by(person: Person) -> None:
    # Half past midnight of day 2 is still day 1 in UTC.
    person.file(assessed(TOES, day=2, hour=0), {TOES: A})
    person.file(assessed(WALK, day=2, hour=9), {WALK: B})
    person.file(assessed(TOES, WALK, day=3), {TOES: A, WALK: B})
    assert [exercises for _, exercises, _ in person.sessions()] == [("touch-toes", "walk")]


def test_a_new_recording_joins_the_latest_session_of_those_it_is_assessed_with(person: Person) -> None:
    person.file(assessed(TOES, day=1), {TOES: A})
    person.file(assessed(WALK, day=20), {WALK: B})
    person.file(assessed(TOES, WALK, JUMP, day=21), {TOES: A, WALK: B, JUMP: C})
    assert [(day, exercises) for day, exercises, _ in person.sessions()] == [
        (1, ("touch-toes",)),
        (20, ("walk", "jump")),
    ]


def test_a_session_that_has_another_recording_of_an_exercise_keeps_it(person: Person) -> None:
    person.file(assessed(TOES, WALK, day=1, index=0.4), {TOES: A, WALK: B})
    filed = person.file(assessed(TOES, WALK, day=2, index=0.4), {TOES: A, WALK: C})
    assert filed.replaced == (TOES,)
    assert [(day, exercises) for day, exercises, _ in person.sessions()] == [
        (1, ("touch-toes", "walk")),
        (2, ("walk",)),
    ]


def test_a_recording_that_moves_leaves_the_rest_of_its_session_judged_without_it(person: Person) -> None:
    person.file(assessed(TOES, day=1, hour=9, index=0.4), {TOES: A})
    person.file(assessed(WALK, JUMP, day=1, hour=10, index=0.2), {WALK: B, JUMP: C})
    person.file(assessed(TOES, WALK, day=3, index=0.6), {TOES: A, WALK: B})
    assert person.sessions() == [(1, ("touch-toes", "walk"), 0.6), (1, ("jump",), 0.2)]
