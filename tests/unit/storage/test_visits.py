"""One participant's visits and recordings: what is read, and that nobody else's is."""

from __future__ import annotations

import pytest

pytest.importorskip("sqlalchemy", reason="the extra `web` is not installed")

from sqlalchemy.exc import InvalidRequestError

from backsight.domain.recording import Exercise
from backsight.errors import InvalidValueError, NotFoundError
from backsight.storage import recordings, studies, visits
from backsight.storage.database import Database
from backsight.storage.overview import count_participants, overview
from backsight.storage.tables import Participant, RecordingState
from tests.unit.storage import people


def test_visits_hold_their_recordings_in_order_without_discarded_ones(database: Database) -> None:
    with database.session() as session:
        person = people.make_participant(session, people.make_study(session))
        visit = recordings.open_visit(session, person)
        done = people.record(session, visit, Exercise.WALK)
        recordings.save_assessment(session, done.id, people.assess(Exercise.WALK))
        first = people.begin(session, visit, Exercise.JUMP)
        second = people.begin(session, visit, Exercise.JUMP)
        assert first.state is RecordingState.DISCARDED
        names = (person.id, visit.id, done.id, second.id)
    with database.session(read_only=True) as session:
        (found,) = visits.visits_of(session, names[0])
        assert found.visit.id == names[1]
        assert found.result is not None
        assert found.result.index == 0.3
        assert [one.recording.id for one in found.recordings] == list(names[2:])
        assert [one.result is None for one in found.recordings] == [False, True]
        # A list of people must not load every curve of theirs.
        with pytest.raises(InvalidRequestError):
            _ = found.result.content
        document = visits.recording_document(session, participant_id=names[0], recording_id=names[2])
        assert document == visits.visit_document(session, participant_id=names[0], visit_id=names[1])
        with pytest.raises(NotFoundError, match="it is receiving"):
            visits.recording_document(session, participant_id=names[0], recording_id=names[3])


def test_what_is_somebody_elses_is_not_found(database: Database) -> None:
    with database.session() as session:
        study = people.make_study(session)
        person, other = (people.make_participant(session, study) for _ in range(2))
        visit = recordings.open_visit(session, person)
        recording = people.record(session, visit)
        assert visits.landmarks_of(session, participant_id=person.id, recording_id=recording.id)[1].n_frames > 0
        with pytest.raises(NotFoundError, match="has no recording"):
            visits.landmarks_of(session, participant_id=other.id, recording_id=recording.id)
        with pytest.raises(NotFoundError, match="has no visit"):
            visits.visit_document(session, participant_id=other.id, visit_id=visit.id)


def test_an_overview_comes_in_parts_that_make_the_whole(database: Database) -> None:
    with database.session() as session:
        study = people.make_study(session)
        for _ in range(5):
            person = people.make_participant(session, study)
            people.record(session, recordings.open_visit(session, person))
        # As the command line names people, in whatever order the database puts them.
        session.add_all(Participant(study_id=study.id, code=code) for code in ("anna", "Bert", "p-0003", "Ö"))
        session.flush()
        whole = overview(session, study.id)
        parts, after = [], ""
        while part := overview(session, study.id, after=after, limit=2):
            parts += part
            after = part[-1].code
        assert len(whole) == count_participants(session, study.id) == 9
        assert parts == whole


def test_a_null_character_is_a_wrong_value_and_no_failure_of_the_database(database: Database) -> None:
    try:
        with database.session(read_only=True) as session:
            assert not studies.is_member(session, study_id="\0", user_id="\0")
    except InvalidValueError:
        assert not database.is_sqlite
