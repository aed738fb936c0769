"""A study with somebody in it, for the tests of storage."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from sqlalchemy.orm import Session

from backsight.domain.assessment import Assessment, Interval
from backsight.domain.recording import Exercise
from backsight.domain.sequences import PoseSequence
from backsight.storage import recordings, studies
from backsight.storage.chunks import LandmarkFrames
from backsight.storage.tables import Participant, PrivacyMode, Recording, Role, Study, User, Visit
from backsight.storage.videos import VideoStore
from tests.assessments import make_assessment, make_exercise, make_pose

CONSENT = "I agree that my movement is recorded."


def make_user(session: Session, email: str = "ada@example.org") -> User:
    user = User(email=email, name="Ada", role=Role.RESEARCHER, password_hash="unused")
    session.add(user)
    session.flush()
    return user


def make_study(session: Session, **changes: object) -> Study:
    given: dict[str, object] = {
        "name": "Backs in Ulm",
        "exercises": list(Exercise),
        "consent_text": CONSENT,
        "privacy_mode": PrivacyMode.LANDMARKS,
        "retention_days": None,
        "owner_id": None,
    }
    given |= changes
    if given["owner_id"] is None:
        given["owner_id"] = make_user(session).id
    return studies.create_study(session, **given)  # type: ignore[arg-type]


def make_participant(session: Session, study: Study, *, label: str = "") -> Participant:
    """Invite somebody and let them sign."""
    participant = studies.invite(session, study_id=study.id, label=label).participant
    studies.sign_consent(
        session, participant, signed_name="Grace Hopper", text_hash=studies.consent_hash(study.consent_text)
    )
    return participant


def make_frames(start_s: float = 0.0, n_frames: int = 30, *, value: float = 0.5) -> LandmarkFrames:
    """Return frames at 30 a second, with every landmark in one place."""
    return LandmarkFrames(
        timestamps_s=start_s + np.arange(n_frames) / 30.0,
        image=np.full((n_frames, 33, 3), value),
        world_m=np.full((n_frames, 33, 3), 0.25),
        visibility=np.full((n_frames, 33), 0.75),
        presence=np.ones((n_frames, 33)),
    )


def begin(session: Session, visit: Visit, exercise: Exercise = Exercise.WALK) -> Recording:
    return recordings.begin(
        session,
        visit,
        exercise=exercise,
        mode="landmarks",
        width=1280,
        height=720,
        pose_model="lite",
        pose_engine="tasks-vision",
    )


def begin_video(
    session: Session, visit: Visit, exercise: Exercise = Exercise.WALK, *, videos: VideoStore | None = None
) -> Recording:
    return recordings.begin(
        session,
        visit,
        exercise=exercise,
        mode="video",
        width=None,
        height=None,
        pose_model="",
        pose_engine="",
        videos=videos,
    )


def record(
    session: Session,
    visit: Visit,
    exercise: Exercise = Exercise.WALK,
    *,
    rating: float = 80.0,
    pose: PoseSequence | None = None,
) -> Recording:
    """Record and keep one exercise."""
    recording = begin(session, visit, exercise)
    chunks = recordings.frames_of(pose if pose is not None else make_pose(exercise))
    for number, frames in enumerate(chunks):
        recordings.add_chunk(session, recording.id, number=number, frames=frames)
    recordings.finish_receiving(session, recording.id, n_chunks=len(chunks))
    return recordings.keep(session, recording.id, rating=rating)


def assess(exercise: Exercise = Exercise.WALK, *, index: float | None = 0.3, half_width: float = 0.18) -> Assessment:
    """Return an assessment of one exercise, with an interval as wide as the card says."""
    assessment = make_assessment([make_exercise(exercise, index=index)], half_width=half_width)
    card = replace(assessment.model, interval_half_width=half_width)
    parts = tuple(
        replace(part, interval=Interval(max(0.0, part.index - half_width), min(1.0, part.index + half_width)))
        if part.index is not None
        else part
        for part in assessment.exercises
    )
    return replace(assessment, model=card, exercises=parts)
