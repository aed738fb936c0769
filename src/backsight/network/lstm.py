"""The paper's network in PyTorch: embedding, LSTM, dense block, one neuron. Knows nothing of features or files."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from backsight.network.config import LstmConfig

LstmState = tuple[Tensor, Tensor]
"""(hidden, cell), each of shape (n_layers, n_people, hidden_size)."""


class SpineLstm(nn.Module):
    """Embedding -> LSTM blocks (Eqs. 3-5) -> dense block -> one neuron, after every frame (paper, section III-A).

    The network is causal: the output after a frame depends on that frame and the ones before it, so whole
    sequences and a live stream give the same numbers. Its output is kept as it stands; the index is it clipped to
    0 best to 1 worst, which `IndexCurve.index` does.

    Where the paper leaves room, and where this differs from it:

    - The sizes of the embedding and of the LSTM are not printed; 128 and two layers of 128 are ours.
    - Activation of the dense block: not named; taken to be the LeakyReLU of Eq. (2), as after the last neuron.
    - Eq. (2): the paper says ReLU but defines LeakyReLU with slope 0.01. We follow the equation.
    - The paper reads one output a sequence; here there is one after every frame, so that the report can show how
      the index builds up. The last one is the paper's.

    Parameters
    ----------
    config
        Sizes of the blocks.
    """

    def __init__(self, config: LstmConfig) -> None:
        super().__init__()
        self.config = config
        self.embedding = nn.Linear(config.n_features, config.embedding_size)
        self.lstm = nn.LSTM(config.embedding_size, config.hidden_size, config.n_layers, batch_first=True)
        self.dense = nn.Linear(config.hidden_size, config.dense_size)
        self.neuron = nn.Linear(config.dense_size, 1)
        self.activation = nn.LeakyReLU(config.negative_slope)

    def start_at(self, index: float) -> None:
        """Let the untrained network answer about `index` to everyone.

        A last neuron that starts below zero sits on LeakyReLU's flat side and learns a hundred times more slowly.
        """
        nn.init.constant_(self.neuron.bias, index)

    def remember_for(self, n_frames: int) -> None:
        """Let the untrained memory fade over times up to `n_frames`, instead of the two frames it starts with.

        What matters may lie seconds before the last frame, out of reach of PyTorch's own first weights. The biases of
        the gates are set to log U(1, n_frames), "chrono initialisation" of Tallec and Ollivier 2018, arXiv:1804.11188.
        """
        size = self.config.hidden_size
        for layer in range(self.config.n_layers):
            spread = torch.log(torch.empty(size).uniform_(1.0, max(n_frames - 1.0, 2.0)))
            bias = getattr(self.lstm, f"bias_ih_l{layer}")
            nn.init.zeros_(getattr(self.lstm, f"bias_hh_l{layer}"))
            with torch.no_grad():
                bias.zero_()
                bias[:size] = -spread  # input gate
                bias[size : 2 * size] = spread  # forget gate

    def fold_in(self, mean: Tensor, spread: Tensor) -> None:
        """Let the embedding itself do (x - mean) / spread, which its inputs have had done to them so far.

        Parameters
        ----------
        mean, spread
            Shape (n_features,).
        """
        with torch.no_grad():
            self.embedding.bias.sub_(self.embedding.weight @ (mean / spread))
            self.embedding.weight.div_(spread)

    def forward(self, scaled: Tensor, state: LstmState | None = None) -> tuple[Tensor, LstmState]:
        """Return the raw output after each frame, and the state that continues the sequence.

        Parameters
        ----------
        scaled
            Features scaled to about 0 to 1, without NaN; shape (n_people, n_frames, n_features). Sequences of
            unequal length are padded at the end: being causal, the network's earlier outputs do not change.
        state
            Where the sequence was left; None at its start.

        Returns
        -------
        raw
            Shape (n_people, n_frames).
        state
            (hidden, cell), each of shape (n_layers, n_people, hidden_size).
        """
        dense, state = self.describe(scaled, state)
        return self.judge(dense), state

    def describe(self, scaled: Tensor, state: LstmState | None = None) -> tuple[Tensor, LstmState]:
        """Return the dense block's output after each frame, shape (n_people, n_frames, dense_size), and the state."""
        embedded = self.embedding(scaled)  # (n_people, n_frames, embedding_size)
        remembered, state = self.lstm(embedded, state)  # (n_people, n_frames, hidden_size)
        return self.activation(self.dense(remembered)), state

    def judge(self, dense: Tensor) -> Tensor:
        """Return the raw output, shape (n_people, n_frames), to the dense block's."""
        raw: Tensor = self.activation(self.neuron(dense)).squeeze(-1)
        return raw


def count_parameters(network: nn.Module) -> int:
    """Return the number of trained weights."""
    return sum(weights.numel() for weights in network.parameters())


def weights_to_bytes(network: nn.Module) -> bytes:
    """Return the weights as a safetensors file, so that training can go on from them."""
    from safetensors.torch import save

    return save({name: weights.detach().contiguous() for name, weights in network.state_dict().items()})


def network_from_bytes(weights: bytes, config: LstmConfig) -> SpineLstm:
    """Rebuild the network from `weights_to_bytes`, ready to predict or to train on."""
    from safetensors.torch import load

    with torch.random.fork_rng(devices=[]):
        network = SpineLstm(config)
    network.load_state_dict(load(weights))
    return network.eval()
