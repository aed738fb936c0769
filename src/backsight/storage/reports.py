"""Put an assessment as it was kept and its landmarks together again, for the report. Knows no page and no engine.

Every number is the stored one, found when the recording was assessed; only curves over time, which are not kept, are
drawn anew from the stored landmarks. So a report never says anything else than the lists do.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from backsight.domain.assessment import Assessment
from backsight.domain.recording import Exercise
from backsight.domain.sequences import PoseTrack
from backsight.errors import NotFoundError
from backsight.exports.json_file import JsonObject
from backsight.exports.json_reader import Landmarks, assessment_from_dict
from backsight.storage.landmarks import load_track
from backsight.storage.tables import Recording, RecordingState
from backsight.storage.visits import find_recording_of, recording_document, visit_document

WHY_NO_ASSESSMENT = {
    RecordingState.RECEIVING: "it is still being recorded",
    RecordingState.RECEIVED: "the participant has not yet kept and rated it",
    RecordingState.QUEUED: "it waits to be assessed, which takes seconds to minutes; load the page again then",
    RecordingState.FAILED: "it could not be assessed",
    RecordingState.SKIPPED: "the participant left this exercise out",
    RecordingState.DISCARDED: "the participant threw it away and recorded again",
}
"""Why a recording in this state has no report."""
LANDMARKS_GONE = (
    "its landmarks were deleted when the study's time of keeping was over; the numbers stay on the person's page"
)


@dataclass(frozen=True, eq=False)
class StoredAssessment:
    """What was kept of a recording or a whole visit."""

    document: JsonObject
    tracks: dict[Exercise, PoseTrack]

    def rebuild(self) -> Assessment:
        """Return the assessment; takes a moment, so not within a transaction.

        Raises
        ------
        InputError
            When it was kept by a version that wrote another shape.
        """
        # The whole road is behind it, and is loaded with the first report, not before the site's first page.
        from backsight.pipeline import prepare

        landmarks = {}
        for exercise, track in self.tracks.items():
            prepared = prepare(track.pose)
            landmarks[exercise] = Landmarks(pose=prepared.filtered, features=prepared.features)
        return assessment_from_dict(self.document, landmarks=landmarks)


def assessment_of_recording(session: Session, *, participant_id: str, recording_id: str) -> StoredAssessment:
    """Return what a participant's recording was found to show.

    Raises
    ------
    NotFoundError
        When they have no such recording, or there is no report of it: says why.
    """
    found = find_recording_of(session, participant_id=participant_id, recording_id=recording_id)
    recording = found.recording
    if recording.state is not RecordingState.DONE:
        why = WHY_NO_ASSESSMENT[recording.state]
        raise NotFoundError(f"there is no report of this recording: {why}{_more(recording)}")
    document = recording_document(session, participant_id=participant_id, recording_id=recording_id)
    return _stored(session, document, [recording])


def assessment_of_visit(session: Session, *, participant_id: str, visit_id: str) -> StoredAssessment:
    """Return what all assessed exercises of a visit were found to show together.

    Raises
    ------
    NotFoundError
        When they have no such visit, or there is no report of it: says why.
    """
    document = visit_document(session, participant_id=participant_id, visit_id=visit_id)
    done = select(Recording).where(Recording.visit_id == visit_id, Recording.state == RecordingState.DONE)
    return _stored(session, document, session.scalars(done).all())


def _stored(session: Session, document: JsonObject, recordings: Sequence[Recording]) -> StoredAssessment:
    if any(recording.n_chunks is None for recording in recordings):
        raise NotFoundError(f"there is no report any more: {LANDMARKS_GONE}")
    return StoredAssessment(
        document=document,
        tracks={Exercise(recording.exercise): load_track(session, recording.id) for recording in recordings},
    )


def _more(recording: Recording) -> str:
    return f": {recording.reason}" if recording.reason else ""
