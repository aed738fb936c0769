"""A temporal convolution network: causal, dilated, residual. Knows nothing of features."""

from __future__ import annotations

from torch import Tensor, nn

from backsight.network.config import NetworkConfig
from backsight.network.sequence import SequenceNetwork

_KERNEL = 5


class TemporalConvolutionNetwork(SequenceNetwork):
    """Embedding -> residual blocks of causal convolutions, each looking twice as far back as the one before.

    After Bai, Kolter and Koltun 2018, arXiv:1803.01271.
    """

    def __init__(self, config: NetworkConfig) -> None:
        super().__init__(config)
        self.embedding = nn.Linear(config.n_features, config.embedding_size)
        self.widen = nn.Linear(config.embedding_size, config.hidden_size)
        self.convolutions = nn.ModuleList(
            CausalConvolution(config.hidden_size, config.hidden_size, dilation=2**block)
            for block in range(config.n_layers)
        )
        self.norms = nn.ModuleList(nn.LayerNorm(config.hidden_size) for _ in range(config.n_layers))

    def read(self, scaled: Tensor, shift: Tensor) -> Tensor:
        """Return the last block's output at each frame; see `SequenceNetwork.read`."""
        read: Tensor = self.widen(self.embedding(scaled) + shift)
        for convolution, norm in zip(self.convolutions, self.norms, strict=True):
            read = read + self.dropout(self.activation(convolution(norm(read))))
        return read


class CausalConvolution(nn.Module):
    """A convolution over time that sees a frame and those before it.

    Parameters
    ----------
    n_in, n_out
        Values a frame.
    dilation
        Frames between two that it looks at.
    """

    def __init__(self, n_in: int, n_out: int, *, dilation: int = 1) -> None:
        super().__init__()
        self.reach = (_KERNEL - 1) * dilation
        self.convolution = nn.Conv1d(n_in, n_out, _KERNEL, dilation=dilation)

    def forward(self, values: Tensor) -> Tensor:
        """Map (n, n_frames, n_in) to (n, n_frames, n_out)."""
        before = nn.functional.pad(values.transpose(1, 2), (self.reach, 0))
        convolved: Tensor = self.convolution(before).transpose(1, 2)
        return convolved
