"""Say in plain words what spoils the picture now, by the quality checks of a recording. Knows nothing of drawing."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

import numpy as np

from backsight.domain.assessment import QualityCheck, QualityVerdict
from backsight.domain.recording import Exercise
from backsight.domain.sequences import Frame, ImageStatistics, PoseObservation, PoseSequence, PoseTrack
from backsight.pose import quality_person as person
from backsight.pose import quality_recording as recording
from backsight.pose.filtering import filter_by_visibility
from backsight.pose.quality_body import body_height
from backsight.video.statistics import SAMPLE_INTERVAL_S, ImageStatisticsCollector

WINDOW_S = 2.0
"""What was longer ago does not help to stand better now; others are looked for only twice a second."""
_MOST_SAMPLES = 600
"""Two minutes of image statistics; then a new reference for the camera's shift is taken."""
TOO_NEAR_SHARE = 0.9
"""A body that fills this share of the picture's height has no room to lift an arm or to jump: a choice."""
PART_MISSING_ABOVE = 0.3
"""Share of the window in which a part of the body is not seen from which it is named: a choice."""


@dataclass(frozen=True)
class Hint:
    """One thing to change, for the person in front of the camera."""

    name: str
    """The quality check that failed, e.g. `whole_body_in_frame`."""
    severity: QualityVerdict
    """What a recording like this would be: poor or unusable."""
    text: str
    """What is wrong and what to do, in a few words."""


class RecentFrames:
    """The last two seconds as the quality checks want them."""

    def __init__(self, frame_size: tuple[int, int]) -> None:
        self._frame_size = frame_size
        self._seen: deque[tuple[float, PoseObservation]] = deque()
        self._statistics = ImageStatisticsCollector()

    def push(self, seen: PoseObservation, *, timestamp_s: float) -> None:
        """Take the next frame's landmarks."""
        self._seen.append((timestamp_s, seen))
        while self._seen[0][0] < timestamp_s - WINDOW_S:
            self._seen.popleft()

    def look_at(self, frame: Frame) -> None:
        """Look at a picture itself; those that come faster than five a second are passed over."""
        self._statistics.add(frame)

    def hints(self, *, exercise: Exercise) -> tuple[Hint, ...]:
        """Return what to change, worst first; empty when the picture is good or there are too few frames to tell."""
        if len(self._seen) < 2:
            return ()
        times_s, observations = zip(*self._seen, strict=True)
        images = self._statistics.result()
        if len(images.timestamps_s) > _MOST_SAMPLES:
            self._statistics = ImageStatisticsCollector()
        track = PoseTrack(
            pose=PoseSequence.from_observations(observations, times_s, frame_size=self._frame_size),
            n_people=np.array([np.nan if seen.n_people is None else seen.n_people for seen in observations]),
            changed_person=np.zeros(len(observations), dtype=np.bool_),
            images=_last(images, seconds=WINDOW_S),
        )
        return find_hints(track, exercise=exercise)


def find_hints(track: PoseTrack, *, exercise: Exercise) -> tuple[Hint, ...]:
    """Run the checks that a few seconds can answer and put what fails into plain words, worst first.

    Parameters
    ----------
    track
        The last seconds, unfiltered.
    exercise
        Decides whether hands must be in the picture.
    """
    checks = [recording.check_light(track.images), recording.check_sharpness(track.images)]
    found = person.check_person_found(track)
    checks.append(found)
    if track.pose.has_person.any():
        checks += [
            person.check_only_one_person(track, follow_largest=False),
            person.check_whole_body(track, exercise=exercise),
            person.check_upright(track),
            person.check_large_enough(track, filter_by_visibility(track.pose)),
            recording.check_camera_still(track.images),
        ]
    failed = sorted(
        (check for check in checks if check.verdict is not QualityVerdict.GOOD), key=lambda c: -c.verdict.severity
    )
    return tuple(Hint(c.name, c.verdict, _in_plain_words(c, track, exercise=exercise)) for c in failed)


_WORDS = {
    "only_one_person": "Somebody else is in view: be alone in the picture",
    "upright": "The picture lies on its side: turn the camera",
    "large_enough": "Too far away: come closer",
    "sharpness": "Blurred: clean or focus the lens, more light",
    "camera_still": "The camera moves: put it on something firm",
}


def _in_plain_words(check: QualityCheck, track: PoseTrack, *, exercise: Exercise) -> str:
    match check.name:
        case "person_found":
            return "Nobody is seen: step into the picture" if check.value < person.FOUND_USABLE else "Stay in view"
        case "whole_body_in_frame":
            return _what_is_cut_off(track, exercise=exercise)
        case "light":
            return _light(check)
    return _WORDS[check.name]


def _what_is_cut_off(track: PoseTrack, *, exercise: Exercise) -> str:
    pose = track.pose
    seen = person.find_parts(pose, exercise=exercise)
    missing = [name for name, part in seen.items() if 1.0 - part[pose.has_person].mean() > PART_MISSING_ABOVE]
    height_px = body_height(pose.image_px[:, :, :2])
    remedy = (
        "too near, step back" if height_px > TOO_NEAR_SHARE * pose.frame_size[1] else "step back or turn the camera"
    )
    if not missing:
        return f"Not all of you is in the picture: {remedy}"
    named = missing[0] if len(missing) == 1 else f"{', '.join(missing[:-1])} and {missing[-1]}"
    return f"{named.capitalize()} not seen: {remedy}"


def _light(check: QualityCheck) -> str:
    darkest, brightest = recording.BRIGHTNESS_GOOD
    if check.value < darkest:
        return "Too dark: more light from the front"
    return "Too bright: less light" if check.value > brightest else "Too little contrast: more light, other clothes"


def _last(images: ImageStatistics, *, seconds: float) -> ImageStatistics:
    if not len(images.timestamps_s):
        return images
    recent = images.timestamps_s > images.timestamps_s[-1] - seconds - SAMPLE_INTERVAL_S
    return ImageStatistics(
        timestamps_s=images.timestamps_s[recent],
        brightness=images.brightness[recent],
        contrast=images.contrast[recent],
        sharpness=images.sharpness[recent],
        camera_shift=images.camera_shift[recent],
    )
