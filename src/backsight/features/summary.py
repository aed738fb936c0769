"""Sum up a recording in a few hundred named numbers that a person can read. Knows no exercise, score or learner.

Left and right are told as their mean and as how their difference moves, and a signal that changes its sign in a mirror
without that sign: so a recording and its mirror image have the same summary, and people who begin to the left are not
told from people who begin to the right. Nothing is told of body size or proportions but through body heights.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np

from backsight.domain.sequences import PoseSequence
from backsight.domain.validation import FloatArray
from backsight.features.summary_signals import Side, Signal, movement_signals
from backsight.features.summary_statistics import (
    COURSE,
    HIGH,
    LOW,
    MEDIAN,
    START,
    STATISTICS,
    STILL_SHARE,
    Repetitions,
    column_statistics,
    course_statistics,
    fill_and_smooth,
    find_repetitions,
)
from backsight.kinematics.resampling import MODEL_FPS, resample
from backsight.kinematics.smoothness import spectral_arc_length


@dataclass(frozen=True)
class SummaryFeature:
    """What one number of a summary means."""

    name: str
    """Readable, such as `range of knee flexion, difference of sides`."""
    unit: str
    """Such as `deg`, `bh` (body heights) or `deg/s`."""
    body_part: str
    """Such as `knee`; `whole body` for what concerns the whole movement."""


@dataclass(frozen=True, eq=False)
class Summary:
    """A recording in numbers."""

    features: tuple[SummaryFeature, ...]
    """One a value."""
    values: FloatArray
    """Shape (n_features,); NaN = could not be told."""

    @property
    def names(self) -> tuple[str, ...]:
        """Names in the order of the values."""
        return tuple(feature.name for feature in self.features)


_UNSIGNED = ", whichever side"
_POSTURES = frozenset({MEDIAN, START})
"""Of a signed signal these are told without their sign."""
_COURSE_POSTURES = frozenset({2, 3, 4})
"""Those of `COURSE` that change their sign in a mirror: quartiles and drift, told of signals that do not."""
_PADDED_BY = 2
"""Summaries were fitted to with a coarser line than SPARC's authors take; it ranks movements alike."""
_WHOLE: tuple[tuple[str, str], ...] = (
    ("duration", "s"),
    ("repetitions", "count"),
    ("duration of a repetition", "s"),
    ("unevenness of repetitions' durations", "share"),
    ("unevenness of repetitions' ranges", "SD"),
    ("regularity of repetitions", "correlation"),
    ("share of time at rest", "share"),
    ("share of the movement in one pattern", "share"),
    ("share of the movement in three patterns", "share"),
    ("smoothness (spectral arc length)", "arc length"),
    ("movement beside the main pattern", "SD"),
)


def summarize(pose: PoseSequence) -> Summary:
    """Compute the summary of a recording.

    Parameters
    ----------
    pose
        Filtered landmarks at any rate; NaN = missing.

    Returns
    -------
    Summary
        The same features for every recording.

    Raises
    ------
    InvalidValueError
        When the sequence is empty.
    """
    even = resample(pose)
    signals = movement_signals(even)
    columns = fill_and_smooth(
        np.column_stack([values for signal in signals for values in signal.values]), fps=MODEL_FPS
    )
    whole, repetitions = _whole_movement(columns, signals)
    table = column_statistics(columns, fps=MODEL_FPS, cycle_frames=repetitions.cycle_frames)
    course = _about_course(signals, columns, cycle_frames=repetitions.cycle_frames)
    values = np.concatenate([_about_signals(signals, table), course, whole])
    return Summary(features=_features(_shape(signals)), values=np.where(np.isfinite(values), values, np.nan))


def _shape(signals: tuple[Signal, ...]) -> tuple[tuple[str, str, str, Side], ...]:
    return tuple((signal.name, signal.body_part, signal.unit, signal.side) for signal in signals)


@cache
def _features(signals: tuple[tuple[str, str, str, Side], ...]) -> tuple[SummaryFeature, ...]:
    listed = []
    for name, body_part, unit, side in signals:
        whose = f"{name}, mean of sides" if side is Side.PAIRED else name
        for number in _told_of(side):
            statistic = STATISTICS[number]
            said = f"{statistic.name} {whose}{_UNSIGNED if side is Side.SIGNED and number in _POSTURES else ''}"
            listed.append(SummaryFeature(said, statistic.unit.format(unit), body_part))
    for name, body_part, unit, kind in _mirror_kinds(signals):
        for number, statistic in enumerate(COURSE):
            if kind is Side.MIDDLE or number not in _COURSE_POSTURES:
                listed.append(SummaryFeature(f"{statistic.name} {name}", statistic.unit.format(unit), body_part))
        if kind is Side.SIGNED:
            listed.append(SummaryFeature(f"usual size of {name}{_UNSIGNED}", unit, body_part))
    listed += [SummaryFeature(name, unit, "whole body") for name, unit in _WHOLE]
    return tuple(listed)


