"""One file that holds a learner fitted to a study, and what is known of it. No pickle; knows no learner by name.

The file is a zip archive: `fitted.json` (the learner's parts, the study, the figures), `arrays.safetensors` (all
numbers that are learnt) and `MODEL_CARD.md`. A fitted learner is written as the tree of frozen dataclasses that it is;
reading builds only dataclasses of Backsight's own packages and networks of `build_network`.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import json
import math
import struct
import sys
import zipfile
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, is_dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load, save

from backsight.domain.study import FoundBy, ScoreScale
from backsight.domain.validation import FloatArray
from backsight.errors import CheckpointError, InvalidValueError, MissingDependencyError
from backsight.evaluation.learner import FittedLearner
from backsight.exports.folder import output_error
from backsight.network.checkpoint import FITTED_MANIFEST

Array = NDArray[Any]

FORMAT = "backsight-fitted-learner"
FORMAT_VERSION = 2
"""Raised whenever an older Backsight could not read the file's layout; a learner that it does not have, it names."""

_READABLE_VERSIONS = (1, FORMAT_VERSION)
"""Files of format 1 do not say what found the landmarks."""

_MANIFEST, _ARRAYS, _CARD = FITTED_MANIFEST, "arrays.safetensors", "MODEL_CARD.md"
_FIXED_DATE = (1980, 1, 1, 0, 0, 0)
_LARGEST_MEMBER_BYTES = 1 << 30
"""Far above any learner of this kind; keeps a forged size from filling the memory."""
_PACKAGES = tuple(f"backsight.{name}." for name in ("domain", "evaluation", "features", "network", "training"))
"""Where classes that a file names may live."""
_DAMAGE = (zipfile.BadZipFile, zlib.error, struct.error, EOFError, OSError, RuntimeError, ValueError, SafetensorError)
"""What libraries raise on archives with missing or altered bytes."""
_MISMATCH = (KeyError, TypeError, AttributeError, ValueError, ImportError, RuntimeError, SafetensorError)
"""What building a learner raises where the file's parts are not those of this Backsight."""


@dataclass(frozen=True)
class StudyFacts:
    """What a fitted learner tells of the people it has learnt from, without telling who they are."""

    name: str
    fingerprint: str
    """Of all scored clips, from `fingerprint_study`."""
    source: str
    """Citation and licence."""
    may_ship: bool
    n_people: int
    n_clips: int
    exercises: tuple[str, ...]
    people: tuple[str, ...]
    """Digests of names under `people_key`, by which somebody who was learnt from is known again."""
    recordings: tuple[str, ...]
    """Digests of the landmarks, by which a recording is known again under another name."""
    people_key: str = ""
    """Drawn by lot for this file, hexadecimal; empty in files that were written before there was one."""
    found_by: tuple[tuple[FoundBy, int], ...] = ()
    """What found the landmarks, and in how many clips, the commonest first; empty = not known."""


@dataclass(frozen=True, eq=False)
class FittedFile:
    """A fitted learner with its origin, its figures and its card."""

    fitted: FittedLearner
    learner: str
    """Name of the learner."""
    settings: str
    """All its settings, as text."""
    scale: ScoreScale
    study: StudyFacts
    seed: int
    command: str
    """As it was typed, of paths the last part only."""
    version: str
    """Of Backsight."""
    half_width: float
    """Of the interval around a new person's score, in the scale's unit; NaN = not known."""
    level: float
    """How often the interval is to hold."""
    figures: Mapping[str, Any]
    """What the protocol found on people whom the learner had not seen, as JSON; empty = it was not run."""
    card: str
    """Markdown."""


def write_fitted(path: Path, content: FittedFile) -> None:
    """Write a fitted learner whole or not at all; the same content gives the same bytes.

    Raises
    ------
    InvalidValueError
        When the learner holds something that can only be written with pickle.
    OutputError
        When the file cannot be written.
    """
    packed = fitted_to_bytes(content)
    part = path.with_name(f".{path.name}.part")
    try:
        try:
            part.write_bytes(packed)
            part.replace(path)
        finally:
            with contextlib.suppress(FileNotFoundError):
                part.unlink()
    except OSError as error:
        raise output_error(path, error) from error


