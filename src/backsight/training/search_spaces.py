"""What may be chosen of each learner when it is tuned. Knows no study and no way to search."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Protocol

from backsight.domain.study import ScoreScale
from backsight.errors import InvalidValueError
from backsight.evaluation.learner import Learner


class Suggests(Protocol):
    """Whoever picks values, as an Optuna trial does."""

    def suggest_float(self, name: str, low: float, high: float, *, log: bool = False) -> float:
        """Pick a number."""
        ...

    def suggest_int(self, name: str, low: int, high: int, *, step: int = 1) -> int:
        """Pick a whole number."""
        ...

    def suggest_categorical(self, name: str, choices: Sequence[Any]) -> Any:
        """Pick one of some."""
        ...


def check_tunable(learner: Learner) -> None:
    """Raise `InvalidValueError` unless there is something to choose of a learner."""
    from backsight.training.kinematic import KinematicLearner

    if not (isinstance(learner, KinematicLearner) or _is_network(learner)):
        raise InvalidValueError(
            f"learner {learner.name}: expected one with a search space, kinematic or a single network such as lstm; "
            "this one has no settings to search"
        )


def suggest_learner(learner: Learner, trial: Suggests, *, scale: ScoreScale) -> Learner:
    """Return the learner with settings that a trial picks; only such as make a difference on scores of that scale.

    Raises
    ------
    InvalidValueError
        When there is nothing to choose of it.
    """
    check_tunable(learner)
    return _network(learner, trial) if _is_network(learner) else _kinematic(learner, trial, scale=scale)


def check_possible(learner: Learner) -> None:
    """Raise `InvalidValueError` when no learner can have such settings, before anything is fitted."""
    if not _is_network(learner):
        return
    import torch

    from backsight.network.sequence import build_network

    network: Any = learner
    with torch.random.fork_rng(devices=[]):
        build_network(network.config.network(n_exercises=1))


def _is_network(learner: Learner) -> bool:
    # By name first, so that a kernel is tuned without loading torch.
    if type(learner).__name__ != "NeuralLearner":
        return False
    from backsight.training.neural import NeuralLearner

    return isinstance(learner, NeuralLearner)


def _kinematic(learner: Any, trial: Suggests, *, scale: ScoreScale) -> Learner:
    """Fix the kernel's shares instead of choosing them anew in every fit."""
    from backsight.training.kinematic import SHARES
    from backsight.training.kinematic_kernel import KernelShares

    shares = KernelShares(
        exercise=trial.suggest_float("exercise", 0.1, 2.0, log=True),
        shared=trial.suggest_float("shared", 0.02, 1.0, log=True),
        person=trial.suggest_float("person", 0.0, 1.5),
        reach=trial.suggest_float("reach", 0.3, 3.0, log=True),
        # Support vectors do not read it.
        noise=SHARES[0].noise
        if learner.counts_misses_by_size(scale)
        else trial.suggest_float("noise", 0.02, 1.0, log=True),
    )
    tuned: Learner = replace(learner, choices=(shares,))
    return tuned


_COLUMNS = {"graph": ("all", "landmarks")}
"""Groups of columns that a kind of network can read, where it cannot read every one: a graph is made of landmarks."""
_ALL_COLUMNS = ("all", "kinematic", "landmarks")
_LAYERS = {"tcn": (2, 4)}
"""Fewest and most layers of a kind, where they are not `_USUAL_LAYERS`: one convolution sees three frames."""
_USUAL_LAYERS = (1, 3)


def _network(learner: Any, trial: Suggests) -> Learner:
    config = learner.config
    columns = trial.suggest_categorical("columns", _COLUMNS.get(config.kind, _ALL_COLUMNS))
    fewest, most = _LAYERS.get(config.kind, _USUAL_LAYERS)
    size = trial.suggest_categorical("size", [16, 32, 48, 64, 96])
    tuned: Learner = replace(
        learner,
        config=replace(
            config,
            features=replace(
                config.features,
                columns=columns,
                n_frames=trial.suggest_categorical("n_frames", [25, 50, 100]),
            ),
            # Of one group alone a weight would only rescale all that there is.
            landmark_weight=trial.suggest_float("landmark_weight", 0.1, 1.0) if columns == "all" else 1.0,
            embedding_size=size,
            hidden_size=size,
            n_layers=trial.suggest_int("n_layers", fewest, most),
            pooling=trial.suggest_categorical("pooling", ["last", "mean", "attention"]),
            dropout=trial.suggest_float("dropout", 0.0, 0.5),
            fit=replace(
                config.fit,
                learning_rate=trial.suggest_float("learning_rate", 3e-4, 1e-2, log=True),
                weight_decay=trial.suggest_float("weight_decay", 1e-3, 0.3, log=True),
                noise=trial.suggest_float("noise", 0.0, 0.3),
            ),
        ),
    )
    return tuned
