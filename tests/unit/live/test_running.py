"""Features and index while a recording goes on, against what the road makes of the whole of it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from backsight.domain.recording import Exercise
from backsight.domain.sequences import PoseObservation, PoseSequence
from backsight.live.running import LAG_S, RunningFeatures, RunningIndex
from backsight.pipeline import prepare
from tests.assessments import make_pose
from tests.fakes import FakePredictor


def observations(pose: PoseSequence) -> list[PoseObservation]:
    return [
        PoseObservation(image_px=i, world_m=w, visibility=v, presence=p)
        for i, w, v, p in zip(pose.image_px, pose.world_m, pose.visibility, pose.presence, strict=True)
    ]


def run(pose: PoseSequence, *, every: int = 1) -> RunningFeatures:
    running = RunningFeatures(pose.frame_size)
    for number, (seen, time_s) in enumerate(zip(observations(pose), pose.timestamps_s, strict=True)):
        running.push(seen, timestamp_s=float(time_s))
        if number % every == 0:
            running.advance()
    return running


def at_uneven_times(pose: PoseSequence) -> PoseSequence:
    steps = 1.0 / 27.0 + 0.01 * np.sin(np.arange(pose.n_frames))
    return replace(pose, timestamps_s=np.cumsum(steps))


@pytest.mark.parametrize(
    "pose",
    [
        pytest.param(make_pose(Exercise.TOUCH_TOES), id="gaps longer and shorter than a quarter of a second"),
        pytest.param(make_pose(Exercise.WALK, nobody=(0, 20)), id="nobody at first"),
        pytest.param(make_pose(Exercise.WALK, nobody=(130, 150)), id="nobody at the end"),
        pytest.param(make_pose(Exercise.JUMP, nobody=(40, 80)), id="lost for longer than the lag"),
        pytest.param(at_uneven_times(make_pose(Exercise.TOUCH_TOES)), id="uneven times"),
    ],
)
@pytest.mark.parametrize("every", [1, 7])
def test_after_the_last_frame_the_features_are_those_of_the_road(pose: PoseSequence, every: int) -> None:
    running = run(pose, every=every)
    running.finish()
    got, expected = running.again(), prepare(pose).features
    np.testing.assert_allclose(got.timestamps_s, expected.timestamps_s, atol=1e-9)
    np.testing.assert_allclose(got.values, expected.values, atol=1e-9)


def test_a_row_does_not_change_after_its_lag_but_for_what_it_is_compared_with() -> None:
    pose = make_pose(Exercise.TOUCH_TOES)
    running = RunningFeatures(pose.frame_size)
    rows = []
    for seen, time_s in zip(observations(pose), pose.timestamps_s, strict=True):
        running.push(seen, timestamp_s=float(time_s))
        new = running.advance()
        assert not len(new.timestamps_s) or new.timestamps_s[-1] <= time_s - LAG_S + 1e-6
        rows.append(new.values)
    early, whole = np.concatenate(rows), prepare(pose).features
    angles = [column for column, name in enumerate(whole.names) if name.endswith(("_deg", "_deg_per_s"))]
    assert len(early) >= 150 - 0.4 * 30
    np.testing.assert_allclose(early[:, angles], whole.values[: len(early), angles], atol=1e-9)


def test_where_nobody_is_seen_there_is_nothing() -> None:
    running = run(make_pose(nobody=(0, 150)))
    assert len(running.finish().values) == len(running.again().values) == 0


def test_the_index_is_shown_everything_again_and_says_how_much_it_has_read() -> None:
    pose = make_pose(nobody=(0, 0))
    index = RunningIndex(FakePredictor(0.4), frame_size=pose.frame_size)
    assert np.isnan(index.value)
    for seen, time_s in zip(observations(pose), pose.timestamps_s, strict=True):
        index.push(seen, timestamp_s=float(time_s))
        index.advance()
    assert index.seen_s == pytest.approx(5.0 - LAG_S, abs=0.05)
    index.finish()
    assert index.seen_s == pytest.approx(5.0)
    assert index.value == pytest.approx(0.4)
    assert index.unfamiliar_share == 0.0
