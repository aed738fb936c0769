"""Fit and judge the kinematic model that ships: a ridge regression of named measures. Knows no film and no landmark.

Everything that is fitted or chosen - scalers, ridge, weights of a session's exercises, widths of intervals - is found
on training people only; simulated people serve for training alone, filmed people for training and, in turn, judging.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from backsight.domain.assessment import LEAST_WEIGHT, session_key
from backsight.domain.recording import Exercise
from backsight.domain.validation import FloatArray
from backsight.errors import InvalidValueError
from backsight.evaluation.conformal import half_width_by_person
from backsight.network.familiarity import NORMAL_SPAN_SD, Familiarity, fit_familiarity
from backsight.network.kinematic import CLIP_SD, ExerciseTerms, MeasureTerm
from backsight.training.measured_people import MeasuredPeople

RIDGES = (10.0, 30.0, 100.0, 300.0, 1000.0, 10000.0)
"""Penalties that a nested choice is made from; the last leaves next to nothing of a measure that tells nothing."""
N_FOLDS = 5
KNOWN_IN = 0.3
"""A measure known in a smaller share of the filmed training recordings is left out."""
N_CENTILES = 41

BODY_PARTS: Mapping[str, str] = {
    "trunk": "trunk",
    "lateral": "trunk",
    "axial": "trunk",
    "thorax": "trunk",
    "smoothness": "trunk",
    "shoulder": "shoulders",
    "pelvic": "pelvis",
    "hip": "hips",
    "knee": "knees",
    "fingertip": "hands",
    "arm": "arms",
    "step": "legs",
    "gait": "legs",
    "cadence": "legs",
}
"""Body part by a word of a measure's name; what holds none concerns the whole body."""


@dataclass(frozen=True, eq=False)
class FittedModel:
    """The sums of measures, and how a session is put together."""

    by_exercise: Mapping[Exercise, ExerciseTerms]
    weights: Mapping[Exercise, float]
    half_widths: Mapping[str, float]
    """By `session_key`, one exercise or several."""

    def predict(self, people: MeasuredPeople) -> FloatArray:
        """Return the index of each row, 0 best to 1 worst."""
        predicted = np.full(len(people.subject), np.nan)
        for exercise, terms in self.by_exercise.items():
            rows = people.exercise == exercise
            predicted[rows] = _evaluate(terms, people, rows)
        return predicted


def body_part_of(name: str) -> str:
    """Return which part of the body a measure is about."""
    words = name.split("_")
    return next((BODY_PARTS[word] for word in words if word in BODY_PARTS), "whole body")


def fit_model(people: MeasuredPeople, *, seed: int) -> FittedModel:
    """Fit everything that ships but the familiarity.

    Raises
    ------
    InvalidValueError
        When there are too few filmed people for a 90 % interval.
    """
    out_of_fold = np.full(len(people.subject), np.nan)
    folds = folds_of(people.subject, seed=seed)
    by_exercise = {}
    for exercise in Exercise:
        rows = people.exercise == exercise
        mine, filmed = people.where(rows), people.is_filmed[rows]
        if not filmed.any():
            continue
        tried = []
        for ridge in RIDGES:
            told = np.full(len(filmed), np.nan)
            for fold in range(N_FOLDS):
                held = (folds[rows] == fold) & filmed
                if held.any():
                    terms = _fit_exercise(mine.where(~held), ridge=ridge)
                    told[held] = _evaluate(terms, mine, held)
            tried.append(told)
        errors = [float(np.mean(np.square(told[filmed] - mine.rated[filmed]))) for told in tried]
        best = int(np.argmin(errors))
        out_of_fold[rows] = tried[best]
        by_exercise[exercise] = _fit_exercise(mine, ridge=RIDGES[best])
    weights = {exercise: _weight(people, out_of_fold, exercise) for exercise in by_exercise}
    chosen = people.is_filmed
    widths = half_widths(people.where(chosen), out_of_fold[chosen], weights)
    return FittedModel(by_exercise, weights, widths)


def folds_of(subjects: NDArray[np.str_], *, seed: int) -> NDArray[np.intp]:
    """Return each row's fold; a person's rows are in one."""
    people, who = np.unique(subjects, return_inverse=True)
    return np.asarray(np.random.default_rng(seed).permutation(len(people))[who] % N_FOLDS, dtype=np.intp)


def sessions_of(
    people: MeasuredPeople, values: FloatArray, exercises: Sequence[Exercise], weights: Mapping[Exercise, float]
) -> tuple[FloatArray, FloatArray, FloatArray, NDArray[np.str_]]:
    """Return index, mean rating, truth and subject of every person whom one BlazePose model saw do all `exercises`."""
    told = []
    for source in np.unique(people.source):
        for subject in np.unique(people.subject):
            mine = (people.source == source) & (people.subject == subject)
            rows = [np.flatnonzero(mine & (people.exercise == exercise)) for exercise in exercises]
            if all(len(found) for found in rows):
                at = np.array([found[0] for found in rows])
                index = np.average(values[at], weights=[weights[exercise] for exercise in exercises])
                told.append((float(index), float(people.rated[at].mean()), float(people.true[at].mean()), subject))
    columns = list(zip(*told, strict=True)) or [(), (), (), ()]
    return np.array(columns[0]), np.array(columns[1]), np.array(columns[2]), np.array(columns[3])


