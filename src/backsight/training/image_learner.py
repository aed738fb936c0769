"""Learn scores of movements from pictures alone. Knows no data set, no renderer and no protocol."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from backsight.domain.sequences import PoseSequence
from backsight.domain.study import ScoreScale, StudyClip
from backsight.domain.validation import FloatArray
from backsight.errors import InvalidValueError
from backsight.network.config import NetworkConfig
from backsight.network.image_lstm import ImageLstm
from backsight.network.sequence import UNKNOWN_EXERCISE
from backsight.training.neural import FEWEST_PEOPLE, inner_folds
from backsight.training.neural_fit import FitConfig, make_optimizer
from backsight.training.schedule import mix_seed, use_threads

Pictures = NDArray[np.uint8]
"""RGB; shape (n_frames, height, width, 3), the same for all clips of a study."""

_LIGHT = 0.3
"""In training a clip is made brighter or darker by up to this many standard deviations: rooms differ in light."""
_LEAST_SPREAD = 1e-3
"""Of a colour, 0 to 1; a colour that spreads less is constant."""


@dataclass(frozen=True)
class ImageConfig:
    """One way to learn from pictures. Sizes behind the convolutions are those of `neural_kinds.BASIS`."""

    removes_background: bool = False
    """Whether the median picture of each clip is taken from all of its pictures, so that what moves stands out."""
    picture_size: int = 48
    """Values that the convolutions make of one picture."""
    embedding_size: int = 48
    hidden_size: int = 48
    fit: FitConfig = field(default_factory=lambda: FitConfig(n_epochs=16, patience=6, batch_size=8, learning_rate=1e-3))
    """The loss is that of the networks on landmarks; the tasks beside the score, unknown exercises and the warm-up are
    theirs alone."""
    n_inner_folds: int = 5
    """One of so many parts of the training people says when to stop; the others teach."""

    def network(self, *, n_exercises: int) -> NetworkConfig:
        """Return the sizes of the sequence network for a study of so many exercises."""
        return NetworkConfig(
            kind="lstm",
            n_features=self.picture_size,
            n_exercises=n_exercises,
            embedding_size=self.embedding_size,
            hidden_size=self.hidden_size,
            n_layers=1,
            pooling="mean",
        )


@dataclass(frozen=True, eq=False)
class ImageLearner:
    """A `Learner` that looks at a clip's pictures and at no landmark."""

    pictures: Mapping[PoseSequence, Pictures] = field(repr=False)
    """Of each clip, found by its pose: all that a clip under a pseudonym still shares with the study's own."""
    source: str
    """Which pictures these are; tells kept folds of other pictures apart."""
    config: ImageConfig = field(default_factory=ImageConfig)
    name: str = "image-lstm"

    def fit(self, clips: Sequence[StudyClip], *, scale: ScoreScale, seed: int) -> FittedImages:
        """Learn from scored clips; the same clips and seed give the same network on a CPU.

        Raises
        ------
        InvalidValueError
            When fewer than `FEWEST_PEOPLE` people have a scored clip, or a clip has no pictures.
        """
        scored = [clip for clip in clips if clip.is_scored]
        people = sorted({clip.subject for clip in scored})
        if len(people) < FEWEST_PEOPLE:
            raise InvalidValueError(
                f"`clips` must show at least {FEWEST_PEOPLE} people with a score, got {len(people)}; record more"
            )
        exercises = {name: number for number, name in enumerate(sorted({clip.exercise for clip in scored}), start=1)}
        stopping = inner_folds(people, n_folds=self.config.n_inner_folds, seed=seed, number=0)
        taught = [clip for clip in scored if clip.subject not in stopping]
        others = [clip for clip in scored if clip.subject in stopping]
        reader = PictureReader.fit(
            [self._of(clip) for clip in taught], removes_background=self.config.removes_background
        )
        with use_threads(self.config.fit.n_threads), torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            network = ImageLstm(self.config.network(n_exercises=len(exercises)))
            best_epoch = _fit(
                network,
                self._read(taught, reader, exercises, scale),
                self._read(others, reader, exercises, scale),
                config=self.config.fit,
                seed=seed,
            )
        return FittedImages(self, network.eval(), reader, exercises, scale, best_epoch)

    def _of(self, clip: StudyClip) -> Pictures:
        try:
            return self.pictures[clip.pose]
        except KeyError:
            raise InvalidValueError(
                f"{clip.name}: expected pictures beside the landmarks, got none; draw them"
            ) from None

    def _read(
        self, clips: Sequence[StudyClip], reader: PictureReader, exercises: Mapping[str, int], scale: ScoreScale
    ) -> _Clips:
        return _Clips(
            pictures=torch.stack([reader.read(self._of(clip)) for clip in clips]),
            exercise=torch.tensor([exercises.get(clip.exercise, UNKNOWN_EXERCISE) for clip in clips]),
            index=torch.tensor([scale.to_index(clip.score) for clip in clips], dtype=torch.float32),
        )


@dataclass(frozen=True, eq=False)
class FittedImages:
    """A network that judges pictures, and how it wants to see them."""

    learner: ImageLearner
    network: ImageLstm
    reader: PictureReader
    exercises: Mapping[str, int]
    scale: ScoreScale
    best_epoch: int
    """Counted from 0."""

    def predict(self, clips: Sequence[StudyClip]) -> FloatArray:
        """Return a score for each clip, in the study's scale; shape (n_clips,)."""
        if not clips:
            return np.empty(0)
        seen = self.learner._read(clips, self.reader, self.exercises, self.scale)
        with use_threads(1):
            index = _judge(self.network, seen).clamp(0.0, 1.0).numpy().astype(np.float64)
        return np.array([self.scale.to_score(one) for one in index])


