import math

import numpy as np
import pytest

from backsight.scoring.conformal import conformal_quantile, conformal_quantile_by_person, corrected_chances


def test_the_quantile_is_the_one_that_holds_for_the_next_person():
    # ceil(20 * 0.9) = 18th smallest of 19; of 8 nobody can say.
    assert conformal_quantile(np.arange(1.0, 20.0)) == 18.0
    assert conformal_quantile(np.arange(1.0, 9.0)) == math.inf


def test_a_person_with_many_recordings_counts_once():
    # Ten people, the last with three scores: the ceil(11 * 0.8) = 9th person's score, whoever has how many.
    scores, people = np.arange(1.0, 13.0), np.array([*"abcdefghi", "j", "j", "j"])
    assert conformal_quantile_by_person(scores, people, level=0.8) == 9.0
    # The tenth person's scores make up one together: .9 * 11 = 9.9 asks for all ten.
    assert conformal_quantile_by_person(scores, people) == 12.0
    assert conformal_quantile_by_person(scores[:8], people[:8]) == math.inf
    # Not rounded up to whole people, 9.9 are reached at the last third of the tenth; 9.6 at the second.
    assert conformal_quantile_by_person(scores, people, counts_whole_people=False) == 12.0
    assert conformal_quantile_by_person(scores, people, level=9.6 / 11, counts_whole_people=False) == 11.0
    assert conformal_quantile_by_person(scores, people, level=9.6 / 11) == 12.0


def test_the_more_conditions_are_tried_the_less_chance_is_left_to_each():
    # Benjamini and Hochberg by hand: p n / rank, and never more than of one that is less likely. .03 alone would pass.
    got = corrected_chances(np.array([0.03, 0.9, 0.001, 0.04]))
    assert got == pytest.approx([4 * 0.04 / 3, 0.9, 0.004, 4 * 0.04 / 3])
