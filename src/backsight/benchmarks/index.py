"""`backsight benchmark index`: a model's index against the truth of held-out volunteers, as BlazePose saw them.

Beside it: the same by view, distance and light, what a person's own rating is off by, the index from landmarks
without error, which neither renderer nor BlazePose came between, and a guess by somebody who knows every mark that the
dysfunction leaves.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from backsight.benchmarks.figures import BenchmarkResult, Figure
from backsight.benchmarks.shots import plan_measuring
from backsight.domain.assessment import RED_FLAG_ABOVE
from backsight.domain.movement import Movement
from backsight.domain.recording import Exercise
from backsight.domain.study import RATING_SCALE
from backsight.domain.validation import FloatArray
from backsight.errors import InputError
from backsight.evaluation.metrics import Estimate, area_under_roc, estimate, mean_absolute_error, spearman
from backsight.pose.quality_person import FOUND_USABLE
from backsight.simulation.seeds import HELD_OUT_SEED

if TYPE_CHECKING:
    from backsight.domain.assessment import ModelCard
    from backsight.domain.sequences import PoseSequence
    from backsight.ports import IndexPredictor
    from backsight.studio.filmed import FilmedRecording

SESSION = "session"
FAR_BEYOND_M = 4.0
"""BlazePose's model card: further away is not what it was made for."""
NEAR_WITHIN_M = 3.0
DIM_BELOW, BRIGHT_ABOVE = 90.0, 125.0
"""Mean luma, 0 to 255: about the quarters of the virtual rooms."""
FEWEST_RECORDINGS = 20
"""With fewer a group's figures say next to nothing, and the notes name it."""
FEWEST_OF_A_KIND = 5
"""People with and without a red flag for an area under the curve; with fewer there is none."""
N_DRAWS = 1000


@dataclass(frozen=True)
class IndexReading:
    """One index of one recording, or of a person's recordings together."""

    person: str
    group: str
    """The exercise, or `SESSION`."""
    true: float
    """The dysfunction that the person was made with, 0 to 1."""
    index: float
    rated: float = float("nan")
    """The person's rating as an index."""
    ideal: float = float("nan")
    """Index from landmarks without error; NaN = not asked for."""
    conditions: Mapping[str, str] = field(default_factory=dict)
    """View, distance and light of the recording; empty for sessions."""


def run_index(
    *,
    model: str | Path | None = None,
    n_subjects: int = 60,
    first: int = 18,
    cohort: Path | None = None,
    pose_model: str = "full",
    n_workers: int = 1,
    learning_curve: bool = False,
    on_progress: Callable[[str, int, int], None] | None = None,
) -> BenchmarkResult:
    """Film the held-out volunteers, or take them from the cache, and judge a model's index on them.

    Parameters
    ----------
    model
        A checkpoint; None = the one that ships.
    n_subjects, first
        How many volunteers, and the first one's number.
    cohort
        Folder where the films' landmarks are kept; None = the user's cache folder.
    learning_curve
        Whether to judge the model that ships also as it is when it has learnt from fewer people.

    Raises
    ------
    InputError
        When the learning curve is asked for of another model.
    """
    if learning_curve and model is not None:
        raise InputError("--learning-curve: goes with the model that ships, which is fitted anew; leave --model out")
    from backsight.benchmarks.measures import default_folder, film
    from backsight.datasets.virtual import landmarks_without_error
    from backsight.openers import DEFAULT_MODEL, index_predictor

    predictor = index_predictor(DEFAULT_MODEL if model is None else model)
    films = film(
        plan_measuring(range(first, first + n_subjects), seed=HELD_OUT_SEED),
        folder=cohort or default_folder(),
        models=(pose_model,),
        n_workers=n_workers,
        on_progress=on_progress,
    )
    result = judge_index(
        films,
        predictor=predictor,
        pose_model=pose_model,
        without_error=lambda one: landmarks_without_error(one.shot),
        knows_habits=True,
        on_progress=on_progress,
    )
    if not learning_curve:
        return result
    from backsight.benchmarks.shipped_curve import with_curve

    return with_curve(result, films, pose_model=pose_model, on_progress=on_progress)


