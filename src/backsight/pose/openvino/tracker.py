"""Track one person from frame to frame with BlazePose on OpenVINO. Knows no video, and nobody's identity.

The order of work is MediaPipe's: the detector looks only while nobody is tracked; the landmark network then reads the
region where the last frame's landmarks say that the person is, until it finds nobody there. One thing is added: where
nobody is found in the whole image, the detector looks into windows of it, too.
"""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from backsight.domain.sequences import PoseObservation
from backsight.pose.closer import Window, WindowSearch, join_sightings
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
    """Finds people in an image or in a square of it."""

    def find(
        self, image: NDArray[np.uint8], *, min_score: float, limit: int, within: Region | None = None
    ) -> list[Region]:
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
        self._whole, self._close_up = _Tracked(finder), _Tracked(finder)
        self._search: WindowSearch | None = None

    @property
    def is_close_up(self) -> bool:
        """Whether the one tracked was found in a window of the frame only."""
        return self._close_up.region is not None

    def close(self) -> None:
        """Do nothing: the networks go with the tracker."""

    def track(
        self, image: NDArray[np.uint8], *, timestamp_ms: int, close_up: NDArray[np.uint8] | None = None
    ) -> PoseObservation | None:
        """Return whom the tracker has in the next frame, smoothed over time, or None.

        Whoever is found in the whole frame counts, whatever windows of it, cut from `close_up`, have shown before.
        """
        timestamp_s = timestamp_ms / 1000
        if self._whole.region is None:
            found = self._detector.find(image, min_score=DETECTION_CONFIDENCE, limit=1)
            self._whole.region = found[0] if found else None
        seen = self._whole.follow(image, timestamp_s)
        if seen is None:
            return self._track_closer(image if close_up is None else close_up, timestamp_s)
        self._note_lost(self._close_up.region, timestamp_s)
        self._close_up.lose()
        return seen

    def look(self, image: NDArray[np.uint8]) -> list[PoseObservation]:
        """Return everybody in a frame, up to `MAX_OTHER_PEOPLE`, without a memory of other frames.

        While somebody is followed who was found in a window only, others are looked for in windows, too.
        """
        people = self._look(image, None)
        if not self.is_close_up or self._search is None:
            return people
        in_windows = [seen for window in self._search.windows for seen in self._look(image, _square(window))]
        return join_sightings(people, in_windows, limit=MAX_OTHER_PEOPLE)

    def _look(self, image: NDArray[np.uint8], within: Region | None) -> list[PoseObservation]:
        regions = self._detector.find(image, min_score=LOOK_DETECTION_CONFIDENCE, limit=MAX_OTHER_PEOPLE, within=within)
        seen = [self._finder.find(image, region) for region in regions]
        return [person.observe() for person in seen if person.person_presence >= LOOK_PRESENCE_CONFIDENCE]

    def _track_closer(self, image: NDArray[np.uint8], timestamp_s: float) -> PoseObservation | None:
        """Track somebody too small for the whole image, or look for one in a window.

        More windows are more chances to err: only who is surely there is taken up.
        """
        if self._search is None:
            height, width = image.shape[:2]
            self._search = WindowSearch((width, height))
        before = self._close_up.region
        if seen := self._close_up.follow(image, timestamp_s):
            return seen
        self._note_lost(before, timestamp_s)
        window = self._search.next_window(timestamp_s)
        if window is None:
            return None
        found = self._detector.find(image, min_score=LOOK_DETECTION_CONFIDENCE, limit=1, within=_square(window))
        self._close_up.region = found[0] if found else None
        return self._close_up.follow(image, timestamp_s, min_presence=LOOK_PRESENCE_CONFIDENCE)

    def _note_lost(self, region: Region | None, timestamp_s: float) -> None:
        if region is not None and self._search is not None:
            self._search.note_lost((region.x_px, region.y_px), timestamp_s)


class _Tracked:
    """One person from frame to frame, while the landmark network finds them where they were."""

    def __init__(self, finder: Finder) -> None:
        self.region: Region | None = None
        """Where to look in the next frame; None = nobody is tracked."""
        self._finder = finder
        self._smoother = LandmarkSmoother()

    def lose(self) -> None:
        """Forget the person."""
        self.region, self._smoother = None, LandmarkSmoother()

    def follow(
        self, image: NDArray[np.uint8], timestamp_s: float, *, min_presence: float = PRESENCE_CONFIDENCE
    ) -> PoseObservation | None:
        """Return the person in the next frame, smoothed over time; None, and forgotten, where there is none."""
        if self.region is None:
            return None
        seen = self._finder.find(image, self.region)
        if seen.person_presence < min_presence:
            self.lose()
            return None
        # The region follows the raw landmarks: only what is reported is smoothed.
        self.region = seen.region
        return self._smoother.smooth(seen.observe(), time_s=timestamp_s, size_px=self.region.side_px)


def _square(window: Window) -> Region:
    half = window.side_px / 2
    return Region(x_px=window.left_px + half, y_px=window.top_px + half, side_px=float(window.side_px), turn_rad=0.0)
