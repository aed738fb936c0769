"""From rated recordings to a judged checkpoint."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from backsight.errors import InvalidValueError
from backsight.network.checkpoint import checkpoint_to_bytes, load_checkpoint
from backsight.training import recipe
from backsight.training.card import HEADLINE
from backsight.training.examples import Example
from backsight.training.recipe import (
    NOT_CLEARLY_BETTER,
    JudgedCheckpoint,
    Origin,
    beats_median,
    predict_indices,
    train_and_judge,
)
from backsight.training.split import Fold, split_by_subject

from .people import NAMES, SMALL_NETWORK, SMALL_TRAINING, make_people

ORIGIN = Origin(
    name="test",
    version="7",
    summary="made-up people",
    description="People made up for a test.",
    rating_provenance="made up",
    command="pytest",
)
CONFIG = replace(SMALL_TRAINING, n_epochs=20, patience=20, seed=3)


def _judge(people: Sequence[Example], n_epochs: int = 20) -> JudgedCheckpoint:
    return train_and_judge(
        people,
        feature_names=NAMES,
        origin=ORIGIN,
        config=replace(CONFIG, n_epochs=n_epochs),
        network_config=SMALL_NETWORK,
    )


@pytest.fixture(scope="module")
def people() -> list[Example]:
    return make_people(60)


@pytest.fixture(scope="module")
def judged(people: list[Example]) -> JudgedCheckpoint:
    return _judge(people)


def _fold(people: Sequence[Example], fold: Fold) -> list[Example]:
    folds = split_by_subject([one.recording.subject_id for one in people], seed=CONFIG.seed)
    return [one for one, its in zip(people, folds, strict=True) if its is fold]


def test_beats_its_rivals_where_there_is_something_to_learn(judged: JudgedCheckpoint) -> None:
    assert beats_median(judged)
    for group, network in judged.scores["network"].items():
        assert network.mae_true < 0.4 * judged.scores["median"][group].mae_true
        assert network.mae_true < 0.4 * judged.scores["duration"][group].mae_true


def test_does_not_beat_the_median_where_there_is_nothing_to_learn(people: list[Example], tmp_path: Path) -> None:
    silent = [replace(one, values=np.ones_like(one.values)) for one in people]

    judged = _judge(silent, n_epochs=2)
    assert not beats_median(judged)
    # Whoever reads the file later is told, too: by its card, its first line, and by getting no verdict.
    card = judged.checkpoint.card
    assert card.no_verdict == NOT_CLEARLY_BETTER
    assert card.headline == f"{HEADLINE} {NOT_CLEARLY_BETTER}"
    assert card.text.startswith(f"{card.headline}\n")
    (tmp_path / "m").write_bytes(checkpoint_to_bytes(judged.checkpoint))
    assert load_checkpoint(tmp_path / "m").card == card


def test_a_network_that_may_be_used_says_nothing_of_the_kind(judged: JudgedCheckpoint) -> None:
    assert (judged.checkpoint.card.no_verdict, judged.checkpoint.card.headline) == ("", HEADLINE)


def test_figures_are_those_of_the_test_fold(judged: JudgedCheckpoint, people: list[Example]) -> None:
    test = _fold(people, Fold.TEST)
    errors = np.abs(predict_indices(judged.checkpoint, test) - [one.true_index for one in test])

    walking = [str(one.recording.exercise) == "walk" for one in test]
    assert judged.checkpoint.metrics["network.walk.mae_true"] == pytest.approx(errors[walking].mean())
    assert judged.checkpoint.metrics["network.walk.n"] == sum(walking) == 9


def test_interval_comes_from_the_calibration_fold_with_every_person_counted_alike(
    judged: JudgedCheckpoint, people: list[Example]
) -> None:
    calibration = _fold(people, Fold.CALIBRATION)
    errors = np.abs(predict_indices(judged.checkpoint, calibration) - [one.label for one in calibration])

    assert len({one.recording.subject_id for one in calibration}) == 9
    # Of nine people the interval has to hold all, (9 + 1) * 0.9 = 9; of 27 recordings 26 would do.
    assert judged.checkpoint.card.interval_half_width == pytest.approx(errors.max())


def test_too_few_people_for_an_interval_are_told_before_anything_is_learnt(monkeypatch: pytest.MonkeyPatch) -> None:
    def too_late(*_args: object, **_kwargs: object) -> None:
        pytest.fail("training began although there will be no interval")

    monkeypatch.setattr(recipe, "train_network", too_late)
    with pytest.raises(InvalidValueError, match=r"90% interval needs at least 9 people .*, got 4"):
        _judge(make_people(28))


def test_recordings_are_counted_once_however_often_an_epoch_shows_them(people: list[Example]) -> None:
    more = [replace(one, recording=replace(one.recording, subject_id="another")) for one in make_people(1, seed=1)]
    judged = train_and_judge(
        people,
        feature_names=NAMES,
        origin=ORIGIN,
        config=replace(CONFIG, n_epochs=1),
        network_config=SMALL_NETWORK,
        more_training=more,
        repeats=3,
    )
    # 60 people of three recordings each, and one more.
    assert "; 183 recordings." in judged.checkpoint.card.text


def test_scaler_knows_the_training_fold_and_nobody_else(judged: JudgedCheckpoint, people: list[Example]) -> None:
    known = np.concatenate([one.values for one in _fold(people, Fold.TRAIN)])

    np.testing.assert_array_equal(judged.checkpoint.scaler.maximum, np.nanmax(known, axis=0))
    np.testing.assert_array_equal(judged.checkpoint.scaler.minimum, np.nanmin(known, axis=0))


def test_test_people_change_no_weight(judged: JudgedCheckpoint, people: list[Example]) -> None:
    test = {id(one) for one in _fold(people, Fold.TEST)}
    loud = [replace(one, values=one.values * np.float32(50.0)) if id(one) in test else one for one in people]

    again = _judge(loud)

    assert again.checkpoint.weights == judged.checkpoint.weights
    assert again.checkpoint.card.interval_half_width == judged.checkpoint.card.interval_half_width
    assert again.scores["network"] != judged.scores["network"]


def test_same_seed_gives_the_same_file(judged: JudgedCheckpoint, people: list[Example]) -> None:
    assert checkpoint_to_bytes(_judge(people).checkpoint) == checkpoint_to_bytes(judged.checkpoint)


def test_card_warns_first_and_states_its_figures(judged: JudgedCheckpoint) -> None:
    card = judged.checkpoint.card

    first_line = card.text.splitlines()[0]
    assert first_line == card.headline == HEADLINE
    assert "simulated" in first_line
    assert "unvalidated" in first_line
    assert f"index +- {card.interval_half_width:.3f}" in card.text
    assert f"{judged.scores['network']['session'].mae_true:.3f}" in card.text
    assert "`pytest`" in card.text
    assert "train 36, validation 6, calibration 9, test 9 people; 180 recordings" in card.text
