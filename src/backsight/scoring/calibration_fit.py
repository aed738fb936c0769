"""Find the bias and the 90 % interval of every measure from recordings whose truth is known. Knows no renderer.

For each measure, pose model and view: a robust line from raw to true values, drawn towards a slope of 1 where
recordings are few; then residuals of people whom the line was not fitted on, in `N_FOLDS` folds of people. How large
they are in a view is known badly from a dozen people. So a view's residuals are set beside their own mean size, which
is drawn towards that of all views and leaves out the person judged, and the finite-sample quantile of these ratios is
taken over the people of all views together. An interval lies midway (in logarithms) between this and the quantile of
the view's own residuals, or at the latter where it is wider: a view that errs more than others is not to be made to
look like them. This is cross-conformal prediction
(Vovk 2015, doi:10.1007/s10472-013-9368-4) with scores studentised person by person, in the form in which one line,
fitted again on all, is handed out. Unlike split conformal prediction (Lei et al. 2018) it promises no coverage for a
finite sample: it is near the level where people are many, and how near has to be measured.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from backsight.domain.validation import FloatArray
from backsight.scoring.calibration import (
    CADENCE,
    FEWEST_PEOPLE,
    FRAME_RATES,
    LEVEL,
    SCALED,
    TIMED,
    VIEW_BANDS,
    Calibration,
    Cell,
    CellKey,
    Conditions,
    chance_of,
    relative_width,
)
from backsight.scoring.conformal import (
    conformal_quantile,
    conformal_quantile_by_person,
    corrected_chances,
    mean_by_person,
)

N_FOLDS = 10
METHOD = (
    f"{N_FOLDS}-fold cross-conformal prediction over people, with scores studentised person by person and a line "
    "fitted again on all of them"
)
"""What the provenance says of how intervals were found."""
FEWEST_OF_OWN_VIEW = 10
"""From so many people in the view itself on, whether values follow the truth is asked of them and not of neighbours."""
HUBER_K = 1.345
"""Residuals beyond this many standard deviations count less: 95 % efficiency for a normal error (Huber 1981)."""
_MAD_TO_SD = 1.4826
PRIOR_RECORDINGS = 10.0
"""A slope of 1, raw values that differ by what true ones do, counts as much as this many recordings."""
SLOPES = (0.6, 1.5)
"""Slopes are cut to this range: a measure that needs more tells little, and the line would only repeat what most
volunteers are like."""
PRIOR_PEOPLE = 4.0
"""The median size of all views' residuals counts as much as this many people of the view itself."""
SIZE_POWERS, GROWTHS = (0.0, 0.5, 1.0), (0.0, 0.5, 1.0)
WORTH_IT = 0.97
"""Intervals that depend on more than the cell must be better by this share."""
_SPREAD_CENTILES = (100.0 * (1.0 - LEVEL) / 2.0, 100.0 * (1.0 + LEVEL) / 2.0)


@dataclass(frozen=True)
class CalibrationSample:
    """One measure of one recording, raw and true."""

    measure: str
    raw: float
    """NaN = could not be measured."""
    true: float
    """NaN = the clip does not hold it."""
    conditions: Conditions
    person: str
    """Who: recordings of one person stay in one fold."""

    @property
    def is_complete(self) -> bool:
        """True when there is something to compare in a known view."""
        return bool(np.isfinite([self.raw, self.true]).all()) and self.conditions.view is not None


@dataclass(frozen=True)
class _Line:
    """True = raw + shift + (slope - 1) (raw - centre), with raw cut to low .. high in the last term."""

    centre: float
    shift: float
    slope: float
    low: float
    high: float

    def correct(self, raw: FloatArray) -> FloatArray:
        return raw + self.shift + (self.slope - 1.0) * (np.clip(raw, self.low, self.high) - self.centre)


