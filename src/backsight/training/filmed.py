"""Learn from films of virtual volunteers that BlazePose itself has looked at. Knows nothing of how they are filmed."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np

from backsight.errors import InputError
from backsight.pipeline import prepare
from backsight.simulation.seeds import HELD_OUT_SEED, TRAINING_SEED
from backsight.studio.cache import load_filmed
from backsight.studio.filmed import FilmedRecording
from backsight.training.examples import Example


def filmed_examples(folders: Iterable[Path], *, on_progress: Callable[[int, int], None] | None = None) -> list[Example]:
    """Turn filmed cohorts into rated recordings, one for each BlazePose model that looked.

    Films that were spoilt on purpose, or in which the model saw nobody, are left out: the road gives such recordings
    no index either.

    Parameters
    ----------
    folders
        What `backsight simulate cohort --landmarks-only` or `make cohort` filled.

    Raises
    ------
    InputError
        When a folder holds no films, two of them hold the same volunteer, or a volunteer is held out for judging.
    """
    examples: list[Example] = []
    home: dict[str, Path] = {}
    for folder in folders:
        # Films outlive small changes of the renderer; what BlazePose saw in them is as true as ever.
        for filmed in load_filmed(folder, require_fresh=False, on_progress=on_progress):
            if filmed.seed == HELD_OUT_SEED:
                raise InputError(
                    f"{folder}: holds volunteers of seed {HELD_OUT_SEED}, on whom benchmarks judge and nothing is ever "
                    f"trained; film others: backsight simulate cohort --landmarks-only --seed {TRAINING_SEED}"
                )
            subject_id = filmed.recording.subject_id
            if home.setdefault(subject_id, folder) != folder:
                raise InputError(
                    f"{folder}: {subject_id} is in {home[subject_id]}, too; film cohorts of different seeds"
                )
            examples += _examples(filmed)
    return examples


def _examples(filmed: FilmedRecording) -> list[Example]:
    if filmed.shot.spoil is not None:
        return []
    return [
        Example(
            recording=filmed.recording,
            values=prepare(track.pose).features.values.astype(np.float32),
            duration_s=track.pose.duration_s,
            true_index=filmed.index,
        )
        for _, track in sorted(filmed.tracks.items())
        if track.pose.has_person.any()
    ]
