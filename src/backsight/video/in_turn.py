"""Read frames in the consumer's own thread, where other recordings fill the other cores. Knows no engine."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from contextlib import contextmanager

from backsight.domain.sequences import Frame
from backsight.errors import InvalidValueError
from backsight.ports import FrameSource


class FramesInTurn:
    """The frames of a file, each decoded when it is asked for; iterate it once."""

    n_dropped = 0
    """A file waits, so no frame is ever lost."""

    def __init__(self, frames: Iterator[Frame]) -> None:
        self._frames = frames

    def __iter__(self) -> Iterator[Frame]:
        """Yield the next frames; raises what the source raised."""
        yield from self._frames


@contextmanager
def read_in_turn(source: FrameSource) -> Iterator[FramesInTurn]:
    """Read a file without a thread of its own; leaving the context releases the decoder.

    Raises
    ------
    InvalidValueError
        When the source is live: a camera does not wait for its reader.
    """
    if source.info.is_live:
        raise InvalidValueError(
            f"{source.info.name}: expected a file, got a live source, which must be read beside its consumer"
        )
    frames = source.frames()
    try:
        yield FramesInTurn(frames)
    finally:
        if isinstance(frames, Generator):
            frames.close()
