"""`backsight benchmark tables`: the paper's comparisons, judged by people. Knows no data set's files.

`table-2` sets the LSTM beside an RNN at two lengths, as the paper's Table II; `ablation` takes away what the text
claims gains from: min-max scaling, the visibility filter and the 28 kinematic columns beside the landmarks' 165. There
each row changes one thing and nothing else: the same network sizes, fit, folds and seeds; one network a fold, no
averaging, no pooling of a person's exercises. `steps` goes from that reading of the paper to the learner `lstm`, one
thing added a row.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from backsight.benchmarks.figures import BenchmarkResult, Figure
from backsight.benchmarks.learning_tables import Judging, Row, figure_of, fold_store, interval_of, of, regression_row
from backsight.domain.study import Study
from backsight.errors import InputError
from backsight.evaluation.baselines import Median
from backsight.evaluation.learner import Learner
from backsight.evaluation.metrics import Estimate
from backsight.evaluation.predictions import Predictions
from backsight.evaluation.protocol import OnProgress, Protocol
from backsight.pose.filtering import VISIBILITY_THRESHOLD

if TYPE_CHECKING:
    from backsight.training.neural import NeuralConfig

PAPER_FRAMES = (100, 500)
"""Lengths of the paper's Table II."""
TABLES = ("table-2", "ablation", "steps")
_N_TIMED, _N_WARM = 12, 3
_BATCH = 32


STEPS_NOTE = (
    "steps: from the reading of the paper to the learner `lstm`. A row with a plus adds one thing to the last such row "
    "above it; one that is left out adds it to `+ augmented copies`, and the rows below do without. Smaller, shorter: "
    "50 frames of 10 a second, one block of 48 and at most 20 passes in place of 100 of 30, two blocks of 64 and 40. "
    "Landmarks count less: their columns weigh 0.4 beside the kinematic ones' 1. Augmented copies: 4 a recording. "
    "Running and memory tasks: every frame's output is judged, and what was seen so far is asked for, as in the fit of "
    "`lstm-paper`. Foresee frames first: the layers that read frames are taught the coming ones before any score. A "
    "person's exercises: predictions lean on the person's mean as far as inner folds say. 28 columns alone: `lstm` "
    "without landmarks. Where the intervals of two rows overlap, chance may explain their difference."
)


@dataclass(frozen=True)
class Variant:
    """A row: one thing changed."""

    table: str
    """One of `TABLES`, or `baseline`."""
    name: str
    learner: Learner


def run_tables(
    data: Path,
    *,
    n_folds: int = 5,
    n_seeds: int = 3,
    frames: Sequence[int] = PAPER_FRAMES,
    tables: Sequence[str] = (),
    work: Path | None = None,
    on_progress: OnProgress | None = None,
) -> BenchmarkResult:
    """Judge each variant by people, and time its training step.

    Parameters
    ----------
    data
        KIMORE's folder, or a study of one's own.
    frames
        Lengths to compare; the ablations are made at the first, and the steps begin at it.
    tables
        Which of `TABLES`; all when empty.

    Raises
    ------
    InputError
        When there is no such table, or the data cannot be read.
    """
    from backsight.datasets.open import open_study

    chosen = variants(frames, tables=tables)
    store = fold_store(work)
    is_kimore = data.is_dir() and any(data.glob("kimore_*.npz"))
    study = open_study(str(data), data_set="kimore" if is_kimore else None)
    judging = Judging(study, store, on_progress)
    protocol = Protocol(n_folds=n_folds, n_seeds=n_seeds)
    rows = [_row(judging, variant, protocol) for variant in chosen]
    return BenchmarkResult(
        name="tables",
        figures=tuple(figure for row in rows for figure in _figures(row, unit=study.scale.unit)),
        seeds=protocol.seeds,
        rows=tuple(rows),
        notes=(
            f"{study.name}: {len(study.scored())} scored clips of {len({c.subject for c in study.scored()})} people.",
            f"Folds by person ({n_folds}), {n_seeds} draws. accuracy: score at or above the study's median score, or "
            f"below. ms_an_iteration: CPU time of one training step on {_BATCH} sequences, one thread, "
            "median.",
            _visibility_note(study),
            "The paper's raw-image baseline (643 ms, 74.3 %) is not part of this run.",
            *([STEPS_NOTE] if any(variant.table == "steps" for variant in chosen) else []),
        ),
    )


