"""Judge whether a recording can carry a number, check by check. Knows nothing of files or models.

Each check says good, poor or unusable, what it measured and what to do when recording again. The report is as bad as
its worst check. Checks that could not be measured pass and say so; nothing is made up for them.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from backsight.domain.assessment import QualityReport
from backsight.domain.recording import Exercise, SourceInfo
from backsight.domain.sequences import PoseSequence, PoseTrack
from backsight.domain.validation import FloatArray
from backsight.errors import InvalidValueError
from backsight.pose import quality_landmarks as landmarks
from backsight.pose import quality_person as person
from backsight.pose import quality_recording as recording
from backsight.pose.filtering import VISIBILITY_THRESHOLD
from backsight.pose.quality_movement import check_movement


def judge_quality(
    track: PoseTrack,
    filtered: PoseSequence,
    *,
    exercise: Exercise | None,
    source: SourceInfo,
    follow_largest: bool = False,
) -> QualityReport:
    """Return the verdict on a recording with every check, those passed included.

    Parameters
    ----------
    track
        The recording as the pose estimator saw it.
    filtered
        The same landmarks after `filter_by_visibility`, gaps bridged or not.
    exercise
        What the person was asked to do; None = not known, and the checks of length and movement are left out.
    source
        What the container says of itself.
    follow_largest
        True when the user accepts that others are in view and the largest person is followed; others in view then
        make the recording poor instead of unusable. Landmarks that leap between bodies stay unusable.

    Raises
    ------
    InvalidValueError
        When there is no frame at all, or `filtered` has another number of frames than `track`.
    """
    if track.pose.n_frames == 0 or filtered.n_frames != track.pose.n_frames:
        raise InvalidValueError(
            f"`filtered` must hold the {track.pose.n_frames} frames of `track`, at least one, got {filtered.n_frames}"
        )
    finite = replace(track, pose=_without_infinities(track.pose))
    kept = _without_infinities(filtered)
    return QualityReport(
        (
            person.check_person_found(finite),
            person.check_only_one_person(track, follow_largest=follow_largest),
            person.check_same_person(finite),
            person.check_whole_body(finite, exercise=exercise),
            person.check_upright(finite),
            person.check_large_enough(finite, kept),
            landmarks.check_landmarks_finite(track, visible_from=VISIBILITY_THRESHOLD),
            landmarks.check_confidence(finite, kept),
            landmarks.check_body_size(finite),
            landmarks.check_left_right_swaps(kept),
            landmarks.check_moving(finite),
            recording.check_light(track.images),
            recording.check_sharpness(track.images),
            recording.check_camera_still(track.images),
            recording.check_frame_rate(track, source),
            recording.check_no_frames_missing(track),
            *(
                ()
                if exercise is None
                else (recording.check_length(track, exercise=exercise), check_movement(kept, exercise=exercise))
            ),
        )
    )


def _without_infinities(pose: PoseSequence) -> PoseSequence:
    """Return the sequence with infinite positions missing, so that the geometry is spared them."""

    def finite(positions: FloatArray) -> FloatArray:
        return np.where(np.isfinite(positions), positions, np.nan)

    return replace(pose, image_px=finite(pose.image_px), world_m=finite(pose.world_m))
