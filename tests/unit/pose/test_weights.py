"""No network: the npm client is a small script or a function, except in the one slow test."""

import errno
import io
import os
import struct
import tarfile
import threading
import zipfile
from pathlib import Path

import pytest

from backsight.errors import WeightsError
from backsight.pose.weights import (
    PoseModel,
    bundle_state,
    download_with_npm,
    ensure_bundle,
    fetch_bundles,
    is_whole,
)

posix_only = pytest.mark.skipif(os.name != "posix", reason="the stand-in for npm is a shell script")


def refuse_to_download(folder: Path) -> Path:
    raise AssertionError("nothing had to be downloaded")


def fake_npm(folder: Path, script: str) -> str:
    path = folder / "npm-stand-in"
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return str(path)


def package(path: Path, members: dict[str, bytes]) -> Path:
    with tarfile.open(path, "w:gz") as tar:
        for name, content in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    return path


def foreign_bundle(path: Path) -> Path:
    """A whole bundle by another maker, as a user may have downloaded it."""
    model = struct.pack("<I", 16) + b"TFL3" + bytes(300)
    with zipfile.ZipFile(path, "w") as bundle:
        for name in ("pose_detector.tflite", "pose_landmarks_detector.tflite"):
            bundle.writestr(name, model)
    return path


def test_missing_and_not_allowed_to_fetch_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(
        WeightsError, match=r"pose_landmarker_full\.task is missing.*models fetch.*BACKSIGHT_MODELS_DIR"
    ):
        ensure_bundle(PoseModel.FULL, folder=tmp_path, may_fetch=False)
    assert bundle_state(PoseModel.FULL, folder=tmp_path) == "missing"


def test_a_whole_bundle_by_another_maker_is_used_as_it_stands(tmp_path: Path) -> None:
    path = foreign_bundle(tmp_path / "pose_landmarker_lite.task")
    assert bundle_state(PoseModel.LITE, folder=tmp_path) == "altered"
    assert is_whole(path)
    assert ensure_bundle(PoseModel.LITE, folder=tmp_path, download=refuse_to_download) == path


