"""A graph network on the skeleton: neighbours along the bones, then time. Knows nothing of features but their layout.

After Yan, Xiong and Lin 2018 (ST-GCN), arXiv:1801.07455, cut down to a size that a few hundred recordings can teach.
"""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import Tensor, nn

from backsight.domain.landmarks import N_LANDMARKS, SKELETON
from backsight.errors import InvalidValueError
from backsight.network.config import NetworkConfig
from backsight.network.sequence import SequenceNetwork
from backsight.network.tcn import CausalConvolution

N_FIELDS = 5
"""Columns a landmark: x, y, z, visibility, presence. They come first, landmark by landmark."""
_NODE_SIZE = 8
"""Values that a landmark carries from layer to layer."""


class GraphNetwork(SequenceNetwork):
    """Landmarks exchange values along the bones, are joined by the columns that belong to none, and read over time.

    Raises
    ------
    InvalidValueError
        When there are fewer columns than landmarks have.
    """

    def __init__(self, config: NetworkConfig) -> None:
        super().__init__(config)
        n_others = config.n_features - N_LANDMARKS * N_FIELDS
        if n_others < 0:
            raise InvalidValueError(
                f"a graph network needs the {N_LANDMARKS * N_FIELDS} columns of the landmarks, got "
                f"{config.n_features} columns; choose another network for these"
            )
        self.adjacency: Tensor
        self.register_buffer("adjacency", _normalised_adjacency(), persistent=False)
        sizes = [N_FIELDS] + [_NODE_SIZE] * config.n_layers
        # From oneself, and from the neighbours, with weights of their own.
        self.own = nn.ModuleList(nn.Linear(n, m) for n, m in pairwise(sizes))
        self.neighbours = nn.ModuleList(nn.Linear(n, m, bias=False) for n, m in pairwise(sizes))
        self.embedding = nn.Linear(N_LANDMARKS * _NODE_SIZE + n_others, config.embedding_size)
        self.time = nn.ModuleList(
            CausalConvolution(
                config.embedding_size if block == 0 else config.hidden_size, config.hidden_size, dilation=2**block
            )
            for block in range(config.n_layers)
        )

    def read(self, scaled: Tensor, shift: Tensor) -> Tensor:
        """Return the last convolution's output at each frame; see `SequenceNetwork.read`."""
        n_columns = N_LANDMARKS * N_FIELDS
        nodes = scaled[..., :n_columns].reshape(*scaled.shape[:2], N_LANDMARKS, N_FIELDS)
        for own, neighbours in zip(self.own, self.neighbours, strict=True):
            # (n_people, n_frames, 33, _NODE_SIZE)
            nodes = self.activation(own(nodes) + torch.matmul(self.adjacency, neighbours(nodes)))
        joined = torch.cat((nodes.flatten(-2), scaled[..., n_columns:]), dim=-1)
        read: Tensor = self.embedding(joined) + shift
        for convolution in self.time:
            read = self.dropout(self.activation(convolution(read)))
        return read


def _normalised_adjacency() -> Tensor:
    """Return the mean over the neighbours along the bones; shape (33, 33). A landmark without bones gets nothing."""
    adjacency = torch.zeros(N_LANDMARKS, N_LANDMARKS)
    for first, second in SKELETON:
        adjacency[first, second] = adjacency[second, first] = 1.0
    return adjacency / adjacency.sum(dim=1, keepdim=True).clamp(min=1.0)
