"""How each measure fared by pose model, scale, view, distance and frame rate: as rows, and as text for a terminal."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from backsight.benchmarks.shots import FAST_FPS, VIEWS
from backsight.scoring.calibration import SCALED, TIMED

if TYPE_CHECKING:
    from backsight.benchmarks.filmed import Reading

DISTANCES_M: Mapping[str, tuple[float, float]] = {
    "under 3 m": (0.0, 3.0),
    "3 to 4 m": (3.0, 4.0),
    "over 4 m": (4.0, np.inf),
}
ALL = "all"
WITH_HEIGHT, WITHOUT_HEIGHT = "height given", "height not given"
_UNKNOWN = "-"


@dataclass(frozen=True)
class Summary:
    """How a measure fared on some recordings."""

    n: int
    """Recordings that hold the measure's truth."""
    n_given: int
    """Of these, how many got a value with an interval."""
    mean_error: float
    """Mean absolute error."""
    bias: float
    coverage: float
    """Share of the intervals that hold the truth."""
    half_width: float
    """Median half width of the intervals."""

    @property
    def given(self) -> float:
        """Share of the recordings that got a value; NaN where none holds the truth."""
        return self.n_given / self.n if self.n else float("nan")


def summarise(readings: Sequence[Reading]) -> Summary:
    """Return how the readings of one measure fared; NaN where none was given."""
    true, value, error = (
        np.array([getattr(reading, name) for reading in readings], dtype=np.float64)
        for name in ("true", "value", "error")
    )
    there = np.isfinite(true)
    given = there & np.isfinite(value) & np.isfinite(error)
    if not given.any():
        return Summary(int(there.sum()), 0, *(float("nan"),) * 4)
    off = (value - true)[given]
    return Summary(
        n=int(there.sum()),
        n_given=int(given.sum()),
        mean_error=float(np.abs(off).mean()),
        bias=float(off.mean()),
        coverage=float((np.abs(off) <= error[given]).mean()),
        half_width=float(np.median(error[given])),
    )


def rate_class(fps: float) -> str:
    """Return whether a recording counts as one of 30 or of 60 frames a second."""
    return "60 fps" if fps >= FAST_FPS - 1.0 else "30 fps"


def scale_of(reading: Reading) -> str:
    """Return whether a length was read with the person's height; `ALL` for what does not depend on it."""
    if reading.measure not in SCALED:
        return ALL
    return WITH_HEIGHT if reading.has_height else WITHOUT_HEIGHT


def tabulate(readings: Iterable[Reading]) -> list[dict[str, Any]]:
    """Return one row for each measure, model, scale and view; in all, by distance and, for times, by frame rate."""
    groups: dict[tuple[str, str, str, str, str, str], list[Reading]] = defaultdict(list)
    for reading in readings:
        places = [(ALL, ALL), (_distance(reading.distance_m), ALL)]
        if reading.measure in TIMED:
            places.append((ALL, rate_class(reading.fps)))
        for view in (ALL, reading.view):
            for distance, rate in places:
                groups[reading.measure, reading.pose_model, scale_of(reading), view, distance, rate].append(reading)
    rows = []
    for (measure, model, scale, view, distance, rate), chosen in groups.items():
        summary = summarise(chosen)
        rows.append(
            {
                "measure": measure,
                "unit": chosen[0].unit,
                "pose_model": model,
                "scale": scale,
                "view": view,
                "distance": distance,
                "frame_rate": rate,
                "n": summary.n,
                "n_given": summary.n_given,
                "mean_error": _rounded(summary.mean_error),
                "bias": _rounded(summary.bias),
                "coverage": _rounded(summary.coverage),
                "half_width": _rounded(summary.half_width),
            }
        )
    return rows


def table_lines(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return a table for each pose model as lines of fewer than 100 columns."""
    models = dict.fromkeys(row["pose_model"] for row in rows)
    return [
        line for model in models for line in _model_lines([row for row in rows if row["pose_model"] == model], model)
    ]


def _model_lines(rows: Sequence[Mapping[str, Any]], model: str) -> list[str]:
    views, distances = [name for name, _, _ in VIEWS], list(DISTANCES_M)
    found = {(row["measure"], row["scale"], row["view"], row["distance"], row["frame_rate"]): row for row in rows}
    heads = [*views, "< 3 m", "3-4 m", "> 4 m"]
    lines = [
        f"BlazePose {model}: mean absolute error by view and by distance, in the unit in the name",
        f"{'':31}" + "".join(f"{head:>7}" for head in heads) + f"{'given':>9}{'held':>6}",
    ]
    for measure, scale in dict.fromkeys((row["measure"], row["scale"]) for row in rows):
        cells = [found.get((measure, scale, view, ALL, ALL)) for view in views]
        cells += [found.get((measure, scale, ALL, distance, ALL)) for distance in distances]
        whole = found[measure, scale, ALL, ALL, ALL]
        held = _UNKNOWN if whole["coverage"] is None else f"{whole['coverage']:.0%}"
        lines.append(
            f"{measure + ('*' if scale == WITHOUT_HEIGHT else ''):31}"
            + "".join(f"{_UNKNOWN if cell is None else _short(cell['mean_error']):>7}" for cell in cells)
            + f"{whole['n_given']:>5}/{whole['n']:<3}{held:>6}"
        )
    return [
        *lines,
        "* the person's height is not given. given: recordings with a value, of those that hold the",
        "truth. held: share of the 90 % intervals that hold the truth. -: no value was given.",
        "",
    ]


def _short(value: float | None) -> str:
    return _UNKNOWN if value is None else f"{value:.2g}"


def _distance(distance_m: float) -> str:
    return next(name for name, (low, high) in DISTANCES_M.items() if low <= distance_m < high)


def _rounded(value: float) -> float | None:
    return float(f"{value:.3g}") if np.isfinite(value) else None
