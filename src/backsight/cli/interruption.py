"""Ctrl-C in a command that keeps what is finished: never lost, and told how to go on. Knows no command."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

import typer

OnProgress = Callable[[str, int, int], None]


class Interruption:
    """Whether Ctrl-C was pressed.

    The exception alone does not tell: pyarrow drops it while it imports pandas, so does Python in a callback of its
    memory's, and Optuna can trip over it and raise another.
    """

    def __init__(self) -> None:
        self._pressed = False

    def note(self, _signum: int, _frame: FrameType | None) -> None:
        """Note it, and raise `KeyboardInterrupt` as Python does; a handler of the signal."""
        self._pressed = True
        raise KeyboardInterrupt

    @property
    def pressed(self) -> bool:
        """Whether it was."""
        return self._pressed

    def check(self) -> None:
        """Raise `KeyboardInterrupt` if it was, for whoever has lost it."""
        if self._pressed:
            raise KeyboardInterrupt

    def watching(self, on_progress: OnProgress | None) -> OnProgress:
        """Return a callback that checks before it tells of progress; None = tells nobody."""

        def check_and_tell(what: str, done: int, total: int) -> None:
            self.check()
            if on_progress is not None:
                on_progress(what, done, total)

        return check_and_tell


@contextmanager
def resumable(*, keeps: bool = True) -> Iterator[Interruption]:
    """End with `KeyboardInterrupt` when Ctrl-C is pressed in the block, whatever a library has made of it.

    One that was lost after the last step of progress comes too late: everything is finished and written.

    Parameters
    ----------
    keeps
        Whether to say that what is finished is kept, and how to go on.
    """
    interruption = Interruption()
    try:
        with _handled(interruption):
            try:
                yield interruption
            except Exception as error:
                if interruption.pressed:
                    raise KeyboardInterrupt from error
                raise
    except KeyboardInterrupt:
        if keeps:
            typer.echo("What is finished is kept; run the same command again to go on.", err=True)
        raise


@contextmanager
def _handled(interruption: Interruption) -> Iterator[None]:
    # A shell's background job is told to ignore Ctrl-C, and only the main thread is told of signals.
    usual = signal.default_int_handler
    if threading.current_thread() is not threading.main_thread() or signal.getsignal(signal.SIGINT) is not usual:
        yield
        return
    signal.signal(signal.SIGINT, interruption.note)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, usual)
