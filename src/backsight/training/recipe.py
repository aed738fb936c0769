"""From rated recordings to a judged checkpoint: split, train, calibrate, judge, write the card.

Knows nothing of how the recordings came about: what the card says of them is handed in.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from backsight.domain.assessment import Interval, ModelCard
from backsight.domain.recording import Exercise
from backsight.domain.sequences import FeatureSequence
from backsight.domain.validation import FloatArray
from backsight.evaluation.conformal import half_width_by_person
from backsight.evaluation.metrics import mean_absolute_error
from backsight.network.checkpoint import Checkpoint, TrainingRecord
from backsight.network.config import LstmConfig
from backsight.network.export import export_onnx
from backsight.network.lstm import count_parameters, weights_to_bytes
from backsight.network.predictor import OnnxPredictor
from backsight.pipeline import MODEL_FPS
from backsight.training.card import HEADLINE, CardFacts, write_card
from backsight.training.examples import Example
from backsight.training.judge import (
    SESSION,
    Score,
    fit_duration,
    fit_median,
    flatten,
    labels,
    score_by_exercise,
    true_indices,
)
from backsight.training.split import DEFAULT_SHARES, Fold, split_by_subject
from backsight.training.trainer import OnProgress, TrainedNetwork, TrainingConfig, train_network

INTERVAL_LEVEL = Interval.level
"""Probability that the card's interval promises; the one that `Interval` assumes."""

NOT_CLEARLY_BETTER = (
    "The model is not clearly better than giving everybody the median on people whom it had not seen: do not use it."
)
_MEDIAN_MARGIN = 0.1
"""Share by which the error has to be smaller than the median's: a choice, not a measured figure."""
_WHOLE_RANGE = 1.0
"""Half-width that stands until the interval is calibrated: any index at all."""


@dataclass(frozen=True)
class Origin:
    """What a checkpoint says of its training recordings."""

    name: str
    version: str
    summary: str
    """One sentence."""
    description: str
    """The card's paragraphs on the data, Markdown."""
    rating_provenance: str
    command: str


@dataclass(frozen=True, eq=False)
class JudgedCheckpoint:
    """A checkpoint with what was found on people held out of its training."""

    checkpoint: Checkpoint
    trained: TrainedNetwork
    scores: Mapping[str, Mapping[str, Score]]
    """{predictor: {exercise or session: score}} on the test fold."""
    coverage_rating: float
    coverage_true: float


def train_and_judge(
    examples: Sequence[Example],
    *,
    feature_names: tuple[str, ...],
    origin: Origin,
    config: TrainingConfig,
    network_config: LstmConfig | None = None,
    memory_names: Collection[str] | None = None,
    more_training: Sequence[Example] = (),
    repeats: int = 1,
    shares: Mapping[Fold, float] = DEFAULT_SHARES,
    work_folder: Path | None = None,
    on_progress: OnProgress | None = None,
) -> JudgedCheckpoint:
    """Train on some people, calibrate on others and judge on yet others.

    The figures are those of the ONNX graph that ships, not of the PyTorch network that it was made from.

    Parameters
    ----------
    examples
        Rated recordings of all people.
    more_training
        Recordings of yet other people, of a kind on which nothing is to be calibrated or judged.
    repeats
        How often an epoch shows each training recording of `examples`, so that `more_training` does not drown them.
    shares
        How the people of `examples` are divided.
    network_config
        Sizes of the network; None = the paper's.
    memory_names
        The columns that the second task of training summarises; None = all.
    work_folder
        Where an interrupted training goes on; None = nowhere.

    Raises
    ------
    InvalidValueError
        When there are too few people for four folds and a 90 % interval.
    """
    folds = split_by_subject([example.recording.subject_id for example in examples], seed=config.seed, shares=shares)
    by_fold = {
        fold: [example for example, its_fold in zip(examples, folds, strict=True) if its_fold is fold] for fold in Fold
    }
    calibration = by_fold[Fold.CALIBRATION]
    people = [example.recording.subject_id for example in calibration]
    # Asked of no errors at all first: that there are too few people is said before hours of training.
    half_width_by_person(np.zeros(len(people)), people, level=INTERVAL_LEVEL)
    by_fold[Fold.TRAIN] = [*(by_fold[Fold.TRAIN] * repeats), *more_training]
    trained = train_network(
        by_fold[Fold.TRAIN],
        by_fold[Fold.VALIDATION],
        feature_names=feature_names,
        config=config,
        network_config=network_config,
        memory_names=memory_names,
        work_folder=work_folder,
        on_progress=on_progress,
    )
    everything = [*examples, *more_training]
    draft = _draft(trained, everything, feature_names=feature_names, origin=origin, seed=config.seed)
    errors = predict_indices(draft, calibration) - labels(calibration)
    half_width = half_width_by_person(errors, people, level=INTERVAL_LEVEL)
    return _judge(draft, trained, by_fold, n_recordings=len(everything), origin=origin, half_width=half_width)


