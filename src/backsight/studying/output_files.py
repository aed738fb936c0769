"""Files that a study's command writes where it is told to: checked before it begins. Knows no figure."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from backsight.benchmarks.figures import check_writable
from backsight.exports.folder import output_error
from backsight.studying.prediction_files import check_suffix


def check_outputs(json_file: Path | None, predictions_file: Path | None) -> None:
    """Raise before anything is read when what is asked for cannot be written.

    Raises
    ------
    InputError
        When no predictions are written under such a name.
    OutputError
        When a file cannot be written.
    """
    if json_file is not None:
        check_writable(json_file)
    if predictions_file is not None:
        check_suffix(predictions_file)
        check_writable(predictions_file)


def write_json(path: Path, told: Mapping[str, Any]) -> None:
    """Write what was found; what is not known has to be None there, since JSON knows no NaN.

    Raises
    ------
    OutputError
        When the file cannot be written.
    """
    try:
        path.write_text(json.dumps(told, indent=1, allow_nan=False) + "\n", encoding="utf-8")
    except OSError as error:
        raise output_error(path, error) from error
