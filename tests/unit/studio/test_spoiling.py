"""Spoilt on purpose: what is said to go wrong goes wrong, and nothing else."""

import numpy as np
import pytest

from backsight.domain.landmarks import Landmark
from backsight.domain.recording import Exercise
from backsight.studio.filmed import Shot
from backsight.studio.spoiling import CUT_OFF_SHARE, TOO_FAR_HEIGHT_PX, Spoil

HEELS = [Landmark.LEFT_HEEL, Landmark.RIGHT_HEEL]


@pytest.mark.parametrize("subject_index", range(4))
def test_too_far_makes_the_person_small(subject_index: int) -> None:
    performance = Shot(subject_index, Exercise.JUMP, 2, spoil=Spoil.TOO_FAR).perform()
    seen_px = performance.camera.project(performance.figure.landmarks_m[0])
    low, high = TOO_FAR_HEIGHT_PX
    assert low <= seen_px[HEELS, 1].max() - seen_px[Landmark.NOSE, 1] <= high


@pytest.mark.parametrize("subject_index", range(4))
def test_cut_off_puts_the_feet_below_the_picture_and_leaves_the_rest_in(subject_index: int) -> None:
    performance = Shot(subject_index, Exercise.TOUCH_TOES, 2, spoil=Spoil.CUT_OFF).perform()
    camera = performance.camera
    seen_px = camera.project(performance.figure.landmarks_m[0])
    head_px, feet_px = seen_px[Landmark.NOSE, 1], seen_px[HEELS, 1].max()
    low, high = CUT_OFF_SHARE
    # Turning the camera changes the scale across the picture a little.
    assert 0.8 * low <= (feet_px - 720.0) / (feet_px - head_px) <= 1.3 * high
    assert 0.0 < head_px < 720.0
    np.testing.assert_allclose(camera.axes @ camera.axes.T, np.eye(3), atol=1e-12)


def test_the_wrong_exercise_is_said_to_be_the_right_one() -> None:
    shot = Shot(0, Exercise.JUMP, 2, spoil=Spoil.WRONG_EXERCISE)
    assert shot.exercise is Exercise.JUMP
    assert shot.perform().exercise is Exercise.TOUCH_TOES


def test_ten_frames_a_second_and_otherwise_the_same_movement() -> None:
    slow, usual = (Shot(0, Exercise.WALK, 2, spoil=spoil).perform() for spoil in (Spoil.SLOW, None))
    assert slow.fps == 10.0
    assert slow.volunteer == usual.volunteer
    assert slow.motion.timestamps_s[-1] == pytest.approx(usual.motion.timestamps_s[-1], abs=0.11)


@pytest.mark.parametrize("spoil", [None, Spoil.DARK, Spoil.TWO_PEOPLE, Spoil.SHAKY])
def test_what_the_setting_spoils_leaves_the_camera_alone(spoil: Spoil | None) -> None:
    spoilt, usual = (Shot(0, Exercise.WALK, 2, spoil=one).perform() for one in (spoil, None))
    assert spoilt.camera.focal_px == usual.camera.focal_px
    np.testing.assert_array_equal(spoilt.camera.axes, usual.camera.axes)
