"""`backsight benchmark measures`: every measure against the truth, on virtual volunteers held out of calibration."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from backsight.benchmarks.figures import BenchmarkResult, Figure, Plot
from backsight.benchmarks.gate import GATE_NOTES, NEAR_M, gate_figures
from backsight.benchmarks.measures_table import (
    WITHOUT_HEIGHT,
    Z_95,
    rate_class,
    scale_of,
    summarise,
    tabulate,
    wilson_interval,
)
from backsight.benchmarks.shots import FAST_FPS, plan_measuring, plan_spoilt
from backsight.domain.recording import Exercise
from backsight.domain.validation import FloatArray
from backsight.errors import FilmingError, InvalidValueError
from backsight.scoring.calibration import Calibration
from backsight.simulation.seeds import HELD_OUT_SEED

if TYPE_CHECKING:
    from backsight.benchmarks.filmed import Reading
    from backsight.studio.filmed import FilmedRecording, Shot

BARRED_MODEL = "full"
FIRST_SUBJECT, N_SUBJECTS = 18, 60
"""Volunteers who are judged on: those before were looked at while the rules of measuring were chosen."""
FIRST_SPOILT, N_SPOILT = 100, 8
"""Volunteers who are filmed spoilt in every way there is."""
LEAST_COVERAGE, LARGEST_COVERAGE = 0.86, 0.94
"""Share of the 90 % intervals that has to hold the truth: of all together and, at least, of each measure's."""


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

    def holds_for(self, reading: Reading) -> bool:
        """Whether a reading is one that the bar is about; lengths with the person's height given."""
        return (
            reading.measure == self.measure
            and reading.has_height
            and (self.views is None or reading.view in self.views)
            and (self.fps is None or rate_class(reading.fps) == rate_class(self.fps))
        )


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
"""Issue 3, section Measured."""


def run_measures(
    *,
    n_subjects: int = N_SUBJECTS,
    first: int = FIRST_SUBJECT,
    n_spoilt: int = N_SPOILT,
    cohort: Path | None = None,
    models: Sequence[str] = (BARRED_MODEL,),
    n_workers: int = 1,
    calibration: Calibration | None = None,
    on_progress: Callable[[str, int, int], None] | None = None,
) -> BenchmarkResult:
    """Film the held-out volunteers, or take them from the cache, and judge every measure.

    Parameters
    ----------
    n_subjects, first
        How many volunteers and the first one's number; each is filmed once in every exercise, views taking turns.
    n_spoilt
        Volunteers from number `FIRST_SPOILT` on who are filmed once with every kind of fault.
    cohort
        Folder where the films' landmarks are kept; what is there is not filmed again. None = the user's cache folder.
    calibration
        None = the one that ships.

    Raises
    ------
    InvalidValueError
        When the volunteers to be measured reach into those who are filmed spoilt.
    FilmingError
        When no recording at all could be filmed; single ones that could not are named in the notes.
    """
    shots = plan_judged(n_subjects=n_subjects, first=first, n_spoilt=n_spoilt)
    failures: list[str] = []
    films = film(
        shots,
        folder=cohort or default_folder(),
        models=models,
        n_workers=n_workers,
        on_progress=on_progress,
        on_failure=lambda shot, error: failures.append(name_failure(shot, error)),
    )
    if not films:
        raise FilmingError(f"none of {len(shots)} recordings could be filmed; the first: {failures[0]}")
    return judge_measures(films, models=models, calibration=calibration, failures=failures)


def plan_judged(
    *, n_subjects: int = N_SUBJECTS, first: int = FIRST_SUBJECT, n_spoilt: int = N_SPOILT
) -> tuple[Shot, ...]:
    """Plan the recordings that are judged; parameters and errors as of `run_measures`."""
    if n_spoilt and first < FIRST_SPOILT + n_spoilt and first + n_subjects > FIRST_SPOILT:
        raise InvalidValueError(
            f"volunteers to be measured: expected none of {FIRST_SPOILT} to {FIRST_SPOILT + n_spoilt - 1}, who are "
            f"filmed spoilt, got {first} to {first + n_subjects - 1}; ask for fewer, for others with --from, or for "
            "none spoilt with --spoilt 0"
        )
    measured, spoilt = range(first, first + n_subjects), range(FIRST_SPOILT, FIRST_SPOILT + n_spoilt)
    return plan_measuring(measured, seed=HELD_OUT_SEED) + plan_spoilt(spoilt, seed=HELD_OUT_SEED)


