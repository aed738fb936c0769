"""Sizes of the paper's network and of its rivals. Knows nothing of the library that runs or trains it."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Literal, get_args

from backsight.errors import InvalidValueError

PAPER_DENSE_SIZE = 193
"""Neurons of the dense block behind the LSTM (paper, section III-A)."""

NEGATIVE_SLOPE = 0.01
"""Slope below zero of the activation that the paper calls ReLU and defines, in Eq. (2), as LeakyReLU."""


@dataclass(frozen=True)
class LstmConfig:
    """Sizes of `SpineLstm`. The paper names the blocks and the 193 neurons; the other sizes are ours."""

    n_features: int
    """Columns of the feature sequence."""
    embedding_size: int = 128
    hidden_size: int = 128
    n_layers: int = 2
    dense_size: int = PAPER_DENSE_SIZE
    negative_slope: float = NEGATIVE_SLOPE

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            if field.name == "negative_slope":
                continue
            if not isinstance(value, int) or isinstance(value, bool) or value < 1:
                raise InvalidValueError(f"`{field.name}` of the network must be a positive whole number, got {value!r}")
        if not isinstance(self.negative_slope, float) or not 0.0 <= self.negative_slope < 1.0:
            raise InvalidValueError(f"`negative_slope` must be a number from 0 up to 1, got {self.negative_slope!r}")


NETWORK_KINDS = ("lstm", "gru", "rnn", "tcn", "transformer", "graph")
"""The paper's network and its rivals."""

Pooling = Literal["last", "mean", "attention"]
"""How the frames so far become one description of the movement: the last one's, as in the paper; their mean; or a mean
whose weights are learnt."""


@dataclass(frozen=True)
class NetworkConfig:
    """Sizes of a `SequenceNetwork`, whichever kind it is. Every kind ends in the paper's dense block and one neuron."""

    kind: str
    """One of `NETWORK_KINDS`."""
    n_features: int
    """Columns of the feature sequence."""
    n_exercises: int = 0
    """Exercises that the network tells apart; 0 = it is not told which one it sees."""
    embedding_size: int = 64
    hidden_size: int = 64
    n_layers: int = 2
    dense_size: int = PAPER_DENSE_SIZE
    pooling: Pooling = "last"
    dropout: float = 0.0
    """Share of the values zeroed in training, between layers and before the last neuron."""
    input_dropout: float = 0.0
    """Share of the columns hidden in training, each from a whole sequence."""
    negative_slope: float = NEGATIVE_SLOPE

    def __post_init__(self) -> None:
        if self.kind not in NETWORK_KINDS:
            raise InvalidValueError(f"`kind` of the network must be one of {', '.join(NETWORK_KINDS)}, got {self.kind}")
        if self.pooling not in get_args(Pooling):
            raise InvalidValueError(f"`pooling` must be one of {', '.join(get_args(Pooling))}, got {self.pooling}")
        for name in ("n_features", "embedding_size", "hidden_size", "n_layers", "dense_size"):
            if getattr(self, name) < 1:
                raise InvalidValueError(f"`{name}` of the network must be at least 1, got {getattr(self, name)}")
        for name in ("dropout", "input_dropout", "negative_slope"):
            if not 0.0 <= getattr(self, name) < 1.0:
                raise InvalidValueError(f"`{name}` of the network must be from 0 up to 1, got {getattr(self, name)}")
        if self.n_exercises < 0:
            raise InvalidValueError(f"`n_exercises` of the network must not be negative, got {self.n_exercises}")
