"""Find one person's 33 landmarks with MediaPipe's BlazePose; mediapipe's only door. Knows no video."""

from __future__ import annotations

import math
from collections.abc import Iterable
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import mediapipe
import numpy as np
from mediapipe.tasks.python import BaseOptions, vision
from numpy.typing import NDArray

from backsight.domain.sequences import Frame, PoseObservation
from backsight.errors import InvalidValueError, WeightsError
from backsight.pose.following import Follower, PersonBox
from backsight.pose.quiet import without_chatter

MAX_OTHER_PEOPLE = 3
"""Others are counted up to here; each one costs a run of the landmark model."""
LOOK_DETECTION_CONFIDENCE = 0.6
"""Above MediaPipe's 0.5, at which a chair full of equipment passed for a person in 3 of 25 pictures of a real clip."""
LOOK_PRESENCE_CONFIDENCE = 0.8
"""Above MediaPipe's 0.5; together with the one above it left no false person in 49 pictures of two real clips."""
BLANK_MARGIN_SIZES = 0.15
"""Landmarks end at the ears, knuckles and toes; hair, fingertips and shoes lie within this many body sizes of them."""


class BlazePose:
    """A `PoseEstimator` that follows one person through one recording.

    MediaPipe's tracker follows the person from frame to frame and smooths the landmarks. About twice a second a second
    landmarker looks at the frame with that person blanked, to count who else is in view. When the tracker jumps to
    somebody else, they are blanked for it until it finds the followed person again; such frames are reported as nobody.

    Parameters
    ----------
    bundle
        A `.task` file as made by `backsight.pose.weights`.

    Raises
    ------
    WeightsError
        When MediaPipe cannot load the bundle.
    """

    def __init__(self, bundle: Path) -> None:
        with without_chatter():
            self._tracker: Any = _load(bundle, running_mode=vision.RunningMode.VIDEO, num_poses=1)
            self._looker: Any = _load(
                bundle,
                running_mode=vision.RunningMode.IMAGE,
                num_poses=MAX_OTHER_PEOPLE,
                min_pose_detection_confidence=LOOK_DETECTION_CONFIDENCE,
                min_pose_presence_confidence=LOOK_PRESENCE_CONFIDENCE,
            )
        self._follower: Follower | None = None
        self._last_timestamp_s = -math.inf
        self._last_timestamp_ms = -1
        self._has_seen_person = False
        self._is_closed = False

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Release both landmarkers; a second call does nothing."""
        self._is_closed = True
        self._tracker.close()
        self._looker.close()

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
        found = self._track(_blank(frame.image, self._follower.refused), timestamp_ms)
        box = PersonBox.around(found) if found else None
        step = self._follower.step(frame.timestamp_s, box, look=lambda: self._look(frame.image, box))
        if found is None or not step.is_followed:
            return PoseObservation.nobody(n_people=step.n_people)
        return replace(found, n_people=step.n_people, changed_person=step.changed_person)

    def _next_timestamp_ms(self, timestamp_s: float) -> int:
        """Return the frame's time as MediaPipe wants it: whole milliseconds that increase strictly."""
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

    def _track(self, image: NDArray[np.uint8], timestamp_ms: int) -> PoseObservation | None:
        """Return whom the tracker has in this frame."""
        # The last notices come with the first person; afterwards standard error is left alone.
        with nullcontext() if self._has_seen_person else without_chatter():
            result = self._tracker.detect_for_video(_as_mediapipe(image), timestamp_ms)
        people = _observations(result, image)
        self._has_seen_person = self._has_seen_person or bool(people)
        return people[0] if people else None

    def _look(self, image: NDArray[np.uint8], followed: PersonBox | None) -> list[PersonBox]:
        """Return the boxes of the people in view besides the one followed."""
        blanked = _blank(image, () if followed is None else (followed,))
        return [PersonBox.around(seen) for seen in _observations(self._looker.detect(_as_mediapipe(blanked)), image)]


def _load(bundle: Path, **options: Any) -> Any:
    """Return a MediaPipe landmarker, or say in one line why the bundle cannot be loaded."""
    if not bundle.is_file():
        raise WeightsError(f"the BlazePose bundle {bundle} is missing. Run `backsight models fetch`")
    settings = vision.PoseLandmarkerOptions(base_options=BaseOptions(model_asset_path=str(bundle)), **options)
    try:
        return vision.PoseLandmarker.create_from_options(settings)
    except (RuntimeError, ValueError, OSError) as error:
        reason = (str(error).splitlines() or ["no reason given"])[0].rstrip(".")
        raise WeightsError(
            f"{bundle} is not a BlazePose bundle that MediaPipe can load ({reason}). Delete it and run "
            "`backsight models fetch`"
        ) from error


def _as_mediapipe(image: NDArray[np.uint8]) -> Any:
    return mediapipe.Image(image_format=mediapipe.ImageFormat.SRGB, data=np.ascontiguousarray(image))


def _observations(result: Any, image: NDArray[np.uint8]) -> list[PoseObservation]:
    """Turn MediaPipe's lists of landmarks, relative to the image, into observations in its pixels."""
    height, width = image.shape[:2]
    # MediaPipe gives z in the scale of x: as a share of the image's width.
    scale = np.array([width, height, width], dtype=np.float64)
    people = []
    for relative, world in zip(result.pose_landmarks, result.pose_world_landmarks, strict=True):
        people.append(
            PoseObservation(
                image_px=np.array([(mark.x, mark.y, mark.z) for mark in relative]) * scale,
                world_m=np.array([(mark.x, mark.y, mark.z) for mark in world]),
                visibility=np.array([mark.visibility for mark in relative]),
                presence=np.array([mark.presence for mark in relative]),
            )
        )
    return people


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
