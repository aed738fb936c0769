"""How near anybody could come to a virtual volunteer's dysfunction who knows what it left its marks on. Knows no film.

Dysfunction shifts a volunteer's habits (how far they bend, how crooked they stand, how fast they walk for their age)
and makes their bends halting; nothing else in a recording depends on it. The simulation's own densities are known, so
what these marks tell can be worked out exactly: the posterior of the dysfunction, whose median has the least mean
absolute error that a guess from them can have (with a hidden side for all sided habits, and who shows which effect
unknown). What is still wrong then is hidden by how much people differ, and no camera finds it.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.stats import beta, gamma, norm

from backsight.domain.validation import FloatArray
from backsight.simulation.dysfunction import DYSFUNCTION_BETA, STRENGTH_SHAPE, TRAITS, TraitNorm, Volunteer, severity
from backsight.simulation.touch_toes import HALTING, REPETITIONS

_GRID = (np.arange(100) + 0.5) / 100.0
"""Dysfunctions between which is told apart."""
_STRENGTHS = gamma.ppf((np.arange(24) + 0.5) / 24.0, STRENGTH_SHAPE, scale=1.0 / STRENGTH_SHAPE)
"""Strengths of an expressed effect, each as likely as the next."""
_WAYS_A_BEND = 2
"""Down and up are each as halting as they are."""
_NEVER = -1e3


def guesses_at(people: Sequence[Volunteer], *, seed: int) -> dict[str, FloatArray]:
    """Return `guess_from_marks` by what is known; how haltingly they bend is drawn anew, as films do not keep it."""
    rng = np.random.default_rng(seed)
    halting = [draw_halting(person, rng) for person in people]
    return {
        "every habit known": guess_from_marks(people),
        "every habit and halt known": guess_from_marks(people, halting=halting),
    }


def guess_from_marks(people: Sequence[Volunteer], *, halting: Sequence[FloatArray] | None = None) -> FloatArray:
    """Return for each volunteer the median of what their dysfunction may be; shape (n_people,), 0 to 1.

    Parameters
    ----------
    halting
        How haltingly each went each way of their bends, from `draw_halting`; None = that is not known, their habits
        are.
    """
    by_side = np.zeros((2, len(people), len(_GRID)))
    for trait, habit in TRAITS.items():
        values = np.array([one.habits[trait] for one in people])
        sides = (1, -1) if habit.is_sided else (1,)
        told = [_likelihood(values, habit, painful_side=side) for side in sides]
        by_side += np.log(np.maximum(told, 1e-300))
    log_density = np.logaddexp(*by_side) + beta.logpdf(_GRID, *DYSFUNCTION_BETA)
    if halting is not None:
        log_density += np.array([_halting_likelihood(ways) for ways in halting])
    density = np.exp(log_density - log_density.max(axis=1, keepdims=True))
    passed = np.cumsum(density, axis=1) / density.sum(axis=1, keepdims=True)
    return np.asarray(_GRID[np.argmax(passed >= 0.5, axis=1)])


def draw_halting(volunteer: Volunteer, rng: np.random.Generator) -> FloatArray:
    """Return how haltingly a volunteer goes each way of one recording's bends, drawn as the simulation draws it."""
    n_ways = _WAYS_A_BEND * (int(rng.choice(len(REPETITIONS), p=REPETITIONS)) + 1)
    least, added = HALTING
    return rng.uniform(size=n_ways) * (least + added * volunteer.dysfunction)


def _likelihood(values: FloatArray, habit: TraitNorm, *, painful_side: int) -> FloatArray:
    """Return how likely each value of a habit is with each dysfunction; shape (n_people, n_grid)."""
    severities = np.array([severity(dysfunction) for dysfunction in _GRID.tolist()])[:, np.newaxis]
    shift = severities * habit.shift * _STRENGTHS / habit.expressed_by
    if habit.is_sided:
        shift = np.where(severities > 0.0, painful_side * shift, 0.0)
    shown = _density(values, habit, shift).mean(axis=2)
    hidden = _density(values, habit, np.zeros((1, 1)))[:, :, 0]
    share = habit.expressed_by if habit.shift else 0.0
    return np.asarray(share * shown + (1.0 - share) * hidden)


def _density(values: FloatArray, habit: TraitNorm, shift: FloatArray) -> FloatArray:
    """Return the density of each value under each shift, at the ends of the range how likely it is to be cut there.

    Shape (n_people, *shift.shape).
    """
    drawn = np.log(values) if habit.is_log else values
    away = (drawn[:, np.newaxis, np.newaxis] - habit.mean - shift) / habit.sd
    density = np.exp(-0.5 * np.square(away)) / (habit.sd * np.sqrt(2.0 * np.pi))
    lowest, highest = values <= habit.low, values >= habit.high
    density[lowest], density[highest] = norm.cdf(away[lowest]), norm.sf(away[highest])
    return np.asarray(density)


def _halting_likelihood(ways: FloatArray) -> FloatArray:
    """Return the logarithm of how likely such ways are with each dysfunction; shape (n_grid,)."""
    least, added = HALTING
    greatest = least + added * _GRID
    return np.where(greatest >= ways.max(), -len(ways) * np.log(greatest), _NEVER)
