"""What every fit shares: how fast it learns, its seeds and its threads. Knows no network and no data."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np


def learning_rate_at(step: int, *, highest: float, n_steps: int, n_warm_up_steps: int) -> float:
    """Return the learning rate of a step: it rises from 0 over the first steps and falls to 0 along half a cosine.

    Parameters
    ----------
    step
        Counted from 0.
    n_steps
        All there may be; where it reaches 0.
    """
    rise = min(1.0, (step + 1) / n_warm_up_steps)
    done = step / n_steps
    return highest * rise * 0.5 * (1.0 + math.cos(math.pi * done))


def mix_seed(seed: int, number: int) -> int:
    """Return the seed of one part of a run, such as an epoch or a trial, whatever was drawn for those before it."""
    return int(np.random.SeedSequence([seed, number]).generate_state(1)[0])


@contextmanager
def use_threads(n_threads: int) -> Iterator[None]:
    """Let torch use so many threads: small networks gain nothing from more, and other work fills the other cores."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(n_threads)
    try:
        yield
    finally:
        torch.set_num_threads(before)
