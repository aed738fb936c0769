"""Keep uploads that are still coming in, in a folder of this machine, for the tus library. Knows no participant.

An upload is named after the recording that it is for. What the library says of its offset is checked against the bytes
that are there, because a process can be killed between writing the one and the other.
"""

from __future__ import annotations

import asyncio
import fcntl
import json
import os
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import Any

from tuspyserver.storage import TusStorage

from backsight.errors import NotFoundError, StorageError

FLUSH_FROM_BYTES = 2**20
"""What is held in memory of an upload before it is written."""

folder_of_request: ContextVar[Path] = ContextVar("folder_of_request")
"""Where the uploads of the request's application are: the library knows no request."""
_NAMELESS = {"filename": "video", "filetype": "video"}
"""The library wants both; a file's own name may be somebody's."""
_NAME = re.compile(r"[0-9a-f]{32}")


class Incoming(TusStorage):
    """Files by the name of their recording: the bytes, `.info` for the library, `.lock`, `.kept` when it is over."""

    def __init__(self) -> None:
        self._held: dict[str, bytearray] = {}

    def location(self, uid: str) -> str:
        """Return the path of the bytes."""
        return str(place_of(uid))

    async def create(self, uid: str) -> None:
        """Begin an upload; one that was there is begun anew."""
        await self.delete(uid)
        await asyncio.to_thread(_create, place_of(uid))

    async def exists(self, uid: str) -> bool:
        """Return whether there is an upload, complete or not."""
        return await asyncio.to_thread(place_of(uid).exists)

    async def size(self, uid: str) -> int:
        """Return how many bytes are written."""
        return await asyncio.to_thread(_size, place_of(uid))

    async def append(self, uid: str, chunk: bytes) -> None:
        """Take bytes; they are written when there are enough of them."""
        held = self._held.setdefault(uid, bytearray())
        held.extend(chunk)
        if len(held) >= FLUSH_FROM_BYTES:
            await self._write(uid)

    async def flush(self, uid: str) -> None:
        """Have everything taken so far on the disk."""
        await self._write(uid)
        await asyncio.to_thread(_sync, place_of(uid))

    async def finalize(self, uid: str) -> None:
        """Nothing is left to be done when the last byte has come."""

    async def read(self, uid: str) -> bytes | None:
        """Refuse: a whole video does not belong into memory."""
        raise NotImplementedError

    async def delete(self, uid: str) -> None:
        """Remove an upload; harmless when there is none."""
        self._held.pop(uid, None)
        await asyncio.to_thread(forget, place_of(uid))

    async def read_info(self, uid: str) -> dict[str, Any] | None:
        """Return what the library keeps of an upload, its offset no further than the bytes that are there."""
        return await asyncio.to_thread(read_info, place_of(uid))

    async def write_info(self, uid: str, data: dict[str, Any]) -> None:
        """Keep what the library knows of an upload, whole or not at all, but what the client calls it."""
        await asyncio.to_thread(_write_info, place_of(uid), data | {"metadata": dict(_NAMELESS)})

    async def list_uids(self) -> list[str]:
        """Return nothing: uploads are cleared by their recordings' state."""
        return []

    @asynccontextmanager
    async def lock(self, uid: str) -> AsyncIterator[None]:  # type: ignore[override] # the library means a context
        """Hold an upload alone, or not at all: waiting would block whoever holds it, when that is a dead connection.

        Raises
        ------
        TimeoutError
            When another request sends to it; the library answers 503, and the client tries again.
        """
        path = place_of(uid)
        file = await asyncio.to_thread(_lock, path)
        try:
            # What was written and not entered would shift everything that follows.
            await asyncio.to_thread(_cut_to_offset, path)
            yield
        finally:
            self._held.pop(uid, None)
            os.close(file)

    async def _write(self, uid: str) -> None:
        held = self._held.pop(uid, None)
        if held:
            await asyncio.to_thread(_append, place_of(uid), bytes(held))


def place_of(uid: str) -> Path:
    """Return the path of an upload's bytes.

    Raises
    ------
    NotFoundError
        When it is no recording's name.
    """
    if not _NAME.fullmatch(uid):
        raise NotFoundError("there is no such upload; begin again")
    return folder_of_request.get() / uid


def forget(path: Path) -> None:
    """Remove all files of an upload but its lock, which somebody may hold."""
    for suffix in (".info", ".kept", ""):
        Path(f"{path}{suffix}").unlink(missing_ok=True)


def mark_kept(path: Path) -> None:
    """Empty an upload that is kept elsewhere; its client may ask once more whether everything has come."""
    Path(f"{path}.kept").touch(mode=0o600)
    os.truncate(path, 0)


def is_kept(path: Path) -> bool:
    """Return whether an upload is over."""
    return Path(f"{path}.kept").exists()


def read_info(path: Path) -> dict[str, Any] | None:
    """Return what the library keeps of an upload; None = there is none."""
    try:
        info = json.loads(Path(f"{path}.info").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    if not isinstance(info, dict):
        return None
    if not is_kept(path):
        info["offset"] = min(int(info.get("offset", 0)), _size(path))
    return info


def _create(path: Path) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT, 0o600))
    except OSError as error:
        raise StorageError(f"{path.parent}: uploads cannot be kept there: {error.strerror}") from error


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0


def _append(path: Path, block: bytes) -> None:
    with path.open("ab") as file:
        file.write(block)


def _sync(path: Path) -> None:
    with path.open("ab") as file:
        os.fsync(file.fileno())


def _write_info(path: Path, data: dict[str, Any]) -> None:
    part = Path(f"{path}.part")
    with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
        json.dump(data, file, default=str)
        file.flush()
        os.fsync(file.fileno())
    part.replace(f"{path}.info")


def _lock(path: Path) -> int:
    file = os.open(f"{path}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(file)
        raise TimeoutError("another request sends to this upload; try again in a moment") from None
    return file


def _cut_to_offset(path: Path) -> None:
    info = read_info(path)
    if info is not None and not is_kept(path) and _size(path) > info["offset"]:
        os.truncate(path, info["offset"])
