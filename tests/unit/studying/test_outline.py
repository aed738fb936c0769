"""Settings are told field by field, so that a reader finds each without knowing Python."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum

import pytest

from backsight.evaluation.baselines import Duration, Median, PathLengthAndSpeed
from backsight.evaluation.learner import Learner
from backsight.studying.outline import outline
from backsight.training.learners import learner_names, make_learner


class Way(Enum):
    THERE = "there"


@dataclass(frozen=True)
class Leaf:
    width: float = 0.50
    is_wide: bool = False


@dataclass(frozen=True)
class Branch:
    leaf: Leaf = Leaf()
    leaves: tuple[Leaf, ...] = (Leaf(), Leaf(2.0, True))
    sizes: tuple[int, ...] = (1, 2)
    nothing: tuple[int, ...] = ()
    way: Way = Way.THERE
    folder: str | None = None
    kept_to_itself: str = field(default="/home/somebody", repr=False)


def test_every_field_has_a_line_and_what_it_holds_stands_below_it() -> None:
    assert outline(Branch()) == (
        "leaf: width 0.5, is_wide no",
        "leaves:",
        "  1: width 0.5, is_wide no",
        "  2: width 2, is_wide yes",
        "sizes: 1, 2",
        "nothing: none",
        "way: there",
        "folder: -",
    )


def test_what_is_too_long_for_a_line_takes_several() -> None:
    assert outline(Branch(sizes=tuple(range(10**6, 10**6 + 20))))[5] == "  1: 1000000"
    folder = "/a/long/way" * 20
    assert f"folder: {folder}" in outline(Branch(folder=folder))


def test_a_number_keeps_its_last_digit() -> None:
    assert "leaf: width 0.12345678901234, is_wide no" in outline(Branch(leaf=Leaf(0.12345678901234)))


def test_what_has_no_fields_has_its_type() -> None:
    class Plain:
        pass

    assert outline(Plain())[0].endswith("Plain")


ALL = {one.name: one for one in (*map(make_learner, learner_names()), Median(), Duration(), PathLengthAndSpeed())}


@pytest.mark.parametrize("learner", ALL.values(), ids=ALL.keys())
def test_no_learner_is_told_in_code(learner: Learner) -> None:
    told = outline(learner)
    assert max(map(len, told)) <= 110
    assert not any(mark in line for line in told for mark in "(){}<>[]=")
