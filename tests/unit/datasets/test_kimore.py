import numpy as np
import pytest

from backsight.datasets.kimore import read_kimore
from backsight.domain.landmarks import Landmark
from backsight.errors import InputError
from tests.unit.datasets.packs import KIMORE_TABLE, write_kimore


def test_clips_scores_groups_and_tracking_come_from_the_packs(tmp_path):
    study = read_kimore(write_kimore(tmp_path / "kimore").parent)
    scored, unscored = study.clips
    assert (scored.subject, scored.exercise, scored.group, scored.score) == ("A", "Es1", "Expert", 40.0)
    assert (unscored.subject, unscored.group, unscored.pose.n_frames) == ("B", "Stroke", 3)
    assert study.scored() == (scored,)
    assert (study.scale.best, study.scale.worst, study.may_ship) == (50.0, 0.0, False)
    assert "NE_ID2" not in study.source
    assert str(scored.found_by) == "Kinect v2"
    pose = scored.pose
    np.testing.assert_allclose(pose.timestamps_s, [0.0, 1 / 30])
    np.testing.assert_allclose(pose.world_m[0, Landmark.LEFT_SHOULDER], [0.2, -0.5, 0.0], atol=1e-9)
    # Inferred is kept by the filter's 0.6 and not as sure as tracked; not tracked is missing.
    assert 0.6 < pose.visibility[1, Landmark.LEFT_ELBOW] < pose.visibility[0, Landmark.LEFT_ELBOW] == 1.0
    assert np.isnan(pose.world_m[0, Landmark.LEFT_WRIST]).all()


def test_the_doubtful_label_counts_and_is_named(tmp_path):
    rows = "NE_ID2,NotExpert,Es1,2,41.0,14,27\nB,Stroke,Es1,3,nan,nan,nan\n"
    study = read_kimore(write_kimore(tmp_path, rows=rows, subject=np.array(["NE_ID2", "B"])))
    assert [clip.subject for clip in study.scored()] == ["NE_ID2"]
    assert "NE_ID2 is of doubtful provenance" in study.source


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"track": None}, r"kimore_Es1\.npz: expected arrays .*track"),
        ({"xyz_i16": np.zeros((5, 22, 3), np.int16)}, r"`xyz_i16` must have shape \(n, 25, 3\), got \(5, 22, 3\)"),
        ({"track": np.full((5, 25), 3, np.uint8)}, "`track` must hold 0, 1 or 2"),
        ({"track": np.full((4, 25), 2, np.uint8)}, "`track` must hold 0, 1 or 2 for each of 5 frames"),
        ({"offsets": np.array([0, 2, 4])}, "`offsets` must rise from 0 to 5 and cut 2 clips"),
        ({"offsets": np.array([0, 0, 5])}, "`offsets` must rise"),
        ({"offsets": np.array([0, 5])}, "`offsets` must rise from 0 to 5 and cut 2 clips, got 2 values"),
        ({"subject": np.array(["A", object()], dtype=object)}, r"kimore_Es1\.npz: expected arrays"),
        ({"offsets": np.array([0, 3, 5])}, r"kimore_clips\.csv: expected a row of A Es1 with 3 frames.*got 2"),
        (
            {"subject": np.array(["A", "C"])},
            r"expected a row of C Es1 with 3 frames, as kimore_Es1\.npz has it, got none",
        ),
    ],
)
def test_a_pack_of_another_layout_is_one_message(tmp_path, changes, expected):
    with pytest.raises(InputError, match=expected):
        read_kimore(write_kimore(tmp_path, **changes))


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        ("A,Expert,Es1,two,40,1,1\n", "expected a UTF-8 table .*'two'"),
        ("A,Expert,Es1,2,51,1,1\n", "row 2: A Es1 twice or with a TS of 51"),
        ("A,Expert,Es1,2,40,1,1\nA,Expert,Es1,2,41,1,1\n", "row 3: A Es1 twice"),
        ("A,Expert,Es1,2,40,1,1\nB,Stroke,Es1,3,nan,,\nA,Expert,Es2,2,4,1,1\n", r"expected kimore_Es2\.npz"),
        ("A\n", "expected a UTF-8 table"),
    ],
)
def test_a_wrong_table_is_one_message(tmp_path, rows, expected):
    with pytest.raises(InputError, match=expected):
        read_kimore(write_kimore(tmp_path, rows=rows))


def test_missing_files_and_damaged_ones_are_named(tmp_path):
    with pytest.raises(InputError, match=r"kimore_Es\*\.npz in this folder, found none"):
        read_kimore(tmp_path)
    folder = write_kimore(tmp_path / "a")
    pack = folder / "kimore_Es1.npz"
    pack.write_bytes(pack.read_bytes()[:-200])
    with pytest.raises(InputError, match=r"kimore_Es1\.npz: expected arrays"):
        read_kimore(folder)
    pack.write_bytes(b"")
    with pytest.raises(InputError, match=r"kimore_Es1\.npz: expected arrays"):
        read_kimore(folder)
    (folder / "kimore_clips.csv").write_bytes(KIMORE_TABLE.encode() + b"\xc9\n")
    with pytest.raises(InputError, match=r"kimore_clips\.csv: expected a UTF-8 table"):
        read_kimore(folder)
    (folder / "kimore_clips.csv").unlink()
    with pytest.raises(InputError, match=r"kimore_clips\.csv: expected a UTF-8 table.*No such file"):
        read_kimore(folder)
