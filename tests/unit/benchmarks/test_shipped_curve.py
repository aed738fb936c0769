"""The model that ships, fitted to fewer people, is judged on the same held-out ones."""

from types import SimpleNamespace

import numpy as np
import pytest

from backsight.benchmarks.figures import BenchmarkResult
from backsight.benchmarks.index import run_index
from backsight.benchmarks.index_table import curve_lines, index_lines
from backsight.benchmarks.shipped_curve import N_CHOICES, SIZES, fewer_people, sessions_by, with_curve
from backsight.domain.recording import Exercise
from backsight.errors import InputError
from backsight.simulation.cohort import simulate_recording
from backsight.training.kinematic_ship import fit_model
from backsight.training.measured_people import shipped_people


def film(person, exercise):
    virtual = simulate_recording(person, exercise, seed=31)
    return SimpleNamespace(
        recording=SimpleNamespace(subject_id=f"p{person}"),
        shot=SimpleNamespace(exercise=exercise),
        index=virtual.index,
        tracks={"full": SimpleNamespace(pose=virtual.pose)},
    )


def test_so_many_filmed_people_are_kept_and_all_simulated_ones():
    people = shipped_people()
    fewer = fewer_people(people, 20, choice=0)
    assert len(np.unique(fewer.subject[fewer.is_filmed])) == 20
    assert (~fewer.is_filmed).sum() == (~people.is_filmed).sum()
    others = fewer_people(people, 20, choice=1)
    assert set(others.subject.tolist()) != set(fewer.subject.tolist())
    everybody = fewer_people(people, len(np.unique(people.subject[people.is_filmed])), choice=0)
    np.testing.assert_array_equal(everybody.subject, people.subject)


def test_a_session_is_the_mean_of_its_exercises_as_the_model_weighs_them():
    people = shipped_people()
    model = fit_model(people, seed=0)
    one = people.where((people.subject == people.subject[people.is_filmed][0]) & (people.source == "full"))
    said = dict(zip(one.exercise.tolist(), model.predict(one).tolist(), strict=True))
    weights = {exercise: model.weights[Exercise(exercise)] for exercise in said}
    (reading,) = sessions_by(model, one, "all")
    expected = sum(weights[name] * said[name] for name in said) / sum(weights.values())
    assert reading.index == pytest.approx(expected)
    assert reading.true == one.true[0]


def test_every_size_is_a_row_beside_the_others_and_a_table_of_its_own():
    films = [film(person, exercise) for person in range(2) for exercise in Exercise]
    before = BenchmarkResult(name="index", figures=())
    result = with_curve(before, films, pose_model="full", n_draws=5)
    n_all = len(np.unique(shipped_people().subject[shipped_people().is_filmed]))
    assert [row["group"] for row in result.rows] == [f"learnt from {n} filmed people" for n in (*SIZES, n_all)]
    assert [row["recordings"] for row in result.rows] == [2 * N_CHOICES] * len(SIZES) + [2]
    assert all(row["people"] == 2 for row in result.rows)
    assert len(curve_lines(result.rows)) == 2 + len(SIZES) + 1
    assert len(index_lines(result.rows)) == 2
    assert curve_lines(()) == ()
    assert "of the same held-out people" in result.notes[-1]


def test_another_model_has_no_such_curve(tmp_path):
    with pytest.raises(InputError, match="--learning-curve: goes with the model that ships"):
        run_index(model=tmp_path / "own.backsight", learning_curve=True)