def _judge(
    draft: Checkpoint,
    trained: TrainedNetwork,
    by_fold: Mapping[Fold, Sequence[Example]],
    *,
    n_recordings: int,
    origin: Origin,
    half_width: float,
) -> JudgedCheckpoint:
    """Put figures from the test fold, and the card that states them, into the checkpoint."""
    train, test = by_fold[Fold.TRAIN], by_fold[Fold.TEST]
    predicted, rated, true = predict_indices(draft, test), labels(test), true_indices(test)
    scores = {
        "network": score_by_exercise(predicted, test),
        "median": score_by_exercise(fit_median(train)(test), test),
        "duration": score_by_exercise(fit_duration(train)(test), test),
    }
    coverage_rating = float(np.mean(np.abs(predicted - rated) <= half_width))
    coverage_true = float(np.mean(np.abs(predicted - true) <= half_width))
    facts = CardFacts(
        name=origin.name,
        version=origin.version,
        command=origin.command,
        seed=draft.training.seed,
        n_parameters=count_parameters(trained.network),
        data=origin.description,
        n_people={fold: len({one.recording.subject_id for one in chosen}) for fold, chosen in by_fold.items()},
        n_recordings=n_recordings,
        n_epochs=len(trained.history),
        best_epoch=trained.best_epoch + 1,
        scores=scores,
        interval_half_width=half_width,
        coverage_rating=coverage_rating,
        coverage_true=coverage_true,
        rating_noise=mean_absolute_error(rated, true),
    )
    metrics = flatten(scores) | {
        "interval.coverage_rating": coverage_rating,
        "interval.coverage_true": coverage_true,
        "training.validation_loss": trained.history[trained.best_epoch].validation_loss,
    }
    card = replace(draft.card, interval_half_width=half_width, text=write_card(facts))
    if not _is_clearly_better(scores):
        headline = f"{card.headline} {NOT_CLEARLY_BETTER}"
        text = headline + card.text.removeprefix(card.headline)
        card = replace(card, headline=headline, text=text, no_verdict=NOT_CLEARLY_BETTER)
    return JudgedCheckpoint(
        checkpoint=replace(draft, metrics=metrics, card=card),
        trained=trained,
        scores=scores,
        coverage_rating=coverage_rating,
        coverage_true=coverage_true,
    )


def predict_indices(checkpoint: Checkpoint, examples: Sequence[Example]) -> FloatArray:
    """Return the index after each recording's last frame; shape (n_recordings,)."""
    predictor = OnnxPredictor(checkpoint)
    return np.array(
        [
            predictor.predict(
                FeatureSequence(
                    values=example.values.astype(np.float64),
                    names=checkpoint.feature_names,
                    timestamps_s=np.arange(len(example.values)) / MODEL_FPS,
                )
            ).final
            for example in examples
        ],
        dtype=np.float64,
    )


def beats_median(judged: JudgedCheckpoint) -> bool:
    """Whether the network's session error against the true index is clearly below the median's."""
    return _is_clearly_better(judged.scores)


def _is_clearly_better(scores: Mapping[str, Mapping[str, Score]]) -> bool:
    network, median = (scores[name][SESSION].mae_true for name in ("network", "median"))
    return network < (1.0 - _MEDIAN_MARGIN) * median


def _draft(
    trained: TrainedNetwork,
    examples: Sequence[Example],
    *,
    feature_names: tuple[str, ...],
    origin: Origin,
    seed: int,
) -> Checkpoint:
    """Return the checkpoint before it is calibrated and judged."""
    done = {example.recording.exercise for example in examples}
    return Checkpoint(
        config=trained.network.config,
        onnx=export_onnx(trained.network),
        weights=weights_to_bytes(trained.network),
        scaler=trained.scaler,
        feature_names=feature_names,
        training=TrainingRecord(
            data=origin.summary,
            rating_provenance=origin.rating_provenance,
            exercises=tuple(exercise for exercise in Exercise if exercise in done),
            n_subjects=len({example.recording.subject_id for example in examples}),
            seed=seed,
            command=origin.command,
        ),
        metrics={},
        card=ModelCard(
            name=origin.name,
            version=origin.version,
            headline=HEADLINE,
            training_data=origin.summary,
            interval_half_width=_WHOLE_RANGE,
            text=HEADLINE,
        ),
    )
