"""File an assessment of the command line under a person's visits, each recording once. Knows no file and no page.

A recording is known again by the SHA-256 of its file, its exercise, and that the same stretch of the file was assessed:
two goes in one film are two recordings, the same go with another start, crop, model or setting is not. What is known
keeps its place in time, and its newer result replaces the earlier one. Recordings that are assessed together are one
sitting, so they come into one visit, as far as a visit has room: it holds one go at each exercise.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from backsight.domain.assessment import Assessment, ExerciseAssessment
from backsight.domain.recording import Exercise
from backsight.storage.chunks import times_of
from backsight.storage.database import seal_of
from backsight.storage.landmarks import store_landmarks
from backsight.storage.results import judge_visit, save_assessment
from backsight.storage.tables import (
    AssessmentRow,
    LandmarkChunk,
    Participant,
    PrivacyMode,
    Recording,
    RecordingState,
    Visit,
    now,
)


@dataclass(frozen=True)
class Filed:
    """Where the recordings of an assessment are now."""

    visit_ids: Mapping[Exercise, str]
    replaced: tuple[Exercise, ...]
    """Those that had been assessed before; only the newer result is kept."""


def file_assessment(
    session: Session, participant_id: str, assessment: Assessment, *, sha256: Mapping[Exercise, str]
) -> Filed:
    """Keep landmarks and results of an assessment under a person's visits.

    Parameters
    ----------
    sha256
        Of the files that were assessed; what is left out, as a camera's, counts as new.

    Returns
    -------
    Filed
        Says what was known. Other recordings of the person are as they were.
    """
    # The lock makes two commands of the same moment see each other's recordings.
    session.execute(select(Participant.id).where(Participant.id == participant_id).with_for_update())
    known = {
        part.exercise: found
        for part in assessment.exercises
        if (found := _find_known(session, participant_id, part, sha256=sha256.get(part.exercise))) is not None
    }
    home_id = _visit_of_oldest(session, list(known.values()))
    left_ids = {recording.visit_id for recording in known.values()}
    for recording in known.values():
        _remove(session, recording)
    visit_ids: dict[Exercise, str] = {}
    new_id: str | None = None
    for part in assessment.exercises:
        place_id = home_id
        if place_id is None or _holds(session, place_id, part.exercise):
            place_id = known[part.exercise].visit_id if part.exercise in known else new_id
        if place_id is None:
            place_id = new_id = _begin(session, participant_id, assessment)
        visit_ids[part.exercise] = place_id
        _add(session, place_id, part, assessment, sha256=sha256.get(part.exercise))
    for visit_id in left_ids - set(visit_ids.values()):
        _settle(session, visit_id)
    return Filed(visit_ids=visit_ids, replaced=tuple(known))


def _find_known(
    session: Session, participant_id: str, part: ExerciseAssessment, *, sha256: str | None
) -> Recording | None:
    """Return the recording that shares most of its time with a part, of the same file, person and exercise."""
    if sha256 is None:
        return None
    candidates = session.scalars(
        select(Recording)
        .join(Visit, Visit.id == Recording.visit_id)
        .where(
            Visit.participant_id == participant_id,
            Recording.exercise == part.exercise.value,
            Recording.video_sha256 == sha256,
            Recording.state != RecordingState.DISCARDED,
        )
        .order_by(Visit.started_at, Recording.id)
    )
    first_s, last_s = float(part.pose.timestamps_s[0]), float(part.pose.timestamps_s[-1])
    shared_s = {}
    for recording in candidates:
        stretch = _stretch(session, recording)
        if stretch is not None:
            shared_s[recording] = min(last_s, stretch[1]) - max(first_s, stretch[0])
    best = max(shared_s, key=lambda recording: shared_s[recording], default=None)
    return best if best is not None and shared_s[best] >= 0.0 else None


def _stretch(session: Session, recording: Recording) -> tuple[float, float] | None:
    """Return when in its file a recording begins and ends, in seconds; None = its landmarks are gone."""
    query = select(LandmarkChunk.payload).where(LandmarkChunk.recording_id == recording.id)
    seal = seal_of(session)
    times_s = [times_of(seal.open(payload)) for payload in session.scalars(query.order_by(LandmarkChunk.number))]
    return (float(times_s[0][0]), float(times_s[-1][-1])) if times_s else None


def _visit_of_oldest(session: Session, recordings: Sequence[Recording]) -> str | None:
    visits = select(Visit.id).where(Visit.id.in_([recording.visit_id for recording in recordings]))
    return session.scalars(visits.order_by(Visit.started_at, Visit.id).limit(1)).first()


def _remove(session: Session, recording: Recording) -> None:
    for table in (LandmarkChunk, AssessmentRow):
        session.execute(delete(table).where(table.recording_id == recording.id))
    session.delete(recording)
    session.flush()


def _holds(session: Session, visit_id: str, exercise: Exercise) -> bool:
    query = select(Recording.id).where(Recording.visit_id == visit_id, Recording.exercise == exercise.value)
    return session.scalars(query.where(Recording.state != RecordingState.DISCARDED).limit(1)).first() is not None


def _begin(session: Session, participant_id: str, assessment: Assessment) -> str:
    started_at = datetime.fromisoformat(assessment.created_at)
    visit = Visit(participant_id=participant_id, started_at=started_at, finished_at=now())
    session.add(visit)
    session.flush()
    return visit.id


def _add(
    session: Session, visit_id: str, part: ExerciseAssessment, assessment: Assessment, *, sha256: str | None
) -> None:
    recording = Recording(
        visit_id=visit_id,
        exercise=part.exercise.value,
        mode=PrivacyMode.LANDMARKS,
        state=RecordingState.QUEUED,
        video_sha256=sha256,
    )
    session.add(recording)
    session.flush()
    store_landmarks(
        session, recording.id, part.pose, pose_model=assessment.pose_model, pose_engine=assessment.pose_engine
    )
    save_assessment(session, recording.id, assessment)


def _settle(session: Session, visit_id: str) -> None:
    """Judge a visit that a recording left, or remove it with its last one."""
    if session.scalars(select(Recording.id).where(Recording.visit_id == visit_id).limit(1)).first() is not None:
        judge_visit(session, visit_id)
        return
    session.execute(delete(AssessmentRow).where(AssessmentRow.visit_id == visit_id))
    session.execute(delete(Visit).where(Visit.id == visit_id))
