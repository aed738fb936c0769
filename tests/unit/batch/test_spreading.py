"""Folds and trials spread over a local Ray cluster: the same figures as here, errors in one line."""

from __future__ import annotations

import pytest

from backsight.errors import BatchError, InvalidValueError
from backsight.evaluation.baselines import Duration, Median
from backsight.evaluation.protocol import Protocol, cross_validate
from backsight.training.code_version import own_code_version
from backsight.training.kinematic import KinematicLearner
from backsight.training.tuning import Search, tune
from tests.unit.studying.moving import moving_study

pytest.importorskip("ray", reason="the extra `cluster` is not installed")
from backsight.batch.spreading import RaySpread, learning_software

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def spread():
    with RaySpread(address="local", n_workers=2) as cluster:
        yield cluster


def double(item: int) -> int:
    if item == 7:
        raise InvalidValueError("`item` must not be 7, got 7")
    if item == 8:
        raise ZeroDivisionError("eight")
    return 2 * item


def test_each_item_comes_back_with_its_place(spread) -> None:
    assert dict(spread(double, [5, 3, 4])) == {0: 10, 1: 6, 2: 8}
    assert dict(spread(double, [])) == {}


def test_what_the_function_says_is_wrong_is_said_here(spread) -> None:
    with pytest.raises(InvalidValueError, match="must not be 7"):
        list(spread(double, [1, 7]))
    with pytest.raises(BatchError, match="eight"):
        list(spread(double, [8]))


def test_nodes_are_asked_for_what_decides_what_is_learnt() -> None:
    asked = learning_software()
    assert set(asked) == {"Backsight", "Backsight's code", "numpy", "scipy", "scikit-learn", "torch"}
    assert asked["Backsight's code"] == own_code_version()


def test_folds_on_a_cluster_give_the_figures_of_this_machine(spread) -> None:
    study, protocol = moving_study(), Protocol(n_folds=3, n_seeds=1)
    for learner in (Median(), Duration(), KinematicLearner()):
        here = cross_validate(study, learner, protocol=protocol)
        there = cross_validate(study, learner, protocol=protocol, spread=spread)
        assert there.clip.tolist() == here.clip.tolist()
        assert there.predicted == pytest.approx(here.predicted, rel=1e-9)


def test_a_search_on_a_cluster_finds_what_it_finds_here(spread, tmp_path) -> None:
    study, search = moving_study(), Search(n_trials=6, n_folds=3)
    here = tune(study, KinematicLearner(), storage=tmp_path / "here.sqlite", search=search)
    there = tune(study, KinematicLearner(), storage=tmp_path / "there.sqlite", search=search, spread=spread)
    assert there.parameters == pytest.approx(dict(here.parameters))
    assert there.inner_error == pytest.approx(here.inner_error)
    assert (there.n_finished, there.n_given_up) == (here.n_finished, here.n_given_up)
