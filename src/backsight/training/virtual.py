"""Train the network that ships: virtual volunteers in, a judged checkpoint out. Only this trainer knows simulation."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from importlib import resources
from importlib.metadata import version
from pathlib import Path

import numpy as np

from backsight.domain.assessment import ModelCard
from backsight.errors import OutputError
from backsight.exports.folder import check_folder
from backsight.features.schema import FEATURE_NAMES, KINEMATIC_NAMES
from backsight.network.checkpoint import save_checkpoint
from backsight.network.config import LstmConfig
from backsight.pipeline import prepare
from backsight.simulation.cohort import simulate_cohort
from backsight.training.examples import Example, load_examples, save_examples
from backsight.training.filmed import filmed_examples
from backsight.training.judge import Score
from backsight.training.progress_file import forget_progress
from backsight.training.recipe import NOT_CLEARLY_BETTER, Origin, beats_median, train_and_judge
from backsight.training.split import DEFAULT_SHARES, Fold
from backsight.training.trainer import OnProgress, TrainingConfig

_NAME = "lstm-virtual"
"""Not that of the network that ships: what somebody trained is not what was published."""

_FEATURE_SOURCES = ("domain", "kinematics", "pose/filtering.py", "features", "simulation", "pipeline.py")
"""Parts of the package that decide what a virtual volunteer's features are."""

_FILMED_SHARES: Mapping[Fold, float] = {
    Fold.TRAIN: 0.4,
    Fold.VALIDATION: 0.1,
    Fold.CALIBRATION: 0.2,
    Fold.TEST: 0.3,
}
"""Films are few: most of training's people are landmarks only, and so calibrating and judging get more of the films."""
_FILMED_REPEATS = 6
"""A filmed recording counts as this many that are simulated as landmarks."""

_SUMMARY = (
    "{n} virtual volunteers who touch their toes, walk 2 metres and jump once each, as landmarks with BlazePose's kind "
    "of noise; no real person"
)
_FILMED_SUMMARY = (
    "{n_filmed} virtual volunteers who were drawn, filmed from several sides and seen by BlazePose itself, and {n} "
    "more as landmarks with BlazePose's kind of noise; they touch their toes, walk 2 metres and jump; no real person"
)
_FILMED_DESCRIPTION = """\
{n_filmed} virtual volunteers were drawn (`backsight.rendering`) and filmed from the front, obliquely, from the side and
from behind, in rooms of every light, at 30 and 60 frames a second; the films were compressed as a phone does it, and
BlazePose ({models}) looked at them. All figures below, and the interval, rest on filmed people only. Training also saw
the following, as landmarks.

"""
_RATINGS = "Simulated: the virtual person's true index with the test-retest error of a rating, SEM 10 of 100 points"
_DESCRIPTION = """\
{n} virtual volunteers (`backsight.simulation`), each doing the paper's three exercises once: joint-angle motion drawn
from published norms, with every person's true dysfunction, 0 to 1, shifting it by published effects of low back pain
where there are any and by assumed ones where there are none; each effect is marked with its source in
`simulation/dysfunction.py`. Each person shows a random subset of the effects at random strength. The motion is seen by
a camera from a random side as 33 landmarks with BlazePose's kind of noise, bias and dropouts, then filtered, filled,
resampled to 30 fps and turned into features by the same code that reads real videos.

Labels are ratings, 0 to 100, with a test-retest error of 10 points, half of whose variance a person carries through all
three ratings. Nobody in it is real."""


@dataclass(frozen=True, eq=False)
class TrainingReport:
    """What a training made and how good it is; as a string, the table that the command line prints."""

    out: Path
    card: ModelCard
    scores: Mapping[str, Mapping[str, Score]]
    """{predictor: {exercise or session: score}} on virtual people held out of training."""
    n_epochs: int
    beats_median: bool
    """Whether the network is clearly better than giving everybody the median; if not, do not use it."""
    simulation_s: float
    training_s: float

    def __str__(self) -> str:
        """Return the figures as text."""
        lines = [
            self.card.headline,
            f"{'exercise':<12}{'predicted by':<14}{'n':>5}{'MAE true':>10}{'Spearman':>10}{'AUC':>8}{'MAE rated':>11}",
        ]
        for group in self.scores["network"]:
            for predictor, groups in self.scores.items():
                one = groups[group]
                lines.append(
                    f"{group:<12}{predictor:<14}{one.n:>5}{one.mae_true:>10.3f}{one.spearman_true:>10.3f}"
                    f"{one.auc_red_flag:>8.3f}{one.mae_rating:>11.3f}"
                )
        lines.append(
            f"90 % interval: index +- {self.card.interval_half_width:.3f}; {self.n_epochs} epochs; features "
            f"{self.simulation_s:.0f} s, training {self.training_s:.0f} s"
        )
        if not self.beats_median:
            lines.append(NOT_CLEARLY_BETTER)
        return "\n".join(lines)