@pytest.mark.parametrize("damage", ["cut short", "one bit", "not a bundle", "empty", "not models"])
def test_a_damaged_bundle_is_refused_and_made_again(tmp_path: Path, damage: str) -> None:
    path = foreign_bundle(tmp_path / "pose_landmarker_lite.task")
    content = bytearray(path.read_bytes())
    if damage == "cut short":
        content = content[: len(content) // 2]
    elif damage == "one bit":
        content[200] ^= 1
    elif damage == "not models":
        content = bytearray(bytes(content).replace(b"TFL3", b"TFL9"))
    else:
        content = bytearray(b"text" if damage == "not a bundle" else b"")
    path.write_bytes(content)
    assert not is_whole(path)
    with pytest.raises(WeightsError, match="is damaged"):
        ensure_bundle(PoseModel.LITE, folder=tmp_path, may_fetch=False)
    with pytest.raises(AssertionError, match="nothing had to be downloaded"):
        ensure_bundle(PoseModel.LITE, folder=tmp_path, download=refuse_to_download)


def test_npm_missing() -> None:
    with pytest.raises(WeightsError, match=r"Install Node\.js.*BACKSIGHT_MODELS_DIR"):
        download_with_npm(Path(), npm="backsight-has-no-such-program")


@posix_only
def test_npm_failing_passes_on_the_cause_that_npm_names(tmp_path: Path) -> None:
    said = (
        "npm error code ENOTFOUND\\nnpm error errno X\\nnpm error request failed: no such host\\nnpm error A log: x\\n"
    )
    npm = fake_npm(tmp_path, f"printf '{said}' >&2; exit 1")
    with pytest.raises(
        WeightsError, match=r"could not fetch @mediapipe/pose@\S+: request failed: no such host\. Check"
    ):
        download_with_npm(tmp_path, npm=npm)


@posix_only
def test_npm_that_succeeds_without_a_package_is_a_failure(tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match="it gave no reason"):
        download_with_npm(tmp_path, npm=fake_npm(tmp_path, "exit 0"))


@posix_only
def test_npm_that_hangs_is_given_up(tmp_path: Path) -> None:
    npm = fake_npm(tmp_path, "exec tail -f /dev/null")
    with pytest.raises(WeightsError, match="did not finish"):
        download_with_npm(tmp_path, npm=npm, timeout_s=0.1)


@posix_only
def test_npm_is_asked_for_the_pinned_package_in_the_folder_given(tmp_path: Path) -> None:
    npm = fake_npm(tmp_path, 'echo "$@" > asked; : > mediapipe-pose.tgz')
    assert download_with_npm(tmp_path, npm=npm) == tmp_path / "mediapipe-pose.tgz"
    assert (tmp_path / "asked").read_text().startswith("pack @mediapipe/pose@0.5.1675469404 --ignore-scripts")


def test_a_wrong_check_sum_names_file_expected_and_got(tmp_path: Path) -> None:
    def download(folder: Path) -> Path:
        return package(folder / "p.tgz", {"package/pose_solution_packed_assets.data": b"something else"})

    models = tmp_path / "models"
    with pytest.raises(WeightsError) as caught:
        fetch_bundles([PoseModel.LITE], folder=models, download=download)
    message = str(caught.value)
    assert "pose_solution_packed_assets.data" in message
    assert "must have SHA-256 a63c614bef30" in message
    # sha256sum of the text "something else"
    assert "got f41f3fa625ff" in message
    assert "nothing was kept" in message
    assert list(models.iterdir()) == []


@pytest.mark.parametrize("content", [b"", b"not a tarball", None])
def test_a_damaged_download_keeps_nothing(tmp_path: Path, content: bytes | None) -> None:
    def download(folder: Path) -> Path:
        path = package(folder / "p.tgz", {"package/README.md": b"no weights"})
        if content is not None:
            path.write_bytes(content)
        return path

    with pytest.raises(WeightsError, match=r"is damaged .* nothing was kept"):
        fetch_bundles([PoseModel.LITE], folder=tmp_path, download=download)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("number", "expected"),
    [
        (errno.ENOSPC, "no space left.*free 100 MB"),
        (errno.EACCES, "no permission to write.*BACKSIGHT_MODELS_DIR"),
        (errno.EROFS, "no permission to write"),
        (errno.EIO, "cannot be written into .* \\(Input/output error\\)"),
    ],
)
def test_a_folder_that_cannot_be_written(tmp_path: Path, number: int, expected: str) -> None:
    def download(folder: Path) -> Path:
        raise OSError(number, os.strerror(number))

    with pytest.raises(WeightsError, match=expected):
        fetch_bundles([PoseModel.LITE], folder=tmp_path, download=download)


def test_a_folder_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(WeightsError, match="cannot be written into"):
        fetch_bundles([PoseModel.LITE], folder=tmp_path / "file/models", download=refuse_to_download)


def test_an_interruption_leaves_no_trace(tmp_path: Path) -> None:
    said: list[tuple[str, int, int]] = []

    def download(folder: Path) -> Path:
        (folder / "half.tgz").write_bytes(b"half")
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fetch_bundles([PoseModel.LITE], folder=tmp_path, download=download, on_progress=lambda *what: said.append(what))
    assert list(tmp_path.iterdir()) == []
    assert said == [("Downloading the BlazePose weights (41 MB)", 0, 0)]


@pytest.mark.slow
def test_two_at_once_fetch_the_official_weights_and_make_the_known_bundles(tmp_path: Path) -> None:
    tarball = download_with_npm(tmp_path)
    models = tmp_path / "models"
    said: list[tuple[str, int, int]] = []

    def fetch() -> None:
        fetch_bundles(PoseModel, folder=models, download=lambda _: tarball, on_progress=lambda *what: said.append(what))

    other = threading.Thread(target=fetch)
    other.start()
    fetch()
    other.join()
    assert [bundle_state(model, folder=models) for model in PoseModel] == ["ok", "ok", "ok"]
    assert sorted(path.name for path in models.iterdir()) == sorted(model.file_name for model in PoseModel)
    assert said.count(("BlazePose weights are ready", 3, 3)) == 2
    # What is there already is not fetched again.
    fetch_bundles(PoseModel, folder=models, download=refuse_to_download)
