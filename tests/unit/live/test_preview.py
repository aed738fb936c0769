"""When an index so far says something, and when it does not."""

from collections import deque
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from backsight.domain.assessment import IndexVerdict, Interval, QualityVerdict
from backsight.domain.recording import EXERCISE_LIMIT_S, Exercise
from backsight.kinematics.body import measure_body
from backsight.live.hints import Hint
from backsight.live.preview import LivePreview, Preview, judge_preview
from backsight.live.stream import frame_line
from backsight.pipeline import prepare
from backsight.pose.quality_movement import trunk_upright
from backsight.scoring.assess import assess_session
from backsight.scoring.measure import measure_exercise
from backsight.scoring.sub_indices import sub_indices
from tests.assessments import make_pose
from tests.fakes import FakePredictor
from tests.unit.live.test_running import observations
from tests.unit.scoring.test_assess import part

LOW, HIGH, ACROSS = Interval(0.1, 0.4), Interval(0.6, 0.9), Interval(0.3, 0.7)
DARK = (Hint("light", QualityVerdict.UNUSABLE, "Too dark"),)


@pytest.mark.parametrize(
    ("interval", "seen_s", "unfamiliar", "hints", "verdict", "reason"),
    [
        (None, 0.0, float("nan"), (), IndexVerdict.CANNOT_TELL, "warming up"),
        (LOW, 0.9, 0.0, (), IndexVerdict.CANNOT_TELL, "warming up"),
        (LOW, 1.9, 0.0, (), IndexVerdict.CANNOT_TELL, "too short yet"),
        (LOW, 5.0, 0.0, DARK, IndexVerdict.CANNOT_TELL, "the picture"),
        (LOW, 5.0, 0.21, (), IndexVerdict.CANNOT_TELL, "unlike"),
        (ACROSS, 5.0, 0.0, (), IndexVerdict.CANNOT_TELL, "spans 0.5"),
        (LOW, 5.0, 0.2, (), IndexVerdict.NO_RED_FLAG, "below"),
        (HIGH, 5.0, 0.0, (), IndexVerdict.RED_FLAG, "above"),
    ],
)
def test_a_preview_tells_nothing_unless_everything_speaks_for_it(
    interval: Interval | None,
    seen_s: float,
    unfamiliar: float,
    hints: tuple[Hint, ...],
    verdict: IndexVerdict,
    reason: str,
) -> None:
    got, why = judge_preview(
        interval, seen_s=seen_s, needed_s=2.0, unfamiliar=unfamiliar > 0.2, forbidden="", hints=hints
    )
    assert got is verdict
    assert reason in why


def test_a_model_that_was_never_judged_shows_an_index_and_says_that_its_error_is_not_known() -> None:
    verdict, why = judge_preview(
        None,
        seen_s=9.0,
        needed_s=2.0,
        unfamiliar=False,
        forbidden="",
        hints=(),
        waits_for_the_movement=True,
        has_index=True,
    )
    assert verdict is IndexVerdict.CANNOT_TELL
    assert why == "how far the model may be off is not known"


def test_sub_indices_at_the_end_are_those_of_the_road() -> None:
    pose = make_pose(Exercise.TOUCH_TOES, hidden=(), nobody=(0, 0))
    preview = LivePreview(FakePredictor(), pose_model="lite", frame_size=pose.frame_size, clock=lambda: 0.0)
    assert not preview.read().is_running
    preview.begin(Exercise.TOUCH_TOES)
    for seen, time_s in zip(observations(pose), pose.timestamps_s, strict=True):
        preview.push(seen, timestamp_s=float(time_s))
    preview.end()
    # What follows the end belongs to nothing.
    preview.push(observations(pose)[0], timestamp_s=99.0)
    got = preview.read()
    measured = measure_exercise(prepare(pose).filtered, exercise=Exercise.TOUCH_TOES, pose_model="lite")
    expected = sub_indices(measured, exercise=Exercise.TOUCH_TOES)
    assert [sub.name for sub in got.sub_indices] == [sub.name for sub in expected]
    assert [sub.value for sub in got.sub_indices] == pytest.approx([sub.value for sub in expected], nan_ok=True)
    assert got.seen_s == pytest.approx(5.0)


def lengths(thing: object) -> list[int]:
    """Return how many items everything holds that an object keeps, and what it keeps in turn."""
    if isinstance(thing, list | deque | np.ndarray):
        return [len(thing)]
    kept = vars(thing).values() if type(thing).__module__.startswith("backsight.live") else ()
    return [length for value in kept for length in lengths(value)]


def test_what_nobody_ends_begins_again_and_does_not_grow() -> None:
    pose = make_pose(Exercise.WALK, hidden=(), nobody=(0, 0))
    people = observations(pose)
    preview = LivePreview(FakePredictor(), pose_model="lite", frame_size=pose.frame_size)
    preview.begin(None, goes_on=True)
    fps, most, sinces = 10, 0, []
    for number in range(fps * 150):
        preview.push(people[number % len(people)], timestamp_s=number / fps)
        if number % (5 * fps) == 0:
            read = preview.read()
            sinces.append(read.since_s)
            assert read.seen_s <= EXERCISE_LIMIT_S
            most = max(most, *lengths(preview))
    assert sinces == [0.0] * 12 + [60.0] * 12 + [120.0] * 6
    # At most what a minute holds.
    assert 0 < most <= EXERCISE_LIMIT_S * fps


