"""`backsight benchmark measures`: every measure against the truth, on virtual volunteers held out of calibration."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from backsight.benchmarks.figures import BenchmarkResult, Figure
from backsight.benchmarks.shots import FAST_FPS, plan_measuring, plan_spoilt
from backsight.domain.assessment import QualityVerdict
from backsight.domain.recording import Exercise
from backsight.domain.validation import FloatArray
from backsight.scoring.calibration import SCALED, TIMED, Calibration
from backsight.simulation.seeds import HELD_OUT_SEED

if TYPE_CHECKING:
    from backsight.benchmarks.filmed import GateVerdict, Reading
    from backsight.studio.filmed import FilmedRecording, Shot

BARRED_MODEL = "full"
MODELS = ("full", "lite")
VIEWS_EACH = 2
"""Every exercise of every volunteer is filmed from two of the four views."""
SPOILT_SHARE = 0.2
"""For five volunteers one is spoilt in every way there is."""
LEAST_COVERAGE, LARGEST_COVERAGE = 0.86, 0.94
LEAST_ACCEPTED, LEAST_CAUGHT = 0.97, 0.95
DISTANCES_M: Mapping[str, tuple[float, float]] = {
    "under 3 m": (0.0, 3.0),
    "3 to 4 m": (3.0, 4.0),
    "over 4 m": (4.0, np.inf),
}
ALL = "all"


@dataclass(frozen=True)
class Bar:
    """The largest mean absolute error that a measure may have where it can be seen."""

    measure: str
    limit: float
    views: tuple[str, ...] | None = None
    """None = all views in which it is given."""
    fps: float | None = None
    label: str = ""

    @property
    def name(self) -> str:
        """The figure's name."""
        return f"{self.measure}/{self.label}" if self.label else self.measure


BARS = (
    Bar("trunk_flexion_deg", 2.5, ("side",), label="side"),
    Bar("trunk_flexion_deg", 4.0, ("60 deg",), label="60 deg"),
    Bar("trunk_flexion_deg", 7.0, ("30 deg",), label="30 deg"),
    Bar("lateral_lean_deg", 1.5, ("front",), label="front"),
    Bar("shoulder_obliquity_deg", 1.5, ("front",), label="front"),
    Bar("pelvic_obliquity_deg", 1.5, ("front",), label="front"),
    Bar("axial_rotation_range_deg", 5.0),
    Bar("bend_duration_s", 0.10),
    Bar("jump_flight_height_cm", 3.0, fps=30.0, label="30 fps"),
    Bar("jump_flight_height_cm", 1.5, fps=FAST_FPS, label="60 fps"),
    Bar("gait_speed_m_per_s", 0.08),
    Bar("step_time_s", 0.03),
    Bar("fingertip_to_floor_cm", 4.0),
)
"""Issue 3, section Measured; lengths with the person's height given."""


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


def run_measures(
    *,
    n_subjects: int = 60,
    cohort: Path | None = None,
    models: Sequence[str] = MODELS,
    n_workers: int = 1,
    plots: Path | None = None,
    calibration: Calibration | None = None,
    on_progress: Callable[[str, int, int], None] | None = None,
) -> BenchmarkResult:
    """Film the held-out volunteers, or take them from the cache, and judge every measure.

    Parameters
    ----------
    n_subjects
        Volunteers, each filmed from `VIEWS_EACH` views in every exercise; one in five also with every kind of fault.
    cohort
        Folder where the films' landmarks are kept; what is there is not filmed again. None = the user's cache folder.
    plots
        Folder for Bland-Altman plots; None = none are drawn.
    calibration
        None = the one that ships.
    """
    subjects = range(n_subjects)
    spoilt = range(0, n_subjects, round(1 / SPOILT_SHARE))
    shots = plan_measuring(subjects, seed=HELD_OUT_SEED, views_each=VIEWS_EACH) + plan_spoilt(
        spoilt, seed=HELD_OUT_SEED
    )
    films = film(shots, folder=cohort or default_folder(), models=models, n_workers=n_workers, on_progress=on_progress)
    return judge_measures(films, models=models, plots=plots, calibration=calibration)


def default_folder() -> Path:
    """Return where the held-out volunteers' landmarks are kept on this machine."""
    from platformdirs import user_cache_path

    return user_cache_path("backsight") / "held-out"


def film(
    shots: Sequence[Shot],
    *,
    folder: Path,
    models: Sequence[str],
    n_workers: int = 1,
    on_progress: Callable[[str, int, int], None] | None = None,
) -> list[FilmedRecording]:
    """Film what is not in the folder yet, and return all of it."""
    from backsight.composition import pose_bundle
    from backsight.studio.cohort import film_cohort

    def progress(done: int, total: int) -> None:
        if on_progress is not None:
            on_progress("Filming virtual volunteers", done, total)

    bundles = {model: pose_bundle(model, on_progress=on_progress) for model in models}
    return film_cohort(shots, folder=folder, models=bundles, n_workers=n_workers, on_progress=progress)


def judge_measures(
    films: Sequence[FilmedRecording],
    *,
    models: Sequence[str] = MODELS,
    plots: Path | None = None,
    calibration: Calibration | None = None,
) -> BenchmarkResult:
    """Judge every measure and the quality gate on films of volunteers who were not calibrated on."""
    from backsight.benchmarks.filmed import judge_films, read_measures

    readings = list(read_measures(films, models=models, calibration=calibration))
    verdicts = list(judge_films(films, models=models))
    if plots is not None:
        _draw(plots, readings)
    n_people = len({film.recording.subject_id for film in films})
    return BenchmarkResult(
        name="measures",
        seeds=tuple(sorted({film.seed for film in films})),
        figures=(
            *_barred(readings),
            *(figure for model in models for figure in _coverage(readings, model)),
            *(figure for model in models for figure in _gate(verdicts, model)),
        ),
        rows=tuple(_rows(readings)),
        notes=(
            f"{n_people} virtual volunteers, {len(films)} recordings; no real person is among them.",
            "Mean absolute errors are over the recordings that got a value; the rows of --json tell how many did not.",
        ),
    )


