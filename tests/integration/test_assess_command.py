"""`backsight assess` as its users call it: sessions, odd names, a camera, and what the folder holds afterwards."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import av
import jsonschema
import numpy as np
import pytest

from backsight.domain.recording import Exercise
from backsight.exports.json_file import SCHEMA_PATH
from backsight.exports.landmarks import read_landmarks
from backsight.openers import index_predictor
from tests.clips import even_times, textured_picture, write_clip

PART = "#t=48f,182f&xywh=0,470,1560,524"
"""The part of the demo clip in which one woman walks alone."""


def backsight(*words: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "backsight", *words]
    environment = os.environ | {"COLUMNS": "160"}
    return subprocess.run(command, capture_output=True, text=True, check=False, cwd=cwd, timeout=240, env=environment)


def empty_room(path: Path) -> Path:
    return write_clip(
        path, times_s=even_times(45, fps=30), size=(640, 360), picture=lambda _, size: textured_picture(size)
    )


def test_one_recording_makes_a_whole_folder(demo_clip: Path, tmp_path: Path) -> None:
    result = backsight("assess", f"{demo_clip}{PART}", "--exercise", "walk", cwd=tmp_path)
    assert result.returncode == 0, result.stderr
    assert result.stderr == ""
    out = tmp_path / f"backsight-{demo_clip.stem}"
    assert sorted(path.name for path in out.iterdir()) == [
        "assessment.json",
        "landmarks.parquet",
        "overlay.mp4",
        "report.html",
    ]
    document = json.loads((out / "assessment.json").read_text())
    jsonschema.validate(document, json.loads(SCHEMA_PATH.read_text()))
    assert document["settings"] == {
        "pose_model": "lite",
        "pose_engine": "openvino",
        "follow_largest": False,
        "height_m": None,
    }
    (part,) = document["exercises"]
    assert part["source"]["crop_px"] == [0, 470, 1560, 524]
    speed = next(item["value"] for item in part["measurements"] if item["name"] == "gait_speed_m_per_s")
    # She covers about 2.6 body heights in 3.7 s; a comfortable walk is 0.9 to 1.5 m/s.
    assert 0.9 < speed < 1.5
    pose = read_landmarks(out / "landmarks.parquet")[Exercise.WALK]
    assert pose.n_frames == 134
    # Frame-true: the drawn video has a picture for every row of landmarks, at the same times.
    with av.open(str(out / "overlay.mp4")) as container:
        times_s = [float(frame.time) for frame in container.decode(video=0)]
    np.testing.assert_allclose(times_s, pose.timestamps_s - pose.timestamps_s[0], atol=1e-3)
    assert "This is not a diagnosis" in result.stdout
    assert "film from the front" in result.stdout
    assert "This is not a diagnosis" in (out / "report.html").read_text()


def test_session_gives_what_it_can(demo_clip: Path, tmp_path: Path) -> None:
    empty_room(tmp_path / "room.mp4")
    words = ("--walk", f"{demo_clip}{PART}", "--jump", "room.mp4", "--no-overlay", "--out", "monday [1]")
    result = backsight("assess", *words, cwd=tmp_path)
    assert result.returncode == 0, result.stderr
    # A name with square brackets is printed as it is.
    assert "Report: monday [1]/report.html" in result.stdout
    document = json.loads((tmp_path / "monday [1]/assessment.json").read_text())
    jsonschema.validate(document, json.loads(SCHEMA_PATH.read_text()))
    indices = {part["exercise"]: part["index"] for part in document["exercises"]}
    assert indices["jump"] is None
    assert indices["walk"] is not None
    assert document["session"]["index"] == pytest.approx(indices["walk"])
    assert "`Jump as high as you can` gave no index" in result.stdout


def test_the_same_file_may_serve_two_exercises(demo_clip: Path, tmp_path: Path) -> None:
    clip = f"{demo_clip}{PART}"
    result = backsight("assess", "--walk", clip, "--touch-toes", clip, "--out", "out", "-q", cwd=tmp_path)
    assert result.returncode == 0, result.stderr
    names = {path.name for path in (tmp_path / "out").iterdir()}
    assert {"overlay-walk.mp4", "overlay-touch-toes.mp4"} <= names
    document = json.loads((tmp_path / "out/assessment.json").read_text())
    # A walk is no bend, and an index of the wrong movement would be worth nothing.
    assert {part["exercise"]: part["index"] is None for part in document["exercises"]} == {
        "touch-toes": True,
        "walk": False,
    }


def test_camera_is_recorded_assessed_live_and_drawn(demo_clip: Path, tmp_path: Path) -> None:
    crop = "trim=start_frame=48:end_frame=138,setpts=PTS-STARTPTS,crop=1560:524:0:470,realtime"
    camera = f"camera:lavfi:movie={demo_clip},{crop}"
    result = backsight("assess", camera, "--exercise", "walk", "--out", "out", "--end", "10", cwd=tmp_path)
    assert result.returncode == 0, result.stderr
    out = tmp_path / "out"
    assert {"recording.mp4", "overlay.mp4", "report.html"} <= {path.name for path in out.iterdir()}
    assert [path.name for path in tmp_path.iterdir()] == ["out"]
    n_recorded, n_drawn = (count_frames(out / name) for name in ("recording.mp4", "overlay.mp4"))
    assert n_recorded == n_drawn == 90
    source = json.loads((out / "assessment.json").read_text())["exercises"][0]["source"]
    assert source["is_live"] is True


def test_camera_recording_outlives_a_failure(tmp_path: Path, lite_bundle: None) -> None:
    room = empty_room(tmp_path / "room.mp4")
    camera = f"camera:lavfi:movie={room}"
    result = backsight("assess", camera, "--exercise", "walk", "--out", "out", cwd=tmp_path)
    assert result.returncode == 1
    assert "no person found" in result.stderr
    (kept,) = tmp_path.glob("out-walk-*.mp4")
    assert kept.name in result.stderr
    assert count_frames(kept) == 45
    assert not (tmp_path / "out").exists()


def test_a_wrong_checkpoint_is_found_before_the_camera_starts(tmp_path: Path) -> None:
    words = ("assess", "camera:lavfi:testsrc=rate=30", "--exercise", "jump", "--model", "absent.backsight")
    result = backsight(*words, cwd=tmp_path)
    assert result.returncode == 1
    assert "absent.backsight" in result.stderr
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM", "SIGHUP"])
def test_interrupted_while_drawing_leaves_nothing(demo_clip: Path, tmp_path: Path, name: str) -> None:
    command = [sys.executable, "-m", "backsight", "assess", f"{demo_clip}{PART}", "--exercise", "walk", "--out", "out"]
    process = subprocess.Popen(command, cwd=tmp_path, stderr=subprocess.PIPE, text=True)
    deadline = time.monotonic() + 60
    # The overlay's part file shows that the landmarks are done and drawing has begun.
    while not list(tmp_path.glob(".*/.overlay.mp4*")) and process.poll() is None and time.monotonic() < deadline:
        os.sched_yield()
    process.send_signal(signal.Signals[name])
    process.communicate(timeout=60)
    assert process.returncode == 130 if name == "SIGINT" else 128 + signal.Signals[name]
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("end", ["90f", "0", "61"])
def test_camera_length_must_be_seconds_of_an_exercise(tmp_path: Path, end: str) -> None:
    result = backsight("assess", "camera:0", "--exercise", "walk", "--end", end, cwd=tmp_path)
    assert result.returncode == 2
    assert "seconds to record" in result.stderr


@pytest.mark.parametrize("option", ["--start", "--end", "--crop"])
def test_an_empty_option_is_a_mistake_and_not_no_option(demo_clip: Path, tmp_path: Path, option: str) -> None:
    result = backsight("assess", str(demo_clip), "--exercise", "walk", option, "", cwd=tmp_path)
    assert result.returncode == 1
    assert len(result.stderr.strip().splitlines()) == 1


def test_the_shipped_models_card_fits_what_the_readme_says() -> None:
    card = index_predictor().card
    assert "simulated" in card.headline
    assert "unvalidated" in card.headline
    readme = (Path(__file__).parents[2] / "README.md").read_text()
    # With so wide an interval hardly any index keeps clear of 0.5, and a reader must know that beforehand.
    assert (card.interval_half_width < 0.25) or "cannot tell" in readme.split("## What it is not")[1]


def count_frames(path: Path) -> int:
    with av.open(str(path)) as container:
        return sum(1 for _ in container.decode(video=0))