def variants(frames: Sequence[int], *, tables: Sequence[str] = ()) -> tuple[Variant, ...]:
    """Return the rows of some tables, all when none is named; the median first.

    Raises
    ------
    InputError
        When there is no such table.
    """
    unknown = [name for name in tables if name not in TABLES]
    if unknown:
        raise InputError(f"--table: expected one of {', '.join(TABLES)}, got {', '.join(unknown)}")
    rows_of = {"table-2": table_two, "ablation": ablations, "steps": steps}
    wanted = dict.fromkeys(tables or TABLES)
    return (Variant("baseline", "median", Median()), *(row for name in wanted for row in rows_of[name](frames)))


def table_two(frames: Sequence[int]) -> tuple[Variant, ...]:
    """Return the LSTM and the RNN at each length."""
    from backsight.training.neural import NeuralLearner

    return tuple(
        Variant("table-2", f"{kind} {n} frames", NeuralLearner(replace(paper_config(n), kind=kind), name=f"{kind}-{n}"))
        for n in frames
        for kind in ("lstm", "rnn")
    )


def ablations(frames: Sequence[int]) -> tuple[Variant, ...]:
    """Return the reading of the paper at the first length, and it with one thing changed."""
    basis = paper_config(frames[0])
    without = {
        "as the paper": basis,
        "no min-max": replace(basis, scaling="none"),
        "standardised": replace(basis, scaling="standard"),
        "no visibility filter": replace(basis, features=replace(basis.features, visibility_threshold=0.0)),
        "165 columns": replace(basis, features=replace(basis.features, columns="landmarks")),
        "28 columns": replace(basis, features=replace(basis.features, columns="kinematic")),
    }
    return tuple(Variant("ablation", name, _labelled(config, name, frames[0])) for name, config in without.items())


def steps(frames: Sequence[int]) -> tuple[Variant, ...]:
    """Return the way from the reading of the paper at the first length to the learner `lstm`, and to `lstm-28`.

    A row with a plus adds one thing to the last such row above it; a row marked as left out adds it to the same, and
    the rows below do without.
    """
    from backsight.training.neural_kinds import kinematic_columns_learner, neural_config, neural_learner
    from backsight.training.trainer import TrainingConfig

    goal, paper = neural_config("lstm"), paper_config(frames[0])
    standard = replace(paper, scaling=goal.scaling)
    mean = replace(standard, pooling=goal.pooling)
    small = replace(
        mean,
        features=replace(goal.features, n_variants=0),
        fit=replace(goal.fit, n_pretrain_epochs=0),
        embedding_size=goal.embedding_size,
        hidden_size=goal.hidden_size,
        n_layers=goal.n_layers,
    )
    weighed = replace(small, landmark_weight=goal.landmark_weight)
    augmented = replace(weighed, features=goal.features)
    # As heavy as in the fit of `lstm-paper`.
    tasks = replace(small.fit, running_weight=TrainingConfig.running_weight, memory_weight=TrainingConfig.memory_weight)
    foreseeing = replace(augmented, fit=goal.fit)
    rows = {
        "as the paper": paper,
        "+ standardised": standard,
        "+ mean over the frames": mean,
        "+ smaller, shorter": small,
        "+ landmarks count less": weighed,
        "+ augmented copies": augmented,
        "left out: running and memory tasks": replace(augmented, fit=tasks),
        "+ foresee frames first": foreseeing,
        "+ a person's exercises": replace(foreseeing, pools_session=goal.pools_session),
    }
    return (
        *(
            Variant("steps", name, _labelled(config, name.removeprefix("+ "), frames[0]))
            for name, config in rows.items()
        ),
        Variant("steps", "+ five networks: lstm", neural_learner("lstm")),
        Variant("steps", "28 columns alone: lstm-28", kinematic_columns_learner("lstm")),
    )


def _labelled(config: NeuralConfig, name: str, n_frames: int) -> Learner:
    """Return the learner of a row; under the same name the folds of another table's same row are found."""
    from backsight.training.neural import NeuralLearner

    return NeuralLearner(config, name=f"lstm-{n_frames}" if config == paper_config(n_frames) else name)


def paper_config(n_frames: int) -> NeuralConfig:
    """Return the paper's network as far as it is described: 193 columns, min-max, the last frame, two blocks.

    It is told the exercise, because one network judges all of a study's; the paper does not say how it did.
    """
    from backsight.training.neural import NeuralConfig
    from backsight.training.neural_features import FeatureRecipe
    from backsight.training.neural_fit import FitConfig

    return NeuralConfig(
        features=FeatureRecipe(fps=30.0, n_frames=n_frames),
        scaling="min_max",
        n_members=1,
        pools_session=False,
        fit=FitConfig(n_epochs=40, patience=12),
    )


