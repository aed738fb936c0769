"""A live index from a model that reads whole movements and has no stream, as the one that ships."""

from __future__ import annotations

import numpy as np
import pytest

from backsight.domain.assessment import IndexCurve, IndexVerdict
from backsight.domain.movement import JudgedMovement, Movement
from backsight.domain.recording import Exercise
from backsight.errors import InvalidValueError
from backsight.live.preview import LivePreview, Preview
from backsight.live.running import MODEL_FPS, RunningIndex
from tests.assessments import make_pose
from tests.fakes import FakePredictor
from tests.unit.live.test_running import observations


class WholeMovements(FakePredictor):
    """Has no stream; may refuse the first movements it is shown."""

    def __init__(self, *, refuses: int = 0, unfamiliar_share: float = 0.0) -> None:
        super().__init__()
        self.shown: list[Movement] = []
        self._refuses, self._share = refuses, unfamiliar_share

    def stream(self) -> None:
        return

    def judge(self, movement: Movement) -> JudgedMovement:
        self.shown.append(movement)
        if len(self.shown) <= self._refuses:
            raise InvalidValueError("too little of a movement")
        return super().judge(movement)

    def unfamiliar_share(self, features) -> float:
        return self._share


def judged(raw: float, *, share: float = 0.25) -> JudgedMovement:
    return JudgedMovement(IndexCurve(timestamps_s=np.array([1.0]), raw=np.array([raw])), share)


def run(predictor, *, frames: int = 90) -> RunningIndex:
    pose = make_pose(n_frames=frames, hidden=(), nobody=(0, 0))
    index = RunningIndex(predictor, frame_size=pose.frame_size)
    for seen, time_s in zip(observations(pose), pose.timestamps_s, strict=True):
        index.push(seen, timestamp_s=float(time_s))
        index.advance()
    index.finish()
    return index


def test_without_a_stream_frames_are_counted_and_tell_nothing() -> None:
    index = run(WholeMovements(unfamiliar_share=0.9))
    assert index.waits_for_the_movement
    assert np.isnan(index.value)
    assert np.isnan(index.unfamiliar_share)  # of features nobody reads
    assert index.seen_s == pytest.approx(90 / MODEL_FPS, abs=2 / MODEL_FPS)


def test_the_index_is_what_was_said_of_the_movement_last_and_nothing_once_that_is_withdrawn() -> None:
    index = run(WholeMovements())
    index.settle(judged(0.4))
    assert (index.value, index.unfamiliar_share) == (0.4, 0.25)
    index.settle(judged(1.7, share=0.5))
    assert (index.value, index.unfamiliar_share) == (1.0, 0.5)
    index.settle(None)
    assert np.isnan([index.value, index.unfamiliar_share]).all()


def test_a_model_with_a_stream_keeps_its_own_index() -> None:
    index = run(FakePredictor())
    before = index.value
    assert np.isfinite(before)
    index.settle(judged(0.99))
    index.settle(None)
    assert index.value == before


def watch(predictor: WholeMovements, exercise: Exercise | None) -> Preview:
    pose = make_pose(Exercise.TOUCH_TOES, hidden=(), nobody=(0, 0))
    preview = LivePreview(predictor, pose_model="lite", frame_size=pose.frame_size, clock=lambda: 0.0)
    preview.begin(exercise)
    for seen, time_s in zip(observations(pose), pose.timestamps_s, strict=True):
        preview.push(seen, timestamp_s=float(time_s))
    preview.end()
    return preview.read()


def test_what_the_model_refuses_has_no_index_and_no_verdict() -> None:
    told = watch(WholeMovements(refuses=1000), Exercise.TOUCH_TOES)
    assert np.isnan(told.index)
    assert told.interval is None
    assert told.verdict is IndexVerdict.CANNOT_TELL
    assert told.sub_indices == ()


def test_the_model_is_shown_the_whole_exercise_at_the_end() -> None:
    predictor = WholeMovements()
    told = watch(predictor, Exercise.TOUCH_TOES)
    last = predictor.shown[-1]
    assert last.exercise is Exercise.TOUCH_TOES
    assert last.pose.duration_s == pytest.approx(5.0, abs=0.2)
    assert told.index == pytest.approx(0.3)
    assert told.interval is not None


def test_a_movement_of_no_exercise_is_never_judged() -> None:
    predictor = WholeMovements()
    told = watch(predictor, None)
    assert predictor.shown == []
    assert np.isnan(told.index)
    assert "told when the movement is done" in told.reason