def judge_index(
    films: Sequence[FilmedRecording],
    *,
    predictor: IndexPredictor,
    pose_model: str,
    without_error: Callable[[FilmedRecording], PoseSequence] | None = None,
    knows_habits: bool = False,
    on_progress: Callable[[str, int, int], None] | None = None,
    n_draws: int = N_DRAWS,
) -> BenchmarkResult:
    """Set an index beside the truth and beside what giving everybody the same index would be off by.

    Parameters
    ----------
    without_error
        Gives the landmarks of a film as they were before the camera; None = the drop is not measured.
    knows_habits
        Whether somebody guesses, too, who knows what these people were made with.
    n_draws
        Of the bootstrap over people.
    """
    readings = []
    for n_done, one in enumerate(films):
        if on_progress is not None:
            on_progress("Judging", n_done, len(films))
        readings += _read(one, predictor=predictor, pose_model=pose_model, without_error=without_error)
    sessions = _sessions(readings, predictor.card)
    of_exercise: dict[str, list[IndexReading]] = defaultdict(list)
    of_condition: dict[str, list[IndexReading]] = defaultdict(list)
    for reading in readings:
        of_exercise[reading.group].append(reading)
        for kind, name in reading.conditions.items():
            of_condition[f"{kind}: {name}"].append(reading)
    figures: list[Figure] = []
    rows = []
    for group, found in (*of_exercise.items(), (SESSION, sessions)):
        told = _figures(group, found, _half_width(group, predictor.card), n_draws=n_draws)
        figures += told
        rows.append(row_of("exercise" if group != SESSION else SESSION, group, found, told))
    for group, found in _from_habits(sessions, films).items() if knows_habits else ():
        told = error_figures(group, found, n_draws=n_draws)
        figures += told
        rows.append(row_of("habits", group, found, told))
    for group in sorted(of_condition):
        told = error_figures(group, of_condition[group], n_draws=n_draws)
        figures += told
        rows.append(row_of(group.partition(":")[0], group, of_condition[group], told))
    return BenchmarkResult(
        name="index",
        seeds=(HELD_OUT_SEED,),
        figures=tuple(figures),
        rows=tuple(rows),
        notes=_notes(readings, of_condition, predictor.card, pose_model),
    )


def _read(
    film: FilmedRecording,
    *,
    predictor: IndexPredictor,
    pose_model: str,
    without_error: Callable[[FilmedRecording], PoseSequence] | None,
) -> list[IndexReading]:
    track = film.tracks[pose_model]
    if track.pose.has_person.mean() < FOUND_USABLE:
        return []
    ideal = float("nan")
    if without_error is not None:
        ideal = predictor.judge(_movement(film, without_error(film), pose_model)).curve.final
    rating = film.recording.rating
    return [
        IndexReading(
            person=film.recording.subject_id,
            group=film.shot.exercise.value,
            true=film.index,
            index=predictor.judge(_movement(film, track.pose, pose_model)).curve.final,
            rated=float("nan") if rating is None else RATING_SCALE.to_index(rating),
            ideal=ideal,
            conditions=conditions_of(
                yaw_deg=film.view_yaw_deg, distance_m=film.distance_m, brightness=track.images.brightness
            ),
        )
    ]


def conditions_of(*, yaw_deg: float, distance_m: float, brightness: FloatArray) -> dict[str, str]:
    """Return the view, distance and light of a recording in words; light is left out where no picture was looked at."""
    from backsight.datasets.virtual import name_view

    told = {"view": name_view(yaw_deg)}
    if distance_m > FAR_BEYOND_M:
        told["distance"] = f"over {FAR_BEYOND_M:g} m"
    else:
        near = distance_m <= NEAR_WITHIN_M
        told["distance"] = f"up to {NEAR_WITHIN_M:g} m" if near else f"{NEAR_WITHIN_M:g} to {FAR_BEYOND_M:g} m"
    if len(brightness):
        luma = float(np.mean(brightness))
        told["light"] = "dim" if luma < DIM_BELOW else "bright" if luma > BRIGHT_ABOVE else "between"
    return told


