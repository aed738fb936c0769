"""Real films: drawn, compressed, seen by BlazePose, found again; and the commands that make them."""

import csv
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from backsight.domain.landmarks import Landmark
from backsight.domain.recording import Exercise
from backsight.pose.weights import PoseModel
from backsight.settings import Settings
from backsight.studio.cache import load_filmed, save_filmed
from backsight.studio.filmed import Shot, film_recording
from backsight.studio.fingerprint import Fingerprint

pytest.importorskip("pyvista", reason="the extra `simulate` is not installed")
pytestmark = pytest.mark.timeout(1200)  # Drawing takes as long as other work on the machine leaves it.


def run_backsight(*words: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "backsight", *words], capture_output=True, text=True, check=False, cwd=cwd
    )


def test_blazepose_sees_a_drawn_volunteer_where_they_are(lite_bundle: None, tmp_path: Path) -> None:
    shot = Shot(0, Exercise.JUMP, 1, fps=8.0, yaw_deg=0.0, distance_m=3.0, frame_size=(320, 180))
    bundle = Settings.from_environment().models_dir / PoseModel.LITE.file_name

    filmed = film_recording(shot, bundles={"lite": bundle})

    performance, pose = shot.perform(), filmed.tracks["lite"].pose
    assert pose.frame_size == (320, 180)
    assert pose.has_person.mean() > 0.8
    true_px = performance.camera.project(performance.figure.landmarks_m) / 4.0
    body = [Landmark.LEFT_SHOULDER, Landmark.RIGHT_SHOULDER, Landmark.LEFT_HIP, Landmark.RIGHT_HIP]
    off_px = np.linalg.norm(pose.image_px[:, body, :2] - true_px[:, body], axis=2)
    tall_px = np.ptp(true_px[0, :, 1])
    # A jump at 8 frames a second is hard to follow, so the median; left and right swapped would be off by 0.15.
    assert np.nanmedian(off_px) < 0.06 * tall_px
    save_filmed(tmp_path, filmed, fingerprint=Fingerprint.of_package())
    assert load_filmed(tmp_path)[0].truth.values == pytest.approx(dict(filmed.truth.values), nan_ok=True)


@pytest.mark.slow
def test_a_volunteer_is_filmed_assessed_and_not_overwritten(lite_bundle: None, tmp_path: Path) -> None:
    words = ("simulate", "volunteer", "--exercise", "touch-toes", "--view", "side", "--fps", "30", "--size", "640x360")
    words = (*words, "--number", "3", "--out", "one")
    made = run_backsight(*words, cwd=tmp_path)
    assert (made.returncode, made.stderr) == (0, "")
    assert sorted(path.name for path in (tmp_path / "one").iterdir()) == [
        "touch-toes.mp4",
        "truth.json",
        "truth.parquet",
    ]
    truth = json.loads((tmp_path / "one/truth.json").read_text())
    again = run_backsight(*words, cwd=tmp_path)
    assert again.returncode == 1
    assert again.stderr == "backsight: cannot write one: it exists already; choose another folder or pass --overwrite\n"

    height_cm = f"{100 * truth['volunteer']['height_m']:.1f}"
    clip = "one/touch-toes.mp4"
    assessed = run_backsight("assess", clip, "--exercise", "touch-toes", "--height", height_cm, "--json", cwd=tmp_path)
    assert assessed.returncode == 0, assessed.stderr
    document = json.loads(assessed.stdout)
    assert document["settings"]["height_m"] == pytest.approx(truth["volunteer"]["height_m"], abs=1e-3)
    measured = {item["name"]: item["value"] for item in document["exercises"][0]["measurements"]}
    true = {item["name"]: item["value"] for item in truth["recordings"][0]["measures"]}
    assert measured["trunk_flexion_deg"] == pytest.approx(true["trunk_flexion_deg"], abs=10.0)
    assert measured["bend_duration_s"] == pytest.approx(true["bend_duration_s"], abs=0.5)


@pytest.mark.slow
def test_an_interrupted_cohort_leaves_no_litter_and_goes_on(lite_bundle: None, tmp_path: Path) -> None:
    """Also across processes: the worker that films is told to stop and cleans up after itself."""
    words = ["simulate", "cohort", "3", "--exercise", "jump", "--landmarks-only", "--pose-model", "lite", "--quiet"]
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    environment = {**os.environ, "TMPDIR": str(scratch)}
    command = [sys.executable, "-m", "backsight", *words, "--out", "cohort", "--workers", "2"]
    process = subprocess.Popen(
        command, cwd=tmp_path, env=environment, stderr=subprocess.PIPE, text=True, start_new_session=True
    )
    try:
        started_s = time.monotonic()
        while not list((tmp_path / "cohort").glob("*.film")):
            assert time.monotonic() - started_s < 900
            with pytest.raises(subprocess.TimeoutExpired):
                process.wait(timeout=0.1)
        os.killpg(process.pid, signal.SIGINT)
        _, told = process.communicate(timeout=120)
    finally:
        process.kill()
    assert process.returncode == 130
    assert told == "backsight: interrupted\n"
    assert list(scratch.iterdir()) == []
    finished = {path: path.stat().st_mtime_ns for path in (tmp_path / "cohort").glob("*.film")}
    assert 1 <= len(finished) < 3

    assert subprocess.run([*command[:-2]], cwd=tmp_path, check=False, timeout=900).returncode == 0

    assert len(load_filmed(tmp_path / "cohort")) == 3
    assert {path: path.stat().st_mtime_ns for path in finished} == finished


@pytest.mark.slow
def test_a_cohort_has_a_folder_a_person_and_a_table(tmp_path: Path) -> None:
    made = run_backsight("simulate", "cohort", "2", "--exercise", "jump", "--out", "cohort", cwd=tmp_path)
    assert (made.returncode, made.stderr) == (0, "")
    assert made.stdout == "2 recordings: cohort\n"
    with (tmp_path / "cohort/manifest.csv").open(newline="") as file:
        assert [row["file"] for row in csv.DictReader(file)] == ["00000/jump.mp4", "00001/jump.mp4"]
    refused = run_backsight("simulate", "cohort", "2", "--seed", "2", "--out", "cohort", cwd=tmp_path)
    assert refused.returncode == 1
    assert "holds another cohort (seed 1, clips), wanted seed 2, clips" in refused.stderr
