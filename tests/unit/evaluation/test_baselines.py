from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from backsight.errors import InvalidValueError
from backsight.evaluation.baselines import Duration, KnowsPeople, Median, PathLengthAndSpeed, path_and_speed
from tests.unit.evaluation.studies import SCALE, make_clip


def test_median_of_each_exercise_and_of_all_for_a_strange_one() -> None:
    clips = [make_clip("a", "squat", score=value) for value in (10.0, 11.0, 30.0)]
    clips += [make_clip("a", "lean", score=value) for value in (40.0, 41.0)]
    said = Median().fit(clips, scale=SCALE, seed=0).predict([*clips[::3], make_clip("b", "jump")])
    np.testing.assert_allclose(said, [11.0, 40.5, 30.0])


def test_duration_reads_the_clock_within_the_scale() -> None:
    clips = [make_clip("a", score=40.0 - 10.0 * power, duration_s=math.e**power) for power in (0, 1, 2, 3, 1, 2)]
    fitted = Duration().fit(clips, scale=SCALE, seed=0)
    asked = [
        make_clip("b", duration_s=math.exp(1.5)),
        make_clip("b", duration_s=math.exp(9)),
        make_clip("b", duration_s=1e-3),
    ]
    np.testing.assert_allclose(fitted.predict(asked), [25.0, 0.0, 50.0], atol=1e-9)


def test_path_is_in_trunk_lengths() -> None:
    # Every landmark goes 0.5 m twice, on a trunk of 0.5 m, in 1 s: mean of two steps times three positions.
    np.testing.assert_allclose(path_and_speed(make_clip("a").pose), [3.0, 3.0])
    np.testing.assert_allclose(path_and_speed(make_clip("a", duration_s=2.0).pose), [3.0, 1.5])


def test_landmarks_that_a_sensor_has_not_do_not_shorten_the_way() -> None:
    pose = make_clip("a").pose
    world = pose.world_m.copy()
    world[:, 27:29] = np.nan
    assert path_and_speed(replace(pose, world_m=world)) == pytest.approx([3.0, 3.0])
    assert np.isnan(path_and_speed(replace(pose, world_m=np.full_like(world, np.nan)))).all()


def test_speed_is_learnt_and_a_missing_way_counts_as_the_mean() -> None:
    clips = [make_clip("a", score=40.0 - 10.0 * power, duration_s=math.e**power) for power in (0, 1, 2, 3, 0, 1, 2, 3)]
    fitted = PathLengthAndSpeed().fit(clips, scale=SCALE, seed=0)
    asked = make_clip("b", duration_s=math.exp(1.5))
    gone = replace(asked, pose=replace(asked.pose, world_m=np.full_like(asked.pose.world_m, np.nan)))
    np.testing.assert_allclose(fitted.predict([asked, gone]), [25.0, 25.0], atol=1e-6)
    np.testing.assert_allclose(fitted.predict([clips[3]]), [10.0], atol=1e-6)


def test_knowing_people_helps_with_people_known() -> None:
    clips = [
        make_clip("a", "squat", score=10.0),
        make_clip("a", "lean", score=20.0),
        make_clip("b", "squat", score=40.0),
    ]
    said = KnowsPeople().fit(clips, scale=SCALE, seed=0).predict([make_clip("a"), make_clip("c", "squat")])
    np.testing.assert_allclose(said, [15.0, 25.0])


def test_nothing_to_learn_from_is_told() -> None:
    with pytest.raises(InvalidValueError, match="at least one scored clip"):
        Median().fit([], scale=SCALE, seed=0)
