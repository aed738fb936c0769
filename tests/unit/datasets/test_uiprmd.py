import numpy as np
import pytest

from backsight.datasets.uiprmd import read_uiprmd
from backsight.domain.landmarks import Landmark
from backsight.errors import InputError
from tests.unit.datasets.packs import write_uiprmd


def test_correct_is_best_and_the_left_is_on_the_picture_s_right(tmp_path):
    study = read_uiprmd(write_uiprmd(tmp_path))
    correct, incorrect = study.clips
    assert (correct.subject, correct.exercise, correct.score) == ("s03", "m01", 1.0)
    assert incorrect.score == 0.0
    assert study.scale.is_binary
    assert study.scale.to_index(correct.score) == 0.0
    assert str(correct.found_by) == "Kinect v2"
    world, image = correct.pose.world_m[0], correct.pose.image_px[0]
    # Half a metre above hips that are 0.9 m above the floor; toes 10 cm nearer to the camera and 84 cm below them.
    np.testing.assert_allclose(world[Landmark.LEFT_SHOULDER], [0.16, -0.5, 0.0], atol=1e-4)
    np.testing.assert_allclose(world[Landmark.RIGHT_SHOULDER], [-0.16, -0.5, 0.0], atol=1e-4)
    np.testing.assert_allclose(world[Landmark.LEFT_FOOT_INDEX], [0.08, 0.84, -0.1], atol=1e-4)
    # The camera is 1 m above the floor and 2.4 m away: the shoulder is 0.16 m to its right and 0.4 m above it.
    focal_px = 1081.37 * 2 / 3
    expected = [640 + focal_px * 0.16 / 2.4, 360 - focal_px * 0.4 / 2.4]
    np.testing.assert_allclose(image[Landmark.LEFT_SHOULDER, :2], expected, atol=0.05)
    assert np.isnan(world[Landmark.LEFT_HEEL]).all()
    assert correct.pose.visibility[0, Landmark.LEFT_HEEL] == 0.0


def test_a_repetition_is_no_session_so_that_a_number_puts_no_correct_and_incorrect_clips_together(tmp_path):
    # Both repetitions of the pack are number 1 of their kind.
    study = read_uiprmd(write_uiprmd(tmp_path))
    assert [clip.session for clip in study.clips] == ["", ""]
    assert [clip.name for clip in study.clips] == ["s03 m01 correct 01", "s03 m01 incorrect 01"]


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"correct": np.array([1, 2])}, "`rep` and `correct` "),
        ({"rep": np.array([1])}, "`rep` and `correct` "),
        ({"xyz_i16": np.zeros((4, 25, 3), np.int16)}, r"`xyz_i16` must have shape \(n, 22, 3\)"),
        ({"scale_cm": None}, "expected arrays .*scale_cm"),
        ({"offsets": np.array([0, 2, 3])}, "`offsets` must rise from 0 to 4"),
    ],
)
def test_a_pack_of_another_layout_is_one_message(tmp_path, changes, expected):
    with pytest.raises(InputError, match=rf"uiprmd_kinect_m01\.npz: {expected}"):
        read_uiprmd(write_uiprmd(tmp_path, **changes))


def test_no_pack_is_one_message(tmp_path):
    with pytest.raises(InputError, match=r"uiprmd_kinect_m\*\.npz in this folder, found none"):
        read_uiprmd(tmp_path)
