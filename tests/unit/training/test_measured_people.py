"""People as measures: measured as the road does, nobody hardly seen, the same after the file, columns by name."""

from __future__ import annotations

from dataclasses import fields, replace

import numpy as np
import pytest

from backsight.domain.recording import Exercise
from backsight.domain.sequences import PoseSequence
from backsight.domain.study import RATING_SCALE, StudyClip
from backsight.errors import InputError
from backsight.training.measured_people import (
    SIMULATED,
    MeasuredPeople,
    load_people,
    measure_clip,
    measure_people,
    measure_words,
    people_of,
    rows_of,
    save_people,
    shipped_people,
)
from backsight.training.measures_learner import MeasuresLearner, measures_learner
from tests.unit.training.measured import make_measured


def hardly_seen(*, n_frames: int = 60) -> StudyClip:
    nothing = np.full((n_frames, 33, 3), np.nan)
    dark = np.full((n_frames, 33), np.nan)
    pose = PoseSequence(nothing, nothing, dark, dark, np.arange(n_frames) / 30.0, (1280, 720))
    return StudyClip("nobody", "walk", pose, 50.0)


def assert_same(one: MeasuredPeople, other: MeasuredPeople) -> None:
    for field in fields(MeasuredPeople):
        np.testing.assert_array_equal(getattr(one, field.name), getattr(other, field.name))


def test_people_survive_their_file(tmp_path) -> None:
    people = people_of(rows_of(make_measured(4)))  # in single precision, as a file holds them
    save_people(tmp_path / "people.npz", people)
    assert_same(load_people(tmp_path / "people.npz"), people)


def test_rows_go_back_where_they_came_from() -> None:
    people = people_of(rows_of(make_measured(4, n_simulated=2)))
    assert_same(people_of(rows_of(people)), people)
    assert people.is_filmed.tolist() == [True] * 12 + [False] * 6


def test_measures_find_their_column_by_name() -> None:
    first = ("a", "walk", "full", 0.1, 0.1, {"cadence_per_min": 100.0, "step_time_s": 0.6}, {})
    second = ("b", "jump", "full", 0.2, 0.2, {"step_time_s": 0.5}, {})
    people = people_of([first, second])
    assert people.measure_names.tolist() == ["cadence_per_min", "step_time_s"]
    assert people.measure_units.tolist() == ["1/min", "s"]
    np.testing.assert_allclose(people.measures, [[100.0, 0.6], [np.nan, 0.5]], rtol=1e-6)


def test_some_rows_keep_all_columns_aligned() -> None:
    people = make_measured(3)
    walks = people.where(people.exercise == "walk")
    assert walks.measures.shape == (3, 3)
    assert walks.measure_names.tolist() == people.measure_names.tolist()
    assert walks.rated.tolist() == people.rated[people.exercise == "walk"].tolist()


def test_every_measure_has_its_word_and_unit() -> None:
    words = measure_words()
    assert words["trunk_flexion_deg"][1] == "deg"
    assert words["bend_smoothness_sparc"] == ("Smoothness of the bend", "SPARC")
    assert all(label for label, _ in words.values())


def test_who_is_hardly_seen_is_left_out() -> None:
    assert len(measure_people([]).subject) == 0
    assert len(measure_people([(hardly_seen(), "full", 0.5)]).subject) == 0


def test_something_else_is_refused(tmp_path) -> None:
    (tmp_path / "other.npz").write_bytes(b"no archive")
    with pytest.raises(InputError, match="expected people's measures"):
        load_people(tmp_path / "other.npz")
    np.savez(tmp_path / "half.npz", subject=np.array(["a"]))
    with pytest.raises(InputError, match="exercise"):
        load_people(tmp_path / "half.npz")


def test_those_who_ship_are_virtual_whole_and_of_all_exercises() -> None:
    people = shipped_people()
    assert {name.split("-")[1] for name in people.subject.tolist()} <= {"7001", "9001"}  # nobody held out
    assert set(people.source.tolist()) == {"full", "lite", SIMULATED}
    assert set(people.exercise.tolist()) == set(Exercise)
    assert ((people.rated >= 0.0) & (people.rated <= 1.0)).all()
    # What cannot be learnt from landmarks alone has no summaries.
    assert np.isnan(people.summaries[~people.is_filmed]).all()
    # What is learnt from is what reports show, no more and no less.
    assert set(people.measure_names.tolist()) == set(measure_words())
    # A measure is of the exercises that have it: nobody's jump was measured in a walk.
    jump = people.measures[people.exercise == "walk", people.measure_names.tolist().index("jump_flight_height_cm")]
    assert np.isnan(jump).all()


class KnowsMeasures(MeasuresLearner):
    """Takes the measures from a table by subject and exercise, so that no second is spent on landmarks."""

    def __init__(self, people: MeasuredPeople) -> None:
        super().__init__()
        object.__setattr__(self, "rows", {(row[0], row[1]): row for row in rows_of(people)})

    def _row(self, clip: StudyClip, rated: float):
        kept = self.rows[clip.subject, clip.exercise]  # type: ignore[attr-defined]
        return (*kept[:3], rated, float("nan"), kept[5], {})


def clips_of(people: MeasuredPeople) -> list[StudyClip]:
    pose = hardly_seen().pose
    return [
        StudyClip(str(who), str(exercise), pose, RATING_SCALE.to_score(float(rated)))
        for who, exercise, rated in zip(people.subject, people.exercise, people.rated, strict=True)
    ]


def test_the_learner_gives_a_session_one_score_from_its_measures() -> None:
    people = make_measured(30)
    clips = clips_of(people)
    fitted = KnowsMeasures(people).fit(clips[:75], scale=RATING_SCALE, seed=0)
    asked = [replace(clip, score=float("nan")) for clip in clips[75:]]
    said = fitted.predict(asked)
    assert said.shape == (15,)
    for person in range(5):
        assert len(set(said[3 * person : 3 * person + 3].tolist())) == 1
    # Touch-toes tells the rating within the ridge's shrinkage, and counts for nearly all.
    np.testing.assert_allclose(said, [clip.score for clip in clips[75:]], atol=15.0)
    assert np.corrcoef(said, [clip.score for clip in clips[75:]])[0, 1] > 0.95
    alone = fitted.predict(asked[:3])
    np.testing.assert_allclose(alone, said[:3])
    assert fitted.predict([]).shape == (0,)


def test_the_learner_that_is_judged_learns_from_the_simulated_people_who_ship() -> None:
    learner = measures_learner()
    assert len(learner.simulated) == 16
    assert MeasuresLearner().simulated == ""


def test_a_clip_is_measured_by_name() -> None:
    present, measures = measure_clip(hardly_seen(), pose_model="full")
    assert present.n_frames == 60
    # Measures of the movement, and nothing else: not how long somebody stood in view.
    assert set(measures) < set(measure_words())
    assert np.isnan(measures["cadence_per_min"])
