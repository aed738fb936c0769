"""Fit one network to scored sequences and keep it at its best epoch. Knows nothing of clips and people."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional

from backsight.network.config import NetworkConfig
from backsight.network.recurrent import RecurrentNetwork
from backsight.network.sequence import UNKNOWN_EXERCISE, SequenceNetwork, build_network
from backsight.training.code_version import code_version
from backsight.training.memory_task import N_SUMMARIES
from backsight.training.pretrain import foresee
from backsight.training.progress_file import EpochRecord, Progress, load_progress, save_progress
from backsight.training.schedule import learning_rate_at, mix_seed, use_threads


@dataclass(frozen=True)
class FitConfig:
    """How a network is fitted. The paper prints none of this; all of it is ours."""

    n_epochs: int = 60
    """Passes over the training people at most; the learning rate falls to 0 over them along half a cosine."""
    patience: int = 15
    """Epochs without a smaller validation error after which to stop."""
    batch_size: int = 32
    learning_rate: float = 2e-3
    weight_decay: float = 0.03
    huber_delta: float = 0.1
    """Errors on the index beyond this count linearly: ratings have outliers, test-retest SEM 0.10 (Childs 2005)."""
    running_weight: float = 0.0
    """Weight of all outputs before the last frame together, beside the last one's."""
    memory_weight: float = 0.0
    """Weight of a second task: each column's largest, smallest and mean value so far, as in `MemoryTask`."""
    noise: float = 0.0
    """Standard deviation of noise on the scaled columns, drawn for each batch."""
    unknown_share: float = 0.1
    """Share of the sequences whose exercise is not told in training, so that an unknown one can be judged."""
    n_pretrain_epochs: int = 0
    """Passes in which the layers that read frames first learn to foresee the next ones, without any score."""
    n_warm_up_steps: int = 20
    clip_norm: float = 1.0
    n_threads: int = 1