def name_failure(shot: Shot, error: Exception) -> str:
    """Return which recording could not be filmed, and why, with its name once."""
    return f"{shot.name} ({str(error).removeprefix(f'{shot.name}: ')})"


def default_folder() -> Path:
    """Return where the held-out volunteers' landmarks are kept on this machine."""
    from platformdirs import user_cache_path

    return user_cache_path("backsight") / "cohorts" / "held-out"


def film(
    shots: Sequence[Shot],
    *,
    folder: Path,
    models: Sequence[str],
    n_workers: int = 1,
    on_progress: Callable[[str, int, int], None] | None = None,
    on_failure: Callable[[Shot, Exception], None] | None = None,
) -> list[FilmedRecording]:
    """Film what is not in the folder yet, and return all of it.

    Parameters
    ----------
    on_failure
        Called with each shot that could not be filmed and why; None = the first such error is raised at the end.
    """
    from backsight.openers import pose_bundle
    from backsight.studio.cohort import film_cohort

    def progress(done: int, total: int) -> None:
        if on_progress is not None:
            on_progress("Filming virtual volunteers", done, total)

    bundles = {model: pose_bundle(model, on_progress=on_progress) for model in models}
    return film_cohort(
        shots, folder=folder, models=bundles, n_workers=n_workers, on_progress=progress, on_failure=on_failure
    )


def judge_measures(
    films: Sequence[FilmedRecording],
    *,
    models: Sequence[str] = (BARRED_MODEL,),
    calibration: Calibration | None = None,
    failures: Sequence[str] = (),
) -> BenchmarkResult:
    """Judge every measure and the quality gate on films of volunteers who were not calibrated on.

    Parameters
    ----------
    failures
        What could not be filmed, and why, for the notes.
    """
    from backsight.benchmarks.filmed import judge_films, read_measures, read_perfectly_seen

    readings = list(read_measures(films, models=models, calibration=calibration))
    perfect = list(read_perfectly_seen(films))
    verdicts = list(judge_films(films, models=models))
    return BenchmarkResult(
        name="measures",
        seeds=tuple(sorted({film.seed for film in films})),
        figures=(
            *(figure for bar in BARS for figure in _barred(bar, readings, perfect)),
            *(figure for model in models for figure in _pooled_coverage(readings, model)),
            *_coverage_by_measure(readings),
            *(figure for model in models for figure in gate_figures(verdicts, model, barred=model == BARRED_MODEL)),
        ),
        rows=tuple(tabulate(readings)),
        notes=(*_who(films), *_NOTES, *GATE_NOTES, *_lost(failures)),
        plots=tuple(_plots(readings)),
    )


_NOTES = (
    "mean_error: mean absolute error of the recordings that got a value; given: the share that did, of all that are "
    "not spoilt on purpose and hold the truth; one that the quality gate refuses counts as not given, even where "
    f"chance put a bystander into it. to_4_m: of these, where the camera stood no further than {NEAR_M:g} m from the "
    "hips at the start; the others are filmed from up to 5 m and, where the way leads to the camera, further.",
    "perfectly_seen: the mean absolute error of the recordings that got a value if BlazePose made none, without "
    "calibration. Its n is how many of them could be measured so.",
    "always_the_average: the mean absolute error on the recordings that got a value of one number told to everybody, "
    "the median of their own true values: the best that a constant can do, as it knows the answers.",
    "held: share of the 90 % intervals that hold the truth, of each measure in all views and of all together.",
    "95 % intervals of mean errors count recordings of one person together; those of shares (Wilson) do not.",
)


def _who(films: Sequence[FilmedRecording]) -> tuple[str, ...]:
    good, spoilt = (
        [film for film in films if (film.shot.spoil is not None) is is_spoilt] for is_spoilt in (False, True)
    )
    return (
        f"{_people(good)}, {len(good)} recordings; {len(spoilt)} more, of {_people(spoilt)}, are spoilt on purpose. "
        "No real person is among them.",
    )


def _people(films: Sequence[FilmedRecording]) -> str:
    numbers = sorted({film.number for film in films})
    which = f" (numbers {numbers[0]} to {numbers[-1]})" if numbers else ""
    return f"{len(numbers)} virtual volunteers{which}"


