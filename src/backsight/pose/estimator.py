"""Follow one person through one recording with whatever engine finds landmarks. Knows no engine and no video."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from copy import copy
from dataclasses import replace
from types import TracebackType
from typing import Protocol, Self

import numpy as np
from numpy.typing import NDArray

from backsight.domain.sequences import Frame, PoseObservation
from backsight.errors import InvalidValueError
from backsight.pose.engines import PoseEngine
from backsight.pose.following import LOOK_INTERVAL_S, Follower, FollowStep, PersonBox

MAX_OTHER_PEOPLE = 3
"""Others are counted up to here; each one costs a run of the landmark model."""
LOOK_DETECTION_CONFIDENCE = 0.6
"""Above MediaPipe's 0.5, at which a chair full of equipment passed for a person in 3 of 25 pictures of a real clip."""
LOOK_PRESENCE_CONFIDENCE = 0.8
"""Above MediaPipe's 0.5; together with the one above it left no false person in 49 pictures of two real clips."""
BLANK_MARGIN_SIZES = 0.15
"""Landmarks end at the ears, knuckles and toes; hair, fingertips and shoes lie within this many body sizes of them."""
DOUBT_S = 2.0
"""A place where nobody surely is stays blanked for so long. Each time that it is shown, a chair taken for a person
costs a few frames of the one followed close up; and somebody who has come there is taken up so much later at most."""


class Tracker(Protocol):
    """BlazePose on one engine: follows whom it finds from frame to frame, and can look at a frame anew."""

    @property
    def engine(self) -> PoseEngine:
        """Which engine this is; never `AUTO`."""
        ...

    @property
    def is_close_up(self) -> bool:
        """Whether the one tracked was found in a window of the frame only, too small for the whole frame."""
        ...

    def track(
        self, image: NDArray[np.uint8], *, timestamp_ms: int, close_up: NDArray[np.uint8] | None = None
    ) -> PoseObservation | None:
        """Return whom the tracker has in the next frame, smoothed over time, or None.

        Whoever is found in the whole frame counts, whatever windows of it have shown before.

        Parameters
        ----------
        image
            RGB, shape (height, width, 3).
        close_up
            What windows are to show, of the same shape; None = the image.
        timestamp_ms
            Time of the frame; increases strictly.
        """
        ...

    def look(self, image: NDArray[np.uint8]) -> Sequence[PoseObservation]:
        """Return everybody in a frame, up to `MAX_OTHER_PEOPLE`, without a memory of other frames."""
        ...

    def close(self) -> None:
        """Release the engine; a second call does nothing."""
        ...


