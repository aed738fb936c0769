"""The choice of the model that ships: sessions, intervals and the choice itself, on learners whose errors are known."""

from __future__ import annotations

import json

import numpy as np
import pytest

from backsight.benchmarks.shipped import (
    CANDIDATES,
    CHOSEN,
    SHIPS,
    Sessions,
    choose_by_fold,
    held_by_intervals,
    judge_candidates,
    pick_candidates,
    shipped_lines,
)
from backsight.domain.validation import FloatArray
from backsight.errors import InputError
from backsight.evaluation.baselines import Median
from backsight.evaluation.predictions import Predictions
from backsight.evaluation.protocol import Protocol
from backsight.evaluation.store import FoldStore
from tests.unit.evaluation.studies import make_study


class Knows:
    """Is off by the points given in all of a person's clips, to the worse side."""

    def __init__(self, study, *, off, name):
        self._said = {clip.pose: clip.score - off for clip in study.clips}
        self.name = name

    def fit(self, clips, *, scale, seed):
        return self

    def predict(self, clips):
        return np.array([self._said[clip.pose] for clip in clips])


def sessions(off: list[float], *, fold: list[int]) -> Sessions:
    """People rated 0.5, of whom an index that is off by this much is said."""
    n = len(off)
    nothing: FloatArray = np.full(n, np.nan)
    names = np.array([f"p{number:02d}" for number in range(n)])
    empty = np.array([""] * n)
    rated = np.full(n, 0.5)
    people = Predictions(
        np.arange(n), names, empty, empty, empty, np.zeros(n, int), np.array(fold), rated, rated, nothing, nothing
    )
    return Sessions(people, rated + np.array(off), rated, rated)


def judge(study, learners, tmp_path, *, truth, **options):
    return judge_candidates(
        study,
        truth,
        learners,
        protocol=Protocol(n_folds=3, n_seeds=2),
        store=FoldStore(tmp_path / "work", "test"),
        n_draws=20,
        **options,
    )


def test_sessions_stand_beside_rating_and_truth(tmp_path) -> None:
    # Scores 0 to 46 of 50: indices 1 down to 0.08. All are rated 0.02 better than they are.
    study = make_study(n_people=24)
    truth = {clip.subject: study.scale.to_index(clip.score) + 0.02 for clip in study.clips}
    learners = [Median(), Knows(study, off=2.0, name="kinematic"), Knows(study, off=0.5, name=SHIPS)]

    result = judge(study, learners, tmp_path, truth=truth)

    rows = {row["learner"]: row for row in json.loads(json.dumps(result.to_dict(), allow_nan=False))["rows"]}
    assert list(rows) == ["median", "kinematic", SHIPS, CHOSEN]
    assert rows["kinematic"]["mae_rated"]["value"] == pytest.approx(0.04)  # 2 of 50 points
    assert rows["kinematic"]["mae_true"]["value"] == pytest.approx(0.02)
    assert rows["kinematic"]["auc"]["value"] == 1.0
    assert rows["kinematic"]["gain_of_shipped"]["value"] == pytest.approx(0.02 - 0.01)
    assert "gain_of_shipped" not in rows[SHIPS]
    assert rows[SHIPS]["people"] == 24
    assert rows[CHOSEN]["mae_rated"]["value"] == pytest.approx(0.01)
    assert rows[CHOSEN]["times_chosen"] == {"kinematic": 0, SHIPS: 6}
    assert len({line.count("|") for line in shipped_lines(result.rows)}) == 1


def test_the_choice_is_made_by_the_people_of_the_other_folds() -> None:
    # `a` is right in fold 0 only, `b` in fold 1 only: whoever chooses by the fold itself is never wrong.
    fold = [0, 0, 1, 1]
    candidates = {"a": sessions([0.0, 0.0, 0.3, 0.3], fold=fold), "b": sessions([0.3, 0.3, 0.0, 0.0], fold=fold)}
    chosen, times = choose_by_fold(candidates)
    assert chosen.off == pytest.approx([0.3] * 4)
    assert times == {"a": 1, "b": 1}


def test_an_interval_is_as_wide_as_the_errors_of_other_folds() -> None:
    # Ten people of fold 1 are off by .01 to .10: with 9 in 10 to be held, the tenth of 11 errors is .10.
    off = [0.05, -0.2, *np.arange(0.01, 0.105, 0.01).tolist()]
    held, width = held_by_intervals(sessions(off, fold=[0, 0, *[1] * 10]))
    assert width[:2] == pytest.approx([0.1, 0.1])
    assert held[:2].tolist() == [1.0, 0.0]
    # Fold 1 would rest on two people.
    assert np.isnan(held[2:]).all()


def test_candidates_are_all_there_are_or_those_named() -> None:
    assert [one.name for one in pick_candidates([], pose_model="full")] == list(CANDIDATES)
    assert [one.name for one in pick_candidates(["lstm"], pose_model="full")] == ["lstm"]
    with pytest.raises(InputError, match=r"--learner: expected one of measures, .*, got best"):
        pick_candidates(["best"], pose_model="full")
