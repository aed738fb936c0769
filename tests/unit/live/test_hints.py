"""What spoils the picture now, in words that help."""

from dataclasses import replace

import numpy as np
import pytest

from backsight.domain.assessment import QualityVerdict
from backsight.domain.landmarks import Landmark
from backsight.domain.recording import Exercise
from backsight.domain.sequences import ImageStatistics, PoseSequence, PoseTrack
from backsight.live.hints import RecentFrames, find_hints
from tests.assessments import make_pose
from tests.unit.live.test_running import observations

GOOD = make_pose(n_frames=60, hidden=(), nobody=(0, 0), flexion_deg=5.0)


def images(*, brightness: float = 120.0, contrast: float = 50.0) -> ImageStatistics:
    same = np.ones(10)
    return ImageStatistics(np.arange(10) / 5.0, brightness * same, contrast * same, 2000.0 * same, 0.0 * same)


def hints_of(
    pose: PoseSequence = GOOD, *, people: float = 1.0, statistics: ImageStatistics | None = None
) -> list[tuple[str, str]]:
    track = PoseTrack(
        pose,
        n_people=np.full(pose.n_frames, people),
        changed_person=np.zeros(pose.n_frames, dtype=np.bool_),
        images=images() if statistics is None else statistics,
    )
    return [(hint.name, hint.text) for hint in find_hints(track, exercise=Exercise.TOUCH_TOES)]


def without(pose: PoseSequence, *marks: Landmark) -> PoseSequence:
    visibility = pose.visibility.copy()
    visibility[:, list(marks)] = 0.1
    return replace(pose, visibility=visibility)


FEET = (Landmark.LEFT_HEEL, Landmark.RIGHT_HEEL, Landmark.LEFT_FOOT_INDEX, Landmark.RIGHT_FOOT_INDEX)


def test_a_good_picture_needs_no_hint() -> None:
    assert hints_of() == []


def test_parts_that_are_cut_off_are_named() -> None:
    assert hints_of(without(GOOD, *FEET)) == [("whole_body_in_frame", "Feet not seen: step back or turn the camera")]


def test_somebody_too_near_is_told_to_step_back() -> None:
    near = replace(GOOD, image_px=(GOOD.image_px - (640, 360, 0)) * 2.5 + (640, 360, 0))
    assert "too near, step back" in dict(hints_of(near))["whole_body_in_frame"]


def test_somebody_too_far_is_told_to_come_closer() -> None:
    far = replace(GOOD, image_px=(GOOD.image_px - (640, 360, 0)) * 0.3 + (640, 360, 0))
    assert ("large_enough", "Too far away: come closer") in hints_of(far)


@pytest.mark.parametrize(("brightness", "word"), [(20.0, "Too dark"), (240.0, "Too bright")])
def test_light_is_named(brightness: float, word: str) -> None:
    assert dict(hints_of(statistics=images(brightness=brightness)))["light"].startswith(word)


def test_a_second_person_is_named() -> None:
    assert dict(hints_of(people=2.0))["only_one_person"].startswith("Somebody else is in view")


def test_an_empty_picture_has_one_thing_to_say_of_the_person() -> None:
    assert hints_of(make_pose(n_frames=60, nobody=(0, 60))) == [
        ("person_found", "Nobody is seen: step into the picture")
    ]


def test_what_was_longer_than_two_seconds_ago_is_forgotten() -> None:
    recent = RecentFrames((1280, 720))
    empty = make_pose(n_frames=90, nobody=(0, 90))
    for number, seen in enumerate(observations(empty)):
        recent.push(seen, timestamp_s=number / 30.0)
    assert [hint.severity for hint in recent.hints(exercise=Exercise.WALK)] == [QualityVerdict.UNUSABLE]
    for number, seen in enumerate(observations(make_pose(n_frames=62, nobody=(0, 0), hidden=())), start=90):
        recent.push(seen, timestamp_s=number / 30.0)
    assert recent.hints(exercise=Exercise.WALK) == ()
