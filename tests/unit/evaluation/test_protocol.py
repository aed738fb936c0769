from __future__ import annotations

import pickle
from collections import Counter
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np
import pytest

from backsight.domain.study import Study
from backsight.errors import InvalidValueError
from backsight.evaluation.baselines import Duration, Median
from backsight.evaluation.folds import Split, clip_folds, subject_folds
from backsight.evaluation.protocol import Protocol, cross_validate
from backsight.evaluation.store import FoldStore, fingerprint_study
from tests.unit.evaluation.studies import Spy, make_clip, make_study


def test_a_person_is_in_one_fold_and_folds_are_of_even_size() -> None:
    subjects = [f"p{number % 11}" for number in range(44)]
    folds = subject_folds(subjects, n_folds=4, seed=1)

    of_person = {who: {fold for one, fold in zip(subjects, folds, strict=True) if one == who} for who in subjects}
    assert {len(found) for found in of_person.values()} == {1}
    assert sorted(Counter(found.pop() for found in of_person.values()).values()) == [2, 3, 3, 3]


def test_folds_rest_on_people_and_seed_not_on_the_order_of_clips() -> None:
    subjects = [f"p{number}" for number in range(10)] * 2
    forwards = subject_folds(subjects, n_folds=5, seed=3)
    backwards = subject_folds(subjects[::-1], n_folds=5, seed=3)

    assert forwards.tolist() == backwards[::-1].tolist()
    assert forwards.tolist() != subject_folds(subjects, n_folds=5, seed=4).tolist()


