"""A second task, given in training only, that teaches the memory what to keep. Knows nothing of ratings."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

N_SUMMARIES = 3
"""Largest, smallest and mean value so far."""


class MemoryTask(nn.Module):
    """Read off the dense block, after every frame, each column's largest, smallest and mean value so far.

    Ratings are few and noisy, and one a recording: from them alone an LSTM hardly learns to carry the depth of a bend
    to the last frame. These targets are free, exact and there at every frame. The layer that reads them off is thrown
    away after training; the network that stays is the paper's.

    Parameters
    ----------
    dense_size
        Neurons of the dense block.
    columns
        Positions of the feature columns to be summarised.
    """

    def __init__(self, *, dense_size: int, columns: Sequence[int]) -> None:
        super().__init__()
        self.columns = list(columns)
        self.reading = nn.Linear(dense_size, N_SUMMARIES * len(self.columns))

    def loss(self, dense: Tensor, sequences: Sequence[NDArray[np.float32]]) -> Tensor:
        """Return the mean error of what is read off, over all frames that are not padding.

        Parameters
        ----------
        dense
            Output of the dense block, padded at the end; shape (n_sequences, longest, dense_size).
        sequences
            Standardised features; each of shape (n_frames, n_features).
        """
        targets = [torch.from_numpy(running_summaries(values[:, self.columns])) for values in sequences]
        padded = nn.utils.rnn.pad_sequence(targets, batch_first=True)
        n_frames = torch.tensor([len(values) for values in sequences])
        is_frame = (torch.arange(dense.shape[1])[None, :] < n_frames[:, None])[..., None]
        error = functional.smooth_l1_loss(self.reading(dense), padded, reduction="none")
        return (error * is_frame).sum() / (is_frame.sum() * padded.shape[2])


def running_summaries(values: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the largest, then the smallest, then the mean values so far.

    Parameters
    ----------
    values
        Shape (n_frames, n_columns), without NaN.

    Returns
    -------
    array
        Shape (n_frames, 3 * n_columns).
    """
    n_so_far = np.arange(1, len(values) + 1, dtype=np.float32)[:, np.newaxis]
    return np.concatenate(
        [
            np.maximum.accumulate(values, axis=0),
            np.minimum.accumulate(values, axis=0),
            np.cumsum(values, axis=0, dtype=np.float64).astype(np.float32) / n_so_far,
        ],
        axis=1,
    )