@dataclass(frozen=True, eq=False)
class _Table:
    """Samples as columns, each of shape (n,)."""

    raw: FloatArray
    true: FloatArray
    person_px: FloatArray
    people: NDArray[np.str_]
    views: NDArray[np.str_]
    rates: NDArray[np.str_]

    @classmethod
    def of(cls, samples: Sequence[CalibrationSample]) -> _Table:
        return cls(
            raw=np.array([sample.raw for sample in samples]),
            true=np.array([sample.true for sample in samples]),
            person_px=np.array([sample.conditions.person_px for sample in samples]),
            people=np.array([sample.person for sample in samples]),
            views=np.array([str(sample.conditions.view) for sample in samples]),
            rates=np.array([str(_rate_of(sample)) for sample in samples]),
        )

    @property
    def n_people(self) -> int:
        return len(np.unique(self.people))


@dataclass(frozen=True, eq=False)
class _Judged:
    """A cell's line and its residuals on people it was not fitted on."""

    key: CellKey
    views: tuple[str, ...]
    rates: tuple[str, ...]
    table: _Table
    line: _Line
    corrected: FloatArray
    """Out of fold; shape (n,)."""

    @property
    def is_own(self) -> NDArray[np.bool_]:
        """Which recordings are of the cell's own view and rate; shape (n,)."""
        of_rate = self.table.rates == self.key.frame_rate if self.key.frame_rate is not None else True
        return np.asarray((self.table.views == self.key.view) & of_rate, dtype=np.bool_)

    def correlation(self) -> tuple[float, int | None]:
        """Return (rank correlation of raw with true values, number of people that it rests on; None = all).

        Over all views pooled, a difference between views could pass for one between people.
        """
        own = self.table.views == self.key.view
        n_own = len(np.unique(self.table.people[own]))
        if own.all() or n_own < FEWEST_OF_OWN_VIEW:
            return _rank_correlation(self.table.raw, self.table.true), None
        return _rank_correlation(self.table.raw[own], self.table.true[own]), n_own

    def scores(self, *, spread: float, size_power: float, growth: float) -> tuple[FloatArray, FloatArray]:
        """Return (absolute residuals relative to the width, relative widths); shape (n,) each."""
        middle_px = float(np.median(self.table.person_px))
        middle = self.line.centre + self.line.shift
        width = np.array(
            [
                relative_width(
                    person_px=px / middle_px, off_middle=(value - middle) / spread, size_power=size_power, growth=growth
                )
                for px, value in zip(self.table.person_px, self.corrected, strict=True)
            ]
        )
        return np.abs(self.corrected - self.table.true) / width, width


def fit_calibration(
    samples: Iterable[CalibrationSample], *, provenance: Mapping[str, Any] | None = None
) -> Calibration:
    """Find the errors of every measure under every condition that the samples hold.

    Conditions with fewer than `FEWEST_PEOPLE` borrow from the other frame rates, then from neighbouring views, and are
    left out where that is not enough.
    """
    complete = [sample for sample in samples if sample.is_complete and sample.measure != CADENCE]
    groups: dict[tuple[str, str, bool | None], list[CalibrationSample]] = defaultdict(list)
    for sample in complete:
        scale = sample.conditions.has_height if sample.measure in SCALED else None
        groups[sample.measure, sample.conditions.pose_model, scale].append(sample)
    spreads = _spreads(complete)
    fitted = [
        cell
        for (measure, _, _), group in sorted(groups.items(), key=lambda item: str(item[0]))
        for cell in _fit_group(group, spread=spreads[measure])
    ]
    chances = corrected_chances(
        np.array([chance_of(cell.correlation, n_people=cell.n_people_correlated or cell.n_people) for cell in fitted])
    )
    return Calibration(
        cells={cell.key: replace(cell, chance=float(chance)) for cell, chance in zip(fitted, chances, strict=True)},
        provenance=dict(provenance or {})
        | {"method": METHOD, "samples": len(complete), "fingerprint": fingerprint(complete)},
    )


def fingerprint(samples: Iterable[CalibrationSample]) -> str:
    """Return a short digest of the samples, whatever their order."""
    lines = sorted(f"{sample.measure} {sample.person} {sample.raw:.4g} {sample.true:.4g}" for sample in samples)
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()[:16]


