"""What could be guessed at best of virtual people: from their marks only, and as the simulation's own densities say."""

from dataclasses import replace

import numpy as np
import pytest

from backsight.benchmarks.known_marks import draw_halting, guess_from_marks
from backsight.simulation.cohort import simulate_volunteer
from backsight.simulation.dysfunction import TRAITS, Trait
from backsight.simulation.seeds import HELD_OUT_SEED
from backsight.simulation.touch_toes import HALTING


@pytest.fixture(scope="module")
def people():
    return [simulate_volunteer(number, seed=HELD_OUT_SEED) for number in range(250)]


def usual(person, **changed):
    """A volunteer with the mean of every habit, but some."""
    means = {trait: np.exp(norm.mean) if norm.is_log else norm.mean for trait, norm in TRAITS.items()}
    return replace(person, habits=means | {Trait[name]: value for name, value in changed.items()})


def test_it_is_told_habits_and_neither_dysfunction_side_nor_name(people):
    others = [replace(one, dysfunction=0.0, subject_id="x", effects={}, painful_side=1) for one in people[:20]]
    np.testing.assert_array_equal(guess_from_marks(others), guess_from_marks(people[:20]))


def test_half_of_the_people_lie_below_what_is_guessed_and_no_ridge_comes_nearer(people):
    from sklearn.linear_model import RidgeCV

    true = np.array([one.dysfunction for one in people])
    guessed = guess_from_marks(people)
    off = float(np.abs(guessed - true).mean())
    # The median of a posterior: as many are worse as are better, within three standard errors of 250 people.
    assert np.mean(true < guessed) == pytest.approx(0.5, abs=0.095)
    others = [simulate_volunteer(number, seed=1) for number in range(1500)]
    columns = [np.array([[one.habits[trait] for trait in Trait] for one in some]) for some in (others, people)]
    middle, spread = columns[0].mean(axis=0), columns[0].std(axis=0)
    with_sizes = [np.hstack((away, np.abs(away), away**2)) for away in ((one - middle) / spread for one in columns)]
    ridge = RidgeCV(np.logspace(-1, 4, 12)).fit(with_sizes[0], [one.dysfunction for one in others])
    assert off < float(np.abs(ridge.predict(with_sizes[1]) - true).mean()) - 0.005
    assert off < 0.6 * float(np.abs(true - np.median(true)).mean())


def test_a_lean_counts_on_either_side_and_more_with_another_to_the_same(people):
    middle, left, right = guess_from_marks([usual(people[0], TRUNK_LEAN=lean_deg) for lean_deg in (0.0, 4.0, -4.0)])
    assert left == pytest.approx(right)
    assert left > middle + 0.02
    # Both habits go to the painful side: one to each side is likelier chance.
    assert TRAITS[Trait.BEND_DEVIATION].is_sided
    assert np.sign(TRAITS[Trait.BEND_DEVIATION].shift) == np.sign(TRAITS[Trait.TRUNK_LEAN].shift)
    same, across = guess_from_marks(
        [usual(people[0], TRUNK_LEAN=3.0, BEND_DEVIATION=deviation_deg) for deviation_deg in (5.0, -5.0)]
    )
    assert same > across + 0.02


def test_halting_tells_no_less_dysfunction_than_it_takes(people):
    least, added = HALTING
    ways = np.array([0.2, least + added * 0.7])
    assert guess_from_marks(people[:1], halting=[ways])[0] >= 0.7 - 0.005
    # Twelve ways, and none as halting as a tenth of what full dysfunction may be: hardly any dysfunction.
    assert guess_from_marks([usual(people[0])], halting=[np.full(12, 0.05)])[0] < 0.1


def test_who_knows_how_haltingly_they_bend_too_comes_nearer(people):
    true = np.array([one.dysfunction for one in people])
    rng = np.random.default_rng(0)
    halting = [draw_halting(one, rng) for one in people]
    assert {len(ways) for ways in halting} == {2, 4, 6}
    off = [np.abs(guess_from_marks(people, halting=known) - true).mean() for known in (None, halting)]
    assert off[1] < off[0] - 0.01