def _told_of(side: Side) -> tuple[int, ...]:
    """Return which of `STATISTICS` are told of a signal: both ends of a signed one would tell left from right."""
    return tuple(number for number in range(len(STATISTICS)) if side is not Side.SIGNED or number not in {LOW, HIGH})


def _mirror_kinds(signals: tuple[tuple[str, str, str, Side], ...]) -> tuple[tuple[str, str, str, Side], ...]:
    """Return the signals of `_mirror_columns` in its order: MIDDLE or SIGNED."""
    kinds = []
    for name, body_part, unit, side in signals:
        if side is Side.PAIRED:
            kinds.append((f"{name}, mean of sides", body_part, unit, Side.MIDDLE))
            kinds.append((f"{name}, left less right", body_part, unit, Side.SIGNED))
        else:
            kinds.append((name, body_part, unit, side))
    return tuple(kinds)


def _mirror_columns(columns: FloatArray, signals: tuple[Signal, ...]) -> FloatArray:
    """Return the signals with left and right turned into mean and difference at each moment."""
    turned = columns.copy()
    column = 0
    for signal in signals:
        if signal.side is Side.PAIRED:
            left, right = columns[:, column], columns[:, column + 1]
            turned[:, column], turned[:, column + 1] = 0.5 * (left + right), left - right
        column += len(signal.values)
    return turned


def _about_signals(signals: tuple[Signal, ...], table: FloatArray) -> list[float]:
    """Return `STATISTICS` of the signals in the order of `_features`."""
    told: list[float] = []
    column = 0
    for signal in signals:
        for number in _told_of(signal.side):
            value = float(table[number, column : column + len(signal.values)].mean())
            told.append(abs(value) if signal.side is Side.SIGNED and number in _POSTURES else value)
        column += len(signal.values)
    return told


def _about_course(signals: tuple[Signal, ...], columns: FloatArray, *, cycle_frames: float) -> list[float]:
    """Return `COURSE` of the signals in the order of `_features`."""
    turned = _mirror_columns(columns, signals)
    table = course_statistics(turned, cycle_frames=cycle_frames)
    told: list[float] = []
    for column, (*_, kind) in enumerate(_mirror_kinds(_shape(signals))):
        chosen = [number for number in range(len(COURSE)) if kind is Side.MIDDLE or number not in _COURSE_POSTURES]
        told += table[chosen, column].tolist()
        if kind is Side.SIGNED:
            told.append(float(np.percentile(np.abs(turned[:, column]), 75.0)) if len(turned) else float("nan"))
    return told


def _whole_movement(columns: FloatArray, signals: tuple[Signal, ...]) -> tuple[FloatArray, Repetitions]:
    """Return the values of `_WHOLE`, and the repetitions found in the movement's main pattern."""
    known = np.isfinite(columns).all(axis=0)
    in_degrees = np.array([signal.unit == "deg" for signal in signals for _ in signal.values])
    chosen = columns[:, known & in_degrees]
    duration_s = (len(columns) - 1) / MODEL_FPS
    if chosen.shape[1] == 0 or len(chosen) < 3:
        nothing = find_repetitions(np.empty(0), fps=MODEL_FPS)
        return np.array([duration_s] + [np.nan] * (len(_WHOLE) - 1)), nothing
    centred = chosen - chosen.mean(axis=0)
    patterns, strengths, _ = np.linalg.svd(centred, full_matrices=False)
    shares = np.square(strengths) / max(float(np.square(strengths).sum()), 1e-12)
    main = patterns[:, 0] * strengths[0]
    # A pattern's sign is arbitrary; the far end of a repetition is the one that is visited more briefly.
    main *= np.sign(np.mean(main**3)) or 1.0
    found = find_repetitions(main, fps=MODEL_FPS)
    speed = np.sqrt(np.square(np.diff(chosen, axis=0)).mean(axis=1)) * MODEL_FPS
    has_several = len(found.durations_s) > 1
    whole = [
        duration_s,
        float(found.count),
        found.cycle_frames / MODEL_FPS,
        float(found.durations_s.std() / found.durations_s.mean()) if has_several else np.nan,
        float(found.heights.std()) if has_several else np.nan,
        found.regularity,
        float((speed < STILL_SHARE * np.percentile(speed, 95.0)).mean()),
        float(shares[0]),
        float(shares[:3].sum()),
        spectral_arc_length(speed, fps=MODEL_FPS, padded_by=_PADDED_BY),
        float(np.log(strengths[1:].sum() / max(float(strengths[0]), 1e-12) + 1e-12)),
    ]
    return np.array(whole), found
