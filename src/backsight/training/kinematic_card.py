"""Judge the kinematic model on people it was not fitted to, and write its checkpoint with its card. Knows no film."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass

import numpy as np

from backsight.domain.assessment import CANNOT_TELL_SHARE, LEAST_WEIGHT, NO_DIAGNOSIS, ModelCard
from backsight.domain.recording import Exercise
from backsight.domain.validation import FloatArray
from backsight.evaluation.metrics import mean_absolute_error, spearman
from backsight.network.checkpoint import TrainingRecord
from backsight.network.kinematic import KinematicModel
from backsight.network.kinematic_file import KinematicCheckpoint
from backsight.training.card import HEADLINE
from backsight.training.kinematic_ship import (
    N_FOLDS,
    FittedModel,
    familiarity_of,
    fit_model,
    folds_of,
    sessions_of,
)
from backsight.training.measured_people import MeasuredPeople

NAME, VERSION = "kinematic", "0.2.0"
N_SEEDS = 3
FAMILIAR_UP_TO = 0.95
"""A movement stranger than this share of the training people's gets no verdict."""
UNFAMILIAR_MEANING = "of the people it was trained on moved more alike"
COMMAND = "python scripts/make_kinematic_model.py"


@dataclass(frozen=True)
class GroupFigures:
    """What was found on one combination of exercises; every person was held out in turn."""

    n: int
    mae_true: float
    mae_true_median: float
    """The same if everybody got the training people's median."""
    mae_rated: float
    spearman_true: float
    coverage: float
    """Share of ratings within an interval that was found without these people."""
    half_width: float


def judge_model(people: MeasuredPeople, *, n_seeds: int = N_SEEDS) -> dict[str, GroupFigures]:
    """Fit without each fold of people in turn, choices and intervals included, and predict it."""
    found: dict[str, list[FloatArray]] = {}
    for seed in range(n_seeds):
        folds = folds_of(people.subject, seed=seed)
        for fold in range(N_FOLDS):
            held = (folds == fold) & people.is_filmed
            fitted = fit_model(people.where(~held), seed=seed)
            median = float(np.median(people.rated[people.is_filmed & ~held]))
            for key, rows in _judge_fold(people.where(held), fitted).items():
                found.setdefault(key, []).append(np.column_stack([rows, np.full(len(rows), median)]))
    return {key: _figures(np.vstack(parts)) for key, parts in found.items()}


def _judge_fold(held: MeasuredPeople, fitted: FittedModel) -> dict[str, FloatArray]:
    predicted = fitted.predict(held)
    told = {}
    for key, width in fitted.half_widths.items():
        exercises = [Exercise(name) for name in key.split("+")]
        index, rated, true, _ = sessions_of(held, predicted, exercises, fitted.weights)
        told[key] = np.column_stack([index, rated, true, np.full(len(index), width)])
    return told


def _figures(rows: FloatArray) -> GroupFigures:
    index, rated, true, width, median = rows.T
    return GroupFigures(
        n=len(rows),
        mae_true=mean_absolute_error(index, true),
        mae_true_median=mean_absolute_error(median, true),
        mae_rated=mean_absolute_error(index, rated),
        spearman_true=spearman(index, true),
        coverage=float((np.abs(index - rated) <= width).mean()),
        half_width=float(width.mean()),
    )


