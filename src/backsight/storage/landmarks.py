"""The landmarks of a recording in the database: found, cut into chunks, put together again. Knows no visit's course."""

from __future__ import annotations

import math
from collections.abc import Mapping

from sqlalchemy import bindparam, select
from sqlalchemy.orm import Session

from backsight.domain.sequences import PoseSequence, PoseTrack
from backsight.domain.validation import FloatArray
from backsight.errors import InvalidValueError, NotFoundError
from backsight.storage.chunks import LandmarkFrames, pack, to_pose, unpack
from backsight.storage.database import seal_of
from backsight.storage.tables import LandmarkChunk, Recording, Visit

_RECORDING = (
    select(Recording)
    .where(Recording.id == bindparam("recording_id"))
    .with_for_update(of=Recording)
    .execution_options(populate_existing=True)
)
_OWN_RECORDING = _RECORDING.join(Visit, Visit.id == Recording.visit_id).where(
    Visit.participant_id == bindparam("participant_id")
)
"""Made once: building a statement takes as long as running it, and every second of every recording asks."""

FRAMES_IN_CHUNK = 300
"""How many frames of a video's landmarks go into a chunk."""


def find_recording(session: Session, recording_id: str, *, participant_id: str | None = None) -> Recording:
    """Return a recording, of that participant where one is named, and hold it until the transaction ends.

    Raises
    ------
    NotFoundError
        When there is none, or it is somebody else's.
    """
    query = _RECORDING if participant_id is None else _OWN_RECORDING
    recording = session.scalar(query, {"recording_id": recording_id, "participant_id": participant_id})
    if recording is None:
        raise NotFoundError(f"there is no recording {recording_id!r}; it may have been deleted")
    return recording


def load_track(session: Session, recording_id: str) -> PoseTrack:
    """Return the landmarks of a recording that has come in completely.

    Raises
    ------
    NotFoundError
        When there is no such recording, or its landmarks were deleted or never came.
    """
    recording = session.get(Recording, recording_id)
    if recording is None or recording.n_chunks is None:
        raise NotFoundError(f"the landmarks of recording {recording_id!r} are not here; they may have been deleted")
    return read_track(session, recording, n_chunks=recording.n_chunks)


def store_landmarks(
    session: Session, recording_id: str, pose: PoseSequence, *, pose_model: str, pose_engine: str
) -> None:
    """Keep what was found in a recording's video; harmless when landmarks are there already.

    Raises
    ------
    NotFoundError
        When there is no such recording.
    """
    recording = find_recording(session, recording_id)
    if recording.n_chunks is not None:
        return
    seal = seal_of(session)
    chunks = frames_of(pose)
    for number, frames in enumerate(chunks):
        session.add(
            LandmarkChunk(
                recording_id=recording_id,
                number=number,
                n_frames=frames.n_frames,
                payload=seal.seal(pack(frames)),
            )
        )
    recording.n_chunks = len(chunks)
    recording.width, recording.height = pose.frame_size
    recording.pose_model, recording.pose_engine = pose_model, pose_engine
    session.flush()


def frames_of(pose: PoseSequence, *, n_frames: int = FRAMES_IN_CHUNK) -> list[LandmarkFrames]:
    """Cut landmarks into chunks, positions as shares of the picture's width and height."""
    width, height = pose.frame_size
    # Depth is in the scale of x, so it is a share of the width as well.
    image = pose.image_px / (width, height, width)
    parts = []
    for first in range(0, pose.n_frames, n_frames):
        part = slice(first, first + n_frames)
        nobody = ~pose.has_person[part]
        visibility, presence = pose.visibility[part].copy(), pose.presence[part].copy()
        visibility[nobody], presence[nobody] = math.nan, math.nan
        parts.append(
            LandmarkFrames(
                timestamps_s=pose.timestamps_s[part],
                image=image[part],
                world_m=pose.world_m[part],
                visibility=visibility,
                presence=presence,
            )
        )
    return parts


def read_track(session: Session, recording: Recording, *, n_chunks: int) -> PoseTrack:
    """Return the landmarks of a recording that should have so many chunks.

    Raises
    ------
    NotFoundError
        When it has others.
    """
    query = select(LandmarkChunk.payload).where(LandmarkChunk.recording_id == recording.id)
    payloads = session.scalars(query.order_by(LandmarkChunk.number)).all()
    if len(payloads) != n_chunks or recording.width is None or recording.height is None:
        raise NotFoundError(f"the landmarks of recording {recording.id!r} are not all here; they may have been deleted")
    seal = seal_of(session)
    return to_pose([unpack(seal.open(payload)) for payload in payloads], width=recording.width, height=recording.height)


def check_clock(number: int, frames: LandmarkFrames, near: Mapping[int, FloatArray]) -> None:
    """Refuse a chunk whose clock does not lie between its neighbours' clocks.

    Parameters
    ----------
    near
        {number: timestamps in seconds} of the chunks before and after it, where they have come.

    Raises
    ------
    InvalidValueError
        Says which clock goes backwards.
    """
    first_s, last_s = float(frames.timestamps_s[0]), float(frames.timestamps_s[-1])
    if number - 1 in near and float(near[number - 1][-1]) >= first_s:
        raise InvalidValueError(
            f"the clock must go on from chunk to chunk, but chunk {number} begins at {first_s:.3f} s "
            f"after {float(near[number - 1][-1]):.3f} s"
        )
    if number + 1 in near and last_s >= float(near[number + 1][0]):
        raise InvalidValueError(
            f"the clock must go on from chunk to chunk, but chunk {number} ends at {last_s:.3f} s, "
            f"and the next one began at {float(near[number + 1][0]):.3f} s"
        )
