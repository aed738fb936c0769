"""A small transformer encoder that looks back only. Knows nothing of features."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from backsight.network.config import NetworkConfig
from backsight.network.sequence import SequenceNetwork

_HEAD_SIZE = 16
_LONGEST_WAVE = 10_000.0
"""Of the position code, as in Vaswani et al. 2017, arXiv:1706.03762."""


class TransformerNetwork(SequenceNetwork):
    """Embedding and position code -> encoder layers with a causal mask, normalised first."""

    def __init__(self, config: NetworkConfig) -> None:
        super().__init__(config)
        self.embedding = nn.Linear(config.n_features, config.embedding_size)
        self.widen = nn.Linear(config.embedding_size, config.hidden_size)
        self.layers = nn.ModuleList(
            nn.TransformerEncoderLayer(
                config.hidden_size,
                nhead=_count_heads(config.hidden_size),
                dim_feedforward=2 * config.hidden_size,
                dropout=config.dropout,
                batch_first=True,
                norm_first=True,
            )
            for _ in range(config.n_layers)
        )
        self.norm = nn.LayerNorm(config.hidden_size)

    def read(self, scaled: Tensor, shift: Tensor) -> Tensor:
        """Return the encoder's output at each frame; see `SequenceNetwork.read`."""
        n_frames = scaled.shape[1]
        code = _position_code(n_frames, self.config.hidden_size).to(scaled)
        later = torch.triu(torch.ones(n_frames, n_frames, dtype=torch.bool, device=scaled.device), diagonal=1)
        read = self.widen(self.embedding(scaled) + shift) + code
        for layer in self.layers:
            read = layer(read, src_mask=later)
        normed: Tensor = self.norm(read)
        return normed


def _count_heads(size: int) -> int:
    """Return as many heads of about `_HEAD_SIZE` as divide the size."""
    return next(n for n in range(max(1, size // _HEAD_SIZE), 0, -1) if size % n == 0)


def _position_code(n_frames: int, size: int) -> Tensor:
    """Return sines and cosines of ever longer waves; shape (n_frames, size)."""
    position = torch.arange(n_frames, dtype=torch.float32)[:, None]
    frequency = torch.exp(-math.log(_LONGEST_WAVE) * torch.arange(0, size, 2, dtype=torch.float32) / size)
    return torch.cat((torch.sin(position * frequency), torch.cos(position * frequency)), dim=1)[:, :size]