class FollowingEstimator:
    """A `PoseEstimator` that follows one person through one recording.

    The tracker follows the person from frame to frame and smooths the landmarks. About twice a second it is asked to
    look at the frame with that person blanked, to count who else is in view. When the tracker jumps to somebody else,
    they are blanked for it until it finds the followed person again; such frames are reported as nobody.

    Whom the tracker finds in the whole frame is followed as if there were no windows. While nobody is found there,
    somebody found in a window is followed in the same way, but for one thing: where somebody has been followed in the
    whole frame, windows only serve to find that person again. And once somebody has been followed in a window, whoever
    the whole frame shows elsewhere must surely be there; otherwise the whole frame is shown without that place for a
    while.

    Parameters
    ----------
    tracker
        A fresh tracker, closed with the estimator.
    """

    def __init__(self, tracker: Tracker) -> None:
        self._tracker = tracker
        self._follower: Follower | None = None
        self._close_up: Follower | None = None
        self._refused_close_up: tuple[PersonBox, ...] = ()
        self._doubted: tuple[tuple[PersonBox, float], ...] = ()
        self._doubted_at_s = -math.inf
        self._last_timestamp_s = -math.inf
        self._last_timestamp_ms = -1
        self._is_closed = False

    @property
    def engine(self) -> PoseEngine:
        """Which engine finds the landmarks."""
        return self._tracker.engine

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Release the tracker; a second call does nothing."""
        self._is_closed = True
        self._tracker.close()

    def estimate(self, frame: Frame) -> PoseObservation:
        """Return the followed person's landmarks in the next frame, or nobody.

        Raises
        ------
        InvalidValueError
            When the frame lies before the last one, or the estimator is closed.
        """
        timestamp_ms = self._next_timestamp_ms(frame.timestamp_s)
        if self._follower is None:
            height, width = frame.image.shape[:2]
            self._follower = Follower((width, height))
        self._doubted = tuple(one for one in self._doubted if frame.timestamp_s - one[1] < DOUBT_S)
        others = _blank(frame.image, self._follower.refused)
        image = _blank(others, (box for box, _ in self._doubted))
        # Windows show the doubted places: whoever is followed in one may stand there.
        close_up = _blank(others, self._refused_close_up)
        found = self._tracker.track(image, timestamp_ms=timestamp_ms, close_up=close_up)
        step = self._judge(self._follower, frame, found)
        if found is None or not step.is_followed:
            return PoseObservation.nobody(n_people=step.n_people)
        return replace(found, n_people=step.n_people, changed_person=step.changed_person)

    def _judge(self, follower: Follower, frame: Frame, found: PoseObservation | None) -> FollowStep:
        """Say what a frame means for the person followed."""
        box = PersonBox.around(found) if found else None

        def look() -> list[PersonBox]:
            return self._look(frame.image, box)

        self._refused_close_up = ()
        if box is not None and self._tracker.is_close_up:
            unseen = follower.step(frame.timestamp_s, None, look=look)
            close_up = self._close_up or copy(follower)
            if follower.has_followed and close_up.takes_for_other(box, frame.timestamp_s):
                self._refused_close_up = (box,)
                return unseen
            step = close_up.step(frame.timestamp_s, box, look=look)
            self._close_up, self._refused_close_up = close_up, close_up.refused
            return step
        if self._close_up is None or box is None:
            return follower.step(frame.timestamp_s, box, look=look)
        is_other = self._close_up.takes_for_other(box, frame.timestamp_s)
        if is_other and self._is_doubtful(frame, box):
            return follower.step(frame.timestamp_s, None, look=look)
        step = follower.step(frame.timestamp_s, box, look=look)
        if not step.is_followed:
            return step
        # The one followed close up has come nearer, or this is somebody else.
        self._close_up, self._doubted = None, ()
        return replace(step, changed_person=is_other)

    def _next_timestamp_ms(self, timestamp_s: float) -> int:
        """Return the frame's time as trackers want it: whole milliseconds that increase strictly."""
        if self._is_closed:
            raise InvalidValueError("this BlazePose is closed: make a new one for every recording")
        if not timestamp_s >= self._last_timestamp_s:
            raise InvalidValueError(
                f"frames must come in order of time, but one at {timestamp_s:.4f} s follows one at "
                f"{self._last_timestamp_s:.4f} s: make a new BlazePose for every recording"
            )
        self._last_timestamp_s = timestamp_s
        self._last_timestamp_ms = max(round(timestamp_s * 1000), self._last_timestamp_ms + 1)
        return self._last_timestamp_ms

    def _is_doubtful(self, frame: Frame, box: PersonBox) -> bool:
        """Say whether nobody is surely at a box, and keep the tracker from it for a while where that is so.

        Looks are dear: between two of them every box is doubtful.
        """
        if frame.timestamp_s - self._doubted_at_s >= LOOK_INTERVAL_S:
            if self._is_sure(frame.image, box):
                return False
            self._doubted_at_s = frame.timestamp_s
        elsewhere = (one for one in self._doubted if not one[0].shows_same_person_as(box))
        self._doubted = (*elsewhere, (box, frame.timestamp_s))
        return True

    def _is_sure(self, image: NDArray[np.uint8], box: PersonBox) -> bool:
        """Say whether a look, which asks for more than the tracker does, shows somebody where it has them."""
        return any(PersonBox.around(seen).shows_same_person_as(box) for seen in self._tracker.look(image))

    def _look(self, image: NDArray[np.uint8], followed: PersonBox | None) -> list[PersonBox]:
        """Return the boxes of the people in view besides the one followed."""
        blanked = _blank(image, () if followed is None else (followed,))
        return [PersonBox.around(seen) for seen in self._tracker.look(blanked)]


def _blank(image: NDArray[np.uint8], people: Iterable[PersonBox]) -> NDArray[np.uint8]:
    """Return the image with people painted over in black; the image itself when there are none."""
    blanked = image
    for box in people:
        if blanked is image:
            blanked = image.copy()
        margin = BLANK_MARGIN_SIZES * box.size
        left, top = max(0, int(box.left - margin)), max(0, int(box.top - margin))
        right, bottom = max(0, math.ceil(box.right + margin)), max(0, math.ceil(box.bottom + margin))
        blanked[top:bottom, left:right] = 0
    return blanked
