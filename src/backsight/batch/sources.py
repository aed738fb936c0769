"""Find recordings in a folder, behind a glob or in a bucket, and bring their bytes here; fsspec's only door.

Credentials and endpoints of a bucket are fsspec's business: its configuration files and the environment say them.
"""

from __future__ import annotations

import hashlib
import itertools
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

import fsspec
from fsspec.core import url_to_fs

from backsight.domain.address import URL_MARK, shown, without_secrets
from backsight.errors import BacksightError, InputError, MissingDependencyError

VIDEO_SUFFIXES = frozenset(
    [
        ".3gp",
        ".avi",
        ".flv",
        ".m2ts",
        ".m4v",
        ".mkv",
        ".mov",
        ".mp4",
        ".mpeg",
        ".mpg",
        ".mts",
        ".ogv",
        ".ts",
        ".webm",
        ".wmv",
    ]
)
"""Endings by which a recording is known in a folder; what a manifest or a glob names is taken whatever its ending."""
MANIFEST_SUFFIXES = frozenset((".csv", ".parquet"))
BLOCK_BYTES = 1 << 20
_WEB = frozenset(("http", "https"))
_WEB_MARKS = ("ETag", "Content-MD5", "Digest", "Last-Modified")
"""What a web server says of a file that changes with its content; fsspec passes these on."""
_PACKAGES = {
    "s3": "s3fs",
    "s3a": "s3fs",
    "gs": "gcsfs",
    "gcs": "gcsfs",
    "az": "adlfs",
    "abfs": "adlfs",
    "http": "aiohttp",
    "https": "aiohttp",
    "sftp": "paramiko",
    "ssh": "paramiko",
    "hf": "huggingface_hub",
}
"""What fsspec needs for a protocol; of others fsspec's own words tell."""
_LONGEST_SUFFIX = 16
_MAGIC = "*?["


OpenSystem = Callable[[str], tuple[Any, str]]
"""Returns fsspec's file system for a location, and the path in it."""


@dataclass(frozen=True)
class Found:
    """A recording that a source holds."""

    location: str
    """A path of this machine or a URL."""
    name: str
    """As shown to people and written into results: relative to the source, never a whole path."""
    size_bytes: int | None = None


@dataclass(frozen=True)
class Fetched:
    """A recording's bytes as a file of this machine."""

    path: Path
    sha256: str
    is_copy: bool
    """True for a copy of our own, which is removed after use."""


def is_manifest(source: str) -> bool:
    """Tell a manifest from recordings by its ending."""
    return PurePosixPath(shown(source)).suffix.lower() in MANIFEST_SUFFIXES


def open_file_system(location: str) -> tuple[Any, str]:
    """Return fsspec's file system for a path or URL, and the path in it.

    Raises
    ------
    InputError
        When nothing knows the protocol.
    MissingDependencyError
        When the protocol's package is not installed.
    """
    if URL_MARK not in location:
        return fsspec.filesystem("file"), str(Path(location).absolute())
    try:
        system, path = url_to_fs(location)
    except ImportError as error:
        protocol = location.partition(URL_MARK)[0]
        package = _PACKAGES.get(protocol)
        remedy = (
            f"it is not installed: pip install {package}" if package else " ".join(without_secrets(str(error)).split())
        )
        needed = f"the package `{package}`" if package else "a package of its own"
        raise MissingDependencyError(f"{shown(location)}: {protocol}:// needs {needed}; {remedy}") from error
    except ValueError as error:
        reason = without_secrets(str(error))
        raise InputError(f"{shown(location)}: expected a path or a URL that fsspec knows, got: {reason}") from error
    return system, path


def why_unreadable(error: BaseException) -> str:
    """Say in one line why a file cannot be read, without its path or address, which may name a person."""
    status = getattr(error, "status", None)
    if isinstance(error, FileNotFoundError):
        return "it is not there"
    if isinstance(error, OSError) and error.strerror:
        return without_secrets(error.strerror)
    if isinstance(status, int):
        return f"the server answers {status} {getattr(error, 'message', '')}".rstrip()
    return f"{type(error).__name__}: {' '.join(without_secrets(str(error)).split())}"[:300]


def find_recordings(source: str, *, open_system: OpenSystem = open_file_system) -> Iterator[Found]:
    """Yield the recordings of a folder and all below it, of a glob, or the one that is named.

    Folder by folder and in the order of names, so that a source of any size is never held as a whole.

    Parameters
    ----------
    source
        A path or URL.
    open_system
        Reaches it; replaced in tests.

    Raises
    ------
    InputError
        When the source is not there or holds no recording.
    """
    try:
        # Some file systems connect as soon as they are named.
        system, path = open_system(source)
        found = _look(system, path, source)
        first = next(found, None)
    except BacksightError:
        raise
    except Exception as error:  # buckets and servers raise errors of their own
        raise InputError(
            f"{shown(source)}: cannot be looked at: {why_unreadable(error)}; check address, network and permissions"
        ) from error
    if first is None and _is_web(source):
        raise InputError(
            f"{shown(source)}: expected the address of a recording, a manifest or a page that links to recordings, "
            "and the server has none there; check the address"
        )
    if first is None:
        raise InputError(
            f"{shown(source)}: expected a folder with recordings ({', '.join(sorted(VIDEO_SUFFIXES))}), a glob that "
            "matches some, a manifest (.csv, .parquet) or a recording, and found none"
        )
    yield from itertools.chain([first], found)


