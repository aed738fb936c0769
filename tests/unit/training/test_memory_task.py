"""The second task's targets and its loss, by hand."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from backsight.training.memory_task import MemoryTask, running_summaries


def test_summaries_are_those_of_the_frames_so_far() -> None:
    values = np.array([[1.0, 5.0], [3.0, 4.0], [2.0, 9.0]], dtype=np.float32)

    summaries = running_summaries(values)

    np.testing.assert_allclose(summaries[:, :2], [[1, 5], [3, 5], [3, 9]])
    np.testing.assert_allclose(summaries[:, 2:4], [[1, 5], [1, 4], [1, 4]])
    np.testing.assert_allclose(summaries[:, 4:], [[1, 5], [2, 4.5], [2, 6]])


def test_loss_reads_the_named_columns_and_no_padding() -> None:
    task = MemoryTask(dense_size=2, columns=[1])
    with torch.no_grad():
        task.reading.weight.zero_()
        task.reading.bias.copy_(torch.tensor([5.0, 5.0, 5.0]))
    short = np.array([[99.0, 5.5]], dtype=np.float32)
    long = np.array([[99.0, 5.0], [99.0, 5.0]], dtype=np.float32)

    loss = task.loss(torch.rand(2, 2, 2), [short, long])

    # one frame is off by 0.5 in all three summaries: 0.5^2 / 2 each; two frames are exact; the padding does not count
    assert float(loss.detach()) == pytest.approx(0.125 / 3)
