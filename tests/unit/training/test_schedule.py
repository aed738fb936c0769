"""The learning rate by hand, seeds that follow from their number, and threads that are given back."""

from __future__ import annotations

import math

import pytest
import torch

from backsight.training.schedule import learning_rate_at, mix_seed, use_threads


def test_the_learning_rate_rises_and_falls_to_nothing() -> None:
    def rate(step: int) -> float:
        return learning_rate_at(step, highest=0.4, n_steps=100, n_warm_up_steps=4)

    assert rate(0) == pytest.approx(0.4 / 4)
    # Half risen; a hundredth of half a cosine gone.
    assert rate(1) == pytest.approx(0.4 * 0.5 * 0.5 * (1.0 + math.cos(0.01 * math.pi)))
    assert rate(50) == pytest.approx(0.2)
    assert rate(100) == pytest.approx(0.0)


def test_seeds_follow_from_their_number() -> None:
    seeds = [mix_seed(seed, number) for seed in (0, 1) for number in range(50)]
    assert len(set(seeds)) == 100
    assert seeds == [mix_seed(seed, number) for seed in (0, 1) for number in range(50)]
    # Networks that were fitted before are found again by this.
    assert mix_seed(3, 7) == 2580024465


def test_threads_are_given_back_whatever_happens() -> None:
    before = torch.get_num_threads()

    def fail() -> None:
        with use_threads(before + 1):
            assert torch.get_num_threads() == before + 1
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert torch.get_num_threads() == before
