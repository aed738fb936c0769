"""Fit `SpineLstm` to rated recordings, the same way every time. Knows nothing of where recordings come from."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from backsight.domain.sequences import FeatureSequence, MinMaxScaler
from backsight.errors import InvalidValueError
from backsight.features.normalize import fit_min_max
from backsight.network.config import LstmConfig
from backsight.network.lstm import SpineLstm
from backsight.pipeline import MODEL_FPS
from backsight.training.code_version import code_version
from backsight.training.examples import Example
from backsight.training.memory_task import MemoryTask
from backsight.training.progress_file import EpochRecord, Progress, load_progress, save_progress
from backsight.training.schedule import learning_rate_at, use_threads

OnProgress = Callable[[str, int, int], None]
"""Called with (what, done, total)."""

SMALLEST_SPREAD = 0.05
"""Of a scaled column: one that hardly moves in training must not shout when it does move."""


@dataclass(frozen=True)
class TrainingConfig:
    """How a network is fitted. The paper prints none of this; all of it is ours."""

    n_epochs: int = 8
    """Passes over the training fold at most; the learning rate falls to 0 over them along half a cosine."""
    patience: int = 4
    """Epochs without a better validation loss after which to stop."""
    batch_size: int = 32
    learning_rate: float = 1e-3
    weight_decay: float = 0.03
    huber_delta: float = 0.2
    """Errors on the index beyond this count linearly: ratings have outliers, test-retest SEM 0.10 (Childs 2005)."""
    running_weight: float = 1.0
    """Weight of all outputs before the last frame together, beside the last one's, so that the index means something
    while it builds up."""
    settle_s: float = 1.0
    """The outputs of the first second are not judged: nothing has been seen yet."""
    memory_weight: float = 0.1
    """Weight of the second task, `MemoryTask`, beside the ratings."""
    n_warm_up_steps: int = 50
    """Steps over which the learning rate rises from 0."""
    clip_norm: float = 1.0
    seed: int = 0
    n_threads: int = 1


@dataclass(frozen=True, eq=False)
class TrainedNetwork:
    """The network at its best epoch, the scaler it needs and how training went."""

    network: SpineLstm
    scaler: MinMaxScaler
    history: tuple[EpochRecord, ...]
    best_epoch: int
    """Counted from 0."""
    progress_file: Path | None = None
    """Where its progress is noted, for whoever needs it no more to delete; None = nowhere."""


def train_network(
    train: Sequence[Example],
    validation: Sequence[Example],
    *,
    feature_names: tuple[str, ...],
    config: TrainingConfig,
    network_config: LstmConfig | None = None,
    memory_names: Collection[str] | None = None,
    work_folder: Path | None = None,
    on_progress: OnProgress | None = None,
) -> TrainedNetwork:
    """Fit the network and keep it as it was after the epoch with the lowest validation loss.

    On a CPU the same examples, config and number of threads give the same weights, bit for bit, also when training was
    interrupted and taken up again.

    Parameters
    ----------
    train
        The training fold; scaler and weights see nothing else.
    validation
        Other people, who decide when to stop.
    feature_names
        The columns of the examples' values.
    network_config
        Sizes of the network; None = the paper's.
    memory_names
        The columns that `MemoryTask` summarises; None = all.
    work_folder
        Where to note progress after each epoch; a training interrupted there goes on. None = nowhere.

    Raises
    ------
    InvalidValueError
        When a fold is empty or a person is in both.
    """
    shared = {e.recording.subject_id for e in train} & {e.recording.subject_id for e in validation}
    if shared or not train or not validation:
        raise InvalidValueError(
            f"`train` and `validation` must each hold recordings and share no person, got {len(train)} and "
            f"{len(validation)} recordings with {len(shared)} people in both"
        )
    scaler = fit_scaler(train, feature_names)
    network_config = network_config or LstmConfig(n_features=len(feature_names))
    state_file = None
    if work_folder is not None:
        state_file = work_folder / f"training-{_fingerprint(train, validation, config, network_config)}.safetensors"
    scaled, held_out = _scale(train, scaler), _scale(validation, scaler)
    mean, spread = _measure_spread(scaled)
    for one in (*scaled, *held_out):
        one.standardise(mean, spread)
    with use_threads(config.n_threads), torch.random.fork_rng(devices=[]):
        torch.manual_seed(config.seed)
        network = SpineLstm(network_config)
        network.start_at(float(np.median([example.label for example in train])))
        network.remember_for(max(len(one.values) for one in scaled))
        columns = [n for n, name in enumerate(feature_names) if memory_names is None or name in memory_names]
        learner = _Learner(network, MemoryTask(dense_size=network_config.dense_size, columns=columns))
        progress = _fit(
            learner,
            scaled,
            held_out,
            config=config,
            state_file=state_file,
            on_progress=on_progress,
        )
    learner.load_state_dict(progress.best_weights)
    network.fold_in(torch.from_numpy(mean), torch.from_numpy(spread))
    return TrainedNetwork(
        network=network.eval(),
        scaler=scaler,
        history=progress.history,
        best_epoch=progress.best_epoch,
        progress_file=state_file,
    )


def fit_scaler(train: Sequence[Example], feature_names: tuple[str, ...]) -> MinMaxScaler:
    """Fit the min-max scaler on the training fold."""
    return fit_min_max(
        FeatureSequence(
            values=example.values.astype(np.float64),
            names=feature_names,
            timestamps_s=np.arange(len(example.values)) / MODEL_FPS,
        )
        for example in train
    )


@dataclass(frozen=True, eq=False)
class _Scaled:
    values: NDArray[np.float32]  # (n_frames, n_features), no NaN
    label: float

    def standardise(self, mean: NDArray[np.float32], spread: NDArray[np.float32]) -> None:
        """In place: a cohort of thousands fills gigabytes."""
        np.subtract(self.values, mean, out=self.values)
        np.divide(self.values, spread, out=self.values)


def _scale(examples: Sequence[Example], scaler: MinMaxScaler) -> list[_Scaled]:
    return [
        _Scaled(values=scaler.scale(example.values.astype(np.float64)).astype(np.float32), label=example.label)
        for example in examples
    ]


def _measure_spread(scaled: Sequence[_Scaled]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return each scaled column's mean and standard deviation over the training fold; each of shape (n_features,).

    Between the extremes of a thousand recordings most values huddle together after min-max scaling, and a network
    fed so learns next to nothing. It is trained on standardised columns; `SpineLstm.fold_in` then makes the embedding
    do the same, so that what ships is the paper's network on the paper's scaling.
    """
    n_frames = sum(len(one.values) for one in scaled)
    mean = sum(one.values.sum(axis=0, dtype=np.float64) for one in scaled) / n_frames
    variance = sum(np.square(one.values - mean).sum(axis=0, dtype=np.float64) for one in scaled) / n_frames
    spread = np.maximum(np.sqrt(variance), SMALLEST_SPREAD)
    return mean.astype(np.float32), spread.astype(np.float32)