def fitted_to_bytes(content: FittedFile) -> bytes:
    """Return the file's content."""
    arrays: dict[str, Array] = {}
    try:
        told = {item.name: _encode(getattr(content, item.name), arrays) for item in fields(content)}
    except InvalidValueError as error:
        raise InvalidValueError(
            f"learner {content.learner} cannot be written: {error}; choose one that is made of arrays, trees and "
            "networks, such as best, kinematic or lstm"
        ) from None
    card = told.pop("card")
    members = {_ARRAYS: save(arrays), _CARD: str(card).encode()}
    manifest = {
        "format": FORMAT,
        "format_version": FORMAT_VERSION,
        **told,
        "sha256": {name: hashlib.sha256(packed).hexdigest() for name, packed in members.items()},
    }
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, packed in {_MANIFEST: json.dumps(manifest, indent=1, allow_nan=False).encode(), **members}.items():
            entry = zipfile.ZipInfo(name, date_time=_FIXED_DATE)
            entry.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(entry, packed)
    return buffer.getvalue()


def read_fitted(path: Path) -> FittedFile:
    """Read a fitted learner and verify all of it.

    Raises
    ------
    CheckpointError
        When the file is missing, is something else, is damaged, or comes from a Backsight whose learners differ.
    MissingDependencyError
        When it holds networks and PyTorch is not installed.
    """
    manifest, members = _read_archive(path, needed=(_ARRAYS, _CARD))
    try:
        for name in (_ARRAYS, _CARD):
            if hashlib.sha256(members[name]).hexdigest() != manifest["sha256"][name]:
                raise CheckpointError(f"{path.name}: {name} does not match its checksum; get the file again")
        arrays = load(members[_ARRAYS])
        told = {item.name: _decode(manifest[item.name], arrays) for item in fields(FittedFile) if item.name != "card"}
    except ModuleNotFoundError as error:
        if error.name is None or error.name.startswith("backsight"):
            raise _other_learners(path, error) from error
        raise MissingDependencyError(
            f"{path.name}: to run `{manifest.get('learner')}` takes {error.name}, which is not installed; "
            "pip install 'backsight[train]'"
        ) from error
    except _MISMATCH as error:
        raise _other_learners(path, error) from error
    return FittedFile(**told, card=members[_CARD].decode())


def read_study_facts(path: Path) -> StudyFacts:
    """Read of a fitted learner only what it tells of its study, and verify no more than that: no network is built.

    Raises
    ------
    CheckpointError
        As `read_fitted`.
    """
    manifest, _ = _read_archive(path, needed=())
    try:
        told = _decode(manifest["study"], {})
        if not isinstance(told, StudyFacts):
            raise TypeError("`study` holds something else")
    except _MISMATCH as error:
        raise _other_learners(path, error) from error
    return told


def _other_learners(path: Path, error: Exception) -> CheckpointError:
    return CheckpointError(
        f"{path.name}: this Backsight's learners are put together otherwise ({error}); train it again with "
        "`backsight train`"
    )


def _read_archive(path: Path, *, needed: Sequence[str]) -> tuple[dict[str, Any], dict[str, bytes]]:
    """Return the manifest, of a format that can be read, and the needed members."""
    members = _read_members(path, (_MANIFEST, *needed))
    manifest = json.loads(members[_MANIFEST])
    if not isinstance(manifest, dict) or manifest.get("format") != FORMAT:
        raise CheckpointError(f"{path.name}: not a fitted learner; {_MANIFEST} does not say `{FORMAT}`")
    if manifest.get("format_version") not in _READABLE_VERSIONS:
        raise CheckpointError(
            f"{path.name}: made for format {manifest.get('format_version')}, this Backsight reads "
            f"{' and '.join(map(str, _READABLE_VERSIONS))}; train it again with `backsight train`"
        )
    return manifest, members


def _read_members(path: Path, needed: Sequence[str]) -> dict[str, bytes]:
    expected = "expected a file that `backsight train STUDY` wrote"
    try:
        with zipfile.ZipFile(path) as archive:
            sizes = {entry.filename: entry.file_size for entry in archive.infolist()}
            missing = [name for name in (_MANIFEST, _ARRAYS, _CARD) if name not in sizes]
            if missing:
                raise CheckpointError(f"{path.name}: {expected}, got an archive without {missing[0]}")
            if max(sizes.values()) > _LARGEST_MEMBER_BYTES:
                raise CheckpointError(f"{path.name}: a member claims to be larger than any learner of this kind")
            members = {name: archive.read(name) for name in needed}
        json.loads(members[_MANIFEST])
    except FileNotFoundError:
        raise CheckpointError(f"{path}: no such file; {expected}") from None
    except _DAMAGE as error:
        raise CheckpointError(f"{path.name}: {expected}, got something else or a damaged file ({error})") from error
    return members


