"""What errors the measures have, found on virtual volunteers. Knows nothing of how a measure is taken.

BlazePose looks at rendered people whose true movement is known, the measures are taken from what it saw, and
`backsight.scoring.calibration_fit` compares them with the truth. What is left here is to look a measurement's
conditions up: which bias to take off and how wide the 90 % interval is. People who are unlike the virtual ones can
differ by more.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from functools import cache
from importlib import resources
from statistics import NormalDist
from typing import Any

import numpy as np

from backsight.domain.assessment import MeasuredMovement, Measurement, Norm
from backsight.errors import InvalidValueError
from backsight.scoring.person import Person

LEVEL = 0.9
"""Share of the virtual volunteers whose true value the interval holds."""
FORMAT = 4
"""Layout of the file; raised when an older reader would misread it."""
VIEW_BANDS: Mapping[str, tuple[float, float]] = {
    "front": (0.0, 20.0),
    "front-oblique": (20.0, 45.0),
    "side-oblique": (45.0, 70.0),
    "side": (70.0, 90.0),
}
"""Angle off the person's front or back, in degrees, as the landmarks show it: from (excluded, but for 0) to."""
_VIEW_WORDS = {
    "front": "from the front or back",
    "front-oblique": "20 to 45 degrees off the front or back",
    "side-oblique": "45 to 70 degrees off the front or back",
    "side": "from the side",
}
FRAME_RATES = ("30", "60")
"""Classes of frame rate, in frames a second: up to and from `_FAST_FROM_FPS`."""
_FAST_FROM_FPS, _SLOWEST_CALIBRATED_FPS = 45.0, 24.0
TIMED = frozenset(
    {
        "bend_down_s",
        "bend_up_s",
        "bend_duration_s",
        "hip_delay_s",
        "step_time_s",
        "step_time_asymmetry_percent",
        "jump_flight_height_cm",
        "take_off_asymmetry_ms",
        "landing_asymmetry_ms",
    }
)
"""Measures whose error depends on the frame rate. The smoothness does not: it is of speeds over several frames."""
CADENCE, STEP_TIME = "cadence_per_min", "step_time_s"
"""Cadence has no error of its own: value and interval are those of the step time, so that the two never disagree."""
SCALED = frozenset(
    {
        "fingertip_to_floor_cm",
        "gait_speed_m_per_s",
        "step_length_cm",
        "jump_hip_rise_cm",
        "countermovement_depth_cm",
    }
)
"""Measures in metres or centimetres, whose error depends on whether the person's height is known."""
UNTESTED_MODELS = {"heavy": "full"}
"""BlazePose models without virtual volunteers of their own, and the model whose errors stand in."""
FEWEST_PEOPLE = 12
"""An interval from fewer virtual volunteers is chance; for one of 90 % the conformal quantile needs 9."""


FALSE_SHARE = 0.05
"""Of the conditions under which values are said to follow the truth, this share may be so by chance."""


@dataclass(frozen=True)
class Conditions:
    """What decides how well a recording can be measured."""

    pose_model: str
    """`lite`, `full` or `heavy`."""
    off_front_deg: float
    """Between the person's facing line and the line of sight, 0 to 90, as the landmarks show it; NaN = unknown."""
    fps: float
    has_height: bool
    """Whether lengths are in true metres, from the person's height."""
    person_px: float
    """Standing height in the picture, in pixels."""

    @classmethod
    def of(cls, person: Person, *, pose_model: str) -> Conditions:
        """Read the conditions off a recorded person."""
        return cls(
            pose_model=pose_model,
            off_front_deg=person.view.off_front_deg,
            fps=person.pose.fps,
            has_height=person.height_m is not None,
            person_px=person.body.height_px,
        )

    @property
    def view(self) -> str | None:
        """Which of `VIEW_BANDS` it is; None = unknown."""
        for name, (_, up_to_deg) in VIEW_BANDS.items():
            if self.off_front_deg <= up_to_deg:
                return name
        return None


