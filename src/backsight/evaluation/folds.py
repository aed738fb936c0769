"""Divide clips into folds. Knows nothing of learners.

Folds are drawn by person: two clips of one person resemble each other more than they resemble anybody else's, and
nothing about a person but the name decides where they go, unless balancing by score is asked for. The split by clip is
there to show what it would have claimed.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from backsight.domain.study import StudyClip
from backsight.errors import InvalidValueError


class Split(StrEnum):
    """Who may be on both sides of a split."""

    SUBJECTS = "subjects"
    """Nobody; people are drawn into the folds."""
    ONE_OUT = "one-out"
    """Nobody; each person is a fold."""
    CLIPS = "clips"
    """Everybody: the split that leaks, for comparison only."""


def subject_folds(
    subjects: Sequence[str], *, n_folds: int, seed: int, scores: Sequence[float] | None = None
) -> NDArray[np.intp]:
    """Assign each clip to a fold by drawing lots among people.

    Parameters
    ----------
    subjects
        Who each clip shows; neither their order nor the number of a person's clips matters.
    seed
        The same people and seed give the same folds.
    scores
        Given, each fold gets its share of people of every level of the mean score; the draw then knows the scores of
        all people, though no learner does. None = by name alone.

    Returns
    -------
    numpy.ndarray
        The fold of each clip, 0 to n_folds - 1; shape (n_clips,).

    Raises
    ------
    InvalidValueError
        When there are fewer people than folds, or fewer than two folds.
    """
    people = sorted(set(subjects))
    if not 2 <= n_folds <= len(people):
        raise InvalidValueError(
            f"`n_folds` must be 2 to the number of people, {len(people)}, got {n_folds}; ask for fewer folds"
        )
    rng = np.random.default_rng(seed)
    if scores is None:
        order = [people[at] for at in rng.permutation(len(people))]
        fold_of = {who: place % n_folds for place, who in enumerate(order)}
    else:
        means = _means(subjects, scores)
        fold_of = {}
        ranked = sorted(people, key=lambda who: (means[who], who))
        for first in range(0, len(ranked), n_folds):
            fold_of.update(zip(ranked[first : first + n_folds], rng.permutation(n_folds).tolist(), strict=False))
    return np.array([fold_of[who] for who in subjects], dtype=np.intp)


def clip_folds(n_clips: int, *, n_folds: int, seed: int) -> NDArray[np.intp]:
    """Assign clips to folds by drawing lots among clips, whoever they show: a split that leaks; shape (n_clips,)."""
    if not 2 <= n_folds <= n_clips:
        raise InvalidValueError(f"`n_folds` must be 2 to the number of clips, {n_clips}, got {n_folds}")
    folds = np.empty(n_clips, dtype=np.intp)
    folds[np.random.default_rng(seed).permutation(n_clips)] = np.arange(n_clips) % n_folds
    return folds


def assign_folds(
    clips: Sequence[StudyClip], *, split: Split, n_folds: int, seed: int, balanced: bool = False
) -> NDArray[np.intp]:
    """Return the fold of each clip under a kind of split; shape (n_clips,)."""
    subjects = [clip.subject for clip in clips]
    if split is Split.CLIPS:
        return clip_folds(len(clips), n_folds=n_folds, seed=seed)
    if split is Split.ONE_OUT:
        people = sorted(set(subjects))
        return np.array([people.index(who) for who in subjects], dtype=np.intp)
    scores = [clip.score for clip in clips] if balanced else None
    return subject_folds(subjects, n_folds=n_folds, seed=seed, scores=scores)


def _means(subjects: Sequence[str], scores: Sequence[float]) -> dict[str, float]:
    of_person: dict[str, list[float]] = {}
    for who, score in zip(subjects, scores, strict=True):
        of_person.setdefault(who, []).append(score)
    return {who: float(np.mean(found)) for who, found in of_person.items()}
