"""Sizes of the paper's network. Knows nothing of the library that runs or trains it."""

from __future__ import annotations

from dataclasses import dataclass, fields

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
