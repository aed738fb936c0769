"""Turn measurements into the rows that the report prints: value, interval, usual range, bar. Knows nothing of HTML."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from backsight.domain.assessment import Measurement, Norm, NormKind
from backsight.reporting import wording

_BAR_MARGIN = 0.25
"""The bar of a measurement reaches this share of its span beyond the norm and the value."""
_WIDEST_INTERVAL = 2.0
"""An interval is drawn up to this many times as long as norm and value need: a longer one would leave them no room."""
_POSTURE = ("lateral_lean_deg", "shoulder_obliquity_deg", "pelvic_obliquity_deg")
"""Measures of how a person stands, which every exercise has."""


@dataclass(frozen=True)
class Bar:
    """A value against its norm, everything in per cent of the bar's width."""

    band_start: float
    band_width: float
    middle: float | None
    """The healthy mean or median; None where the source has none."""
    value: float
    error_start: float | None
    """Lower end of the value's 90 % interval; None = not known."""
    error_width: float | None
    description: str


@dataclass(frozen=True)
class MeasurementRow:
    """One line of the table of measurements."""

    label: str
    value: str
    interval: str
    """The 90 % interval; empty where it is not known."""
    usual: str
    is_provisional: bool
    """True where the usual range has only been remembered."""
    comparison: str
    comparison_tone: str
    bar: Bar | None
    source_number: int | None
    """Position in the exercise's list of sources, from 1; None without a norm."""
    note: str
    definition: str
    """How the measure is defined; empty where that is not said."""
    error_basis: str
    """What the interval rests on; empty where there is none."""


@dataclass(frozen=True)
class MeasurementGroup:
    """Measurements that belong together."""

    title: str
    rows: tuple[MeasurementRow, ...]


def group_rows(
    measurements: Sequence[Measurement], *, title: str, sources: Sequence[str]
) -> tuple[MeasurementGroup, ...]:
    """Return what was measured in the exercise itself and, apart from it, while standing upright.

    Parameters
    ----------
    measurements
        Those without a value are left out; they stand in a list of their own, with the reasons.
    title
        Of the first group.
    sources
        Where the norms come from, each once, in the order of their numbers.
    """
    known = [item for item in measurements if math.isfinite(item.value)]
    moving = tuple(make_row(item, sources=sources) for item in known if item.name not in _POSTURE)
    upright = tuple(make_row(item, sources=sources) for item in known if item.name in _POSTURE)
    groups = (MeasurementGroup(title, moving), MeasurementGroup("Posture while upright", upright))
    return tuple(group for group in groups if group.rows)


def make_row(item: Measurement, *, sources: Sequence[str]) -> MeasurementRow:
    """Prepare one measurement."""
    norm = item.norm
    comparison = "" if norm is None else wording.compare(item.value, norm, error=item.error)
    words, tone = wording.COMPARISONS[comparison]
    return MeasurementRow(
        label=item.label,
        value=wording.format_value(item.value, item.unit),
        interval=wording.format_span(item.value, item.unit, error=item.error),
        usual="" if norm is None else wording.format_norm(norm, item.unit),
        is_provisional=norm is not None and norm.is_provisional,
        comparison=words,
        comparison_tone=tone,
        bar=None if norm is None else _bar(item, norm),
        source_number=None if norm is None else sources.index(describe_source(norm)) + 1,
        note=wording.for_readers(item.note),
        definition=item.source,
        error_basis=item.error_basis,
    )


def describe_source(norm: Norm) -> str:
    """Write where a norm comes from, what its ends are and what had to be assumed."""
    known = f"{norm.source}. {wording.describe_norm(norm)}"
    return f"{known} Assumed: {norm.assumption.rstrip('.')}." if norm.assumption else known


def _bar(item: Measurement, norm: Norm) -> Bar | None:
    """Place band, middle, value and its interval on a common axis; an open end of the norm reaches the bar's own end.

    The middle is shown where it is the mean or median of healthy people, not where it is only the middle of a range.
    """
    has_error = math.isfinite(item.error)
    points = [point for point in (norm.low, norm.high, norm.middle, item.value) if math.isfinite(point)]
    if not math.isfinite(item.value) or max(points) <= min(points):
        return None
    reach = min(item.error, _WIDEST_INTERVAL * (max(points) - min(points))) if has_error else 0.0
    points += [item.value - reach, item.value + reach]
    margin = _BAR_MARGIN * (max(points) - min(points))
    start, span = min(points) - margin, max(points) - min(points) + 2 * margin

    def place(value: float) -> float:
        return 100.0 * min(max((value - start) / span, 0.0), 1.0)

    band_start, band_end = place(norm.low), place(norm.high)
    low, high = place(item.value - item.error), place(item.value + item.error)
    described = f"{item.label} {wording.format_value(item.value, item.unit)}"
    if has_error:
        described += f", 90 % interval {wording.format_span(item.value, item.unit, error=item.error)}"
    return Bar(
        band_start=band_start,
        band_width=band_end - band_start,
        middle=place(norm.middle) if norm.kind is NormKind.DERIVED_CENTILES else None,
        value=place(item.value),
        error_start=low if has_error else None,
        error_width=high - low if has_error else None,
        description=f"{described}, usual {wording.format_norm(norm, item.unit)}",
    )
