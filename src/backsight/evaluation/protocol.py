"""Judge a learner on people it has not seen: folds by person, drawn again with every seed. Knows no learner.

All that is fitted or chosen lives in `Learner.fit`, which sees only the training people; a held-out person's clips come
to `predict` without score, group and name, and without the other held-out people (`blinding`).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from backsight.domain.study import Study, StudyClip, clips_of
from backsight.errors import InvalidValueError
from backsight.evaluation.blinding import as_training, ask
from backsight.evaluation.folds import Split, assign_folds
from backsight.evaluation.learner import Learner
from backsight.evaluation.predictions import Predictions, concatenate
from backsight.evaluation.store import FoldStore, fingerprint_study

OnProgress = Callable[[str, int, int], None]
"""Told what goes on, how many folds are done, and how many there are."""
Spread = Callable[[Callable[[Any], Any], Sequence[Any]], Iterator[tuple[int, Any]]]
"""Calls a function with each of some items, wherever there is a machine, and yields each item's place among them and
what came of it, as they are done."""


@dataclass(frozen=True)
class Protocol:
    """How people are divided, how often, and what is shown at once."""

    n_folds: int = 5
    """Not used where each person is a fold."""
    n_seeds: int = 3
    """How often the folds are drawn; the learner gets the same seed."""
    first_seed: int = 0
    split: Split = Split.SUBJECTS
    balanced: bool = False
    """Whether each fold gets people of every level of the score. Off: nothing about a person decides the fold."""
    alone: bool = False
    """Whether each clip is predicted by itself, without the person's other clips."""
    n_training_subjects: int | None = None
    """At most so many of the training people are shown, for a learning curve; None = all."""

    def __post_init__(self) -> None:
        if self.n_folds < 2 or self.n_seeds < 1:
            raise InvalidValueError(
                f"`n_folds` must be 2 or more and `n_seeds` 1 or more, got {self.n_folds} and {self.n_seeds}"
            )

    @property
    def seeds(self) -> tuple[int, ...]:
        """All seeds, in turn."""
        return tuple(range(self.first_seed, self.first_seed + self.n_seeds))


@dataclass(frozen=True, eq=False)
class FoldJudge:
    """All that it takes to judge any fold of a study, so that it can be sent to another machine."""

    study: Study
    learner: Learner
    protocol: Protocol

    def __call__(self, place: tuple[int, int]) -> Predictions:
        """Fit without a fold's people and predict them; `place` is (seed, fold)."""
        seed, fold = place
        clips = self.study.scored()
        held_out = _held_out(clips, protocol=self.protocol, seed=seed)[fold]
        return _judge_fold(
            self.study, clips, self.learner, held_out=held_out, protocol=self.protocol, seed=seed, fold=fold
        )


def in_turn(function: Callable[[Any], Any], items: Sequence[Any]) -> Iterator[tuple[int, Any]]:
    """Call a function with each item here, one after the other; a `Spread`."""
    for place, item in enumerate(items):
        yield place, function(item)


def cross_validate(
    study: Study,
    learner: Learner,
    *,
    protocol: Protocol,
    store: FoldStore | None = None,
    on_progress: OnProgress | None = None,
    spread: Spread = in_turn,
) -> Predictions:
    """Predict every scored clip of a study once a seed, by a learner that was fitted without its fold.

    Parameters
    ----------
    store
        Keeps finished folds: a run that was interrupted goes on after the last of them.
    spread
        Where folds are judged; the result is the same.

    Raises
    ------
    InvalidValueError
        When the study has fewer people than folds, or the learner gives anything but one finite number for a clip.
    """
    clips = study.scored()
    fingerprint = "" if store is None else fingerprint_study(study)
    planned = [
        (seed, fold) for seed in protocol.seeds for fold in range(len(_held_out(clips, protocol=protocol, seed=seed)))
    ]
    keys = (
        []
        if store is None
        else [store.key(study=fingerprint, learner=learner, fold=f"{protocol} {seed} {fold}") for seed, fold in planned]
    )
    parts = {} if store is None else {at: kept for at, key in enumerate(keys) if (kept := store.load(key)) is not None}

    def show() -> None:
        if on_progress is not None:
            on_progress(learner.name, len(parts), len(planned))

    show()
    missing = [at for at in range(len(planned)) if at not in parts]
    for place, part in spread(FoldJudge(study, learner, protocol), [planned[at] for at in missing]):
        parts[missing[place]] = part
        if store is not None:
            store.save(keys[missing[place]], part)
        show()
    return concatenate([parts[at] for at in range(len(planned))])


def _held_out(clips: Sequence[StudyClip], *, protocol: Protocol, seed: int) -> list[NDArray[np.bool_]]:
    folds = assign_folds(clips, split=protocol.split, n_folds=protocol.n_folds, seed=seed, balanced=protocol.balanced)
    return [folds == fold for fold in range(int(folds.max()) + 1)]


def _judge_fold(
    study: Study,
    clips: Sequence[StudyClip],
    learner: Learner,
    *,
    held_out: NDArray[np.bool_],
    protocol: Protocol,
    seed: int,
    fold: int,
) -> Predictions:
    rows = np.flatnonzero(held_out)
    asked = [clips[row] for row in rows.tolist()]
    training = [as_training(clips[row]) for row in np.flatnonzero(~held_out).tolist()]
    if protocol.n_training_subjects is not None:
        training = _of_fewer_people(training, n_subjects=protocol.n_training_subjects, seed=(seed, fold))
    started_s = time.perf_counter()
    fitted = learner.fit(training, scale=study.scale, seed=seed)
    answers = ask(fitted, asked, alone=protocol.alone)
    return Predictions.of_answers(
        asked, answers, rows=rows, seed=seed, fold=fold, seconds=time.perf_counter() - started_s
    )


def _of_fewer_people(clips: Sequence[StudyClip], *, n_subjects: int, seed: tuple[int, int]) -> list[StudyClip]:
    """Return the clips of some people drawn by lot; who is drawn for few is also drawn for more."""
    people = sorted({clip.subject for clip in clips})
    drawn = [people[at] for at in np.random.default_rng(seed).permutation(len(people))[:n_subjects]]
    return list(clips_of(clips, drawn))
