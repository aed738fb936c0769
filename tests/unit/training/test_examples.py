"""Kept features come back as they were."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from backsight.domain.recording import Exercise, Recording
from backsight.errors import InvalidValueError, OutputError
from backsight.training.examples import Example, load_examples, save_examples

from .people import make_people


def test_label_turns_the_rating_round() -> None:
    recording = Recording("a", Exercise.WALK, rating=80.0)

    assert Example(recording, np.zeros((3, 1), np.float32), 0.1).label == pytest.approx(0.2)


def test_no_rating_no_label() -> None:
    with pytest.raises(InvalidValueError, match="`a` needs a rating"):
        _ = Example(Recording("a", Exercise.WALK), np.zeros((3, 1), np.float32), 0.1).label


def test_file_keeps_everything(tmp_path: Path) -> None:
    people = make_people(3)
    people[0] = replace(people[0], true_index=float("nan"))
    save_examples(tmp_path / "new" / "kept.npz", people)

    again = load_examples(tmp_path / "new" / "kept.npz")

    assert [one.recording for one in again] == [one.recording for one in people]
    for one, other in zip(again, people, strict=True):
        np.testing.assert_array_equal(one.values, other.values)
        assert one.duration_s == other.duration_s
        np.testing.assert_equal(one.true_index, other.true_index)


def test_damaged_file_says_what_to_do(tmp_path: Path) -> None:
    save_examples(tmp_path / "kept.npz", make_people(3))
    content = (tmp_path / "kept.npz").read_bytes()
    (tmp_path / "kept.npz").write_bytes(content[: len(content) // 2])

    with pytest.raises(OutputError, match=r"kept\.npz.*delete the file and run again"):
        load_examples(tmp_path / "kept.npz")


def test_place_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")

    with pytest.raises(OutputError, match="cannot be kept"):
        save_examples(tmp_path / "file" / "kept.npz", make_people(1))