def _encode(value: Any, arrays: dict[str, Array]) -> Any:  # noqa: PLR0911  one line a kind
    """Return a value as JSON; what is learnt goes into `arrays`."""
    if value is None or isinstance(value, bool | int | str) or (isinstance(value, float) and math.isfinite(value)):
        return value
    if isinstance(value, float | np.generic):
        return _encode(value.item(), arrays) if isinstance(value, np.generic) else {"number": repr(value)}
    if isinstance(value, np.ndarray):
        return _encode_array(value, arrays)
    if isinstance(value, Mapping):
        return {"mapping": [[_encode(key, arrays), _encode(item, arrays)] for key, item in value.items()]}
    if isinstance(value, list):
        return [_encode(item, arrays) for item in value]
    if isinstance(value, tuple):
        return {"tuple": [_encode(item, arrays) for item in value]}
    if is_dataclass(value) and not isinstance(value, type):
        kind = type(value)
        if not f"{kind.__module__}.".startswith(_PACKAGES):
            raise InvalidValueError(f"{kind.__name__} is not Backsight's")
        parts = {item.name: _encode(getattr(value, item.name), arrays) for item in fields(value)}
        return {"class": f"{kind.__module__}:{kind.__qualname__}", "fields": parts}
    return _encode_network(value, arrays)


def _encode_array(value: Array, arrays: dict[str, Array]) -> Any:
    if value.dtype.kind in "US":
        return {"strings": value.tolist()}
    if value.dtype.kind not in "fiub":
        raise InvalidValueError(f"an array of {value.dtype} needs pickle")
    name = f"{len(arrays)}"
    arrays[name] = np.ascontiguousarray(value)
    return {"array": name}


def _encode_network(value: Any, arrays: dict[str, Array]) -> Any:
    if not _is_network(value):
        raise InvalidValueError(f"{type(value).__module__}.{type(value).__qualname__} needs pickle")
    weights = {name: tensor.detach().cpu().numpy() for name, tensor in value.state_dict().items()}
    return {"network": _encode(value.config, arrays), "weights": _encode(weights, arrays)}


def _is_network(value: Any) -> bool:
    if "torch" not in sys.modules:
        return False
    from backsight.network.sequence import SequenceNetwork

    return isinstance(value, SequenceNetwork)


def _decode(told: Any, arrays: Mapping[str, Array]) -> Any:  # noqa: PLR0911  one line a kind
    """Return what `_encode` was given."""
    if isinstance(told, list):
        return [_decode(item, arrays) for item in told]
    if not isinstance(told, dict):
        return told
    match told:
        case {"number": text}:
            return float(text)
        case {"array": name}:
            return arrays[name]
        case {"strings": items}:
            return np.array(items, dtype=np.str_)
        case {"mapping": pairs}:
            return {_decode(key, arrays): _decode(item, arrays) for key, item in pairs}
        case {"tuple": items}:
            return tuple(_decode(item, arrays) for item in items)
        case {"class": name, "fields": parts}:
            return _class_of(name)(**{key: _decode(item, arrays) for key, item in parts.items()})
        case {"network": config, "weights": weights}:
            return _decode_network(_decode(config, arrays), _decode(weights, arrays))
    raise ValueError(f"expected a part of a learner, got {sorted(told)}")


def _class_of(name: str) -> type:
    module, _, qualified = name.partition(":")
    if not f"{module}.".startswith(_PACKAGES) or not qualified.isidentifier():
        raise ValueError(f"expected a class of Backsight's, got {name}")
    found = getattr(import_module(module), qualified)
    if not (isinstance(found, type) and is_dataclass(found)):
        raise ValueError(f"expected a dataclass, got {name}")
    return found


def _decode_network(config: Any, weights: Mapping[str, Array]) -> Any:
    import torch

    from backsight.network.sequence import build_network

    with torch.random.fork_rng(devices=[]):
        network = build_network(config)
    network.load_state_dict({name: torch.from_numpy(values.copy()) for name, values in weights.items()})
    return network.eval()


def interval_around(predicted: FloatArray, *, half_width: float, scale: ScoreScale) -> tuple[FloatArray, FloatArray]:
    """Return the ends of the intervals around scores, cut off at the ends of the scale; NaN without a half-width."""
    lowest, highest = sorted((scale.best, scale.worst))
    return np.clip(predicted - half_width, lowest, highest), np.clip(predicted + half_width, lowest, highest)


def overlap(study: StudyFacts, *, people: Sequence[str], recordings: Sequence[str]) -> tuple[int, int]:
    """Return how many of some people and recordings a learner has learnt from."""
    return len(set(people) & set(study.people)), len(set(recordings) & set(study.recordings))
