"""`backsight benchmark raw-image`: a small CNN-LSTM on pictures beside networks on landmarks of the same films.

The paper says of raw images that they took 643 ms an iteration for an accuracy of 74.3 %, and prints neither the
network nor the data; so this is the comparison and not those numbers.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from backsight.benchmarks.figures import BenchmarkResult, Figure
from backsight.benchmarks.iteration_time import time_iterations
from backsight.benchmarks.kept_films import load_kept_films
from backsight.benchmarks.learning_tables import (
    Judging,
    Row,
    figure_of,
    fold_store,
    interval_of,
    number,
    of,
    within_folds,
)
from backsight.benchmarks.stills import Pictures, StillSize, stills_of
from backsight.domain.assessment import RED_FLAG_ABOVE
from backsight.domain.sequences import PoseSequence
from backsight.domain.study import ScoreScale, Study
from backsight.domain.validation import FloatArray
from backsight.evaluation.baselines import Median
from backsight.evaluation.learner import Learner
from backsight.evaluation.metrics import balanced_accuracy, mean_absolute_error, spearman
from backsight.evaluation.predictions import Predictions
from backsight.evaluation.protocol import OnProgress, Protocol
from backsight.evaluation.store import FoldStore

if TYPE_CHECKING:
    from backsight.datasets.virtual import VirtualCohort
    from backsight.studio.filmed import Shot


def run_raw_image(
    *,
    cohort: Path | None = None,
    n_subjects: int = 60,
    n_folds: int = 3,
    n_seeds: int = 1,
    size: StillSize | None = None,
    pose_model: str = "full",
    work: Path | None = None,
    on_progress: OnProgress | None = None,
) -> BenchmarkResult:
    """Draw pictures of films whose landmarks are kept, judge learners on both, and time them.

    Parameters
    ----------
    cohort
        Folder of filmed volunteers; None = those that calibration is fitted to, in the user's cache folder.
    n_subjects
        At most so many of the volunteers, in the order of their numbers.
    size
        How many pictures of a clip, and how large; they are kept, so that an interrupted run goes on.
    work
        Folder of finished folds; None = the user's cache folder.

    Raises
    ------
    InputError
        When the folder holds no films.
    MissingDependencyError
        When pictures have to be drawn and the extra `simulate` is not installed.
    """
    size = size or StillSize()
    store = fold_store(work)
    films = load_kept_films(cohort, pose_model=pose_model, on_progress=on_progress)
    study, shots = _scored_of(films, n_subjects)
    drawn = stills_of(shots, size, on_progress=on_progress)
    pictures = {clip.pose: one for clip, one in zip(study.clips, drawn, strict=True)}
    learners = learners_on_both(pictures, source=f"{size} {digest_pictures(drawn)}")
    protocol = Protocol(n_folds=n_folds, n_seeds=n_seeds)
    rows, figures = judge_both(study, learners, protocol=protocol, store=store, on_progress=on_progress)
    if on_progress is not None:
        on_progress("Timing", 0, 0)
    return BenchmarkResult(
        name="raw-image",
        figures=(*figures, *time_iterations(size)),
        seeds=protocol.seeds,
        notes=_notes(study, size, n_folds=n_folds, n_seeds=n_seeds, pose_model=pose_model),
        rows=tuple(rows),
    )


def _scored_of(films: VirtualCohort, n_subjects: int) -> tuple[Study, list[Shot]]:
    """Return the scored clips of the first volunteers, and what was filmed in each."""
    wanted = frozenset(films.study.subjects[:n_subjects])
    kept = [
        (clip, shot)
        for clip, shot in zip(films.study.clips, films.shots, strict=True)
        if clip.subject in wanted and clip.is_scored
    ]
    return replace(films.study, clips=tuple(clip for clip, _ in kept)), [shot for _, shot in kept]


def digest_pictures(drawn: Sequence[Pictures]) -> str:
    """Return what tells pictures apart: folds that were kept of what another renderer drew are not taken for these."""
    digest = hashlib.blake2b(digest_size=16)
    for pictures in drawn:
        digest.update(f"{pictures.shape}".encode())
        digest.update(np.ascontiguousarray(pictures).tobytes())
    return digest.hexdigest()


def learners_on_both(pictures: Mapping[PoseSequence, Pictures], *, source: str) -> tuple[Learner, ...]:
    """Return what is compared: a median, networks on pictures and on landmarks, and summary measures.

    `lstm-one` is the fair rival of the networks on pictures: one network, each clip by itself, the same layers behind
    what is looked at.
    """
    from backsight.training.image_learner import ImageConfig, ImageLearner
    from backsight.training.learners import make_learner
    from backsight.training.neural import NeuralLearner
    from backsight.training.neural_kinds import neural_config

    moving = ImageConfig(removes_background=True)
    one = replace(neural_config("lstm"), n_members=1, pools_session=False)
    return (
        Median(),
        ImageLearner(pictures, source),
        ImageLearner(pictures, source, moving, "image-lstm-moving"),
        NeuralLearner(one, name="lstm-one"),
        make_learner("lstm"),
        make_learner("kinematic"),
    )


def judge_both(
    study: Study,
    learners: Sequence[Learner],
    *,
    protocol: Protocol,
    store: FoldStore,
    on_progress: OnProgress | None = None,
    n_draws: int = 1000,
) -> tuple[list[Row], list[Figure]]:
    """Judge learners on the same folds; errors are told of the index, 0 best to 1 worst."""
    judging = Judging(study, store, on_progress, n_draws)
    rows, figures = [], []
    for learner in learners:
        row = {
            "kind": "learner",
            "learner": learner.name,
            **_row(judging.run(learner, protocol), study.scale, n_draws=n_draws),
        }
        rows.append(row)
        figures += [
            figure_of(learner.name, row, "mad", unit="index"),
            figure_of(learner.name, row, "rho", unit="rho", better="higher"),
            figure_of(learner.name, row, "accuracy", unit="share", better="higher"),
        ]
    return rows, figures


def _row(predictions: Predictions, scale: ScoreScale, *, n_draws: int) -> Row:
    said, true = (
        np.array([scale.to_index(score) for score in scores]) for scores in (predictions.predicted, predictions.score)
    )
    return {
        "clips": len(np.unique(predictions.clip)),
        "people": len(np.unique(predictions.subject)),
        "flagged": number(float(np.mean(true > RED_FLAG_ABOVE))),
        **{
            name: interval_of(of(figure, predictions, said, true, n_draws=n_draws))
            for name, figure in (
                ("mad", mean_absolute_error),
                ("rho", spearman),
                ("accuracy", _told_right),
                ("balanced_accuracy", _told_right_in_both),
            )
        },
        "rho_within_folds": number(within_folds(spearman, predictions, said, true)),
        "seconds": round(predictions.seconds, 1),
    }


def _told_right(said: FloatArray, true: FloatArray) -> float:
    """Return the share of the clips whose red flag is told right: the nearest to what the paper calls accuracy."""
    return float(np.mean((said > RED_FLAG_ABOVE) == (true > RED_FLAG_ABOVE))) if len(true) else float("nan")


def _told_right_in_both(said: FloatArray, true: FloatArray) -> float:
    return balanced_accuracy(said > RED_FLAG_ABOVE, true > RED_FLAG_ABOVE)


def _notes(study: Study, size: StillSize, *, n_folds: int, n_seeds: int, pose_model: str) -> tuple[str, ...]:
    width, height = size.frame_size
    return (
        f"{len(study.clips)} clips of {len(study.subjects)} virtual volunteers, drawn; folds by person ({n_folds}), "
        f"{n_seeds} draw(s). Landmarks are BlazePose {pose_model}'s, found at 1280 x 720 in all frames after "
        "compression; pictures are "
        f"{size.n_frames} a clip, evenly spaced, {width} x {height}, drawn from the same shots without compression.",
        "mad: mean absolute difference of the index from the volunteer's rating. accuracy: share of the clips whose "
        f"red flag (rating's index above {RED_FLAG_ABOVE}) is told right; median shows what guessing gives. image-lstm "
        "sees the pictures as they are, image-lstm-moving what differs from the clip's median picture. Both are one "
        "network, as lstm-one is; lstm is five, and draws a person's clips together, as kinematic does.",
        "time: CPU time of all threads, median; networks in PyTorch on one thread, one sequence forward or one "
        "training step of a batch. forward counts the network alone, as the paper's figures appear to; whole_way adds "
        "decoding a real clip and shrinking its pictures, or decoding, BlazePose and the 193 columns. At 1280 x 720 "
        "the time of four pictures is scaled up, and nothing was learnt at that size.",
    )
