"""The rival that the paper sets its landmarks against: pictures in, a score out. Knows nothing of people or files."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from backsight.network.config import NetworkConfig
from backsight.network.sequence import build_network

_CHANNELS = (16, 32, 48)
"""Of the three convolutions; the paper prints nothing of the network that took 643 ms, all of it is ours."""
_GRID = (3, 5)
"""Rows and columns of the picture that are still told apart at the end: where a limb is matters as much as what."""


class ImageLstm(nn.Module):
    """Three convolutions for each picture -> what `lstm` on landmarks has: embedding, LSTM, dense block, one neuron.

    Everything behind the convolutions is the sequence network itself, so that only what is looked at differs.

    Parameters
    ----------
    config
        Sizes of the sequence network; its `n_features` are what the convolutions make of one picture.
    """

    def __init__(self, config: NetworkConfig) -> None:
        super().__init__()
        first, second, third = _CHANNELS
        self.look = nn.Sequential(
            nn.Conv2d(3, first, kernel_size=7, stride=4, padding=3),
            # A group norm, since the pictures of one batch are of few people.
            nn.GroupNorm(4, first),
            nn.ReLU(),
            nn.Conv2d(first, second, kernel_size=3, stride=2, padding=1),
            nn.GroupNorm(4, second),
            nn.ReLU(),
            nn.Conv2d(second, third, kernel_size=3, stride=2, padding=1),
            nn.GroupNorm(4, third),
            nn.ReLU(),
            nn.AdaptiveAvgPool2d(_GRID),
            nn.Flatten(),
            nn.Linear(third * _GRID[0] * _GRID[1], config.n_features),
        )
        self.sequence = build_network(config)

    def start_at(self, index: float) -> None:
        """Let the untrained network answer about `index` to everyone, as `SpineLstm.start_at`."""
        self.sequence.start_at(index)

    def forward(self, pictures: Tensor, exercise: Tensor) -> Tensor:
        """Return the score of each clip, not clipped; shape (n_clips,).

        Parameters
        ----------
        pictures
            Scaled; shape (n_clips, n_frames, 3, height, width), of any height and width from 16 pixels.
        exercise
            As `SequenceNetwork.forward` reads it; shape (n_clips,).
        """
        n_clips, n_frames = pictures.shape[:2]
        seen = self.look(pictures.flatten(0, 1)).unflatten(0, (n_clips, n_frames))
        length = torch.full((n_clips,), n_frames, device=pictures.device)
        return self.sequence.score(seen, length, exercise)