def _movement(film: FilmedRecording, pose: PoseSequence, pose_model: str) -> Movement:
    from backsight.pipeline import prepare, while_present
    from backsight.scoring.measure import measure_exercise

    prepared = prepare(pose)
    measured = measure_exercise(prepared.filtered, exercise=film.shot.exercise, pose_model=pose_model)
    return Movement(film.shot.exercise, while_present(prepared.filtered), prepared.features, measured)


def _sessions(readings: Sequence[IndexReading], card: ModelCard) -> list[IndexReading]:
    """Return each person's mean, as an assessment of several exercises takes it."""
    of_person: dict[str, list[IndexReading]] = defaultdict(list)
    for reading in readings:
        of_person[reading.person].append(reading)

    def pooled(found: Sequence[IndexReading], values: Sequence[float]) -> float:
        return float(np.average(values, weights=[card.weight_of(Exercise(item.group)) for item in found]))

    return [
        IndexReading(
            person,
            SESSION,
            found[0].true,
            pooled(found, [item.index for item in found]),
            rated=float(np.mean([item.rated for item in found])),
            ideal=pooled(found, [item.ideal for item in found]),
        )
        for person, found in of_person.items()
    ]


def _from_habits(sessions: Sequence[IndexReading], films: Sequence[FilmedRecording]) -> dict[str, list[IndexReading]]:
    """Return the same people, told from what they were made with."""
    from backsight.benchmarks.known_marks import guesses_at
    from backsight.simulation.cohort import simulate_volunteer

    filmed = {one.recording.subject_id: one for one in films}
    shown = [filmed[one.person] for one in sessions]
    people = [simulate_volunteer(one.shot.subject_index, seed=one.seed) for one in shown]
    return {
        group: [
            IndexReading(one.person, group, one.true, index)
            for one, index in zip(sessions, guessed.tolist(), strict=True)
        ]
        for group, guessed in guesses_at(people, seed=HELD_OUT_SEED).items()
    }


def _half_width(group: str, card: ModelCard) -> float:
    return card.half_width_of(tuple(Exercise) if group == SESSION else (Exercise(group),))


@dataclass(frozen=True)
class _Columns:
    """Readings as arrays of shape (n,)."""

    person: list[str]
    true: FloatArray
    index: FloatArray
    rated: FloatArray
    ideal: FloatArray
    n_draws: int

    @classmethod
    def of(cls, found: Sequence[IndexReading], *, n_draws: int) -> _Columns:
        return cls(
            person=[item.person for item in found],
            **{name: np.array([getattr(item, name) for item in found]) for name in ("true", "index", "rated", "ideal")},
            n_draws=n_draws,
        )

    def estimate(self, figure: Callable[..., float], *columns: FloatArray) -> Estimate:
        """Return a figure with its interval over people."""
        n = len(self.person)
        return estimate(
            figure,
            *columns,
            subject=np.array(self.person),
            seed=np.zeros(n, dtype=np.intp),
            n_draws=self.n_draws,
        )

    def flags_told_apart(self) -> Estimate:
        """Return the area under the curve of red flags, NaN with too few people of either kind."""
        flagged = {who for who, true in zip(self.person, self.true, strict=True) if true > RED_FLAG_ABOVE}
        if min(len(flagged), len(set(self.person)) - len(flagged)) < FEWEST_OF_A_KIND:
            return Estimate(float("nan"), float("nan"), float("nan"))
        return self.estimate(_ranks_flags, self.index, self.true)


def error_figures(group: str, found: Sequence[IndexReading], *, n_draws: int) -> tuple[Figure, ...]:
    """Return how far indices are off and how well they tell red flags apart; intervals over people."""
    columns = _Columns.of(found, n_draws=n_draws)
    error = columns.estimate(mean_absolute_error, columns.index, columns.true)
    return (
        _figure(f"{group}/mean_error", error, "index", len(found)),
        _figure(f"{group}/red_flag_auc", columns.flags_told_apart(), "area", len(found), better="higher"),
    )


