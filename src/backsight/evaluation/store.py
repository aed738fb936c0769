"""Keep finished folds, so that an interrupted run goes on where it was. Knows no learner and no data set."""

from __future__ import annotations

import contextlib
import hashlib
import json
import re
import zipfile
from dataclasses import dataclass, is_dataclass
from pathlib import Path

import numpy as np

from backsight.domain.study import Study
from backsight.errors import OutputError
from backsight.evaluation.learner import Learner
from backsight.evaluation.predictions import COLUMNS, Predictions

_POSE_ARRAYS = ("world_m", "image_px", "visibility", "presence", "timestamps_s")


@dataclass(frozen=True)
class FoldStore:
    """A folder of predictions, one file for each fold, found again by everything that decides them."""

    folder: Path
    code_version: str
    """What tells the code apart that makes predictions; results of other code are not found."""

    def load(self, key: str) -> Predictions | None:
        """Return a fold that was kept; None when there is none, or the file is damaged and has to be made anew."""
        try:
            with self._path(key).open("rb") as file, np.load(file, allow_pickle=False) as stored:
                columns = {name: stored[name] for name in COLUMNS}
                return Predictions(**columns, seconds=float(stored["seconds"]))
        except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
            return None

    def save(self, key: str, predictions: Predictions) -> None:
        """Keep a fold, whole or not at all.

        Raises
        ------
        OutputError
            When the file cannot be written.
        """
        path = self._path(key)
        part = path.with_suffix(".part")
        columns = {name: getattr(predictions, name) for name in COLUMNS}
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            try:
                with part.open("wb") as file:
                    np.savez(file, **columns, seconds=np.array(predictions.seconds))
                part.replace(path)
            finally:
                with contextlib.suppress(FileNotFoundError):
                    part.unlink()
        except OSError as error:
            raise OutputError(f"{path}: finished folds cannot be kept ({error.strerror or error})") from error

    def key(self, *, study: str, learner: Learner, fold: str) -> str:
        """Return what names a fold's file.

        Parameters
        ----------
        study
            From `fingerprint_study`.
        fold
            Protocol, seed and fold.
        """
        told = json.dumps([study, learner.name, settings_of(learner), fold, self.code_version])
        return hashlib.sha256(told.encode()).hexdigest()[:32]

    def _path(self, key: str) -> Path:
        return self.folder / f"{key}.npz"


def settings_of(learner: Learner) -> str:
    """Return a learner's settings as text: those of a dataclass are its fields, others have only their type."""
    # Where an object lies in memory is not a setting, and differs in every run.
    return re.sub(r" at 0x[0-9a-f]+", "", repr(learner)) if is_dataclass(learner) else type(learner).__qualname__


def fingerprint_study(study: Study) -> str:
    """Return what tells a study's scored clips and its scale apart from any others."""
    digest = hashlib.blake2b(repr(study.scale).encode(), digest_size=16)
    for clip in study.scored():
        told = [clip.subject, clip.exercise, clip.score, clip.group, clip.view, clip.session, *clip.pose.frame_size]
        digest.update(json.dumps(told).encode())
        for name in _POSE_ARRAYS:
            digest.update(np.ascontiguousarray(getattr(clip.pose, name)).tobytes())
    return digest.hexdigest()
