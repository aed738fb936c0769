"""Ctrl-C in a command: never lost, and told how to go on where what is finished is kept. Knows no command."""

from __future__ import annotations

import _thread
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from importlib import import_module
from types import FrameType

import typer

OnProgress = Callable[[str, int, int], None]
_AGAIN_S = 0.02
"""By then Python has left the callback of a library's that has lost a Ctrl-C."""


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
    """End as `noticing` does, and say how to go on.

    Parameters
    ----------
    keeps
        Whether to say that what is finished is kept, and how to go on.
    """
    try:
        with noticing() as interruption:
            yield interruption
    except KeyboardInterrupt:
        if keeps:
            typer.echo("What is finished is kept; run the same command again to go on.", err=True)
        raise


@contextmanager
def noticing() -> Iterator[Interruption]:
    """End with `KeyboardInterrupt` when Ctrl-C is pressed in the block, whatever a library has made of it.

    One that was lost after the last step of progress comes too late: everything is finished and written. A block within
    another one knows what the other one does.
    """
    with _handled() as interruption:
        try:
            yield interruption
        except Exception as error:
            if interruption.pressed:
                raise KeyboardInterrupt from error
            raise


@contextmanager
def reading_tables() -> Iterator[None]:
    """End as `noticing` does, at the latest when everything in the block is read.

    pyarrow imports pandas, where it is installed, with the first list that it is given, and drops a Ctrl-C meanwhile.
    Imported here first, it drops none.
    """
    with noticing() as interruption:
        with suppress(ImportError):
            import_module("pandas")
        interruption.check()
        yield
        interruption.check()


@contextmanager
def _handled() -> Iterator[Interruption]:
    usual = signal.getsignal(signal.SIGINT)
    outer = getattr(usual, "__self__", None)
    # A shell's background job is told to ignore Ctrl-C, and only the main thread is told of signals.
    if threading.current_thread() is not threading.main_thread() or not callable(usual):
        yield Interruption()
    elif isinstance(outer, Interruption):
        yield outer
    else:
        interruption = Interruption()
        with _pressed_again_where_lost():
            signal.signal(signal.SIGINT, interruption.note)
            try:
                yield interruption
            finally:
                signal.signal(signal.SIGINT, usual)


@contextmanager
def _pressed_again_where_lost() -> Iterator[None]:
    """Press Ctrl-C again, a moment later, where its exception came in a callback that no exception leaves.

    Python would print a traceback and go on.
    """
    usual = sys.unraisablehook
    again: list[threading.Timer] = []

    def press_again(lost: sys.UnraisableHookArgs) -> None:
        if not issubclass(lost.exc_type, KeyboardInterrupt):
            usual(lost)
            return
        again.append(threading.Timer(_AGAIN_S, _thread.interrupt_main))
        again[-1].daemon = True
        again[-1].start()

    sys.unraisablehook = press_again
    try:
        yield
    finally:
        sys.unraisablehook = usual
        for timer in again:
            timer.cancel()
