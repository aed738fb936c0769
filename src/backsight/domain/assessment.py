"""What Backsight says of a person: quality, measurements, sub-indices, index, verdict. Knows nothing of layout."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

import numpy as np

from backsight.domain.recording import Exercise, SourceInfo
from backsight.domain.sequences import FeatureSequence, PoseSequence
from backsight.domain.validation import FloatArray, as_float_array, check_same_length

RED_FLAG_ABOVE = 0.5
"""An index above this is a red flag: the person is encouraged to seek professional help (paper, section IV)."""

NO_DIAGNOSIS = (
    "This is not a diagnosis and Backsight is not a medical device. "
    "It is an estimate from one camera by an experimental model; if your back worries you, see a professional."
)
"""Stands on every output."""


class QualityVerdict(StrEnum):
    """Whether a recording can carry a number."""

    GOOD = "good"
    POOR = "poor"
    UNUSABLE = "unusable"


_SEVERITY = (QualityVerdict.GOOD, QualityVerdict.POOR, QualityVerdict.UNUSABLE)


@dataclass(frozen=True)
class QualityCheck:
    """One thing that can spoil a recording, how it was here, and what to do about it."""

    name: str
    """Stable identifier, e.g. `whole_body_in_frame`."""
    label: str
    """The check as shown to people."""
    verdict: QualityVerdict
    value: float
    """What was measured, in `unit`; NaN when it could not be."""
    unit: str
    finding: str
    """What was found, in one clause, e.g. `feet out of frame in 62 % of the frames`."""
    tip: str = ""
    """What to do when recording again; empty when the check passed."""


@dataclass(frozen=True)
class QualityReport:
    """The verdict on a recording: as bad as its worst check."""

    checks: tuple[QualityCheck, ...]

    @property
    def verdict(self) -> QualityVerdict:
        """The worst verdict among the checks."""
        return max((check.verdict for check in self.checks), key=_SEVERITY.index, default=QualityVerdict.GOOD)

    @property
    def problems(self) -> tuple[QualityCheck, ...]:
        """The checks that did not pass, worst first."""
        failed = [check for check in self.checks if check.verdict is not QualityVerdict.GOOD]
        return tuple(sorted(failed, key=lambda check: -_SEVERITY.index(check.verdict)))


@dataclass(frozen=True)
class Norm:
    """What is usual in healthy adults, with the source that says so."""

    median: float
    low: float
    """10th centile of healthy adults; -inf when only the upper end matters."""
    high: float
    """90th centile of healthy adults; inf when only the lower end matters."""
    source: str
    """Short citation, shown beside the value."""
    assumption: str = ""
    """What had to be assumed to derive the centiles; empty when the source prints them."""


@dataclass(frozen=True)
class Measurement:
    """One number about the movement, with its unit and, where one is known, its norm."""

    name: str
    """Stable identifier with its unit, e.g. `trunk_flexion_deg`."""
    label: str
    value: float
    """NaN = could not be measured; `note` says why."""
    unit: str
    norm: Norm | None = None
    note: str = ""


class IndexVerdict(StrEnum):
    """What an index or sub-index means; the third answer is given where quality or uncertainty demands it."""

    NO_RED_FLAG = "no red flag"
    RED_FLAG = "red flag"
    CANNOT_TELL = "cannot tell"


@dataclass(frozen=True)
class SubIndex:
    """An intermediate index, 0 best to 1 worst, from geometry and a cited norm (paper, section IV)."""

    name: str
    label: str
    value: float
    """0 best to 1 worst, 0.5 at the healthy 10th or 90th centile; NaN = cannot tell."""
    measurement: Measurement

    @property
    def verdict(self) -> IndexVerdict:
        """Red flag above 0.5; cannot tell when the value is NaN."""
        if np.isnan(self.value):
            return IndexVerdict.CANNOT_TELL
        return IndexVerdict.RED_FLAG if self.value > RED_FLAG_ABOVE else IndexVerdict.NO_RED_FLAG


@dataclass(frozen=True, eq=False)
class IndexCurve:
    """The network's output after each frame: how the index builds up."""

    timestamps_s: FloatArray
    """Shape (n_frames,)."""
    raw: FloatArray
    """The network's output as it stands, which LeakyReLU lets fall slightly below 0; shape (n_frames,)."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "timestamps_s", as_float_array("timestamps_s", self.timestamps_s, ("n_frames",)))
        object.__setattr__(self, "raw", as_float_array("raw", self.raw, ("n_frames",)))
        check_same_length(timestamps_s=self.timestamps_s, raw=self.raw)

    @property
    def index(self) -> FloatArray:
        """The raw output clipped to 0 best to 1 worst; shape (n_frames,)."""
        return np.clip(self.raw, 0.0, 1.0)

    @property
    def final(self) -> float:
        """The index after the last frame."""
        return float(self.index[-1])


@dataclass(frozen=True)
class Interval:
    """A range that is meant to hold the true value with probability `level`."""

    low: float
    high: float
    level: float = 0.9


@dataclass(frozen=True)
class ModelCard:
    """Where an index comes from, in the words that every report repeats."""

    name: str
    version: str
    headline: str
    """First line: what it was trained on and what it is not, e.g. `Trained on simulated people; not validated.`"""
    training_data: str
    interval_half_width: float
    """Half the width of the 90 % interval on the index, from people held out of training."""
    text: str
    """The whole card, Markdown."""


@dataclass(frozen=True, eq=False)
class ExerciseAssessment:
    """One exercise, assessed."""

    exercise: Exercise
    source: SourceInfo
    pose: PoseSequence
    """Filtered landmarks at the recording's own times."""
    features: FeatureSequence
    quality: QualityReport
    removed_share: float
    """Share of the landmark readings removed because their visibility was below 0.6."""
    filled_share: float
    """Share of the landmark readings that are interpolated across short gaps."""
    measurements: tuple[Measurement, ...] = ()
    sub_indices: tuple[SubIndex, ...] = ()
    curve: IndexCurve | None = None
    """None when the recording is unusable."""
    interval: Interval | None = None
    unfamiliar_share: float = float("nan")
    """Share of the feature values outside the range seen in training."""
    n_dropped: int = 0
    """Frames that a live camera took and the pose model was too slow for."""
    notes: tuple[str, ...] = ()
    """Things the reader should know, one sentence each."""

    @property
    def index(self) -> float | None:
        """The spinal health index after the last frame, 0 best to 1 worst; None when the recording is unusable."""
        return None if self.curve is None else self.curve.final


@dataclass(frozen=True, eq=False)
class Assessment:
    """A session of one to three exercises, assessed."""

    exercises: tuple[ExerciseAssessment, ...]
    index: float | None
    """Mean of the exercises' indices, 0 best to 1 worst; None when no recording was usable."""
    interval: Interval | None
    verdict: IndexVerdict
    reason: str
    """Why the verdict is what it is, in one sentence."""
    model: ModelCard
    created_at: str
    """ISO 8601 with offset."""
    backsight_version: str
    notes: tuple[str, ...] = field(default=())

    @property
    def missing(self) -> tuple[Exercise, ...]:
        """Exercises of the paper that the session does not hold."""
        done = {part.exercise for part in self.exercises}
        return tuple(exercise for exercise in Exercise if exercise not in done)

    @property
    def quality(self) -> QualityVerdict:
        """The worst quality among the exercises."""
        return QualityReport(tuple(check for part in self.exercises for check in part.quality.checks)).verdict