def _lost(failures: Sequence[str]) -> tuple[str, ...]:
    if not failures:
        return ()
    return (f"{len(failures)} recordings could not be filmed and are left out: {'; '.join(failures)}.",)


def _barred(bar: Bar, readings: Iterable[Reading], perfect: Iterable[Reading]) -> list[Figure]:
    """Return a bar's error at all distances and near, what was given, and the errors of perfect sight and of none.

    Nothing where no recording is one that the bar is about, so that a run without them misses no bar.
    """
    chosen = [item for item in readings if item.pose_model == BARRED_MODEL and bar.holds_for(item)]
    if not any(np.isfinite(item.true) for item in chosen):
        return []
    unit, figures = chosen[0].unit, []
    for place, found in (("", chosen), ("/to_4_m", [item for item in chosen if item.distance_m <= NEAR_M])):
        summary = summarise(found)
        reach = Z_95 * summary.standard_error
        figures.append(
            Figure(
                f"{bar.name}/mean_error{place}",
                summary.mean_error,
                unit,
                summary.n_given,
                bar=bar.limit if summary.n else None,
                interval=(max(0.0, summary.mean_error - reach), summary.mean_error + reach)
                if np.isfinite(reach)
                else None,
            )
        )
        figures.append(Figure(f"{bar.name}/given{place}", summary.given, "share", summary.n, better="higher"))
    whole = summarise(chosen)
    given = {item.shot_name for item in chosen if item.is_given}
    off = np.array([item.raw - item.true for item in perfect if bar.holds_for(item) and item.shot_name in given])
    off = off[np.isfinite(off)]
    error = float(np.abs(off).mean()) if off.size else float("nan")
    return [
        *figures,
        Figure(f"{bar.name}/perfectly_seen", error, unit, off.size),
        Figure(f"{bar.name}/always_the_average", whole.constant_error, unit, whole.n_given),
    ]


def _pooled_coverage(readings: Iterable[Reading], model: str) -> tuple[Figure, ...]:
    summary = summarise([reading for reading in readings if reading.pose_model == model])
    least, largest = (LEAST_COVERAGE, LARGEST_COVERAGE) if model == BARRED_MODEL else (None, None)
    n, interval = summary.n_given, wilson_interval(summary.n_held, summary.n_given)
    return (
        Figure(f"held_at_least/{model}", summary.coverage, "share", n, bar=least, better="higher", interval=interval),
        Figure(f"held_at_most/{model}", summary.coverage, "share", n, bar=largest, interval=interval),
    )


def _coverage_by_measure(readings: Iterable[Reading]) -> Iterable[Figure]:
    """Yield each measure's coverage and the share of recordings that got a value, for the barred model."""
    groups: dict[str, list[Reading]] = defaultdict(list)
    for reading in readings:
        if reading.pose_model == BARRED_MODEL:
            suffix = "/no_height" if scale_of(reading) == WITHOUT_HEIGHT else ""
            groups[f"{reading.measure}{suffix}"].append(reading)
    for name, chosen in groups.items():
        summary = summarise(chosen)
        yield Figure(
            f"{name}/held",
            summary.coverage,
            "share",
            summary.n_given,
            # Where no interval was given none promises too much.
            bar=LEAST_COVERAGE if summary.n_given else None,
            better="higher",
            interval=wilson_interval(summary.n_held, summary.n_given),
        )
        yield Figure(f"{name}/given", summary.given, "share", summary.n, better="higher")


def _plots(readings: Iterable[Reading]) -> Iterable[Plot]:
    """Yield a Bland-Altman page for each exercise, all views together."""
    grouped: dict[Exercise, dict[str, list[tuple[float, float]]]] = defaultdict(lambda: defaultdict(list))
    units: dict[str, str] = {}
    for reading in readings:
        if reading.pose_model == BARRED_MODEL and reading.has_height and np.isfinite(reading.value + reading.true):
            grouped[reading.exercise][reading.measure].append((reading.value, reading.true))
            units[reading.measure] = reading.unit
    for exercise, measures in grouped.items():
        panels: dict[str, tuple[FloatArray, FloatArray]] = {}
        for measure, pairs in measures.items():
            measured, true = np.array(pairs).T
            panels[measure] = (measured, true)
        yield Plot(
            name=f"measures-{exercise}",
            title=f"{exercise.label}: measured against true, BlazePose {BARRED_MODEL}, all views that give a value",
            panels=panels,
            units={measure: units[measure] for measure in panels},
        )
