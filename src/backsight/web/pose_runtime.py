"""Where the browser gets what finds landmarks in its camera's pictures: Google's runtime and BlazePose. Knows no page.

`scripts/build_web.py` puts the runtime into the package; the model comes from the models folder. Both are served by us:
a participant's browser talks to nobody else.
"""

from __future__ import annotations

import gzip
import hashlib
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from backsight.errors import ModelFileError
from backsight.openers import pose_bundle
from backsight.pose.weights import PoseModel
from backsight.web.templating import STATIC_DIR, static_url

VERSION = "1.1.0"
"""Of the npm package `@mediapipe/tasks-vision`; a test compares it with web-assets/package.json."""
ENGINE = f"tasks-vision {VERSION}"
PATH = "/take-part/pose"
BINARY = "vision_wasm_internal.wasm"
MODEL = PoseModel.LITE
"""Phones find landmarks with it at a camera's rate; the paper uses it for speed (Table I)."""

_FOLDER = "vendor/tasks-vision"
_SCRIPT, _LOADER = "vision_bundle.mjs", "vision_wasm_internal.js"


@dataclass(frozen=True)
class RuntimeAddresses:
    """Where a page loads the runtime from; the addresses change with the files."""

    script: str
    loader: str
    binary: str
    model: str


def runtime_addresses() -> RuntimeAddresses:
    """Return where the runtime is served.

    Raises
    ------
    ModelFileError
        When the runtime was not built, or BlazePose is missing and cannot be fetched.
    """
    return RuntimeAddresses(
        script=static_url(f"{_FOLDER}/{_script(_SCRIPT).name}"),
        loader=static_url(f"{_FOLDER}/{_script(_LOADER).name}"),
        binary=f"{PATH}/{BINARY}?v={_fingerprint(_script(BINARY + '.gz'))}",
        model=f"{PATH}/{MODEL.file_name}?v={_fingerprint(pose_bundle(MODEL))}",
    )


def is_built() -> bool:
    """Return whether the runtime was put into the package; without it nobody can be recorded."""
    return all((STATIC_DIR / _FOLDER / name).is_file() for name in (_SCRIPT, _LOADER, BINARY + ".gz"))


def compressed_binary() -> Path:
    """Return where the runtime's WebAssembly is, gzipped: 13 MB are 4 MB on the way to a phone."""
    return _script(BINARY + ".gz")


def plain_binary() -> bytes:
    """Return the runtime's WebAssembly for a client that takes no gzip."""
    return gzip.decompress(compressed_binary().read_bytes())


def model_path() -> Path:
    """Return BlazePose's bundle, fetched first when it is missing.

    Raises
    ------
    WeightsError
        When it is missing and cannot be fetched.
    """
    return pose_bundle(MODEL)


def _script(name: str) -> Path:
    path = STATIC_DIR / _FOLDER / name
    if not path.is_file():
        raise ModelFileError(
            f"{path} is missing: the browser's pose runtime was not built; run `make web-assets` (it needs npm)"
        )
    return path


@lru_cache(maxsize=8)
def _fingerprint(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()[:12]
