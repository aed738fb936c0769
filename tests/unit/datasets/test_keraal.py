import os
from pathlib import Path

import numpy as np
import pytest

from backsight.datasets.keraal import (
    CHEST,
    HIPS,
    LEFT_SHOULDER,
    N_TARGETS,
    RIGHT_SHOULDER,
    KeraalSensor,
    read_keraal,
    read_keraal_study,
)
from backsight.datasets.keraal import turn_about_vertical_deg as turn_of
from backsight.domain.landmarks import Landmark
from backsight.errors import InputError
from tests.unit.datasets.packs import kinect_skeleton_m

TURN_DEG = np.linspace(0.0, 40.0, 21)


def about_z(turn_right_deg):
    """Quaternions (x, y, z, w) of turns to the right, clockwise from above."""
    half = np.radians(-np.asarray(turn_right_deg)) / 2.0
    return np.stack([0 * half, 0 * half, np.sin(half), np.cos(half)], axis=1)


def multiply(a, b):
    ax, ay, az, aw = a.T
    bx, by, bz, bw = b.T
    return np.stack(
        [
            aw * bx + ax * bw + ay * bz - az * by,
            aw * by - ax * bz + ay * bw + az * bx,
            aw * bz + ax * by - ay * bx + az * bw,
            aw * bw - ax * bx - ay * by - az * bz,
        ],
        axis=1,
    )


def write_pack(folder: Path, **changes) -> Path:
    """Write a person at the origin who faces +x, left at +y, and turns to the right by 40 degrees."""
    n = len(TURN_DEG)
    positions = np.zeros((n, N_TARGETS, 3), np.float32)
    turn = np.radians(TURN_DEG)
    # Facing (cos, -sin) after a turn to the right; the left shoulder is a quarter turn to the left of that.
    for row, side in ((LEFT_SHOULDER, 1.0), (RIGHT_SHOULDER, -1.0)):
        positions[:, row, 0], positions[:, row, 1] = 150.0 * side * np.sin(turn), 150.0 * side * np.cos(turn)
    quaternions = np.zeros((n, N_TARGETS, 4))
    quaternions[..., 3] = 1.0
    quaternions[:, CHEST] = about_z(0.8 * TURN_DEG)
    quaternions[:, HIPS] = about_z(0.1 * TURN_DEG)
    arrays = {
        "RTK_X/vicon_xyz_mm": positions,
        "RTK_X/vicon_quat_xyzw": np.round(quaternions * 32767).astype(np.int16),
    } | changes
    np.savez(folder / "keraal_g9_sub07.npz", **arrays)
    (folder / "keraal_RTK_X.avi").write_bytes(b"")
    return folder


def test_turns_to_the_right_are_positive_and_each_target_has_its_own(tmp_path):
    (clip,) = read_keraal(write_pack(tmp_path), videos=tmp_path)
    assert (clip.key, clip.exercise, clip.video.name) == ("RTK_X", "rotationTronc", "keraal_RTK_X.avi")
    np.testing.assert_allclose(clip.shoulder_line_deg, TURN_DEG, atol=0.01)
    np.testing.assert_allclose(clip.chest_deg, 0.8 * TURN_DEG, atol=0.01)
    np.testing.assert_allclose(clip.hips_deg, 0.1 * TURN_DEG, atol=0.01)


def test_the_way_a_target_is_fixed_to_the_body_does_not_matter():
    tilted = np.tile([0.2, -0.5, 0.3, 0.0], (len(TURN_DEG), 1))
    tilted[:, 3] = np.sqrt(1.0 - 0.38)
    np.testing.assert_allclose(turn_of(multiply(about_z(3.0 * TURN_DEG), tilted)), 3.0 * TURN_DEG, atol=1e-9)
    flipped = about_z(3.0 * TURN_DEG)
    flipped[::2] *= -1.0  # q and -q are the same rotation.
    np.testing.assert_allclose(turn_of(flipped), 3.0 * TURN_DEG, atol=1e-9)


def test_the_index_names_the_exercise_and_the_folder_above_will_do(tmp_path):
    (tmp_path / "keraal").mkdir()
    write_pack(tmp_path / "keraal")
    (tmp_path / "keraal/keraal_g9_sub07_index.csv").write_text("key,exercise\nRTK_X,cacheTete\n")
    (clip,) = read_keraal(tmp_path, videos=tmp_path / "keraal")
    assert clip.exercise == "cacheTete"


@pytest.mark.parametrize(
    ("index", "expected"),
    [
        ("clip,exercise\nRTK_X,cacheTete\n", "got: no column key"),
        ("key,exercise\nRTK_X,\n", "got: clip RTK_X without them"),
        ("key,exercise\n\xff", "expected a UTF-8 table"),
    ],
)
def test_an_index_of_another_layout_is_one_message(tmp_path, index, expected):
    write_pack(tmp_path)
    (tmp_path / "keraal_g9_sub07_index.csv").write_text(index, encoding="latin-1")
    with pytest.raises(InputError, match=rf"{expected}"):
        list(read_keraal(tmp_path, videos=tmp_path))


def test_films_without_motion_capture_are_left_out(tmp_path):
    write_pack(tmp_path)
    (tmp_path / "keraal_ELK_Y.avi").write_bytes(b"")
    assert [clip.key for clip in read_keraal(tmp_path, videos=tmp_path)] == ["RTK_X"]


