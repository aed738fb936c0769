"""Following close up with MediaPipe, whose landmarkers are staged: like the real ones they want increasing times."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from backsight.domain.sequences import PoseObservation
from backsight.pose import blazepose
from backsight.pose.blazepose import MediaPipeTracker

IMAGE = np.full((720, 1280, 3), 128, np.uint8)
FRAMES_MS = range(0, 600, 40)
FOUND_MS = FRAMES_MS[2:]
N_WINDOWS = 3
"""Squares of 720 pixels. Somebody is found in the last of a round: it is looked into again when they are lost."""


def person() -> PoseObservation:
    """Somebody well inside every window, in its pixels."""
    along = np.linspace(0.0, 1.0, 33)
    return PoseObservation(
        image_px=np.stack([320 + 80 * along, 250 + 250 * along, along], axis=1),
        world_m=np.zeros((33, 3)),
        visibility=np.ones(33),
        presence=np.ones(33),
    )


class StagedLandmarker:
    """Finds what the stage says; a video landmarker keeps which pictures it was shown and when."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self.shown: list[tuple[int, bool]] = []

    def detect_for_video(self, image: NDArray[np.uint8], timestamp_ms: int) -> list[PoseObservation]:
        if self.shown and timestamp_ms <= self.shown[-1][0]:
            raise ValueError("Input timestamp must be monotonically increasing.")
        self.shown.append((timestamp_ms, bool(image.any())))
        is_whole = image.shape[1] == IMAGE.shape[1]
        sees = self._stage.whole_frame_sees if is_whole else self._stage.window_sees
        return [person()] if image.any() and sees(timestamp_ms) else []

    def detect(self, image: NDArray[np.uint8]) -> list[PoseObservation]:
        self._stage.n_looks += 1
        return [person()] if self._stage.n_looks >= N_WINDOWS else []

    def close(self) -> None:
        pass


class Stage:
    """A tracker whose landmarkers find somebody in a window from the third frame on, and follow them as we say."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.whole_frame_sees: Callable[[int], bool] = lambda _: False
        self.window_sees: Callable[[int], bool] = lambda _: True
        self.n_looks = 0
        self.landmarkers: list[StagedLandmarker] = []
        monkeypatch.setattr(blazepose, "_load", self._load)
        monkeypatch.setattr(blazepose, "_as_mediapipe", lambda image: image)
        monkeypatch.setattr(blazepose, "_observations", lambda found, _image: found)
        self.tracker = MediaPipeTracker(Path("pose.task"))

    def _load(self, _bundle: Path, **_options: Any) -> StagedLandmarker:
        self.landmarkers.append(StagedLandmarker(self))
        return self.landmarkers[-1]

    def film(self) -> list[int]:
        """Return the times of the frames in which somebody is tracked."""
        return [now for now in FRAMES_MS if self.tracker.track(IMAGE, timestamp_ms=now) is not None]


@pytest.fixture
def stage(monkeypatch: pytest.MonkeyPatch) -> Stage:
    return Stage(monkeypatch)


def test_somebody_lost_and_found_again_in_the_same_window_and_frame_is_followed_on(stage: Stage) -> None:
    # Somebody unseen in one picture by the landmarker that follows them, while the one that looks finds them.
    lost_at_ms = 200
    asked_ms: list[int] = []

    def sees(timestamp_ms: int) -> bool:
        asked_ms.append(timestamp_ms)
        return timestamp_ms != lost_at_ms or asked_ms.count(lost_at_ms) > 1

    stage.window_sees = sees
    assert stage.film() == list(FOUND_MS)
    assert asked_ms.count(lost_at_ms) == 2


def test_no_stale_place_is_looked_at_once_the_whole_frame_took_over(stage: Stage) -> None:
    stage.whole_frame_sees = lambda timestamp_ms: 120 <= timestamp_ms < 320
    assert stage.film() == list(FOUND_MS)
    follower, _, close_up = stage.landmarkers
    assert follower.shown == [(now, True) for now in FRAMES_MS]
    # A black picture lies between the window given up and the same one, taken up again.
    assert close_up.shown == [(80, True), (319, False), *((now, True) for now in FRAMES_MS if now >= 320)]


def test_a_window_that_stays_is_shown_without_a_break(stage: Stage) -> None:
    stage.film()
    assert stage.landmarkers[2].shown == [(now, True) for now in FOUND_MS]
