"""What a learner has to beat: rivals that hardly look at the movement. Knows no data set.

A learner that is no better than `duration` has learnt to read the clock.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from weakref import WeakKeyDictionary

import numpy as np

from backsight.domain.landmarks import Landmark
from backsight.domain.sequences import PoseSequence
from backsight.domain.study import ScoreScale, StudyClip
from backsight.domain.validation import FloatArray
from backsight.errors import InvalidValueError
from backsight.evaluation.learner import FittedLearner
from backsight.evaluation.nested import scores_of, within

MOVING = (
    Landmark.NOSE,
    Landmark.LEFT_SHOULDER,
    Landmark.RIGHT_SHOULDER,
    Landmark.LEFT_WRIST,
    Landmark.RIGHT_WRIST,
    Landmark.LEFT_KNEE,
    Landmark.RIGHT_KNEE,
    Landmark.LEFT_ANKLE,
    Landmark.RIGHT_ANKLE,
)
"""Landmarks whose ways are added up, relative to the middle of the hips."""
STEP_S = 0.2
"""Time between the positions that a way is measured by: over a frame, sensor noise would be most of it."""
_FEWEST_CLIPS = 5
"""Of an exercise, for a line of its own."""

_LEAST_SPREAD = 1e-9
"""Below it a column is constant but for rounding, and tells nothing."""

_ways: WeakKeyDictionary[PoseSequence, FloatArray] = WeakKeyDictionary()
"""What `path_and_speed` found: every fold asks for the same clips."""


@dataclass(frozen=True)
class Median:
    """Gives everybody the training people's median score of the exercise."""

    name: str = "median"

    def fit(self, clips: Sequence[StudyClip], *, scale: ScoreScale, seed: int) -> FittedLearner:  # noqa: ARG002  contract
        """Take the medians."""
        return _fit_clips(clips, scale=scale, describe=lambda _: np.empty(0))


@dataclass(frozen=True)
class Duration:
    """Predicts from how long the clip is and nothing else, by a straight line over its logarithm for each exercise."""

    name: str = "duration"

    def fit(self, clips: Sequence[StudyClip], *, scale: ScoreScale, seed: int) -> FittedLearner:  # noqa: ARG002  contract
        """Fit the lines."""
        return _fit_clips(clips, scale=scale, describe=lambda clip: np.log([max(clip.pose.duration_s, STEP_S)]))


@dataclass(frozen=True)
class PathLengthAndSpeed:
    """Predicts from how far the landmarks travel and how fast on average, by a plane for each exercise."""

    name: str = "path-and-speed"

    def fit(self, clips: Sequence[StudyClip], *, scale: ScoreScale, seed: int) -> FittedLearner:  # noqa: ARG002  contract
        """Fit the planes."""
        return _fit_clips(clips, scale=scale, describe=_describe_ways)


@dataclass(frozen=True)
class KnowsPeople:
    """Gives a person the mean of the scores that it has learnt for that very person, and strangers the median.

    Under a split by person it is the median; what it gains under any other split is leakage and nothing else.
    """

    name: str = "knows-people"

    def fit(self, clips: Sequence[StudyClip], *, scale: ScoreScale, seed: int) -> FittedLearner:
        """Learn the people by heart."""
        of_person: dict[str, list[float]] = {}
        for clip in clips:
            of_person.setdefault(clip.subject, []).append(clip.score)
        means = {who: float(np.mean(scores)) for who, scores in of_person.items()}
        return _FittedKnowsPeople(means=means, strangers=Median().fit(clips, scale=scale, seed=seed))


@dataclass(frozen=True)
class _FittedKnowsPeople:
    means: Mapping[str, float]
    strangers: FittedLearner

    def predict(self, clips: Sequence[StudyClip]) -> FloatArray:
        medians = self.strangers.predict(clips).tolist()
        said = [self.means.get(clip.subject, median) for clip, median in zip(clips, medians, strict=True)]
        return np.array(said, dtype=np.float64)


BASELINES = (Median(), Duration(), PathLengthAndSpeed())
"""Stand beside every learner in every table."""


def _describe_ways(clip: StudyClip) -> FloatArray:
    if clip.pose not in _ways:
        _ways[clip.pose] = np.log(path_and_speed(clip.pose))
    return _ways[clip.pose]


