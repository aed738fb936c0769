"""Shape and order checks that the domain types share. Knows nothing of what the arrays mean."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from backsight.errors import InvalidValueError

FloatArray = NDArray[np.float64]


def as_float_array(name: str, values: ArrayLike, shape: tuple[int | str, ...]) -> FloatArray:
    """Return `values` as a read-only float64 array, or say how its shape differs from the one expected.

    Parameters
    ----------
    name
        The field's name, for the message.
    values
        Anything numpy can turn into an array.
    shape
        The expected shape; a string stands for a free dimension and is only shown in the message.

    Raises
    ------
    InvalidValueError
        When the number of dimensions or a fixed dimension differs.
    """
    array = np.array(values, dtype=np.float64)
    fits = array.ndim == len(shape) and all(
        isinstance(want, str) or got == want for got, want in zip(array.shape, shape, strict=True)
    )
    if not fits:
        expected = "(" + ", ".join(str(size) for size in shape) + ("," if len(shape) == 1 else "") + ")"
        raise InvalidValueError(f"`{name}` must have shape {expected}, got {array.shape}")
    array.flags.writeable = False
    return array


def check_same_length(**arrays: FloatArray) -> None:
    """Raise `InvalidValueError` unless all arrays have the same first dimension."""
    lengths = {name: len(array) for name, array in arrays.items()}
    if len(set(lengths.values())) > 1:
        listed = ", ".join(f"{name} has {length}" for name, length in lengths.items())
        raise InvalidValueError(f"all arrays of a sequence must have one row a frame, but {listed}")


def check_timestamps(timestamps_s: FloatArray) -> None:
    """Raise `InvalidValueError` unless the timestamps are finite and strictly increasing."""
    if not np.all(np.isfinite(timestamps_s)):
        raise InvalidValueError("`timestamps_s` must be finite seconds, got NaN or infinity")
    steps = np.diff(timestamps_s)
    if np.any(steps <= 0):
        frame = int(np.argmax(steps <= 0)) + 1
        raise InvalidValueError(
            f"`timestamps_s` must increase strictly, but frame {frame} is at {timestamps_s[frame]:.4f} s "
            f"after {timestamps_s[frame - 1]:.4f} s"
        )
