"""The ridge on measures: what it learns, from whom, and what its card says; one measure tells the ratings."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from backsight.domain.assessment import LEAST_WEIGHT, NO_DIAGNOSIS
from backsight.domain.recording import Exercise
from backsight.errors import InvalidValueError
from backsight.network.kinematic import CLIP_SD
from backsight.network.kinematic_file import KinematicCheckpoint
from backsight.training import kinematic_ship
from backsight.training.kinematic_card import FAMILIAR_UP_TO, judge_model, make_checkpoint
from backsight.training.kinematic_ship import (
    N_FOLDS,
    body_part_of,
    familiarity_of,
    fit_model,
    folds_of,
    half_widths,
    sessions_of,
)
from backsight.training.measured_people import MeasuredPeople
from tests.unit.training.measured import BEND, make_measured


@pytest.fixture(scope="module")
def people() -> MeasuredPeople:
    return make_measured()


@pytest.fixture(scope="module")
def checkpoint(people) -> KinematicCheckpoint:
    return make_checkpoint(people)


def test_the_telling_measure_counts_and_a_rare_one_is_left_out(people) -> None:
    fitted = fit_model(people, seed=0)
    terms = {term.name: term for term in fitted.by_exercise[Exercise.TOUCH_TOES].terms}
    assert set(terms) == {"bend_down_s", "hip_delay_s"}
    # 0.2 of the index a second, shrunk a little by the ridge.
    assert 0.15 < terms["bend_down_s"].slope / terms["bend_down_s"].spread <= 0.21
    assert abs(terms["hip_delay_s"].slope) < 0.1 * terms["bend_down_s"].slope
    assert terms["bend_down_s"].usual_low == pytest.approx(
        np.percentile(people.measures[people.exercise == "touch-toes", BEND], 10.0)
    )


def test_an_exercise_that_tells_nothing_counts_as_little_as_it_may(people) -> None:
    weights = fit_model(people, seed=0).weights
    assert weights[Exercise.TOUCH_TOES] > 0.9
    assert weights[Exercise.WALK] < 0.2
    assert min(weights.values()) >= LEAST_WEIGHT


def test_what_is_missing_counts_as_typical_and_far_out_as_far_at_most(people) -> None:
    fitted = fit_model(people, seed=0)
    terms = fitted.by_exercise[Exercise.TOUCH_TOES]
    rows = people.where(people.exercise == "touch-toes").where(np.arange(40) < 2)
    missing = fitted.predict(replace(rows, measures=np.full((2, 3), np.nan)))
    assert missing == pytest.approx([terms.typical] * 2)
    slow = fitted.predict(replace(rows, measures=np.array([[1e6, np.nan, np.nan], [1e9, np.nan, np.nan]])))
    bend = terms.terms[0]
    assert slow == pytest.approx([min(terms.typical + bend.slope * (CLIP_SD - bend.mean), 1.0)] * 2)


def test_simulated_people_teach_on_a_scale_of_their_own() -> None:
    # They are measured ten times as large: on the films' scale they would all be clipped and teach nothing.
    mixed = make_measured(12, n_simulated=60)
    alone = mixed.where(mixed.is_filmed)
    taught, untaught = (
        {term.name: term for term in fit_model(one, seed=0).by_exercise[Exercise.TOUCH_TOES].terms}
        for one in (mixed, alone)
    )
    assert taught["bend_down_s"].middle == untaught["bend_down_s"].middle
    assert taught["bend_down_s"].usual_high == untaught["bend_down_s"].usual_high
    assert taught["bend_down_s"].slope > untaught["bend_down_s"].slope  # the ridge weighs less on 72 than on 12


def test_a_persons_recordings_are_in_one_fold(people) -> None:
    folds = folds_of(people.subject, seed=3)
    assert {len(set(folds[people.subject == who].tolist())) for who in set(people.subject.tolist())} == {1}
    assert np.bincount(folds).tolist() == [24] * N_FOLDS
    assert folds.tolist() != folds_of(people.subject, seed=4).tolist()


def test_a_session_is_the_weighted_mean_of_those_who_did_all_of_it(people) -> None:
    two = people.where(
        np.isin(people.subject, ["p000", "p001"]) & ~((people.subject == "p001") & (people.exercise == "walk"))
    )
    values = np.where(two.exercise == "walk", 0.8, 0.2)
    weights = {Exercise.TOUCH_TOES: 3.0, Exercise.WALK: 1.0}
    index, rated, true, who = sessions_of(two, values, (Exercise.TOUCH_TOES, Exercise.WALK), weights)
    assert index == pytest.approx([0.35])  # (3 x .2 + .8) / 4
    assert who == ["p000"]
    assert rated == pytest.approx(two.rated[:1])
    assert true == pytest.approx(rated)


def test_every_combination_of_exercises_has_a_width_of_its_own(people) -> None:
    rated = people.rated
    off = np.select([people.exercise == "touch-toes", people.exercise == "walk"], [0.1, -0.3], 0.0)
    weights = dict.fromkeys(Exercise, 1.0)
    widths = half_widths(people, rated + off, weights)
    assert len(widths) == 7
    assert widths["touch-toes"] == pytest.approx(0.1)
    assert widths["walk"] == pytest.approx(0.3)
    assert widths["touch-toes+walk"] == pytest.approx(0.1)  # +.1 and -.3
    assert widths["touch-toes+jump"] == pytest.approx(0.05)


def test_too_few_people_for_an_interval_are_refused_with_the_exercises() -> None:
    with pytest.raises(InvalidValueError, match=r"touch-toes: a 90% interval needs at least 9 people .* got 6"):
        fit_model(make_measured(6), seed=0)


def test_body_parts_follow_from_names() -> None:
    assert body_part_of("trunk_flexion_deg") == "trunk"
    assert body_part_of("pelvic_obliquity_deg") == "pelvis"
    assert body_part_of("step_length_cm") == "legs"
    assert body_part_of("bend_smoothness_sparc") == "trunk"
    assert body_part_of("bend_down_s") == "whole body"


def test_people_who_fitted_nothing_set_what_is_usual(people) -> None:
    fitted = familiarity_of(people, Exercise.WALK, seed=0)
    inside = fitted.stranger_than(np.zeros(2), names=("a", "b"))
    outside = fitted.stranger_than(np.array([50.0, -50.0]), names=("a", "b"))
    assert inside < 0.5
    assert outside == 1.0


def test_held_out_people_teach_nothing(people, monkeypatch) -> None:
    taught: list[frozenset[str]] = []
    original = kinematic_ship.fit_model

    def spy(given, *, seed):
        taught.append(frozenset(given.subject.tolist()))
        return original(given, seed=seed)

    monkeypatch.setattr("backsight.training.kinematic_card.fit_model", spy)
    figures = judge_model(people, n_seeds=1)
    everybody = frozenset(people.subject.tolist())
    left_out = [everybody - one for one in taught]
    assert [len(one) for one in left_out] == [8] * N_FOLDS
    assert frozenset().union(*left_out) == everybody
    assert figures["touch-toes"].n == 40
    assert figures["touch-toes"].mae_true < 0.1 < 0.15 < figures["walk"].mae_true


def test_the_card_says_what_was_found_and_carries_every_width(checkpoint) -> None:
    card = checkpoint.card
    assert card.text.startswith(card.headline)
    assert NO_DIAGNOSIS in card.text
    assert "40 virtual volunteers" in card.training_data
    assert f"{FAMILIAR_UP_TO:.0%}" in card.text
    assert len(card.session_half_widths) == 7
    assert card.interval_half_width == max(width for _, width in card.session_half_widths)
    found = checkpoint.metrics["touch-toes.mae_true"]
    assert f"| touch-toes | 120 | {found:.3f} |" in card.text  # three draws of folds
    assert set(checkpoint.model.familiarity) == set(Exercise)


def test_an_exercise_that_told_nothing_is_said_to_be_silent(checkpoint) -> None:
    card = checkpoint.card
    mute = [exercise.label for exercise in Exercise if card.is_mute(exercise)]
    silent = [line for line in card.text.splitlines() if "told next to nothing" in line]
    assert bool(silent) == bool(mute)
    assert all(label in silent[0] for label in mute)
