from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from backsight.benchmarks.index import judge_index
from backsight.domain.assessment import IndexCurve
from backsight.domain.movement import JudgedMovement
from backsight.domain.recording import Exercise
from tests.assessments import CARD, make_pose


class Predictor:
    """Gives the indices that it was told to, in turn."""

    def __init__(self, indices):
        self._indices = iter(indices)
        self.card = replace(CARD, interval_half_width=0.15)

    def judge(self, movement):
        times_s = movement.features.timestamps_s
        return JudgedMovement(IndexCurve(timestamps_s=times_s, raw=np.full(len(times_s), next(self._indices))), 0.0)


def film(person, exercise, true):
    pose = make_pose(n_frames=120)
    return SimpleNamespace(
        recording=SimpleNamespace(subject_id=person),
        shot=SimpleNamespace(exercise=exercise),
        index=true,
        tracks={"full": SimpleNamespace(pose=pose)},
    )


def test_an_index_stands_beside_the_truth_and_beside_one_for_all():
    films = [
        film(f"p{number}", exercise, true)
        for number, true in enumerate((0.1, 0.4, 0.6, 0.9))
        for exercise in (Exercise.WALK, Exercise.JUMP)
    ]
    # Walk: off by .1, .1, .1, .3. Jump: exact. Sessions: off by half of the walk's.
    given = [0.2, 0.1, 0.5, 0.4, 0.7, 0.6, 0.6, 0.9]

    result = judge_index(films, predictor=Predictor(given), pose_model="full")

    value = {figure.name: figure.value for figure in result.figures}
    assert value["walk/mean_error"] == pytest.approx(0.15)
    assert value["walk/same_for_all"] == pytest.approx(0.25)  # the median .5: .4, .1, .1, .4
    assert value["walk/rank_correlation"] == pytest.approx(0.8)  # ranks 1 2 4 3 of 1 2 3 4
    assert value["walk/held"] == pytest.approx(0.75)
    assert value["jump/mean_error"] == pytest.approx(0.0)
    assert value["session/mean_error"] == pytest.approx(0.075)
    assert {figure.n for figure in result.figures} == {4}
