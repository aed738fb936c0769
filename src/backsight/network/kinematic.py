"""An index from named measures of a movement, each with its share. Knows nothing of fitting, files and summaries."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np

from backsight.domain.assessment import Contribution, Explanation, IndexCurve, Measurement, ModelCard, MovementEvent
from backsight.domain.movement import JudgedMovement, Movement
from backsight.domain.recording import Exercise
from backsight.domain.sequences import FeatureSequence, PoseSequence
from backsight.domain.validation import FloatArray
from backsight.errors import CheckpointError, InvalidValueError
from backsight.kinematics.jumping import CROUCH_WITHIN_S
from backsight.network.familiarity import Familiarity

CLIP_SD = 3.0
"""Measures further out than this many robust standard deviations count as this far: beyond, a camera's error is
likelier than a worse movement."""


@dataclass(frozen=True)
class MeasureTerm:
    """One measure of one exercise, and what it counts."""

    name: str
    label: str
    body_part: str
    unit: str
    middle: float
    """Median of the people trained on."""
    spread: float
    """Their robust standard deviation."""
    mean: float
    """Mean of the scaled values trained on, about 0."""
    slope: float
    """Index points a robust standard deviation."""
    usual_low: float
    """10th centile of the people trained on."""
    usual_high: float
    """90th centile."""

    def points(self, value: float) -> float:
        """Return what a value adds to a typical person's index; NaN counts as typical."""
        scaled = float(np.clip((value - self.middle) / self.spread, -CLIP_SD, CLIP_SD))
        return self.slope * (scaled - self.mean) if np.isfinite(scaled) else 0.0


@dataclass(frozen=True)
class ExerciseTerms:
    """The measures of one exercise."""

    typical: float
    """Index of somebody typical in every measure."""
    terms: tuple[MeasureTerm, ...]

    def explain(self, values: Mapping[str, float], *, untold: Collection[str] = ()) -> Explanation:
        """Return what each known measure adds, largest first; the `untold` add, and their values are not said."""
        known = [term for term in self.terms if np.isfinite(values.get(term.name, np.nan))]
        told = [
            Contribution(
                name=term.name,
                label=term.label,
                body_part=term.body_part,
                unit=term.unit,
                value=np.nan if term.name in untold else values[term.name],
                usual_low=term.usual_low,
                usual_high=term.usual_high,
                points=term.points(values[term.name]),
            )
            for term in known
        ]
        told.sort(key=lambda one: -abs(one.points))
        return Explanation(self.typical, tuple(told), n_missing=len(self.terms) - len(known))


@dataclass(frozen=True, eq=False)
class KinematicModel:
    """The whole model: one sum of measures an exercise, and what movements are familiar."""

    by_exercise: Mapping[Exercise, ExerciseTerms]
    familiarity: Mapping[Exercise, Familiarity]


LANDING_LASTS_S = 0.5
"""Time after landing in which the trunk's flexion is measured."""

Edge = tuple[str, float]
"""An event, left and right taken together, and seconds after it. Where an event happens several times, a span begins at
the first and ends with the last."""
_BEND: tuple[Edge, Edge] = (("bend_start", 0.0), ("bend_end", 0.0))
_STEPS: tuple[Edge, Edge] = (("heel_strike", 0.0), ("heel_strike", 0.0))
_STEP_MEASURES = (
    "gait_speed_m_per_s",
    "cadence_per_min",
    "step_time_s",
    "step_length_cm",
    "step_time_asymmetry_percent",
    "step_length_asymmetry_percent",
    "lateral_lean_range_deg",
    "shoulder_obliquity_range_deg",
    "pelvic_obliquity_range_deg",
    "axial_rotation_range_deg",
    "thorax_pelvis_phase_deg",
    "arm_swing_asymmetry_percent",
)
SPANS: Mapping[str, tuple[Edge, Edge]] = {
    "bend_down_s": (("bend_start", 0.0), ("bend_bottom", 0.0)),
    "bend_up_s": (("bend_bottom", 0.0), ("bend_end", 0.0)),
    "bend_duration_s": _BEND,
    "hip_delay_s": _BEND,
    "bend_smoothness_sparc": _BEND,
    "lateral_deviation_deg": _BEND,
    "trunk_flexion_deg": _BEND,
    "bend_knee_flexion_deg": _BEND,
    "fingertip_to_floor_cm": _BEND,
    "countermovement_depth_cm": (("take_off", -CROUCH_WITHIN_S), ("take_off", 0.0)),
    "jump_flight_height_cm": (("take_off", 0.0), ("landing", 0.0)),
    "jump_hip_rise_cm": (("take_off", 0.0), ("landing", 0.0)),
    "landing_trunk_flexion_deg": (("landing", 0.0), ("landing", LANDING_LASTS_S)),
    **dict.fromkeys(_STEP_MEASURES, _STEPS),
}
"""Part of the recording in which a measure is taken; what is not named is of all of it."""


