"""Draw a few small pictures of films whose landmarks are kept, and keep those, too. Knows no learner and no score.

Films are kept as landmarks alone; a shot says all that is needed to draw its pictures again. Only some moments are
drawn, so that a clip takes seconds and not minutes.
"""

from __future__ import annotations

import zipfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from backsight.errors import MissingDependencyError, OutputError
from backsight.simulation.performance import Performance
from backsight.studio.filmed import Shot, stage
from backsight.studio.fingerprint import Fingerprint

Pictures = NDArray[np.uint8]
"""RGB, evenly spaced from a clip's first frame to its last; shape (n_frames, height, width, 3)."""

T = TypeVar("T")


@dataclass(frozen=True)
class StillSize:
    """How many pictures of a clip are drawn, and how large."""

    n_frames: int = 24
    frame_size: tuple[int, int] = (160, 90)
    """(width, height) in pixels; the whole view of the film, drawn small."""


def stills_of(
    shots: Sequence[Shot],
    size: StillSize,
    *,
    folder: Path | None = None,
    on_progress: Callable[[str, int, int], None] | None = None,
) -> list[Pictures]:
    """Return the pictures of each shot; those that an earlier run has kept are not drawn again.

    Parameters
    ----------
    folder
        Where pictures are kept, one file a shot; None = the user's cache folder.

    Raises
    ------
    MissingDependencyError
        When the extra `simulate` is not installed and a picture has to be drawn.
    OutputError
        When pictures cannot be kept.
    """
    from platformdirs import user_cache_path

    kept_in = user_cache_path("backsight") / "stills" if folder is None else folder
    now = Fingerprint.of_package()
    # Pictures that another version drew, or of people that another version moved, are not found.
    version = f"{now.pictures[:8]}-{now.movement[:8]}"
    found = []
    for done, shot in enumerate(shots):
        if on_progress is not None:
            on_progress("Drawing pictures", done, len(shots))
        small = replace(shot, frame_size=size.frame_size)
        path = kept_in / f"{small.name}-{size.n_frames}-{version}.npz"
        pictures = _load(path)
        if pictures is None:
            pictures = draw_stills(small, n_frames=size.n_frames)
            _save(path, pictures)
        found.append(pictures)
    if on_progress is not None:
        on_progress("Drawing pictures", len(shots), len(shots))
    return found


def draw_stills(shot: Shot, *, n_frames: int) -> Pictures:
    """Draw so many pictures of a shot in its `frame_size`, without compressing them.

    Raises
    ------
    MissingDependencyError
        When the extra `simulate` is not installed.
    """
    try:
        film = stage(shot, thin_out(shot.perform(), n_frames=n_frames))
    except ImportError as error:
        raise MissingDependencyError(
            f"drawing virtual volunteers needs {error.name}, which is not installed: pip install 'backsight[simulate]'"
        ) from error
    return np.stack([frame.image for frame in film.frames()])


def thin_out(performance: Performance, *, n_frames: int) -> Performance:
    """Keep so many moments of a performance, evenly spaced, the first and the last among them.

    Each keeps its true time. `fps` still tells how the movement was sampled.
    """
    n_there = len(performance.motion.timestamps_s)
    rows = np.linspace(0, n_there - 1, n_frames).round().astype(np.intp)

    def of_rows(part: T) -> T:
        kept = {field.name: _pick(getattr(part, field.name), rows, n_there) for field in fields(part)}  # type: ignore[arg-type]
        return replace(part, **kept)  # type: ignore[type-var]

    return replace(performance, motion=of_rows(performance.motion), figure=of_rows(performance.figure))


def _pick(value: Any, rows: NDArray[np.intp], n_there: int) -> Any:
    """Return the rows of whatever runs over frames, and anything else as it is."""
    if isinstance(value, Mapping):
        return {name: _pick(one, rows, n_there) for name, one in value.items()}
    return value[rows] if isinstance(value, np.ndarray) and len(value) == n_there else value


def _load(path: Path) -> Pictures | None:
    """Return pictures that were kept; None when there are none, or the file is damaged and has to be made anew."""
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as stored:
            return np.asarray(stored["pictures"], dtype=np.uint8)
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
        return None


def _save(path: Path, pictures: Pictures) -> None:
    """Keep pictures, whole or not at all."""
    part = path.with_suffix(".part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            with part.open("wb") as file:
                np.savez_compressed(file, pictures=pictures)
            part.replace(path)
        finally:
            part.unlink(missing_ok=True)
    except OSError as error:
        raise OutputError(f"{path}: pictures cannot be kept ({error.strerror or error}); free space") from error
