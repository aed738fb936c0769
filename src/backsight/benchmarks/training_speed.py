"""`backsight benchmark training`: our training loop beside plain PyTorch's over the same network. Knows no study."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from backsight.benchmarks.figures import BenchmarkResult, Figure
from backsight.features.schema import FEATURE_NAMES

if TYPE_CHECKING:
    from backsight.network.sequence import SequenceNetwork
    from backsight.training.neural_fit import FitConfig, Sequences

SLOWEST_SHARE = 1.0
"""Of the plain loop's sequences a second: early stopping, augmentation and resuming must not cost speed."""


@dataclass(frozen=True)
class _Loops:
    """Two ways to pass over the same sequences once; called with the number of the pass, each returns its mean loss."""

    ours: Callable[[int], float]
    plain: Callable[[int], float]


def run_training_speed(
    *, n_sequences: int = 256, n_frames: int = 100, n_rounds: int = 7, kind: str = "lstm", seed: int = 0
) -> BenchmarkResult:
    """Pass over made-up sequences with both loops in turn, on one thread, and compare their fastest passes.

    Both take the same network, loss, batch size, clipping and optimizer's settings; the plain one is what PyTorch's
    tutorials write, with a `DataLoader` that shuffles, and does nothing else.

    Parameters
    ----------
    n_rounds
        Passes of each loop, taken in turn so that what else the machine does hits both; one more warms up.
    """
    from backsight.training.neural_fit import FitConfig, one_of_many

    config = FitConfig(unknown_share=0.0, n_warm_up_steps=1)
    with one_of_many(config.n_threads):
        loops = _prepare(n_sequences, n_frames, kind=kind, seed=seed, config=config)
        ours_s, plain_s = [], []
        for number in range(n_rounds + 1):
            ours_s.append(_time(loops.ours, number))
            plain_s.append(_time(loops.plain, number))
    rates = {"ours": n_sequences / min(ours_s[1:]), "plain": n_sequences / min(plain_s[1:])}
    return BenchmarkResult(
        name="training",
        figures=(
            Figure(
                "training loop against a plain one",
                rates["ours"] / rates["plain"],
                "x",
                n_rounds,
                SLOWEST_SHARE,
                "higher",
            ),
            Figure("sequences a second, ours", rates["ours"], "1/s", n_rounds, better="higher"),
            Figure("sequences a second, plain PyTorch", rates["plain"], "1/s", n_rounds, better="higher"),
        ),
        seeds=(seed,),
        notes=(f"{kind}, {n_sequences} sequences of {n_frames} frames, batches of {config.batch_size}, one thread",),
    )


def _time(loop: Callable[[int], float], number: int) -> float:
    start_s = time.perf_counter()
    loop(number)
    return time.perf_counter() - start_s


def _prepare(n_sequences: int, n_frames: int, *, kind: str, seed: int, config: FitConfig) -> _Loops:
    """Make the sequences, and two copies of one network with the loops that train them."""
    import torch

    from backsight.network.config import NetworkConfig
    from backsight.network.sequence import build_network
    from backsight.training.neural_fit import Sequences, Teaching, make_optimizer, pass_over

    rng = np.random.default_rng(seed)
    values = rng.normal(size=(n_sequences, 1, n_frames, len(FEATURE_NAMES))).astype(np.float32)
    sequences = Sequences(
        values=torch.from_numpy(values),
        n_frames=torch.full((n_sequences, 1), n_frames),
        exercise=torch.from_numpy(rng.integers(1, 6, n_sequences)),
        index=torch.from_numpy(rng.uniform(size=n_sequences).astype(np.float32)),
    )
    network_config = NetworkConfig(kind, n_features=len(FEATURE_NAMES), n_exercises=5)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        learner = Teaching(build_network(network_config), n_features=network_config.n_features)
        twin = build_network(network_config)
    twin.load_state_dict(learner.network.state_dict())
    optimizer = make_optimizer(learner, config)
    return _Loops(
        ours=lambda number: pass_over(learner, optimizer, sequences, config=config, seed=seed, epoch=number),
        plain=_plain_loop(twin, sequences, config=config, seed=seed),
    )


def _plain_loop(
    network: SequenceNetwork, sequences: Sequences, *, config: FitConfig, seed: int
) -> Callable[[int], float]:
    import torch
    from torch.nn import functional
    from torch.utils.data import DataLoader, TensorDataset

    data = TensorDataset(sequences.values[:, 0], sequences.n_frames[:, 0], sequences.exercise, sequences.index)
    loader = DataLoader(data, batch_size=config.batch_size, shuffle=True, generator=torch.Generator().manual_seed(seed))
    optimizer = torch.optim.AdamW(network.parameters(), lr=config.learning_rate, weight_decay=config.weight_decay)

    def loop(_number: int) -> float:
        network.train()
        total = 0.0
        for values, n_frames, exercise, index in loader:
            optimizer.zero_grad()
            score = network.score(values, n_frames, exercise)
            loss = functional.huber_loss(score, index, delta=config.huber_delta)
            loss.backward()  # type: ignore[no-untyped-call]
            torch.nn.utils.clip_grad_norm_(network.parameters(), config.clip_norm)
            optimizer.step()
            total += float(loss.detach()) * len(index)
        return total / len(data)

    return loop
