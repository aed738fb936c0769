"""Every way to learn scores from movements, by name. Knows none of them until it is asked for."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from backsight.errors import InvalidValueError
from backsight.evaluation.learner import Learner
from backsight.network.config import NETWORK_KINDS


def _kinematic() -> Learner:
    from backsight.training.kinematic import KinematicLearner

    return KinematicLearner()


def _kinematic_ensemble() -> Learner:
    from backsight.training.ensembles import kinematic_ensemble

    return kinematic_ensemble()


def _best() -> Learner:
    """Return what is recommended: of kernels and of kernels with trees, the one that training people speak for.

    Other learners are left out of the choice because it fits each of them several times more.
    """
    from backsight.evaluation.choice import NestedChoice
    from backsight.training.ensembles import kinematic_ensemble
    from backsight.training.kinematic import KinematicLearner

    return NestedChoice(learners=(KinematicLearner(), kinematic_ensemble()), name="best", n_folds=3)


def _network(kind: str) -> Learner:
    from backsight.training.neural_kinds import neural_learner

    return neural_learner(kind)


def _network_on_measures(kind: str) -> Learner:
    from backsight.training.neural_kinds import kinematic_columns_learner

    return kinematic_columns_learner(kind)


def _networks() -> Learner:
    from backsight.training.neural_kinds import network_ensemble

    return network_ensemble()


_FACTORIES: dict[str, Callable[[], Learner]] = {
    "kinematic": _kinematic,
    "kinematic-ensemble": _kinematic_ensemble,
    "best": _best,
    **{kind: partial(_network, kind) for kind in NETWORK_KINDS},
    "lstm-28": partial(_network_on_measures, "lstm"),
    "networks": _networks,
}
"""Name -> how to make it. A factory imports what it needs when it is called, so that listing names stays light."""


def learner_names() -> tuple[str, ...]:
    """Return the names that `make_learner` knows, in the order of tables."""
    return tuple(_FACTORIES)


def make_learner(name: str) -> Learner:
    """Return the learner of that name, untrained.

    Raises
    ------
    InvalidValueError
        When no learner is called that.
    """
    try:
        factory = _FACTORIES[name]
    except KeyError:
        raise InvalidValueError(f"learner: expected one of {', '.join(_FACTORIES)}, got {name!r}") from None
    return factory()