def test_an_exercise_that_somebody_ends_does_not_begin_again() -> None:
    pose = make_pose(Exercise.WALK, hidden=(), nobody=(0, 0))
    preview = LivePreview(FakePredictor(), pose_model="lite", frame_size=pose.frame_size)
    preview.begin(None)
    for time_s in (7.0, 7.5, 7.0 + EXERCISE_LIMIT_S, 7.1 + EXERCISE_LIMIT_S):
        preview.push(observations(pose)[0], timestamp_s=time_s)
    assert preview.read().since_s == 7.0


def test_a_line_says_since_when_the_index_counts() -> None:
    seen = observations(make_pose(hidden=(), nobody=(0, 0)))[0]
    place = {"frame": 3700, "timestamp_s": 123.0, "latency_ms": 9.0, "dropped_frames": 0, "dropped_buckets": 0}
    assert frame_line(seen, Preview(since_s=120.0), **place)["since_s"] == 120.0  # type: ignore[arg-type]
    assert frame_line(seen, Preview(), **place)["since_s"] is None  # type: ignore[arg-type]


class WholeMovements(FakePredictor):
    """A model that reads whole movements only, as the one that ships."""

    def stream(self) -> None:
        return


def test_a_model_of_whole_movements_speaks_once_the_person_is_upright_again() -> None:
    # One bend in 10 s, lowest in their middle.
    pose = make_pose(Exercise.TOUCH_TOES, n_frames=300, hidden=(), nobody=(0, 0))
    preview = LivePreview(WholeMovements(), pose_model="lite", frame_size=pose.frame_size, clock=lambda: 0.0)
    preview.begin(Exercise.TOUCH_TOES)
    told: list[tuple[float, float]] = []
    for seen, time_s in zip(observations(pose), pose.timestamps_s, strict=True):
        preview.push(seen, timestamp_s=float(time_s))
        told.append((float(time_s), preview.read().index))
    upright = trunk_upright(prepare(pose).filtered, measure_body(prepare(pose).filtered))
    lowest_s = pose.timestamps_s[np.nanargmin(upright)]
    assert all(np.isnan(index) for time_s, index in told if time_s <= lowest_s)
    assert told[-1][1] == pytest.approx(0.3)
    preview.end()
    assert preview.read().index == pytest.approx(0.3)


@pytest.mark.parametrize(
    ("said", "verdict", "reason"),
    [
        ({}, IndexVerdict.NO_RED_FLAG, "its whole range lies below 0.5"),
        ({"no_verdict": "It is no better."}, IndexVerdict.CANNOT_TELL, "its model card allows no verdict"),
        (
            {"exercise_weights": (("touch-toes", 0.01), ("walk", 1.0))},
            IndexVerdict.CANNOT_TELL,
            "this exercise alone tells nothing",
        ),
        ({"exercise_weights": (("touch-toes", 1.0), ("walk", 0.01))}, IndexVerdict.NO_RED_FLAG, "its whole range"),
    ],
)
def test_a_card_that_allows_no_verdict_allows_none_live(
    said: dict[str, Any], verdict: IndexVerdict, reason: str
) -> None:
    pose = make_pose(Exercise.TOUCH_TOES, n_frames=300, hidden=(), nobody=(0, 0))
    predictor = WholeMovements()
    predictor.card = replace(predictor.card, interval_half_width=0.1, **said)
    preview = LivePreview(predictor, pose_model="lite", frame_size=pose.frame_size, clock=lambda: 0.0)
    preview.begin(Exercise.TOUCH_TOES)
    for number, (seen, time_s) in enumerate(zip(observations(pose), pose.timestamps_s, strict=True)):
        preview.push(seen, timestamp_s=float(time_s))
        if number == 60:
            assert preview.read().reason == "told when the movement is done"
    preview.end()
    got = preview.read()
    assert got.index == pytest.approx(0.3)
    assert got.interval is not None
    assert got.verdict is verdict
    assert reason in got.reason
    road = assess_session([part(got.index, Exercise.TOUCH_TOES)], card=predictor.card)
    assert road.verdict is verdict


def test_a_model_of_whole_movements_says_nothing_while_the_movement_is_another() -> None:
    pose = make_pose(Exercise.WALK, hidden=(), nobody=(0, 0))
    preview = LivePreview(WholeMovements(), pose_model="lite", frame_size=pose.frame_size, clock=lambda: 0.0)
    preview.begin(Exercise.TOUCH_TOES)
    for seen, time_s in zip(observations(pose), pose.timestamps_s, strict=True):
        preview.push(seen, timestamp_s=float(time_s))
        assert np.isnan(preview.read().index)
    assert preview.read().reason in {"told when the movement is done", "the picture does not allow it"}
