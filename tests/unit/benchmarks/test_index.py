import json
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from backsight.benchmarks.index import judge_index
from backsight.benchmarks.known_marks import guess_from_marks
from backsight.domain.assessment import IndexCurve
from backsight.domain.movement import JudgedMovement
from backsight.domain.recording import Exercise
from backsight.simulation.cohort import simulate_volunteer
from backsight.simulation.seeds import HELD_OUT_SEED
from tests.assessments import CARD, make_pose


class Predictor:
    """Gives the indices that it was told to, in turn."""

    def __init__(self, indices):
        self._indices = iter(indices)
        self.card = replace(CARD, interval_half_width=0.15)

    def judge(self, movement):
        times_s = movement.features.timestamps_s
        return JudgedMovement(IndexCurve(timestamps_s=times_s, raw=np.full(len(times_s), next(self._indices))), 0.0)


def film(person, exercise, true, *, rating=None, yaw_deg=0.0, distance_m=3.5, luma=100.0):
    pose = make_pose(n_frames=120)
    return SimpleNamespace(
        recording=SimpleNamespace(subject_id=person, rating=rating),
        shot=SimpleNamespace(exercise=exercise),
        index=true,
        view_yaw_deg=yaw_deg,
        distance_m=distance_m,
        tracks={"full": SimpleNamespace(pose=pose, images=SimpleNamespace(brightness=np.full(3, luma)))},
    )


def values_of(result):
    return {figure.name: figure.value for figure in result.figures}


def test_an_index_stands_beside_the_truth_and_beside_one_for_all():
    films = [
        film(f"p{number}", exercise, true)
        for number, true in enumerate((0.1, 0.4, 0.6, 0.9))
        for exercise in (Exercise.WALK, Exercise.JUMP)
    ]
    # Walk: off by .1, .1, .1, .3. Jump: exact. Sessions: off by half of the walk's.
    given = [0.2, 0.1, 0.5, 0.4, 0.7, 0.6, 0.6, 0.9]

    result = judge_index(films, predictor=Predictor(given), pose_model="full")

    value = {figure.name: figure.value for figure in result.figures}
    assert value["walk/mean_error"] == pytest.approx(0.15)
    assert value["walk/same_for_all"] == pytest.approx(0.25)  # the median .5: .4, .1, .1, .4
    assert value["walk/rank_correlation"] == pytest.approx(0.8)  # ranks 1 2 4 3 of 1 2 3 4
    assert value["walk/held"] == pytest.approx(0.75)
    assert value["jump/mean_error"] == pytest.approx(0.0)
    assert value["session/mean_error"] == pytest.approx(0.075)
    assert {figure.n for figure in result.figures if ":" not in figure.name} == {4}
    assert "session/rating_noise" not in value  # nobody rated
    assert "session/mean_error_ideal" not in value  # nobody asked


def test_errors_are_told_by_view_distance_and_light_and_few_recordings_are_named():
    films = [
        film("p0", Exercise.WALK, 0.2, yaw_deg=0.0, distance_m=2.0, luma=60.0),
        film("p1", Exercise.WALK, 0.2, yaw_deg=90.0, distance_m=4.5, luma=60.0),
        film("p2", Exercise.WALK, 0.2, yaw_deg=270.0, distance_m=5.0, luma=200.0),
    ]

    result = judge_index(films, predictor=Predictor([0.3, 0.4, 0.6]), pose_model="full", n_draws=20)

    value = values_of(result)
    assert value["view: front/mean_error"] == pytest.approx(0.1)
    assert value["view: side/mean_error"] == pytest.approx(0.3)  # .2 and .4
    assert value["distance: up to 3 m/mean_error"] == pytest.approx(0.1)
    assert value["distance: over 4 m/mean_error"] == pytest.approx(0.3)
    assert value["light: dim/mean_error"] == pytest.approx(0.15)
    assert value["light: bright/mean_error"] == pytest.approx(0.4)
    assert not [name for name in value if name.startswith(("view: oblique", "light: between", "distance: 3 to"))]
    assert "view: side (2)" in result.notes[-1]
    side = next(row for row in result.rows if row["group"] == "view: side")
    assert (side["kind"], side["recordings"], side["people"], side["red_flags"]) == ("view", 2, 2, 0)
    assert side["red_flag_auc"]["value"] is None  # nobody has one
    json.dumps(result.to_dict(), allow_nan=False)


def test_red_flags_are_told_apart_only_among_enough_people():
    true = [0.1, 0.2, 0.3, 0.4, 0.45, 0.6, 0.7, 0.8, 0.9, 0.95]
    given = [0.1, 0.2, 0.3, 0.4, 0.65, 0.6, 0.7, 0.8, 0.9, 0.95]  # one of 25 pairs is the wrong way round

    def auc(n_people):
        films = [film(f"p{number}", Exercise.WALK, value) for number, value in enumerate(true[:n_people])]
        result = judge_index(films, predictor=Predictor(given[:n_people]), pose_model="full", n_draws=20)
        return values_of(result)["session/red_flag_auc"]

    assert auc(10) == pytest.approx(24 / 25)
    assert np.isnan(auc(9))


def test_ratings_and_landmarks_without_error_stand_beside_the_index():
    # Ratings say .3 and .4, the index .5 and .5 as filmed, .25 and .35 from landmarks without error.
    films = [film("p0", Exercise.WALK, 0.2, rating=70.0), film("p1", Exercise.WALK, 0.3, rating=60.0)]
    asked = []

    def without_error(one):
        asked.append(one.recording.subject_id)
        return make_pose(n_frames=60)

    result = judge_index(
        films,
        predictor=Predictor([0.25, 0.5, 0.35, 0.5]),
        pose_model="full",
        without_error=without_error,
        n_draws=20,
    )

    value = values_of(result)
    assert asked == ["p0", "p1"]
    assert value["walk/rating_noise"] == pytest.approx(0.1)
    assert value["walk/mean_error"] == pytest.approx(0.25)
    assert value["walk/mean_error_ideal"] == pytest.approx(0.05)
    assert value["walk/lost_to_rendering"] == pytest.approx(0.2)
    assert value["session/lost_to_rendering"] == pytest.approx(0.2)


def test_the_same_people_are_told_from_what_they_were_made_with():
    people = [simulate_volunteer(number, seed=HELD_OUT_SEED) for number in range(18, 24)]
    films = []
    for number, one in enumerate(people, start=18):
        filmed = film(one.subject_id, Exercise.WALK, one.dysfunction)
        filmed.seed, filmed.shot.subject_index = HELD_OUT_SEED, number
        films.append(filmed)

    result = judge_index(films, predictor=Predictor([0.5] * 6), pose_model="full", knows_habits=True, n_draws=20)

    off = np.abs(guess_from_marks(people) - [one.dysfunction for one in people]).mean()
    assert values_of(result)["every habit known/mean_error"] == pytest.approx(off)
    rows = [row for row in result.rows if row["kind"] == "habits"]
    assert [row["group"] for row in rows] == ["every habit known", "every habit and halt known"]
    assert all(row["people"] == 6 for row in rows)
    assert any("told each habit" in note for note in result.notes)
