"""Filmed volunteers whose landmarks are kept, as benchmarks of learners take them. Knows no learner."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from backsight.evaluation.protocol import OnProgress

if TYPE_CHECKING:
    from backsight.datasets.virtual import VirtualCohort


def load_kept_films(cohort: Path | None, *, pose_model: str, on_progress: OnProgress | None = None) -> VirtualCohort:
    """Read a folder of films; None = those that calibration is fitted to, in the user's cache folder.

    Raises
    ------
    InputError
        When the folder holds no films.
    """
    from platformdirs import user_cache_path

    from backsight.datasets.virtual import load_virtual_cohort

    return load_virtual_cohort(
        cohort or user_cache_path("backsight") / "cohorts" / "calibration",
        model=pose_model,
        on_progress=None if on_progress is None else lambda done, total: on_progress("Reading films", done, total),
    )
