"""Open the doors of what is made beforehand: virtual volunteers, their films, networks trained on them.

Adapters are imported inside the functions, as in `openers`; each needs an extra that assessing does not.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from backsight.composition import Progress, name_stage
from backsight.domain.recording import Exercise
from backsight.errors import FilmingError, InvalidValueError, MissingDependencyError
from backsight.openers import pose_bundle
from backsight.simulation.seeds import HELD_OUT_SEED, TRAINING_SEED

if TYPE_CHECKING:
    from backsight.pose.weights import PoseModel
    from backsight.studio.filmed import Shot

CONTACT_SHEET_YAWS_DEG = (0.0, 25.0, -25.0)
"""Views that take turns on a contact sheet: faces show, and so does how deep a body is."""


def train_virtual(
    out: Path,
    *,
    n_subjects: int,
    seed: int,
    work_folder: Path | None,
    n_threads: int,
    on_progress: Progress | None,
    filmed_folders: Sequence[Path] = (),
) -> str:
    """Train the paper's network on virtual volunteers and write a checkpoint; returns the report as text.

    Raises
    ------
    InvalidValueError
        When `seed` is that of the volunteers on whom benchmarks judge.
    MissingDependencyError
        When the extra `train` is not installed.
    """
    if seed == HELD_OUT_SEED:
        raise InvalidValueError(
            f"`seed` {HELD_OUT_SEED} is that of the volunteers held out for benchmarks, on whom nothing is trained; "
            f"take another, such as {TRAINING_SEED}"
        )
    try:
        from backsight.training.virtual import train_on_virtual_cohort
    except ImportError as error:
        raise MissingDependencyError(
            f"training needs {error.name}, which is not installed: pip install 'backsight[train]'"
        ) from error
    report = train_on_virtual_cohort(
        out,
        n_subjects=n_subjects,
        seed=seed,
        filmed_folders=filmed_folders,
        work_folder=work_folder,
        n_threads=n_threads,
        on_progress=on_progress,
    )
    return str(report)


def simulate_volunteer(
    out: Path,
    *,
    number: int,
    seed: int,
    exercises: Sequence[Exercise] = tuple(Exercise),
    yaws_deg: Mapping[Exercise, float] | None = None,
    distance_m: float | None = None,
    fps: float | None = None,
    frame_size: tuple[int, int] = (1280, 720),
    overwrite: bool = False,
    on_progress: Progress | None = None,
) -> None:
    """Film one virtual volunteer into a folder, all or nothing: a clip an exercise, `truth.json`, `truth.parquet`.

    Parameters
    ----------
    out
        The folder to make.
    number, seed
        Which volunteer of which cohort.
    yaws_deg
        Where the camera stands in each exercise as seen by the volunteer: 0 = in front, 90 = at the left, 180 =
        behind. What is not given is drawn by the seed.
    distance_m
        Lens to the middle of the space that the movement takes.
    overwrite
        Replace an earlier volunteer in `out`.

    Raises
    ------
    MissingDependencyError
        When the extra `simulate` is not installed.
    OutputError
        When `out` cannot be written.
    """
    from backsight.exports.folder import VOLUNTEER, staged_folder

    _check_renderer()
    from backsight.studio.filmed import Shot
    from backsight.studio.volunteers import film_volunteer

    shots = [
        Shot(
            number,
            exercise,
            seed,
            fps=fps,
            yaw_deg=(yaws_deg or {}).get(exercise),
            distance_m=distance_m,
            frame_size=frame_size,
        )
        for exercise in Exercise
        if exercise in exercises
    ]
    with staged_folder(out, overwrite=overwrite, kind=VOLUNTEER) as folder:
        film_volunteer(folder, shots, on_progress=name_stage(on_progress, "Filming, frames"))


def simulate_cohort(
    out: Path,
    *,
    n_subjects: int,
    seed: int,
    exercises: Sequence[Exercise] = tuple(Exercise),
    landmarks_only: bool = False,
    pose_models: Sequence[PoseModel | str] = ("lite", "full"),
    n_workers: int = 1,
    on_progress: Progress | None = None,
) -> int:
    """Film a cohort of virtual volunteers; what an earlier, interrupted run finished is kept. Returns the recordings.

    Parameters
    ----------
    out
        The folder to fill: a folder a person and `manifest.csv`.
    landmarks_only
        Keep no clips, only what the `pose_models` see in them: a file of some 50 KB a recording, which
        `backsight.studio.cache.load_filmed` reads with its truth.

    Raises
    ------
    MissingDependencyError
        When the extra `simulate` is not installed.
    InputError
        When `out` holds something else.
    OutputError
        When `out` cannot be written.
    FilmingError
        When some recordings could not be filmed; the others are there.
    """
    _check_renderer()
    from backsight.studio.cohort import check_cohort_folder, film_people, film_shots
    from backsight.studio.filmed import plan_shots

    shots = plan_shots(range(n_subjects), seed=seed, exercises=[item for item in Exercise if item in exercises])
    check_cohort_folder(out, seed=seed, landmarks_only=landmarks_only)
    failures: list[str] = []

    def note(shot: Shot, error: Exception) -> None:
        failures.append(f"volunteer {shot.subject_index}, {shot.exercise}: {error}")

    if landmarks_only:
        bundles = {str(model): pose_bundle(model, on_progress=on_progress) for model in pose_models}
        show = name_stage(on_progress, "Filming and looking, frames")
        n_there = len(
            film_shots(shots, folder=out, models=bundles, n_workers=n_workers, on_progress=show, on_failure=note)
        )
    else:
        show = name_stage(on_progress, "Filming, frames")
        n_there = len(film_people(shots, folder=out, n_workers=n_workers, on_progress=show, on_failure=note))
    if failures:
        raise FilmingError(
            f"{len(failures)} of {len(shots)} recordings could not be filmed; run the same command again to try them "
            f"once more; the first was {failures[0]}"
        )
    return n_there


def draw_contact_sheet(path: Path, *, n_subjects: int, seed: int, on_progress: Progress | None = None) -> None:
    """Draw the first `n_subjects` of a cohort side by side, standing, as a PNG.

    Raises
    ------
    MissingDependencyError
        When the extra `simulate` is not installed.
    OutputError
        When `path` cannot be written.
    """
    _check_renderer()
    from backsight.studio import contact_sheet
    from backsight.studio.filmed import plan_shots

    # From so far that how much nearer a head is than the hips matters little, and so near that clothes show.
    shots = plan_shots(
        range(n_subjects), seed=seed, exercises=[Exercise.JUMP], yaws_deg=CONTACT_SHEET_YAWS_DEG, distance_m=3.0
    )
    contact_sheet.draw_contact_sheet(path, shots, on_progress=name_stage(on_progress, "Drawing volunteers"))


def _check_renderer() -> None:
    from importlib.util import find_spec

    if find_spec("pyvista") is None:
        raise MissingDependencyError(
            "drawing virtual volunteers needs pyvista, which is not installed: pip install 'backsight[simulate]'"
        )
