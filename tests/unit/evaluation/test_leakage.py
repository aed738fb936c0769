"""Nothing of a held-out person reaches a learner: not the score, the group, a telling name, nor the other people."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
import pytest

from backsight.domain.sequences import PoseSequence
from backsight.domain.study import NOT_KNOWN, FoundBy
from backsight.evaluation.baselines import KnowsPeople, Median
from backsight.evaluation.choice import NestedChoice
from backsight.evaluation.conformal import CrossConformal
from backsight.evaluation.folds import Split
from backsight.evaluation.learner import Learner
from backsight.evaluation.metrics import mean_absolute_error
from backsight.evaluation.nested import out_of_fold, scores_of
from backsight.evaluation.protocol import Protocol, cross_validate
from backsight.training.learners import make_learner
from tests.unit.evaluation.studies import Spy, make_study
from tests.unit.studying.moving import moving_study

ONCE = Protocol(n_folds=5, n_seeds=1)

WRAPPERS = {
    "bare": lambda spy: spy,
    "conformal": lambda spy: CrossConformal(spy, n_folds=3),
    "conformal mean": lambda spy: CrossConformal(spy, n_folds=3, refit=False),
    "chosen": lambda spy: NestedChoice((spy,), n_folds=3),
    "nested": lambda spy: CrossConformal(NestedChoice((spy, Median()), n_folds=3), n_folds=3),
}


@pytest.mark.parametrize("split", [Split.SUBJECTS, Split.ONE_OUT])
@pytest.mark.parametrize("wrap", WRAPPERS.values(), ids=WRAPPERS.keys())
def test_no_learner_is_fitted_on_anybody_whom_it_is_asked_about(wrap, split) -> None:
    spy = Spy()
    study = make_study(n_people=14)

    cross_validate(study, wrap(spy), protocol=replace(ONCE, split=split))

    assert spy.asked
    for fit, asked in spy.asked:
        assert not {clip.subject for clip in asked} & {clip.subject for clip in spy.fits[fit]}


@pytest.mark.parametrize("wrap", WRAPPERS.values(), ids=WRAPPERS.keys())
def test_what_is_fitted_for_a_fold_knows_nobody_of_that_fold(wrap) -> None:
    # Marks each fold's people by their pose, which no blinding changes.
    study = make_study(n_people=15)
    spy = Spy()
    fits_of_fold = []

    class Outer:
        name = "outer"

        def fit(self, clips, *, scale, seed):
            before = len(spy.fits)
            fitted = wrap(spy).fit(clips, scale=scale, seed=seed)
            fits_of_fold.append(spy.fits[before:])
            return fitted

    table = cross_validate(study, Outer(), protocol=ONCE)

    for fold, fits in enumerate(fits_of_fold):
        held_out = {study.clips[row].pose for row in table.clip[table.fold == fold]}
        assert len(held_out) == 6
        assert fits
        assert not any(clip.pose in held_out for clips in fits for clip in clips)


@pytest.mark.parametrize("wrap", WRAPPERS.values(), ids=WRAPPERS.keys())
def test_scores_groups_and_names_are_stripped_and_one_person_is_asked_about_at_a_time(wrap) -> None:
    spy = Spy()
    study = make_study()
    filmed = tuple(replace(clip, found_by=FoundBy(pose_model="lite")) for clip in study.clips)
    cross_validate(replace(study, clips=filmed), wrap(spy), protocol=ONCE)

    for _, asked in spy.asked:
        assert len({clip.subject for clip in asked}) == 1
        assert all(math.isnan(clip.score) for clip in asked)
    shown = [clip for clips in [*spy.fits, *(asked for _, asked in spy.asked)] for clip in clips]
    assert {clip.group for clip in shown} == {""}
    assert {clip.found_by for clip in shown} == {NOT_KNOWN}
    assert not any("scored" in clip.name or clip.subject.startswith(("A_", "B_")) for clip in shown)
    assert all(math.isfinite(clip.score) for clips in spy.fits for clip in clips)


def test_a_person_keeps_one_pseudonym_and_a_clip_one_twin() -> None:
    study = make_study(n_people=6)
    first, second = Spy(), Spy()
    cross_validate(study, first, protocol=Protocol(n_folds=3, n_seeds=2))
    cross_validate(study, second, protocol=Protocol(n_folds=2, n_seeds=1))

    shown = {clip for spy in (first, second) for clips in spy.fits for clip in clips}
    asked = {clip for spy in (first, second) for _, clips in spy.asked for clip in clips}
    assert len(shown) == len(asked) == len(study.clips)
    assert len({clip.subject for clip in shown | asked}) == 6


def test_alone_shows_one_clip_at_a_time() -> None:
    spy = Spy()
    cross_validate(make_study(), spy, protocol=replace(ONCE, alone=True))
    assert {len(asked) for _, asked in spy.asked} == {1}


def test_the_order_of_a_persons_clips_does_not_tell_which_are_which() -> None:
    # Eight clips a person, in the study always in the same order.
    study = make_study(n_people=4, exercises=[f"e{number}" for number in range(8)])
    spy = Spy()
    table = cross_validate(study, spy, protocol=Protocol(n_folds=2, n_seeds=1))

    assert all([clip.exercise for clip in asked] != list(study.exercises) for _, asked in spy.asked)
    assert [study.clips[row].exercise for row in table.clip] == table.exercise.tolist()


def test_a_learner_that_knows_people_by_heart_gains_by_leakage_only() -> None:
    study = make_study()

    def off(learner, split) -> float:
        table = cross_validate(study, learner, protocol=replace(ONCE, split=split))
        return mean_absolute_error(table.predicted, table.score)

    # Both of a person's clips are scored alike, and in 4 of 5 cases the other one was learnt from.
    assert off(KnowsPeople(), Split.CLIPS) < 0.35 * off(Median(), Split.CLIPS)
    honest = [cross_validate(study, learner, protocol=ONCE).predicted.tolist() for learner in (KnowsPeople(), Median())]
    assert honest[0] == honest[1]


def test_a_learner_that_reads_the_group_off_names_finds_nothing() -> None:
    class ReadsNames:
        name = "reads-names"

        def fit(self, clips, *, scale, seed):
            return self

        def predict(self, clips):
            return np.array([50.0 * ("A" in clip.subject or "A" in clip.name or clip.group == "A") for clip in clips])

    study = make_study(score=lambda person, _: 50.0 * (person % 2 == 0))
    table = cross_validate(study, ReadsNames(), protocol=ONCE)
    assert set(table.predicted) == {0.0}
    assert set(table.group) == {"A", "B"}


@dataclass(frozen=True)
class Watched:
    """A learner that notes each of its fits in turn: itself, and the poses it was shown, which no blinding changes."""

    learner: Learner
    fits: list[tuple[Learner, set[PoseSequence]]]

    @property
    def name(self) -> str:
        return self.learner.name

    def fit(self, clips, *, scale, seed):
        self.fits.append((self.learner, {clip.pose for clip in clips}))
        return self.learner.fit(clips, scale=scale, seed=seed)


@pytest.mark.parametrize("order", [1, -1], ids=["as it is", "rivals the other way round"])
def test_best_chooses_anew_in_each_fold_among_training_people_alone(order: int) -> None:
    study, best, fits = moving_study(), make_learner("best"), []
    assert isinstance(best, NestedChoice)
    # Either way round, so that neither the first nor the last can be taken unseen.
    best = replace(best, learners=best.learners[::order])
    watched = replace(best, learners=tuple(Watched(one, fits) for one in best.learners))
    table = cross_validate(study, watched, protocol=Protocol(n_folds=3, n_seeds=1))

    # Each rival without each of three inner folds, and once more the one that was chosen.
    n_each = 3 * len(best.learners) + 1
    assert len(fits) == 3 * n_each
    for fold in range(3):
        held_out = {study.clips[row].pose for row in table.clip[table.fold == fold]}
        training = [clip for clip in study.clips if clip.pose not in held_out]
        *inner, (chosen, shown) = fits[n_each * fold : n_each * (fold + 1)]
        assert len(held_out) == 8
        assert shown == {clip.pose for clip in training}
        for _, taught in inner:
            assert taught < shown
        errors = [
            mean_absolute_error(
                out_of_fold(training, one, scale=study.scale, seed=0, n_folds=3)[0], scores_of(training)
            )
            for one in best.learners
        ]
        assert chosen == best.learners[int(np.argmin(errors))]


def test_what_held_out_people_were_scored_changes_nothing_that_best_says_of_them() -> None:
    study, once = moving_study(), Protocol(n_folds=3, n_seeds=1)
    honest = cross_validate(study, make_learner("best"), protocol=once)
    held_out = set(honest.clip[honest.fold == 0].tolist())
    clips = [replace(clip, score=50.0 - clip.score) if at in held_out else clip for at, clip in enumerate(study.clips)]

    turned = cross_validate(replace(study, clips=tuple(clips)), make_learner("best"), protocol=once)
    assert turned.predicted[turned.fold == 0].tolist() == honest.predicted[honest.fold == 0].tolist()
    assert turned.predicted[turned.fold != 0].tolist() != honest.predicted[honest.fold != 0].tolist()
