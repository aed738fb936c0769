"""What comes in of a recording: landmarks in chunks, or where its video is, each as often as it is sent. Knows no page.

Chunks may come twice and in any order; the recording takes them until it is closed, and only with a clock that goes on.
"""

from __future__ import annotations

from sqlalchemy import bindparam, case, func, insert, select
from sqlalchemy.orm import Session

from backsight.domain.recording import EXERCISE_LIMIT_S
from backsight.errors import ConflictError, InvalidValueError
from backsight.storage.chunks import LandmarkFrames, pack, times_of
from backsight.storage.database import seal_of
from backsight.storage.landmarks import check_clock, find_recording, read_track
from backsight.storage.tables import LandmarkChunk, PrivacyMode, Recording, RecordingState

SLACK_S = 5.0
"""What a recording may be longer than the limit: a browser stops a moment late."""
MOST_FRAMES = int((EXERCISE_LIMIT_S + SLACK_S) * 120)
"""No camera that a browser opens gives more than 120 frames a second."""

_CHUNKS_THERE = select(
    LandmarkChunk.number,
    LandmarkChunk.n_frames,
    # Of the neighbours only: nobody else's clock needs to be looked at.
    case((func.abs(LandmarkChunk.number - bindparam("number")) <= 1, LandmarkChunk.payload)).label("payload"),
).where(LandmarkChunk.recording_id == bindparam("recording_id"))
"""A recording's chunks as a further one finds them."""


def add_chunk(
    session: Session, recording_id: str, *, number: int, frames: LandmarkFrames, participant_id: str | None = None
) -> None:
    """Keep some frames' landmarks. The same chunk may come twice, and chunks in any order.

    Parameters
    ----------
    participant_id
        Whose recording it must be; None = whosoever.

    Raises
    ------
    NotFoundError
        When there is no such recording, or it is somebody else's.
    ConflictError
        When other landmarks came under that number, or the recording takes no more.
    InvalidValueError
        When the clock goes backwards between this chunk and its neighbours, or there are too many frames.
    """
    if not 0 <= number < MOST_FRAMES:
        raise InvalidValueError(f"`number` of a chunk must be 0 to {MOST_FRAMES - 1}, got {number}")
    if not frames.n_frames:
        raise InvalidValueError("`frames` of a chunk must hold at least one frame, got none")
    # Before the first query: from there on SQLite's only write lock is held, and everybody else waits.
    seal = seal_of(session)
    packed = pack(frames)
    sealed = seal.seal(packed)
    recording = find_recording(session, recording_id, participant_id=participant_id)
    here = [
        (chunk.number, chunk.n_frames, chunk.payload)
        for chunk in session.execute(_CHUNKS_THERE, {"recording_id": recording_id, "number": number})
    ]
    near = {other: payload for other, _, payload in here if payload is not None}
    if number in near:
        if seal.open(near[number]) == packed:
            return
        raise ConflictError(f"chunk {number} has come already, with other landmarks; record again")
    if recording.state is not RecordingState.RECEIVING or recording.mode is not PrivacyMode.LANDMARKS:
        raise ConflictError(f"this recording takes no more landmarks: it is {recording.state}; record again")
    check_clock(number, frames, {other: times_of(seal.open(payload)) for other, payload in near.items()})
    if sum(n_frames for _, n_frames, _ in here) + frames.n_frames > MOST_FRAMES:
        raise InvalidValueError(f"a recording must hold at most {MOST_FRAMES} frames, got more; record again")
    session.execute(
        insert(LandmarkChunk),
        {"recording_id": recording_id, "number": number, "n_frames": frames.n_frames, "payload": sealed},
    )


def finish_receiving(session: Session, recording_id: str, *, n_chunks: int) -> Recording:
    """Close a recording of landmarks: all chunks are there, in one strictly increasing clock, and not too long.

    Raises
    ------
    NotFoundError
        When there is no such recording.
    ConflictError
        When it was finished with another number of chunks, or discarded.
    InvalidValueError
        When chunks are missing, the clock goes backwards or the recording is too long or empty.
    """
    recording = find_recording(session, recording_id)
    if recording.n_chunks is not None and recording.state is not RecordingState.DISCARDED:
        if recording.n_chunks == n_chunks:
            return recording
        raise ConflictError(f"this recording was finished with {recording.n_chunks} chunks, got {n_chunks}")
    if recording.state is not RecordingState.RECEIVING or recording.mode is not PrivacyMode.LANDMARKS:
        raise ConflictError(f"this recording takes no more landmarks: it is {recording.state}; record again")
    numbers = set(session.scalars(select(LandmarkChunk.number).where(LandmarkChunk.recording_id == recording_id)))
    missing = sorted(set(range(min(n_chunks, MOST_FRAMES))) - numbers)
    if n_chunks < 1 or missing or len(numbers) != n_chunks:
        lacks = f"; missing: {', '.join(map(str, missing[:10]))}" if missing else ""
        raise InvalidValueError(
            f"`n_chunks` must be the number of chunks sent, got {n_chunks}, here: {len(numbers)}{lacks}"
        )
    pose = read_track(session, recording, n_chunks=n_chunks).pose
    length_s = float(pose.timestamps_s[-1] - pose.timestamps_s[0])
    if length_s > EXERCISE_LIMIT_S + SLACK_S:
        raise InvalidValueError(f"a recording must last at most {EXERCISE_LIMIT_S:.0f} s, got {length_s:.0f} s")
    recording.n_chunks, recording.state = n_chunks, RecordingState.RECEIVED
    session.flush()
    return recording


def attach_video(session: Session, recording_id: str, *, key: str, sha256: str) -> Recording:
    """Say where a recording's video is, all of it received.

    Raises
    ------
    NotFoundError
        When there is no such recording.
    ConflictError
        When it has another video, is not one of a video, or is discarded.
    """
    recording = find_recording(session, recording_id)
    if recording.video_key == key and recording.video_sha256 == sha256:
        return recording
    if recording.state is not RecordingState.RECEIVING or recording.mode is not PrivacyMode.VIDEO:
        raise ConflictError(f"this recording takes no video: it is {recording.state}, {recording.mode}; record again")
    recording.video_key, recording.video_sha256 = key, sha256
    recording.state = RecordingState.RECEIVED
    session.flush()
    return recording
