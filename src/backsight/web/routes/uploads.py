"""Take a recording's video over a bad line: tus 1.0, resumable, looked into before it is kept. Knows no pose model.

A client creates an upload at `/take-part/recordings/{recording_id}/video` with `Upload-Length` and the metadata
`filename` and `filetype`, whose values are not kept, sends it in any number of requests, and asks with HEAD where to
go on. With the last byte the video is looked into; one that cannot be assessed is answered with 422 and thrown away,
and the recording then takes another. Every request but HEAD carries the form token.
"""

from __future__ import annotations

import hashlib
import re
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Annotated, Any

import anyio
import anyio.to_thread
from fastapi import APIRouter, Depends, HTTPException
from starlette.requests import Request
from tuspyserver import create_tus_router

from backsight.errors import BacksightError, ConflictError, InvalidValueError, NotFoundError, StorageError
from backsight.storage import recordings
from backsight.storage.database import Database
from backsight.storage.tables import PrivacyMode, Recording, RecordingState
from backsight.storage.videos import VideoStore, incoming_folder, upload_files
from backsight.web.access import CurrentParticipant, Work, audited, database_of
from backsight.web.decoding import look_at_video
from backsight.web.incoming import Incoming, folder_of_request, forget, is_kept, mark_kept, place_of, read_info
from backsight.web.settings import WebSettings

MAX_VIDEO_BYTES = 512 * 2**20
"""Of a video: 60 s of 3840 x 2160 at 60 Mbit/s are 450 MB."""
LIFETIME_DAYS = 1
"""How long an upload that was cut off can be taken up again."""
N_LOOKS_AT_ONCE = 1
"""Processes that look into videos, in each process of the server."""

_DAY_S = 24 * 3600.0
_BLOCK_BYTES = 2**20
_NAME = re.compile(r"[0-9a-f]{32}")
"""Of a recording."""
_looks = anyio.CapacityLimiter(N_LOOKS_AT_ONCE)

Accepted = Callable[[str, dict[str, str]], Awaitable[None]]
Checked = Callable[[dict[str, str], dict[str, Any]], None]
Placed = Callable[[dict[str, str]], dict[str, str]]


def incoming_dir(settings: WebSettings) -> Path:
    """Return the folder of uploads that are not complete."""
    return incoming_folder(settings.videos_url)


def clear_incoming(database: Database, folder: Path, *, now_s: float | None = None) -> int:
    """Remove uploads that nobody can take up any more: too old, or of a recording that is gone; returns how many."""
    latest_s = (time.time() if now_s is None else now_s) - LIFETIME_DAYS * _DAY_S
    names = {path.name.partition(".")[0] for path in folder.iterdir()} if folder.is_dir() else set()
    n_removed = 0
    # Whatever else lies there, as what a network's file system leaves, is no upload and stays.
    for name in filter(_NAME.fullmatch, names):
        with database.session(read_only=True) as session:
            recording = session.get(Recording, name)
            is_gone = recording is None or recording.state is RecordingState.DISCARDED
        files = upload_files(folder, name)
        if is_gone or all(path.stat().st_mtime < latest_s for path in files):
            for path in files:
                path.unlink(missing_ok=True)
            n_removed += 1
    return n_removed


async def _admit(
    request: Request,
    recording_id: str,
    participant: CurrentParticipant,
    work: Annotated[Work, audited("send video")],
) -> None:
    """Let a recording's own participant send its video, and only one that is taken."""
    # The library hands these on to nobody, and runs in this task.
    folder_of_request.set(incoming_dir(request.app.state.settings))
    request.state.work = work
    if request.path_params.get("uuid", recording_id) != recording_id:
        raise NotFoundError("there is no such upload; begin again")
    await anyio.to_thread.run_sync(_check_recording, request, recording_id, participant.id)
    if request.method == "HEAD":
        await _finish_cut_off(request, recording_id)


