"""Put a folder of results in place only when all of it is written. Knows nothing of what the files hold."""

from __future__ import annotations

import errno
import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path

from backsight.errors import OutputError


@dataclass(frozen=True)
class FolderKind:
    """What a folder of Backsight's holds."""

    marker: str
    """The file by which such a folder is known."""
    patterns: tuple[str, ...]
    """Names that Backsight writes; anything else in the folder is the user's and survives an overwrite."""


ASSESSMENT = FolderKind("assessment.json", ("assessment.json", "landmarks.parquet", "report.html", "overlay*.mp4"))
VOLUNTEER = FolderKind("truth.json", ("truth.json", "truth.parquet", "touch-toes.mp4", "walk.mp4", "jump.mp4"))

_REMEDIES = {
    errno.ENOSPC: "the disk is full; free some space or choose a folder on another disk",
    errno.EDQUOT: "the disk quota is used up; free some space or choose a folder on another disk",
    errno.EACCES: "no permission to write there; choose a folder of your own",
    errno.EPERM: "no permission to write there; choose a folder of your own",
    errno.EROFS: "that disk is read-only; choose a folder on another disk",
    errno.ENOENT: "the folder that should hold it does not exist; create it first",
    errno.ENOTDIR: "a part of that path is a file; choose another path",
    errno.EEXIST: "something is already there; choose another path",
    errno.EISDIR: "that is a folder; name a file",
    errno.ENAMETOOLONG: "the name is too long; choose a shorter one",
}


def output_error(path: Path, error: OSError) -> OutputError:
    """Say in one line why `path` cannot be written, and what to do."""
    remedy = _REMEDIES.get(error.errno or 0, f"{error.strerror or error}; choose another folder")
    return OutputError(f"cannot write {path}: {remedy}")


def check_folder(path: Path) -> None:
    """Raise before hours of work when files cannot be kept in a folder, which need not be there yet.

    Raises
    ------
    OutputError
        When the path or a part of it is a file, or writing is not allowed.
    """
    nearest = next(place for place in (path, *path.absolute().parents) if place.exists())
    if not nearest.is_dir():
        raise output_error(path, NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR)))
    if not os.access(nearest, os.W_OK | os.X_OK):
        raise output_error(path, PermissionError(errno.EACCES, os.strerror(errno.EACCES)))


@contextmanager
def staged_folder(out: Path, *, overwrite: bool, kind: FolderKind = ASSESSMENT) -> Iterator[Path]:
    """Yield a hidden folder beside `out` that takes its place when the block ends well, and vanishes when it does not.

    Parameters
    ----------
    out
        Where the results shall be; its parent must exist.
    overwrite
        Whether earlier results there may be replaced. They are, only after the new ones are complete, and only in
        an empty folder or one that holds `kind`'s marker; files of other names in it are kept.
    kind
        What is going to be written.

    Raises
    ------
    OutputError
        When `out` is taken, is not a results folder, or cannot be written (permission, no parent, disk full). Disk
        errors that the block itself lets through are turned into this as well.
    """
    target = out.resolve()
    _check_free(target, shown=out, overwrite=overwrite, kind=kind)
    staging = target.with_name(f".{target.name}.partial-{secrets.token_hex(4)}")
    try:
        staging.mkdir()
    except OSError as error:
        raise output_error(out, error) from error
    try:
        yield staging
        try:
            _move_into_place(staging, target, kind)
        except OSError as error:
            raise output_error(out, error) from error
    except OSError as error:
        if _is_about_writing(error, staging):
            raise output_error(out, error) from error
        raise
    finally:
        # Also reached by KeyboardInterrupt; after success the staging folder has already become the target.
        shutil.rmtree(staging, ignore_errors=True)


def _check_free(target: Path, *, shown: Path, overwrite: bool, kind: FolderKind) -> None:
    """Raise before any work is done when the target must not be replaced."""
    if not target.parent.is_dir():
        raise OutputError(f"cannot write {shown}: the folder {target.parent} does not exist; create it first")
    if not target.exists():
        return
    if not target.is_dir():
        raise OutputError(f"cannot write {shown}: a file of that name is there; choose another folder")
    if not overwrite:
        raise OutputError(f"cannot write {shown}: it exists already; choose another folder or pass --overwrite")
    try:
        is_replaceable = (target / kind.marker).is_file() or not any(target.iterdir())
    except OSError as error:
        raise output_error(shown, error) from error
    if not is_replaceable:
        raise OutputError(
            f"cannot write {shown}: that folder holds files but no {kind.marker}, so Backsight did not make it "
            "and will not replace it; choose another folder"
        )


def _move_into_place(staging: Path, target: Path, kind: FolderKind) -> None:
    """Swap the finished folder in; the old one is put back when that fails, and deleted only when it worked."""
    if not target.exists():
        staging.replace(target)
        return
    _keep_foreign_files(target, staging, kind)
    old = target.with_name(f".{target.name}.old-{secrets.token_hex(4)}")
    try:
        target.replace(old)
        staging.replace(target)
    finally:
        if target.exists():
            shutil.rmtree(old, ignore_errors=True)
        else:
            old.replace(target)


def _keep_foreign_files(target: Path, staging: Path, kind: FolderKind) -> None:
    """Put what is not a result of Backsight's into the new folder too: a user may have put notes beside the results.

    Before the swap and without taking it from the old folder, so that no failure can lose or hide it.
    """
    for entry in target.iterdir():
        is_result = any(fnmatch(entry.name, pattern) for pattern in kind.patterns)
        if not is_result and not (staging / entry.name).exists():
            _link_or_copy(entry, staging / entry.name)


def _link_or_copy(source: Path, copy: Path) -> None:
    """Give a file or folder a second name; copy files where the disk knows no hard links (exFAT, some networks)."""
    if source.is_symlink():
        shutil.copy2(source, copy, follow_symlinks=False)
    elif source.is_dir():
        copy.mkdir()
        for entry in source.iterdir():
            _link_or_copy(entry, copy / entry.name)
        shutil.copystat(source, copy)
    else:
        try:
            copy.hardlink_to(source)
        except OSError:
            shutil.copy2(source, copy)


def _is_about_writing(error: OSError, staging: Path) -> bool:
    """Tell a failure to write the results from a failure to read something else."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return True
    names = [os.fsdecode(name) for name in (error.filename, error.filename2) if isinstance(name, str | bytes)]
    return any(staging.name in name for name in names)