class SummaryLike(Protocol):
    """A recording in named numbers."""

    @property
    def names(self) -> tuple[str, ...]:
        """One a value."""
        ...

    @property
    def values(self) -> FloatArray:
        """NaN = could not be told."""
        ...


class Summarize(Protocol):
    """Turns landmarks into a summary."""

    def __call__(self, pose: PoseSequence, /) -> SummaryLike:
        """Return the same numbers for every recording."""
        ...


class KinematicPredictor:
    """A `ports.IndexPredictor` that adds up measures.

    Parameters
    ----------
    model
        The measures and their shares.
    card
        Where it comes from.
    summarize
        Sums a recording up, to find movements unlike those trained on.
    """

    def __init__(self, model: KinematicModel, card: ModelCard, *, summarize: Summarize) -> None:
        self._model, self._card, self._summarize = model, card, summarize

    @property
    def card(self) -> ModelCard:
        """Where the model comes from."""
        return self._card

    def judge(self, movement: Movement) -> JudgedMovement:
        """Return index, explanation and unfamiliarity of a whole recording.

        The curve holds one value, at the end: the measures are of the whole movement, and nobody was trained on parts.

        Raises
        ------
        InvalidValueError
            When the model was not trained on the exercise, or the recording is empty.
        CheckpointError
            When the model reads what is not measured any more.
        """
        terms = self._model.by_exercise.get(movement.exercise)
        if terms is None:
            known = ", ".join(self._model.by_exercise)
            raise InvalidValueError(
                f"`exercise` must be one that the model was trained on ({known}), got {movement.exercise}"
            )
        if not movement.pose.n_frames:
            raise InvalidValueError("`pose` must hold at least one frame, got none")
        values = measures_of(movement.measured.measurements)
        strange = [term.name for term in terms.terms if term.name not in values]
        if strange:
            raise CheckpointError(
                f"the model {self._card.name} {self._card.version} reads {', '.join(strange)}, which this version of "
                "Backsight does not measure; make it again with `make model`"
            )
        untold = {item.name for item in movement.measured.measurements if not np.isfinite(item.value)}
        explanation = terms.explain(values, untold=untold)
        explanation = in_time(explanation, movement.measured.events, movement.pose.timestamps_s)
        raw = explanation.typical + sum(one.points for one in explanation.contributions)
        curve = IndexCurve(timestamps_s=movement.pose.timestamps_s[-1:], raw=np.array([raw]))
        summary = self._summarize(movement.pose)
        share = self._model.familiarity[movement.exercise].stranger_than(summary.values, names=summary.names)
        return JudgedMovement(curve, share, explanation)

    def stream(self) -> None:
        """Return nothing: there is no index before the movement is over."""
        return

    def unfamiliar_share(self, features: FeatureSequence) -> float:
        """Return NaN: what is unfamiliar is told of whole movements, by `judge`."""
        del features
        return float("nan")


def in_time(explanation: Explanation, events: Sequence[MovementEvent], timestamps_s: FloatArray) -> Explanation:
    """Say of which part of the recording each measure is; `timestamps_s` of its frames, shape (n_frames,)."""
    times: dict[str, list[float]] = {}
    for event in events:
        times.setdefault(event.name.removeprefix("left_").removeprefix("right_"), []).append(event.time_s)

    def place(one: Contribution) -> Contribution:
        (first, after_first_s), (last, after_last_s) = SPANS.get(one.name, (("", 0.0), ("", 0.0)))
        if first not in times or last not in times:
            return one
        return replace(
            one,
            from_s=max(min(times[first]) + after_first_s, float(timestamps_s[0])),
            to_s=min(max(times[last]) + after_last_s, float(timestamps_s[-1])),
        )

    return replace(explanation, contributions=tuple(place(one) for one in explanation.contributions))


SIDED = frozenset(
    {
        "lateral_lean_deg",
        "lateral_deviation_deg",
        "shoulder_obliquity_deg",
        "pelvic_obliquity_deg",
        "step_time_asymmetry_percent",
        "step_length_asymmetry_percent",
        "arm_swing_asymmetry_percent",
        "take_off_asymmetry_ms",
        "landing_asymmetry_ms",
    }
)
"""Measures whose sign says left or right only: a mirror image has the same index, so the model reads their size."""


def measures_of(measurements: Sequence[Measurement]) -> dict[str, float]:
    """Return what the model reads of a recording, by name; NaN = could not be measured.

    A value too unsure to be told by itself is read, too: the sum of many weighs each by what it told of the people
    trained on, and the index has an interval of its own.
    """
    known = {item.name: item.value if np.isfinite(item.value) else item.unsure_value for item in measurements}
    return {name: abs(value) if name in SIDED else value for name, value in known.items()}
