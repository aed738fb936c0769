"""File an assessment of the command line under a person's visits, each recording once. Knows no file and no page.

A recording is known again by the SHA-256 of its file, its exercise, and that the same stretch of the file was assessed:
two goes in one film are two recordings, the same go with another start, crop, model or setting is not. What is known
keeps its day, and its newer result replaces the earlier one, unless only the earlier one has an index. Recordings that
are assessed together are one sitting, so they come into one visit, as far as their days are the same and the visit has
room: it holds one go at each exercise.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import delete, select, update
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

SAME_SHARE = 0.5
"""Two stretches of a film are one go when they share this much of the shorter one: a go that was cut generously reaches
into its neighbours, but less than half of it is theirs."""


@dataclass(frozen=True)
class Filed:
    """Where the recordings of an assessment are now."""

    visit_ids: Mapping[Exercise, str]
    replaced: tuple[Exercise, ...]
    """Those that had been assessed before; only the newer result is kept."""
    upheld: tuple[Exercise, ...]
    """Those whose earlier result is kept: it has an index, and the newer one has none."""


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
    visit_ids = _place(session, participant_id, assessment, known)
    known_ids = {recording.visit_id for recording in known.values()}
    upheld = []
    for part in assessment.exercises:
        place_id, recording = visit_ids[part.exercise], known.get(part.exercise)
        if recording is not None and part.index is None and _has_index(session, recording):
            _move(session, recording, place_id)
            upheld.append(part.exercise)
            continue
        if recording is not None:
            _remove(session, recording)
        _add(session, place_id, part, assessment, sha256=sha256.get(part.exercise))
    for visit_id in known_ids:
        _settle(session, visit_id)
    return Filed(
        visit_ids=visit_ids,
        replaced=tuple(exercise for exercise in known if exercise not in upheld),
        upheld=tuple(upheld),
    )


def _find_known(
    session: Session, participant_id: str, part: ExerciseAssessment, *, sha256: str | None
) -> Recording | None:
    """Return the recording of the same go: of person, exercise and file, what shares the most time with a part."""
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
        if stretch is None:
            continue
        both_s = min(last_s, stretch[1]) - max(first_s, stretch[0])
        if both_s >= SAME_SHARE * min(last_s - first_s, stretch[1] - stretch[0]):
            shared_s[recording] = both_s
    return max(shared_s, key=lambda recording: shared_s[recording], default=None)


def _stretch(session: Session, recording: Recording) -> tuple[float, float] | None:
    """Return when in its file a recording begins and ends, in seconds; None = its landmarks are gone."""
    query = select(LandmarkChunk.payload).where(LandmarkChunk.recording_id == recording.id)
    seal = seal_of(session)
    times_s = [times_of(seal.open(payload)) for payload in session.scalars(query.order_by(LandmarkChunk.number))]
    return (float(times_s[0][0]), float(times_s[-1][-1])) if times_s else None


def _place(
    session: Session, participant_id: str, assessment: Assessment, known: Mapping[Exercise, Recording]
) -> dict[Exercise, str]:
    """Return the visit of each recording, and begin one for those that have none.

    Known recordings of one day come into the earliest of their visits. The time of a new one is known from its company
    only: it joins the latest visit among those that it was assessed with.
    """
    clock = datetime.fromisoformat(assessment.created_at).tzinfo
    of_known = Visit.id.in_([recording.visit_id for recording in known.values()])
    visits = session.scalars(select(Visit).where(of_known).order_by(Visit.started_at, Visit.id)).all()
    days = {visit.id: visit.started_at.astimezone(clock).date() for visit in visits}
    earliest_ids = {day: visit_id for visit_id, day in reversed(days.items())}
    latest_id = earliest_ids[max(earliest_ids)] if earliest_ids else None
    visit_ids: dict[Exercise, str] = {}
    new_id: str | None = None
    for exercise in (part.exercise for part in assessment.exercises):
        own_id = known[exercise].visit_id if exercise in known else None
        place_id = latest_id if own_id is None else earliest_ids[days[own_id]]
        if place_id is None or (place_id != own_id and _holds(session, place_id, exercise)):
            place_id = own_id or new_id
        if place_id is None:
            place_id = new_id = _begin(session, participant_id, assessment)
        visit_ids[exercise] = place_id
    return visit_ids


def _has_index(session: Session, recording: Recording) -> bool:
    query = select(AssessmentRow.index).where(AssessmentRow.recording_id == recording.id)
    return session.scalars(query).first() is not None


def _move(session: Session, recording: Recording, visit_id: str) -> None:
    recording.visit_id = visit_id
    session.execute(update(AssessmentRow).where(AssessmentRow.recording_id == recording.id).values(visit_id=visit_id))
    session.flush()


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
    """Judge a visit anew, or remove it with its last recording."""
    if session.scalars(select(Recording.id).where(Recording.visit_id == visit_id).limit(1)).first() is not None:
        judge_visit(session, visit_id)
        return
    session.execute(delete(AssessmentRow).where(AssessmentRow.visit_id == visit_id))
    session.execute(delete(Visit).where(Visit.id == visit_id))
