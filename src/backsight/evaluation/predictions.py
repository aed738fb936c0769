"""What a learner said of people it had not seen, as a table. Knows no learner and no figure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from backsight.domain.study import StudyClip
from backsight.domain.validation import FloatArray

if TYPE_CHECKING:
    from backsight.evaluation.blinding import Answers

COLUMNS = ("clip", "subject", "exercise", "group", "view", "seed", "fold", "score", "predicted", "low", "high")
"""All columns, in the order of a file."""


@dataclass(frozen=True, eq=False)
class Predictions:
    """One row for each clip and seed; every column has shape (n_rows,)."""

    clip: NDArray[np.intp]
    """The clip's place among the study's scored clips."""
    subject: NDArray[np.str_]
    exercise: NDArray[np.str_]
    group: NDArray[np.str_]
    view: NDArray[np.str_]
    seed: NDArray[np.intp]
    fold: NDArray[np.intp]
    score: FloatArray
    """What the clip was scored, in the study's scale."""
    predicted: FloatArray
    """What the learner said, in the study's scale."""
    low: FloatArray
    """Lower end of the learner's interval; NaN = it gave none."""
    high: FloatArray
    """Upper end of the learner's interval; NaN = it gave none."""
    seconds: float = 0.0
    """Wall time of fitting and predicting, also of folds that were kept from an earlier run."""

    @classmethod
    def of_answers(
        cls,
        clips: Sequence[StudyClip],
        answers: Answers,
        *,
        rows: NDArray[np.intp],
        seed: int,
        fold: int,
        seconds: float,
    ) -> Predictions:
        """Return what a learner answered of some clips in one fold.

        Parameters
        ----------
        clips
            As the study holds them, in the order of the answers.
        rows
            Their places among the study's scored clips; shape (n_clips,).
        """
        return cls(
            clip=rows,
            subject=np.array([clip.subject for clip in clips]),
            exercise=np.array([clip.exercise for clip in clips]),
            group=np.array([clip.group for clip in clips]),
            view=np.array([clip.view for clip in clips]),
            seed=np.full(len(rows), seed, dtype=np.intp),
            fold=np.full(len(rows), fold, dtype=np.intp),
            score=np.array([clip.score for clip in clips], dtype=np.float64),
            predicted=answers.predicted,
            low=answers.low,
            high=answers.high,
            seconds=seconds,
        )

    def __len__(self) -> int:
        return len(self.clip)

    @property
    def error(self) -> FloatArray:
        """Prediction minus score."""
        return self.predicted - self.score

    @property
    def has_intervals(self) -> bool:
        """Whether the learner gave intervals."""
        return bool(len(self)) and bool(np.isfinite(self.low).all())

    def where(self, chosen: NDArray[np.bool_]) -> Predictions:
        """Return some of the rows."""
        columns = {name: getattr(self, name)[chosen] for name in COLUMNS}
        return Predictions(**columns, seconds=self.seconds)

    def by_person(self) -> Predictions:
        """Return one row for each person and seed: the means over the person's clips, intervals left out."""
        keys, first, which = np.unique(
            np.char.add(np.char.add(self.seed.astype(str), "\0"), self.subject), return_index=True, return_inverse=True
        )
        n_each = np.bincount(which, minlength=len(keys))
        columns = {name: getattr(self, name)[first] for name in COLUMNS}
        for name in ("score", "predicted"):
            columns[name] = np.bincount(which, weights=getattr(self, name), minlength=len(keys)) / n_each
        columns |= {name: np.full(len(keys), np.nan) for name in ("low", "high")}
        return Predictions(**columns, seconds=self.seconds)


def concatenate(parts: Sequence[Predictions]) -> Predictions:
    """Return the rows of all parts, one after the other; their times add up."""
    columns = {name: np.concatenate([getattr(part, name) for part in parts]) for name in COLUMNS}
    return Predictions(**columns, seconds=sum(part.seconds for part in parts))