class _Learner(nn.Module):
    """What is fitted: the network, and the reading of its memory that does not ship."""

    def __init__(self, network: SpineLstm, memory_task: MemoryTask) -> None:
        super().__init__()
        self.network = network
        self.memory_task = memory_task


def _fit(
    learner: _Learner,
    train: Sequence[_Scaled],
    validation: Sequence[_Scaled],
    *,
    config: TrainingConfig,
    state_file: Path | None,
    on_progress: OnProgress | None,
) -> Progress:
    optimizer = torch.optim.AdamW(
        learner.parameters(), lr=config.learning_rate, weight_decay=config.weight_decay, foreach=False
    )
    progress = load_progress(state_file, network=learner, optimizer=optimizer) if state_file else None
    progress = progress or Progress(history=(), best_weights={})
    lengths = [len(example.values) for example in train]
    validation_batches = make_batches([len(example.values) for example in validation], config.batch_size, rng=None)
    while not progress.is_finished(n_epochs=config.n_epochs, patience=config.patience):
        epoch = len(progress.history)
        if on_progress:
            on_progress("Training", epoch, config.n_epochs)
        # The order depends on the epoch's number alone, so that a resumed training sees the same batches.
        batches = make_batches(lengths, config.batch_size, rng=np.random.default_rng([config.seed, epoch]))
        learner.train()
        total = 0.0
        for step, batch in enumerate(batches):
            optimizer.param_groups[0]["lr"] = learning_rate_at(
                epoch * len(batches) + step,
                highest=config.learning_rate,
                n_steps=len(batches) * config.n_epochs,
                n_warm_up_steps=config.n_warm_up_steps,
            )
            optimizer.zero_grad()
            rating_loss, memory_loss = _losses(learner, [train[position] for position in batch], config)
            (rating_loss + config.memory_weight * memory_loss).backward()  # type: ignore[no-untyped-call]
            torch.nn.utils.clip_grad_norm_(learner.parameters(), config.clip_norm, foreach=False)
            optimizer.step()
            total += float(rating_loss.detach()) * len(batch)
        record = EpochRecord(
            train_loss=total / len(train), validation_loss=_mean_loss(learner, validation, validation_batches, config)
        )
        progress = progress.after(record, learner)
        if state_file:
            save_progress(state_file, progress, network=learner, optimizer=optimizer)
    if on_progress:
        on_progress("Training", config.n_epochs, config.n_epochs)
    return progress


