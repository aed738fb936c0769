"""Load BlazePose's two networks out of a bundle for one thread of the CPU; openvino's only door. Knows no landmarks."""

from __future__ import annotations

import sys
import tempfile
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from functools import lru_cache, partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from backsight.errors import MissingDependencyError, WeightsError
from backsight.pose.openvino.kept import FOLDER, kept_or, key_of
from backsight.pose.weights import DETECTOR_ENTRY, LANDMARKS_ENTRY

DETECTOR_OUTPUTS = ((1, 2254, 12), (1, 2254, 1))
"""Shapes of boxes and scores, an anchor a row."""
LANDMARK_OUTPUTS = ((1, 195), (1, 1), (1, 64, 64, 39), (1, 117))
"""Shapes of landmarks, presence of a person, heat maps, world landmarks. The segmentation mask is left out: nobody here
needs it, and in lite it costs nearly as much as all the rest."""


@dataclass(frozen=True)
class _Recipe:
    """What is made of a network's weights: its outputs, and how it reads pixels, as (pixel - mean) / scale."""

    outputs: tuple[tuple[int, ...], ...]
    mean: float
    scale: float


_DETECTOR = _Recipe(DETECTOR_OUTPUTS, mean=127.5, scale=127.5)
_LANDMARKS = _Recipe(LANDMARK_OUTPUTS, mean=0.0, scale=255.0)
_OPTIONS = {
    # Anything less moves landmarks, by up to 11 of 256 pixels in bfloat16.
    "INFERENCE_PRECISION_HINT": "f32",
    "INFERENCE_NUM_THREADS": 1,
    "PERFORMANCE_HINT": "LATENCY",
    # Cores are filled by clips: processes that each pin their one thread would all choose the same core.
    "ENABLE_CPU_PINNING": False,
}
_CONVERTER = "openvino.tools.ovc"
"""Converts other makers' models. Importing it, as `import openvino` does, reports the import to its maker over the
network; nothing here needs it."""


class Network:
    """A network that is ready to run, with its own input and outputs."""

    def __init__(self, request: Any, outputs: Sequence[Any]) -> None:
        self._request = request
        self.picture: NDArray[np.uint8] = request.get_input_tensor().data[0]
        """The input, to be written into: RGB, shape (side, side, 3)."""
        self._outputs = [request.get_tensor(output).data[0] for output in outputs]

    def run(self) -> list[NDArray[np.float32]]:
        """Return the outputs for what is in `picture`; they hold until the next run."""
        self._request.infer()
        return self._outputs


def import_openvino() -> Any:
    """Return the openvino module, imported without its converter and that one's telemetry.

    Raises
    ------
    MissingDependencyError
        When it is not installed or broken.
    """
    try:
        with _without(_CONVERTER):
            import openvino
    except (ImportError, AttributeError, OSError, RuntimeError) as error:
        # A library that is there and broken says so in many ways.
        raise MissingDependencyError(
            f"the engine openvino cannot be loaded ({error}): pip install 'backsight[fast]', or use --engine mediapipe"
        ) from error
    return openvino


@contextmanager
def _without(module: str) -> Iterator[None]:
    """Keep a module from being imported; one that has been already stays."""
    if module in sys.modules:
        yield
        return
    sys.modules[module] = None  # type: ignore[assignment]  # Python's documented way of saying: not there
    try:
        yield
    finally:
        del sys.modules[module]


def load_networks(bundle: Path) -> tuple[Network, Network]:
    """Return the person detector and the landmark network of a `.task` bundle.

    Raises
    ------
    MissingDependencyError
        When openvino is not installed or broken.
    WeightsError
        When the bundle is missing, damaged, or holds other networks than BlazePose's.
    """
    import_openvino()
    try:
        file = bundle.stat()
    except OSError as error:
        raise WeightsError(f"the BlazePose bundle {bundle} is missing. Run `backsight models fetch`") from error
    detector, landmarks = _compiled(bundle, file.st_mtime_ns, file.st_size)
    return _network(detector), _network(landmarks)


def _network(compiled: Any) -> Network:
    return Network(compiled.create_infer_request(), compiled.outputs)


# A process that takes many recordings loads once.
@lru_cache(maxsize=3)
def _compiled(bundle: Path, _changed_ns: int, _n_bytes: int) -> tuple[Any, Any]:
    """Return both networks of a bundle, compiled; a bundle that has changed on disk is read again."""
    openvino = import_openvino()
    try:
        with zipfile.ZipFile(bundle) as archive:
            detector, landmarks = archive.read(DETECTOR_ENTRY), archive.read(LANDMARKS_ENTRY)
        core = openvino.Core()
        folder = bundle.parent / FOLDER
        return _load(core, detector, _DETECTOR, folder=folder), _load(core, landmarks, _LANDMARKS, folder=folder)
    except (OSError, KeyError, EOFError, RuntimeError, ValueError, zipfile.BadZipFile, zlib.error) as error:
        reason = ([line for line in str(error).splitlines() if line.strip()] or ["no reason given"])[-1].rstrip(".")
        raise WeightsError(
            f"{bundle} is not a BlazePose bundle that OpenVINO can load ({reason}). Delete it and run "
            "`backsight models fetch`"
        ) from error


def _load(core: Any, weights: bytes, recipe: _Recipe, *, folder: Path) -> Any:
    key = key_of(core, weights, recipe=asdict(recipe), options=_OPTIONS)
    return kept_or(partial(_compile, core, weights, recipe), core, folder / f"{key}.openvino", options=_OPTIONS)


def _compile(core: Any, weights: bytes, recipe: _Recipe) -> Any:
    openvino = import_openvino()
    # OpenVINO reads this format from files only. A system that keeps open files from being removed keeps this.
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        file = Path(folder) / "network.tflite"
        file.write_bytes(weights)
        whole = core.read_model(file)
        by_shape = {tuple(output.shape): output for output in whole.outputs}
        if any(shape not in by_shape for shape in recipe.outputs):
            raise ValueError(f"expected outputs of shapes {recipe.outputs}, got {sorted(by_shape)}")
        pruned = openvino.Model([by_shape[shape] for shape in recipe.outputs], whole.get_parameters(), "blazepose")
        steps = openvino.preprocess.PrePostProcessor(pruned)
        steps.input().tensor().set_element_type(openvino.Type.u8)
        steps.input().preprocess().convert_element_type(openvino.Type.f32).mean(recipe.mean).scale(recipe.scale)
        return core.compile_model(steps.build(), "CPU", _OPTIONS)
