"""What a user can do wrong, through the real command: one clear line, an exit code, nothing half-written."""

import contextlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from backsight.domain.sequences import FeatureSequence
from backsight.errors import InvalidValueError
from backsight.features.schema import FEATURE_NAMES
from backsight.network.checkpoint import default_checkpoint_path
from backsight.openers import index_predictor
from backsight.video.reader import Crop, Position, VideoFile
from tests.clips import CLOCKWISE_90, cut_file, even_times, write_clip, write_sound

WALK = ("--start", "48f", "--end", "182f", "--crop", "0,470,1560,524")
"""The part of the demo clip in which one woman walks alone."""


def assess(video: Path | str, *words: str, cwd: Path, exercise: str = "walk") -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "backsight", "assess", str(video), "--exercise", exercise, *words]
    return subprocess.run(command, capture_output=True, text=True, check=False, cwd=cwd, timeout=240)


def assert_refused(result: subprocess.CompletedProcess[str], expected: str, *, folder: Path, code: int = 1) -> None:
    lines = result.stderr.strip().splitlines()
    assert result.returncode == code, result.stderr
    assert len(lines) == 1, result.stderr
    assert lines[0].startswith("backsight: ")
    assert expected in lines[0]
    assert "Traceback" not in result.stderr
    assert [path.name for path in folder.iterdir() if "backsight" in path.name] == []


def write_frames(path: Path, images: list[np.ndarray]) -> Path:
    height, width = (size - size % 2 for size in images[0].shape[:2])
    times_s = even_times(len(images), fps=30)
    return write_clip(
        path, times_s=times_s, size=(width, height), picture=lambda index, _: images[index][:height, :width]
    )


@pytest.fixture(scope="module")
def walk_frames(demo_clip: Path) -> list[np.ndarray]:
    source = VideoFile(
        demo_clip, start=Position(frame=48), end=Position(frame=182), crop=Crop(x=0, y=470, width=1560, height=524)
    )
    return [frame.image for frame in source.frames()]


class TestFilesThatAreNoRecording:
    def test_text_file(self, tmp_path: Path) -> None:
        (tmp_path / "notes.mp4").write_text("not a video\n" * 100)
        assert_refused(assess("notes.mp4", cwd=tmp_path), "notes.mp4", folder=tmp_path)

    def test_missing_file(self, tmp_path: Path) -> None:
        assert_refused(assess("absent.mp4", cwd=tmp_path), "absent.mp4", folder=tmp_path)

    def test_empty_file(self, tmp_path: Path) -> None:
        (tmp_path / "empty.mp4").touch()
        assert_refused(assess("empty.mp4", cwd=tmp_path), "empty", folder=tmp_path)

    def test_audio_only(self, tmp_path: Path) -> None:
        write_sound(tmp_path / "tone.mp4")
        assert_refused(assess("tone.mp4", cwd=tmp_path), "tone.mp4", folder=tmp_path)

    def test_one_frame(self, tmp_path: Path, lite_bundle: None) -> None:
        write_frames(tmp_path / "still.mp4", [np.full((240, 320, 3), 90, dtype=np.uint8)])
        assert_refused(assess("still.mp4", cwd=tmp_path), "still.mp4", folder=tmp_path)

    @pytest.mark.parametrize("share", [0.5, 0.9])
    def test_truncated_recording(self, tmp_path: Path, demo_clip: Path, share: float) -> None:
        cut_file(demo_clip, tmp_path / "cut.mp4", share=share)
        assert_refused(assess("cut.mp4", cwd=tmp_path), "cut.mp4", folder=tmp_path)


class TestRecordingsThatCannotCarryANumber:
    """No person is an error; a person who cannot be judged gets a whole report without an index, and exit code 3."""

    def test_no_person(self, tmp_path: Path, lite_bundle: None) -> None:
        texture = np.random.default_rng(1).integers(80, 160, size=(360, 640, 3)).astype(np.uint8)
        write_frames(tmp_path / "room.mp4", [texture] * 60)
        assert_refused(assess("room.mp4", cwd=tmp_path), "no person found in 60 frames", folder=tmp_path)

    def test_two_people(self, tmp_path: Path, demo_clip: Path) -> None:
        result = assess(demo_clip, "--start", "48f", "--end", "110f", "--out", "out", cwd=tmp_path)
        self.assert_unusable(result, tmp_path / "out", expected="--crop")

    def test_cut_off_at_the_knees(self, tmp_path: Path, walk_frames: list[np.ndarray]) -> None:
        height = walk_frames[0].shape[0]
        write_frames(tmp_path / "knees.mp4", [image[: int(0.62 * height)] for image in walk_frames])
        self.assert_unusable(assess("knees.mp4", "--out", "out", cwd=tmp_path), tmp_path / "out", expected="frame")

    def test_dark(self, tmp_path: Path, walk_frames: list[np.ndarray]) -> None:
        write_frames(tmp_path / "dark.mp4", [(image * 0.04).astype(np.uint8) for image in walk_frames])
        result = assess("dark.mp4", "--out", "out", cwd=tmp_path)
        if result.returncode == 1:
            # So dark that BlazePose sees nobody: as good an answer, as long as it is one line.
            assert_refused(result, "no person found", folder=tmp_path)
        else:
            self.assert_unusable(result, tmp_path / "out", expected="dark")

    @staticmethod
    def assert_unusable(result: subprocess.CompletedProcess[str], out: Path, *, expected: str) -> None:
        lines = result.stderr.strip().splitlines()
        assert result.returncode == 3, result.stderr
        assert len(lines) == 1, result.stderr
        assert lines[0].startswith("backsight: unusable: ")
        assert expected in lines[0] or expected in result.stdout
        assert '"index": null' in (out / "assessment.json").read_text()
        assert (out / "report.html").stat().st_size > 0