def _look(system: Any, path: str, source: str) -> Iterator[Found]:
    remote = URL_MARK in source

    def as_found(entry: dict[str, Any], *, root: str) -> Found:
        name = str(entry["name"])
        size = entry.get("size")
        # Web servers name files by their whole URL, others by the path alone.
        plain = shown(name)
        relative = plain.removeprefix(root).lstrip("/") or PurePosixPath(plain).name
        location = system.unstrip_protocol(name) if remote else name
        return Found(location=location, name=relative, size_bytes=None if size is None else int(size))

    if system.isdir(path):
        for _, folders, files in system.walk(path, detail=True):
            # fsspec visits the folders in the order of this dictionary.
            ordered = dict(sorted(folders.items()))
            folders.clear()
            folders.update((name, entry) for name, entry in ordered.items() if not name.startswith("."))
            for name, entry in sorted(files.items()):
                if PurePosixPath(shown(name)).suffix.lower() in VIDEO_SUFFIXES and not name.startswith("."):
                    yield as_found(entry, root=shown(path))
    elif system.isfile(path):
        yield as_found(system.info(path), root=shown(path).rpartition("/")[0])
    elif any(mark in path for mark in _MAGIC):
        root = str(PurePosixPath(*itertools.takewhile(_is_plain, PurePosixPath(path).parts)))
        for _, entry in sorted(system.glob(path, detail=True).items()):
            if entry["type"] == "file":
                yield as_found(entry, root=root)


def _is_web(location: str) -> bool:
    return location.partition(URL_MARK)[0] in _WEB and URL_MARK in location


def _is_plain(part: str) -> bool:
    return not any(mark in part for mark in _MAGIC)


class Fetcher:
    """Brings recordings here, one after the other, and tells their content.

    Parameters
    ----------
    folder
        Where copies from elsewhere are kept while they are needed.
    open_system
        Reaches them; replaced in tests.
    """

    def __init__(self, folder: Path, *, open_system: OpenSystem = open_file_system) -> None:
        self._folder = folder
        self._open_system = open_system
        self._n_copies = 0

    def version(self, location: str) -> str | None:
        """Return a mark that changes when the file does, without reading it: size, times, a bucket's own tag.

        None where nothing says whether it has changed: some web servers tell the size at most.

        Raises
        ------
        OSError
            When the file is not there or cannot be looked at.
        """
        system, path = self._open_system(location)
        protocols = (system.protocol,) if isinstance(system.protocol, str) else system.protocol
        if _WEB.isdisjoint(protocols):
            return str(system.ukey(path))
        # fsspec's own mark of a web file is made of the URL alone.
        info = system.info(path)
        marks = [str(info[name]) for name in _WEB_MARKS if info.get(name)]
        if not marks:
            return None
        return hashlib.sha256("\n".join([*marks, str(info.get("size"))]).encode()).hexdigest()

    def fetch(self, location: str, *, known_sha256: str | None = None) -> Fetched:
        """Return the recording as a local file with its SHA-256, reading it once at most.

        Raises
        ------
        OSError
            When the file cannot be read, or there is no room for the copy.
        """
        if URL_MARK not in location:
            path = Path(location)
            with path.open("rb") as file:
                sha256 = known_sha256 or hashlib.file_digest(file, "sha256").hexdigest()
            return Fetched(path, sha256, is_copy=False)
        system, remote_path = self._open_system(location)
        self._n_copies += 1
        # Not the recording's name: that of a signed URL may be longer than a file's name can be.
        suffix = PurePosixPath(shown(location)).suffix
        name = hashlib.sha256(location.encode()).hexdigest()[:16] + (suffix if len(suffix) <= _LONGEST_SUFFIX else "")
        copy = self._folder / f"{self._n_copies:08d}" / name
        copy.parent.mkdir(parents=True)
        digest = hashlib.sha256()
        with system.open(remote_path, "rb") as source, copy.open("wb") as target:
            for block in _blocks(source.read):
                digest.update(block)
                target.write(block)
        return Fetched(copy, digest.hexdigest(), is_copy=True)

    def release(self, fetched: Path) -> None:
        """Remove a copy of our own; a file of the user's stays."""
        if self._folder in fetched.parents:
            shutil.rmtree(fetched.parent, ignore_errors=True)


def _blocks(read: Callable[[int], bytes]) -> Iterator[bytes]:
    while block := read(BLOCK_BYTES):
        yield block
