"""The words of `backsight data`: what a study holds, and what is wrong with it, in lines."""

import subprocess
import sys

import numpy as np
import pytest
from typer.testing import CliRunner

from backsight.cli.data import remarks
from backsight.cli.main import app
from tests.unit.datasets.packs import kinect_skeleton_m, write_clip_landmarks, write_kimore
from tests.unit.datasets.test_study import RATED, write_manifest
from tests.unit.studying.moving import moving_study


def test_a_study_is_told_by_exercise_and_group(tmp_path):
    result = CliRunner().invoke(app, ["data", "validate", str(write_manifest(tmp_path, RATED))])
    assert result.exit_code == 0, result.output
    head, columns, walk, groups, found, seen, *_ = result.stdout.splitlines()
    assert head == ("back-study: 2 clips of 2 subjects, 1 of them scored, from 0 (worst) to 100 (best) rating points")
    assert columns.split() == ["exercise", "clips", "subjects", "median", "s", "seen", "scored", "mean", "SD"]
    # Three frames at 25 a second last 0.08 s; 32 of 33 landmarks are known.
    assert walk.split() == ["walk", "2", "2", "0.1", "97%", "1", "80.00", "0.00"]
    assert groups == "subjects by group: patient 1, none 1"
    assert found == "landmarks found by: not known (2 clips)"
    assert seen.startswith("seen: share of the landmarks that are known")


@pytest.mark.parametrize("command", [["data", "validate"], ["train", "--no-evaluate"], ["evaluate"]], ids=" ".join)
def test_what_was_guessed_of_a_table_s_encoding_is_told(tmp_path, command):
    manifest = write_manifest(tmp_path, RATED.replace("P01", "J\u00f6rg"), encoding="cp1252")
    kept = [] if command[0] == "data" else ["--work", str(tmp_path / "w"), "--runs", str(tmp_path / "r")]
    result = CliRunner().invoke(app, [*command, str(manifest), *kept])
    assert "Note: back-study.csv is not UTF-8 and was read as Windows-1252 (Latin-1)" in result.stderr
    assert "Note" not in result.stdout


@pytest.mark.parametrize("command", [["data", "validate"], ["train", "--no-evaluate"]], ids=" ".join)
def test_a_study_whose_landmarks_are_a_mixture_is_told_before_anything_else(tmp_path, command):
    manifest = write_manifest(tmp_path, RATED)
    for number, model in ((1, "full"), (2, "lite")):
        write_clip_landmarks(tmp_path / f"l/{number}.parquet", pose_model=model)
    kept = [] if command[0] == "data" else ["--work", str(tmp_path / "w"), "--runs", str(tmp_path / "r")]
    result = CliRunner().invoke(app, [*command, str(manifest), *kept])
    assert result.stderr.startswith(
        "Note: the landmarks were found by BlazePose full (1 clip), BlazePose lite (1 clip), and each finds others"
    )


def test_a_data_set_is_converted_and_reads_as_a_study(tmp_path):
    # Nothing is learnt from A's two frames, so A gets three here.
    joints = np.tile(np.round(kinect_skeleton_m() / 2e-4), (6, 1, 1)).astype(np.int16)
    track, offsets = np.full((6, 25), 2, np.uint8), np.array([0, 3, 6])
    rows = "A,Expert,Es1,3,40.0,10,30\nB,Stroke,Es1,3,nan,nan,nan\n"
    made = write_kimore(tmp_path / "k", rows=rows, xyz_i16=joints, track=track, offsets=offsets)
    folder, out = str(made), str(tmp_path / "out")
    result = CliRunner().invoke(app, ["data", "convert", folder, "--data-set", "kimore", "--out", out])
    assert result.exit_code == 0, result.output
    shown = [
        CliRunner().invoke(app, ["data", "validate", *words]).stdout.splitlines()
        for words in ([folder, "--data-set", "kimore"], [out])
    ]
    assert shown[0][0].removeprefix("kimore") == shown[1][0].removeprefix("study")
    assert "landmarks found by: Kinect v2 (2 clips)" in shown[0]
    assert shown[0][1:] == [line.replace("refuse study:", "refuse kimore:") for line in shown[1][1:]]


def test_mistakes_are_one_line_and_exit_with_1(tmp_path):
    manifest = write_manifest(tmp_path, RATED.replace("80", "800"))
    command = [sys.executable, "-m", "backsight", "data", "validate", str(manifest)]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert result.returncode == 1
    assert result.stdout == ""
    assert result.stderr == (
        "backsight: back-study.csv: row 2, column `rating`: expected a number from 0 (worst) to 100 (best), got `800`\n"
    )


def test_an_unknown_data_set_is_a_wrong_word(tmp_path):
    result = CliRunner().invoke(app, ["data", "validate", str(tmp_path), "--data-set", "kimona"])
    assert result.exit_code == 2
    assert "'kimona' is not one of" in result.output


def test_what_train_will_refuse_is_remarked(tmp_path):
    result = CliRunner().invoke(app, ["data", "validate", str(write_manifest(tmp_path, RATED))])
    assert result.exit_code == 0
    assert "Remark: `train` and `evaluate` will refuse back-study: expected 6 people or more" in result.output
    assert "Remark: 2 of 2 clips last less than 1 s, such as l/1.parquet" in result.output
    unscored = CliRunner().invoke(app, ["data", "validate", str(write_manifest(tmp_path, RATED.replace("80", "")))])
    assert "Remark: no clip has a score" in unscored.output


def test_a_study_that_can_be_learnt_from_gets_no_remark():
    assert remarks(moving_study()) == []
