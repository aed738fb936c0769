"""`backsight benchmark training`: our training loop beside plain PyTorch's over the same network. Knows no study.

Beside it stands what the trained network costs once it is exported: the index of a recording of 5 s.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from backsight.benchmarks.figures import BenchmarkResult, Figure
from backsight.domain.sequences import FeatureSequence
from backsight.features.schema import FEATURE_NAMES

if TYPE_CHECKING:
    from backsight.network.sequence import SequenceNetwork
    from backsight.training.neural_fit import FitConfig, Sequences

INDEX_BAR_MS = 11.0
"""The paper's time of an iteration (section IV)."""
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
    from backsight.training.neural_fit import FitConfig
    from backsight.training.schedule import use_threads

    config = FitConfig(unknown_share=0.0, n_warm_up_steps=1)
    with use_threads(config.n_threads):
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
            index_time(seed=seed),
        ),
        seeds=(seed,),
        notes=(
            f"{kind}, {n_sequences} sequences of {n_frames} frames, batches of {config.batch_size}, one thread; the "
            "fastest pass of each loop.",
            "index: `lstm-paper` as it ships, exported to ONNX, one thread; CPU time, median.",
        ),
    )


def index_time(*, n_rounds: int = 50, n_frames: int = 150, seed: int = 0) -> Figure:
    """Take the CPU time of the paper's network as it ships on made-up features, 5 s at 30 frames a second."""
    from backsight.network.checkpoint import load_checkpoint
    from backsight.network.predictor import OnnxPredictor
    from backsight.openers import model_path

    checkpoint = load_checkpoint(model_path("lstm-paper"), expected_features=FEATURE_NAMES)
    predictor = OnnxPredictor(checkpoint, n_threads=1)
    values = np.random.default_rng(seed).uniform(size=(n_frames, len(FEATURE_NAMES)))
    features = FeatureSequence(values=values, names=FEATURE_NAMES, timestamps_s=np.arange(n_frames) / 30.0)
    taken_s = []
    for _ in range(n_rounds + 1):
        start_s = time.process_time()
        predictor.predict(features)
        taken_s.append(time.process_time() - start_s)
    return Figure(
        f"index of {n_frames} frames", 1000.0 * statistics.median(taken_s[1:]), "ms", n_rounds, bar=INDEX_BAR_MS
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