@dataclass(frozen=True, eq=False)
class Sequences:
    """Scaled features of some clips, each with its variants."""

    values: Tensor
    """Padded at the end; shape (n_clips, 1 + n_variants, longest, n_features)."""
    n_frames: Tensor
    """Without padding; shape (n_clips, 1 + n_variants)."""
    exercise: Tensor
    """Numbers as `SequenceNetwork.forward` reads them; shape (n_clips,)."""
    index: Tensor
    """What each clip was scored, 0 best to 1 worst; shape (n_clips,)."""

    def __len__(self) -> int:
        return len(self.values)

    def to(self, device: torch.device) -> Sequences:
        """Return the same on a device."""
        return Sequences(*(part.to(device) for part in (self.values, self.n_frames, self.exercise, self.index)))

    def originals(self) -> Sequences:
        """Return the clips without their variants."""
        return replace(self, values=self.values[:, :1], n_frames=self.n_frames[:, :1])

    def draw(self, clips: Tensor, *, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        """Return values (n, longest, n_features) and frames (n,) of some clips, of each a variant by lot."""
        variant = torch.randint(self.values.shape[1], (len(clips),), generator=generator).to(self.values.device)
        return self.values[clips, variant], self.n_frames[clips, variant]


@dataclass(frozen=True, eq=False)
class FittedNetwork:
    """A network at its best epoch and how training went."""

    network: SequenceNetwork
    history: tuple[EpochRecord, ...]
    best_epoch: int
    """Counted from 0."""
    progress_file: Path | None = None
    """Where its progress is noted, for whoever needs it no more to delete; None = nowhere."""


def choose_device() -> torch.device:
    """Return the GPU where there is one."""
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def fit_network(
    train: Sequences,
    validation: Sequences,
    *,
    network_config: NetworkConfig,
    config: FitConfig,
    seed: int,
    work_folder: Path | None = None,
) -> FittedNetwork:
    """Fit a network and keep it as it was after the epoch with the smallest validation error.

    On a CPU the same sequences, configs and seed give the same weights, bit for bit, also when training was interrupted
    and taken up again.

    Parameters
    ----------
    validation
        Other people, who decide when to stop; their variants are not looked at.
    work_folder
        Where to note progress after each epoch; a training interrupted there goes on, and one that is finished there
        under the same code is not made anew. None = nowhere.
    """
    device = choose_device()
    state_file = None
    if work_folder is not None:
        state_file = (
            work_folder / f"network-{_fingerprint(train, validation, network_config, config, seed)}.safetensors"
        )
    train, validation = train.to(device), validation.originals().to(device)
    with use_threads(config.n_threads), torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network = build_network(network_config)
        network.start_at(float(train.index.median()))
        if isinstance(network, RecurrentNetwork) and network_config.pooling == "last":
            network.remember_for(int(train.n_frames.max()))
        learner = Teaching(network, n_features=network_config.n_features).to(device)
        progress = _fit(learner, train, validation, config=config, seed=seed, state_file=state_file)
    learner.load_state_dict(progress.best_weights)
    return FittedNetwork(
        network=network.cpu().eval(),
        history=progress.history,
        best_epoch=progress.best_epoch,
        progress_file=state_file,
    )


class Teaching(nn.Module):
    """What is fitted: the network, and the readings of its layers that are thrown away."""

    def __init__(self, network: SequenceNetwork, *, n_features: int) -> None:
        super().__init__()
        self.network = network
        self.memory = nn.Linear(network.config.dense_size, N_SUMMARIES * n_features)
        self.foresight = nn.Linear(network.config.hidden_size, n_features)


def _fit(
    learner: Teaching,
    train: Sequences,
    validation: Sequences,
    *,
    config: FitConfig,
    seed: int,
    state_file: Path | None,
) -> Progress:
    optimizer = make_optimizer(learner, config)
    progress = load_progress(state_file, network=learner, optimizer=optimizer) if state_file else None
    if progress is None:
        progress = Progress(history=(), best_weights={})
        foresee(
            learner.network,
            learner.foresight,
            train.values[:, 0],
            train.n_frames[:, 0],
            n_epochs=config.n_pretrain_epochs,
            batch_size=config.batch_size,
            seed=seed,
        )
    while not progress.is_finished(n_epochs=config.n_epochs, patience=config.patience):
        epoch = len(progress.history)
        # All chance depends on the epoch's number alone, so that a resumed training goes the same way.
        torch.manual_seed(mix_seed(seed, epoch))
        train_loss = pass_over(learner, optimizer, train, config=config, seed=seed, epoch=epoch)
        record = EpochRecord(train_loss=train_loss, validation_loss=mean_error(learner.network, validation))
        progress = progress.after(record, learner)
        if state_file:
            save_progress(state_file, progress, network=learner, optimizer=optimizer)
    return progress


def make_optimizer(learner: nn.Module, config: FitConfig) -> torch.optim.Optimizer:
    """Return the optimizer of a fit; the fused step does in one call what else takes one for each of the weights."""
    return torch.optim.AdamW(
        learner.parameters(), lr=config.learning_rate, weight_decay=config.weight_decay, fused=True
    )


def pass_over(
    learner: Teaching,
    optimizer: torch.optim.Optimizer,
    train: Sequences,
    *,
    config: FitConfig,
    seed: int,
    epoch: int,
) -> float:
    """Take one step for each batch of an epoch; return the mean loss on the scores."""
    generator = torch.Generator().manual_seed(mix_seed(seed, epoch))
    order = torch.randperm(len(train), generator=generator).to(train.values.device)
    batches = torch.split(order, config.batch_size)
    learner.train()
    total = 0.0
    for step, clips in enumerate(batches):
        optimizer.param_groups[0]["lr"] = learning_rate_at(
            epoch * len(batches) + step,
            highest=config.learning_rate,
            n_steps=len(batches) * config.n_epochs,
            n_warm_up_steps=config.n_warm_up_steps,
        )
        values, n_frames = train.draw(clips, generator=generator)
        exercise = torch.where(
            torch.rand(len(clips), generator=generator).to(values.device) < config.unknown_share,
            UNKNOWN_EXERCISE,
            train.exercise[clips],
        )
        optimizer.zero_grad()
        score_loss, loss = _losses(learner, values, n_frames, exercise, index=train.index[clips], config=config)
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(learner.parameters(), config.clip_norm, foreach=False)
        optimizer.step()
        total += float(score_loss.detach()) * len(clips)
    return total / len(train)


def _losses(
    learner: Teaching, values: Tensor, n_frames: Tensor, exercise: Tensor, *, index: Tensor, config: FitConfig
) -> tuple[Tensor, Tensor]:
    """Return the mean loss on the scores, and the whole loss."""
    seen = values + config.noise * torch.randn_like(values) if config.noise else values
    if not config.running_weight and not config.memory_weight:
        score = learner.network.score(seen, n_frames, exercise)
        loss = functional.huber_loss(score, index, delta=config.huber_delta)
        return loss, loss
    dense = learner.network.describe(seen, exercise)
    running = learner.network.judge(dense)  # (n, longest)
    error = functional.huber_loss(
        running, index[:, None].expand_as(running), reduction="none", delta=config.huber_delta
    )
    score_loss = error.gather(1, (n_frames - 1)[:, None]).mean()
    loss = score_loss
    is_frame = torch.arange(running.shape[1], device=running.device)[None, :] < n_frames[:, None]
    if config.running_weight:
        loss = loss + config.running_weight * (error * is_frame).sum() / is_frame.sum()
    if config.memory_weight:
        off = functional.smooth_l1_loss(learner.memory(dense), running_summaries(values), reduction="none").mean(dim=2)
        loss = loss + config.memory_weight * (off * is_frame).sum() / is_frame.sum()
    return score_loss, loss


def running_summaries(values: Tensor) -> Tensor:
    """Return the largest, then the smallest, then the mean values so far; (n, t, f) -> (n, t, 3 f)."""
    count = torch.arange(1, values.shape[1] + 1, device=values.device, dtype=values.dtype)[None, :, None]
    parts = (values.cummax(dim=1).values, values.cummin(dim=1).values, values.cumsum(dim=1) / count)
    return torch.cat(parts, dim=2)


def predict_indices(network: SequenceNetwork, sequences: Sequences, *, batch_size: int = 64) -> Tensor:
    """Return the score of each clip's original as the network gives it, on the CPU; shape (n_clips,)."""
    device = next(network.parameters()).device
    network.eval()
    scores = []
    with torch.inference_mode():
        for clips in torch.split(torch.arange(len(sequences)), batch_size):
            score = network.score(
                sequences.values[clips, 0].to(device),
                sequences.n_frames[clips, 0].to(device),
                sequences.exercise[clips].to(device),
            )
            scores.append(score.cpu())
    return torch.cat(scores)


def mean_error(network: SequenceNetwork, sequences: Sequences) -> float:
    """Return the mean absolute error of the index on the originals."""
    return float((predict_indices(network, sequences) - sequences.index.cpu()).abs().mean())


def _fingerprint(
    train: Sequences, validation: Sequences, network_config: NetworkConfig, config: FitConfig, seed: int
) -> str:
    """Return what must be the same for noted progress to be taken up: settings, code, torch and data."""
    told = f"{network_config!r} {config!r} {seed} {torch.__version__} {code_version()}"
    digest = hashlib.sha256(told.encode())
    for part in (train, validation):
        for tensor in (part.values, part.n_frames, part.exercise, part.index):
            digest.update(f"{tuple(tensor.shape)}".encode())
            digest.update(tensor.contiguous().numpy().tobytes())
    return digest.hexdigest()[:16]
