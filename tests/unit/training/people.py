"""Recordings whose rating can be read off one column, for the tests of this folder."""

from __future__ import annotations

import numpy as np

from backsight.domain.recording import Exercise, Recording
from backsight.network.config import LstmConfig
from backsight.training.examples import Example
from backsight.training.trainer import TrainingConfig

NAMES = ("bend", "noise", "sometimes")
SMALL_NETWORK = LstmConfig(n_features=len(NAMES), embedding_size=8, hidden_size=8, n_layers=1, dense_size=8)
SMALL_TRAINING = TrainingConfig(n_epochs=3, batch_size=8, learning_rate=0.02, n_warm_up_steps=1)


def make_people(n_people: int, *, seed: int = 0) -> list[Example]:
    """Column `bend` shows 10 x (1 - index) throughout; the rating tells the index exactly."""
    rng = np.random.default_rng(seed)
    people = []
    for person in range(n_people):
        index = float(rng.uniform(0.1, 0.9))
        for exercise in Exercise:
            n_frames = int(rng.integers(35, 60))
            values = rng.normal(size=(n_frames, len(NAMES))).astype(np.float32)
            values[:, 0] = 10.0 * (1.0 - index) + 0.1 * values[:, 0]
            values[rng.random(n_frames) < 0.5, 2] = np.nan
            people.append(
                Example(
                    recording=Recording(f"p{person:03d}", exercise, rating=100.0 * (1.0 - index)),
                    values=values,
                    duration_s=n_frames / 30.0,
                    true_index=index,
                )
            )
    return people
