"""Keep videos in a folder or a bucket, sealed where a key is given. Knows no database and nothing of what is filmed.

A sealed video is a row of blocks, each encrypted by itself, so that a long one needs little memory. Every block says of
which video it is, which number it has and whether it is the last: none can be swapped, left out or cut off unseen.
"""

from __future__ import annotations

import hashlib
import re
import secrets
import struct
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from backsight.errors import BacksightError, InvalidValueError, NotFoundError, StorageError
from backsight.storage.sealing import KEY_VARIABLE, Seal

VIDEOS_VARIABLE = "BACKSIGHT_VIDEOS"
BLOCK_BYTES = 4 * 1024 * 1024
"""Of the plain video; what is in memory at a time is a few times as much."""

_MAGIC = b"BSVIDEO1"
"""A sealed video begins with this; no container of videos does."""
_LENGTH = struct.Struct(">I")
_HEAD = struct.Struct(">32sQ?")
"""SHA-256 of the key, number of the block, whether it is the last."""
_KEY = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*(?:[./][A-Za-z0-9_-]+)*")


def default_videos_url() -> str:
    """Return the folder of videos when none is named: beside the database, in the user's data folder."""
    from platformdirs import user_data_path

    return str(user_data_path("backsight") / "videos")


def incoming_folder(url: str) -> Path:
    """Return the folder of uploads that are not complete: beside the videos, where these are in a folder.

    What lies there is not sealed yet: it is appended to as it comes in, and goes with its last byte.
    """
    folder = Path(default_videos_url() if "://" in url else url)
    return folder.with_name(f"{folder.name}.incoming")


def upload_files(folder: Path, recording_id: str) -> list[Path]:
    """Return what there is of the upload for a recording: its bytes, and what is noted of them."""
    return [path for path in (folder / recording_id, *folder.glob(f"{recording_id}.*")) if path.is_file()]


