"""Turn an assessed exercise into curves over time, for the page's script and as drawn paths. Knows nothing of pages.

Time runs from 0 at the first frame of the analysed part, as it does in the overlay video.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from backsight.domain.assessment import RED_FLAG_ABOVE, ExerciseAssessment
from backsight.domain.recording import Exercise
from backsight.domain.validation import FloatArray
from backsight.kinematics.angles import body_frame
from backsight.kinematics.view import FRONT_WITHIN_DEG, SIDE_BEYOND_DEG, find_view
from backsight.reporting.wording import format_number
from backsight.scoring.walk_trunk import FACING_CAMERA_WITHIN_DEG

MAX_POINTS = 900
"""More points than this would not be seen; longer curves keep every n-th."""

MAX_DRAWN_POINTS = 400
"""Points of the drawn path, which serves print and pages without script."""

MIN_SPAN = 20.0
"""Axes in degrees or per cent span at least this, so that jitter of one does not look like movement."""

DRAWING_WIDTH, DRAWING_HEIGHT = 1000, 100
"""Size of the drawing that `Plot.path` lives in; the page stretches it."""


@dataclass(frozen=True)
class _AngleColumn:
    column: str
    title: str
    meaning: str
    readable_off_front_deg: tuple[float, float]
    """Angles between the person's facing line and the line of sight in which one camera reads this well."""


_FRONTAL = (0.0, FRONT_WITHIN_DEG)
_ANGLES = (
    _AngleColumn("trunk_flexion_deg", "Trunk flexion", "forward is positive", (SIDE_BEYOND_DEG, 90.0)),
    _AngleColumn("trunk_lateral_lean_deg", "Lateral lean", "to the person’s right is positive", _FRONTAL),
    _AngleColumn(
        "axial_rotation_deg",
        "Axial rotation",
        "shoulders against pelvis, to the right is positive",
        (0.0, FACING_CAMERA_WITHIN_DEG),
    ),
    _AngleColumn("shoulder_obliquity_deg", "Shoulder obliquity", "right shoulder higher is positive", _FRONTAL),
)
"""Feature columns worth a curve, in the order shown; those that the features do not hold are left out."""

_TRAVELS = {
    Exercise.WALK: (
        "step_separation_bh",
        "Left foot ahead of the right",
        "in per cent of body height; its turns are the steps",
    ),
    Exercise.JUMP: (
        "mid_hip_travel_vertical_bh",
        "Height of the hips",
        "in per cent of body height, 0 = where they mostly are",
    ),
}
"""The curve in which an exercise's events are seen: feature column in body heights, title, meaning."""


