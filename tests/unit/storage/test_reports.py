"""A stored assessment put together with its landmarks again says what was found, or why there is nothing to say."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from backsight.domain.assessment import Assessment
from backsight.domain.recording import Exercise
from backsight.errors import NotFoundError
from backsight.exports.json_file import assessment_to_dict
from backsight.pipeline import combine, prepare
from backsight.storage import recordings
from backsight.storage.database import Database
from backsight.storage.reports import assessment_of_recording, assessment_of_visit
from backsight.storage.tables import Recording
from tests.assessments import make_pose
from tests.unit.storage.people import assess, begin, make_participant, make_study, record

CARD = {
    "session_half_widths": (("walk", 0.21), ("jump", 0.32), ("walk+jump", 0.13)),
    "exercise_weights": (("walk", 0.3), ("jump", 0.1)),
    "unfamiliar_above": 0.9,
    "unfamiliar_meaning": "of its frames",
}


def carded(assessment: Assessment) -> Assessment:
    """Give an assessment a card with all that a real one has."""
    return replace(assessment, model=replace(assessment.model, **CARD))  # type: ignore[arg-type]


def test_a_report_holds_the_stored_numbers_and_curves_of_the_stored_landmarks(database: Database) -> None:
    with database.session() as session:
        person = make_participant(session, make_study(session))
        recording = record(session, recordings.open_visit(session, person))
        recordings.save_assessment(session, recording.id, carded(assess(index=0.3)))
        who, which = person.id, recording.id
    with database.session(read_only=True) as session:
        stored = assessment_of_recording(session, participant_id=who, recording_id=which)
    made = stored.rebuild()
    assert assessment_to_dict(made) == stored.document
    assert made.index == pytest.approx(0.3)
    # Not those of the assessment, which the test made up: those of what was recorded.
    expected = prepare(make_pose(Exercise.WALK)).filtered
    assert made.exercises[0].pose.n_frames == expected.n_frames
    np.testing.assert_allclose(made.exercises[0].pose.world_m, expected.world_m, atol=1e-4)


def test_a_visit_is_judged_by_the_cards_weights_and_widths_as_on_the_command_line(database: Database) -> None:
    parts = {
        Exercise.WALK: carded(assess(Exercise.WALK, index=0.2)),
        Exercise.JUMP: carded(assess(Exercise.JUMP, index=0.6)),
    }
    with database.session() as session:
        person = make_participant(session, make_study(session))
        visit = recordings.open_visit(session, person)
        for exercise, assessment in parts.items():
            recordings.save_assessment(session, record(session, visit, exercise).id, assessment)
        who, which = person.id, visit.id
    with database.session(read_only=True) as session:
        made = assessment_of_visit(session, participant_id=who, visit_id=which).rebuild()
    together = combine(
        {exercise: assessment.exercises[0] for exercise, assessment in parts.items()},
        card=parts[Exercise.WALK].model,
        created_at="",
        backsight_version="",
    )
    # (0.3 * 0.2 + 0.1 * 0.6) / 0.4 = 0.3, and 0.13 to each side.
    assert made.index == pytest.approx(0.3)
    assert made.interval is not None
    assert (made.interval.low, made.interval.high) == pytest.approx((0.17, 0.43))
    assert (made.verdict, made.reason, made.notes) == (together.verdict, together.reason, together.notes)
    assert [part.exercise for part in made.exercises] == [Exercise.WALK, Exercise.JUMP]


def test_a_recording_without_an_assessment_says_why(database: Database) -> None:
    with database.session() as session:
        person = make_participant(session, make_study(session))
        visit = recordings.open_visit(session, person)
        failed, waits = record(session, visit, Exercise.WALK), record(session, visit, Exercise.JUMP)
        recordings.fail(session, failed.id, reason="no person found in 150 frames")
        skipped = recordings.skip(session, visit, exercise=Exercise.TOUCH_TOES, reason="My knee hurts")
        cases = {
            failed.id: "could not be assessed: no person found in 150 frames",
            waits.id: "waits to be assessed",
            skipped.id: "left this exercise out: My knee hurts",
        }
        who, which = person.id, visit.id
    with database.session(read_only=True) as session:
        for recording_id, told in cases.items():
            with pytest.raises(NotFoundError, match=told):
                assessment_of_recording(session, participant_id=who, recording_id=recording_id)
        with pytest.raises(NotFoundError, match="none of its recordings is assessed"):
            assessment_of_visit(session, participant_id=who, visit_id=which)


def test_what_is_somebody_elses_is_not_found(database: Database) -> None:
    with database.session() as session:
        study = make_study(session)
        person, other = make_participant(session, study), make_participant(session, study)
        visit = recordings.open_visit(session, person)
        recording = record(session, visit)
        recordings.save_assessment(session, recording.id, assess())
        with pytest.raises(NotFoundError):
            assessment_of_recording(session, participant_id=other.id, recording_id=recording.id)
        with pytest.raises(NotFoundError):
            assessment_of_visit(session, participant_id=other.id, visit_id=visit.id)
        unkept = begin(session, recordings.open_visit(session, other))
        with pytest.raises(NotFoundError, match="still being recorded"):
            assessment_of_recording(session, participant_id=other.id, recording_id=unkept.id)


def test_when_retention_took_the_landmarks_there_is_no_report_and_the_reason_is_told(database: Database) -> None:
    with database.session() as session:
        person = make_participant(session, make_study(session))
        visit = recordings.open_visit(session, person)
        recording = record(session, visit)
        recordings.save_assessment(session, recording.id, assess())
        session.get_one(Recording, recording.id).n_chunks = None
        session.flush()
        with pytest.raises(NotFoundError, match="time of keeping was over"):
            assessment_of_recording(session, participant_id=person.id, recording_id=recording.id)
        with pytest.raises(NotFoundError, match="time of keeping was over"):
            assessment_of_visit(session, participant_id=person.id, visit_id=visit.id)
