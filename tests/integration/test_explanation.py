"""What the model that ships names as the reason moves the index when it is deleted; as much of anything else does not.

On virtual volunteers, as landmarks without error, through the road from the pose on.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

import numpy as np
import pytest

from backsight.domain.landmarks import Landmark
from backsight.domain.movement import JudgedMovement, Movement
from backsight.domain.recording import Exercise
from backsight.domain.sequences import PoseSequence
from backsight.openers import index_predictor
from backsight.pipeline import prepare, while_present
from backsight.scoring.measure import measure_exercise
from backsight.simulation.cohort import simulate_cohort
from backsight.simulation.seeds import TRAINING_SEED

HANDS = (
    Landmark.LEFT_WRIST,
    Landmark.RIGHT_WRIST,
    Landmark.LEFT_PINKY,
    Landmark.RIGHT_PINKY,
    Landmark.LEFT_INDEX,
    Landmark.RIGHT_INDEX,
    Landmark.LEFT_THUMB,
    Landmark.RIGHT_THUMB,
)
FACE = tuple(landmark for landmark in Landmark if landmark <= Landmark.MOUTH_RIGHT)


def bends(n_people: int) -> list[PoseSequence]:
    return [
        one.ideal
        for one in simulate_cohort(n_people, seed=TRAINING_SEED)
        if one.recording.exercise is Exercise.TOUCH_TOES
    ]


def judge(pose: PoseSequence) -> JudgedMovement:
    prepared = prepare(pose)
    measured = measure_exercise(prepared.filtered, exercise=Exercise.TOUCH_TOES, pose_model="full")
    present = while_present(prepared.filtered)
    return index_predictor().judge(Movement(Exercise.TOUCH_TOES, present, prepared.features, measured))


def without(pose: PoseSequence, *, from_s: float, to_s: float, landmarks: Iterable[int] = range(33)) -> PoseSequence:
    gone = np.zeros((pose.n_frames, 33), dtype=np.bool_)
    during = (pose.timestamps_s >= from_s) & (pose.timestamps_s <= to_s)
    gone[np.ix_(during, list(landmarks))] = True

    def cut(values: np.ndarray) -> np.ndarray:
        return np.where(gone[..., np.newaxis] if values.ndim == 3 else gone, np.nan, values)

    arrays = {name: cut(getattr(pose, name)) for name in ("image_px", "world_m", "visibility", "presence")}
    return replace(pose, **arrays)


def named_span_s(judged: JudgedMovement) -> tuple[float, float]:
    """Return the part of the recording whose measures moved the index most."""
    assert judged.explanation is not None
    sizes: dict[tuple[float, float], float] = {}
    for one in judged.explanation.contributions:
        if np.isfinite(one.from_s):
            span = (one.from_s, one.to_s)
            sizes[span] = sizes.get(span, 0.0) + abs(one.points)
    return max(sizes, key=lambda span: sizes[span])


def moved_by_time(pose: PoseSequence) -> tuple[float, float]:
    """Return how far the index moves without a stretch of the named time, and without one as long beside it."""
    judged = judge(pose)
    from_s, to_s = named_span_s(judged)
    start_s, end_s = float(pose.timestamps_s[0]), float(pose.timestamps_s[-1])
    before_s, after_s = from_s - start_s, end_s - to_s
    # Something is left at the ends, so that both recordings are of the same time.
    length_s = min(max(before_s, after_s) - 0.2, to_s - from_s)
    middle_s = 0.5 * (from_s + to_s)
    beside_s = from_s - length_s - 0.05 if before_s > after_s else to_s + 0.05
    named = judge(without(pose, from_s=middle_s - 0.5 * length_s, to_s=middle_s + 0.5 * length_s))
    beside = judge(without(pose, from_s=beside_s, to_s=beside_s + length_s))
    return tuple(abs(one.curve.final - judged.curve.final) for one in (named, beside))  # type: ignore[return-value]


def test_deleting_the_named_time_moves_an_index_and_as_much_beside_it_does_not() -> None:
    # Of whom the measures move furthest: of somebody typical there is nothing to be deleted.
    named, beside = moved_by_time(max(bends(8), key=lambda pose: judge(pose).curve.final))
    assert named > 0.1
    assert beside < 0.02


def test_deleting_a_named_body_part_moves_an_index_by_what_was_said_and_another_does_not() -> None:
    pose = bends(1)[0]
    judged = judge(pose)
    assert judged.explanation is not None
    # This person does not reach the floor, by far: hands are among what is named, beside the trunk.
    named = sum(one.points for one in judged.explanation.contributions if one.body_part == "hands")
    assert named > 0.05
    always = {"from_s": float(pose.timestamps_s[0]), "to_s": float(pose.timestamps_s[-1])}
    handless, faceless = (judge(without(pose, **always, landmarks=part)).curve.final for part in (HANDS, FACE))
    assert judged.curve.final - handless == pytest.approx(named, abs=0.02)
    assert abs(judged.curve.final - faceless) < 0.02


@pytest.mark.slow
def test_over_several_people_the_named_time_counts_for_several_times_as_much() -> None:
    # Eight times as much when this was written; seven of the eight people.
    moved = np.array([moved_by_time(pose) for pose in bends(8)])
    assert (moved[:, 0] > moved[:, 1]).mean() > 0.8
    assert moved[:, 0].mean() > 5.0 * moved[:, 1].mean()