def test_what_is_missing_is_named(tmp_path):
    (tmp_path / "empty").mkdir()
    write_pack(tmp_path)
    with pytest.raises(InputError, match=r"keraal_\*\.npz in this folder, found none"):
        list(read_keraal(tmp_path / "empty", videos=tmp_path))
    with pytest.raises(InputError, match=r"keraal_KEY\.avi"):
        list(read_keraal(tmp_path, videos=tmp_path / "empty"))
    (tmp_path / "keraal_RTK_X.avi").rename(tmp_path / "keraal_RTK_Z.avi")
    with pytest.raises(InputError, match=r"none of 1 films"):
        list(read_keraal(tmp_path, videos=tmp_path))


@pytest.mark.parametrize(
    "changes",
    [{"RTK_X/vicon_xyz_mm": np.zeros((21, 5, 3))}, {"RTK_X/vicon_quat_xyzw": np.zeros((20, N_TARGETS, 4))}],
)
def test_a_pack_of_another_layout_is_refused(tmp_path, changes):
    with pytest.raises(InputError, match=r"keraal_g9_sub07\.npz: expected"):
        list(read_keraal(write_pack(tmp_path, **changes), videos=tmp_path))


def test_the_published_pack_has_the_range_that_was_reported():
    data = Path(os.environ.get("BACKSIGHT_TEST_DATA", Path(__file__).parents[4] / "shared" / "data"))
    if not (data / "keraal").is_dir():
        pytest.skip(f"{data / 'keraal'} is not here")
    clips = {clip.key: clip for clip in read_keraal(data, videos=data / "video")}
    assert np.ptp(clips["RTK_Error1Bodypart3_0"].chest_deg) == pytest.approx(83.0, abs=1.0)
    assert clips["CTK_Correct0"].exercise == "cacheTete"


def write_study_pack(folder: Path, index: str, **changes) -> Path:
    """Write a clip of 2 frames as Kinect and BlazePose saw it."""
    blazepose = np.zeros((2, 33, 3), np.int16)
    blazepose[0, 11] = [12000, 10000, -2000]  # at 0.6 of the width and 0.5 of the height, 0.1 of the width nearer
    arrays = {
        "CTK_X/kinect": np.tile(np.round(kinect_skeleton_m() / 2e-4), (2, 1, 1)).astype(np.int16),
        "CTK_X/blazepose": blazepose,
    } | changes
    np.savez(folder / "keraal_g9_sub07.npz", **arrays)
    (folder / "keraal_g9_sub07_index.csv").write_text(index)
    return folder


INDEX = "key,exercise,label,error_bodypart,rep\nCTK_X,cacheTete,{},,4\n"


@pytest.mark.parametrize(("label", "score"), [("correct", 1.0), ("error", 0.0)])
def test_a_study_of_kinect_is_scored_by_the_index(tmp_path, label, score):
    study = read_keraal_study(write_study_pack(tmp_path, INDEX.format(label)))
    (clip,) = study.clips
    assert (clip.subject, clip.exercise, clip.session, clip.score) == ("g9_sub07", "cacheTete", "", score)
    assert study.scale.to_index(1.0) == 0.0
    assert str(clip.found_by) == "Kinect v2"
    np.testing.assert_allclose(clip.pose.world_m[0, Landmark.LEFT_SHOULDER], [0.2, -0.5, 0.0], atol=1e-9)
    assert clip.pose.timestamps_s[1] == pytest.approx(1 / 20)


def test_a_study_of_blazepose_knows_the_picture_only(tmp_path):
    folder = write_study_pack(tmp_path, INDEX.format("correct"))
    (clip,) = read_keraal_study(folder, sensor=KeraalSensor.BLAZEPOSE).clips
    np.testing.assert_allclose(clip.pose.image_px[0, Landmark.LEFT_SHOULDER], [576.0, 270.0, -96.0])
    assert np.isnan(clip.pose.world_m).all()
    assert np.isnan(clip.pose.image_px[1]).all()
    assert clip.pose.visibility.sum() == 1.0
    assert str(clip.found_by) == "not known"


@pytest.mark.parametrize(
    ("index", "changes", "expected"),
    [
        (INDEX.format("wrong"), {}, r"_index\.csv: expected .*clip CTK_X without them"),
        ("key,exercise\nCTK_X,cacheTete\n", {}, r"_index\.csv: expected .*label"),
        ("key,exercise,label\n", {}, "got: no clip"),
        (INDEX.format("error").replace("CTK_X", "CTK_Z"), {}, r"npz: expected arrays CTK_Z/kinect"),
        (INDEX.format("error"), {"CTK_X/kinect": np.zeros((2, 22, 3))}, r"CTK_X/kinect` must have shape \(n, 25, 3\)"),
    ],
)
def test_a_study_of_another_layout_is_one_message(tmp_path, index, changes, expected):
    with pytest.raises(InputError, match=expected):
        read_keraal_study(write_study_pack(tmp_path, index, **changes))


def test_a_study_without_its_index_is_one_message(tmp_path):
    write_study_pack(tmp_path, "").joinpath("keraal_g9_sub07_index.csv").unlink()
    with pytest.raises(InputError, match=r"keraal_g9_sub07_index\.csv: expected .*No such file"):
        read_keraal_study(tmp_path)
