"""Run the live view in a window. Knows no engine, no camera and no results folder."""

from __future__ import annotations

import statistics
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from backsight.domain.recording import Exercise
from backsight.errors import BacksightError, CameraError, OutputError
from backsight.live.figures import LiveFigures
from backsight.live.pace import Recorder
from backsight.live.picture import Painter, Status
from backsight.live.preview import Preview
from backsight.live.session import Command, Key, Phase, Session
from backsight.live.watch import FIRST_PICTURE_S, Connect, Connection, Seen, why_no_picture
from backsight.live.window import Screen

_WAIT_S = 0.01
"""Longest wait for a frame before keys and clock get their turn."""
_REDRAW_S = 0.1
"""Without new frames the countdown is drawn this often."""
STALLED_S = 10.0
"""A camera that gives no picture for so long is gone, whatever its driver says."""
_RECENT_FRAMES = 60


@dataclass(frozen=True)
class Saved:
    """What saving led to."""

    message: str
    """What to tell the user: the result, and where it lies."""
    recordings: Mapping[Exercise, Path]
    """Where the recordings lie now."""


Save = Callable[[Mapping[Exercise, Path], Callable[[str, int, int], None]], Saved]
"""Assesses all recordings and writes the results; takes a callback for progress."""


class _Newest:
    """Hands the newest frame from the watcher to the window; one that was not drawn in time is replaced."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._seen: Seen | None = None

    def put(self, seen: Seen) -> None:
        with self._changed:
            self._seen = seen
            self._changed.notify()

    def take(self, timeout_s: float) -> Seen | None:
        with self._changed:
            if self._seen is None:
                self._changed.wait(timeout_s)
            seen, self._seen = self._seen, None
            return seen


class LiveWindow:
    """The live view in a window.

    Parameters
    ----------
    connect
        Connects the source; called again when the user asks for it.
    screen
        Where pictures go and keys come from.
    save
        Assesses what was recorded.
    take_path
        Where the recording of an exercise goes until it is saved.
    session
        Where to begin.
    status
        Small print that does not change.
    say
        Told of the recordings that are left when the view ends without their being saved or thrown away.
    clock
        Seconds, the clock of `Frame.captured_s`.
    until_s
        Leave by itself so many seconds after the first frame, without asking; None = when the user does.
    """

    def __init__(
        self,
        connect: Connect,
        *,
        screen: Screen,
        save: Save,
        take_path: Callable[[Exercise], Path],
        session: Session,
        status: Status,
        say: Callable[[str], Any],
        clock: Callable[[], float] = time.monotonic,
        until_s: float | None = None,
    ) -> None:
        self._connect = connect
        self._screen = screen
        self._save = save
        self._take_path = take_path
        self._session = session
        self._status = status
        self._say = say
        self._clock = clock
        self._until_s = until_s
        self._painter = Painter()
        self._recorder = Recorder()
        self._recorded_exercise = session.exercise
        self._newest = _Newest()
        self._recordings: dict[Exercise, Path] = {}
        self._unsaved: set[Exercise] = set()
        self._connection: Connection | None = None
        self._seen: Seen | None = None
        self._first_taken: int | None = None
        self._last_frame_s = 0.0
        self._drawn_s: deque[float] = deque(maxlen=_RECENT_FRAMES)
        self._recent_ms: deque[float] = deque(maxlen=_RECENT_FRAMES)
        self._figures = LiveFigures()
        self._dropped_before = (0, 0)
        self._saver: threading.Thread | None = None
        self._saved: list[Saved | BaseException] = []

    def run(self) -> LiveFigures:
        """Show until the user leaves.

        Raises
        ------
        CameraError
            When there is no camera at the start; with `until_s` also when it never gives a picture, because nobody may
            be there to connect it again.
        """
        self._open()
        try:
            self._loop()
        finally:
            self._close()
            if self._saver is not None:
                self._saver.join()
            with suppress(OutputError):
                self._keep_take()
            kept = [str(self._recordings[exercise]) for exercise in sorted(self._unsaved)]
            if kept:
                self._say(f"not saved, but kept: {', '.join(kept)}")
        return self._figures

    def _loop(self) -> None:
        began_s: float | None = None
        drawn_s = self._clock()
        while self._screen.is_open:
            seen = self._newest.take(_WAIT_S)
            now_s = self._clock()
            if seen is not None:
                began_s = now_s if began_s is None else began_s
                self._figures.n_taken = seen.frame.index + 1 - self._first_index(seen)
                self._figures.watched_s = now_s - began_s
            if self._until_s is not None and began_s is not None and now_s - began_s >= self._until_s:
                return
            # Obeyed before a key is looked at: the key may choose another exercise, or throw away what is unsaved.
            happened = self._obey(self._session.tick(now_s=now_s)) + self._obey(self._look_after(seen, now_s))
            if seen is not None or now_s - drawn_s >= _REDRAW_S or happened:
                self._draw(now_s)
                drawn_s = now_s
            if self._until_s is not None and began_s is None and self._session.phase is Phase.NO_CAMERA:
                raise CameraError(self._session.message)
            commands = self._keys(now_s)
            if seen is not None:
                self._count(seen)
            if Command.QUIT in commands:
                self._throw_away()
                return
            self._obey(commands)

    def _first_index(self, seen: Seen) -> int:
        if self._first_taken is None:
            self._first_taken = seen.frame.index
        return self._first_taken

    def _look_after(self, seen: Seen | None, now_s: float) -> tuple[Command, ...]:
        """Notice a new frame, the end of frames and the end of saving."""
        self._note_saved()
        if seen is not None:
            self._seen, self._last_frame_s = seen, now_s
            self._session.find_camera(now_s=now_s)
        connection = self._connection
        if connection is None:
            return ()
        if connection.is_over:
            error = connection.error
            if error is not None and not isinstance(error, BacksightError):
                raise error
            return self._lose("The video is over" if error is None else str(error), now_s)
        if not connection.is_ready:
            # Loading takes seconds in which nothing is watched.
            self._last_frame_s = now_s
        limit_s = FIRST_PICTURE_S if self._seen is None else STALLED_S
        if now_s - self._last_frame_s > limit_s:
            return self._lose(why_no_picture(connection.info, waited_s=limit_s), now_s)
        return ()

    def _lose(self, message: str, now_s: float) -> tuple[Command, ...]:
        self._close()
        self._seen = None
        return self._session.lose_camera(message, now_s=now_s)

    def _keys(self, now_s: float) -> tuple[Command, ...]:
        pressed = self._screen.poll()
        if pressed not in set(Key):
            return ()
        commands = self._session.press(Key(pressed), now_s=now_s)
        if self._connection is not None:
            self._connection.choose(self._session.exercise)
        return commands

    def _obey(self, commands: tuple[Command, ...]) -> int:
        """Carry commands out in order; return how many there were."""
        for command in commands:
            self._carry_out(command)
        return len(commands)

    def _carry_out(self, command: Command) -> None:
        match command:
            case Command.BEGIN:
                if self._session.is_recording:
                    self._recorded_exercise = self._session.exercise
                    self._recorder.start(self._take_path(self._session.exercise))
                if self._connection is not None:
                    self._connection.begin(self._session.exercise)
            case Command.END:
                if self._connection is not None:
                    self._connection.end()
                try:
                    self._keep_take()
                except OutputError as error:
                    self._session.fail(str(error))
            case Command.SAVE:
                self._begin_saving()
            case Command.CONNECT:
                try:
                    self._open()
                    self._session.await_camera(now_s=self._clock())
                except CameraError as error:
                    self._session.fail(str(error))
            case Command.QUIT:
                pass

    def _keep_take(self) -> None:
        taken = self._recorder.stop()
        if taken is None:
            return
        path, seconds = taken
        exercise = self._recorded_exercise
        if exercise in self._unsaved:
            self._recordings[exercise].unlink(missing_ok=True)
        self._recordings[exercise] = path
        self._unsaved.add(exercise)
        self._session.keep(seconds, exercise=exercise)

    def _begin_saving(self) -> None:
        if self._connection is not None:
            self._connection.is_paused = True
        recordings = dict(self._recordings)

        def progress(what: str, done: int, total: int) -> None:
            self._session.progress = f"{what}, {100 * done // total} %" if total else what

        def work() -> None:
            try:
                self._saved.append(self._save(recordings, progress))
            except BaseException as error:  # noqa: BLE001  (handed to the main thread)
                self._saved.append(error)

        self._saver = threading.Thread(target=work, name="backsight-saver")
        self._saver.start()

    def _note_saved(self) -> None:
        if not self._saved:
            return
        outcome = self._saved.pop()
        if self._connection is not None:
            self._connection.is_paused = False
        if isinstance(outcome, Saved):
            self._recordings.update(outcome.recordings)
            self._unsaved.clear()
            self._session.saved(outcome.message)
        elif isinstance(outcome, BacksightError | OSError):
            self._session.fail(str(outcome))
        else:
            raise outcome

    def _open(self) -> None:
        self._connection = self._connect(self._newest.put, self._recorder)
        self._connection.choose(self._session.exercise)
        self._connection.start()
        self._last_frame_s = self._clock()

    def _close(self) -> None:
        if self._connection is not None:
            self._connection.stop()
            self._dropped_before = self._dropped
            self._connection = None

    @property
    def _dropped(self) -> tuple[int, int]:
        frames, buckets = self._dropped_before
        if self._connection is None:
            return frames, buckets
        return frames + self._connection.n_dropped, buckets + self._connection.n_buckets_dropped

    def _throw_away(self) -> None:
        self._recorder.abandon()
        for exercise in self._unsaved:
            self._recordings[exercise].unlink(missing_ok=True)
        self._unsaved.clear()

    def _draw(self, now_s: float) -> None:
        self._figures.n_dropped, self._figures.n_buckets_dropped = self._dropped
        spans = self._drawn_s[-1] - self._drawn_s[0] if len(self._drawn_s) > 1 else 0.0
        status = replace(
            self._status,
            # Rounded, so that the panel is not drawn anew for a difference that nobody sees.
            latency_ms=round(statistics.median(self._recent_ms)) if self._recent_ms else float("nan"),
            fps=round((len(self._drawn_s) - 1) / spans) if spans > 0 else float("nan"),
            dropped_frames=self._figures.n_dropped,
            dropped_buckets=self._figures.n_buckets_dropped,
            engine="" if self._connection is None else self._connection.engine,
        )
        canvas = self._painter.draw(
            self._seen,
            guidance=self._session.guidance(now_s=now_s),
            preview=Preview() if self._connection is None else self._connection.preview,
            status=status,
            is_recording=self._session.phase is Phase.MOVING and self._session.is_recording,
        )
        self._screen.show(canvas)

    def _count(self, seen: Seen) -> None:
        """Take the latency once the window has painted itself."""
        now_s = self._clock()
        latency_ms = 1000.0 * (now_s - seen.frame.captured_s)
        self._figures.latencies_ms.append(latency_ms)
        self._figures.n_drawn += 1
        self._recent_ms.append(latency_ms)
        self._drawn_s.append(now_s)
