"""Quality of what is in the picture: a person, one person, whole, upright, large enough. Knows nothing of images."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from backsight.domain.assessment import QualityCheck, QualityVerdict
from backsight.domain.landmarks import Landmark
from backsight.domain.recording import Exercise
from backsight.domain.sequences import PoseSequence, PoseTrack
from backsight.pose.quality_body import body_height, known_frames, legs_tilt_deg, measured_height, median, mid_hips
from backsight.pose.quality_grading import build_check, grade_at_least, grade_at_most, percent, worst_of

FOUND_GOOD = 0.9
"""Share of the frames with a person. A walker who enters and leaves the picture is absent for a few per cent."""
FOUND_USABLE = 0.5
"""Below half, what is missing outweighs what is seen."""

WHOLE_GOOD = 0.85
"""Share of the frames with the whole body. A walker is cut by the picture's edge while entering and leaving."""
WHOLE_USABLE = 0.5
"""Paper, section III-B: the whole body has to be in the frame; here at least in most frames."""
PART_SEEN_FROM = 0.5
"""A part of the body is in the picture where visibility and presence are at least this. Where a person is cut off,
BlazePose goes on inventing legs, some inside the picture: with the shanks cut off a real walker, ankles fall from
a visibility of 0.97 to 0.40 and from a presence of 1.00 to 0.19 (lite)."""

LOOK_INTERVAL_S = 0.5
"""Looks are counted by intervals of this length: an estimator that looks in every frame while it has lost somebody, and
twice a second otherwise, does not thereby outvote itself."""
CROWDED_UNUSABLE = 0.2
"""Share of the looks that see two people or more from which the landmarks may well be another person's."""
CROWDED_LOOKS_MIN = 2
"""One single look may be a false alarm: it makes the recording poor, not unusable."""

JUMP_BODY_HEIGHTS = 0.5
"""Hips that move this far, in body heights, between two sightings ..."""
JUMP_BODY_HEIGHTS_PER_S = 6.0
"""... and this fast belong to another body: 10 m/s. The fastest real one, a man falling off a roof, reaches 3.7."""
STRAY_GOOD = 0.0
"""Share of the frames spent away from the body that is followed longest; a good recording has none."""
STRAY_USABLE = 0.1
"""Up to a tenth a false sighting, mostly at the start, does not carry the index."""

UPRIGHT_BELOW_DEG = 45.0
"""Half-way to lying. Standing, bending, walking and sitting people have their feet below their hips in the median
frame (0 to 20 degrees on real clips); in a picture lying on its side the median is 93."""

HEIGHT_GOOD_PX = 150.0
"""BlazePose reads the body at about 200 pixels. A real walk scaled down to a body of 174 pixels has its trunk and legs
0.8 cm off in the median, no more than noise; at 121 pixels 1.4 cm, at 85 pixels 2.1 cm."""
HEIGHT_USABLE_PX = 75.0
"""At half of that one pixel is already 2.3 cm."""
HEIGHT_GOOD_SHARE = 0.18
"""Body height as a share of the picture's longer side. The person detector reads the picture at 224 pixels, and of a
walker it lost half the frames at 0.17 and all of them at 0.11, while 0.22 and more lost none."""

_PARTS: dict[str, tuple[Landmark, ...]] = {
    "head": (Landmark.NOSE, Landmark.LEFT_EAR, Landmark.RIGHT_EAR),
    "hips": (Landmark.LEFT_HIP, Landmark.RIGHT_HIP),
    "knees": (Landmark.LEFT_KNEE, Landmark.RIGHT_KNEE),
    "ankles": (Landmark.LEFT_ANKLE, Landmark.RIGHT_ANKLE),
    "feet": (Landmark.LEFT_HEEL, Landmark.RIGHT_HEEL, Landmark.LEFT_FOOT_INDEX, Landmark.RIGHT_FOOT_INDEX),
}
_HANDS = (Landmark.LEFT_WRIST, Landmark.RIGHT_WRIST)


def check_person_found(track: PoseTrack) -> QualityCheck:
    """Judge the share of frames in which a person was found."""
    found = track.pose.has_person
    share = float(found.mean()) if found.size else 0.0
    return build_check(
        "person_found",
        "Person found",
        grade_at_least(share, good=FOUND_GOOD, usable=FOUND_USABLE),
        value=share,
        unit="share of frames",
        finding=f"a person is found in {percent(share)} of the frames",
        tip=(
            "Stay in the picture from start to end, large enough and well lit, or cut the empty part off "
            "(--start, --end)."
        ),
    )


