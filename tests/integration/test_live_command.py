"""`backsight live` as a user runs it: lines, no camera, no display, a reader that leaves, Ctrl-C."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from backsight import pipeline
from backsight.cli.exit_codes import ExitCode
from backsight.demo.session import session_clips
from backsight.domain.recording import Exercise
from backsight.domain.sequences import PoseObservation
from backsight.inputs import parse_clip
from backsight.live.running import RunningIndex
from backsight.openers import index_predictor, pose_bundle, pose_estimator

LIMIT_S = 120.0


def command(*words: str) -> list[str]:
    return [sys.executable, "-m", "backsight", "live", *words]


def live(*words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command(*words),
        capture_output=True,
        text=True,
        check=False,
        timeout=LIMIT_S,
        env={name: value for name, value in os.environ.items() if "DISPLAY" not in name} | environment,
    )


def assert_one_clear_line(run: subprocess.CompletedProcess[str], *, says: str) -> None:
    assert run.returncode == ExitCode.FAILED
    assert says in run.stderr
    assert "Traceback" not in run.stderr
    assert run.stderr.splitlines()[-1].startswith("backsight: ")


def test_a_machine_without_a_camera_says_so(lite_bundle: None) -> None:
    run = live("--camera", "/dev/no-such-camera", "--no-window", "--json")
    assert_one_clear_line(run, says="there is no such camera")
    assert len(run.stderr.splitlines()) == 1
    assert run.stdout == ""


@pytest.mark.skipif(sys.platform != "linux", reason="only X11 and Wayland are told by the environment")
def test_a_machine_without_a_display_says_so() -> None:
    assert_one_clear_line(live("--camera", "lavfi:testsrc2"), says="no display")


@pytest.mark.skipif(sys.platform != "linux", reason="only X11 is told by the environment")
def test_a_display_that_does_not_answer_is_said() -> None:
    assert_one_clear_line(live("--camera", "lavfi:testsrc2", DISPLAY=":987"), says="no window can be opened")


def test_json_needs_no_window() -> None:
    assert live("--json").returncode == ExitCode.USAGE


def test_a_folder_that_is_taken_is_said_before_anybody_moves(tmp_path: Path) -> None:
    pytest.importorskip("cv2")
    from backsight.errors import OutputError
    from backsight.live.wiring import save_into

    with pytest.raises(OutputError, match="--overwrite"):
        save_into(
            tmp_path,
            overwrite=False,
            pose_model="lite",
            engine="auto",
            model="x",
            height_m=None,
            follow_largest=False,
        )


def test_what_is_saved_was_found_by_the_engine_that_was_asked_for(lite_bundle: None, tmp_path: Path) -> None:
    # MediaPipe: what `auto` becomes only where nothing faster is installed.
    pytest.importorskip("openvino")
    from backsight.live.wiring import save_into

    take = tmp_path / "take.mp4"
    shutil.copy(session_clips()[Exercise.JUMP], take)
    save = save_into(
        tmp_path / "out",
        overwrite=False,
        pose_model="lite",
        engine="mediapipe",
        model="lstm-paper",
        height_m=None,
        follow_largest=False,
    )
    save({Exercise.JUMP: take}, lambda what, done, total: None)
    written = json.loads((tmp_path / "out" / "assessment.json").read_text(encoding="utf-8"))
    assert written["settings"]["pose_engine"] == "mediapipe"


def test_a_camera_gives_one_json_line_a_frame(lite_bundle: None) -> None:
    camera = "lavfi:testsrc2=size=320x240:rate=10:duration=1,realtime"
    run = live("--camera", camera, "--no-window", "--json", "--engine", "mediapipe")
    lines = [json.loads(line) for line in run.stdout.splitlines()]
    assert run.returncode == 0, run.stderr
    assert len(lines) + lines[-1]["dropped_frames"] <= 10
    assert not any(line["found"] for line in lines)
    assert all(line["latency_ms"] > 0 for line in lines)
    assert "not a diagnosis" in run.stderr


def test_a_reader_that_leaves_ends_it_quietly(lite_bundle: None) -> None:
    words = ("--camera", "lavfi:testsrc2=size=320x240:rate=10,realtime", "--no-window", "--json", "--stop-after", "60")
    with subprocess.Popen(command(*words), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert json.loads(process.stdout.readline())["frame"] >= 0
        process.stdout.close()
        errors = process.stderr.read()
        assert process.wait(LIMIT_S) == 0
    assert "Traceback" not in errors
    assert "Broken" not in errors


@pytest.mark.skipif(sys.platform == "win32", reason="no SIGINT to another process there")
def test_ctrl_c_ends_it_cleanly(lite_bundle: None) -> None:
    words = ("--camera", "lavfi:testsrc2=size=320x240:rate=10,realtime", "--no-window", "--json", "--stop-after", "60")
    with subprocess.Popen(command(*words), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        process.stdout.readline()
        process.send_signal(signal.SIGINT)
        rest, errors = process.communicate(timeout=LIMIT_S)
        assert process.returncode == ExitCode.INTERRUPTED
    assert [json.loads(line)["found"] for line in rest.splitlines()] == [False] * len(rest.splitlines())
    assert "Traceback" not in errors


def test_the_running_index_of_a_film_ends_at_the_roads(lite_bundle: None) -> None:
    predictor = index_predictor("lstm-paper")
    with pose_estimator(pose_bundle("lite"), engine="mediapipe") as estimator:
        pose = pipeline.track_person(parse_clip(session_clips()[Exercise.WALK]).open(), estimator).pose
    index = RunningIndex(predictor, frame_size=pose.frame_size)
    for number in range(pose.n_frames):
        seen = PoseObservation(
            pose.image_px[number], pose.world_m[number], pose.visibility[number], pose.presence[number]
        )
        index.push(seen, timestamp_s=float(pose.timestamps_s[number]))
        if number % 6 == 0:
            index.advance()
    before_the_end = index.value
    index.finish()
    expected = predictor.predict(pipeline.prepare(pose).features).final
    assert index.value == pytest.approx(expected, abs=1e-4)
    assert np.isfinite(before_the_end)
    assert abs(before_the_end - expected) < 0.15