def make_batches(lengths: Sequence[int], batch_size: int, *, rng: np.random.Generator | None) -> list[list[int]]:
    """Group sequences of like length, so that little of a batch is padding.

    Parameters
    ----------
    lengths
        Frames of each sequence.
    rng
        Draws which of the like-long sequences meet and in which order the batches come; None = always the same.

    Returns
    -------
    list of list of int
        Positions in `lengths`; each occurs exactly once.
    """
    # A tenth of jitter mixes neighbours in length without much padding.
    jitter = np.ones(len(lengths)) if rng is None else rng.uniform(0.95, 1.05, len(lengths))
    order = np.argsort(np.asarray(lengths) * jitter, kind="stable")
    batches = [order[first : first + batch_size].tolist() for first in range(0, len(order), batch_size)]
    if rng is None:
        return batches
    return [batches[position] for position in rng.permutation(len(batches))]


def sequence_loss(raw: Tensor, labels: Tensor, n_frames: Tensor, *, config: TrainingConfig) -> Tensor:
    """Return the mean loss a sequence: the last frame's, plus the weighted mean of the frames before it.

    Parameters
    ----------
    raw
        Outputs, padded at the end; shape (n_sequences, longest).
    labels
        Shape (n_sequences,).
    n_frames
        Frames of each sequence without padding; shape (n_sequences,).
    """
    error = functional.huber_loss(raw, labels[:, None].expand_as(raw), reduction="none", delta=config.huber_delta)
    last = error.gather(1, (n_frames - 1)[:, None]).squeeze(1)
    frame = torch.arange(raw.shape[1])[None, :]
    # A sequence shorter than the settling time is judged by its last frame alone.
    judged = (frame >= round(config.settle_s * MODEL_FPS)) & (frame < n_frames[:, None])
    running = (error * judged).sum(dim=1) / judged.sum(dim=1).clamp(min=1)
    return (last + config.running_weight * running).mean()


def _losses(learner: _Learner, batch: Sequence[_Scaled], config: TrainingConfig) -> tuple[Tensor, Tensor]:
    """Return the mean loss on the ratings, and that of the second task."""
    padded = nn.utils.rnn.pad_sequence([torch.from_numpy(one.values) for one in batch], batch_first=True)
    dense, _ = learner.network.describe(padded)  # (n_sequences, longest, dense_size)
    rating_loss = sequence_loss(
        learner.network.judge(dense),
        torch.tensor([one.label for one in batch], dtype=torch.float32),
        torch.tensor([len(one.values) for one in batch]),
        config=config,
    )
    return rating_loss, learner.memory_task.loss(dense, [one.values for one in batch])


def _mean_loss(
    learner: _Learner, examples: Sequence[_Scaled], batches: Sequence[Sequence[int]], config: TrainingConfig
) -> float:
    """Return the mean loss on the ratings."""
    learner.eval()
    with torch.inference_mode():
        total = sum(
            float(_losses(learner, [examples[position] for position in batch], config)[0]) * len(batch)
            for batch in batches
        )
    return total / len(examples)


def _fingerprint(
    train: Sequence[Example], validation: Sequence[Example], config: TrainingConfig, network_config: LstmConfig
) -> str:
    """Return what must be the same for noted progress to be taken up: settings, code and recordings."""
    told = f"{config!r} {network_config!r} {torch.__version__} {code_version()} {len(train)}"
    digest = hashlib.sha256(told.encode())
    for example in (*train, *validation):
        digest.update(f"{example.recording!r} {example.values.shape}".encode())
        digest.update(example.values.tobytes())
    return digest.hexdigest()[:16]