def check_only_one_person(track: PoseTrack, *, follow_largest: bool) -> QualityCheck:
    """Judge whether somebody else was in view; an index of the wrong person is the worst failure there is."""
    n_looks, n_crowded = _count_looks(track)
    share = n_crowded / n_looks if n_looks else float("nan")
    n_changes = int(track.changed_person.sum())

    verdict = QualityVerdict.GOOD
    if n_crowded or n_changes:
        verdict = QualityVerdict.POOR
    substantial = n_crowded >= CROWDED_LOOKS_MIN and share >= CROWDED_UNUSABLE
    if (substantial or (n_crowded and n_changes)) and not follow_largest:
        verdict = QualityVerdict.UNUSABLE

    if not n_looks:
        finding = "other people were not looked for"
    elif n_crowded:
        finding = f"more than one person in {n_crowded} of {n_looks} looks ({percent(share)})"
        finding += ", the largest is followed" if follow_largest else ""
    else:
        finding = f"nobody else in {n_looks} looks"
    if n_changes:
        finding += f"; the person was lost and taken up anew {_times(n_changes)}"
    return build_check(
        "only_one_person",
        "Only one person",
        verdict,
        value=share,
        unit="share of looks",
        finding=finding,
        tip=(
            "Record alone, or cut the others away (--crop, --start, --end); the largest person in view can also be "
            "accepted (--follow-largest)."
        ),
    )


def _count_looks(track: PoseTrack) -> tuple[int, int]:
    """Return in how many intervals somebody was seen by a look, and in how many of these more than one person."""
    somebody = track.n_people >= 1
    intervals = np.floor(track.pose.timestamps_s / LOOK_INTERVAL_S)
    crowded = track.n_people > 1
    return len(np.unique(intervals[somebody])), len(np.unique(intervals[crowded]))


def check_same_person(track: PoseTrack) -> QualityCheck:
    """Judge whether the landmarks stay on one body: hips that leap faster than anyone moves are somebody else's."""
    run_lengths = _unbroken_runs(track.pose)
    n_seen = int(run_lengths.sum())
    stray = 1.0 - float(run_lengths.max()) / n_seen if n_seen else float("nan")
    n_leaps = max(len(run_lengths) - 1, 0)
    finding = "the landmarks stay on one body"
    if n_leaps:
        finding = f"the landmarks leap to another body {_times(n_leaps)}, away from the first in {percent(stray)}"
    elif not n_seen:
        finding = "could not be measured: the hips are never seen"
    return build_check(
        "same_person",
        "Same person throughout",
        grade_at_most(stray, good=STRAY_GOOD, usable=STRAY_USABLE),
        value=stray,
        unit="share of frames",
        finding=finding,
        tip="Record alone and before a plain background, or cut to one person (--crop, --start, --end).",
    )


def _unbroken_runs(pose: PoseSequence) -> NDArray[np.intp]:
    """Return how many frames each unbroken stretch between two leaps of the hips holds; shape (n_leaps + 1,)."""
    hips = mid_hips(pose.image_px[:, :, :2])
    frames = known_frames(hips)
    if not frames.size:
        return np.zeros(0, dtype=np.intp)
    moved = np.linalg.norm(np.diff(hips[frames], axis=0), axis=1) / body_height(pose.image_px[:, :, :2])
    elapsed_s = np.diff(pose.timestamps_s[frames])
    leaps = (moved > JUMP_BODY_HEIGHTS) & (moved / elapsed_s > JUMP_BODY_HEIGHTS_PER_S)
    edges = np.concatenate(([0], np.flatnonzero(leaps) + 1, [frames.size]))
    return np.diff(edges)