def _figures(group: str, found: Sequence[IndexReading], half_width: float, *, n_draws: int) -> tuple[Figure, ...]:
    columns = _Columns.of(found, n_draws=n_draws)
    true, index, rated, ideal, n = columns.true, columns.index, columns.rated, columns.ideal, len(found)
    off = np.abs(index - true)
    told = [
        *error_figures(group, found, n_draws=n_draws),
        _figure(f"{group}/rank_correlation", columns.estimate(spearman, true, index), "rho", n, better="higher"),
        Figure(f"{group}/same_for_all", float(np.abs(true - np.median(true)).mean()), "index", n),
        Figure(f"{group}/held", float((off <= half_width).mean()), "share", n, better="higher"),
    ]
    if np.isfinite(rated).all():
        told.append(_figure(f"{group}/rating_noise", columns.estimate(mean_absolute_error, rated, true), "index", n))
    if np.isfinite(ideal).all():
        lost = off - np.abs(ideal - true)
        told += [
            _figure(f"{group}/mean_error_ideal", columns.estimate(mean_absolute_error, ideal, true), "index", n),
            _figure(f"{group}/lost_to_rendering", columns.estimate(_mean, lost), "index", n),
        ]
    return tuple(told)


def _figure(name: str, found: Estimate, unit: str, n: int, *, better: Literal["lower", "higher"] = "lower") -> Figure:
    interval = (found.low, found.high) if np.isfinite([found.low, found.high]).all() else None
    return Figure(name, found.value, unit, n, better=better, interval=interval)


def row_of(kind: str, group: str, found: Sequence[IndexReading], told: Sequence[Figure]) -> dict[str, Any]:
    """Return a group's figures by name, for the JSON file and the docs."""
    people = {item.person: item.true > RED_FLAG_ABOVE for item in found}
    return {
        "kind": kind,
        "group": group,
        "recordings": len(found),
        "people": len(people),
        "red_flags": sum(people.values()),
        **{
            one.name.rpartition("/")[2]: {
                "value": one.value if np.isfinite(one.value) else None,
                **({} if one.interval is None else {"low": one.interval[0], "high": one.interval[1]}),
            }
            for one in told
        },
    }


def _notes(
    readings: Sequence[IndexReading],
    of_condition: Mapping[str, Sequence[IndexReading]],
    card: ModelCard,
    pose_model: str,
) -> tuple[str, ...]:
    people = {item.person: item.true for item in readings}
    flagged = sum(true > RED_FLAG_ABOVE for true in people.values())
    few = [f"{name} ({len(found)})" for name, found in sorted(of_condition.items()) if len(found) < FEWEST_RECORDINGS]
    return (
        f"{card.headline} Model `{card.name}`, BlazePose {pose_model}; {len(people)} virtual volunteers, drawn and "
        f"filmed, {flagged} of them with a red flag; no real person is among them.",
        "mean_error: mean absolute error against the dysfunction that a person was made with. same_for_all: the "
        "same if everybody got these people's own median, which needs no camera. held: share of the model card's "
        "90 % intervals, meant for a person's own rating, that hold it. rating_noise: the error of the person's own "
        "ratings, the floor of what can be learnt from them. red_flag_auc: probability that a person with a red flag "
        f"gets the higher index; none with fewer than {FEWEST_OF_A_KIND} people of either kind. mean_error_ideal: from "
        "the same movements as landmarks without error; lost_to_rendering: what drawing, filming and BlazePose add to "
        "the error, below 0 where they do not.",
        "every habit known: the least that somebody would be off by who sees no film, but is told each habit that "
        "these people were made with (how far they bend, how they lean, how fast they walk for their age) and knows "
        "how the simulation draws them: the median of what their dysfunction may then be. every habit and halt known: "
        "the same, told too how haltingly they bend, drawn anew for these people; dysfunction leaves no other mark "
        "here. red_flag_auc of both is by these medians.",
        "Views, distances and lights are of recordings of all exercises, and not balanced over them: differences of "
        "less than their intervals say nothing."
        + (f" Too few recordings to say anything: {', '.join(few)}." if few else ""),
    )


def _ranks_flags(index: FloatArray, true: FloatArray) -> float:
    return area_under_roc(index, true > RED_FLAG_ABOVE)


def _mean(values: FloatArray) -> float:
    return float(np.mean(values))