@dataclass(frozen=True)
class CellKey:
    """For which recordings an error holds; None = does not matter."""

    measure: str
    pose_model: str
    view: str
    frame_rate: str | None = None
    has_height: bool | None = None

    @classmethod
    def of(cls, measure: str, conditions: Conditions) -> CellKey | None:
        """Return where a measurement's error is looked up; None where the view is unknown."""
        if conditions.view is None:
            return None
        fast = conditions.fps >= _FAST_FROM_FPS
        return cls(
            measure=measure,
            pose_model=UNTESTED_MODELS.get(conditions.pose_model, conditions.pose_model),
            view=conditions.view,
            frame_rate=FRAME_RATES[fast] if measure in TIMED else None,
            has_height=conditions.has_height if measure in SCALED else None,
        )


@dataclass(frozen=True)
class Cell:
    """How a measure errs under one set of conditions.

    A raw value is corrected to raw + shift + (slope - 1) (raw - centre), with raw cut to `low` .. `high` in the last
    term, so that beyond what was calibrated the correction stays as it is at the edge.
    """

    key: CellKey
    n_people: int
    n_recordings: int
    pooled_views: tuple[str, ...]
    """Views whose volunteers the error rests on: those of neighbours, too, where the cell's own were too few."""
    pooled_rates: tuple[str, ...]
    """Frame rates that they were filmed at, likewise; empty where the rate does not matter."""
    centre: float
    shift: float
    slope: float
    low: float
    high: float
    half_width: float
    """Of the 90 % interval of a person of `person_px` and a corrected value of `centre` + `shift`."""
    spread: float
    """Half width of the 90 % range of the true values among all the volunteers: the interval that needs no camera."""
    correlation: float
    """Spearman's, of raw with true values of all recordings that it rests on; NaN = all alike."""
    person_px: float
    """Median standing height of the volunteers in the picture, in pixels."""
    smallest_px: float
    """5th centile of the same."""
    size_power: float = 0.0
    """The interval widens with this power of how much smaller the person is than `person_px`."""
    growth: float = 0.0
    """The interval widens by this share for each `spread` that the corrected value lies off the middle."""
    n_people_correlated: int | None = None
    """How many people `correlation` rests on, where neighbouring views are pooled for the interval but not for it;
    None = all `n_people`."""
    chance: float = 1.0
    """Least `FALSE_SHARE` at which values follow the truth: `chance_of` with Benjamini and Hochberg's correction for
    how many conditions are tried."""

    def tells(self, error: float, *, norm: Norm | None = None) -> bool:
        """Whether an interval of that half width says anything.

        It does when it is narrower than what the volunteers differ by anyway, or than the way from the norm's middle to
        an end of its usual range: then it tells the best from the worst, which lies twice as far.
        """
        reaches = [] if norm is None else [abs(end - norm.middle) for end in (norm.low, norm.high)]
        return error <= max([self.spread, *(reach for reach in reaches if np.isfinite(reach))])

    @property
    def follows(self) -> bool:
        """Whether raw values go with the true ones: of the conditions said to, `FALSE_SHARE` are expected not to.

        Where people differ little an interval is narrow even if the camera sees nothing of what is to be measured: such
        a value would pass for a measurement and be the volunteers' average.
        """
        return self.chance <= FALSE_SHARE

    def correct(self, raw: float) -> float:
        """Return a raw value less the bias."""
        within = float(np.clip(raw, self.low, self.high))
        return raw + self.shift + (self.slope - 1.0) * (within - self.centre)

    def error(self, corrected: float, *, person_px: float, fps: float) -> float:
        """Return half the width of the 90 % interval of a corrected value.

        A person smaller in the picture, or a frame rate lower, than any volunteer's widens it in proportion.
        """
        size = np.clip(person_px, self.smallest_px, 2.0 * self.person_px) if person_px > 0 else self.smallest_px
        width = self.half_width * relative_width(
            person_px=size / self.person_px,
            off_middle=(corrected - self.centre - self.shift) / self.spread,
            size_power=self.size_power,
            growth=self.growth,
        )
        if 0 < person_px < self.smallest_px:
            width *= self.smallest_px / person_px
        if self.key.frame_rate is not None and fps < _SLOWEST_CALIBRATED_FPS:
            width *= _SLOWEST_CALIBRATED_FPS / fps
        return float(width)

    @property
    def basis(self) -> str:
        """What the error rests on, in plain words."""
        parts = [
            f"{self.n_people} virtual volunteers seen {' or '.join(_VIEW_WORDS[view] for view in self.pooled_views)}",
            f"BlazePose {self.key.pose_model}",
        ]
        if self.pooled_rates:
            parts.append(f"about {' or '.join(self.pooled_rates)} frames a second")
        if self.key.has_height is not None:
            parts.append("height given" if self.key.has_height else "height not given")
        return ", ".join(parts)


