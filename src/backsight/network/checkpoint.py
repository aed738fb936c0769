"""One file that holds a trained network and everything needed to trust and continue it. No pickle, no torch.

The file is a zip archive: `checkpoint.json` (config, feature names, scaler, training record, metrics),
`model.onnx` (what predicts), `weights.safetensors` (what training goes on from) and `MODEL_CARD.md`. Every member has
the archive's CRC and a SHA-256 in `checkpoint.json`; dates are fixed, so the same training gives the same bytes.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import json
import math
import os
import struct
import zipfile
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from importlib import resources
from pathlib import Path
from typing import Any

from backsight.domain.assessment import ModelCard
from backsight.domain.recording import Exercise
from backsight.domain.sequences import MinMaxScaler
from backsight.errors import CheckpointError, InvalidValueError, OutputError
from backsight.network.config import LstmConfig

FORMAT = "backsight-checkpoint"
FORMAT_VERSION = 1
"""Raised whenever an older Backsight could not read the file."""

LSTM_PAPER, KINEMATIC = "lstm-paper", "kinematic"
SHIPPED: Mapping[str, str] = {
    KINEMATIC: "kinematic-virtual.backsight",
    LSTM_PAPER: "lstm-paper-virtual.backsight",
}
"""Models that ship: the name that `--model` takes -> the file."""

FITTED_MANIFEST = "fitted.json"
"""What a file of `backsight train STUDY` holds, and a checkpoint does not."""
_MANIFEST, _ONNX, _WEIGHTS, CARD_MEMBER = "checkpoint.json", "model.onnx", "weights.safetensors", "MODEL_CARD.md"
_MEMBERS = (_ONNX, _WEIGHTS, CARD_MEMBER)
_FIXED_DATE = (1980, 1, 1, 0, 0, 0)
_LARGEST_MEMBER_BYTES = 1 << 28
"""Far above any network of this kind; keeps a forged size from filling the memory."""

_DAMAGE = (zipfile.BadZipFile, zlib.error, struct.error, EOFError, OSError, RuntimeError, ValueError, OverflowError)
"""What the standard library raises on archives with missing or altered bytes."""


@dataclass(frozen=True)
class TrainingRecord:
    """How a network came to be, as far as it takes to make it again."""

    data: str
    """What it was trained on, in one sentence."""
    rating_provenance: str
    """Whose ratings the labels are."""
    exercises: tuple[Exercise, ...]
    n_subjects: int
    """People in all folds together."""
    seed: int
    command: str
    """The command that makes it again."""


@dataclass(frozen=True, eq=False)
class Checkpoint:
    """A trained network with its scaler, its feature schema, its origin and its card."""

    config: LstmConfig
    onnx: bytes
    """The network as ONNX; see `backsight.network.export.export_onnx` for its inputs and outputs."""
    weights: bytes
    """The network's weights as safetensors."""
    scaler: MinMaxScaler
    feature_names: tuple[str, ...]
    """One name a column, in the network's order."""
    training: TrainingRecord
    metrics: Mapping[str, float]
    """Figures from people held out of training; NaN = could not be computed."""
    card: ModelCard

    def __post_init__(self) -> None:
        expected = self.config.n_features
        for field, length in (("feature_names", len(self.feature_names)), ("scaler", len(self.scaler.minimum))):
            if length != expected:
                raise InvalidValueError(
                    f"`{field}` must have one entry for each of the network's {expected} features, got {length}"
                )
        if not 0.0 < self.card.interval_half_width < math.inf:
            raise InvalidValueError(
                f"`interval_half_width` must be a positive number, got {self.card.interval_half_width}"
            )
        if not self.card.text.startswith(self.card.headline):
            raise InvalidValueError("the card's text must begin with its headline, so that nobody reads past it")

    @property
    def feature_schema(self) -> str:
        """Short fingerprint of the feature names and their order."""
        return schema_fingerprint(self.feature_names)


def schema_fingerprint(names: Sequence[str]) -> str:
    """Return a SHA-256 over feature names and their order, in hexadecimal."""
    return hashlib.sha256("\n".join(names).encode()).hexdigest()


def first_difference(expected: Sequence[str], got: Sequence[str]) -> str | None:
    """Say in one clause where two lists of feature names part; None when they agree."""
    for column, (want, have) in enumerate(zip(expected, got, strict=False)):
        if want != have:
            return f"column {column} expected `{want}`, got `{have}`"
    if len(expected) != len(got):
        return f"expected {len(expected)} columns, got {len(got)}"
    return None


