"""Judge predicted indices on people held out of training, beside simple rivals. Knows nothing of networks."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass

import numpy as np

from backsight.domain.assessment import RED_FLAG_ABOVE
from backsight.domain.recording import Exercise
from backsight.domain.validation import FloatArray
from backsight.evaluation.baselines import fit_lines
from backsight.evaluation.metrics import area_under_roc, mean_absolute_error, root_mean_square_error, spearman
from backsight.training.examples import Example

SESSION = "session"
"""Group of figures on the mean of a person's exercises."""

Predict = Callable[[Sequence[Example]], FloatArray]
"""Turns recordings into indices; shape (n_recordings,)."""
_Describe = Callable[[Sequence[Example]], FloatArray]
"""Says what is known of recordings; shape (n_recordings, n_columns)."""


@dataclass(frozen=True)
class Score:
    """How good one way of predicting is on one group of recordings; NaN = could not be computed."""

    n: int
    mae_true: float
    """Against the dysfunction that the virtual people were made with."""
    rmse_true: float
    spearman_true: float
    auc_red_flag: float
    """Probability that a person whose true index is a red flag gets the higher index."""
    mae_rating: float
    """Against the noisy ratings that such people would give."""
    rmse_rating: float


def score(predicted: FloatArray, *, true: FloatArray, rated: FloatArray) -> Score:
    """Compare predicted indices with true and rated ones; each of shape (n,)."""
    return Score(
        n=len(predicted),
        mae_true=mean_absolute_error(predicted, true),
        rmse_true=root_mean_square_error(predicted, true),
        spearman_true=spearman(predicted, true),
        auc_red_flag=area_under_roc(predicted, true > RED_FLAG_ABOVE),
        mae_rating=mean_absolute_error(predicted, rated),
        rmse_rating=root_mean_square_error(predicted, rated),
    )


def score_by_exercise(predicted: FloatArray, examples: Sequence[Example]) -> dict[str, Score]:
    """Score each exercise by itself, and whole sessions: the mean of a person's exercises."""
    true, rated = true_indices(examples), labels(examples)
    groups: dict[str, Score] = {}
    for exercise in Exercise:
        chosen = np.array([example.recording.exercise is exercise for example in examples], dtype=bool)
        if chosen.any():
            groups[str(exercise)] = score(predicted[chosen], true=true[chosen], rated=rated[chosen])
    people = sorted({example.recording.subject_id for example in examples})
    who = np.array([people.index(example.recording.subject_id) for example in examples])
    n_each = np.bincount(who)

    def by_person(values: FloatArray) -> FloatArray:
        return np.asarray(np.bincount(who, weights=values) / n_each, dtype=np.float64)

    groups[SESSION] = score(by_person(predicted), true=by_person(true), rated=by_person(rated))
    return groups


def labels(examples: Sequence[Example]) -> FloatArray:
    """Return the ratings as indices; shape (n_recordings,)."""
    return np.array([example.label for example in examples], dtype=np.float64)


def true_indices(examples: Sequence[Example]) -> FloatArray:
    """Return the true indices, NaN = not knowable; shape (n_recordings,)."""
    return np.array([example.true_index for example in examples], dtype=np.float64)


def fit_median(train: Sequence[Example]) -> Predict:
    """Give everybody the training fold's median rating of the exercise."""
    return _fit_lines(train, lambda examples: np.empty((len(examples), 0)))


def fit_duration(train: Sequence[Example]) -> Predict:
    """Predict from how long the recording is and nothing else, by a straight line for each exercise.

    A network that is no better has learnt to read the clock.
    """
    return _fit_lines(train, lambda examples: np.log([[example.duration_s] for example in examples]))


def _fit_lines(train: Sequence[Example], describe: _Describe) -> Predict:
    """Fit the baselines' lines to ratings as indices."""
    lines = fit_lines([example.recording.exercise for example in train], describe(train), labels(train))

    def predict(examples: Sequence[Example]) -> FloatArray:
        said = lines.at([example.recording.exercise for example in examples], describe(examples))
        return np.clip(said, 0.0, 1.0)

    return predict


def flatten(scores: Mapping[str, Mapping[str, Score]]) -> dict[str, float]:
    """Return `{predictor: {group: score}}` as one level, each figure named `predictor.group.figure`."""
    return {
        f"{predictor}.{group}.{figure}": float(value)
        for predictor, groups in scores.items()
        for group, one in groups.items()
        for figure, value in asdict(one).items()
    }
