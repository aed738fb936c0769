"""Who is tracked from frame to frame, with a detector and a finder that say what we want."""

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from backsight.pose.openvino.landmarks import PersonLandmarks
from backsight.pose.openvino.region import Region
from backsight.pose.openvino.tracker import OpenVinoTracker

IMAGE = np.zeros((90, 160, 3), np.uint8)
FOUND = Region(x_px=50.0, y_px=40.0, side_px=60.0, turn_rad=0.0)


def person(x_px: float, *, presence: float = 0.9) -> PersonLandmarks:
    """Somebody whose landmarks all stand at one place, with the rim 20 pixels above."""
    image_px = np.full((39, 3), x_px)
    image_px[34, 1] -= 20
    return PersonLandmarks(
        image_px=image_px,
        world_m=image_px / 100,
        visibility=np.ones(39),
        presence=np.ones(39),
        person_presence=presence,
    )


def wide_person() -> PersonLandmarks:
    """Somebody whose landmarks stand on the diagonal of a square."""
    along = np.linspace(20.0, 60.0, 39)
    return replace(person(0.0), image_px=np.stack([along] * 3, axis=1))


class Stage:
    """Plays the detector and the finder, and keeps account of what each was asked."""

    def __init__(
        self, *, regions: Sequence[Region], people: Sequence[PersonLandmarks], in_windows: Sequence[Region] = ()
    ) -> None:
        self._regions, self._people, self._in_windows = list(regions), list(people), list(in_windows)
        self.n_detections = 0
        self.searched: list[Region | None] = []
        self.looked_in: list[Region] = []
        stage = self

        class StagedDetector:
            def find(
                self, image: np.ndarray, *, min_score: float, limit: int, within: Region | None = None
            ) -> list[Region]:
                stage.n_detections += 1
                stage.asked = (min_score, limit)
                stage.searched.append(within)
                return (stage._regions if within is None else stage._in_windows)[:limit]

        class StagedFinder:
            def find(self, image: np.ndarray, region: Region) -> PersonLandmarks:
                stage.looked_in.append(region)
                return stage._people.pop(0)

        self.tracker = OpenVinoTracker(StagedDetector(), StagedFinder())

    def track(self, timestamp_ms: int) -> float | None:
        seen = self.tracker.track(IMAGE, timestamp_ms=timestamp_ms)
        return None if seen is None else float(seen.image_px[0, 0])


def test_whoever_is_tracked_needs_no_detector() -> None:
    stage = Stage(regions=[FOUND], people=[person(50.0), person(50.0), person(50.0)])
    assert [stage.track(time) for time in (0, 33, 67)] == [50.0] * 3
    assert stage.n_detections == 1


def test_the_next_region_is_where_the_raw_landmarks_are() -> None:
    stage = Stage(regions=[FOUND], people=[person(50.0), person(80.0), person(80.0)])
    for time in (0, 33, 67):
        stage.track(time)
    assert [region.x_px for region in stage.looked_in] == [50.0, 50.0, 80.0]
    assert [region.side_px for region in stage.looked_in] == [60.0, 50.0, 50.0]


def test_an_empty_frame_has_nobody_and_the_detector_looks_again_in_the_next() -> None:
    stage = Stage(regions=[], people=[])
    assert [stage.track(time) for time in (0, 33)] == [None, None]
    assert stage.n_detections == 2


def test_somebody_lost_is_looked_for_in_the_next_frame_and_starts_without_a_memory() -> None:
    people = [person(50.0), person(50.0, presence=0.49), person(90.0)]
    stage = Stage(regions=[FOUND], people=people)
    # Smoothed with what came before, the last would lie between 50 and 90.
    assert [stage.track(time) for time in (0, 33, 67)] == [50.0, None, 90.0]
    assert stage.n_detections == 2


def test_movement_is_smoothed() -> None:
    stage = Stage(regions=[FOUND], people=[person(50.0), person(50.2)])
    stage.track(0)
    moved = stage.track(33)
    assert moved is not None
    assert 50.0 < moved < 50.2


def test_a_look_reports_everybody_sure_and_leaves_the_tracked_alone() -> None:
    people = [person(50.0), person(20.0, presence=0.79), person(30.0, presence=0.81), person(50.0)]
    stage = Stage(regions=[FOUND, FOUND], people=people)
    stage.track(0)
    seen = stage.tracker.look(IMAGE)
    assert [float(other.image_px[0, 0]) for other in seen] == [30.0]
    assert stage.asked == (0.6, 3)
    assert stage.track(33) == 50.0
    assert stage.n_detections == 2
    assert math.isclose(stage.looked_in[-1].x_px, 50.0)


class TestCloseUp:
    """A frame of 480 x 270 pixels has windows of 270 that begin at 0, 105 and 210."""

    LARGE = np.zeros((270, 480, 3), np.uint8)

    def test_windows_are_searched_one_a_frame_until_somebody_is_surely_there(self) -> None:
        stage = Stage(regions=[], in_windows=[FOUND], people=[person(50.0, presence=0.79), person(60.0), person(60.0)])
        seen = [stage.tracker.track(self.LARGE, timestamp_ms=time) for time in (0, 33, 67)]
        assert [one is not None for one in seen] == [False, True, True]
        # Before every window the whole frame was searched, and in the last frame that was enough.
        assert [None if square is None else square.x_px for square in stage.searched] == [None, 240, None, 135, None]
        assert stage.tracker.is_close_up

    def test_whoever_the_whole_frame_shows_counts(self) -> None:
        stage = Stage(regions=[], in_windows=[FOUND], people=[person(50.0), person(80.0)])
        stage.tracker.track(self.LARGE, timestamp_ms=0)
        stage._regions = [FOUND]
        seen = stage.tracker.track(self.LARGE, timestamp_ms=33)
        assert seen is not None
        # Not smoothed with what the window showed.
        assert seen.image_px[0, 0] == 80.0
        assert not stage.tracker.is_close_up

    def test_others_are_looked_for_in_windows_too_and_counted_once(self) -> None:
        stage = Stage(regions=[], in_windows=[FOUND], people=[person(50.0), *[wide_person()] * 3])
        stage.tracker.track(self.LARGE, timestamp_ms=0)
        assert len(stage.tracker.look(self.LARGE)) == 1