def chance_of(correlation: float, *, n_people: int) -> float:
    """Return how often values that follow nothing would correlate so well, 0 to 1; 1 where that cannot be said.

    Fisher's z with Fieller's variance for Spearman's correlation (Fieller et al. 1957, doi:10.1093/biomet/44.3-4.470),
    one-sided. The correlation is one over recordings; the variance counts people, as if each had one recording, so that
    more of them give no more confidence.
    """
    if n_people <= 3 or not np.isfinite(correlation):
        return 1.0
    z = np.arctanh(np.clip(correlation, -0.9999, 0.9999)) * np.sqrt((n_people - 3) / 1.06)
    return 1.0 - NormalDist().cdf(float(z))


def relative_width(*, person_px: float, off_middle: float, size_power: float, growth: float) -> float:
    """Return how much wider than usual an interval is; sizes and distances relative to the usual ones."""
    # Values far beyond those calibrated do not widen it without end: nothing is known there.
    return float(person_px**-size_power * (1.0 + growth * np.minimum(np.abs(off_middle), 2.0)))


@dataclass(frozen=True)
class Calibration:
    """Errors of every measure under every condition; without cells nothing is calibrated and values stay raw."""

    cells: Mapping[CellKey, Cell] = field(default_factory=dict)
    provenance: Mapping[str, Any] = field(default_factory=dict)
    """Where it comes from: command, seed, volunteers, fingerprint of the samples."""

    def to_json(self) -> str:
        """Return the layout of the file that ships, one cell a line."""
        lines = ",\n".join(f"  {json.dumps(_cell_to_dict(cell))}" for cell in self.cells.values())
        provenance = json.dumps(dict(self.provenance), indent=1).replace("\n", "\n ")
        return f'{{\n "format": {FORMAT},\n "provenance": {provenance},\n "cells": [\n{lines}\n ]\n}}\n'

    @classmethod
    def from_json(cls, text: str) -> Calibration:
        """Read what `to_json` wrote.

        Raises
        ------
        InvalidValueError
            When the text is not of this layout.
        """
        try:
            stored = json.loads(text)
            if stored["format"] != FORMAT:
                raise ValueError(f"format {stored['format']}")
            cells = [_cell_from_dict(item) for item in stored["cells"]]
        except (ValueError, KeyError, TypeError) as error:
            raise InvalidValueError(
                f"expected a calibration of format {FORMAT}, got {error!r}; make one with `make calibration`"
            ) from error
        return cls(cells={cell.key: cell for cell in cells}, provenance=stored["provenance"])


@cache
def default_calibration() -> Calibration:
    """Return the calibration that ships."""
    return Calibration.from_json(
        resources.files("backsight.scoring").joinpath("calibration.json").read_text(encoding="utf-8")
    )


