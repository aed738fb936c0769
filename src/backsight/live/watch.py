"""Look at a live source's frames as they come, and think about them beside that. Knows no window and no engine.

Three threads share the work, because each waits for something else: the grabber for the camera, the watcher for pose
estimation, the adviser for nothing, since what it says is allowed to be a fifth of a second old.
"""

from __future__ import annotations

import sys
import threading
from collections import deque
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Protocol

from backsight.domain.recording import Exercise, SourceInfo
from backsight.domain.sequences import Frame, PoseObservation
from backsight.live.pace import Grabber, Recorder
from backsight.live.preview import LivePreview, Preview
from backsight.ports import FrameSource, IndexPredictor, PoseEstimator

ADVISE_EVERY_S = 0.2
FIRST_PICTURE_S = 30.0
"""A camera that has given no picture so long after the engine was ready will give none: the slowest to wake up take
some seconds."""
_STOP_LIMIT_S = 5.0
_SWITCH_INTERVAL_S = 0.0005
"""Python's own 5 ms add up: the watcher hands the interpreter over some ten times a frame, and would wait that long
each time for an adviser that calculates."""


@dataclass(frozen=True, eq=False)
class Seen:
    """A frame and what pose estimation saw in it."""

    frame: Frame
    observation: PoseObservation | None
    """None = not looked for, while something more important is computed."""


class NamedEstimator(PoseEstimator, Protocol):
    """A pose estimator that says what runs it."""

    @property
    def engine(self) -> str:
        """Its engine's name, which is never `auto`."""
        ...


class Connection:
    """One connected source, watched until it ends or `stop` is called.

    Parameters
    ----------
    source
        A live source.
    open_estimator
        Opens a pose estimator for this source.
    predictor
        The network.
    pose_model
        BlazePose model behind the estimator.
    recorder
        Is offered every frame.
    on_seen
        Called in the watcher's thread with each frame; an exception ends the watching and is kept in `error`.
    """

    def __init__(
        self,
        source: FrameSource,
        *,
        open_estimator: Callable[[], AbstractContextManager[NamedEstimator]],
        predictor: IndexPredictor,
        pose_model: str,
        recorder: Recorder | None = None,
        on_seen: Callable[[Seen], None],
    ) -> None:
        self._grabber = Grabber(source, recorder=recorder)
        self._open_estimator = open_estimator
        self._on_seen = on_seen
        size = source.info.analysed_size
        preview = LivePreview(predictor, pose_model=pose_model, frame_size=size)
        self._adviser = _Adviser(preview, on_error=self._end)
        self._watcher = threading.Thread(target=self._watch, name="backsight-watcher", daemon=True)
        self._is_over = threading.Event()
        self._ignored = (0, 0)
        self._ending = threading.Lock()
        self._error: BaseException | None = None
        self._engine = ""
        self._former_switch_s: float | None = None
        """What `start` found; None = it is not changed, or is as it was again."""
        self.is_paused = False
        """While True frames pass by unseen, so that something else has the processor."""

    @property
    def info(self) -> SourceInfo:
        """What is known of the source."""
        return self._grabber.info

    @property
    def engine(self) -> str:
        """What looks at the frames; empty until it has been opened."""
        return self._engine

    @property
    def preview(self) -> Preview:
        """What is known so far."""
        return self._adviser.latest

    @property
    def n_dropped(self) -> int:
        """Frames lost since the first one was looked at: until then the engine warms up."""
        return self._grabber.n_dropped - self._ignored[0]

    @property
    def n_buckets_dropped(self) -> int:
        """Buckets that these frames were lost with."""
        return self._grabber.n_buckets_dropped - self._ignored[1]

    @property
    def is_ready(self) -> bool:
        """Whether the engine is open, so that the next picture will be looked at."""
        return bool(self._engine)

    @property
    def is_over(self) -> bool:
        """Whether no more frames come."""
        return self._is_over.is_set()

    @property
    def error(self) -> BaseException | None:
        """Why no more frames come; None = the source ended, or has not."""
        return self._error

    def start(self) -> None:
        """Begin."""
        self._former_switch_s = sys.getswitchinterval()
        sys.setswitchinterval(_SWITCH_INTERVAL_S)
        self._adviser.start()
        self._watcher.start()

    def wait(self, timeout_s: float) -> bool:
        """Wait for the end; return whether it is reached."""
        return self._is_over.wait(timeout_s)

    def choose(self, exercise: Exercise) -> None:
        """Say which exercise comes next, for the hints."""
        self._adviser.shown = exercise

    def begin(self, exercise: Exercise | None, *, goes_on: bool = False) -> None:
        """Begin an exercise with the next frame; for the parameters see `LivePreview.begin`."""
        self._adviser.order(lambda preview: preview.begin(exercise, goes_on=goes_on))

    def end(self) -> None:
        """End the exercise."""
        self._adviser.order(LivePreview.end)

    def stop(self) -> None:
        """Release source and engine, and give the interpreter's switch interval back."""
        self._grabber.stop()
        if self._watcher.is_alive():
            self._watcher.join(_STOP_LIMIT_S)
        self._adviser.stop()
        if self._former_switch_s is not None:
            sys.setswitchinterval(self._former_switch_s)
            self._former_switch_s = None

    def _watch(self) -> None:
        try:
            with self._open_estimator() as estimator:
                self._engine = str(estimator.engine)
                self._grabber.start()
                is_first = True
                while (frame := self._grabber.get()) is not None:
                    seen = Seen(frame, None if self.is_paused else estimator.estimate(frame))
                    if is_first:
                        self._ignored = (self._grabber.n_dropped, self._grabber.n_buckets_dropped)
                        is_first = False
                    self._adviser.push(seen)
                    self._on_seen(seen)
        except BaseException as error:  # noqa: BLE001  (kept for whoever asks why it is over)
            self._end(error)
        self._end()

    def _end(self, error: BaseException | None = None) -> None:
        """Say that it is over; the first reason stands."""
        with self._ending:
            if not self._is_over.is_set():
                self._error = error
                self._is_over.set()


