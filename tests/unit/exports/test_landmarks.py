"""landmarks.parquet: tidy, typed, described, and read back as it was."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from backsight.domain.landmarks import LANDMARK_NAMES, Landmark
from backsight.domain.recording import Exercise
from backsight.errors import InputError, OutputError
from backsight.exports.landmarks import COLUMN_MEANINGS, METADATA_KEY, read_landmarks, write_landmarks
from tests.assessments import every_variant, make_assessment, make_exercise, make_pose


def test_round_trip_keeps_every_exercise_to_float32(tmp_path: Path) -> None:
    session = every_variant()["session"]

    write_landmarks(tmp_path / "landmarks.parquet", session)
    poses = read_landmarks(tmp_path / "landmarks.parquet")

    assert list(poses) == [Exercise.TOUCH_TOES, Exercise.WALK, Exercise.JUMP]
    for part in session.exercises:
        pose = poses[part.exercise]
        assert pose.frame_size == part.pose.frame_size
        np.testing.assert_array_equal(pose.timestamps_s, part.pose.timestamps_s)
        for name in ("image_px", "world_m", "visibility", "presence"):
            np.testing.assert_array_equal(getattr(pose, name), getattr(part.pose, name).astype(np.float32))


def test_a_row_is_one_frame_and_one_landmark(tmp_path: Path) -> None:
    pose = make_pose(n_frames=10, start_s=1.6, hidden=(), nobody=(0, 0))
    write_landmarks(tmp_path / "l.parquet", make_assessment([make_exercise(pose=pose)]))

    rows = pq.read_table(tmp_path / "l.parquet").to_pylist()

    assert len(rows) == 10 * 33
    row = rows[4 * 33 + Landmark.LEFT_KNEE]
    assert (row["exercise"], row["frame"], row["landmark"]) == ("touch-toes", 4, "left_knee")
    assert row["timestamp_s"] == pose.timestamps_s[4]
    assert row["y_px"] == pytest.approx(pose.image_px[4, Landmark.LEFT_KNEE, 1], rel=1e-6)
    assert row["z_m"] == pytest.approx(pose.world_m[4, Landmark.LEFT_KNEE, 2], rel=1e-6)


def test_missing_positions_are_null_and_confidences_are_not(tmp_path: Path) -> None:
    pose = make_pose(n_frames=20, hidden=((Landmark.RIGHT_WRIST, 3, 5),), nobody=(10, 12))
    write_landmarks(tmp_path / "l.parquet", make_assessment([make_exercise(pose=pose)]))

    table = pq.read_table(tmp_path / "l.parquet")

    # Two frames of one wrist and two frames of all 33 landmarks.
    assert table["x_px"].null_count == table["z_m"].null_count == 2 + 2 * 33
    assert table["visibility"].null_count == 0
    assert not any(np.isnan(value) for value in table["x_px"].to_pylist() if value is not None)


def test_types_and_metadata_say_what_the_columns_are(tmp_path: Path) -> None:
    assessment = replace(make_assessment(), pose_model="full", pose_engine="openvino")
    write_landmarks(tmp_path / "l.parquet", assessment)

    schema = pq.read_schema(tmp_path / "l.parquet")
    described = json.loads(schema.metadata[METADATA_KEY])

    assert schema.names == list(described["columns"]) == list(COLUMN_MEANINGS)
    assert {schema.field(name).type for name in schema.names[4:]} == {pa.float32()}
    assert described["exercises"]["touch-toes"]["fps"] == pytest.approx(30.0)
    assert described["exercises"]["touch-toes"]["frame_size_px"] == [1280, 720]
    assert "not a diagnosis" in described["statement"]
    assert described["software"] == {"name": "Backsight", "version": "0.1.0"}
    assert (described["pose_model"], described["engine"]) == ("full", "openvino")


def test_landmark_names_are_all_there_in_order(tmp_path: Path) -> None:
    write_landmarks(tmp_path / "l.parquet", every_variant()["one frame"])

    assert tuple(pq.read_table(tmp_path / "l.parquet")["landmark"].to_pylist()) == LANDMARK_NAMES


def test_some_other_parquet_file_is_refused(tmp_path: Path) -> None:
    pq.write_table(pa.table({"a": [1]}), tmp_path / "other.parquet")

    with pytest.raises(InputError, match="written by Backsight"):
        read_landmarks(tmp_path / "other.parquet")


def test_no_parquet_file_at_all_is_refused(tmp_path: Path) -> None:
    (tmp_path / "text.parquet").write_text("hello")

    with pytest.raises(InputError, match="readable Parquet"):
        read_landmarks(tmp_path / "text.parquet")


def test_an_unwritable_path_is_one_clear_line(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="create it first"):
        write_landmarks(tmp_path / "nowhere" / "l.parquet", make_assessment())
