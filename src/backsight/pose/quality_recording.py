"""Quality of the recording itself: clock, light, sharpness, camera, length. Knows nothing of where the person is."""

from __future__ import annotations

import numpy as np

from backsight.domain.assessment import QualityCheck, QualityVerdict
from backsight.domain.recording import EXERCISE_LIMIT_S, Exercise, SourceInfo
from backsight.domain.sequences import ImageStatistics, PoseTrack
from backsight.pose.quality_body import centile, median
from backsight.pose.quality_grading import build_check, grade_at_least, grade_at_most, percent, worst_of

FPS_GOOD = 23.5
"""Cameras and films run at 23.976 frames a second or more; the paper records at 30."""
FPS_USABLE = 12.0
"""Twice the 6 Hz below which 99.7 % of the power of walking lies (Winter 2009): slower, steps are not resolved."""

FRAME_MISSING_FROM = 1.5
"""Frames are missing where a step of the clock is longer than this many usual steps; variable rates vary less."""
MISSING_GOOD = 0.05
"""Share of the frames that may be missing: single ones are bridged."""
MISSING_USABLE = 0.4
"""A sixty-forty mixture of seen and invented is no recording of the movement any more."""
LONGEST_GAP_GOOD_S = 0.25
"""Longer gaps are left open by `fill_short_gaps`."""

BRIGHTNESS_GOOD = (40.0, 225.0)
"""Mean luma of 255. Real clips have 109 to 150; darkened to 55 BlazePose (lite) works as before, at 13 and 255 it finds
nobody, at 237 it loses a quarter of the frames."""
BRIGHTNESS_USABLE_FROM = 10.0
"""Practically black: between 7 and 9 nobody was found in any clip."""
CONTRAST_GOOD_FROM = 12.0
"""Standard deviation of luma. Real clips have 33 to 60; flattened to 10 BlazePose loses a third of the frames."""

EDGES_GOOD_FROM = 0.06
"""Variance of the Laplacian over variance of luma, so that a dark picture is not taken for a blurred one. Sharp clips
have 0.2 to 1.1. A walk blurred to 0.34 has its trunk and legs 1.3 cm off in the median, blurred to 0.05 2.6 cm and in a
tenth of the readings over 8, and at 0.005 BlazePose (lite) loses half of the frames."""

SHIFT_GOOD = 0.01
"""Shift of the background as a share of the picture's width: 5 cm at the 4 to 5 m that a walk's picture spans. Clips
from a tripod have under 0.001."""
SHIFT_SAMPLES_FROM = 0.5
"""Share of the samples in which the shift has to be measurable for a camera to be called still; the first sample always
is, and is 0. Of 164 films of drawn people before a steady camera (seed 7001) at least 0.86 of the samples are, of 12
before one that turns by 2 to 4 degrees 0.05 to 0.61."""

NEEDED_S = {Exercise.TOUCH_TOES: 2.0, Exercise.WALK: 1.4, Exercise.JUMP: 1.0}
"""Shortest time in which each exercise can be done: bending down and up takes 2.28 s (Laird 2019), 2 m take 1.40 s at
1.43 m/s (Bohannon 2011), and a jump needs about half a second each for dip and flight."""
LENGTH_TOLERANCE_S = 0.5
"""A recording cut to 60 s by hand may be off by this much."""

NOT_MEASURED = "could not be measured: the source gives no pictures to look at"


def check_frame_rate(track: PoseTrack, source: SourceInfo) -> QualityCheck:
    """Judge the usual step of the clock; the container's own claim is mentioned where it differs."""
    fps = 1.0 / median(np.diff(track.pose.timestamps_s))
    finding = f"{fps:.1f} frames a second" if np.isfinite(fps) else "could not be measured: fewer than two frames"
    if abs(source.fps - fps) > 0.1 * fps:
        finding += f" (the file claims {source.fps:.1f})"
    return build_check(
        "frame_rate",
        "Frame rate",
        grade_at_least(fps, good=FPS_GOOD, usable=FPS_USABLE),
        value=fps,
        unit="frames/s",
        finding=finding,
        tip="Record at 30 frames a second or more, in good light: many cameras slow down in the dark.",
    )