def test_balanced_folds_hold_every_level_of_the_score() -> None:
    subjects = [f"p{number:02d}" for number in range(20)]
    scores = np.random.default_rng(0).permutation(20).astype(float)
    folds = subject_folds(subjects, n_folds=5, seed=0, scores=scores.tolist())

    for fold in range(5):
        # One of the lowest five, one of the next five, and so on.
        assert sorted(scores[folds == fold] // 5) == [0, 1, 2, 3]


@pytest.mark.parametrize("n_folds", [1, 4])
def test_folds_need_people(n_folds: int) -> None:
    with pytest.raises(InvalidValueError, match=f"number of people, 3, got {n_folds}"):
        subject_folds(["a", "b", "c", "a"], n_folds=n_folds, seed=0)


def test_the_leaky_split_puts_people_on_both_sides() -> None:
    folds = clip_folds(40, n_folds=5, seed=0)
    assert Counter(folds.tolist()) == dict.fromkeys(range(5), 8)
    assert len({(row // 4, fold) for row, fold in enumerate(folds.tolist())}) > 10


def test_every_scored_clip_is_predicted_once_a_seed() -> None:
    study = make_study(n_people=7)
    study = replace(study, clips=(*study.clips, make_clip("nobody scored", score=float("nan"))))
    table = cross_validate(study, Spy(), protocol=Protocol(n_folds=3, n_seeds=2, first_seed=5))

    assert Counter(zip(table.seed.tolist(), table.clip.tolist(), strict=True)) == {
        (seed, clip): 1 for seed in (5, 6) for clip in range(14)
    }
    assert table.score.tolist() == [study.clips[clip].score for clip in table.clip]
    # The mean of the other people, who are all those of other folds.
    for seed, fold in {(5, 0), (6, 2)}:
        rows = (table.seed == seed) & (table.fold == fold)
        others = (table.seed == seed) & (table.fold != fold)
        np.testing.assert_allclose(table.predicted[rows], table.score[others].mean())
    assert not table.has_intervals


def test_leave_one_out_holds_out_each_person() -> None:
    table = cross_validate(make_study(n_people=6), Spy(), protocol=Protocol(n_seeds=1, split=Split.ONE_OUT))
    assert len(set(table.fold.tolist())) == 6
    assert len({(who, fold) for who, fold in zip(table.subject, table.fold, strict=True)}) == 6


def test_a_learning_curve_shows_the_same_people_and_more() -> None:
    def people_of(n_training_subjects: int) -> list[set[str]]:
        spy = Spy()
        cross_validate(make_study(), spy, protocol=Protocol(n_seeds=1, n_training_subjects=n_training_subjects))
        return [{clip.subject for clip in clips} for clips in spy.fits]

    few, more = people_of(4), people_of(9)
    assert {len(people) for people in few} == {4}
    assert {len(people) for people in more} == {9}
    assert all(fewer < larger for fewer, larger in zip(few, more, strict=True))


@pytest.mark.parametrize("said", [[1.0], [1.0, float("nan")]])
def test_a_learner_that_does_not_answer_is_refused(said: list[float]) -> None:
    class Mute:
        name = "mute"

        def fit(self, clips, *, scale, seed):
            return self

        def predict(self, clips):
            return np.array(said)

    with pytest.raises(InvalidValueError, match="2 finite scores for 2 clips"):
        cross_validate(make_study(), Mute(), protocol=Protocol())


def test_people_are_means_of_their_clips() -> None:
    study = make_study(n_people=4, score=lambda person, exercise: 10.0 * person + (exercise == "lean"))
    people = cross_validate(study, Median(), protocol=Protocol(n_folds=2, n_seeds=2)).by_person()
    assert len(people) == 8
    assert sorted(people.score.tolist()) == [0.5, 0.5, 10.5, 10.5, 20.5, 20.5, 30.5, 30.5]


@dataclass(frozen=True)
class Shifted:
    """Says 10 plus a setting, and breaks off at a given fit."""

    shift: float = 0.0
    name: str = "shifted"
    fits: ClassVar = []
    break_off_at: ClassVar = None

    def fit(self, clips, *, scale, seed):
        if len(self.fits) == type(self).break_off_at:
            raise KeyboardInterrupt
        self.fits.append(seed)
        return self

    def predict(self, clips):
        return np.full(len(clips), 10.0 + self.shift)


@pytest.fixture
def shifted(monkeypatch):
    monkeypatch.setattr(Shifted, "fits", [])
    monkeypatch.setattr(Shifted, "break_off_at", None)
    return Shifted


def test_an_interrupted_run_goes_on_where_it_was(tmp_path, monkeypatch, shifted) -> None:
    study, protocol = make_study(n_people=6), Protocol(n_folds=3, n_seeds=2)
    store = FoldStore(tmp_path / "work", "v1")
    monkeypatch.setattr(shifted, "break_off_at", 4)
    with pytest.raises(KeyboardInterrupt):
        cross_validate(study, shifted(), protocol=protocol, store=store)
    assert len(shifted.fits) == 4

    monkeypatch.setattr(shifted, "break_off_at", None)
    resumed = cross_validate(study, shifted(), protocol=protocol, store=store)
    assert len(shifted.fits) == 6
    again = cross_validate(study, shifted(), protocol=protocol, store=store)

    assert len(shifted.fits) == 6
    assert again.predicted.tolist() == resumed.predicted.tolist() == [10.0] * 24
    assert again.subject.tolist() == resumed.subject.tolist()
    assert again.seconds == resumed.seconds > 0.0


def test_where_and_in_which_order_folds_are_judged_changes_nothing(tmp_path) -> None:
    study, protocol = make_study(n_people=9, score=lambda person, _: float(person**2)), Protocol(n_folds=3, n_seeds=2)
    sent = []

    def elsewhere(function, items):
        # What is sent arrives as a copy, and what is handed in last is done first.
        copied = pickle.loads(pickle.dumps(function))  # noqa: S301  our own bytes
        sent.append(list(items))
        for place in reversed(range(len(items))):
            yield place, copied(items[place])

    store = FoldStore(tmp_path / "work", "v1")
    here = cross_validate(study, Duration(), protocol=protocol)
    there = cross_validate(study, Duration(), protocol=protocol, store=store, spread=elsewhere)
    for column in ("clip", "seed", "fold", "subject", "predicted"):
        assert getattr(there, column).tolist() == getattr(here, column).tolist()
    assert sent == [[(seed, fold) for seed in (0, 1) for fold in range(3)]]
    # Only what an earlier run has not finished is sent.
    next(store.folder.iterdir()).unlink()
    again = cross_validate(study, Duration(), protocol=protocol, store=store, spread=elsewhere)
    assert len(sent[1]) == 1
    assert again.predicted.tolist() == here.predicted.tolist()


def _rescored(study: Study) -> Study:
    return replace(study, clips=(replace(study.clips[0], score=1.5), *study.clips[1:]))


@pytest.mark.parametrize(
    "change", [{"session": "second"}, {"frame_size": (480, 640)}, {"group": "C"}, {"view": "side"}]
)
def test_a_study_is_known_by_all_that_decides_predictions(change) -> None:
    study = make_study(n_people=3)
    first = study.clips[0]
    if "frame_size" in change:
        change = {"pose": replace(first.pose, **change)}
    other = replace(study, clips=(replace(first, **change), *study.clips[1:]))
    assert fingerprint_study(other) != fingerprint_study(study)
    assert fingerprint_study(make_study(n_people=3)) == fingerprint_study(study)


@pytest.mark.parametrize(
    "change",
    [
        lambda study, learner, protocol, store: (_rescored(study), learner, protocol, store),
        lambda study, learner, protocol, store: (make_study(n_people=7), learner, protocol, store),
        lambda study, learner, protocol, store: (study, learner(shift=1.0), protocol, store),
        lambda study, learner, protocol, store: (study, learner, replace(protocol, n_folds=2), store),
        lambda study, learner, protocol, store: (study, learner, protocol, replace(store, code_version="v2")),
    ],
    ids=["score", "people", "settings", "protocol", "code"],
)
def test_what_was_kept_for_something_else_is_not_taken(tmp_path, shifted, change) -> None:
    study, protocol, store = make_study(n_people=6), Protocol(n_folds=3, n_seeds=1), FoldStore(tmp_path, "v1")
    cross_validate(study, shifted(), protocol=protocol, store=store)
    n_before = len(shifted.fits)

    study, learner, protocol, store = change(study, shifted, protocol, store)
    cross_validate(study, learner() if isinstance(learner, type) else learner, protocol=protocol, store=store)
    assert len(shifted.fits) > n_before


def test_a_damaged_fold_is_made_anew(tmp_path, shifted) -> None:
    study, protocol, store = make_study(n_people=6), Protocol(n_folds=3, n_seeds=1), FoldStore(tmp_path, "v1")
    cross_validate(study, shifted(), protocol=protocol, store=store)
    next(tmp_path.glob("*.npz")).write_bytes(b"PK half a file")

    cross_validate(study, shifted(), protocol=protocol, store=store)
    assert len(shifted.fits) == 4
    assert not list(tmp_path.glob("*.part"))
