"""What Backsight says of a person: quality, measurements, sub-indices, index, verdict. Knows nothing of layout."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from backsight.domain.recording import Exercise, SourceInfo
from backsight.domain.sequences import FeatureSequence, PoseSequence
from backsight.domain.study import ScoreScale
from backsight.domain.validation import FloatArray, as_float_array, check_same_length

RED_FLAG_ABOVE = 0.5
"""An index above this is a red flag: the person is encouraged to seek professional help (paper, section IV)."""

NO_DIAGNOSIS = (
    "This is not a diagnosis and Backsight is not a medical device. "
    "It is an estimate from one camera by an experimental model; if your back worries you, see a professional."
)
"""Stands on every output."""

LEAST_WEIGHT = 0.02
"""Weight, as a share of the ratings' variance told, of an exercise that told no more than that, or nothing."""
CANNOT_TELL_SHARE = 0.1
"""Share of an interval that must lie on the smaller side of a threshold before a verdict is withheld. In the middle of
the scale that is where the index is nearer to the threshold than four fifths of the interval's half-width: who is told
that there is no red flag had better have none."""


class QualityVerdict(StrEnum):
    """Whether a recording can carry a number."""

    GOOD = "good"
    POOR = "poor"
    UNUSABLE = "unusable"

    @property
    def severity(self) -> int:
        """0 = good; the worse, the larger. The members stand from best to worst."""
        return list(QualityVerdict).index(self)


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
        return max(
            (check.verdict for check in self.checks), key=lambda verdict: verdict.severity, default=QualityVerdict.GOOD
        )

    @property
    def problems(self) -> tuple[QualityCheck, ...]:
        """The checks that did not pass, worst first."""
        failed = [check for check in self.checks if check.verdict is not QualityVerdict.GOOD]
        return tuple(sorted(failed, key=lambda check: -check.verdict.severity))


class NormKind(StrEnum):
    """What the ends of a usual range are; they do not all mean the same."""

    DERIVED_CENTILES = "derived centiles"
    """The healthy 10th and 90th centile, derived from what the source prints."""
    RANGE_OF_GROUP_MEANS = "range of group means"
    """The extremes of the means of groups of healthy people; single people spread further."""
    CUT_OFF = "cut-off"
    """A limit that the literature uses; how many healthy people lie beyond it is not known."""
    REMEMBERED_RANGE = "remembered range"
    """Remembered and not looked up again: provisional."""


@dataclass(frozen=True)
class Norm:
    """What is usual in healthy adults, with the source that says so."""

    middle: float
    """Where a sub-index is 0: the mean or median, or the middle of the range where the source has none."""
    low: float
    """Lower end of the usual range, in the sense of `kind`; -inf when only the upper end matters."""
    high: float
    """Upper end of the usual range, in the sense of `kind`; inf when only the lower end matters."""
    source: str
    """Short citation, shown beside the value."""
    kind: NormKind
    assumption: str = ""
    """What had to be assumed to derive the ends; empty when the source prints them."""

    @property
    def is_provisional(self) -> bool:
        """True where the range has only been remembered."""
        return self.kind is NormKind.REMEMBERED_RANGE


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
    error: float = float("nan")
    """Half the width of the 90 % interval of the value, in its unit; NaN = not known."""
    source: str = ""
    """How the measure is defined, as a short citation or sentence; shown beside the value."""
    error_basis: str = ""
    """What the error rests on, e.g. `96 virtual volunteers seen from the side, BlazePose full`; empty = not known."""
    unsure_value: float = float("nan")
    """What `value` would be where it goes with the truth but is too far off to be told by itself; a model may weigh it
    among others. NaN = `value` is told, or does not go with the truth, or was not seen."""


@dataclass(frozen=True)
class MovementEvent:
    """A moment of the movement, found between frames where the signal allows it."""

    name: str
    """Stable identifier, e.g. `take_off`."""
    label: str
    """The event as shown on plots."""
    time_s: float
    """On the recording's own clock; never NaN: an event that was not found is left out."""


