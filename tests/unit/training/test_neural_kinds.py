"""Every network can be asked for by name, and the paper's gets what the paper says."""

from dataclasses import replace

import pytest

from backsight.features.schema import N_FEATURES
from backsight.network.config import NETWORK_KINDS, PAPER_DENSE_SIZE
from backsight.network.recurrent import RecurrentNetwork
from backsight.network.sequence import build_network
from backsight.training.learners import learner_names, make_learner
from backsight.training.neural import NeuralLearner
from backsight.training.neural_kinds import neural_config


@pytest.mark.parametrize("kind", NETWORK_KINDS)
def test_each_kind_is_a_learner_of_its_name(kind: str) -> None:
    assert kind in learner_names()
    learner = make_learner(kind)
    assert isinstance(learner, NeuralLearner)
    assert learner.name == learner.config.kind == kind


def test_the_lstm_reads_193_columns_and_has_a_dense_block_of_193() -> None:
    config = neural_config("lstm")
    network = build_network(config.network(n_exercises=5))
    assert isinstance(network, RecurrentNetwork)
    assert network.embedding.in_features == N_FEATURES == len(config.features.names)
    assert network.dense.out_features == PAPER_DENSE_SIZE == 193
    assert network.activation.negative_slope == 0.01


def test_all_kinds_see_the_same_features() -> None:
    assert len({neural_config(kind).features for kind in NETWORK_KINDS}) == 1


def test_recurrent_kinds_learn_to_foresee_and_differ_in_nothing_but_the_kind() -> None:
    foresees = {kind: neural_config(kind).fit.n_pretrain_epochs > 0 for kind in NETWORK_KINDS}
    assert {kind for kind, does in foresees.items() if does} == {"lstm", "gru", "rnn"}
    assert len({replace(neural_config(kind), kind="") for kind in ("lstm", "gru", "rnn")}) == 1


@pytest.mark.parametrize("name", ["lstm-28", "networks"])
def test_other_names_are_kept(name: str) -> None:
    assert make_learner(name).name == name