def check_whole_body(track: PoseTrack, *, exercise: Exercise | None) -> QualityCheck:
    """Judge the share of frames with a person in which every part of the body is inside the picture and seen.

    Of each part the better seen side counts, because from the side a body hides its far half. Hands count only where
    they carry the measurement, in touching the toes.
    """
    pose = track.pose
    present = pose.has_person
    seen = {name: part[present] for name, part in find_parts(pose, exercise=exercise).items()}
    n_present = int(present.sum())
    whole = np.logical_and.reduce(list(seen.values()))
    share = float(whole.mean()) if n_present else float("nan")
    missing = sorted(((1.0 - float(part.mean()), name) for name, part in seen.items() if not part.all()), reverse=True)

    finding = f"the whole body is in the picture in {percent(share)} of the frames" if n_present else "nobody is seen"
    if missing:
        listed = ", ".join(f"{name} {percent(out)}" for out, name in missing[:3])
        finding += f"; cut off or hidden: {listed}"
    return build_check(
        "whole_body_in_frame",
        "Whole body in the picture",
        grade_at_least(share, good=WHOLE_GOOD, usable=WHOLE_USABLE),
        value=share,
        unit="share of frames",
        finding=finding,
        tip="Step back or turn the camera so that head, hands and feet stay inside the picture all the time.",
    )


def find_parts(pose: PoseSequence, *, exercise: Exercise | None) -> dict[str, NDArray[np.bool_]]:
    """Return for each part of the body that `exercise` needs where it is in the picture and seen; shape (n_frames,)."""
    found = {name: _part_seen(pose, part) for name, part in _PARTS.items()}
    if exercise is Exercise.TOUCH_TOES:
        found["hands"] = _part_inside(pose, _HANDS)
    return found


def _part_inside(pose: PoseSequence, part: tuple[Landmark, ...]) -> NDArray[np.bool_]:
    """Return for each frame whether any landmark of the part lies within the picture's edges; shape (n_frames,)."""
    return np.asarray(_inside(pose)[:, list(part)].any(axis=1))


def _part_seen(pose: PoseSequence, part: tuple[Landmark, ...]) -> NDArray[np.bool_]:
    """Return for each frame whether any landmark of the part is inside, visible and present; shape (n_frames,)."""
    sure = (pose.visibility >= PART_SEEN_FROM) & (pose.presence >= PART_SEEN_FROM)
    return np.asarray((_inside(pose) & sure)[:, list(part)].any(axis=1))


def _inside(pose: PoseSequence) -> NDArray[np.bool_]:
    """Return where a landmark lies within the picture's edges; shape (n_frames, 33)."""
    position = pose.image_px[:, :, :2]
    return np.asarray(((position >= 0) & (position <= np.array(pose.frame_size))).all(axis=2))


def check_upright(track: PoseTrack) -> QualityCheck:
    """Judge whether the feet are below the hips: a picture on its side makes every angle to the vertical wrong."""
    tilt_deg = median(legs_tilt_deg(track.pose))
    finding = f"the legs point {tilt_deg:.0f} degrees away from straight down in the median frame"
    if np.isnan(tilt_deg):
        finding = "could not be measured: hips and ankles are never seen"
    return build_check(
        "upright",
        "Picture upright",
        grade_at_most(tilt_deg, good=UPRIGHT_BELOW_DEG, usable=UPRIGHT_BELOW_DEG),
        value=tilt_deg,
        unit="degrees",
        finding=finding,
        tip="Turn the video so that the person stands upright in it, with the camera held level.",
    )


def check_large_enough(track: PoseTrack, filtered: PoseSequence) -> QualityCheck:
    """Judge the body's height in the picture; beyond 4 m a person is outside BlazePose's model card."""
    height_px = measured_height(filtered.image_px[:, :, :2])
    if np.isnan(height_px):
        height_px = measured_height(track.pose.image_px[:, :, :2])
    share = height_px / max(track.pose.frame_size)
    finding = f"the body is {height_px:.0f} pixels tall, {percent(share)} of the picture's longer side"
    if np.isnan(height_px):
        finding = "could not be measured: shoulders and hips are never seen"
    return build_check(
        "large_enough",
        "Person large enough",
        worst_of(
            grade_at_least(height_px, good=HEIGHT_GOOD_PX, usable=HEIGHT_USABLE_PX),
            grade_at_least(share, good=HEIGHT_GOOD_SHARE),
        ),
        value=height_px,
        unit="pixels",
        finding=finding,
        tip="Stand 2 to 4 metres from the camera, record at 1280 x 720 or more, or cut to the person (--crop).",
    )


def _times(count: int) -> str:
    return "once" if count == 1 else f"{count} times"
