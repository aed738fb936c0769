"""How each measure fared by pose model, scale, view, distance and frame rate: as rows, and as text for a terminal."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from backsight.benchmarks.shots import FAST_FPS, VIEWS
from backsight.domain.validation import FloatArray
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
Z_95 = 1.96
"""Standard deviations on either side that hold 95 % of a normal distribution."""
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
    standard_error: float
    """Of the mean absolute error, recordings of one person counting together; NaN for fewer than two people."""
    constant_error: float
    """Mean absolute error that the best constant, the median of the same recordings' true values, would have made."""

    @property
    def n_held(self) -> int:
        """How many intervals hold the truth."""
        return round(self.coverage * self.n_given) if self.n_given else 0

    @property
    def given(self) -> float:
        """Share of the recordings that got a value; NaN where none holds the truth."""
        return self.n_given / self.n if self.n else float("nan")


def summarise(readings: Sequence[Reading]) -> Summary:
    """Return how the readings of one measure fared; NaN where none was given."""
    n = sum(bool(np.isfinite(reading.true)) for reading in readings)
    given = [reading for reading in readings if reading.is_given]
    if not given:
        return Summary(n, 0, *(float("nan"),) * 6)
    true, value, error = (np.array([getattr(item, name) for item in given]) for name in ("true", "value", "error"))
    off = value - true
    return Summary(
        n=n,
        n_given=len(given),
        mean_error=float(np.abs(off).mean()),
        bias=float(off.mean()),
        coverage=float((np.abs(off) <= error).mean()),
        half_width=float(np.median(error)),
        standard_error=_standard_error(np.abs(off), np.array([item.person for item in given])),
        constant_error=float(np.abs(true - np.median(true)).mean()),
    )


def _standard_error(values: FloatArray, people: NDArray[np.str_]) -> float:
    """Return the mean's standard error where values of one person go together; both of shape (n,)."""
    n_people = len(names := np.unique(people))
    if n_people < 2:
        return float("nan")
    sums = np.array([(values[people == name] - values.mean()).sum() for name in names])
    return float(np.sqrt((sums**2).sum() * n_people / (n_people - 1)) / len(values))


def wilson_interval(n_hits: int, n: int) -> tuple[float, float] | None:
    """Return the 95 % interval of a share (Wilson 1927, doi:10.1080/01621459.1927.10502953); None for none at all."""
    if n == 0:
        return None
    share, z2 = n_hits / n, Z_95**2
    middle = (share + z2 / (2 * n)) / (1 + z2 / n)
    half = Z_95 * np.sqrt(share * (1 - share) / n + z2 / (4 * n**2)) / (1 + z2 / n)
    return float(middle - half), float(middle + half)


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
        "* the person's height is not given. given: recordings with a value, of all that hold the",
        "truth, refused ones too. held: share of the 90 % intervals that hold it. -: no value was given.",
        "",
    ]


def _short(value: float | None) -> str:
    return _UNKNOWN if value is None else f"{value:.2g}"


def _distance(distance_m: float) -> str:
    return next(name for name, (low, high) in DISTANCES_M.items() if low <= distance_m < high)


def _rounded(value: float) -> float | None:
    return float(f"{value:.3g}") if np.isfinite(value) else None