@dataclass(frozen=True)
class MeasuredMovement:
    """What was measured of one exercise."""

    measurements: tuple[Measurement, ...] = ()
    """The same names in the same order for every recording of an exercise; NaN = could not be measured."""
    events: tuple[MovementEvent, ...] = ()
    """In order of time."""

    def __getitem__(self, name: str) -> Measurement:
        """Return the measurement of that name; KeyError when the exercise has none."""
        for item in self.measurements:
            if item.name == name:
                return item
        raise KeyError(name)


class IndexVerdict(StrEnum):
    """What an index or sub-index means; the third answer is given where quality or uncertainty demands it."""

    NO_RED_FLAG = "no red flag"
    RED_FLAG = "red flag"
    CANNOT_TELL = "cannot tell"


def cannot_tell(
    low: FloatArray, high: FloatArray, *, threshold: float, share: float = CANNOT_TELL_SHARE
) -> NDArray[np.bool_]:
    """Return whether a verdict on a threshold has to be withheld, because too much of the interval lies on both sides.

    Parameters
    ----------
    low, high
        Ends of the intervals; shape (n,), or none for one interval.
    threshold
        In the unit of the ends.
    share
        A verdict is withheld where more than this share of the interval lies on the threshold's smaller side; 0 =
        wherever the interval holds the threshold.
    """
    smaller = np.minimum(high - threshold, threshold - low)
    return np.asarray((smaller > 0.0) & (smaller > share * (high - low)))


@dataclass(frozen=True)
class Interval:
    """A range that is meant to hold the true value with probability `level`."""

    low: float
    high: float
    level: float = 0.9

    @property
    def is_undecided(self) -> bool:
        """Whether more than `CANNOT_TELL_SHARE` of the interval lies on each side of 0.5."""
        return bool(cannot_tell(np.array(self.low), np.array(self.high), threshold=RED_FLAG_ABOVE))

    @property
    def verdict(self) -> IndexVerdict:
        """What an index with this interval means: cannot tell when the interval spans 0.5."""
        if self.low > RED_FLAG_ABOVE:
            return IndexVerdict.RED_FLAG
        return IndexVerdict.NO_RED_FLAG if self.high < RED_FLAG_ABOVE else IndexVerdict.CANNOT_TELL


def verdict_of(index: float, interval: Interval | None) -> IndexVerdict:
    """Return what an index means where nothing else casts doubt: cannot tell where its interval is undecided."""
    if interval is None or interval.is_undecided:
        return IndexVerdict.CANNOT_TELL
    return IndexVerdict.RED_FLAG if index > RED_FLAG_ABOVE else IndexVerdict.NO_RED_FLAG


@dataclass(frozen=True)
class SubIndex:
    """An intermediate index, 0 best to 1 worst, from geometry and a cited norm (paper, section IV)."""

    name: str
    label: str
    value: float
    """0 best to 1 worst, 0.5 at the end of the norm's usual range; NaN = not measured."""
    measurement: Measurement
    interval: Interval | None
    """Where the value may lie by the measurement's error; None = not measured, or the error is not known."""

    @property
    def verdict(self) -> IndexVerdict:
        """Red flag when the whole interval lies above 0.5; cannot tell when it spans 0.5 or is not known."""
        return IndexVerdict.CANNOT_TELL if self.interval is None else self.interval.verdict


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
class Contribution:
    """What one measure of a recording did to its index."""

    name: str
    """The measurement's stable identifier."""
    label: str
    body_part: str
    unit: str
    value: float
    """As measured, in `unit`; NaN where many values moved the index together, or one that is too unsure to be told."""
    usual_low: float
    """10th centile of the people that the model was trained on; NaN = not known."""
    usual_high: float
    """Their 90th centile; NaN = not known."""
    points: float
    """Index points added to a typical person's index; below 0 = for the better."""
    from_s: float = float("nan")
    """When the part of the recording begins that the measure is of; NaN = the whole recording, or not known."""
    to_s: float = float("nan")


