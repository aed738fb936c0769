"""The paper's LSTM beside the plain recurrent network it is compared with, and a GRU. Knows nothing of features."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from backsight.network.config import NetworkConfig
from backsight.network.sequence import SequenceNetwork

_CELLS: dict[str, type[nn.LSTM | nn.GRU | nn.RNN]] = {"lstm": nn.LSTM, "gru": nn.GRU, "rnn": nn.RNN}


class RecurrentNetwork(SequenceNetwork):
    """Embedding -> recurrent blocks -> pooling -> dense block -> one neuron.

    With kind `lstm`, pooling `last` and no dropout it computes what `SpineLstm`, the paper's network, computes. RNN
    and GRU have the same sizes and everything around them alike, as in the paper's Table II.
    """

    def __init__(self, config: NetworkConfig) -> None:
        super().__init__(config)
        self.embedding = nn.Linear(config.n_features, config.embedding_size)
        self.cells = _CELLS[config.kind](
            config.embedding_size,
            config.hidden_size,
            config.n_layers,
            batch_first=True,
            dropout=config.dropout if config.n_layers > 1 else 0.0,
        )

    def remember_for(self, n_frames: int) -> None:
        """Let an untrained LSTM's memory fade over times up to `n_frames`, as `SpineLstm.remember_for`.

        The other cells keep PyTorch's first weights.
        """
        if self.config.kind != "lstm":
            return
        size = self.config.hidden_size
        for layer in range(self.config.n_layers):
            spread = torch.log(torch.empty(size).uniform_(1.0, max(n_frames - 1.0, 2.0)))
            bias = getattr(self.cells, f"bias_ih_l{layer}")
            nn.init.zeros_(getattr(self.cells, f"bias_hh_l{layer}"))
            with torch.no_grad():
                bias.zero_()
                bias[:size] = -spread  # input gate
                bias[size : 2 * size] = spread  # forget gate

    def read(self, scaled: Tensor, shift: Tensor) -> Tensor:
        """Return the cells' output after each frame; see `SequenceNetwork.read`."""
        remembered: Tensor = self.cells(self.embedding(scaled) + shift)[0]
        return remembered
