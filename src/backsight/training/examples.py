"""Recordings as a network is trained on them, and the folder that keeps them. Knows nothing of networks."""

from __future__ import annotations

import contextlib
import json
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from backsight.domain.recording import Exercise, Recording, index_from_rating
from backsight.errors import InvalidValueError, OutputError


@dataclass(frozen=True, eq=False)
class Example:
    """One recording: who, doing what, its features and what it should be rated."""

    recording: Recording
    values: NDArray[np.float32]
    """Unscaled features at 30 frames a second; shape (n_frames, n_features); NaN = missing."""
    duration_s: float
    """Length of the recording in seconds."""
    true_index: float = float("nan")
    """Dysfunction that a virtual person was made with, 0 best to 1 worst; NaN = not knowable, as of real people."""

    def __post_init__(self) -> None:
        if not len(self.values):
            raise InvalidValueError(
                f"recording of `{self.recording.subject_id}` must hold at least one frame, got none"
            )

    @property
    def label(self) -> float:
        """The rating given after the exercise as an index, 0 best to 1 worst.

        Raises
        ------
        InvalidValueError
            When nobody gave a rating.
        """
        if self.recording.rating is None:
            raise InvalidValueError(
                f"recording of `{self.recording.subject_id}` needs a rating to learn from, got none"
            )
        return index_from_rating(self.recording.rating)


def save_examples(path: Path, examples: Sequence[Example]) -> None:
    """Keep examples in one file, written whole or not at all.

    Raises
    ------
    OutputError
        When the file cannot be written.
    """
    about = [
        {
            "subject_id": example.recording.subject_id,
            "exercise": str(example.recording.exercise),
            "rating": example.recording.rating,
            "duration_s": example.duration_s,
            "true_index": example.true_index,
        }
        for example in examples
    ]
    part = path.with_name(f".{path.name}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            with part.open("wb") as file:
                np.savez(
                    file,
                    about=np.array(json.dumps(about)),
                    n_frames=np.array([len(example.values) for example in examples]),
                    values=np.concatenate([example.values for example in examples]),
                )
            part.replace(path)
        finally:
            with contextlib.suppress(FileNotFoundError):
                part.unlink()
    except OSError as error:
        raise OutputError(f"{path}: features cannot be kept ({error.strerror or error})") from error


def load_examples(path: Path) -> list[Example]:
    """Read what `save_examples` wrote.

    Raises
    ------
    OutputError
        When the file is damaged.
    """
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as stored:
            about = json.loads(str(stored["about"]))
            values = np.split(stored["values"], np.cumsum(stored["n_frames"])[:-1])
    except (OSError, ValueError, KeyError, zipfile.BadZipFile) as error:
        raise OutputError(f"{path}: kept features are damaged ({error}); delete the file and run again") from error
    return [
        Example(
            recording=Recording(
                subject_id=entry["subject_id"], exercise=Exercise(entry["exercise"]), rating=entry["rating"]
            ),
            values=part,
            duration_s=entry["duration_s"],
            true_index=entry["true_index"],
        )
        for entry, part in zip(about, values, strict=True)
    ]
