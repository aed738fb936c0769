"""Take from clips what a learner must not know before one sees them. Knows no learner.

A learner gets twins of a study's clips. People are called by a pseudonym, because a data set's own names may tell the
group (`E_ID1` is an expert); group, name and what found the landmarks are taken away; and of the people to be predicted
the score is NaN, and their clips come in an order of their own. So nothing can be read that a new person's recording
would not show. A clip has one twin of each kind, so that what a learner keeps beside a clip is worked out once.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from weakref import WeakKeyDictionary, WeakSet

import numpy as np

from backsight.domain.study import NOT_KNOWN, StudyClip
from backsight.domain.validation import FloatArray
from backsight.errors import InvalidValueError
from backsight.evaluation.learner import FittedIntervalLearner, FittedLearner

_training_twins: WeakKeyDictionary[StudyClip, StudyClip] = WeakKeyDictionary()
_asked_twins: WeakKeyDictionary[StudyClip, StudyClip] = WeakKeyDictionary()
_twins: WeakSet[StudyClip] = WeakSet()


def pseudonym(subject: str) -> str:
    """Return what a learner calls a person: the same wherever the person appears, and without order or meaning."""
    return f"person-{hashlib.sha256(subject.encode()).hexdigest()[:10]}"


def as_training(clip: StudyClip) -> StudyClip:
    """Return the clip as `Learner.fit` may see it: scored, without group and names."""
    if clip in _twins:
        return clip
    twin = _training_twins.get(clip)
    if twin is None:
        who = pseudonym(clip.subject)
        # Patients may have been filmed otherwise than controls.
        twin = replace(clip, subject=who, group="", name=f"{who}/{clip.exercise}", found_by=NOT_KNOWN)
        _training_twins[clip] = twin
        _twins.add(twin)
    return twin


def as_asked(clip: StudyClip) -> StudyClip:
    """Return the clip as `FittedLearner.predict` may see it: as in training, and without its score."""
    seen = as_training(clip)
    if math.isnan(seen.score):
        return seen
    twin = _asked_twins.get(seen)
    if twin is None:
        twin = replace(seen, score=math.nan)
        _asked_twins[seen] = twin
        _twins.add(twin)
    return twin


@dataclass(frozen=True, eq=False)
class Answers:
    """What a fitted learner says of some clips; each array of shape (n_clips,)."""

    predicted: FloatArray
    """In the study's scale."""
    low: FloatArray
    """Lower end of the interval; NaN = none given."""
    high: FloatArray
    """Upper end of the interval; NaN = none given."""


def ask(fitted: FittedLearner, clips: Sequence[StudyClip], *, alone: bool = False) -> Answers:
    """Let a fitted learner predict clips, each person by themselves, so that nothing of the others can be used.

    Parameters
    ----------
    clips
        As the study holds them, or twins.
    alone
        Whether each clip is shown by itself; otherwise a person's clips are shown together and may be pooled.

    Raises
    ------
    InvalidValueError
        When the learner does not give one finite number for each clip.
    """
    rows_of: dict[object, list[int]] = {}
    for row, clip in enumerate(clips):
        rows_of.setdefault(row if alone else clip.subject, []).append(row)
    predicted, low, high = (np.full(len(clips), np.nan) for _ in range(3))
    for in_order in rows_of.values():
        # In the order of a data set, right and wrong repetitions may stand apart.
        rows = np.random.default_rng(len(in_order)).permutation(in_order)
        shown = [as_asked(clips[row]) for row in rows.tolist()]
        if isinstance(fitted, FittedIntervalLearner):
            given, low[rows], high[rows] = fitted.predict_interval(shown)
        else:
            given = fitted.predict(shown)
        if np.shape(given) != (len(rows),) or not np.all(np.isfinite(given)):
            raise InvalidValueError(
                f"`predict` must give {len(rows)} finite scores for {len(rows)} clips, got {np.asarray(given)!r}; mend "
                f"{type(fitted).__name__}"
            )
        predicted[rows] = given
    return Answers(predicted=predicted, low=low, high=high)