def make_checkpoint(people: MeasuredPeople, *, seed: int = 0) -> KinematicCheckpoint:
    """Judge, fit on everybody, and put it together; the same people give the same checkpoint."""
    figures = judge_model(people)
    fitted = fit_model(people, seed=seed)
    n_filmed = len(np.unique(people.subject[people.is_filmed]))
    n_simulated = len(np.unique(people.subject[~people.is_filmed]))
    data = (
        f"{n_filmed} virtual volunteers who were drawn, filmed and seen by BlazePose itself, and {n_simulated} as "
        "landmarks with BlazePose's kind of noise; they touch their toes, walk 2 metres and jump; no real person"
    )
    exercises = tuple(fitted.by_exercise)
    card = ModelCard(
        name=NAME,
        version=VERSION,
        headline=HEADLINE,
        training_data=data,
        interval_half_width=max(fitted.half_widths.values()),
        text=write_kinematic_card(fitted, figures, data=data),
        unfamiliar_above=FAMILIAR_UP_TO,
        unfamiliar_meaning=UNFAMILIAR_MEANING,
        session_half_widths=tuple(fitted.half_widths.items()),
        exercise_weights=tuple((exercise.value, weight) for exercise, weight in fitted.weights.items()),
    )
    return KinematicCheckpoint(
        model=KinematicModel(
            by_exercise=fitted.by_exercise,
            familiarity={exercise: familiarity_of(people, exercise, seed=seed) for exercise in exercises},
        ),
        training=TrainingRecord(
            data=data,
            rating_provenance="Simulated: the true index with the test-retest error of a rating, SEM 10 of 100 points",
            exercises=exercises,
            n_subjects=n_filmed + n_simulated,
            seed=seed,
            command=COMMAND,
        ),
        metrics={f"{key}.{name}": float(value) for key, one in figures.items() for name, value in asdict(one).items()},
        card=card,
    )


def write_kinematic_card(fitted: FittedModel, figures: Mapping[str, GroupFigures], *, data: str) -> str:
    """Return the card, Markdown; it begins with the headline."""
    mute = [exercise.label for exercise, weight in fitted.weights.items() if weight <= LEAST_WEIGHT]
    lines = [
        HEADLINE,
        "",
        f"# {NAME} {VERSION}",
        "",
        "## What it is",
        "",
        "A sum of named measures of each exercise (ridge regression), so that every index can be taken apart. It reads "
        "whole movements; there is no index before the end. What could not be measured counts as typical; a value too "
        "unsure to be told by itself is weighed among the others.",
        "",
        "## What it was trained on",
        "",
        f"{data[0].upper()}{data[1:]}. Labels are ratings with a test-retest error of 10 points of 100. Filmed and "
        f"simulated people are each brought onto their own scale. Made by `{COMMAND}` from the people's measures, "
        "which ship with the package.",
        "",
        "## How good it is on virtual people that it never saw",
        "",
        f"{N_FOLDS} folds by person, {N_SEEDS} times; scalers, ridge, weights and intervals found inside the training "
        "folds; only filmed people are judged. *True* is the dysfunction that a person was made with, *rated* their "
        "noisy rating; `held` is the share of ratings within the 90 % interval.",
        "",
        "| Exercises | n | MAE true | everybody the median | MAE rated | Spearman | held | half-width |",
        "|---|---:|---:|---:|---:|---:|---:|---:|",
    ]
    lines += [
        f"| {key} | {one.n} | {one.mae_true:.3f} | {one.mae_true_median:.3f} | {one.mae_rated:.3f} | "
        f"{one.spearman_true:.2f} | {one.coverage:.1%} | {one.half_width:.3f} |"
        for key, one in figures.items()
    ]
    weights = ", ".join(f"{exercise.value} {weight:.2f}" for exercise, weight in fitted.weights.items())
    silent = f"**{' and '.join(mute)}** told next to nothing: alone they get an index but never a verdict."
    lines += [
        "",
        f"A session's index is the mean of its exercises', weighted by the share of the ratings' variance that each "
        f"told out of fold, {LEAST_WEIGHT} at least: {weights}. Its interval is calibrated as that combination of "
        f"exercises. A verdict is withheld where more than {CANNOT_TELL_SHARE:.0%} of the interval lies on each side "
        f"of 0.5, and where a movement is stranger than {FAMILIAR_UP_TO:.0%} of the training people's.",
        "",
        *([silent, ""] if mute else []),
        "## What it is not for",
        "",
        f"- {NO_DIAGNOSIS}",
        "- The figures say how well the model reads the simulation. They say nothing of real people.",
        "- That dysfunction makes bends halting is an assumption of the simulation: no source at hand says how much "
        "less smoothly people with back pain bend. The smoothness of the bend, which tells much here, may tell less of "
        "them.",
        "- The index stands for a person's own rating of their back. Pain that one rates is not deformity; the index "
        "does not detect scoliosis.",
        "- Other exercises than the paper's three have no index.",
        "",
    ]
    return "\n".join(lines)