def default_checkpoint_path(name: str = LSTM_PAPER) -> Path:
    """Return the file of a model that ships with the package, one of `SHIPPED`.

    Raises
    ------
    CheckpointError
        When the installation lacks it.
    """
    path = Path(str(resources.files("backsight.network").joinpath("default", SHIPPED[name])))
    if not path.is_file():
        raise CheckpointError(f"{path.name}: a model that ships with Backsight is missing; install Backsight again")
    return path


def save_checkpoint(path: Path, checkpoint: Checkpoint) -> None:
    """Write a checkpoint whole or not at all.

    Raises
    ------
    OutputError
        When the file cannot be written.
    """
    write_whole(path, checkpoint_to_bytes(checkpoint))


def write_whole(path: Path, content: bytes) -> None:
    """Write a checkpoint's bytes, or nothing; raises `OutputError`."""
    part = path.with_name(f".{path.name}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            with part.open("wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            part.replace(path)
        finally:
            with contextlib.suppress(FileNotFoundError):
                part.unlink()
    except OSError as error:
        raise OutputError(
            f"{path}: the checkpoint cannot be written ({error.strerror or error}); choose another place with --out"
        ) from error


def checkpoint_to_bytes(checkpoint: Checkpoint) -> bytes:
    """Return the file's content; the same checkpoint gives the same bytes."""
    members = {
        _ONNX: checkpoint.onnx,
        _WEIGHTS: checkpoint.weights,
        CARD_MEMBER: checkpoint.card.text.encode(),
    }
    return archive_to_bytes(_manifest(checkpoint), members)


def archive_to_bytes(manifest: Mapping[str, Any], members: Mapping[str, bytes]) -> bytes:
    """Return a checkpoint's archive; the manifest gets the checksums of the members."""
    manifest = dict(manifest) | {
        "sha256": {name: hashlib.sha256(content).hexdigest() for name, content in members.items()}
    }
    members = {_MANIFEST: json.dumps(manifest, indent=1, allow_nan=False).encode(), **members}
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, content in members.items():
            entry = zipfile.ZipInfo(name, date_time=_FIXED_DATE)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.create_system = 3
            entry.external_attr = 0o644 << 16
            archive.writestr(entry, content, compresslevel=9)
    return buffer.getvalue()


def _manifest(checkpoint: Checkpoint) -> dict[str, Any]:
    scaler, card = checkpoint.scaler, checkpoint.card
    return {
        "format": FORMAT,
        "format_version": FORMAT_VERSION,
        "name": card.name,
        "version": card.version,
        "headline": card.headline,
        "training_data": card.training_data,
        "interval_half_width": card.interval_half_width,
        # Only where there is something to say: checkpoints that were written before stay as they are.
        **({"no_verdict": card.no_verdict} if card.no_verdict else {}),
        "network": {"kind": "lstm", **asdict(checkpoint.config)},
        "feature_schema": checkpoint.feature_schema,
        "feature_names": list(checkpoint.feature_names),
        "scaler": {
            "minimum": scaler.minimum.tolist(),
            "maximum": scaler.maximum.tolist(),
            "fill": scaler.fill.tolist(),
            "overshoot": scaler.overshoot,
        },
        "training": asdict(checkpoint.training),
        "metrics": {name: None if math.isnan(value) else float(value) for name, value in checkpoint.metrics.items()},
    }


def load_checkpoint(path: Path, *, expected_features: Sequence[str] | None = None) -> Checkpoint:
    """Read a checkpoint and verify all of it.

    Parameters
    ----------
    path
        A file that `save_checkpoint` wrote.
    expected_features
        The columns that features will have; None leaves the check to the predictor.

    Raises
    ------
    CheckpointError
        When the file is missing, is something else, is damaged, comes from a newer Backsight, contradicts itself, or
        was trained on other features.
    """
    manifest, members = read_archive(path, needed=_MEMBERS)
    try:
        checkpoint = _from_manifest(manifest, members)
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        detail = f"`{error.args[0]}` is missing" if isinstance(error, KeyError) else str(error)
        raise CheckpointError(
            f"{path.name}: {_MANIFEST} contradicts itself: {detail}; get the checkpoint again or train a new one"
        ) from error
    if checkpoint.feature_schema != manifest.get("feature_schema"):
        raise CheckpointError(f"{path.name}: `feature_names` do not match `feature_schema`; get the checkpoint again")
    difference = None if expected_features is None else first_difference(expected_features, checkpoint.feature_names)
    if difference:
        raise CheckpointError(
            f"{path.name}: trained on other features than this Backsight computes: {difference}; "
            "train a new one with `backsight train`"
        )
    return checkpoint


def is_fitted_to_study(path: Path) -> bool:
    """Return whether a file looks like what `backsight train STUDY` writes; whether it is whole is another question."""
    try:
        with zipfile.ZipFile(path) as archive:
            return FITTED_MANIFEST in archive.namelist()
    except _DAMAGE:
        return False


def read_kind(path: Path) -> str:
    """Return what a checkpoint holds: `lstm` or `kinematic`; raises `CheckpointError`."""
    manifest, _ = read_archive(path, needed=())
    network = manifest.get("network")
    return str(network.get("kind", "")) if isinstance(network, dict) else ""


def read_archive(path: Path, *, needed: Sequence[str]) -> tuple[dict[str, Any], dict[str, bytes]]:
    """Return a checkpoint's manifest and its needed members, verified against its checksums.

    Raises
    ------
    CheckpointError
        When the file is missing, is something else, is damaged or comes from a newer Backsight.
    """
    members = _read_members(path, (_MANIFEST, *needed))
    manifest = _read_manifest(path, members.pop(_MANIFEST))
    checksums = manifest.get("sha256")
    if not isinstance(checksums, dict):
        raise CheckpointError(
            f"{path.name}: {_MANIFEST} contradicts itself: `sha256` is missing; get the checkpoint again"
        )
    for name, content in members.items():
        if hashlib.sha256(content).hexdigest() != checksums.get(name):
            raise CheckpointError(f"{path.name}: {name} does not match its checksum; get the checkpoint again")
    return manifest, members


def read_training(manifest: Mapping[str, Any]) -> TrainingRecord:
    """Return a manifest's training record."""
    training = dict(manifest["training"])
    training["exercises"] = tuple(Exercise(name) for name in training["exercises"])
    return TrainingRecord(**training)


def _read_members(path: Path, wanted: Sequence[str]) -> dict[str, bytes]:
    """Read the archive's members, each checked against its CRC."""
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        raise CheckpointError(
            f"{path}: no such file; expected {', '.join(SHIPPED)}, which ship, or a file that `backsight train` wrote"
        ) from None
    except OSError as error:
        raise CheckpointError(f"{path}: cannot be read ({error.strerror or error})") from error
    if not content.startswith(b"PK\x03\x04"):
        raise CheckpointError(
            f"{path.name}: not a Backsight checkpoint; expected a file that `backsight train` wrote, "
            f"got {'an empty file' if not content else 'something else'}"
        )
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            sizes = {entry.filename: entry.file_size for entry in archive.infolist()}
            missing = [name for name in wanted if name not in sizes]
            if missing:
                raise CheckpointError(f"{path.name}: not a Backsight checkpoint; it holds no {missing[0]}")
            if max(sizes[name] for name in wanted) > _LARGEST_MEMBER_BYTES:
                raise CheckpointError(f"{path.name}: a member claims to be larger than any network of this kind")
            return {name: archive.read(name) for name in wanted}
    except _DAMAGE as error:
        raise CheckpointError(
            f"{path.name}: the checkpoint is truncated or damaged ({error}); get it again or train a new one"
        ) from error


def _read_manifest(path: Path, content: bytes) -> dict[str, Any]:
    try:
        manifest = json.loads(content)
    except ValueError as error:
        raise CheckpointError(f"{path.name}: {_MANIFEST} is not JSON ({error}); get the checkpoint again") from error
    if not isinstance(manifest, dict) or manifest.get("format") != FORMAT:
        raise CheckpointError(f"{path.name}: not a Backsight checkpoint; {_MANIFEST} does not say `{FORMAT}`")
    version = manifest.get("format_version")
    if not isinstance(version, int) or not 1 <= version <= FORMAT_VERSION:
        raise CheckpointError(
            f"{path.name}: made for checkpoint format {version}, this Backsight reads up to {FORMAT_VERSION}; "
            "upgrade Backsight"
        )
    return manifest


def _from_manifest(manifest: dict[str, Any], members: Mapping[str, bytes]) -> Checkpoint:
    network = dict(manifest["network"])
    if network.pop("kind") != "lstm":
        raise InvalidValueError(f"`network.kind` must be `lstm`, got `{manifest['network']['kind']}`")
    return Checkpoint(
        config=LstmConfig(**network),
        onnx=members[_ONNX],
        weights=members[_WEIGHTS],
        scaler=MinMaxScaler(**manifest["scaler"]),
        feature_names=tuple(manifest["feature_names"]),
        training=read_training(manifest),
        metrics={name: math.nan if value is None else float(value) for name, value in manifest["metrics"].items()},
        card=ModelCard(
            name=manifest["name"],
            version=manifest["version"],
            headline=manifest["headline"],
            training_data=manifest["training_data"],
            interval_half_width=float(manifest["interval_half_width"]),
            text=members[CARD_MEMBER].decode(),
            no_verdict=str(manifest.get("no_verdict", "")),
        ),
    )