def why_no_picture(info: SourceInfo, *, waited_s: float) -> str:
    """Say that a source gives no pictures, and what to do."""
    return (
        f"{info.name}: no picture for {waited_s:.0f} s; check the cable and the camera's cover, and whether another "
        "program uses it"
    )


Connect = Callable[[Callable[[Seen], None], Recorder], Connection]
"""Connects the source: takes what is called with each frame and the recorder; raises `CameraError` where it cannot."""


class _Adviser:
    """Works the preview out in a thread of its own, from what was seen since it last looked."""

    def __init__(self, preview: LivePreview, *, on_error: Callable[[BaseException], None]) -> None:
        self._preview = preview
        self._on_error = on_error
        self._lock = threading.Lock()
        self._orders: deque[Callable[[LivePreview], None]] = deque()
        self._picture: Frame | None = None
        self._is_stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="backsight-adviser", daemon=True)
        self.latest = Preview()
        self.shown = Exercise.TOUCH_TOES

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._is_stopped.set()
        if self._thread.is_alive():
            self._thread.join(_STOP_LIMIT_S)

    def push(self, seen: Seen) -> None:
        """Take a frame; of the pictures only the newest is kept."""
        observation, time_s = seen.observation, seen.frame.timestamp_s
        if observation is not None:
            self._picture = seen.frame
            self.order(lambda preview: preview.push(observation, timestamp_s=time_s))

    def order(self, what: Callable[[LivePreview], None]) -> None:
        """Have something done to the preview, in order."""
        with self._lock:
            self._orders.append(what)

    def _run(self) -> None:
        try:
            while not self._is_stopped.wait(ADVISE_EVERY_S):
                self.think()
        except BaseException as error:  # noqa: BLE001  (kept for whoever asks why it is over)
            self._on_error(error)

    def think(self) -> None:
        """Carry out what was ordered and say what is known then."""
        with self._lock:
            orders, self._orders = self._orders, deque()
        for order in orders:
            order(self._preview)
        picture, self._picture = self._picture, None
        if picture is not None:
            self._preview.look_at(picture)
        if orders:
            self.latest = self._preview.read(shown=self.shown)
