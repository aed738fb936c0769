"""No person is ever on two sides."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backsight.errors import InvalidValueError
from backsight.training.split import Fold, split_by_subject


@given(
    subject_ids=st.lists(st.integers(0, 40).map(str), min_size=4).filter(lambda ids: len(set(ids)) >= 4),
    seed=st.integers(0, 1000),
)
def test_no_person_is_on_two_sides(subject_ids: list[str], seed: int) -> None:
    folds = split_by_subject(subject_ids, seed=seed)

    people = {fold: {who for who, its in zip(subject_ids, folds, strict=True) if its is fold} for fold in Fold}
    assert sum(len(members) for members in people.values()) == len(set(subject_ids))
    assert set().union(*people.values()) == set(subject_ids)
    assert all(people.values()), "every fold has somebody"


def test_shares_are_kept() -> None:
    folds = split_by_subject([f"s{n}" for n in range(200)], seed=1)

    assert Counter(folds) == {Fold.TRAIN: 120, Fold.VALIDATION: 20, Fold.CALIBRATION: 30, Fold.TEST: 30}


def test_order_and_number_of_recordings_do_not_matter() -> None:
    once = [f"s{n}" for n in range(20)]
    jumbled = [*reversed(once), *once, "s3"]

    fold_of = dict(zip(once, split_by_subject(once, seed=5), strict=True))

    assert split_by_subject(jumbled, seed=5) == tuple(fold_of[who] for who in jumbled)


def test_another_seed_draws_other_lots() -> None:
    people = [f"s{n}" for n in range(50)]

    assert split_by_subject(people, seed=1) != split_by_subject(people, seed=2)


def test_too_few_people() -> None:
    with pytest.raises(InvalidValueError, match="expected 4 people or more, one for each fold, got 3"):
        split_by_subject(["a", "b", "c", "a"], seed=0)


@pytest.mark.parametrize("shares", [{Fold.TRAIN: 0.5, Fold.TEST: 0.4}, {Fold.TRAIN: 1.0, Fold.TEST: 0.0}])
def test_shares_must_make_a_whole(shares: dict[Fold, float]) -> None:
    with pytest.raises(InvalidValueError, match="sum to 1"):
        split_by_subject(["a", "b", "c"], seed=0, shares=shares)
