"""Who may be learnt from: never the volunteers on whom benchmarks judge."""

from pathlib import Path

import pytest

from backsight.domain.recording import Exercise
from backsight.errors import InputError, InvalidValueError
from backsight.laboratory import train_virtual
from backsight.simulation.seeds import HELD_OUT_SEED, TRAINING_SEED
from backsight.studio.cache import save_filmed
from backsight.studio.filmed import Shot
from backsight.studio.fingerprint import Fingerprint
from backsight.training.filmed import filmed_examples
from tests.unit.benchmarks.films import make_film


def keep(folder: Path, seed: int) -> Path:
    folder.mkdir()
    film = make_film(Shot(0, Exercise.JUMP, seed, fps=10.0), models=("full", "lite"))
    save_filmed(folder, film, fingerprint=Fingerprint.of_package())
    return folder


def test_each_model_that_looked_gives_an_example(tmp_path: Path) -> None:
    examples = filmed_examples([keep(tmp_path / "training", TRAINING_SEED)])
    assert [example.recording.exercise for example in examples] == [Exercise.JUMP, Exercise.JUMP]


def test_volunteers_held_out_for_benchmarks_are_refused(tmp_path: Path) -> None:
    folders = [keep(tmp_path / "training", TRAINING_SEED), keep(tmp_path / "judged", HELD_OUT_SEED)]
    with pytest.raises(InputError, match=rf"judged: holds volunteers of seed {HELD_OUT_SEED}.*--seed {TRAINING_SEED}"):
        filmed_examples(folders)


def test_their_seed_is_refused_for_landmarks_without_films_too(tmp_path: Path) -> None:
    with pytest.raises(InvalidValueError, match=rf"`seed` {HELD_OUT_SEED} .* take another, such as {TRAINING_SEED}"):
        train_virtual(
            tmp_path / "out", n_subjects=20, seed=HELD_OUT_SEED, work_folder=None, n_threads=1, on_progress=None
        )
    assert not (tmp_path / "out").exists()
