"""How far a run over many clips is, on the terminal's error stream, with the time that the rest takes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from backsight.batch.runner import OnProgress, Progress


@contextmanager
def clip_progress(*, quiet: bool) -> Iterator[OnProgress | None]:
    """Yield a callback that draws one bar; None when quiet. Without a terminal nothing is drawn."""
    if quiet:
        yield None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn
    from rich.progress import Progress as Bars

    console = Console(stderr=True)
    columns = (TextColumn("clips"), BarColumn(), MofNCompleteColumn(), TextColumn("{task.description}"))
    with Bars(*columns, console=console, disable=not console.is_terminal) as bars:
        bar = bars.add_task("", total=None)

        def show(progress: Progress) -> None:
            bars.update(
                bar,
                completed=progress.n_done + progress.n_failed,
                total=progress.n_items,
                description=describe(progress),
            )

        yield show


def describe(progress: Progress) -> str:
    """Say in a few words what failed and how long the rest takes."""
    words = [time_left(progress.time_left_s)]
    if progress.n_failed:
        words.append(f"{progress.n_failed} failed")
    if progress.n_already_there:
        words.append(f"{progress.n_already_there} were there already")
    return ", ".join(words)


def time_left(seconds: float | None) -> str:
    """Round a time to what can be known of it: `about 3 min left`."""
    if seconds is None:
        return "time left not known yet"
    if seconds < 90:
        return f"about {max(1, round(seconds))} s left"
    if seconds < 90 * 60:
        return f"about {round(seconds / 60)} min left"
    return f"about {seconds / 3600:.1f} h left"
