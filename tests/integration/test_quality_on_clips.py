"""The quality gate on real people: sound clips pass, and each way of spoiling them is named for what it is."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import ndimage

from backsight.domain.assessment import QualityReport, QualityVerdict
from backsight.domain.recording import Exercise
from backsight.domain.sequences import Frame, PoseSequence, PoseTrack
from backsight.pose.blazepose import BlazePose
from backsight.pose.filtering import filter_by_visibility
from backsight.pose.quality import judge_quality
from backsight.pose.weights import PoseModel, ensure_bundle
from backsight.settings import Settings
from backsight.video.reader import Position, VideoFile
from backsight.video.statistics import ImageStatisticsCollector

Image = NDArray[np.uint8]
Spoil = Callable[[Image, int], Image]

WALK, JACKS, JUMP_DOWN = (f"sports2d_{name}_crop.mp4" for name in ("walk_single", "jacks", "jumpdown"))
SWAPS = {"left_right_swaps"}
"""BlazePose lite really does exchange the legs of a side-on walker now and then: no fault of the gate."""
DEMO, SEATED = "sports2d_demo.mp4", "keraal_CTK_Correct0.avi"


class Clips:
    """Judges parts of the real clips, spoilt or as they are."""

    def __init__(self, folder: Path, bundle: Path) -> None:
        self._folder, self._bundle = folder, bundle

    def judge(
        self,
        clip: str,
        exercise: Exercise,
        *,
        first: int = 0,
        last: int,
        every: int = 1,
        spoil: Spoil = lambda image, _: image,
    ) -> QualityReport:
        """Take some frames of a clip, spoil them, and judge what the road would see."""
        source = VideoFile(self._folder / clip, start=Position(None, first), end=Position(None, last))
        statistics, seen, times = ImageStatisticsCollector(), [], []
        with BlazePose(self._bundle) as estimator:
            for number, frame in enumerate(source.frames()):
                if number % every:
                    continue
                image = np.ascontiguousarray(spoil(frame.image, number))
                spoilt = Frame(image, frame.timestamp_s, frame.index)
                statistics.add(spoilt)
                seen.append(estimator.estimate(spoilt))
                times.append(frame.timestamp_s)
        height, width = image.shape[:2]
        track = PoseTrack(
            pose=PoseSequence.from_observations(seen, times, frame_size=(width, height)),
            n_people=np.array([np.nan if one.n_people is None else one.n_people for one in seen]),
            changed_person=np.array([one.changed_person for one in seen]),
            images=statistics.result(),
        )
        return judge_quality(track, filter_by_visibility(track.pose), exercise=exercise, source=source.info)


@pytest.fixture(scope="module")
def clips(test_videos: Path, lite_bundle: None) -> Clips:
    return Clips(test_videos, ensure_bundle(PoseModel.LITE, folder=Settings.from_environment().models_dir))


def names(report: QualityReport) -> set[str]:
    return {problem.name for problem in report.problems}


def test_a_woman_walking_side_on_passes_every_check(clips: Clips) -> None:
    report = clips.judge(WALK, Exercise.WALK, first=20, last=70)
    assert names(report) - SWAPS == set()
    assert report.verdict is not QualityVerdict.UNUSABLE


def test_the_same_walk_is_no_jump(clips: Clips) -> None:
    report = clips.judge(WALK, Exercise.JUMP, first=20, last=70)
    assert names(report) - SWAPS == {"movement_recognised"}


@pytest.mark.parametrize("exercise", list(Exercise))
def test_jumping_jacks_are_none_of_the_exercises(clips: Clips, exercise: Exercise) -> None:
    report = clips.judge(JACKS, exercise, last=75)
    assert report.verdict is QualityVerdict.UNUSABLE
    assert names(report) == {"movement_recognised"} | SWAPS


@pytest.mark.parametrize("exercise", list(Exercise))
def test_a_jump_down_from_a_height_is_none_of_the_exercises(clips: Clips, exercise: Exercise) -> None:
    assert "movement_recognised" in names(clips.judge(JUMP_DOWN, exercise, last=54))


def test_a_seated_man_filmed_at_20_frames_a_second_is_no_bend(clips: Clips) -> None:
    report = clips.judge(SEATED, Exercise.TOUCH_TOES, last=60)
    assert names(report) == {"frame_rate", "movement_recognised"}


def test_two_people_are_unusable_unless_the_largest_is_wanted(clips: Clips) -> None:
    report = clips.judge(DEMO, Exercise.WALK, first=45, last=105)
    assert report.verdict is QualityVerdict.UNUSABLE
    assert names(report) & {"only_one_person", "same_person"}


@pytest.mark.parametrize(
    ("spoil", "named"),
    [
        (lambda image, _: (image * 0.25).astype(np.uint8), "light"),
        (lambda image, _: ndimage.uniform_filter(image, (15, 15, 1)), "sharpness"),
        (lambda image, n: np.roll(image, round(40 * np.sin(n)), axis=1), "camera_still"),
        (lambda image, _: image[: int(0.62 * image.shape[0])], "whole_body_in_frame"),
        (lambda image, _: np.rot90(image), "upright"),
        (lambda image, _: image[::3, ::3], "large_enough"),
        (lambda image, _: image, "frame_rate"),
    ],
    ids=["dark", "blurred", "shaken", "cut off at the knees", "on its side", "small", "10 frames a second"],
)
def test_a_spoilt_walk_is_named_for_what_spoils_it(clips: Clips, spoil: Spoil, named: str) -> None:
    every = 3 if named == "frame_rate" else 1
    report = clips.judge(WALK, Exercise.WALK, first=40, last=80, spoil=spoil, every=every)
    assert named in names(report)


def test_a_frozen_picture_is_unusable(clips: Clips) -> None:
    first: list[Image] = []

    def freeze(image: Image, _: int) -> Image:
        first.append(image)
        return first[0]

    report = clips.judge(WALK, Exercise.WALK, first=60, last=105, spoil=freeze)
    assert report.verdict is QualityVerdict.UNUSABLE
    assert {"moving", "movement_recognised"} <= names(report)