def path_and_speed(pose: PoseSequence) -> FloatArray:
    """Return the mean way of the `MOVING` landmarks in trunk lengths, and trunk lengths a second; shape (2,).

    NaN where no trunk or way is seen. Landmarks that a sensor has not are left out.
    """
    step = max(round(STEP_S * pose.fps), 1) if pose.n_frames > 1 else 1
    positions = pose.world_m[::step]
    ways = np.linalg.norm(np.diff(positions[:, MOVING], axis=0), axis=2)
    shoulders = (positions[:, Landmark.LEFT_SHOULDER] + positions[:, Landmark.RIGHT_SHOULDER]) / 2.0
    hips = (positions[:, Landmark.LEFT_HIP] + positions[:, Landmark.RIGHT_HIP]) / 2.0
    trunks = np.linalg.norm(shoulders - hips, axis=1)
    seen = np.isfinite(ways)
    if not seen.any() or not np.isfinite(trunks).any():
        return np.full(2, np.nan)
    # A landmark that is missing for a while is taken to have moved as fast as while it was seen.
    speeds = ways[:, seen.any(axis=0)]
    way = float(np.nanmean(speeds)) * len(positions) / float(np.nanmedian(trunks))
    return np.maximum([way, way / max(pose.duration_s, STEP_S)], np.finfo(float).tiny)


@dataclass(frozen=True)
class _Line:
    """A least-squares plane over standardised descriptions; a missing value counts as the training mean."""

    centre: FloatArray
    spread: FloatArray
    offset: float
    slopes: FloatArray

    def at(self, described: FloatArray) -> float:
        standard = np.nan_to_num((described - self.centre) / self.spread)
        return self.offset + float(standard @ self.slopes)


@dataclass(frozen=True)
class Lines:
    """A plane over descriptions of recordings for each exercise."""

    of_exercise: Mapping[str, _Line]
    fallback: float
    """For an exercise that was not learnt from."""

    def at(self, exercises: Sequence[str], described: FloatArray) -> FloatArray:
        """Return what the planes say, however far beyond the scores learnt from; shape (n,).

        Parameters
        ----------
        described
            Shape (n, n_columns).
        """
        lines = self.of_exercise
        said = [
            lines[exercise].at(row) if exercise in lines else self.fallback
            for exercise, row in zip(exercises, described, strict=True)
        ]
        return np.array(said, dtype=np.float64)


def fit_lines(exercises: Sequence[str], described: FloatArray, scores: FloatArray) -> Lines:
    """Fit a plane for each exercise; its median where nothing is described, not everywhere, or by too few recordings.

    Parameters
    ----------
    exercises
        Of each recording.
    described
        What is known of each recording; shape (n, n_columns), NaN = missing.
    scores
        Shape (n,).

    Raises
    ------
    InvalidValueError
        When there are no recordings.
    """
    if not len(scores):
        raise InvalidValueError("`clips` must hold at least one scored clip to learn from, got none")
    names = np.array(exercises)
    lines = {
        exercise: _fit_line(described[names == exercise], scores[names == exercise])
        for exercise in dict.fromkeys(exercises)
    }
    return Lines(of_exercise=lines, fallback=float(np.median(scores)))


@dataclass(frozen=True)
class _FittedLines:
    lines: Lines
    describe: Callable[[StudyClip], FloatArray]
    scale: ScoreScale

    def predict(self, clips: Sequence[StudyClip]) -> FloatArray:
        if not clips:
            return np.empty(0)
        described = np.stack([self.describe(clip) for clip in clips])
        return within(self.lines.at([clip.exercise for clip in clips], described), self.scale)


def _fit_clips(
    clips: Sequence[StudyClip], *, scale: ScoreScale, describe: Callable[[StudyClip], FloatArray]
) -> FittedLearner:
    described = np.stack([describe(clip) for clip in clips]) if clips else np.empty((0, 0))
    lines = fit_lines([clip.exercise for clip in clips], described, scores_of(clips))
    return _FittedLines(lines=lines, describe=describe, scale=scale)


def _fit_line(described: FloatArray, scores: FloatArray) -> _Line:
    n_columns = described.shape[1]
    if not n_columns or len(scores) < _FEWEST_CLIPS or not np.isfinite(described).any(axis=0).all():
        flat = np.zeros(n_columns)
        return _Line(centre=flat, spread=np.ones(n_columns), offset=float(np.median(scores)), slopes=flat)
    centre, spread = np.nanmean(described, axis=0), np.nanstd(described, axis=0)
    spread = np.where(spread > _LEAST_SPREAD, spread, 1.0)
    standard = np.nan_to_num((described - centre) / spread)
    offset, *slopes = np.linalg.lstsq(np.column_stack([np.ones(len(scores)), standard]), scores, rcond=None)[0]
    return _Line(centre=centre, spread=spread, offset=float(offset), slopes=np.array(slopes))
