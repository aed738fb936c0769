"""Foreseeing is taught without scores, and to the layers that read frames."""

import torch

from backsight.network.config import NetworkConfig
from backsight.network.sequence import build_network
from backsight.training.pretrain import FRAMES_AHEAD, foresee, foresight_loss


def waves(n_people: int) -> tuple[torch.Tensor, torch.Tensor]:
    """A sine and its slope, each person at another phase: what comes follows exactly from what is."""
    angle = 0.4 * torch.arange(16) + torch.linspace(0.0, 6.0, n_people)[:, None]
    return torch.stack((angle.sin(), angle.cos()), dim=2), torch.full((n_people,), 16)


def test_a_movement_that_can_be_foretold_is() -> None:
    torch.manual_seed(0)
    network = build_network(NetworkConfig("gru", 2, embedding_size=8, hidden_size=16, n_layers=1))
    values, n_frames = waves(16)
    errors = foresee(network, torch.nn.Linear(16, 2), values, n_frames, n_epochs=30, batch_size=8, seed=0)
    assert errors[-1] < 0.3 * errors[0]


def test_error_by_hand_and_padding_left_out() -> None:
    network = build_network(NetworkConfig("rnn", 1, hidden_size=4))
    foresight = torch.nn.Linear(4, 1)
    torch.nn.init.zeros_(foresight.weight)
    torch.nn.init.constant_(foresight.bias, 3.0)
    ramp = torch.arange(8.0)[None, :, None]
    spoilt = ramp.clone()
    spoilt[:, 6:] = 99.0
    # The ramp rises by 3 in 3 frames, as foretold; frames 6 and 7 are padding, whatever stands there.
    assert FRAMES_AHEAD == 3
    assert foresight_loss(network, foresight, ramp, torch.tensor([8])).item() == 0.0
    assert foresight_loss(network, foresight, spoilt, torch.tensor([6])).item() == 0.0
    assert foresight_loss(network, foresight, spoilt, torch.tensor([7])).item() > 1.0
