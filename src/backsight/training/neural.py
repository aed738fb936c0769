"""Learn scores of movements with networks, from training people only. Knows no data set and no protocol."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from backsight.domain.study import ScoreScale, StudyClip
from backsight.domain.validation import FloatArray
from backsight.errors import InvalidValueError
from backsight.network.config import NetworkConfig, Pooling
from backsight.network.sequence import UNKNOWN_EXERCISE, SequenceNetwork
from backsight.training.neural_features import ColumnScaler, FeatureRecipe, Scaling, Values, features_of
from backsight.training.neural_fit import FitConfig, FittedNetwork, Sequences, fit_network, predict_indices
from backsight.training.progress_file import forget_progress
from backsight.training.schedule import mix_seed, use_threads

FEWEST_PEOPLE = 4
"""To learn from: three who teach and one who says when to stop."""
POOLING_WEIGHTS = (0.0, 0.25, 0.5, 0.75)
"""How far a clip's score may be drawn to the mean of the person's clips; which one, inner folds choose."""


@dataclass(frozen=True)
class NeuralConfig:
    """One way to learn with networks."""

    kind: str = "lstm"
    """One of `NETWORK_KINDS`."""
    features: FeatureRecipe = field(default_factory=FeatureRecipe)
    scaling: Scaling = "standard"
    landmark_weight: float = 1.0
    """Of the landmarks' columns beside the kinematic ones'. Sqrt(28 / 165) = 0.41 would let both groups count alike."""
    knows_exercise: bool = True
    embedding_size: int = 64
    hidden_size: int = 64
    n_layers: int = 2
    pooling: Pooling = "last"
    dropout: float = 0.0
    input_dropout: float = 0.0
    fit: FitConfig = field(default_factory=FitConfig)
    n_inner_folds: int = 5
    """Into how many the training people are divided; each network is stopped by one of them and taught by the rest."""
    n_members: int = 5
    """Networks whose scores are averaged, each with an inner fold of its own; more than folds begin anew, differently
    divided."""
    pools_session: bool = True
    """Whether a clip's score may be drawn to the mean of the same person's clips."""

    def __post_init__(self) -> None:
        if self.n_inner_folds < 2 or self.n_members < 1:
            raise InvalidValueError(
                f"`n_inner_folds` must be at least 2 and `n_members` at least 1, got {self.n_inner_folds} and "
                f"{self.n_members}"
            )

    def network(self, *, n_exercises: int) -> NetworkConfig:
        """Return the sizes of the network for a study of so many exercises."""
        return NetworkConfig(
            kind=self.kind,
            n_features=len(self.features.names),
            n_exercises=n_exercises if self.knows_exercise else 0,
            embedding_size=self.embedding_size,
            hidden_size=self.hidden_size,
            n_layers=self.n_layers,
            pooling=self.pooling,
            dropout=self.dropout,
            input_dropout=self.input_dropout,
        )


@dataclass(frozen=True)
class NeuralLearner:
    """A `Learner` on feature sequences: networks stopped early by people set aside within the training people."""

    config: NeuralConfig = field(default_factory=NeuralConfig)
    name: str = ""
    """What tables call it; given empty, it is the kind of network."""
    # Where it works is no setting: files that are passed on tell settings.
    work_folder: Path | None = field(default=None, repr=False)
    """Where an interrupted training goes on, emptied of it when it is finished; None = nowhere."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "name", self.name or self.config.kind)

    def fit(self, clips: Sequence[StudyClip], *, scale: ScoreScale, seed: int) -> FittedNeural:
        """Learn from scored clips; the same clips and seed give the same networks on a CPU.

        Raises
        ------
        InvalidValueError
            When fewer than `FEWEST_PEOPLE` people have a scored clip.
        """
        scored = [clip for clip in clips if clip.is_scored]
        people = sorted({clip.subject for clip in scored})
        if len(people) < FEWEST_PEOPLE:
            raise InvalidValueError(
                f"`clips` must show at least {FEWEST_PEOPLE} people with a score, got {len(people)}; record more"
            )
        exercises = {name: number for number, name in enumerate(sorted({clip.exercise for clip in scored}), start=1)}
        members, held_out, progress_files = [], [], []
        for number in range(self.config.n_members):
            fold = inner_folds(people, n_folds=self.config.n_inner_folds, seed=seed, number=number)
            stopping = np.array([clip.subject in fold for clip in scored])
            member, fitted = self._fit_member(scored, stopping, exercises, scale=scale, seed=mix_seed(seed, number))
            members.append(member)
            progress_files.append(fitted.progress_file)
            held_out.append(np.where(stopping, member.predict(scored), np.nan))
        inner = _mean_known(np.stack(held_out))
        weight, error = _choose_pooling(scored, inner, scale, pools=self.config.pools_session)
        # Not before: who is interrupted at the last network goes on without making the others anew.
        forget_progress(progress_files)
        return FittedNeural(members=tuple(members), scale=scale, pooling_weight=weight, inner_error=error)

    def _fit_member(
        self,
        clips: Sequence[StudyClip],
        stopping: NDArray[np.bool_],
        exercises: Mapping[str, int],
        *,
        scale: ScoreScale,
        seed: int,
    ) -> tuple[Member, FittedNetwork]:
        config, recipe = self.config, self.config.features
        taught = [clip for clip, is_stopping in zip(clips, stopping, strict=True) if not is_stopping]
        others = [clip for clip, is_stopping in zip(clips, stopping, strict=True) if is_stopping]
        scaler = ColumnScaler.fit(
            [features_of(clip, recipe)[0] for clip in taught],
            scaling=config.scaling,
            weight=recipe.weight(config.landmark_weight),
        )
        reader = Reader(scaler=scaler, recipe=recipe, exercises=exercises)
        fitted = fit_network(
            reader.read(taught, scale=scale),
            reader.read(others, scale=scale),
            network_config=config.network(n_exercises=len(exercises)),
            config=config.fit,
            seed=seed,
            work_folder=self.work_folder,
        )
        return Member(network=fitted.network, reader=reader, best_epoch=fitted.best_epoch), fitted