def _spreads(samples: Iterable[CalibrationSample]) -> dict[str, float]:
    """Return for each measure half the width of the 90 % range of the volunteers' true values."""
    true: dict[str, dict[tuple[str, float], float]] = defaultdict(dict)
    for sample in samples:
        # Each recording once, however many pose models and scales it was measured with.
        true[sample.measure][sample.person, sample.true] = sample.true
    spreads = {}
    for measure, values in true.items():
        low, high = np.percentile(list(values.values()), _SPREAD_CENTILES)
        spreads[measure] = max(float(high - low) / 2.0, 1e-9)
    return spreads


def _fit_group(samples: Sequence[CalibrationSample], *, spread: float) -> Iterator[Cell]:
    """Fit all cells of one measure, pose model and scale."""
    judged = [
        _judge(
            CellKey(
                measure=samples[0].measure,
                pose_model=samples[0].conditions.pose_model,
                view=view,
                frame_rate=rate,
                has_height=_scale_of(samples[0]),
            ),
            views,
            rates,
            _Table.of(chosen),
        )
        for view, rate, views, rates, chosen in _pool(samples)
    ]
    if not judged:
        return
    size_power, growth = _best_widths(judged, spread=spread)
    half_widths = _half_widths(judged, spread=spread, size_power=size_power, growth=growth)
    for item, half_width in zip(judged, half_widths, strict=True):
        sizes = item.table.person_px
        correlation, n_correlated = item.correlation()
        yield Cell(
            key=item.key,
            n_people=item.table.n_people,
            n_recordings=len(item.table.raw),
            pooled_views=item.views,
            pooled_rates=item.rates,
            centre=item.line.centre,
            shift=item.line.shift,
            slope=item.line.slope,
            low=item.line.low,
            high=item.line.high,
            half_width=half_width,
            spread=spread,
            correlation=correlation,
            person_px=float(np.median(sizes)),
            smallest_px=float(np.percentile(sizes, 5.0)),
            size_power=size_power,
            growth=growth,
            n_people_correlated=n_correlated,
        )


def _rank_correlation(raw: FloatArray, true: FloatArray) -> float:
    """Return Spearman's correlation; NaN where one of the two is constant."""
    if np.ptp(raw) == 0.0 or np.ptp(true) == 0.0:
        return float("nan")
    return float(stats.spearmanr(raw, true).statistic)


def _scale_of(sample: CalibrationSample) -> bool | None:
    return sample.conditions.has_height if sample.measure in SCALED else None


def _pool(
    samples: Sequence[CalibrationSample],
) -> Iterator[tuple[str, str | None, tuple[str, ...], tuple[str, ...], list[CalibrationSample]]]:
    """Yield (view, frame rate, views and rates pooled, samples) for each cell that enough people can be found for."""
    rates: tuple[str | None, ...] = FRAME_RATES if samples[0].measure in TIMED else (None,)
    views = list(VIEW_BANDS)
    for place, view in enumerate(views):
        neighbours = tuple(views[max(0, place - 1) : place + 2])
        own = [sample for sample in samples if sample.conditions.view == view]
        if not own:
            # Nobody could be measured in this view: the neighbours' errors would be another view's.
            continue
        for rate in rates:
            if rate is not None and all(_rate_of(sample) != rate for sample in own):
                # Nobody could be measured at this rate: the other's errors would be no evidence.
                continue
            for of_views, of_rates in (((view,), (rate,)), ((view,), rates), (neighbours, rates)):
                chosen = [
                    sample
                    for sample in samples
                    if sample.conditions.view in of_views and (rate is None or _rate_of(sample) in of_rates)
                ]
                if len({sample.person for sample in chosen}) >= FEWEST_PEOPLE:
                    found = {_rate_of(sample) for sample in chosen} if rate is not None else set()
                    yield view, rate, of_views, tuple(name for name in FRAME_RATES if name in found), chosen
                    break


def _rate_of(sample: CalibrationSample) -> str | None:
    key = CellKey.of(sample.measure, sample.conditions)
    return None if key is None else key.frame_rate


