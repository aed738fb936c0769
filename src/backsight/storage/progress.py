"""How far a participant has come on their way through a study. Knows no page and changes nothing."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from backsight.domain.recording import Exercise
from backsight.errors import NotFoundError
from backsight.storage import studies
from backsight.storage.tables import Participant, Recording, RecordingState, Study, Visit


class Step(StrEnum):
    """What a participant has to do next."""

    CONSENT = "consent"
    ABOUT_YOU = "about-you"
    CAMERA = "camera"
    EXERCISE = "exercise"
    THANK_YOU = "thank-you"


class ExerciseState(StrEnum):
    """What has become of an exercise in this visit."""

    OPEN = "open"
    UNRATED = "unrated"
    """Recorded, all of it here, and not yet kept and rated."""
    KEPT = "kept"
    SKIPPED = "skipped"


_STATES = {
    RecordingState.RECEIVED: ExerciseState.UNRATED,
    RecordingState.QUEUED: ExerciseState.KEPT,
    RecordingState.DONE: ExerciseState.KEPT,
    RecordingState.FAILED: ExerciseState.KEPT,
    RecordingState.SKIPPED: ExerciseState.SKIPPED,
}


@dataclass(frozen=True)
class ExerciseProgress:
    """One exercise of the visit."""

    exercise: Exercise
    state: ExerciseState
    recording_id: str | None
    """Of what is recorded or skipped; None = nothing is."""
    unfinished_id: str | None = None
    """Of a recording that was begun and of which not everything has come: it goes on elsewhere, or was broken off."""

    @property
    def is_open(self) -> bool:
        """Whether there is still something to do."""
        return self.state in (ExerciseState.OPEN, ExerciseState.UNRATED)


@dataclass(frozen=True)
class Progress:
    """Where a participant stands."""

    study: Study
    participant: Participant
    needs_consent: bool
    """Nothing is signed yet, or the study's text has changed since."""
    visit: Visit | None
    """The visit that is begun and not finished; None = there is none."""
    n_finished_visits: int
    exercises: tuple[ExerciseProgress, ...]
    """Of the begun visit, or of the latest finished one, in the study's order."""

    @property
    def next_exercise(self) -> Exercise | None:
        """The first exercise that is still to be done; None = all are done."""
        return next((one.exercise for one in self.exercises if one.is_open), None)

    @property
    def unfinished_ids(self) -> tuple[str, ...]:
        """Recordings of which not everything has come: a browser may still hold their videos."""
        return tuple(one.unfinished_id for one in self.exercises if one.unfinished_id is not None)

    @property
    def step(self) -> Step:
        """What is to be done next."""
        if self.needs_consent:
            return Step.CONSENT
        if self.participant.back_history is None:
            return Step.ABOUT_YOU
        if self.visit is None:
            return Step.THANK_YOU if self.n_finished_visits else Step.CAMERA
        if self.next_exercise is None:
            return Step.THANK_YOU
        return Step.CAMERA if self.visit.camera_check is None else Step.EXERCISE


def find_progress(session: Session, *, study_id: str, participant_id: str) -> Progress:
    """Return how far a participant has come.

    Raises
    ------
    NotFoundError
        When there is none of that identifier in that study.
    """
    participant = studies.find_participant(session, study_id=study_id, participant_id=participant_id)
    study = studies.find_study(session, study_id)
    signed = studies.consent_of(session, participant)
    visits = select(Visit).where(Visit.participant_id == participant_id)
    latest = session.scalars(visits.order_by(Visit.finished_at.is_(None).desc(), Visit.started_at.desc())).first()
    n_finished = session.scalar(
        select(func.count()).where(Visit.participant_id == participant_id, Visit.finished_at.is_not(None))
    )
    return Progress(
        study=study,
        participant=participant,
        needs_consent=signed is None or signed.text_hash != studies.consent_hash(study.consent_text),
        visit=latest if latest is not None and latest.finished_at is None else None,
        n_finished_visits=n_finished or 0,
        exercises=_exercises(session, study, latest),
    )


def find_exercise(progress: Progress, exercise: str) -> ExerciseProgress:
    """Return what has become of an exercise.

    Raises
    ------
    NotFoundError
        When it is not one of the study's.
    """
    for one in progress.exercises:
        if one.exercise == exercise:
            return one
    raise NotFoundError(f"this study has no exercise {exercise!r}; it has {', '.join(progress.study.exercises)}")


def _exercises(session: Session, study: Study, visit: Visit | None) -> tuple[ExerciseProgress, ...]:
    query = select(Recording).where(Recording.visit_id == (visit.id if visit is not None else None))
    recordings = session.scalars(query).all()
    # At most one of each exercise has one of these states: a new recording discards the earlier one.
    done = {one.exercise: one for one in recordings if one.state in _STATES}
    begun = {one.exercise: one.id for one in recordings if one.state is RecordingState.RECEIVING}
    return tuple(
        ExerciseProgress(Exercise(name), _STATES[done[name].state], done[name].id)
        if name in done
        else ExerciseProgress(Exercise(name), ExerciseState.OPEN, None, begun.get(name))
        for name in study.exercises
    )