@dataclass(frozen=True, eq=False)
class Plot:
    """One curve over time."""

    key: str
    title: str
    meaning: str
    unit: str
    """Shown after a value; empty for the index."""
    times_s: FloatArray
    """Shape (n_points,)."""
    values: FloatArray
    """Shape (n_points,); NaN = missing, drawn as a gap."""
    low: float
    """Lower end of the axis."""
    high: float
    """Upper end of the axis."""
    n_decimals: int
    threshold: float | None = None
    """A value with a line of its own."""

    def as_json(self) -> dict[str, object]:
        """Return what the page's script needs besides the times; missing = null."""
        return {
            "key": self.key,
            "unit": self.unit,
            "decimals": self.n_decimals,
            "range": [self.low, self.high],
            "threshold": self.threshold,
            "values": [
                None if np.isnan(value) else round(value, self.n_decimals + 1) for value in self.values.tolist()
            ],
        }

    def path(self, *, duration_s: float) -> str:
        """Return the curve as an SVG path in a drawing of `DRAWING_WIDTH` x `DRAWING_HEIGHT`, gaps left open."""
        step = -(-len(self.values) // MAX_DRAWN_POINTS)
        times, values = self.times_s[::step], self.values[::step]
        x = times / max(duration_s, 1e-9) * DRAWING_WIDTH
        y = (self.high - values) / (self.high - self.low) * DRAWING_HEIGHT
        parts, pen_is_down = [], False
        for x_now, y_now in zip(x.tolist(), y.tolist(), strict=True):
            if np.isnan(y_now):
                pen_is_down = False
                continue
            parts.append(f"{'L' if pen_is_down else 'M'}{x_now:.1f} {y_now:.1f}")
            pen_is_down = True
        return "".join(parts)

    def level(self, value: float) -> float:
        """Return the height of a value in the drawing, from its top."""
        return (self.high - value) / (self.high - self.low) * DRAWING_HEIGHT

    @property
    def axis(self) -> tuple[str, str]:
        """The lower and the upper end of the axis as they are written beside it; both are whole numbers."""
        return format_number(self.low, n_decimals=0) + self.unit, format_number(self.high, n_decimals=0) + self.unit

    @property
    def summary(self) -> str:
        """The curve in words, for readers who cannot see it."""
        known = self.values[np.isfinite(self.values)]
        if not len(known):
            return f"{self.title}: not measured"
        low, high = (
            format_number(float(value), n_decimals=self.n_decimals) + self.unit for value in (known.min(), known.max())
        )
        return f"{self.title}: from {low} to {high}"


def make_plots(part: ExerciseAssessment) -> tuple[Plot, ...]:
    """Return the running index, when there is one, how hips or feet travel, and the trunk's angles."""
    start_s = float(part.pose.timestamps_s[0])
    plots = []
    # A model that reads whole movements has one value, at the end: no curve.
    if part.curve is not None and len(part.curve.timestamps_s) > 1:
        times_s, values = _thinned(part.curve.timestamps_s - start_s, part.curve.index)
        meaning = f"as it builds up; red flag above {RED_FLAG_ABOVE}"
        plots.append(
            Plot("index", "Spinal health index", meaning, "", times_s, values, 0.0, 1.0, 2, threshold=RED_FLAG_ABOVE)
        )
    if part.exercise in _TRAVELS and _TRAVELS[part.exercise][0] in part.features.names:
        column, title, meaning = _TRAVELS[part.exercise]
        times_s, values = _thinned(part.features.timestamps_s - start_s, 100.0 * part.features.column(column))
        plots.append(Plot(column, title, meaning, " %", times_s, values, *_whole_tens(values), n_decimals=0))
    off_front_deg = find_view(body_frame(part.pose.world_m)).off_front_deg
    for angle in _ANGLES:
        if angle.column in part.features.names:
            # The curve still shows when something moves, so it stays; how far it moves is a guess, so that is said.
            low_deg, high_deg = angle.readable_off_front_deg
            hint = "" if low_deg <= off_front_deg <= high_deg else "; a rough guess from this side"
            times_s, values = _thinned(part.features.timestamps_s - start_s, part.features.column(angle.column))
            low, high = _whole_tens(values)
            plots.append(Plot(angle.column, angle.title, angle.meaning + hint, "°", times_s, values, low, high, 1))
    return tuple(plots)


def plots_as_json(plots: Sequence[Plot]) -> dict[str, object]:
    """Return all curves for the page's script; curves on the same times share one list of them, their `clock`."""
    clocks: list[list[float]] = []
    curves = []
    for plot in plots:
        times = np.round(plot.times_s, 3).tolist()
        if times not in clocks:
            clocks.append(times)
        curves.append({**plot.as_json(), "clock": clocks.index(times)})
    return {"clocks": clocks, "plots": curves}


def _thinned(times_s: FloatArray, values: FloatArray) -> tuple[FloatArray, FloatArray]:
    step = max(1, -(-len(values) // MAX_POINTS))
    return times_s[::step], np.asarray(values)[::step]


def _whole_tens(values: FloatArray) -> tuple[float, float]:
    """Return axis ends in whole tens that hold all values, at least `MIN_SPAN` apart."""
    known = values[np.isfinite(values)]
    if not len(known):
        return -0.5 * MIN_SPAN, 0.5 * MIN_SPAN
    low, high = float(np.floor(known.min() / 10) * 10), float(np.ceil(known.max() / 10) * 10)
    while high - low < MIN_SPAN:
        low, high = (low - 10, high) if known.min() - low < high - known.max() else (low, high + 10)
    return low, high
