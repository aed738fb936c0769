"""Open the packs that public data sets come in, and say in one line what is wrong with one. Knows no data set."""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Iterator, Mapping
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from backsight.errors import InputError

AS_PUBLISHED = "take the pack as it was published"


def find_packs(data: Path, pattern: str, *, subfolder: str) -> list[Path]:
    """Return the packs of a data set by name, from its folder or from the folder above it.

    Raises
    ------
    InputError
        When there are none.
    """
    found = sorted(data.glob(pattern)) or sorted((data / subfolder).glob(pattern))
    if not found:
        raise InputError(f"{data}: expected {pattern} in this folder, found none; name the folder that holds it")
    return found


def read_arrays(path: Path, names: Mapping[str, tuple[int | None, ...]]) -> dict[str, NDArray[Any]]:
    """Read arrays of a pack, each of the shape given.

    Parameters
    ----------
    path
        An .npz file.
    names
        {array: shape}; None in a shape = any number.

    Raises
    ------
    InputError
        When the file cannot be read, or an array is missing or of another shape.
    """
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as stored:
            arrays = {name: stored[name] for name in names}
    # A file that is no archive of arrays fails in as many ways as there are places to be damaged.
    except (OSError, ValueError, KeyError, EOFError, TypeError, zipfile.BadZipFile, zlib.error) as error:
        reason = getattr(error, "strerror", None) or str(error).strip("'\"")
        raise InputError(f"{path}: expected arrays {', '.join(names)}, got: {reason}; {AS_PUBLISHED}") from error
    for name, shape in names.items():
        check_shape(path, name, arrays[name], shape)
    return arrays


def check_shape(path: Path, name: str, array: NDArray[Any], shape: tuple[int | None, ...]) -> None:
    """Refuse an array of another shape than the layout's; None in `shape` = any number.

    Raises
    ------
    InputError
        When the shape is another.
    """
    if len(array.shape) != len(shape) or any(
        want is not None and want != got for want, got in zip(shape, array.shape, strict=True)
    ):
        wanted = "(" + ", ".join("n" if size is None else str(size) for size in shape) + ")"
        raise InputError(f"{path}: `{name}` must have shape {wanted}, got {array.shape}; {AS_PUBLISHED}")


def clip_slices(path: Path, offsets: NDArray[Any], *, n_clips: int, n_frames: int) -> Iterator[slice]:
    """Yield where each clip's frames are in the arrays of a pack.

    Raises
    ------
    InputError
        When the offsets do not cut `n_frames` frames into `n_clips` clips of at least one frame.
    """
    if (
        len(offsets) != n_clips + 1
        or offsets[0] != 0
        or offsets[-1] != n_frames
        or not bool(np.all(np.diff(offsets.astype(np.int64)) > 0))
    ):
        raise InputError(
            f"{path}: `offsets` must rise from 0 to {n_frames} and cut {n_clips} clips, got {len(offsets)} values from "
            f"{offsets[0] if len(offsets) else 'none'} to {offsets[-1] if len(offsets) else 'none'}; {AS_PUBLISHED}"
        )
    for start, end in pairwise(offsets.tolist()):
        yield slice(start, end)
