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
from backsight.pose.engines import PoseEngine
from backsight.pose.estimator import (
    LOOK_DETECTION_CONFIDENCE,
    LOOK_PRESENCE_CONFIDENCE,
    MAX_OTHER_PEOPLE,
    FollowingEstimator,
)
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
    """A `Tracker` of two landmarkers: one follows from frame to frame, one looks at single frames.

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
        self._has_seen_person = False

    def close(self) -> None:
        """Release both landmarkers; a second call does nothing."""
        self._follower.close()
        self._looker.close()

    def track(self, image: NDArray[np.uint8], *, timestamp_ms: int) -> PoseObservation | None:
        """Return whom the tracker has in the next frame, smoothed over time, or None."""
        # The last notices come with the first person; afterwards standard error is left alone.
        with nullcontext() if self._has_seen_person else without_chatter():
            result = self._follower.detect_for_video(_as_mediapipe(image), timestamp_ms)
        people = _observations(result, image)
        self._has_seen_person = self._has_seen_person or bool(people)
        return people[0] if people else None

    def look(self, image: NDArray[np.uint8]) -> list[PoseObservation]:
        """Return everybody in a frame, up to `MAX_OTHER_PEOPLE`, without a memory of other frames."""
        return _observations(self._looker.detect(_as_mediapipe(image)), image)


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