@dataclass(frozen=True, eq=False)
class Reader:
    """How clips become tensors, as the people who taught one network have it."""

    scaler: ColumnScaler
    recipe: FeatureRecipe
    exercises: Mapping[str, int]
    """Numbers of the exercises that training knew."""

    def read(self, clips: Sequence[StudyClip], *, scale: ScoreScale | None = None) -> Sequences:
        """Return scaled tensors of clips; without a scale there are no indices and no variants."""
        recipe = self.recipe if scale else replace(self.recipe, n_variants=0)
        rows = [[self.scaler.scale(one) for one in features_of(clip, recipe)] for clip in clips]
        n_frames = [[len(one) for one in variants] for variants in rows]
        longest = max(max(lengths) for lengths in n_frames)
        padded = np.stack([np.stack([_pad(one, longest) for one in variants]) for variants in rows])
        index = [scale.to_index(clip.score) if scale else 0.0 for clip in clips]
        return Sequences(
            values=torch.from_numpy(padded),
            n_frames=torch.tensor(n_frames),
            exercise=torch.tensor([self.exercises.get(clip.exercise, UNKNOWN_EXERCISE) for clip in clips]),
            index=torch.tensor(index, dtype=torch.float32),
        )


@dataclass(frozen=True, eq=False)
class Member:
    """One network of several that judge together."""

    network: SequenceNetwork
    reader: Reader
    best_epoch: int
    """Counted from 0."""

    def predict(self, clips: Sequence[StudyClip]) -> FloatArray:
        """Return the index of each clip as the network gives it; shape (n_clips,)."""
        with use_threads(1):
            return predict_indices(self.network, self.reader.read(clips)).numpy().astype(np.float64)


@dataclass(frozen=True, eq=False)
class FittedNeural:
    """Networks that judge together."""

    members: tuple[Member, ...]
    scale: ScoreScale
    pooling_weight: float
    """How far a clip's index is drawn to the mean of the person's clips, 0 to 1."""
    inner_error: float
    """Mean absolute error, in the unit of the scale, on inner folds of the training people, none of whom taught the
    networks that judged them; what settings are chosen by."""

    def predict(self, clips: Sequence[StudyClip]) -> FloatArray:
        """Return a score for each clip, in the study's scale; shape (n_clips,)."""
        if not clips:
            return np.empty(0)
        index = np.mean([member.predict(clips) for member in self.members], axis=0)
        pooled = pool_sessions(np.clip(index, 0.0, 1.0), clips, weight=self.pooling_weight)
        return np.array([self.scale.to_score(one) for one in pooled])


def pool_sessions(index: FloatArray, clips: Sequence[StudyClip], *, weight: float) -> FloatArray:
    """Draw each clip's index to the mean over the same person's and session's; NaN stays and does not count."""
    sessions = [(clip.subject, clip.session) for clip in clips]
    pooled = index.copy()
    for session in set(sessions):
        rows = np.array([one == session for one in sessions]) & np.isfinite(index)
        if rows.any():
            pooled[rows] = (1.0 - weight) * index[rows] + weight * index[rows].mean()
    return pooled


def inner_folds(people: Sequence[str], *, n_folds: int, seed: int, number: int) -> frozenset[str]:
    """Return the people who stop the member of that number; members 0 to n_folds - 1 share nobody, and so on."""
    n_folds = min(n_folds, len(people))
    turn, fold = divmod(number, n_folds)
    drawn = np.random.default_rng([seed, turn]).permutation(len(people))
    return frozenset(people[position] for position in drawn[fold::n_folds])


def _pad(values: Values, n_frames: int) -> Values:
    return np.pad(values, ((0, n_frames - len(values)), (0, 0)))


def _mean_known(stacked: FloatArray) -> FloatArray:
    """Return the mean over the first axis of what is not NaN; NaN where nothing is."""
    known = np.isfinite(stacked)
    total = np.where(known, stacked, 0.0).sum(axis=0)
    return np.where(known.any(axis=0), total / np.maximum(known.sum(axis=0), 1), np.nan)


def _choose_pooling(
    clips: Sequence[StudyClip], inner: FloatArray, scale: ScoreScale, *, pools: bool
) -> tuple[float, float]:
    """Return the weight with the smallest error on inner folds, and that error in the unit of the scale."""
    index = np.array([scale.to_index(clip.score) for clip in clips])

    def error(weight: float) -> float:
        return float(np.nanmean(np.abs(pool_sessions(inner, clips, weight=weight) - index))) * scale.span

    weight = min(POOLING_WEIGHTS if pools else POOLING_WEIGHTS[:1], key=error)
    return weight, error(weight)
