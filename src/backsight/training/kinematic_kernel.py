"""Kernels between movements: of the same exercise, of any exercise, and of people. Knows no score's meaning."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from backsight.domain.validation import FloatArray

PERSON_NOISE = 0.03
"""Variance that one person's scores share for reasons no measure tells, in variances of the score."""
SUPPORT_COST, SUPPORT_TOLERANCE = 3.0, 0.1
"""Penalty of a miss and the miss that costs nothing, in standard deviations of the score."""
_STEPS = 24
"""Points of the path along which gradients are integrated: the sum is then within 1 % of the whole."""


@dataclass(frozen=True)
class KernelShares:
    """How much each kernel counts, in variances of the score."""

    exercise: float
    """Likeness to movements of the same exercise."""
    shared: float
    """Likeness to movements of any exercise."""
    person: float
    """Likeness of the people, by their means over exercises."""
    reach: float
    """Length scale, in root mean square distances of a movement from the typical one."""
    noise: float
    """What no kernel explains. Support vectors do not read it: `SUPPORT_COST` and `SUPPORT_TOLERANCE` stand for it."""


@dataclass(frozen=True, eq=False)
class Kernels:
    """Squared distances between two sets of clips, and who does the same exercise."""

    of_movement: FloatArray
    """Between scaled summaries; shape (n_first, n_second)."""
    of_person: FloatArray
    """Between people's mean scaled summaries; shape (n_first, n_second)."""
    same_exercise: NDArray[np.bool_]
    """Shape (n_first, n_second)."""

    def mix(self, shares: KernelShares) -> FloatArray:
        """Return the sum of the three kernels; shape (n_first, n_second)."""
        across = 2.0 * shares.reach**2
        movement = (shares.exercise * self.same_exercise + shares.shared) * np.exp(-self.of_movement / across)
        mixed: FloatArray = movement + shares.person * np.exp(-self.of_person / across)
        return mixed


@dataclass(frozen=True, eq=False)
class KernelTerms:
    """What the kernels compare of a set of clips."""

    movement: FloatArray
    """Scaled summaries; shape (n_clips, n_features)."""
    person: FloatArray
    """Mean over the person's clips in the set, each exercise counted once; shape (n_clips, n_features)."""
    exercises: NDArray[np.str_]
    """Shape (n_clips,)."""
    movement_norm: float
    """Mean squared length of `movement` in the set."""
    person_norm: float
    """Mean squared length of `person` in the set."""
    own_weight: FloatArray
    """By how much the person's mean moves with each clip; shape (n_clips,)."""

    @classmethod
    def of(cls, scaled: FloatArray, *, exercises: Sequence[str], people: Sequence[str]) -> KernelTerms:
        """Take each person's mean; a person's exercises count alike, however often each was done."""
        names, who = np.array(exercises), np.array(people)
        person, weights = np.empty_like(scaled), np.empty(len(scaled))
        for one in dict.fromkeys(people):
            rows = np.flatnonzero(who == one)
            done, which, counts = np.unique(names[rows], return_inverse=True, return_counts=True)
            weights[rows] = 1.0 / (len(done) * counts[which])
            person[rows] = weights[rows] @ scaled[rows]
        return cls(
            movement=scaled,
            person=person,
            exercises=names,
            movement_norm=max(float(np.square(scaled).sum(axis=1).mean()), 1e-12),
            person_norm=max(float(np.square(person).sum(axis=1).mean()), 1e-12),
            own_weight=weights,
        )

    def against(self, training: KernelTerms) -> Kernels:
        """Return how far each clip is from each training clip, in that set's own mean squared lengths."""
        return Kernels(
            of_movement=_squared_distances(self.movement, training.movement) / training.movement_norm,
            of_person=_squared_distances(self.person, training.person) / training.person_norm,
            same_exercise=self.exercises[:, np.newaxis] == training.exercises[np.newaxis],
        )

    def integrated_gradients(self, training: KernelTerms, shares: KernelShares, coefficients: FloatArray) -> FloatArray:
        """Return what each feature of the first clip adds to its prediction, against a clip typical in all of them.

        The person's other clips stay as they are; shape (n_features,).
        """
        movement, weight = self.movement[0], float(self.own_weight[0])
        others = self.person[0] - weight * movement
        width = shares.reach**2
        same = shares.exercise * (training.exercises == self.exercises[0]) + shares.shared
        slope = np.zeros_like(movement)
        for at in (np.arange(_STEPS) + 0.5) / _STEPS:
            step = at * movement - training.movement
            pull = coefficients * same * np.exp(-np.square(step).sum(axis=1) / (2.0 * width * training.movement_norm))
            slope -= pull @ step / (width * training.movement_norm)
            step = others + weight * at * movement - training.person
            near = np.exp(-np.square(step).sum(axis=1) / (2.0 * width * training.person_norm))
            slope -= weight * ((coefficients * shares.person * near) @ step) / (width * training.person_norm)
        return np.asarray(slope / _STEPS * movement)


def fit_coefficients(
    kernels: Kernels, shares: KernelShares, people: NDArray[np.intp], target: FloatArray
) -> FloatArray:
    """Solve for one coefficient a training clip; `target` has mean 0 and variance 1; shape (n_clips,)."""
    return np.asarray(np.linalg.solve(_covariance(kernels, shares, people), target))


def fit_support(kernels: Kernels, shares: KernelShares, target: FloatArray) -> tuple[FloatArray, float]:
    """Solve for one coefficient a training clip and the level, misses counted by their size (support vectors).

    `target` has mean 0 and variance 1; shape (n_clips,). The level is not 0, because
    skewed scores have another middle than mean.
    """
    from sklearn.svm import SVR

    fitted = SVR(kernel="precomputed", C=SUPPORT_COST, epsilon=SUPPORT_TOLERANCE).fit(kernels.mix(shares), target)
    coefficients = np.zeros(len(target))
    coefficients[fitted.support_] = fitted.dual_coef_[0]
    return coefficients, float(fitted.intercept_[0])


def leave_one_person_out(
    kernels: Kernels, shares: KernelShares, people: NDArray[np.intp], target: FloatArray
) -> FloatArray:
    """Return what each clip would be given if its person had not been learnt from; shape (n_clips,).

    In closed form: the residuals of a block are its part of the inverse covariance, inverted, times its coefficients
    (Rasmussen and Williams 2006, section 5.4.2, for blocks).
    """
    inverse = np.linalg.inv(_covariance(kernels, shares, people))
    coefficients = inverse @ target
    told = np.empty_like(target)
    for person in range(int(people.max()) + 1):
        rows = np.flatnonzero(people == person)
        told[rows] = target[rows] - np.linalg.solve(inverse[np.ix_(rows, rows)], coefficients[rows])
    return told


def _covariance(kernels: Kernels, shares: KernelShares, people: NDArray[np.intp]) -> FloatArray:
    same_person = people[:, np.newaxis] == people[np.newaxis]
    covariance: FloatArray = kernels.mix(shares) + PERSON_NOISE * same_person + shares.noise * np.eye(len(people))
    return covariance


def _squared_distances(first: FloatArray, second: FloatArray) -> FloatArray:
    lengths = np.square(first).sum(axis=1)[:, np.newaxis] + np.square(second).sum(axis=1)[np.newaxis]
    return np.asarray(np.maximum(lengths - 2.0 * first @ second.T, 0.0))
