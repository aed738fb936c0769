"""`backsight data`: look at a study before anything is learnt from it."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from backsight.cli.study_options import (
    STUDY_HELP,
    USUAL_FOLDS,
    DataSetOption,
    LandmarksOption,
    PoseModelOption,
    RatingsOption,
    StudySource,
)
from backsight.errors import InputError

if TYPE_CHECKING:
    from backsight.domain.study import Study

app = typer.Typer(
    help="Studies: scored movements of many people.",
    no_args_is_help=True,
    rich_markup_mode=None,
)

_SHORT_S = 1.0
"""No exercise that anybody scores is over sooner."""
_Source = Annotated[str, typer.Argument(help=STUDY_HELP, metavar="STUDY")]


@app.command()
def validate(
    source: _Source,
    data_set: DataSetOption = None,
    ratings: RatingsOption = None,
    landmarks: LandmarksOption = None,
    pose_model: PoseModelOption = None,
) -> None:
    """Read a study, say what is wrong by row and column, or tell what it holds.

    backsight data validate study.csv
    backsight data validate kimore/ --data-set kimore
    """
    study = StudySource(source, data_set, ratings, landmarks, pose_model).read()
    for line in (*describe(study), *remarks(study)):
        typer.echo(line)


@app.command()
def convert(
    source: _Source,
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder to write: study.csv and landmarks/.")],
    data_set: DataSetOption = None,
    ratings: RatingsOption = None,
    landmarks: LandmarksOption = None,
    pose_model: PoseModelOption = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace an earlier study there.")] = False,
) -> None:
    """Write any study in Backsight's own format.

    backsight data convert uiprmd/ --data-set uiprmd --out uiprmd-study
    """
    from backsight.datasets.study import write_study

    study = StudySource(source, data_set, ratings, landmarks, pose_model).read()
    typer.echo(f"{len(study.clips)} clips: {write_study(study, out, overwrite=overwrite)}")


def remarks(study: Study) -> list[str]:
    """Return what `train` and `evaluate` would refuse, or what deserves a look, for people; a line each."""
    from backsight.studying.judging import check_learnable

    told = []
    if not study.scored():
        told.append("Remark: no clip has a score, so that nothing can be learnt; fill in `rating` or `score`")
    else:
        try:
            check_learnable(study, n_folds=USUAL_FOLDS)
        except InputError as error:
            told.append(f"Remark: `train` and `evaluate` will refuse {error}")
    short = [clip.name for clip in study.clips if clip.pose.duration_s < _SHORT_S]
    if short:
        told.append(
            f"Remark: {len(short)} of {len(study.clips)} clips last less than {_SHORT_S:g} s, such as {short[0]}"
        )
    return told


def describe(study: Study) -> list[str]:
    """Return what a study holds, for people; an exercise a line."""
    import numpy as np

    from backsight.domain.study import count_finders, describe_finders

    scale, scored = study.scale, study.scored()
    kind = "either" if scale.is_binary else "from"
    lines = [
        f"{study.name}: {len(study.clips)} clips of {len(study.subjects)} subjects, {len(scored)} of them scored, "
        f"{kind} {scale.worst:g} (worst) {'or' if scale.is_binary else 'to'} {scale.best:g} (best) {scale.unit}",
        f"{'exercise':<20}{'clips':>7}{'subjects':>10}{'median s':>10}{'seen':>7}{'scored':>8}{'mean':>9}{'SD':>8}",
    ]
    for exercise in study.exercises:
        clips = [clip for clip in study.clips if clip.exercise == exercise]
        scores = np.array([clip.score for clip in clips if clip.is_scored])
        mean, spread = (f"{scores.mean():.2f}", f"{scores.std():.2f}") if len(scores) else ("-", "-")
        length_s = np.median([clip.pose.duration_s for clip in clips])
        seen = np.mean([np.isfinite(clip.pose.world_m[..., 0]).mean() for clip in clips])
        lines.append(
            f"{exercise:<20}{len(clips):>7}{len({clip.subject for clip in clips}):>10}"
            f"{length_s:>10.1f}{seen:>7.0%}{len(scores):>8}{mean:>9}{spread:>8}"
        )
    # A diagnosis is a person's, a view a clip's.
    groups = Counter(group for _, group in sorted({(clip.subject, clip.group) for clip in study.clips}))
    views = Counter(clip.view for clip in study.clips)
    for what, counted in (("subjects by group", groups), ("clips by view", views)):
        if any(counted):
            lines.append(f"{what}: " + ", ".join(f"{name or 'none'} {n}" for name, n in counted.items()))
    lines.append(f"landmarks found by: {describe_finders(count_finders(study.clips))}")
    if study.source:
        lines.append(f"source: {study.source}")
    lines.append("seen: share of the landmarks that are known, over all frames of the exercise's clips")
    return lines
