"""Predictions of several learners in one table, Parquet or CSV. Knows no learner."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from pyarrow import csv, parquet

from backsight.errors import InputError
from backsight.evaluation.predictions import COLUMNS, Predictions
from backsight.exports.folder import output_error

SUFFIXES = (".parquet", ".csv")
_TEXT = ("subject", "exercise", "group", "view")
_WHOLE = ("clip", "seed", "fold")


def check_suffix(path: Path) -> None:
    """Raise `InputError` before anything is judged when a table cannot be written under that name."""
    if path.suffix.lower() not in SUFFIXES:
        raise InputError(f"{path}: expected a name that ends in {' or '.join(SUFFIXES)}")


def write_predictions(path: Path, by_learner: Mapping[str, Predictions]) -> None:
    """Write a row for each learner, seed and clip: what was scored, what was said, and between what ends.

    Raises
    ------
    OutputError
        When the file cannot be written.
    """
    parts = []
    for learner, predictions in by_learner.items():
        columns = {name: pa.array(getattr(predictions, name)) for name in COLUMNS}
        parts.append(pa.table({"learner": pa.array([learner] * len(predictions)), **columns}))
    table = pa.concat_tables(parts)
    part = path.with_name(f".{path.name}.part")
    try:
        try:
            if path.suffix.lower() == ".csv":
                csv.write_csv(table, part)
            else:
                parquet.write_table(table, part)
            part.replace(path)
        finally:
            with contextlib.suppress(FileNotFoundError):
                part.unlink()
    except OSError as error:
        raise output_error(path, error) from error


def read_predictions(path: Path) -> dict[str, Predictions]:
    """Return the predictions of each learner in a Parquet file.

    Raises
    ------
    InputError
        When the file is not there or is something else.
    """
    try:
        table = parquet.read_table(path, memory_map=False)
        columns = {name: table.column(name).to_numpy() for name in ("learner", *COLUMNS)}
    except (OSError, pa.ArrowException, KeyError) as error:
        raise InputError(f"{path}: expected predictions that `backsight evaluate` wrote ({error})") from error
    found = {}
    for learner in dict.fromkeys(columns["learner"].tolist()):
        rows = np.flatnonzero(columns["learner"] == learner)
        typed: dict[str, Any] = {name: _typed(name, columns[name][rows]) for name in COLUMNS}
        found[learner] = Predictions(**typed)
    return found


def _typed(name: str, values: NDArray[Any]) -> NDArray[Any]:
    if name in _TEXT:
        return values.astype(np.str_)
    return values.astype(np.intp if name in _WHOLE else np.float64)