def _check_recording(request: Request, recording_id: str, participant_id: str) -> None:
    # Writing, although nothing is written: PostgreSQL locks no row in a transaction that only reads.
    with database_of(request).session() as session:
        recording = recordings.find_recording(session, recording_id, participant_id=participant_id)
        if recording.mode is not PrivacyMode.VIDEO:
            raise ConflictError("this recording takes landmarks only; no video may leave the participant's device")
        if recording.state is not RecordingState.RECEIVING and request.method == "POST":
            raise ConflictError(f"this recording takes no video any more: it is {recording.state}; record again")


async def _finish_cut_off(request: Request, recording_id: str) -> None:
    """Keep a video of which every byte came before the server died: the client will only ask, with HEAD."""
    path = place_of(recording_id)
    info = read_info(path)
    if info is not None and info["offset"] == info["size"] and not is_kept(path):
        await _accept(request, recording_id)(str(path), {})


def _place(recording_id: str) -> Placed:
    """Return what the library asks for the name of an upload."""
    return lambda _: {"uid": recording_id}


def _check_new(request: Request) -> Checked:
    """Return what the library asks before it creates an upload."""

    def check(_: dict[str, str], upload: dict[str, Any]) -> None:
        size = upload.get("size")
        if upload.get("defer_length") or size is None or request.headers.get("upload-concat") is not None:
            raise InvalidValueError("`Upload-Length` must be the length of the whole video in bytes, got none")
        if size > MAX_VIDEO_BYTES:
            raise HTTPException(
                413,
                f"a video must have at most {MAX_VIDEO_BYTES // 2**20} MB, got {size // 2**20}; "
                "record with 1920 x 1080",
            )
        if size < 1 or request.headers.get("content-length", "0") != "0":
            raise InvalidValueError("an upload must be created empty, for a video of one byte or more")
        # What an earlier go left, from a phone that forgot it, is in the way.
        forget(place_of(request.path_params["recording_id"]))

    return check


def _accept(request: Request, recording_id: str) -> Accepted:
    """Return what the library calls with a complete upload."""

    async def accept(place: str, _: dict[str, str]) -> None:
        path = Path(place)
        if is_kept(path):
            return
        info = await anyio.to_thread.run_sync(read_info, path)
        if info is None or info["offset"] != info["size"]:
            raise StorageError("not every byte of this upload could be written; the disk may be full")
        try:
            async with _looks:
                await anyio.to_thread.run_sync(look_at_video, path)
            await anyio.to_thread.run_sync(_keep, request, recording_id, path)
        except BacksightError as error:
            # What cannot be kept at this moment can be tried again; what cannot be assessed is thrown away.
            if not isinstance(error, StorageError) or isinstance(error, NotFoundError | ConflictError):
                forget(path)
            raise

    return accept


def _keep(request: Request, recording_id: str, path: Path) -> None:
    videos: VideoStore = request.app.state.videos
    work: Work = request.state.work
    sha256 = _sha256(path)
    # By its content: an upload that is completed twice is kept once.
    key = f"{recording_id}/{sha256[:16]}"
    videos.put(key, path)
    try:
        with work.session(object_id=recording_id) as session:
            recordings.attach_video(session, recording_id, key=key, sha256=sha256)
    except (ConflictError, NotFoundError):
        # Thrown away or withdrawn while the last bytes came in.
        videos.delete(key)
        raise
    mark_kept(path)


def _sha256(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(_BLOCK_BYTES):
            digest.update(block)
    return digest.hexdigest()


router = APIRouter(prefix="/take-part/recordings/{recording_id}", max_body_size=MAX_VIDEO_BYTES)
router.include_router(
    create_tus_router(
        prefix="video",
        max_size=MAX_VIDEO_BYTES,
        days_to_keep=LIFETIME_DAYS,
        storage=Incoming(),
        # Its types leave out what it makes of the answers: names of files, and what it waits for.
        file_dep=_place,  # type: ignore[arg-type]
        pre_create_dep=_check_new,
        upload_complete_dep=_accept,  # type: ignore[arg-type]
    ),
    # Before the library's own: it writes what comes in before it asks who sends it.
    dependencies=[Depends(_admit)],
)