class VideoStore:
    """Videos under keys of letters, digits, `-`, `_`, `.` and `/`.

    Parameters
    ----------
    url
        A folder, or what fsspec understands, as `s3://bucket/videos`.
    seal
        Encrypts the videos; None = they are kept as they are.
    block_bytes
        How much is read and sealed at a time.

    Raises
    ------
    StorageError
        When the URL is of a kind that is not known or needs a package that is not installed.
    """

    def __init__(self, url: str, *, seal: Seal | None = None, block_bytes: int = BLOCK_BYTES) -> None:
        import fsspec

        try:
            self._files, self._root = fsspec.core.url_to_fs(url)
        except (ValueError, ImportError) as error:
            raise StorageError(
                f"{VIDEOS_VARIABLE} must be a folder or a URL that fsspec knows, got: {error}"
            ) from error
        except Exception as error:  # see `_asking`
            raise _fault(f"{VIDEOS_VARIABLE} cannot be opened", error) from error
        self._seal = seal or Seal.none()
        self._block_bytes = block_bytes
        self._is_local = "file" in _protocols(self._files)

    def put(self, key: str, path: Path) -> None:
        """Keep a copy of a file under a key; what was there is replaced once the copy is complete.

        Raises
        ------
        InvalidValueError
            When the key holds other characters, or steps out of the store.
        StorageError
            When the store cannot be written.
        """
        target = self._place(key)
        # Under a name of its own first: a copy that breaks off must not look like a video.
        partial = f"{target}.{secrets.token_hex(4)}.partial"
        with _asking(f"video {key}: cannot be kept"):
            self._files.makedirs(target.rsplit("/", 1)[0], exist_ok=True)
            try:
                with path.open("rb") as source, self._files.open(partial, "wb") as sink:
                    if self._is_local:
                        Path(partial).chmod(0o600)
                    self._write(source, sink, key=key)
                self._files.mv(partial, target)
            finally:
                if self._files.exists(partial):
                    self._files.rm_file(partial)

    @contextmanager
    def open_local(self, key: str) -> Iterator[Path]:
        """Give a file of this machine that holds the video while the block lasts; it must not be changed.

        Raises
        ------
        NotFoundError
            When there is no video of that key.
        StorageError
            When the store cannot be read, the key that seals is another one, or the video is damaged.
        """
        place, cannot = self._place(key), f"video {key}: cannot be read"
        gone = f"video {key}: is not in the store any more; see {VIDEOS_VARIABLE}"
        with _asking(cannot, when_gone=gone), self._files.open(place, "rb") as source:
            is_sealed = source.read(len(_MAGIC)) == _MAGIC
        if self._is_local and not is_sealed:
            yield Path(place)
            return
        with tempfile.TemporaryDirectory(prefix="backsight-video-") as folder:
            copy = Path(folder) / key.rsplit("/", 1)[-1]
            with _asking(cannot), self._files.open(place, "rb") as source, copy.open("wb") as sink:
                self._read(source, sink, key=key, is_sealed=is_sealed)
            yield copy

    def delete(self, key: str) -> bool:
        """Remove a video; returns whether there was one, so that deleting twice is harmless.

        Raises
        ------
        StorageError
            When it is there and cannot be removed.
        """
        place = self._place(key)
        with _asking(f"video {key}: cannot be deleted"):
            try:
                self._files.rm_file(place)
            except FileNotFoundError:
                return False
        return True

    def delete_all(self, folder: str) -> int:
        """Remove every file below a key, also copies that broke off; returns how many there were.

        Raises
        ------
        StorageError
            When one is there and cannot be removed.
        """
        place = self._place(folder)
        n_removed = 0
        with _asking(f"videos below {folder}: cannot be deleted"):
            # A bucket's listing is remembered, and another process may have put something there since.
            self._files.invalidate_cache(place)
            for path in self._files.find(place):
                try:
                    self._files.rm_file(path)
                except FileNotFoundError:
                    continue
                n_removed += 1
        return n_removed

    @property
    def local_folder(self) -> Path | None:
        """The folder of this machine that holds the videos; None = they are elsewhere."""
        return Path(self._root) if self._is_local else None

    def exists(self, key: str) -> bool:
        """Return whether there is a video of that key.

        Raises
        ------
        StorageError
            When the store does not answer.
        """
        place = self._place(key)
        with _asking(f"video {key}: cannot be looked for"):
            return bool(self._files.exists(place))

    def _place(self, key: str) -> str:
        if not _KEY.fullmatch(key):
            raise InvalidValueError(
                f"`key` of a video must be letters, digits, -, _, . and / between names, got {key!r}"
            )
        return f"{self._root}/{key}"

    def _write(self, source: IO[bytes], sink: Any, *, key: str) -> None:
        block = source.read(self._block_bytes)
        if not self._seal.is_sealing:
            while block:
                sink.write(block)
                block = source.read(self._block_bytes)
            return
        sink.write(_MAGIC)
        number, is_last = 0, False
        while not is_last:
            following = source.read(self._block_bytes)
            is_last = not following
            sealed = self._seal.seal(_HEAD.pack(_digest(key), number, is_last) + block)
            sink.write(_LENGTH.pack(len(sealed)) + sealed)
            block, number = following, number + 1

    def _read(self, source: Any, sink: IO[bytes], *, key: str, is_sealed: bool) -> None:
        if not is_sealed:
            while block := source.read(self._block_bytes):
                sink.write(block)
            return
        damaged = f"video {key}: is damaged or was exchanged; take it from a backup"
        source.read(len(_MAGIC))
        number, is_last = 0, False
        while not is_last:
            length = source.read(_LENGTH.size)
            sealed = source.read(*_LENGTH.unpack(length)) if len(length) == _LENGTH.size else b""
            try:
                plain = self._seal.open(sealed)
            except StorageError as error:
                raise StorageError(
                    f"video {key}: was sealed with another key than that in {KEY_VARIABLE}, or is damaged"
                ) from error
            if len(plain) < _HEAD.size:
                raise StorageError(damaged)
            digest, found, is_last = _HEAD.unpack_from(plain)
            if digest != _digest(key) or found != number:
                raise StorageError(damaged)
            sink.write(plain[_HEAD.size :])
            number += 1
        if source.read(1):
            raise StorageError(damaged)


@contextmanager
def _asking(cannot: str, *, when_gone: str = "") -> Iterator[None]:
    """Turn whatever goes wrong while the store is asked into one line: a store that is away is no fault of a video.

    A bucket's library raises errors of its own, which are no `OSError`, for a line that is cut, credentials that have
    run out or a request that is refused.
    """
    try:
        yield
    except BacksightError:
        raise
    except FileNotFoundError as error:
        if when_gone:
            raise NotFoundError(when_gone) from error
        raise _fault(cannot, error) from error
    except Exception as error:
        raise _fault(cannot, error) from error


def _fault(cannot: str, error: Exception) -> StorageError:
    told = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    line = (told.strip().splitlines() or [""])[0]
    kind = "" if isinstance(error, OSError) else type(error).__name__
    return StorageError(f"{cannot}: {': '.join(part for part in (kind, line) if part)}; see {VIDEOS_VARIABLE}")


def _digest(key: str) -> bytes:
    return hashlib.sha256(key.encode()).digest()


def _protocols(files: Any) -> tuple[str, ...]:
    return (files.protocol,) if isinstance(files.protocol, str) else tuple(files.protocol)
