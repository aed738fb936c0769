"""The model that ships as a learner, so that the protocol judges it beside all others. Knows no film and no truth."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import resources
from weakref import WeakKeyDictionary

import numpy as np

from backsight.domain.recording import Exercise
from backsight.domain.sequences import PoseSequence
from backsight.domain.study import ScoreScale, StudyClip
from backsight.domain.validation import FloatArray
from backsight.training.kinematic_ship import FittedModel, fit_model
from backsight.training.measured_people import (
    SHIPPED,
    MeasuredPeople,
    Row,
    measure_clip,
    people_of,
    rows_of,
    shipped_people,
)

NAME = "measures"

_measured: WeakKeyDictionary[PoseSequence, dict[tuple[str, str], dict[str, float]]] = WeakKeyDictionary()
"""What was measured of a recording, by exercise and BlazePose model: a second each, and every fold asks again."""


@dataclass(frozen=True)
class MeasuresLearner:
    """Ridge regression of named measures, with simulated people beside the training people; `kinematic_ship` fits it.

    Of the paper's three exercises only. A person's clips are pooled into one index, as a session's are: a clip's
    prediction is the session's.
    """

    name: str = NAME
    pose_model: str = "full"
    """Which BlazePose model looked: measures are taken with its own errors in mind."""
    simulated: str = ""
    """Fingerprint of the simulated people who are learnt from, too; empty = none. From `measures_learner`."""

    def fit(self, clips: Sequence[StudyClip], *, scale: ScoreScale, seed: int) -> FittedMeasures:
        """Measure the clips and fit.

        Raises
        ------
        InvalidValueError
            When there are too few people for a 90 % interval.
        """
        rows = [self._row(clip, scale.to_index(clip.score)) for clip in clips]
        return FittedMeasures(self, fit_model(people_of(rows + self._simulated()), seed=seed), scale)

    def measured(self, clips: Sequence[StudyClip]) -> MeasuredPeople:
        """Return the clips' measures, without their scores."""
        return people_of([self._row(clip, float("nan")) for clip in clips])

    def _row(self, clip: StudyClip, rated: float) -> Row:
        kept = _measured.setdefault(clip.pose, {})
        key = (clip.exercise, self.pose_model)
        if key not in kept:
            kept[key] = measure_clip(clip, pose_model=self.pose_model)[1]
        return clip.subject, clip.exercise, self.pose_model, rated, float("nan"), kept[key], {}

    def _simulated(self) -> list[Row]:
        if not self.simulated:
            return []
        people = shipped_people()
        return [(*row[:6], {}) for row in rows_of(people.where(~people.is_filmed))]


@dataclass(frozen=True, eq=False)
class FittedMeasures:
    """The model after its training people."""

    learner: MeasuresLearner
    model: FittedModel
    scale: ScoreScale

    def predict(self, clips: Sequence[StudyClip]) -> FloatArray:
        """Return for each clip the score of its person's session; shape (n_clips,)."""
        if not clips:
            return np.empty(0)
        index = self.model.predict(self.learner.measured(clips))
        sessions = [(clip.subject, clip.session) for clip in clips]
        weights = np.array([_weight_of(clip, self.model.weights) for clip in clips])
        pooled = np.empty(len(clips))
        for session in set(sessions):
            mine = np.array([one == session for one in sessions])
            pooled[mine] = np.average(index[mine], weights=weights[mine])
        return np.array([self.scale.to_score(one) for one in pooled])


def measures_learner(*, pose_model: str = "full") -> MeasuresLearner:
    """Return the learner of the model that ships, with the simulated people who ship with it."""
    content = resources.files("backsight.training").joinpath(SHIPPED).read_bytes()
    return MeasuresLearner(pose_model=pose_model, simulated=hashlib.sha256(content).hexdigest()[:16])


def _weight_of(clip: StudyClip, weights: Mapping[Exercise, float]) -> float:
    return weights[Exercise(clip.exercise)]
