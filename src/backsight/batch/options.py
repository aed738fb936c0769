"""What is to be done with a clip, and the key under which its result is known. Knows nothing of files or processes."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum
from importlib import resources
from importlib.metadata import version
from pathlib import Path

from backsight.domain.recording import Exercise
from backsight.network.checkpoint import is_fitted_to_study
from backsight.studio.fingerprint import digest_sources
from backsight.training.code_version import installed_versions

KEY_LENGTH = 32
"""Hexadecimal digits of a key: 128 bits, so that no two of any number of clips share one."""

_LOOKING = ("domain", "errors.py", "inputs.py", "kinematics", "pipeline.py", "ports.py", "pose", "video")
_ASSESSING = (
    "features",
    "network/checkpoint.py",
    "network/config.py",
    "network/familiarity.py",
    "network/kinematic.py",
    "network/kinematic_file.py",
    "network/occlusion.py",
    "network/predictor.py",
    "scoring",
)
"""Modules that decide a result; a change of what they do makes results anew, a change of their comments does not."""
_LEARNERS = ("evaluation", "network", "training")
"""What decides besides where the model was fitted to a study."""
_DATA = ("scoring/calibration.json",)
_LIBRARIES = ("av", "mediapipe", "numpy", "onnxruntime", "openvino", "scipy")
"""Libraries that decode, find landmarks, filter or predict: another version may give other numbers."""
_LEARNERS_LIBRARIES = ("scikit-learn", "torch")
"""What predicts besides where the model was fitted to a study."""


class Task(StrEnum):
    """What is done with every clip of a run."""

    EXTRACT = "extract"
    """Landmarks as BlazePose gives them, and the verdict on the recording."""
    ASSESS = "assess"
    """What `backsight assess` does."""


@dataclass(frozen=True)
class ClipOptions:
    """How one clip is to be looked at."""

    exercise: Exercise | None = None
    """None = not known, which only extracting allows."""
    start: str | None = None
    """A position as `video.selection.parse_position` reads it; None = the recording's first frame."""
    end: str | None = None
    crop: str | None = None
    """X,Y,WIDTH,HEIGHT; None = the whole picture."""
    height_m: float | None = None

    def to_json(self) -> str:
        """Return the options as text that is the same for the same options."""
        return json.dumps(asdict(self), sort_keys=True)

    @classmethod
    def from_json(cls, text: str) -> ClipOptions:
        """Read what `to_json` wrote."""
        fields = json.loads(text)
        exercise = fields.pop("exercise")
        return cls(exercise=None if exercise is None else Exercise(exercise), **fields)


@dataclass(frozen=True)
class RunOptions:
    """What is the same for every clip of a run; names, not objects, because it travels to other processes."""

    task: Task
    pose_model: str = "lite"
    engine: str = "auto"
    """What runs BlazePose; a run's workers are told the one that `auto` became."""
    model: str = "kinematic"
    """Without effect on extracting."""
    follow_largest: bool = False

    def settings(self, *, model_sha256: str) -> dict[str, str]:
        """Return what all results of one folder have in common."""
        return {
            "task": self.task.value,
            "pose model": self.pose_model,
            "engine": self.engine,
            "follow largest": "yes" if self.follow_largest else "no",
            **({"model": model_sha256} if self.task is Task.ASSESS else {}),
        }


def run_identity(options: RunOptions, *, bundle_sha256: str, model_sha256: str) -> str:
    """Return a fingerprint of everything but the clip that decides a result: options, weights, code, libraries."""
    package, of_a_study = _package(), is_of_a_study(options)
    decided_by = {
        **options.settings(model_sha256=model_sha256),
        "bundle": bundle_sha256,
        "data": [hashlib.sha256((package / name).read_bytes()).hexdigest() for name in _DATA],
        "code": _code(options.task, of_a_study=of_a_study),
        "libraries": installed_libraries(of_a_study=of_a_study),
    }
    return hashlib.sha256(json.dumps(decided_by, sort_keys=True).encode()).hexdigest()


def is_of_a_study(options: RunOptions) -> bool:
    """Tell whether a run's model was fitted to a study; only the machine that has the model's file can."""
    return options.task is Task.ASSESS and is_fitted_to_study(Path(options.model))


def installed_libraries(*, of_a_study: bool) -> dict[str, str | None]:
    """Return the versions of the libraries that decide results, by name; None = not installed.

    Parameters
    ----------
    of_a_study
        Whether the model was fitted to a study.
    """
    return installed_versions((*_LIBRARIES, *(_LEARNERS_LIBRARIES if of_a_study else ())))


def software(task: Task, of_a_study: bool) -> dict[str, str]:
    """Return what of this machine's software decides results: two machines where it is alike give the same bytes.

    Parameters
    ----------
    task
        What is done.
    of_a_study
        Whether the model was fitted to a study.
    """
    libraries = installed_libraries(of_a_study=of_a_study)
    return {
        "Backsight": version("backsight"),
        **_code(task, of_a_study=of_a_study),
        **{name: found or "none" for name, found in libraries.items()},
    }


def how_nodes_differ(needed: Mapping[str, str], found: Mapping[str, Mapping[str, str]]) -> str:
    """Say in what nodes differ from the machine that runs the command; empty = in nothing.

    Parameters
    ----------
    needed
        This machine's versions by name.
    found
        Each node's, by its address.
    """
    lines = []
    for node, has in found.items():
        others = [
            f"{name} {has.get(name, 'none')} instead of {wanted}"
            for name, wanted in needed.items()
            if has.get(name) != wanted
        ]
        if others:
            lines.append(f"{node} has {', '.join(others)}")
    return "; ".join(lines)


def _package() -> Path:
    return Path(str(resources.files("backsight")))


def _code(task: Task, *, of_a_study: bool) -> dict[str, str]:
    """Return digests of the modules that decide results, by what a node that has others is told."""
    parts = _LOOKING if task is Task.EXTRACT else (*_LOOKING, *_ASSESSING)
    return {
        "Backsight's code": _digest(parts),
        **({"Backsight's learners": _digest(_LEARNERS)} if of_a_study else {}),
    }


def _digest(parts: Sequence[str]) -> str:
    package = _package()
    paths = [path for part in parts for path in (sorted((package / part).rglob("*.py")) or [package / part])]
    return digest_sources(package, paths)


def result_key(content_sha256: str, clip: ClipOptions, *, run: str) -> str:
    """Return the name of a clip's result: the same bytes, looked at in the same way by the same code, share it."""
    return hashlib.sha256(f"{content_sha256}\n{clip.to_json()}\n{run}".encode()).hexdigest()[:KEY_LENGTH]


def file_sha256(path: Path) -> str:
    """Return a file's SHA-256 in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