def _judge(key: CellKey, views: tuple[str, ...], rates: tuple[str, ...], table: _Table) -> _Judged:
    people = np.unique(table.people)
    # Which fold a person is in follows from their place in the alphabet and not from chance.
    fold = np.searchsorted(people, table.people) % min(N_FOLDS, len(people))
    corrected = np.full(len(table.raw), np.nan)
    for number in np.unique(fold):
        held = fold == number
        line = _fit_line(table.raw[~held], table.true[~held])
        corrected[held] = line.correct(table.raw[held])
    line = _fit_line(table.raw, table.true)
    return _Judged(key=key, views=views, rates=rates, table=table, line=line, corrected=corrected)


def _fit_line(raw: FloatArray, true: FloatArray) -> _Line:
    """Fit true values by raw ones, outliers counting less (Huber), the slope drawn towards 1."""
    centre = float(np.median(raw))
    off = raw - centre
    scale = _MAD_TO_SD * float(np.median(np.abs(off)))
    prior_weight = PRIOR_RECORDINGS * scale**2
    slope, shift = 1.0, float(np.median(true - raw))
    for _ in range(20):
        residual = true - raw - shift - (slope - 1.0) * off
        sd = max(_MAD_TO_SD * float(np.median(np.abs(residual))), 1e-9)
        weight = np.minimum(1.0, HUBER_K * sd / np.maximum(np.abs(residual), 1e-12))
        missing = true - raw
        middle_off, middle_missing = np.average(off, weights=weight), np.average(missing, weights=weight)
        spread = float((weight * (off - middle_off) ** 2).sum()) + prior_weight
        together = float((weight * (off - middle_off) * (missing - middle_missing)).sum())
        if spread > 0:
            slope = float(np.clip(1.0 + together / spread, *SLOPES))
        shift = float(middle_missing - (slope - 1.0) * middle_off)
    return _Line(centre, shift, slope, *(float(end) for end in np.percentile(raw, [2.5, 97.5])))


def _half_widths(judged: Sequence[_Judged], *, spread: float, size_power: float, growth: float) -> list[float]:
    """Return each cell's half width: its residuals' size times a quantile that all cells share, or its own one."""
    cells = [(item, item.scores(spread=spread, size_power=size_power, growth=growth)[0]) for item in judged]
    usual = np.median([mean_by_person(scores, item.table.people)[1].mean() for item, scores in cells])
    sizes, alone, ratios, people = [], [], [], []
    for item, scores in cells:
        names, of_person = mean_by_person(scores, item.table.people)
        sizes.append((of_person.sum() + PRIOR_PEOPLE * usual) / (len(names) + PRIOR_PEOPLE))
        alone.append(conformal_quantile_by_person(scores, item.table.people))
        without = (of_person.sum() - of_person + PRIOR_PEOPLE * usual) / (len(names) - 1 + PRIOR_PEOPLE)
        # Neighbours who were borrowed are judged in their own view.
        own = item.is_own
        ratios.append(scores[own] / without[np.searchsorted(names, item.table.people[own])])
        people.append(item.table.people[own])
    ratio = conformal_quantile_by_person(np.concatenate(ratios), np.concatenate(people))
    # The own quantile is badly known, the shared one another's in part.
    return [max(float(np.sqrt(ratio * size * own)), own) for size, own in zip(sizes, alone, strict=True)]


def _best_widths(judged: Sequence[_Judged], *, spread: float) -> tuple[float, float]:
    """Choose how intervals depend on the person's size in the picture and on the value.

    By the interval score (Gneiting and Raftery 2007): the interval's width, and what a value beyond it is off by times
    2 / (1 - level). Unlike the width alone it rewards an interval that is wide just where errors are large.
    """

    def interval_score(size_power: float, growth: float) -> float:
        total = 0.0
        for item in judged:
            scores, widths = item.scores(spread=spread, size_power=size_power, growth=growth)
            half = conformal_quantile(scores) * widths
            beyond = np.maximum(0.0, scores * widths - half)
            total += float((2.0 * half + 2.0 / (1.0 - LEVEL) * beyond).sum())
        return total

    best = min(product(SIZE_POWERS, GROWTHS), key=lambda choice: interval_score(*choice))
    return best if interval_score(*best) < WORTH_IT * interval_score(0.0, 0.0) else (0.0, 0.0)
