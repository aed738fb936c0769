"""Scored movements of many people, whatever sensor saw them. Knows no file format and no data set."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from backsight.domain.sequences import PoseSequence
from backsight.errors import InvalidValueError


@dataclass(frozen=True)
class ScoreScale:
    """What a study's scores mean. The index runs 0 best to 1 worst, whichever way the scores run."""

    best: float
    """Score of the healthiest movement."""
    worst: float
    """Score of the least healthy one."""
    unit: str = "points"
    is_binary: bool = False
    """True where a score is either `best` or `worst` and nothing between, as correct against incorrect."""

    def __post_init__(self) -> None:
        if not (math.isfinite(self.best) and math.isfinite(self.worst)) or self.best == self.worst:
            raise InvalidValueError(f"`best` and `worst` must be two different numbers, got {self.best}, {self.worst}")

    @property
    def span(self) -> float:
        """Size of the scale in its unit."""
        return abs(self.best - self.worst)

    @property
    def error_unit(self) -> str:
        """What follows the size of an error: the unit, or which two scores there are where there are only two."""
        return f"(scores are {self.worst:g} or {self.best:g})" if self.is_binary else self.unit

    def to_index(self, score: float) -> float:
        """Turn a score into an index, 0 best to 1 worst."""
        return (self.best - score) / (self.best - self.worst)

    def to_score(self, index: float) -> float:
        """Turn an index, 0 best to 1 worst, into a score."""
        return self.best - index * (self.best - self.worst)


RATING_SCALE = ScoreScale(best=100.0, worst=0.0, unit="rating points")
"""The paper's rating of one's own back after an exercise: 0 most pain or stress, 100 least (section III-B)."""


@dataclass(frozen=True)
class FoundBy:
    """What found a recording's landmarks: each BlazePose model, and each sensor, finds others for the same movement."""

    pose_model: str = ""
    """BlazePose model, `lite`, `full` or `heavy`; empty = not known, or it was a sensor."""
    engine: str = ""
    """What ran BlazePose, `mediapipe` or `openvino`, whose landmarks differ by less than its noise; empty = not known.
    """
    sensor: str = ""
    """What saw the person in BlazePose's place, such as `Kinect v2`; empty = BlazePose did, or not known."""

    def __str__(self) -> str:
        """Return `BlazePose full on openvino`, the sensor, or `not known`."""
        on_engine = f" on {self.engine}" if self.engine else ""
        return self.sensor or (f"BlazePose {self.pose_model}{on_engine}" if self.pose_model else "not known")


NOT_KNOWN = FoundBy()


@dataclass(frozen=True, eq=False)
class StudyClip:
    """One person's one go at one exercise, as 33 landmarks over time, and how it was scored.

    Compared and hashed by identity, so that what is derived from a clip can be kept beside it.
    """

    subject: str
    exercise: str
    """Any name: data sets have exercises of their own."""
    pose: PoseSequence
    score: float
    """In the study's scale; NaN = nobody scored it."""
    group: str = ""
    """Diagnosis or another grouping of people; results are told apart by it, no learner may read it."""
    view: str = ""
    """Where the camera stood, as the study names it."""
    session: str = ""
    """Which of a subject's sessions."""
    name: str = ""
    """What messages call the clip: a file's name or a row."""
    found_by: FoundBy = NOT_KNOWN
    """What found the landmarks."""

    @property
    def is_scored(self) -> bool:
        """Whether the clip can be learnt from."""
        return math.isfinite(self.score)


@dataclass(frozen=True, eq=False)
class Study:
    """All clips of a study, in the order of its manifest."""

    name: str
    clips: tuple[StudyClip, ...]
    scale: ScoreScale
    source: str = ""
    """Citation and licence, as reports and model cards print it."""
    may_ship: bool = False
    """Whether weights learnt from it may be passed on."""
    notes: tuple[str, ...] = ()
    """What was guessed while it was read, for whoever reads it to check."""

    @property
    def subjects(self) -> tuple[str, ...]:
        """The people, each once, sorted."""
        return tuple(sorted({clip.subject for clip in self.clips}))

    @property
    def exercises(self) -> tuple[str, ...]:
        """The exercises, each once, in order of appearance."""
        return tuple(dict.fromkeys(clip.exercise for clip in self.clips))

    def scored(self) -> tuple[StudyClip, ...]:
        """Return the clips that can be learnt from."""
        return tuple(clip for clip in self.clips if clip.is_scored)


def clips_of(clips: Sequence[StudyClip], subjects: Sequence[str]) -> tuple[StudyClip, ...]:
    """Return the clips of some people, in the order given."""
    wanted = frozenset(subjects)
    return tuple(clip for clip in clips if clip.subject in wanted)


def count_finders(clips: Iterable[StudyClip]) -> tuple[tuple[FoundBy, int], ...]:
    """Return what found the clips' landmarks and in how many clips each, the commonest first."""
    return tuple(Counter(clip.found_by for clip in clips).most_common())


def whatever_ran_it(counted: Iterable[tuple[FoundBy, int]]) -> tuple[tuple[FoundBy, int], ...]:
    """Return what `count_finders` found with engines counted together, because they find the same."""
    together: Counter[FoundBy] = Counter()
    for found_by, n_clips in counted:
        together[replace(found_by, engine="")] += n_clips
    return tuple(together.most_common())


def describe_finders(counted: Iterable[tuple[FoundBy, int]]) -> str:
    """Return what `count_finders` found as words: `BlazePose full on openvino (20 clips), not known (1 clip)`."""
    return ", ".join(f"{found_by} ({n} clip{'' if n == 1 else 's'})" for found_by, n in counted)