def calibrate(
    taken: MeasuredMovement, *, conditions: Conditions, calibration: Calibration | None = None
) -> MeasuredMovement:
    """Give each measurement the value and the error that the calibration finds for it.

    A value without evidence for its error under these conditions becomes NaN, and its note says so. One that goes with
    the truth but errs by more than people differ becomes NaN, too, and is kept as `unsure_value`.

    Parameters
    ----------
    taken
        Raw values.
    conditions
        Of the recording.
    calibration
        None = the one that ships; one without cells leaves every value as it is, without an error.
    """
    found = default_calibration() if calibration is None else calibration
    if not found.cells:
        return taken
    given = [
        _calibrated(item, conditions=conditions, found=found) for item in taken.measurements if item.name != CADENCE
    ]
    by_name = {item.name: item for item in given}
    return replace(
        taken,
        measurements=tuple(
            by_name[item.name] if item.name in by_name else _cadence(item, step=by_name.get(STEP_TIME))
            for item in taken.measurements
        ),
    )


def _cadence(item: Measurement, *, step: Measurement | None) -> Measurement:
    """Return the cadence that a calibrated step time says; its interval holds where that of the step time does."""
    if step is None or not np.isfinite(item.value):
        return replace(item, value=float("nan"), error=float("nan"), error_basis="")
    shortest_s = step.value - step.error
    if not shortest_s > 0.0:
        known_s = step.value if np.isfinite(step.value) else step.unsure_value
        note = step.note if np.isnan(step.value) else "Cannot be measured: the step time is too unsure."
        return replace(_untold(item, note), unsure_value=60.0 / known_s if known_s > 0.0 else float("nan"))
    value = 60.0 / step.value
    # Of the interval's two ends the one at short steps lies further off.
    return replace(item, value=value, error=60.0 / shortest_s - value, error_basis=step.error_basis)


def _calibrated(item: Measurement, *, conditions: Conditions, found: Calibration) -> Measurement:
    if not np.isfinite(item.value):
        return replace(item, error=float("nan"), error_basis="")
    key = CellKey.of(item.name, conditions)
    if key is None:
        return _untold(item, "Cannot be measured: hips, shoulders and feet are not seen well enough to tell the view.")
    cell = found.cells.get(key)
    if cell is None:
        return _untold(
            item,
            f"Cannot be measured {_VIEW_WORDS[key.view]}: fewer than {FEWEST_PEOPLE} virtual volunteers could be "
            "measured so, which is too few to know the error.",
        )
    value = cell.correct(item.value)
    error = cell.error(value, person_px=conditions.person_px, fps=conditions.fps)
    if not cell.follows:
        return _untold(
            item,
            f"Cannot be measured {_VIEW_WORDS[key.view]}: on {cell.n_people_correlated or cell.n_people} virtual "
            f"volunteers what BlazePose {key.pose_model} showed did not go with the truth (rank correlation "
            f"{cell.correlation:.2f}).",
        )
    if not cell.tells(error, norm=item.norm):
        untold = _untold(
            item,
            f"Cannot be measured {_VIEW_WORDS[key.view]}: on {cell.n_people} virtual volunteers such a value was off "
            f"by up to {error:.2g} {item.unit}, more than they differ from each other.",
        )
        return replace(untold, unsure_value=value)
    basis = cell.basis
    if conditions.pose_model != key.pose_model:
        basis += f" (BlazePose {conditions.pose_model} itself has not been tried)"
    return replace(
        item,
        value=value,
        error=error,
        error_basis=f"{basis}; real people may differ by more",
    )


def _untold(item: Measurement, note: str) -> Measurement:
    return replace(item, value=float("nan"), error=float("nan"), error_basis="", note=note)


def _cell_to_dict(cell: Cell) -> dict[str, Any]:
    values = asdict(cell)
    key: dict[str, Any] = values.pop("key")
    return key | {name: float(f"{value:.4g}") if isinstance(value, float) else value for name, value in values.items()}


def _cell_from_dict(stored: dict[str, Any]) -> Cell:
    values = dict(stored)
    key = CellKey(**{name: values.pop(name) for name in CellKey.__dataclass_fields__})
    return Cell(key=key, **values | {name: tuple(values[name]) for name in ("pooled_views", "pooled_rates")})
