"""A tiny virtual cohort, all the way to a checkpoint and back."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from backsight.domain.recording import Exercise
from backsight.errors import OutputError
from backsight.features.schema import FEATURE_NAMES
from backsight.network.checkpoint import default_checkpoint_path, load_checkpoint
from backsight.network.config import LstmConfig
from backsight.network.predictor import OnnxPredictor
from backsight.training import virtual
from backsight.training.trainer import TrainingConfig
from backsight.training.virtual import TrainingReport, train_on_virtual_cohort, virtual_examples

N_PEOPLE = 60
NETWORK = LstmConfig(n_features=len(FEATURE_NAMES), embedding_size=4, hidden_size=4, n_layers=1, dense_size=4)


def _train(out: Path, work_folder: Path, **kwargs) -> TrainingReport:
    return train_on_virtual_cohort(
        out,
        n_subjects=N_PEOPLE,
        seed=5,
        work_folder=work_folder,
        config=TrainingConfig(n_epochs=1),
        network_config=NETWORK,
        **kwargs,
    )


@pytest.fixture(scope="module")
def work_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("work")


@pytest.fixture(scope="module")
def checkpoint_file(work_folder: Path) -> Path:
    out = work_folder / "out" / "model.backsight"
    _train(out, work_folder)
    return out


def test_checkpoint_fits_the_features_of_this_backsight(checkpoint_file: Path) -> None:
    checkpoint = load_checkpoint(checkpoint_file, expected_features=FEATURE_NAMES)

    assert checkpoint.training.exercises == tuple(Exercise)
    assert checkpoint.training.n_subjects == N_PEOPLE
    assert "--virtual 60 --seed 5" in checkpoint.training.command
    shipped = load_checkpoint(default_checkpoint_path()).card
    assert checkpoint.card.name == "lstm-virtual"
    assert checkpoint.card.version != shipped.version
    assert np.isfinite(OnnxPredictor(checkpoint).stream().step(np.full(len(FEATURE_NAMES), np.nan)))


def test_a_finished_training_leaves_features_and_no_progress(checkpoint_file: Path, work_folder: Path) -> None:
    assert len(list(work_folder.glob("virtual-*.npz"))) == 1
    assert not list(work_folder.glob("*.safetensors"))


def test_same_seed_gives_the_same_bytes(checkpoint_file: Path, work_folder: Path, tmp_path: Path) -> None:
    """Features are kept, training is done anew: other folder, no noted progress."""
    (kept,) = work_folder.glob("virtual-*.npz")
    (tmp_path / kept.name).write_bytes(kept.read_bytes())

    report = _train(tmp_path / "again.backsight", tmp_path)

    assert report.out.read_bytes() == checkpoint_file.read_bytes()


def test_kept_features_are_those_simulated(checkpoint_file: Path, work_folder: Path) -> None:
    kept = virtual_examples(3, seed=5, work_folder=None)
    again = virtual_examples(N_PEOPLE, seed=5, work_folder=work_folder)

    for one, other in zip(kept, again, strict=False):
        assert one.recording == other.recording
        np.testing.assert_array_equal(one.values, other.values)


def test_report_reads_as_a_table(checkpoint_file: Path, work_folder: Path) -> None:
    progress: list[tuple[str, int, int]] = []
    report = _train(
        checkpoint_file, work_folder, on_progress=lambda what, done, total: progress.append((what, done, total))
    )

    text = str(report)
    assert text.splitlines()[0] == report.card.headline
    assert all(word in text for word in ("touch-toes", "walk", "jump", "session", "median", "duration"))
    assert progress[-1] == ("Training", 1, 1)


def test_unwritable_place_is_found_before_the_first_slow_step(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def too_late(*_args: object, **_kwargs: object) -> None:
        pytest.fail("simulation began although the result has no place")

    monkeypatch.setattr(virtual, "simulate_cohort", too_late)
    (tmp_path / "file").write_text("in the way")

    with pytest.raises(OutputError, match="cannot be written"):
        train_on_virtual_cohort(tmp_path / "file" / "model.backsight", n_subjects=N_PEOPLE, seed=0)
    with pytest.raises(OutputError, match="it is a folder"):
        train_on_virtual_cohort(tmp_path, n_subjects=N_PEOPLE, seed=0)
    with pytest.raises(OutputError, match="a part of that path is a file"):
        train_on_virtual_cohort(tmp_path / "m.backsight", n_subjects=N_PEOPLE, seed=0, work_folder=tmp_path / "file")


def test_shipped_network_beats_its_rivals_and_its_card_is_in_the_docs() -> None:
    shipped = default_checkpoint_path("lstm-paper")
    checkpoint = load_checkpoint(shipped, expected_features=FEATURE_NAMES)

    metrics = checkpoint.metrics
    for rival in ("median", "duration"):
        assert metrics["network.session.mae_true"] < 0.9 * metrics[f"{rival}.session.mae_true"]
    assert shipped.stat().st_size < 3_000_000
    docs = Path(__file__).parents[3] / "docs" / "model-card-lstm-paper.md"
    assert docs.read_text(encoding="utf-8") == checkpoint.card.text, (
        f"write the card anew: unzip -p {shipped} MODEL_CARD.md > {docs}"
    )
