"""When an index so far says something, and when it does not."""

import pytest

from backsight.domain.assessment import IndexVerdict, Interval, QualityVerdict
from backsight.domain.recording import Exercise
from backsight.live.hints import Hint
from backsight.live.preview import LivePreview, judge_preview
from backsight.pipeline import prepare
from backsight.scoring.measure import measure_exercise
from backsight.scoring.sub_indices import sub_indices
from tests.assessments import make_pose
from tests.fakes import FakePredictor
from tests.unit.live.test_running import observations

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
    got, why = judge_preview(interval, seen_s=seen_s, needed_s=2.0, unfamiliar_share=unfamiliar, hints=hints)
    assert got is verdict
    assert reason in why


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
