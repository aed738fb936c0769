"""Training learns, repeats itself to the bit, resumes, and lets nobody held out near its scaler."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from backsight.errors import CheckpointError, InvalidValueError
from backsight.network.lstm import weights_to_bytes
from backsight.training import trainer
from backsight.training.examples import Example
from backsight.training.progress_file import EpochRecord, Progress
from backsight.training.trainer import TrainedNetwork, TrainingConfig, make_batches, sequence_loss, train_network

from .people import NAMES, SMALL_NETWORK, SMALL_TRAINING, make_people

TRAIN, VALIDATION = make_people(12)[:24], make_people(12)[24:]


def _train(
    config: TrainingConfig = SMALL_TRAINING,
    *,
    train: list[Example] = TRAIN,
    validation: list[Example] = VALIDATION,
    work_folder: Path | None = None,
    on_progress=None,
) -> TrainedNetwork:
    return train_network(
        train,
        validation,
        feature_names=NAMES,
        config=config,
        network_config=SMALL_NETWORK,
        work_folder=work_folder,
        on_progress=on_progress,
    )


def test_learns_what_one_column_shows() -> None:
    trained = _train(replace(SMALL_TRAINING, n_epochs=40, patience=40))

    losses = [record.validation_loss for record in trained.history]
    assert min(losses) < 0.1 * losses[0]
    assert trained.best_epoch == losses.index(min(losses))


def test_same_seed_gives_the_same_bytes() -> None:
    assert weights_to_bytes(_train().network) == weights_to_bytes(_train().network)


def test_another_seed_gives_another_network() -> None:
    assert weights_to_bytes(_train().network) != weights_to_bytes(_train(replace(SMALL_TRAINING, seed=1)).network)


def test_training_leaves_random_numbers_and_threads_alone() -> None:
    state, threads = torch.get_rng_state(), torch.get_num_threads()

    _train(replace(SMALL_TRAINING, n_threads=threads + 1))

    assert torch.equal(torch.get_rng_state(), state)
    assert torch.get_num_threads() == threads


def test_scaler_sees_the_training_fold_only() -> None:
    loud = [replace(one, values=one.values + np.float32(1000.0)) for one in VALIDATION]

    scaler = _train(validation=loud).scaler

    known = np.concatenate([one.values for one in TRAIN])
    np.testing.assert_array_equal(scaler.minimum, np.nanmin(known, axis=0))
    np.testing.assert_array_equal(scaler.maximum, np.nanmax(known, axis=0))


def test_weights_do_not_depend_on_who_validates() -> None:
    """With a single epoch there is nothing to choose, so validation people must not have any influence."""
    config = replace(SMALL_TRAINING, n_epochs=1)
    loud = [replace(one, values=one.values + np.float32(1000.0)) for one in VALIDATION]

    assert weights_to_bytes(_train(config).network) == weights_to_bytes(_train(config, validation=loud).network)


def test_person_in_both_folds_is_refused() -> None:
    with pytest.raises(InvalidValueError, match="1 people in both"):
        _train(validation=TRAIN[:3])


def test_interrupted_training_goes_on_to_the_same_bytes(tmp_path: Path) -> None:
    class StoppedError(Exception):
        pass

    def stop_at_third(what: str, done: int, total: int) -> None:
        if done == 2:
            raise StoppedError

    config = replace(SMALL_TRAINING, n_epochs=5)
    with pytest.raises(StoppedError):
        _train(config, work_folder=tmp_path, on_progress=stop_at_third)
    begun_at: list[int] = []
    resumed = _train(config, work_folder=tmp_path, on_progress=lambda what, done, total: begun_at.append(done))

    whole = _train(config)
    assert begun_at[0] == 2
    assert weights_to_bytes(resumed.network) == weights_to_bytes(whole.network)
    assert resumed.history == whole.history


def test_noted_progress_of_other_people_is_not_taken_up(tmp_path: Path) -> None:
    _train(work_folder=tmp_path)
    others = make_people(12, seed=9)
    begun_at: list[int] = []

    _train(train=others[:24], work_folder=tmp_path, on_progress=lambda what, done, total: begun_at.append(done))

    assert begun_at[0] == 0


def test_noted_progress_under_other_code_is_not_taken_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = _train(work_folder=tmp_path)
    assert first.progress_file in set(tmp_path.iterdir())

    begun_at: list[int] = []
    monkeypatch.setattr(trainer, "code_version", lambda: "of other code")
    other = _train(work_folder=tmp_path, on_progress=lambda what, done, total: begun_at.append(done))

    assert begun_at[0] == 0
    assert other.progress_file != first.progress_file


def test_damaged_progress_says_what_to_do(tmp_path: Path) -> None:
    _train(work_folder=tmp_path)
    (noted,) = tmp_path.iterdir()
    noted.write_bytes(noted.read_bytes()[:1000])

    with pytest.raises(CheckpointError, match="delete the file and train from the start"):
        _train(work_folder=tmp_path)


@pytest.mark.parametrize(
    ("losses", "finished"),
    [
        ([], False),
        ([0.5, 0.4, 0.45], False),
        ([0.5, 0.4, 0.45, 0.4], True),  # two epochs without a better one; equal is not better
        ([0.5, 0.4, 0.3, 0.2, 0.1], True),  # all epochs done
    ],
)
def test_stops_when_validation_stops_improving(losses: list[float], finished: bool) -> None:
    progress = Progress(history=tuple(EpochRecord(0.0, loss) for loss in losses), best_weights={})

    assert progress.is_finished(n_epochs=5, patience=2) is finished


def test_every_sequence_is_in_one_batch_with_others_of_its_length() -> None:
    lengths = [int(length) for length in np.random.default_rng(0).integers(90, 360, 100)]

    batches = make_batches(lengths, 16, rng=np.random.default_rng(1))

    assert sorted(position for batch in batches for position in batch) == list(range(100))
    padded = sum(len(batch) * max(lengths[position] for position in batch) for batch in batches)
    assert padded < 1.15 * sum(lengths)


def test_loss_reads_the_last_frame_and_the_mean_of_the_frames_after_the_first_second() -> None:
    config = TrainingConfig(huber_delta=10.0, running_weight=0.25, settle_s=1.0)
    raw = torch.zeros(1, 40)
    raw[0, :30] = 9.0  # the first second: not judged
    raw[0, 30:35] = 0.6  # off by 0.1 in five frames
    raw[0, 35] = 0.9  # the last frame, off by 0.4
    raw[0, 36:] = 7.0  # padding: not judged

    loss = sequence_loss(raw, torch.tensor([0.5]), torch.tensor([36]), config=config)

    running = (5 * 0.1**2 / 2 + 0.4**2 / 2) / 6
    assert float(loss) == pytest.approx(0.4**2 / 2 + 0.25 * running)


def test_loss_of_a_sequence_shorter_than_a_second_is_that_of_its_last_frame() -> None:
    config = TrainingConfig(huber_delta=10.0)
    raw = torch.full((1, 10), 0.7)

    assert float(sequence_loss(raw, torch.tensor([0.5]), torch.tensor([10]), config=config)) == pytest.approx(0.02)