@dataclass(frozen=True)
class Explanation:
    """How an index came about, measure by measure; the parts add up to the index before it is cut to 0 to 1."""

    typical: float
    """Index of somebody typical in every measure."""
    contributions: tuple[Contribution, ...]
    """Largest effect first; measures that could not be taken count as typical and are left out."""
    n_missing: int
    """Measures that could not be taken."""
    how: str = ""
    """How the shares were found, in one sentence; empty = the model itself adds them up."""


@dataclass(frozen=True)
class ModelCard:
    """Where an index comes from, in the words that every report repeats."""

    name: str
    version: str
    headline: str
    """First line: what it was trained on and what it is not, e.g. `Trained on simulated people; not validated.`"""
    training_data: str
    interval_half_width: float
    """Half the width of the interval on the index, from people held out of training; NaN = not known, and then there is
    no interval and no verdict."""
    text: str
    """The whole card, Markdown."""
    unfamiliar_above: float = 0.20
    """With more than this share of values unlike those seen in training a movement gets no verdict."""
    unfamiliar_meaning: str = "of its values lie outside the training range"
    """What such a share is of, as a clause that follows the number."""
    session_half_widths: tuple[tuple[str, float], ...] = ()
    """Half-widths of the 90 % interval by the exercises that a session rests on, such as `touch-toes+walk`; what is not
    named has `interval_half_width`."""
    exercise_weights: tuple[tuple[str, float], ...] = ()
    """How much each exercise counts in a session's index; empty = all alike."""
    interval_level: float = Interval.level
    """How often the interval is to hold."""
    score_scale: ScoreScale | None = None
    """The scale of the study that the model was fitted to; None = the model knows the index only."""
    no_verdict: str = ""
    """Why no verdict may rest on the model, in one sentence; empty = one may."""

    def half_width_of(self, exercises: Iterable[Exercise]) -> float:
        """Return half the width of the interval of an index that rests on these exercises; NaN = not known."""
        key = session_key(exercises)
        return dict(self.session_half_widths).get(key, self.interval_half_width)

    def weight_of(self, exercise: Exercise) -> float:
        """Return how much an exercise counts in a session's index."""
        return dict(self.exercise_weights).get(exercise.value, 1.0)

    def is_mute(self, exercise: Exercise) -> bool:
        """Whether the index of this exercise was no better than one number for everybody."""
        return self.weight_of(exercise) <= LEAST_WEIGHT


def session_key(exercises: Iterable[Exercise]) -> str:
    """Return what a card calls the exercises of a session, in the paper's order."""
    done = frozenset(exercises)
    return "+".join(exercise.value for exercise in Exercise if exercise in done)


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
    events: tuple[MovementEvent, ...] = ()
    """Moments of the movement, in order of time."""
    sub_indices: tuple[SubIndex, ...] = ()
    curve: IndexCurve | None = None
    """None when the recording is unusable."""
    interval: Interval | None = None
    explanation: Explanation | None = None
    """None where the model cannot say how the index came about."""
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
    pose_model: str = ""
    """BlazePose model that found the landmarks; the index changes with it."""
    pose_engine: str = ""
    """What ran BlazePose, `mediapipe` or `openvino`; their landmarks differ by less than BlazePose's own noise."""
    follow_largest: bool = False
    """Whether other people in view were accepted."""
    height_m: float | None = None
    """Standing height that the user gave; None = lengths are in BlazePose's own scale."""
    notes: tuple[str, ...] = field(default=())

    @property
    def missing(self) -> tuple[Exercise, ...]:
        """Exercises of the paper that the session does not hold."""
        done = {part.exercise for part in self.exercises}
        return tuple(exercise for exercise in Exercise if exercise not in done)

    @property
    def counted(self) -> tuple[Exercise, ...]:
        """Exercises on which the session's index rests; empty when it has none."""
        return tuple(part.exercise for part in self.exercises if part.index is not None and np.isfinite(part.index))

    @property
    def quality(self) -> QualityVerdict:
        """The worst quality among the exercises that count; unusable exactly where there is no index."""
        counted = [part.quality.verdict for part in self.exercises if part.exercise in self.counted]
        return max(counted, key=lambda verdict: verdict.severity, default=QualityVerdict.UNUSABLE)
