"""The paper's network: its blocks, its activation, its causality."""

from __future__ import annotations

import pytest
import torch

from backsight.errors import InvalidValueError
from backsight.network.config import LstmConfig
from backsight.network.lstm import SpineLstm, count_parameters, network_from_bytes, weights_to_bytes


def test_blocks_have_the_papers_sizes() -> None:
    network = SpineLstm(LstmConfig(n_features=193))

    embedding = 193 * 128 + 128
    lstm_layer = 4 * 128 * (128 + 128) + 2 * 4 * 128
    dense = 128 * 193 + 193
    assert count_parameters(network) == embedding + 2 * lstm_layer + dense + (193 + 1)


@pytest.mark.parametrize(("bias", "expected"), [(0.7, 0.7), (-2.0, -0.02)])
def test_last_activation_is_equation_two(bias: float, expected: float) -> None:
    network = SpineLstm(LstmConfig(n_features=3))
    with torch.no_grad():
        network.neuron.weight.zero_()
        network.neuron.bias.fill_(bias)

    raw, _ = network(torch.rand(1, 4, 3))

    torch.testing.assert_close(raw, torch.full((1, 4), expected))


def test_later_frames_do_not_change_earlier_outputs() -> None:
    torch.manual_seed(0)
    network = SpineLstm(LstmConfig(n_features=3))
    frames = torch.rand(1, 20, 3)
    changed = frames.clone()
    changed[:, 12:] += 1.0

    before, after = network(frames)[0], network(changed)[0]

    torch.testing.assert_close(before[:, :12], after[:, :12])
    assert (before[:, 12:] - after[:, 12:]).abs().max() > 1e-4


def test_state_continues_a_sequence() -> None:
    torch.manual_seed(0)
    network = SpineLstm(LstmConfig(n_features=3))
    frames = torch.rand(2, 20, 3)

    whole, _ = network(frames)
    first, state = network(frames[:, :7])
    second, _ = network(frames[:, 7:], state)

    torch.testing.assert_close(torch.cat([first, second], dim=1), whole)


def test_weights_survive_their_file_and_leave_the_random_numbers_alone() -> None:
    config = LstmConfig(n_features=3, hidden_size=5)
    torch.manual_seed(1)
    network = SpineLstm(config)
    stored = weights_to_bytes(network)
    state_before = torch.get_rng_state()

    again = network_from_bytes(stored, config)

    assert torch.equal(torch.get_rng_state(), state_before)
    assert weights_to_bytes(again) == stored


@pytest.mark.parametrize("field", ["n_features", "hidden_size", "n_layers"])
@pytest.mark.parametrize("value", [0, -1, 2.5, True])
def test_sizes_must_be_positive_whole_numbers(field: str, value: object) -> None:
    with pytest.raises(InvalidValueError, match=f"`{field}`"):
        LstmConfig(**{"n_features": 3, field: value})  # type: ignore[arg-type]


def test_folding_in_moves_standardising_into_the_embedding() -> None:
    torch.manual_seed(0)
    network = SpineLstm(LstmConfig(n_features=3))
    frames = torch.rand(2, 9, 3)
    mean, spread = torch.tensor([0.5, -1.0, 0.1]), torch.tensor([0.1, 2.0, 0.5])
    expected, _ = network((frames - mean) / spread)

    network.fold_in(mean, spread)

    torch.testing.assert_close(network(frames)[0], expected, atol=1e-6, rtol=1e-5)


def test_memory_starts_with_forgetting_over_up_to_the_frames_asked_for() -> None:
    network = SpineLstm(LstmConfig(n_features=3))

    network.remember_for(200)

    for layer in range(2):
        gate_in, gate_forget, gate_cell, gate_out = getattr(network.lstm, f"bias_ih_l{layer}").detach().split(128)
        torch.testing.assert_close(gate_in, -gate_forget)
        # a forget gate of 1 - 1 / T is a logistic of log(T - 1); T up to 200 frames
        frames = 1.0 + gate_forget.exp()
        assert frames.min() >= 2.0
        assert 150.0 < frames.max() <= 200.0
        assert not gate_cell.any()
        assert not gate_out.any()
        assert not getattr(network.lstm, f"bias_hh_l{layer}").any()