def _row(judging: Judging, variant: Variant, protocol: Protocol) -> Row:
    predictions = judging.run(variant.learner, protocol)
    row = regression_row(predictions, n_draws=judging.n_draws)
    return {
        "kind": variant.table,
        "variant": variant.name,
        **row,
        "accuracy": interval_of(above_median(predictions, judging.study, n_draws=judging.n_draws)),
        "ms_an_iteration": _ms_an_iteration(variant.learner),
    }


def _figures(row: Row, *, unit: str) -> list[Figure]:
    name = f"{row['kind']}/{row['variant']}"
    figures = [
        figure_of(name, row, "mad", unit=unit),
        figure_of(name, row, "rho", unit="rho", better="higher"),
        figure_of(name, row, "accuracy", unit="share", better="higher"),
    ]
    if row["ms_an_iteration"] is not None:
        figures.append(Figure(f"{name}/ms_an_iteration", row["ms_an_iteration"], "ms", _N_TIMED))
    return figures


def above_median(predictions: Predictions, study: Study, *, n_draws: int) -> Estimate:
    """Return the share of clips told rightly to be at or above the study's median score, or below."""
    middle = float(np.median([clip.score for clip in study.scored()]))
    right = (predictions.predicted >= middle) == (predictions.score >= middle)
    return of(lambda told: float(np.mean(told)), predictions, right.astype(np.float64), n_draws=n_draws)


def _ms_an_iteration(learner: Learner) -> float | None:
    """Return the CPU time of one training step, all else of an epoch left out; None for what takes no steps."""
    import torch

    from backsight.network.sequence import build_network
    from backsight.training.neural import NeuralLearner
    from backsight.training.neural_fit import Sequences, Teaching, make_optimizer, pass_over
    from backsight.training.schedule import use_threads

    if not isinstance(learner, NeuralLearner):
        return None
    config = learner.config
    n_frames, n_features = config.features.n_frames or 0, len(config.features.names)
    rng = np.random.default_rng(0)
    sequences = Sequences(
        values=torch.from_numpy(rng.normal(size=(_BATCH, 1, n_frames, n_features)).astype(np.float32)),
        n_frames=torch.full((_BATCH, 1), n_frames),
        exercise=torch.from_numpy(rng.integers(1, 6, _BATCH)),
        index=torch.from_numpy(rng.uniform(size=_BATCH).astype(np.float32)),
    )
    with use_threads(1), torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        teaching = Teaching(build_network(config.network(n_exercises=5)), n_features=n_features)
        optimizer = make_optimizer(teaching, config.fit)
        taken_s = []
        for number in range(_N_WARM + _N_TIMED):
            started_s = time.process_time()
            pass_over(teaching, optimizer, sequences, config=config.fit, seed=0, epoch=number)
            taken_s.append(time.process_time() - started_s)
    return float(f"{1000.0 * statistics.median(taken_s[_N_WARM:]):.4g}")


def _visibility_note(study: Study) -> str:
    seen = [clip.pose.visibility[np.isfinite(clip.pose.world_m[..., 0])] for clip in study.scored()]
    below = float(np.mean(np.concatenate(seen) < VISIBILITY_THRESHOLD))
    return f"The filter at {VISIBILITY_THRESHOLD} takes {below:.1%} of the landmarks that the sensor gave away."


def table_lines(rows: Sequence[Mapping[str, Any]]) -> tuple[str, ...]:
    """Return the rows as a table in Markdown; in brackets the 95 % interval over people."""
    lines = ["| table | variant | MAD | rho | accuracy | ms an iteration |", "|---|---|---|---|---|---|"]
    for row in rows:
        cells = [_spread(row[key]) for key in ("mad", "rho", "accuracy")]
        time_ms = "-" if row["ms_an_iteration"] is None else f"{row['ms_an_iteration']:.3g}"
        lines.append(f"| {row['kind']} | {row['variant']} | {' | '.join(cells)} | {time_ms} |")
    return tuple(lines)


def _spread(found: Mapping[str, float | None]) -> str:
    if found["value"] is None:
        return "-"
    ends = "" if found["low"] is None else f" ({found['low']:.3g} to {found['high']:.3g})"
    return f"{found['value']:.3g}{ends}"
