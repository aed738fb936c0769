from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from backsight.benchmarks.uiprmd import judge_correctness
from backsight.domain.study import ScoreScale
from backsight.evaluation.baselines import KnowsPeople, Median
from backsight.evaluation.folds import Split
from backsight.evaluation.protocol import Protocol
from backsight.evaluation.store import FoldStore
from tests.unit.evaluation.studies import make_study

BINARY = ScoreScale(best=1.0, worst=0.0, is_binary=True)
ONE_OUT = Protocol(n_folds=4, n_seeds=2, split=Split.ONE_OUT)


class Confused:
    """Sees right from wrong but in some clips, and in those of one person shown together never."""

    def __init__(self, study, wrong, name="best"):
        scores = {clip.pose: clip.score for clip in study.clips}
        self._said = {
            pose: 1.0 - score if place in wrong else score for place, (pose, score) in enumerate(scores.items())
        }
        self.name = name

    def fit(self, clips, *, scale, seed):
        return self

    def predict(self, clips):
        said = np.array([self._said[clip.pose] for clip in clips])
        return said if len(clips) > 1 else 1.0 - said


def make_binary():
    exercises = [f"{kind}-{number}" for kind in ("right", "wrong") for number in range(5)]
    study = make_study(n_people=4, exercises=exercises, score=lambda _, exercise: float(exercise.startswith("right")))
    clips = tuple(replace(clip, exercise="squat" if clip.exercise[-1] in "01" else "lean") for clip in study.clips)
    return replace(study, clips=clips, scale=BINARY)


def test_right_and_wrong_are_told_apart_at_the_middle_and_weighed_alike(tmp_path) -> None:
    study = make_binary()
    # Of 20 right ones 4 are missed, of 20 wrong ones none: (16 / 20 + 1) / 2.
    learner = Confused(study, wrong={0, 10, 20, 30})
    result = judge_correctness(
        study, [Median(), learner], protocol=ONE_OUT, store=FoldStore(tmp_path, "test"), n_draws=20
    )

    figures = {figure.name: figure for figure in result.figures}
    assert figures["best/balanced_accuracy"].value == pytest.approx(0.9)
    assert figures["best/balanced_accuracy"].met is True
    assert figures["best/one-clip-shown/balanced_accuracy"].value == pytest.approx(0.1)
    assert figures["median/balanced_accuracy"].value == pytest.approx(0.5)
    assert figures["median/balanced_accuracy"].bar is None
    rows = json.loads(json.dumps(result.to_dict(), allow_nan=False))["rows"]
    assert {row["kind"] for row in rows} == {"learner", "leaky", "exercise", "group", "alone"}
    squat = next(row for row in rows if row.get("exercise") == "squat")
    assert squat["balanced_accuracy"]["value"] == pytest.approx(0.75)  # 4 of 8 right ones missed


def test_people_tell_nothing_where_each_does_right_and_wrong_alike(tmp_path) -> None:
    result = judge_correctness(
        make_binary(), [KnowsPeople()], protocol=ONE_OUT, store=FoldStore(tmp_path, "test"), n_draws=20
    )
    figures = {figure.name: figure.value for figure in result.figures}
    assert figures["knows-people/balanced_accuracy"] == pytest.approx(0.5)