def train_on_virtual_cohort(
    out: Path,
    *,
    n_subjects: int,
    seed: int,
    filmed_folders: Sequence[Path] = (),
    work_folder: Path | None = None,
    n_threads: int = 1,
    on_progress: OnProgress | None = None,
    config: TrainingConfig | None = None,
    network_config: LstmConfig | None = None,
) -> TrainingReport:
    """Simulate, train, judge on virtual people held out, and write a checkpoint with its card.

    Parameters
    ----------
    out
        The checkpoint file to write.
    n_subjects
        Virtual volunteers as landmarks; at least 60 in all folds together. With films they are for training only.
    seed
        Decides the people, the folds, the first weights and the order of batches. The same seed on the same machine,
        with as many threads, gives the same bytes.
    filmed_folders
        Cohorts that were filmed and seen by BlazePose: the network is calibrated and judged on them.
    work_folder
        Keeps features, so that a second run is quick, and progress, so that an interrupted one goes on; None = nothing
        is kept.
    n_threads
        CPU threads.
    on_progress
        Called with (what, done, total).
    config, network_config
        Other settings than the shipped network's; their seed and threads are replaced.

    Raises
    ------
    OutputError
        When `out` or `work_folder` cannot be written; found before the first slow step.
    InputError
        When films cannot be read.
    """
    _check_writable(out)
    if work_folder is not None:
        check_folder(work_folder)
    started_s = time.monotonic()
    filmed = filmed_examples(
        filmed_folders, on_progress=lambda done, n: on_progress("Reading films", done, n) if on_progress else None
    )
    examples = virtual_examples(n_subjects, seed=seed, work_folder=work_folder, on_progress=on_progress)
    simulated_s = time.monotonic()
    config = replace(config or TrainingConfig(), seed=seed, n_threads=n_threads)
    judged = train_and_judge(
        filmed or examples,
        more_training=examples if filmed else (),
        repeats=_FILMED_REPEATS if filmed else 1,
        shares=_FILMED_SHARES if filmed else DEFAULT_SHARES,
        feature_names=FEATURE_NAMES,
        origin=_origin(n_subjects, seed, n_threads, filmed=filmed, folders=filmed_folders),
        config=config,
        network_config=network_config,
        memory_names=KINEMATIC_NAMES,
        work_folder=work_folder,
        on_progress=on_progress,
    )
    save_checkpoint(out, judged.checkpoint)
    forget_progress([judged.trained.progress_file])
    return TrainingReport(
        out=out,
        card=judged.checkpoint.card,
        scores=judged.scores,
        n_epochs=len(judged.trained.history),
        beats_median=beats_median(judged),
        simulation_s=simulated_s - started_s,
        training_s=time.monotonic() - simulated_s,
    )


def virtual_examples(
    n_subjects: int, *, seed: int, work_folder: Path | None = None, on_progress: OnProgress | None = None
) -> list[Example]:
    """Simulate a cohort and take each recording down the road as far as its features.

    What `work_folder` keeps is found again only while the code that makes features is the same.
    """
    kept = None
    if work_folder is not None:
        kept = work_folder / f"virtual-{n_subjects}-{seed}-{_source_fingerprint()}.npz"
        if kept.exists():
            return load_examples(kept)
    examples: list[Example] = []
    n_people = 0
    who = None
    for virtual in simulate_cohort(n_subjects, seed=seed):
        if virtual.recording.subject_id != who:
            who, n_people = virtual.recording.subject_id, n_people + 1
            if on_progress:
                on_progress("Simulating volunteers", n_people - 1, n_subjects)
        examples.append(
            Example(
                recording=virtual.recording,
                values=prepare(virtual.pose).features.values.astype(np.float32),
                duration_s=virtual.pose.duration_s,
                true_index=virtual.index,
            )
        )
    if on_progress:
        on_progress("Simulating volunteers", n_subjects, n_subjects)
    if kept is not None:
        save_examples(kept, examples)
    return examples


def _origin(
    n_subjects: int, seed: int, n_threads: int, *, filmed: Sequence[Example], folders: Sequence[Path]
) -> Origin:
    options = "".join(f" --filmed {folder.name}" for folder in folders)
    n_filmed = len({example.recording.subject_id for example in filmed})
    command = f"backsight train --virtual {n_subjects}{options} --seed {seed} --threads {n_threads} --out FILE"
    facts = {"n": n_subjects, "n_filmed": n_filmed, "models": "lite and full"}
    # The network that ships has a version of its own; this one is known by what made it.
    made = hashlib.sha256(f"{command} {_source_fingerprint()}".encode())
    return Origin(
        name=_NAME,
        version=f"{version('backsight')}+{made.hexdigest()[:8]}",
        summary=(_FILMED_SUMMARY if filmed else _SUMMARY).format(**facts),
        description=((_FILMED_DESCRIPTION if filmed else "") + _DESCRIPTION).format(**facts),
        rating_provenance=_RATINGS,
        command=command,
    )


def _source_fingerprint() -> str:
    """Return a fingerprint of the code that turns a seed into features."""
    digest = hashlib.sha256()
    package = Path(str(resources.files("backsight")))
    for part in _FEATURE_SOURCES:
        for path in sorted((package / part).rglob("*.py")) or [package / part]:
            digest.update(path.read_bytes())
    return digest.hexdigest()[:12]


def _check_writable(out: Path) -> None:
    """Find out before a quarter of an hour's work whether its result can be written."""
    part = out.with_name(f".{out.name}.part")
    try:
        if out.is_dir():
            raise IsADirectoryError(0, "it is a folder")
        out.parent.mkdir(parents=True, exist_ok=True)
        part.touch()
        part.unlink()
    except OSError as error:
        raise OutputError(
            f"{out}: the checkpoint cannot be written ({error.strerror or error}); choose another place with --out"
        ) from error