class TestUnusualRecordingsThatAreFine:
    """10-bit, odd sizes and 120 fps are the reader's unit tests; here a phone's clip goes down the whole road."""

    def test_turned_phone_with_an_uneven_clock_gives_the_same_speed(
        self, tmp_path: Path, walk_frames: list[np.ndarray]
    ) -> None:
        # A phone held sideways stores the picture lying down and says so in a tag; every fourth frame is lost.
        kept = [index for index in range(len(walk_frames)) if index % 4]
        lying = [np.rot90(walk_frames[index]) for index in kept]
        height, width = (size - size % 2 for size in lying[0].shape[:2])
        write_clip(
            tmp_path / "phone.mp4",
            times_s=[index / 30 for index in kept],
            size=(width, height),
            picture=lambda index, _: lying[index][:height, :width],
            options={"crf": "14"},
            display_matrix=CLOCKWISE_90,
        )
        write_frames(tmp_path / "plain.mp4", walk_frames)
        speeds = []
        for name in ("phone.mp4", "plain.mp4"):
            result = assess(name, "--out", name[:5], "--no-overlay", "--json", cwd=tmp_path)
            assert result.returncode == 0, result.stderr
            (part,) = json.loads(result.stdout)["exercises"]
            assert part["quality"]["verdict"] != "unusable"
            speeds += [item["value"] for item in part["measurements"] if item["name"] == "gait_speed_m_per_s"]
        assert speeds[0] == pytest.approx(speeds[1], abs=0.08)


class TestMachinesAtFault:
    def test_no_write_permission(self, tmp_path: Path, demo_clip: Path) -> None:
        with unwritable_folder(tmp_path) as folder:
            result = assess(demo_clip, *WALK, "--out", str(folder / "out"), cwd=tmp_path)
        assert_refused(result, "out", folder=tmp_path)

    def test_disk_full_while_drawing(self, tmp_path: Path, demo_clip: Path) -> None:
        with small_disk(tmp_path / "disk", "200k") as disk:
            result = assess(demo_clip, *WALK, "--out", str(disk / "out"), cwd=tmp_path)
            left = list(disk.iterdir())
        assert_refused(result, "full", folder=tmp_path)
        assert left == []

    def test_existing_folder_of_the_users_is_never_replaced(self, tmp_path: Path, demo_clip: Path) -> None:
        (tmp_path / "out").mkdir()
        (tmp_path / "out/thesis.txt").write_text("mine")
        result = assess(demo_clip, *WALK, "--out", "out", "--overwrite", cwd=tmp_path)
        assert result.returncode == 1
        assert (tmp_path / "out/thesis.txt").read_text() == "mine"


class TestModels:
    def test_corrupt_checkpoint(self, tmp_path: Path, demo_clip: Path) -> None:
        damaged = bytearray(default_checkpoint_path().read_bytes())
        damaged[len(damaged) // 2] ^= 0xFF
        (tmp_path / "mine.ckpt").write_bytes(damaged)
        result = assess(demo_clip, *WALK, "--model", "mine.ckpt", cwd=tmp_path)
        assert_refused(result, "mine.ckpt", folder=tmp_path)

    def test_missing_checkpoint(self, tmp_path: Path, demo_clip: Path) -> None:
        result = assess(demo_clip, *WALK, "--model", "absent.ckpt", cwd=tmp_path)
        assert_refused(result, "absent.ckpt", folder=tmp_path)

    def test_nan_only_landmarks_get_no_number(self) -> None:
        features = FeatureSequence(
            values=np.full((30, len(FEATURE_NAMES)), np.nan), names=FEATURE_NAMES, timestamps_s=np.arange(30) / 30
        )
        with pytest.raises(InvalidValueError, match="NaN"):
            index_predictor("lstm-paper").predict(features)

    def test_weights_missing_on_an_offline_machine(self, tmp_path: Path, demo_clip: Path) -> None:
        (tmp_path / "empty").mkdir()
        command = [sys.executable, "-m", "backsight", "assess", str(demo_clip), "--exercise", "walk", *WALK]
        environment = os.environ | {"BACKSIGHT_MODELS_DIR": str(tmp_path / "empty")}
        result = subprocess.run(command, capture_output=True, text=True, check=False, cwd=tmp_path, env=environment)
        assert_refused(result, "backsight models fetch", folder=tmp_path)


@contextlib.contextmanager
def unwritable_folder(tmp_path: Path) -> Iterator[Path]:
    """A folder that refuses us: by its mode for a user, the kernel's own for root, whom modes do not stop."""
    if os.geteuid() == 0:
        if not Path("/sys/kernel").is_dir():
            pytest.skip("running as root without /sys: every folder is writable")
        yield Path("/sys/kernel")
        return
    folder = tmp_path / "locked"
    folder.mkdir(mode=0o555)
    yield folder


@contextlib.contextmanager
def small_disk(mount_point: Path, size: str) -> Iterator[Path]:
    """A file system that is really full after `size` bytes."""
    mount_point.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(mount_point)], check=False, capture_output=True
    )
    if mounted.returncode:
        pytest.skip("cannot mount a small file system here (needs root on Linux)")
    try:
        yield mount_point
    finally:
        subprocess.run(["umount", str(mount_point)], check=True)