@dataclass(frozen=True, eq=False)
class PictureReader:
    """How pictures become tensors, as the people who taught the network have it."""

    centre: NDArray[np.float32]
    """Mean of each colour, 0 to 1; shape (3,)."""
    spread: NDArray[np.float32]
    """Standard deviation of each colour; shape (3,)."""
    removes_background: bool

    @classmethod
    def fit(cls, clips: Sequence[Pictures], *, removes_background: bool) -> PictureReader:
        """Take mean and spread of each colour over the pictures of the clips."""
        means, squares = [], []
        for pictures in clips:
            values = _as_shares(pictures, removes_background=removes_background)
            means.append(values.mean(axis=(0, 1, 2), dtype=np.float64))
            squares.append((values.astype(np.float64) ** 2).mean(axis=(0, 1, 2)))
        centre = np.mean(means, axis=0)
        spread = np.sqrt(np.maximum(np.mean(squares, axis=0) - centre**2, _LEAST_SPREAD**2))
        return cls(centre.astype(np.float32), spread.astype(np.float32), removes_background)

    def read(self, pictures: Pictures) -> Tensor:
        """Return scaled pictures; (n_frames, height, width, 3) -> (n_frames, 3, height, width)."""
        values = (_as_shares(pictures, removes_background=self.removes_background) - self.centre) / self.spread
        return torch.from_numpy(np.ascontiguousarray(values.transpose(0, 3, 1, 2)))


@dataclass(frozen=True, eq=False)
class _Clips:
    pictures: Tensor
    """Scaled; shape (n_clips, n_frames, 3, height, width)."""
    exercise: Tensor
    """Shape (n_clips,)."""
    index: Tensor
    """0 best to 1 worst; NaN where nobody scored; shape (n_clips,)."""


def _as_shares(pictures: Pictures, *, removes_background: bool) -> NDArray[np.float32]:
    """Return colours from 0 to 1, or what they are off the clip's median picture."""
    values = pictures.astype(np.float32) / 255.0
    return values - np.median(values, axis=0) if removes_background else values


def _fit(network: ImageLstm, taught: _Clips, others: _Clips, *, config: FitConfig, seed: int) -> int:
    """Fit in place, keep the weights of the epoch with the smallest error on `others`, and return that epoch."""
    network.start_at(float(taught.index.median()))
    optimizer = make_optimizer(network, config)
    falling = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=config.n_epochs)
    best_error, best_epoch, best = float("inf"), -1, network.state_dict()
    for epoch in range(config.n_epochs):
        _pass_over(network, optimizer, taught, config=config, seed=mix_seed(seed, epoch))
        falling.step()
        error = float((_judge(network, others) - others.index).abs().mean())
        if error < best_error:
            best_error, best_epoch, best = error, epoch, copy.deepcopy(network.state_dict())
        elif epoch - best_epoch >= config.patience:
            break
    network.load_state_dict(best)
    return best_epoch


def _pass_over(
    network: ImageLstm, optimizer: torch.optim.Optimizer, clips: _Clips, *, config: FitConfig, seed: int
) -> None:
    """Take one step for each batch of an epoch, each clip mirrored and in another light by lot."""
    generator = torch.Generator().manual_seed(seed)
    network.train()
    for rows in torch.split(torch.randperm(len(clips.index), generator=generator), config.batch_size):
        varied = _vary(clips.pictures[rows], generator=generator)
        take_step(network, optimizer, varied, clips.exercise[rows], clips.index[rows], config=config)


def take_step(
    network: ImageLstm,
    optimizer: torch.optim.Optimizer,
    pictures: Tensor,
    exercise: Tensor,
    index: Tensor,
    *,
    config: FitConfig,
) -> None:
    """Take one step on a batch: forward, backward, clipped gradient, new weights."""
    optimizer.zero_grad()
    loss = functional.huber_loss(network(pictures, exercise), index, delta=config.huber_delta)
    loss.backward()  # type: ignore[no-untyped-call]
    torch.nn.utils.clip_grad_norm_(network.parameters(), config.clip_norm, foreach=False)
    optimizer.step()


def _vary(pictures: Tensor, *, generator: torch.Generator) -> Tensor:
    """Return clips mirrored by lot and in another light, each clip as a whole."""
    n = len(pictures)
    is_mirrored = torch.rand(n, generator=generator) < 0.5
    brighter = _LIGHT * (2.0 * torch.rand(n, generator=generator) - 1.0)
    turned = torch.where(is_mirrored[:, None, None, None, None], pictures.flip(-1), pictures)
    return turned + brighter[:, None, None, None, None]


def _judge(network: ImageLstm, clips: _Clips, *, batch_size: int = 8) -> Tensor:
    """Return the index of each clip as the network gives it; shape (n_clips,)."""
    network.eval()
    with torch.inference_mode():
        rows = torch.split(torch.arange(len(clips.pictures)), batch_size)
        return torch.cat([network(clips.pictures[part], clips.exercise[part]) for part in rows])
