"""Compare what two learners said of the same people in the same folds. Knows no learner."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.stats import wilcoxon

from backsight.domain.validation import FloatArray
from backsight.errors import InputError
from backsight.evaluation.metrics import Estimate, estimate, mean_absolute_error, spearman
from backsight.evaluation.predictions import Predictions

SIGNIFICANT = 0.05
_FEWEST_FOR_WILCOXON = 6
"""People whose errors differ: with fewer, no order of signs gives a p below 0.05."""


@dataclass(frozen=True)
class Comparison:
    """How a learner differs from another one; negative differences of MAD and positive ones of rho speak for it."""

    mad: Estimate
    """Its mean absolute error less the other's, with a 95 % interval over people."""
    rho: Estimate
    """Its rank correlation less the other's."""
    p_value: float
    """Wilcoxon's signed-rank test on people's mean absolute errors, two-sided; NaN = too few people differ."""
    n_people: int
    n_better: int
    """People whom it is nearer to."""

    is_the_same: bool = False
    """Whether both said the same of every clip."""

    def verdict(self, *, p_value: float | None = None) -> str:
        """Return `better`, `worse` or `cannot tell`: the interval of the MAD and the test have to agree.

        Parameters
        ----------
        p_value
            In place of its own, corrected for how many comparisons there are.
        """
        p = self.p_value if p_value is None else p_value
        if not p < SIGNIFICANT or self.mad.low <= 0.0 <= self.mad.high:
            return "cannot tell"
        return "better" if self.mad.high < 0.0 else "worse"


def mad_difference(one: Predictions, other: Predictions, *, n_draws: int = 1000) -> Estimate:
    """Return the mean absolute error of `other` less that of `one`, rows in the same order, with its interval."""
    return estimate(
        lambda first, second, score: mean_absolute_error(second, score) - mean_absolute_error(first, score),
        one.predicted,
        other.predicted,
        one.score,
        subject=one.subject,
        seed=one.seed,
        n_draws=n_draws,
    )


def compare_pair(one: Predictions, other: Predictions, *, n_draws: int = 1000) -> Comparison:
    """Return how `other` differs from `one`.

    Raises
    ------
    InputError
        When the two are not of the same clips, seeds and folds.
    """
    one, other = _in_order(one), _in_order(other)
    check_same(one, other)

    rho = estimate(
        lambda first, second, score: spearman(second, score) - spearman(first, score),
        one.predicted,
        other.predicted,
        one.score,
        subject=one.subject,
        seed=one.seed,
        n_draws=n_draws,
    )
    gain = _by_person(np.abs(other.error) - np.abs(one.error), one.subject)
    differing = gain[np.abs(gain) > 1e-12]
    p_value = float(wilcoxon(differing).pvalue) if len(differing) >= _FEWEST_FOR_WILCOXON else math.nan
    return Comparison(
        mad=mad_difference(one, other, n_draws=n_draws),
        rho=rho,
        p_value=p_value,
        n_people=len(gain),
        n_better=int((gain < 0.0).sum()),
        is_the_same=np.array_equal(one.predicted, other.predicted),
    )


def check_same(one: Predictions, other: Predictions) -> None:
    """Raise `InputError` unless both are of the same clips, scores, seeds and folds, in the same order."""
    for name in ("clip", "subject", "seed", "fold", "score"):
        first, second = getattr(one, name), getattr(other, name)
        if len(first) != len(second) or not np.array_equal(first, second):
            raise InputError(
                f"runs can only be compared on the same study and folds; their `{name}` differ; evaluate both with the "
                "same --folds and --seeds"
            )


def holm(p_values: Sequence[float]) -> tuple[float, ...]:
    """Return p-values corrected for their number (Holm 1979); NaN stays and counts."""
    order = sorted(range(len(p_values)), key=lambda at: (math.isnan(p_values[at]), p_values[at]))
    corrected = [math.nan] * len(p_values)
    largest = 0.0
    for rank, at in enumerate(order):
        if math.isnan(p_values[at]):
            continue
        largest = max(largest, min(1.0, (len(p_values) - rank) * p_values[at]))
        corrected[at] = largest
    return tuple(corrected)


def comparison_lines(reference: str, compared: Mapping[str, Comparison], *, unit: str) -> tuple[str, ...]:
    """Return comparisons with a reference as a table in Markdown, and a sentence for each."""
    corrected = dict(zip(compared, holm([one.p_value for one in compared.values()]), strict=True))
    lines = [
        f"Each beside `{reference}`, person by person; in brackets the 95 % interval over people.",
        f"| learner | MAD difference, {unit} | rho difference | p (Wilcoxon, Holm) | nearer to | verdict |",
        "|---|---|---|---|---|---|",
    ]
    for name, one in compared.items():
        lines.append(
            f"| {name} | {_signed(one.mad)} | {_signed(one.rho)} | {_p(corrected[name])} | {one.n_better} of "
            f"{one.n_people} people | {one.verdict(p_value=corrected[name])} |"
        )
    for name, one in compared.items():
        verdict = one.verdict(p_value=corrected[name])
        if one.is_the_same:
            lines.append(f"`{name}` and `{reference}` said the same of everybody.")
        elif verdict == "cannot tell":
            lines.append(f"Between `{name}` and `{reference}` one cannot tell: {one.n_people} people do not decide it.")
        else:
            lines.append(f"`{name}` is {verdict} than `{reference}`.")
    return tuple(lines)


def _in_order(predictions: Predictions) -> Predictions:
    order = np.lexsort((predictions.clip, predictions.seed))
    mask = np.ones(len(predictions), dtype=np.bool_)
    kept = predictions.where(mask)
    return Predictions(
        **{name: getattr(kept, name)[order] for name in kept.__dataclass_fields__ if name != "seconds"},
        seconds=kept.seconds,
    )


def _by_person(values: FloatArray, subjects: np.ndarray) -> FloatArray:
    _, who = np.unique(subjects, return_inverse=True)
    return np.bincount(who, weights=values) / np.bincount(who)


def _signed(found: Estimate) -> str:
    if not math.isfinite(found.value):
        return "-"
    return f"{found.value:+.3g} ({found.low:+.3g} to {found.high:+.3g})"


def _p(value: float) -> str:
    return "-" if math.isnan(value) else f"{value:.2g}"
