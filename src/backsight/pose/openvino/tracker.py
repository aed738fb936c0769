"""Track one person from frame to frame with BlazePose on OpenVINO. Knows no video, and nobody's identity.

The order of work is MediaPipe's: the detector looks only while nobody is tracked; the landmark network then reads the
region where the last frame's landmarks say that the person is, until it finds nobody there.
"""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from backsight.domain.sequences import PoseObservation
from backsight.pose.engines import PoseEngine
from backsight.pose.estimator import LOOK_DETECTION_CONFIDENCE, LOOK_PRESENCE_CONFIDENCE, MAX_OTHER_PEOPLE
from backsight.pose.openvino.detector import PersonDetector
from backsight.pose.openvino.landmarks import LandmarkFinder, PersonLandmarks
from backsight.pose.openvino.networks import load_networks
from backsight.pose.openvino.region import Region
from backsight.pose.openvino.smoothing import LandmarkSmoother

DETECTION_CONFIDENCE = 0.5
PRESENCE_CONFIDENCE = 0.5
"""MediaPipe's defaults: below them nobody is taken up, or the person tracked is lost."""


class Detector(Protocol):
    """Finds people in a whole image."""

    def find(self, image: NDArray[np.uint8], *, min_score: float, limit: int) -> list[Region]:
        """Return the regions of up to `limit` people, the surest first."""
        ...


class Finder(Protocol):
    """Finds one person's landmarks."""

    def find(self, image: NDArray[np.uint8], region: Region) -> PersonLandmarks:
        """Return the landmarks of the person whom a region holds."""
        ...


def load_tracker(bundle: Path) -> OpenVinoTracker:
    """Return a tracker that has seen nobody yet.

    Parameters
    ----------
    bundle
        A `.task` file as made by `backsight.pose.weights`.

    Raises
    ------
    MissingDependencyError
        When openvino is not installed or broken.
    WeightsError
        When OpenVINO cannot load the bundle.
    """
    detector, landmarks = load_networks(bundle)
    return OpenVinoTracker(PersonDetector(detector), LandmarkFinder(landmarks))


class OpenVinoTracker:
    """A `Tracker` on OpenVINO, in one thread.

    Parameters
    ----------
    detector
        Says where people are.
    finder
        Finds one person's landmarks.
    """

    engine = PoseEngine.OPENVINO

    def __init__(self, detector: Detector, finder: Finder) -> None:
        self._detector = detector
        self._finder = finder
        self._region: Region | None = None
        self._smoother = LandmarkSmoother()

    def close(self) -> None:
        """Do nothing: the networks go with the tracker."""

    def track(self, image: NDArray[np.uint8], *, timestamp_ms: int) -> PoseObservation | None:
        """Return whom the tracker has in the next frame, smoothed over time, or None."""
        if self._region is None:
            found = self._detector.find(image, min_score=DETECTION_CONFIDENCE, limit=1)
            self._region = found[0] if found else None
        if self._region is None:
            self._smoother = LandmarkSmoother()
            return None
        seen = self._finder.find(image, self._region)
        if seen.person_presence < PRESENCE_CONFIDENCE:
            self._region, self._smoother = None, LandmarkSmoother()
            return None
        # The region follows the raw landmarks: only what is reported is smoothed.
        self._region = seen.region
        return self._smoother.smooth(seen.observe(), time_s=timestamp_ms / 1000, size_px=self._region.side_px)

    def look(self, image: NDArray[np.uint8]) -> list[PoseObservation]:
        """Return everybody in a frame, up to `MAX_OTHER_PEOPLE`, without a memory of other frames."""
        regions = self._detector.find(image, min_score=LOOK_DETECTION_CONFIDENCE, limit=MAX_OTHER_PEOPLE)
        seen = [self._finder.find(image, region) for region in regions]
        return [person.observe() for person in seen if person.person_presence >= LOOK_PRESENCE_CONFIDENCE]