def check_no_frames_missing(track: PoseTrack) -> QualityCheck:
    """Judge holes in the clock, and the frames that a live source had to drop."""
    steps_s = np.diff(track.pose.timestamps_s)
    usual_s = median(steps_s)
    n_usual = np.round(steps_s / usual_s)
    n_skipped = float((n_usual - 1)[steps_s > FRAME_MISSING_FROM * usual_s].sum()) if steps_s.size else 0.0
    n_missing = max(n_skipped, float(track.n_dropped))
    share = n_missing / (track.pose.n_frames + n_missing) if steps_s.size else float("nan")
    longest_s = float(steps_s.max()) if steps_s.size else float("nan")

    finding = "no frame is missing"
    if n_missing:
        finding = f"{percent(share)} of the frames are missing, the longest gap lasts {longest_s:.2f} s"
    if not steps_s.size:
        finding = "could not be measured: fewer than two frames"
    return build_check(
        "no_frames_missing",
        "No frames missing",
        worst_of(
            grade_at_most(share, good=MISSING_GOOD, usable=MISSING_USABLE),
            grade_at_most(longest_s, good=max(LONGEST_GAP_GOOD_S, FRAME_MISSING_FROM * usual_s)),
        ),
        value=share,
        unit="share of frames",
        finding=finding,
        tip="Close other programs while recording, or record to a file first and assess the file.",
    )


def check_light(images: ImageStatistics) -> QualityCheck:
    """Judge mean brightness and contrast of the whole picture."""
    brightness, contrast = median(images.brightness), median(images.contrast)
    darkest, brightest = BRIGHTNESS_GOOD
    verdict = worst_of(
        grade_at_least(brightness, good=darkest, usable=BRIGHTNESS_USABLE_FROM),
        grade_at_most(brightness, good=brightest),
        grade_at_least(contrast, good=CONTRAST_GOOD_FROM),
    )
    if np.isnan(brightness):
        finding = NOT_MEASURED
    elif verdict is QualityVerdict.GOOD:
        finding = f"mean brightness {brightness:.0f} of 255, contrast {contrast:.0f}"
    else:
        fault = "too dark" if brightness < darkest else "too bright" if brightness > brightest else "too flat"
        finding = f"the picture is {fault}: mean brightness {brightness:.0f} of 255, contrast {contrast:.0f}"
    return build_check(
        "light",
        "Light",
        verdict,
        value=brightness,
        unit="of 255",
        finding=finding,
        tip="Light the person evenly from the front, with no window or lamp behind and clothes unlike the background.",
    )


def check_sharpness(images: ImageStatistics) -> QualityCheck:
    """Judge whether the picture is in focus."""
    contrast = images.contrast
    edges = median(images.sharpness[contrast > 0] / contrast[contrast > 0] ** 2)
    finding = f"edges are {edges:.2g} of the contrast, {EDGES_GOOD_FROM:.2g} or more is sharp"
    if np.isnan(edges):
        finding = "could not be measured: the pictures are blank" if contrast.size else NOT_MEASURED
    return build_check(
        "sharpness",
        "Sharpness",
        grade_at_least(edges, good=EDGES_GOOD_FROM),
        value=edges,
        unit="edges per contrast",
        finding=finding,
        tip="Clean the lens, let the camera focus on the person, and use more light against motion blur.",
    )


def check_camera_still(images: ImageStatistics) -> QualityCheck:
    """Judge how far the background moved since the first sample."""
    measured = np.isfinite(images.camera_shift)
    share = float(measured.mean()) if measured.size else 0.0
    shift = centile(np.abs(images.camera_shift), 95)
    # A camera that shakes hard leaves few pictures that can be compared; those that can be show it all the same.
    if share < SHIFT_SAMPLES_FROM and not shift > SHIFT_GOOD:
        shift = float("nan")
    finding = f"the background shifts by up to {100 * shift:.1f} % of the picture's width"
    if np.isnan(shift):
        finding = (
            NOT_MEASURED if not images.camera_shift.size else "could not be measured: the background shows too little"
        )
    return build_check(
        "camera_still",
        "Camera still",
        grade_at_most(shift, good=SHIFT_GOOD),
        value=shift,
        unit="share of the width",
        finding=finding,
        tip="Put the camera on a tripod or a shelf; do not follow the person with it.",
    )


def check_length(track: PoseTrack, *, exercise: Exercise) -> QualityCheck:
    """Judge the recording's length against what the exercise needs and may take."""
    duration_s, needed_s = track.pose.duration_s, NEEDED_S[exercise]
    finding = f"{duration_s:.1f} s"
    if duration_s < needed_s:
        finding += f", shorter than the {needed_s:.1f} s that `{exercise.label}` takes"
    elif duration_s > EXERCISE_LIMIT_S + LENGTH_TOLERANCE_S:
        finding += f", longer than the exercise's {EXERCISE_LIMIT_S:.0f} s"
    return build_check(
        "length",
        "Length",
        worst_of(
            grade_at_least(duration_s, good=needed_s, usable=needed_s / 2),
            grade_at_most(duration_s, good=EXERCISE_LIMIT_S + LENGTH_TOLERANCE_S),
        ),
        value=duration_s,
        unit="s",
        finding=finding,
        tip="Record the exercise once, from standing still to standing still; cut the rest off (--start, --end).",
    )
