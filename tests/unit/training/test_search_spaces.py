"""Whatever a trial picks is possible for the kind of learner, and everything it picks makes a difference."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from backsight.domain.study import ScoreScale
from backsight.errors import InvalidValueError
from backsight.evaluation.learner import Learner
from backsight.network.config import NETWORK_KINDS
from backsight.training.ensembles import kinematic_ensemble
from backsight.training.kinematic import KinematicLearner
from backsight.training.neural import NeuralLearner
from backsight.training.neural_kinds import kinematic_columns_learner, neural_learner
from backsight.training.search_spaces import check_possible, check_tunable, suggest_learner
from backsight.training.tuning import settled

POINTS = ScoreScale(best=50.0, worst=0.0)
RIGHT_OR_WRONG = ScoreScale(best=1.0, worst=0.0, is_binary=True)


class Picks:
    """Picks the first or the last of everything, and notes what it was asked for."""

    def __init__(self, end: int) -> None:
        self._end = end
        self.asked: dict[str, Any] = {}

    def suggest_categorical(self, name: str, choices):
        self.asked[name] = list(choices)[self._end]
        return self.asked[name]

    def suggest_float(self, name: str, low: float, high: float, *, log: bool = False) -> float:
        return self.suggest_categorical(name, [low, high])

    def suggest_int(self, name: str, low: int, high: int, *, step: int = 1) -> int:
        return self.suggest_categorical(name, [low, high])


@pytest.mark.parametrize("end", [0, -1])
@pytest.mark.parametrize("kind", NETWORK_KINDS)
def test_whatever_is_picked_of_a_network_can_be_built(kind: str, end: int) -> None:
    picked = suggest_learner(neural_learner(kind), Picks(end), scale=POINTS)
    check_possible(picked)
    assert isinstance(picked, NeuralLearner)
    assert picked.config.kind == kind


TUNABLE = [KinematicLearner(), *map(neural_learner, NETWORK_KINDS), kinematic_columns_learner("lstm")]


@pytest.mark.parametrize("learner", TUNABLE, ids=lambda learner: learner.name)
def test_what_a_search_found_makes_the_learner_again_under_a_name_of_its_own(learner: Learner) -> None:
    picks = Picks(-1)
    found = suggest_learner(learner, picks, scale=RIGHT_OR_WRONG)
    tuned = settled(learner, picks.asked, scale=RIGHT_OR_WRONG)
    assert tuned.name == f"{learner.name}-tuned"
    assert replace(tuned, name=learner.name) == found != learner


def test_a_graph_is_offered_no_columns_without_landmarks() -> None:
    class Notes(Picks):
        def suggest_categorical(self, name: str, choices):
            super().suggest_categorical(name, choices)
            self.asked[name] = list(choices)
            return next(iter(choices))

    graph, lstm = Notes(0), Notes(0)
    suggest_learner(neural_learner("graph"), graph, scale=POINTS)
    suggest_learner(neural_learner("lstm"), lstm, scale=POINTS)
    assert graph.asked["columns"] == ["all", "landmarks"]
    assert lstm.asked["columns"] == ["all", "kinematic", "landmarks"]


def test_settings_that_no_network_can_have_are_refused() -> None:
    config = neural_learner("graph").config
    blind = NeuralLearner(replace(config, features=replace(config.features, columns="kinematic")))
    with pytest.raises(InvalidValueError, match="a graph network needs the 165 columns"):
        check_possible(blind)
    check_possible(KinematicLearner())


def test_a_weight_beside_nothing_is_not_searched() -> None:
    picks = Picks(-1)
    suggest_learner(neural_learner("lstm"), picks, scale=POINTS)
    assert picks.asked["columns"] == "landmarks"
    assert "landmark_weight" not in picks.asked


@pytest.mark.parametrize(
    ("robust", "scale", "reads_noise"),
    [(True, POINTS, False), (False, POINTS, True), (True, RIGHT_OR_WRONG, True)],
)
def test_noise_is_searched_only_where_the_fit_reads_it(robust: bool, scale: ScoreScale, reads_noise: bool) -> None:
    picks = Picks(0)
    suggest_learner(KinematicLearner(robust=robust), picks, scale=scale)
    assert ("noise" in picks.asked) is reads_noise


def test_others_have_nothing_to_search() -> None:
    with pytest.raises(InvalidValueError, match="expected one with a search space"):
        check_tunable(kinematic_ensemble())
