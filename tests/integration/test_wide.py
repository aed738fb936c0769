"""`backsight batch` and `backsight extract` as their users call them, on real frames with BlazePose lite."""

import json
import os
import signal
import subprocess
import sys
import time
from importlib.metadata import version
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from backsight.batch.options import RunOptions, Task
from backsight.batch.run import run_wide
from backsight.domain.recording import Exercise
from backsight.errors import BatchError, InputError
from backsight.exports.landmarks import read_landmarks
from tests.integration.test_assess_command import backsight, empty_room
from tests.unit.batch.works import echo

PART = {"start": "48f", "end": "108f", "crop": "0,470,1560,524"}
"""Two seconds of the demo clip in which one woman walks alone."""


@pytest.fixture(scope="module")
def study(demo_clip: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A study of two people with a damaged, an absent and an empty recording among theirs."""
    folder = tmp_path_factory.mktemp("study")
    (folder / "cut.mp4").write_bytes(demo_clip.read_bytes()[:100_000])
    empty_room(folder / "room.mp4")
    crop = PART["crop"]
    (folder / "people.csv").write_text(
        "subject,exercise,path,start,end,crop,height_cm\n"
        f'anna,walk,{demo_clip},48f,108f,"{crop}",170\n'
        "anna,jump,room.mp4,,,,\n"
        "ben,walk,cut.mp4,,,,\n"
        "ben,jump,absent.mp4,,,,\n"
    )
    return folder


def results(out: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(out)): path.read_bytes()
        for path in sorted(out.rglob("*"))
        if path.is_file() and path.name not in (".ledger.sqlite", "run.json")
    }


def table(out: Path, name: str) -> list[dict[str, object]]:
    return pq.read_table(out / name).to_pylist()


def test_a_batch_row_is_what_assess_says_of_the_same_clip(study: Path, demo_clip: Path) -> None:
    done = backsight("batch", "people.csv", "--out", "out", "--workers", "2", "-q", cwd=study)
    assert done.returncode == 5, done.stderr
    assert "4 clips: 2 done now, 2 failed; 1 of those done is unusable" in done.stdout
    assert "cut.mp4: the video is damaged" in done.stdout
    assert "absent.mp4: cannot be read: it is not there" in done.stdout
    words = ["assess", str(demo_clip), "--exercise", "walk", "--height", "170", "--no-overlay", "--out", "one", "-q"]
    words += [word for name, value in PART.items() for word in (f"--{name}", value)]
    single = backsight(*words, cwd=study)
    assert single.returncode == 0, single.stderr
    document = json.loads((study / "one/assessment.json").read_text())
    (part,) = document["exercises"]

    rows = {(row["subject"], row["exercise"]): row for row in table(study / "out", "clips.parquet")}
    walk = rows["anna", "walk"]
    for name in ("index", "index_raw", "removed_share", "filled_share", "unfamiliar_share"):
        assert walk[name] == pytest.approx(part[name], abs=1e-6), name
    assert walk["quality"] == part["quality"]["verdict"]
    assert rows["anna", "jump"]["quality"] == "unusable"
    measures = {
        row["name"]: row["value"]
        for row in table(study / "out", "measures.parquet")
        if (row["subject"], row["exercise"], row["kind"]) == ("anna", "walk", "measurement")
    }
    assert {name: None if value is None else round(float(str(value)), 6) for name, value in measures.items()} == {
        item["name"]: item["value"] for item in part["measurements"]
    }
    sessions = {row["subject"]: row for row in table(study / "out", "sessions.parquet")}
    assert sessions["anna"]["verdict"] == document["session"]["verdict"]
    assert sessions["anna"]["index"] == pytest.approx(document["session"]["index"], abs=1e-6)
    assert (sessions["ben"]["status"], sessions["ben"]["failed"]) == ("failed", ["walk", "jump"])
    assert str(sessions["ben"]["reason"]).endswith("; absent.mp4: cannot be read: it is not there")

    kept = pq.read_table(study / "out" / str(walk["landmarks_file"]), partitioning=None)
    pose = read_landmarks(study / "one/landmarks.parquet")[Exercise.WALK]
    np.testing.assert_array_equal(kept["x_px"].to_numpy(), pose.image_px[:, :, 0].ravel())
    np.testing.assert_array_equal(kept["timestamp_s"].to_numpy()[::33], pose.timestamps_s)


def test_extracting_again_does_nothing_and_another_number_of_workers_changes_nothing(
    demo_clip: Path, tmp_path: Path
) -> None:
    crop = PART["crop"]
    lines = [f'{demo_clip},{start}f,{start + 20}f,"{crop}"' for start in (60, 80, 100)]
    (tmp_path / "parts.csv").write_text("path,start,end,crop\n" + "\n".join(lines) + "\n")
    for workers in ("1", "2"):
        done = backsight("extract", "parts.csv", "--out", f"out{workers}", "--workers", workers, cwd=tmp_path)
        assert done.returncode == 0, done.stderr
        assert done.stderr == ""
    assert results(tmp_path / "out1") == results(tmp_path / "out2")
    rows = table(tmp_path / "out1", "clips.parquet")
    assert [row["n_frames"] for row in rows] == [20, 20, 20]
    # Raw landmarks: a frame with a person has all 33, also those that an assessment would drop.
    landmarks = pq.read_table(tmp_path / "out1" / str(rows[1]["landmarks_file"]), partitioning=None)
    assert landmarks.num_rows == 20 * 33
    visible = landmarks["visibility"].to_numpy()
    assert (visible < 0.6).any()
    assert not np.isnan(landmarks["x_px"].to_numpy()[visible > 0]).any()
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "out1/landmarks").rglob("*.parquet")}
    again = backsight("extract", "parts.csv", "--out", "out1", cwd=tmp_path)
    assert "3 clips: 0 done now, 3 already there, 0 failed" in again.stdout
    assert {path: path.stat().st_mtime_ns for path in (tmp_path / "out1/landmarks").rglob("*.parquet")} == before


def n_files(out: Path) -> int:
    return len(list(out.glob("landmarks/*/*.parquet")))


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGINT for one process")
def test_interrupted_it_says_how_to_go_on_and_goes_on(demo_clip: Path, tmp_path: Path) -> None:
    crop = PART["crop"]
    lines = [f'{demo_clip},{start}f,{start + 20}f,"{crop}"' for start in range(48, 168, 20)]
    (tmp_path / "parts.csv").write_text("path,start,end,crop\n" + "\n".join(lines) + "\n")
    command = [sys.executable, "-m", "backsight", "extract", "parts.csv", "--out", "out", "--workers", "1"]
    process = subprocess.Popen(command, cwd=tmp_path, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True)
    deadline = time.monotonic() + 120
    # Once the second clip's landmarks are there, the first clip is in the books for sure.
    while n_files(tmp_path / "out") < 2 and process.poll() is None and time.monotonic() < deadline:
        os.sched_yield()
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "clips are done; run the same command again to go on" in errors
    statuses = [row["status"] for row in table(tmp_path / "out", "clips.parquet")]
    assert set(statuses) == {"done", "waiting"}
    assert backsight("extract", "parts.csv", "--out", "out", cwd=tmp_path).returncode == 0
    assert {row["status"] for row in table(tmp_path / "out", "clips.parquet")} == {"done"}


def test_a_manifest_with_mistakes_is_refused_before_anything_is_done(tmp_path: Path, lite_bundle: None) -> None:
    (tmp_path / "people.csv").write_text("subject,exercise,path\nanna,walk,a.mp4\nanna,hop,b.mp4\n")
    done = backsight("batch", "people.csv", "--out", "out", cwd=tmp_path)
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert "people.csv: row 3, column `exercise`: expected touch-toes, walk, jump" in done.stderr
    (tmp_path / "people.csv").write_text("subject,exercise,path\nanna,walk,a.mp4\nanna,walk,b.mp4\n")
    done = backsight("batch", "people.csv", "--out", "out", cwd=tmp_path)
    assert "people.csv, row 3, column `exercise`: expected each exercise once" in done.stderr
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("source", ["empty", "absent", "absent.csv", "people.csv"])
def test_what_is_refused_leaves_nothing(tmp_path: Path, lite_bundle: None, source: str) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "people.csv").write_text("path,start\na.mp4,soon\n")
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(InputError):
        run_wide(str(tmp_path / source), tmp_path / "out", options=RunOptions(Task.EXTRACT), work=echo)
    assert sorted(tmp_path.rglob("*")) == before


def test_the_files_of_a_run_say_what_made_the_results_and_what_the_last_run_did(
    tmp_path: Path, lite_bundle: None
) -> None:
    (tmp_path / "in").mkdir()
    for name, content in (("a", b"one"), ("b", b"blurred"), ("c", b"corrupt")):
        (tmp_path / f"in/{name}.mp4").write_bytes(content)
    options = RunOptions(Task.EXTRACT, engine="mediapipe")
    for already_there in (0, 2):
        summary = run_wide(str(tmp_path / "in"), tmp_path / "out", options=options, n_workers=1, work=echo)
        assert (summary.n_done_now, summary.n_already_there) == (2 - already_there, already_there)
        assert (summary.n_unusable, summary.counts.n_failed) == (1, 1)
        manifest = json.loads((tmp_path / "out/manifest.json").read_text())
        assert manifest["clips"] == {"named": 3, "done": 2, "unusable": 1, "failed": 1, "waiting": 0}
        assert manifest["software"]["version"] == version("backsight")
        assert (manifest["command"], manifest["settings"]["engine"]) == ("backsight extract", "mediapipe")
        run = json.loads((tmp_path / "out/run.json").read_text())
        assert (run["clips"]["done_now"], run["clips"]["already_there"]) == (2 - already_there, already_there)


def test_a_wrong_value_is_told_in_plain_words(tmp_path: Path) -> None:
    for words, expected in (
        (("--pose-model", "tiny"), "'--pose-model': 'tiny' is not one of 'lite', 'full', 'heavy'"),
        (("--clip-timeout", "0"), "'--clip-timeout': expected at least 1"),
        (("--workers", "many"), "'--workers': expected a whole number"),
    ):
        done = backsight("extract", "in", "--out", "out", *words, cwd=tmp_path)
        assert done.returncode == 2
        assert expected in done.stderr
    assert not (tmp_path / "out").exists()


def test_what_ends_a_run_leaves_tables_of_what_is_done(tmp_path: Path, lite_bundle: None) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in/a.mp4").write_bytes(b"one")
    (tmp_path / "in/b.mp4").write_bytes(b"weights")
    with pytest.raises(BatchError, match="the bundle is missing"):
        run_wide(str(tmp_path / "in"), tmp_path / "out", options=RunOptions(Task.EXTRACT), n_workers=1, work=echo)
    assert [row["status"] for row in table(tmp_path / "out", "clips.parquet")] == ["done", "waiting"]


def test_a_finished_run_removes_what_its_source_no_longer_names(tmp_path: Path, lite_bundle: None) -> None:
    source, out = tmp_path / "in", tmp_path / "out"
    source.mkdir()
    for name in ("a", "b"):
        (source / f"{name}.mp4").write_bytes(name.encode())
    for n_left in (2, 1):
        run_wide(str(source), out, options=RunOptions(Task.EXTRACT), n_workers=1, work=echo)
        assert len(list(out.glob("landmarks/*/*"))) == n_left
        assert len(table(out, "clips.parquet")) == n_left
        (source / "b.mp4").unlink(missing_ok=True)


@pytest.mark.slow
def test_two_ray_nodes_write_the_same_bytes(study: Path, tmp_path: Path) -> None:
    pytest.importorskip("ray", reason="ray is not installed: pip install 'backsight[cluster]'")
    assert backsight("batch", str(study / "people.csv"), "--out", "local", cwd=tmp_path).returncode == 5
    program = "import sys; from backsight.benchmarks.batch import run_on_two_nodes; run_on_two_nodes(*sys.argv[1:])"
    command = [sys.executable, "-c", program, str(study / "people.csv"), "ray", "assess"]
    subprocess.run(command, check=True, cwd=tmp_path, timeout=300, capture_output=True)
    assert results(tmp_path / "ray") == results(tmp_path / "local")