def _barred(readings: Iterable[Reading]) -> list[Figure]:
    found = [reading for reading in readings if reading.pose_model == BARRED_MODEL and reading.has_height]
    figures = []
    for bar in BARS:
        chosen = [
            reading
            for reading in found
            if reading.measure == bar.measure
            and (bar.views is None or reading.view in bar.views)
            and (bar.fps is None or _rate(reading.fps) == _rate(bar.fps))
        ]
        summary = summarise(chosen)
        unit = chosen[0].unit if chosen else ""
        figures.append(Figure(f"{bar.name}/mean_error", summary.mean_error, unit, summary.n_given, bar=bar.limit))
    return figures


def _coverage(readings: Iterable[Reading], model: str) -> tuple[Figure, ...]:
    summary = summarise([reading for reading in readings if reading.pose_model == model])
    barred = model == BARRED_MODEL
    return (
        Figure(
            f"coverage_at_least/{model}",
            summary.coverage,
            "share",
            summary.n_given,
            bar=LEAST_COVERAGE if barred else None,
            better="higher",
        ),
        Figure(
            f"coverage_at_most/{model}",
            summary.coverage,
            "share",
            summary.n_given,
            bar=LARGEST_COVERAGE if barred else None,
        ),
    )


def _gate(verdicts: Iterable[GateVerdict], model: str) -> tuple[Figure, ...]:
    """Good recordings accepted, spoilt ones refused or flagged, together and by kind.

    Where chance put somebody else or a piece of furniture before the lens, either answer may be right: no bar.
    """
    from backsight.benchmarks.filmed import BYSTANDER, OCCLUDER

    of_model = [verdict for verdict in verdicts if verdict.pose_model == model]
    good = [verdict.verdict is not QualityVerdict.UNUSABLE for verdict in of_model if verdict.spoil is None]
    clean = [verdict.verdict is QualityVerdict.GOOD for verdict in of_model if verdict.spoil is None]
    caught: dict[str, list[bool]] = defaultdict(list)
    for verdict in of_model:
        if verdict.spoil is not None:
            caught[verdict.spoil].append(verdict.verdict is not QualityVerdict.GOOD)
    by_chance = {kind: caught.pop(kind) for kind in (BYSTANDER, OCCLUDER) if kind in caught}
    every = [item for kind in caught.values() for item in kind]
    barred = model == BARRED_MODEL
    return (
        _share(f"good_accepted/{model}", good, bar=LEAST_ACCEPTED if barred else None),
        _share(f"good_unflagged/{model}", clean),
        _share(f"spoilt_caught/{model}", every, bar=LEAST_CAUGHT if barred else None),
        *(_share(f"spoilt_caught/{model}/{kind}", items) for kind, items in sorted(caught.items())),
        *(_share(f"flagged/{model}/{kind}", items) for kind, items in by_chance.items()),
    )


def _share(name: str, items: Sequence[bool], *, bar: float | None = None) -> Figure:
    value = sum(items) / len(items) if items else float("nan")
    return Figure(name, value, "share", len(items), bar=bar, better="higher")


def _rate(fps: float) -> str:
    return "60 fps" if fps >= FAST_FPS - 1.0 else "30 fps"


def _distance(distance_m: float) -> str:
    return next(name for name, (low, high) in DISTANCES_M.items() if low <= distance_m < high)


def _rows(readings: Iterable[Reading]) -> list[dict[str, Any]]:
    """Return one row for each measure, model, scale and view; in all, by distance and, for times, by frame rate."""
    groups: dict[tuple[str, str, str, str, str, str], list[Reading]] = defaultdict(list)
    for reading in readings:
        scale = ("height given" if reading.has_height else "height not given") if reading.measure in SCALED else ALL
        distances, rates = (ALL, _distance(reading.distance_m)), (ALL,)
        places = [(distance, rate) for distance in distances for rate in rates]
        if reading.measure in TIMED:
            places.append((ALL, _rate(reading.fps)))
        for view in (ALL, reading.view):
            for distance, rate in places:
                groups[reading.measure, reading.pose_model, scale, view, distance, rate].append(reading)
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


def _rounded(value: float) -> float | None:
    return float(f"{value:.3g}") if np.isfinite(value) else None


def _draw(folder: Path, readings: Iterable[Reading]) -> None:
    """Draw one Bland-Altman page for each exercise, all views together."""
    from backsight.benchmarks.bland_altman import draw_bland_altman

    pairs: dict[Exercise, dict[str, tuple[FloatArray, FloatArray]]] = defaultdict(dict)
    units: dict[str, str] = {}
    grouped: dict[tuple[Exercise, str], list[tuple[float, float]]] = defaultdict(list)
    for reading in readings:
        if reading.pose_model == BARRED_MODEL and reading.has_height and np.isfinite(reading.value + reading.true):
            grouped[reading.exercise, reading.measure].append((reading.value, reading.true))
            units[reading.measure] = reading.unit
    for (exercise, measure), values in grouped.items():
        measured, true = np.array(values).T
        pairs[exercise][measure] = (measured, true)
    for exercise, of_exercise in pairs.items():
        draw_bland_altman(
            folder / f"measures-{exercise}.svg",
            of_exercise,
            title=f"{exercise.label}: measured against true, BlazePose {BARRED_MODEL}, all views that give a value",
            unit=units,
        )
