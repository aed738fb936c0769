"""Keep a kinematic model in the same kind of file as a network: one archive with checksums. No pickle, no engine."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from backsight.domain.assessment import ModelCard
from backsight.domain.recording import Exercise
from backsight.errors import CheckpointError
from backsight.network.checkpoint import (
    CARD_MEMBER,
    FORMAT,
    FORMAT_VERSION,
    TrainingRecord,
    archive_to_bytes,
    read_archive,
    read_training,
    schema_fingerprint,
    write_whole,
)
from backsight.network.familiarity import Familiarity
from backsight.network.kinematic import ExerciseTerms, KinematicModel, MeasureTerm

KIND = "kinematic"
_MODEL = "model.json"
_DIGITS = 6
"""Significant digits kept: far finer than a measure, and the same on every machine."""


@dataclass(frozen=True, eq=False)
class KinematicCheckpoint:
    """A kinematic model with its origin and its card."""

    model: KinematicModel
    training: TrainingRecord
    metrics: Mapping[str, float]
    """Figures from people held out of training; NaN = could not be computed."""
    card: ModelCard


def save_kinematic(path: Path, checkpoint: KinematicCheckpoint) -> None:
    """Write a checkpoint whole or not at all.

    Raises
    ------
    OutputError
        When the file cannot be written.
    """
    write_whole(path, kinematic_to_bytes(checkpoint))


def kinematic_to_bytes(checkpoint: KinematicCheckpoint) -> bytes:
    """Return the file's content; the same checkpoint gives the same bytes."""
    card = checkpoint.card
    manifest = {
        "format": FORMAT,
        "format_version": FORMAT_VERSION,
        "network": {"kind": KIND},
        "name": card.name,
        "version": card.version,
        "headline": card.headline,
        "training_data": card.training_data,
        "interval_half_width": _short(card.interval_half_width),
        "unfamiliar_above": _short(card.unfamiliar_above),
        "unfamiliar_meaning": card.unfamiliar_meaning,
        "session_half_widths": {key: _short(value) for key, value in card.session_half_widths},
        "exercise_weights": {key: _short(value) for key, value in card.exercise_weights},
        "feature_schema": _fingerprint(checkpoint.model),
        "training": asdict(checkpoint.training),
        "metrics": {name: None if math.isnan(value) else _short(value) for name, value in checkpoint.metrics.items()},
    }
    content = {
        str(exercise): {
            "typical": _short(terms.typical),
            "terms": [
                {key: _short(value) if isinstance(value, float) else value for key, value in asdict(term).items()}
                for term in terms.terms
            ],
            "familiarity": _familiarity(checkpoint.model.familiarity[exercise]),
        }
        for exercise, terms in checkpoint.model.by_exercise.items()
    }
    members = {_MODEL: json.dumps(content, allow_nan=False).encode(), CARD_MEMBER: card.text.encode()}
    return archive_to_bytes(manifest, members)


def load_kinematic(path: Path) -> KinematicCheckpoint:
    """Read a kinematic model and verify all of it.

    Raises
    ------
    CheckpointError
        When the file is missing, is something else, is damaged, comes from a newer Backsight or contradicts itself.
    """
    manifest, members = read_archive(path, needed=(_MODEL, CARD_MEMBER))
    try:
        if manifest["network"]["kind"] != KIND:
            raise CheckpointError(f"{path.name}: expected a {KIND} model, got `{manifest['network']['kind']}`")
        content = json.loads(members[_MODEL])
        model = KinematicModel(
            by_exercise={
                Exercise(name): ExerciseTerms(part["typical"], tuple(MeasureTerm(**term) for term in part["terms"]))
                for name, part in content.items()
            },
            familiarity={Exercise(name): _read_familiarity(part["familiarity"]) for name, part in content.items()},
        )
        checkpoint = KinematicCheckpoint(
            model=model,
            training=read_training(manifest),
            metrics={name: math.nan if value is None else float(value) for name, value in manifest["metrics"].items()},
            card=_read_card(manifest, members[CARD_MEMBER].decode()),
        )
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        detail = f"`{error.args[0]}` is missing" if isinstance(error, KeyError) else str(error)
        raise CheckpointError(
            f"{path.name}: {_MODEL} contradicts itself: {detail}; get the checkpoint again or make a new one"
        ) from error
    if manifest.get("feature_schema") != _fingerprint(model):
        raise CheckpointError(f"{path.name}: its measures do not match `feature_schema`; get the checkpoint again")
    return checkpoint


def _read_card(manifest: Mapping[str, Any], text: str) -> ModelCard:
    half_width = float(manifest["interval_half_width"])
    if not 0.0 < half_width < math.inf:
        raise ValueError(f"`interval_half_width` must be a positive number, got {half_width}")
    return ModelCard(
        name=manifest["name"],
        version=manifest["version"],
        headline=manifest["headline"],
        training_data=manifest["training_data"],
        interval_half_width=half_width,
        text=text,
        unfamiliar_above=float(manifest["unfamiliar_above"]),
        unfamiliar_meaning=manifest["unfamiliar_meaning"],
        session_half_widths=tuple((key, float(value)) for key, value in manifest["session_half_widths"].items()),
        exercise_weights=tuple((key, float(value)) for key, value in manifest["exercise_weights"].items()),
    )


def _fingerprint(model: KinematicModel) -> str:
    names = [f"{exercise} {term.name}" for exercise, terms in model.by_exercise.items() for term in terms.terms]
    return schema_fingerprint([*names, *(name for one in model.familiarity.values() for name in one.names)])


def _familiarity(one: Familiarity) -> dict[str, Any]:
    return {
        "names": list(one.names),
        "middle": _shorts(one.middle),
        # An infinite spread does not exist in JSON: 0 stands for a number that tells nothing.
        "spread": _shorts(np.where(np.isfinite(one.spread), one.spread, 0.0)),
        "centre": _shorts(one.centre),
        "own": _shorts(one.own),
        "directions": [_shorts(row, digits=4) for row in one.directions],
        "usual": _shorts(one.usual),
    }


def _read_familiarity(stored: Mapping[str, Any]) -> Familiarity:
    spread = np.array(stored["spread"], dtype=np.float64)
    arrays = {name: np.array(stored[name], dtype=np.float64) for name in ("middle", "centre", "own", "usual")}
    n_numbers = len(stored["names"])
    directions = np.array(stored["directions"], dtype=np.float64).reshape(-1, n_numbers)
    for name in ("middle", "centre", "own"):
        if arrays[name].shape != (n_numbers,):
            raise ValueError(f"`{name}` must have one entry for each of {n_numbers} names, got {len(arrays[name])}")
    return Familiarity(
        names=tuple(stored["names"]), spread=np.where(spread > 0.0, spread, np.inf), directions=directions, **arrays
    )


def _shorts(values: Any, *, digits: int = _DIGITS) -> list[float]:
    return [_short(value, digits=digits) for value in np.asarray(values, dtype=np.float64).tolist()]


def _short(value: float, *, digits: int = _DIGITS) -> float:
    return float(f"{value:.{digits}g}")