def half_widths(people: MeasuredPeople, values: FloatArray, weights: Mapping[Exercise, float]) -> dict[str, float]:
    """Return the 90 % half-width of the rating for every combination of exercises, calibrated as that combination."""
    found = {}
    for size in range(1, len(weights) + 1):
        for exercises in itertools.combinations(weights, size):
            index, rated, _, subjects = sessions_of(people, values, exercises, weights)
            try:
                width = half_width_by_person(index - rated, [str(one) for one in subjects], level=0.9)
            except InvalidValueError as error:
                raise InvalidValueError(f"{session_key(exercises)}: {error}") from error
            found[session_key(exercises)] = width
    return found


def familiarity_of(people: MeasuredPeople, exercise: Exercise, *, seed: int) -> Familiarity:
    """Fit what movements of an exercise are familiar, and how far people are off who were not fitted to."""
    mine = people.where(people.is_filmed & (people.exercise == exercise))
    names = [str(name) for name in mine.summary_names]
    folds, distances = folds_of(mine.subject, seed=seed), np.empty(len(mine.subject))
    for fold in range(N_FOLDS):
        held = folds == fold
        fitted = fit_familiarity(mine.summaries[~held], names=names)
        distances[held] = [fitted.distance(row) for row in mine.summaries[held]]
    usual = np.quantile(distances, np.linspace(0.0, 1.0, N_CENTILES))
    return fit_familiarity(mine.summaries, names=names, usual=usual)


def _weight(people: MeasuredPeople, values: FloatArray, exercise: Exercise) -> float:
    """Return the share of the ratings' variance that an exercise's index tells of people it was not fitted to."""
    rows = people.is_filmed & (people.exercise == exercise)
    off = np.square(values[rows] - people.rated[rows]).mean() / max(float(people.rated[rows].var()), 1e-9)
    return float(max(1.0 - off, LEAST_WEIGHT))


def _fit_exercise(mine: MeasuredPeople, *, ridge: float) -> ExerciseTerms:
    """Fit one exercise; filmed and simulated people each on their own scale, because BlazePose shifts measures."""
    filmed = mine.is_filmed
    of_films = _Scale.fit(mine.measures[filmed])
    parts = [(of_films.scale(mine.measures[filmed]), mine.rated[filmed])]
    if (~filmed).sum() >= N_CENTILES:
        simulated = mine.measures[~filmed]
        parts.append((_Scale.fit(simulated, known=of_films.known).scale(simulated), mine.rated[~filmed]))
    rated = np.concatenate([part[1] for part in parts])
    typical = float(rated.mean())
    mean = parts[0][0].mean(axis=0)
    centred = np.vstack([part[0] - part[0].mean(axis=0) for part in parts])
    levels = np.concatenate([part[1] - part[1].mean() for part in parts])
    slopes = np.linalg.solve(centred.T @ centred + ridge * np.eye(centred.shape[1]), centred.T @ levels)
    low, high = np.nanpercentile(np.where(of_films.known, mine.measures[filmed], 0.0), [10.0, 90.0], axis=0)
    terms = tuple(
        MeasureTerm(
            name=str(mine.measure_names[at]),
            label=str(mine.measure_labels[at]),
            body_part=body_part_of(str(mine.measure_names[at])),
            unit=str(mine.measure_units[at]),
            middle=float(of_films.middle[at]),
            spread=float(of_films.spread[at]),
            mean=float(mean[at]),
            slope=float(slopes[at]),
            usual_low=float(low[at]),
            usual_high=float(high[at]),
        )
        for at in np.flatnonzero(of_films.known)
    )
    return ExerciseTerms(typical, terms)


@dataclass(frozen=True, eq=False)
class _Scale:
    """Median and robust standard deviation of each measure."""

    known: NDArray[np.bool_]
    middle: FloatArray
    spread: FloatArray

    @classmethod
    def fit(cls, values: FloatArray, *, known: NDArray[np.bool_] | None = None) -> _Scale:
        """Fit to rows; `known` = which measures count, None = those known often enough."""
        enough = np.isfinite(values).mean(axis=0) >= (KNOWN_IN if known is None else 0.0)
        varies = np.array([len(np.unique(column[np.isfinite(column)])) > 2 for column in values.T])
        usable = enough & varies if known is None else known & varies
        middle, spread = np.zeros(values.shape[1]), np.full(values.shape[1], np.inf)
        low, middle[usable], high = np.nanpercentile(values[:, usable], [10.0, 50.0, 90.0], axis=0)
        spread[usable] = np.where(high > low, (high - low) / NORMAL_SPAN_SD, np.inf)
        return cls(usable & np.isfinite(spread), middle, spread)

    def scale(self, values: FloatArray) -> FloatArray:
        """Return scaled rows; what is missing counts as typical."""
        scaled = np.clip((values - self.middle) / self.spread, -CLIP_SD, CLIP_SD)
        return np.where(np.isfinite(scaled), scaled, 0.0)


def _evaluate(terms: ExerciseTerms, people: MeasuredPeople, rows: NDArray[np.bool_]) -> FloatArray:
    names = [str(name) for name in people.measure_names]
    told = [
        terms.typical + sum(term.points(value) for term, value in _pairs(terms, dict(zip(names, row, strict=True))))
        for row in people.measures[rows].tolist()
    ]
    return np.asarray(np.clip(np.array(told), 0.0, 1.0), dtype=np.float64)


def _pairs(terms: ExerciseTerms, values: Mapping[str, float]) -> list[tuple[MeasureTerm, float]]:
    return [(term, values[term.name]) for term in terms.terms]
