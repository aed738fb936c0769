"""One interface for the paper's network and its rivals: a movement in, a score after every frame out.

Knows nothing of features, exercises' names or files.
"""

from __future__ import annotations

from abc import ABC, abstractmethod

import torch
from torch import Tensor, nn

from backsight.network.config import NetworkConfig

UNKNOWN_EXERCISE = 0
"""Number of an exercise that training did not know; the known ones count from 1."""
_LARGEST_ATTENTION = 5.0
"""Logarithm of how much one frame may weigh more than an average one, so that sums over frames stay exact."""


class SequenceNetwork(nn.Module, ABC):
    """Layers that read frames -> pooling over the frames so far -> dense block -> one neuron.

    Dense block, neuron and activation are the paper's (section III-A, Eq. 2), whatever reads the frames. Every kind is
    causal: the score after a frame depends on that frame and the ones before it, so a padded end changes nothing.

    Parameters
    ----------
    config
        Sizes of the blocks.
    """

    def __init__(self, config: NetworkConfig) -> None:
        super().__init__()
        self.config = config
        # The number of the exercise shifts what the layers read; for 0 exercises there is nothing to learn.
        self.exercise = nn.Embedding(config.n_exercises + 1, config.embedding_size) if config.n_exercises else None
        if self.exercise is not None:
            nn.init.zeros_(self.exercise.weight)
        self.input_dropout = nn.Dropout1d(config.input_dropout)
        self.dropout = nn.Dropout(config.dropout)
        self.attention = nn.Linear(config.hidden_size, 1) if config.pooling == "attention" else None
        self.dense = nn.Linear(config.hidden_size, config.dense_size)
        self.neuron = nn.Linear(config.dense_size, 1)
        self.activation = nn.LeakyReLU(config.negative_slope)

    @abstractmethod
    def read(self, scaled: Tensor, shift: Tensor) -> Tensor:
        """Return what the layers make of each frame; shape (n_people, n_frames, hidden_size).

        Parameters
        ----------
        scaled
            Shape (n_people, n_frames, n_features).
        shift
            What the exercise adds to the embedding; shape (n_people, 1, embedding_size).
        """

    def start_at(self, index: float) -> None:
        """Let the untrained network answer about `index` to everyone, as `SpineLstm.start_at`."""
        nn.init.constant_(self.neuron.bias, index)

    def read_frames(self, scaled: Tensor, exercise: Tensor) -> Tensor:
        """Return what the layers make of each frame, before pooling; shape (n_people, n_frames, hidden_size)."""
        if self.exercise is None:
            shift = scaled.new_zeros(len(scaled), self.config.embedding_size)
        else:
            shift = self.exercise(exercise)
        # Dropout1d drops whole channels: a column of a person over all frames.
        kept = self.input_dropout(scaled.transpose(1, 2)).transpose(1, 2)
        return self.read(kept, shift[:, None])

    def describe(self, scaled: Tensor, exercise: Tensor) -> Tensor:
        """Return the dense block's output after each frame; shape (n_people, n_frames, dense_size)."""
        return self._condense(self._pool(self.read_frames(scaled, exercise)))

    def score(self, scaled: Tensor, n_frames: Tensor, exercise: Tensor) -> Tensor:
        """Return the score of each sequence alone, as `forward` does, for a fraction of the work; shape (n_people,)."""
        read = self.read_frames(scaled, exercise)
        # The dense block is larger than all before it: where only the last frame counts, only that one goes through.
        last = _at(read, n_frames - 1) if self.config.pooling == "last" else _at(self._pool(read), n_frames - 1)
        return self.judge(self._condense(last))

    def _condense(self, pooled: Tensor) -> Tensor:
        dense: Tensor = self.dropout(self.activation(self.dense(pooled)))
        return dense

    def judge(self, dense: Tensor) -> Tensor:
        """Return the raw scores to the dense block's output, one for each row; shape without the last dimension."""
        raw: Tensor = self.activation(self.neuron(dense)).squeeze(-1)
        return raw

    def forward(self, scaled: Tensor, n_frames: Tensor, exercise: Tensor) -> tuple[Tensor, Tensor]:
        """Return the score of each sequence, and the scores after each of its frames.

        Parameters
        ----------
        scaled
            Scaled features without NaN, padded at the end; shape (n_people, longest, n_features).
        n_frames
            Frames of each sequence without padding; shape (n_people,).
        exercise
            Number of each sequence's exercise, `UNKNOWN_EXERCISE` or 1 to n_exercises; shape (n_people,).

        Returns
        -------
        score
            After the last frame; shape (n_people,).
        running
            After each frame; shape (n_people, longest). Meaningless in the padding.
        """
        running = self.judge(self.describe(scaled, exercise))
        return running.gather(1, (n_frames - 1)[:, None]).squeeze(1), running

    def _pool(self, read: Tensor) -> Tensor:
        """Return what is known after each frame; shape as `read`, (n_people, n_frames, hidden_size)."""
        if self.config.pooling == "last":
            return read
        if self.attention is None:
            count = torch.arange(1, read.shape[1] + 1, device=read.device, dtype=read.dtype)
            return read.cumsum(dim=1) / count[None, :, None]
        logits = self.attention(read)
        weights = torch.exp(_LARGEST_ATTENTION * torch.tanh(logits / _LARGEST_ATTENTION))
        return (weights * read).cumsum(dim=1) / weights.cumsum(dim=1)


def _at(values: Tensor, frame: Tensor) -> Tensor:
    """Return one frame of each sequence; (n, n_frames, size) and (n,) -> (n, size)."""
    return values[torch.arange(len(values), device=values.device), frame]


def build_network(config: NetworkConfig) -> SequenceNetwork:
    """Build an untrained network of the kind that the config names; the caller seeds torch."""
    from backsight.network.graph import GraphNetwork
    from backsight.network.recurrent import RecurrentNetwork
    from backsight.network.tcn import TemporalConvolutionNetwork
    from backsight.network.transformer import TransformerNetwork

    classes: dict[str, type[SequenceNetwork]] = {
        "tcn": TemporalConvolutionNetwork,
        "transformer": TransformerNetwork,
        "graph": GraphNetwork,
    }
    return classes.get(config.kind, RecurrentNetwork)(config)
