"""Find landmarks with MediaPipe's BlazePose; mediapipe's only door. Knows no video, and nobody's identity."""

from __future__ import annotations

from contextlib import nullcontext
from pathlib import Path
from typing import Any

import mediapipe
import numpy as np
from mediapipe.tasks.python import BaseOptions, vision
from numpy.typing import NDArray

from backsight.domain.sequences import PoseObservation
from backsight.errors import WeightsError
from backsight.pose.closer import LEAST_SIDE_PX, Window, WindowSearch, join_sightings
from backsight.pose.engines import PoseEngine
from backsight.pose.estimator import (
    LOOK_DETECTION_CONFIDENCE,
    LOOK_PRESENCE_CONFIDENCE,
    MAX_OTHER_PEOPLE,
    FollowingEstimator,
)
from backsight.pose.following import PersonBox
from backsight.pose.quiet import without_chatter


class BlazePose(FollowingEstimator):
    """A `PoseEstimator` on MediaPipe that follows one person through one recording.

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
        super().__init__(MediaPipeTracker(bundle))


class MediaPipeTracker:
    """A `Tracker` of landmarkers: one follows from frame to frame, one looks at single frames, one follows close up.

    Parameters
    ----------
    bundle
        A `.task` file as made by `backsight.pose.weights`.

    Raises
    ------
    WeightsError
        When MediaPipe cannot load the bundle.
    """

    engine = PoseEngine.MEDIAPIPE

    def __init__(self, bundle: Path) -> None:
        with without_chatter():
            self._follower: Any = _load(bundle, running_mode=vision.RunningMode.VIDEO, num_poses=1)
            self._looker: Any = _load(
                bundle,
                running_mode=vision.RunningMode.IMAGE,
                num_poses=MAX_OTHER_PEOPLE,
                min_pose_detection_confidence=LOOK_DETECTION_CONFIDENCE,
                min_pose_presence_confidence=LOOK_PRESENCE_CONFIDENCE,
            )
        self._close_up = _CloseUp(bundle)
        self._search: WindowSearch | None = None
        self._has_seen_person = False

    @property
    def is_close_up(self) -> bool:
        """Whether the one tracked was found in a window of the frame only."""
        return self._close_up.window is not None

    def close(self) -> None:
        """Release the landmarkers; a second call does nothing."""
        self._follower.close()
        self._looker.close()
        self._close_up.close()

    def track(
        self, image: NDArray[np.uint8], *, timestamp_ms: int, close_up: NDArray[np.uint8] | None = None
    ) -> PoseObservation | None:
        """Return whom the tracker has in the next frame, smoothed over time, or None.

        Whoever is found in the whole frame counts, whatever windows of it, cut from `close_up`, have shown before.
        """
        # The last notices come with the first person; afterwards standard error is left alone.
        with nullcontext() if self._has_seen_person else without_chatter():
            people = _observations(self._follower.detect_for_video(_as_mediapipe(image), timestamp_ms), image)
            if people:
                self._give_up_window(timestamp_ms)
            seen = people[0] if people else self._track_closer(image if close_up is None else close_up, timestamp_ms)
        self._has_seen_person = self._has_seen_person or seen is not None
        return seen

    def look(self, image: NDArray[np.uint8]) -> list[PoseObservation]:
        """Return everybody in a frame, up to `MAX_OTHER_PEOPLE`, without a memory of other frames.

        While somebody is followed who was found in a window only, others are looked for in windows, too.
        """
        people = self._look(image)
        if not self.is_close_up or self._search is None:
            return people
        in_windows = [
            window.to_frame(seen) for window in self._search.windows for seen in self._look(window.cut(image))
        ]
        return join_sightings(people, in_windows, limit=MAX_OTHER_PEOPLE)

    def _look(self, image: NDArray[np.uint8]) -> list[PoseObservation]:
        return _observations(self._looker.detect(_as_mediapipe(image)), image)

    def _track_closer(self, image: NDArray[np.uint8], timestamp_ms: int) -> PoseObservation | None:
        """Follow somebody too small for the whole frame inside a window of it, or look for one."""
        if self._search is None:
            height, width = image.shape[:2]
            self._search = WindowSearch((width, height))
        if seen := self._close_up.track(image, timestamp_ms):
            return seen
        self._give_up_window(timestamp_ms)
        window = self._search.next_window(timestamp_ms / 1000)
        found = self._look(window.cut(image)) if window else []
        if window is None or not found:
            return None
        box = PersonBox.around(window.to_frame(found[0]))
        self._close_up.window = window.following(box, frame_size=(image.shape[1], image.shape[0]))
        seen = self._close_up.track(image, timestamp_ms)
        if seen is None:
            self._close_up.window = None
        return seen

    def _give_up_window(self, timestamp_ms: int) -> None:
        if self._search is not None and self._close_up.window is not None:
            self._search.note_lost(self._close_up.window.middle, timestamp_ms / 1000)
        self._close_up.window = None


class _CloseUp:
    """Follows one person from frame to frame inside a window of the frame, which goes with them.

    Parameters
    ----------
    bundle
        A `.task` file; loaded when somebody is to be followed, which is in few recordings.
    """

    def __init__(self, bundle: Path) -> None:
        self.window: Window | None = None
        """Where somebody is followed; None = nobody is."""
        self._bundle = bundle
        self._landmarker: Any = None
        self._watched: Window | None = None
        self._last_timestamp_ms = -1

    def close(self) -> None:
        """Release the landmarker; a second call does nothing."""
        if self._landmarker is not None:
            self._landmarker.close()

    def track(self, image: NDArray[np.uint8], timestamp_ms: int) -> PoseObservation | None:
        """Return whom the window shows in the next frame, in the frame's pixels."""
        if self.window is None:
            self._watched = None
            return None
        if self._landmarker is None:
            self._landmarker = _load(self._bundle, running_mode=vision.RunningMode.VIDEO, num_poses=1)
        elif self._watched != self.window or timestamp_ms <= self._last_timestamp_ms:
            self._forget(timestamp_ms)
        cut = self.window.cut(image)
        people = _observations(self._landmarker.detect_for_video(_as_mediapipe(cut), timestamp_ms), cut)
        self._watched, self._last_timestamp_ms = self.window, timestamp_ms
        if not people:
            return None
        seen = self.window.to_frame(people[0])
        size = image.shape[1], image.shape[0]
        self.window = self.window.following(PersonBox.around(seen), frame_size=size)
        return seen

    def _forget(self, timestamp_ms: int) -> None:
        """Show the landmarker a black picture first: it would look for the person where they were once.

        That is in another window, or in this one before it was given up. A landmarker takes no frame of a time that it
        has been shown: where somebody lost in this very frame is found again, a fresh one has to look.
        """
        if timestamp_ms - 1 > self._last_timestamp_ms:
            black = np.zeros((LEAST_SIDE_PX, LEAST_SIDE_PX, 3), np.uint8)
            self._landmarker.detect_for_video(_as_mediapipe(black), timestamp_ms - 1)
        else:  # no time is left
            self._landmarker.close()
            self._landmarker = _load(self._bundle, running_mode=vision.RunningMode.VIDEO, num_poses=1)


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
