"""The whole road on fakes: no engine, no file, expected values from analytic motion."""

from dataclasses import replace

import numpy as np
import pytest

from backsight import pipeline
from backsight.domain.assessment import Assessment, ExerciseAssessment, IndexVerdict, QualityVerdict
from backsight.domain.landmarks import Landmark
from backsight.domain.recording import Exercise
from backsight.domain.sequences import PoseSequence
from backsight.errors import InputError, NoPersonError, VideoError
from backsight.features.schema import FEATURE_NAMES
from tests.assessments import make_pose
from tests.fakes import FAKE_CARD, FakePoseEstimator, FakePredictor, FakeSource


def assess(pose: PoseSequence, *, n_people: int | None = 1, predictor: FakePredictor | None = None):
    return pipeline.assess_exercise(
        FakeSource(pose.timestamps_s, size=pose.frame_size),
        exercise=Exercise.TOUCH_TOES,
        estimator=FakePoseEstimator(pose, n_people=n_people),
        predictor=predictor or FakePredictor(),
        pose_model="lite",
    )


def bend_pose(*, fps: float = 30.0) -> PoseSequence:
    return make_pose(Exercise.TOUCH_TOES, n_frames=round(5 * fps), fps=fps, hidden=(), nobody=(0, 0))


def combine(*parts: ExerciseAssessment) -> Assessment:
    return pipeline.combine(
        {part.exercise: part for part in parts},
        card=FAKE_CARD,
        created_at="2026-01-01T00:00:00+00:00",
        backsight_version="0",
    )


def nobody(n_frames: int) -> PoseSequence:
    return PoseSequence(
        image_px=np.full((n_frames, 33, 3), np.nan),
        world_m=np.full((n_frames, 33, 3), np.nan),
        visibility=np.zeros((n_frames, 33)),
        presence=np.zeros((n_frames, 33)),
        timestamps_s=np.arange(n_frames) / 30.0,
        frame_size=(1280, 720),
    )


def test_a_bend_becomes_an_index_with_its_evidence() -> None:
    predictor = FakePredictor(final=0.25)
    part = assess(bend_pose(), predictor=predictor)
    assert part.index == pytest.approx(0.25)
    assert part.quality.verdict is not QualityVerdict.UNUSABLE
    assert part.features.names == FEATURE_NAMES
    assert predictor.seen[0] is part.features
    assert {item.name for item in part.measurements} >= {"trunk_flexion_deg"}
    assert {item.name for item in part.sub_indices} >= {"asymmetric_lean", "reduced_flexion"}


def test_features_run_at_30_fps_whatever_the_recording_does() -> None:
    pose = bend_pose(fps=60.0)
    part = assess(pose)
    assert np.diff(part.features.timestamps_s) == pytest.approx(1 / 30.0)
    np.testing.assert_array_equal(part.pose.timestamps_s, pose.timestamps_s)


def test_low_visibility_reading_is_missing_and_counted() -> None:
    pose = bend_pose()
    visibility = np.array(pose.visibility)
    visibility[:, Landmark.LEFT_PINKY] = 0.59
    hidden = PoseSequence(
        image_px=pose.image_px,
        world_m=pose.world_m,
        visibility=visibility,
        presence=pose.presence,
        timestamps_s=pose.timestamps_s,
        frame_size=pose.frame_size,
    )
    prepared = pipeline.prepare(hidden)
    assert np.isnan(prepared.filtered.image_px[:, Landmark.LEFT_PINKY]).all()
    assert prepared.removed_share - pipeline.prepare(pose).removed_share == pytest.approx(1 / 33)


def test_unusable_recording_never_reaches_the_network() -> None:
    predictor = FakePredictor()
    part = assess(bend_pose(), n_people=2, predictor=predictor)
    assert part.quality.verdict is QualityVerdict.UNUSABLE
    assert predictor.seen == []
    assert (part.index, part.measurements, part.sub_indices) == (None, (), ())


def test_nobody_in_view_is_an_error_that_says_how_to_film() -> None:
    part = assess(nobody(60))
    assert (part.quality.verdict, part.index) == (QualityVerdict.UNUSABLE, None)
    with pytest.raises(NoPersonError, match=r"fake\.mp4: no person found in 60 frames; film the whole body"):
        combine(part)


def test_one_empty_recording_does_not_spoil_a_session() -> None:
    walk = replace(assess(nobody(60)), exercise=Exercise.WALK)
    session = combine(assess(bend_pose()), walk)
    assert session.index == pytest.approx(0.3)
    assert any("Walk 2 metres" in note and "gave no index" in note for note in session.notes)


def test_time_with_nobody_in_view_changes_no_feature() -> None:
    pose = bend_pose()
    empty = nobody(40)
    late = PoseSequence(
        image_px=np.concatenate([empty.image_px, pose.image_px]),
        world_m=np.concatenate([empty.world_m, pose.world_m]),
        visibility=np.concatenate([empty.visibility, pose.visibility]),
        presence=np.concatenate([empty.presence, pose.presence]),
        timestamps_s=np.concatenate([empty.timestamps_s, pose.timestamps_s + 40 / 30]),
        frame_size=pose.frame_size,
    )
    np.testing.assert_allclose(
        pipeline.prepare(late).features.values, pipeline.prepare(pose).features.values, atol=1e-6
    )


def test_a_file_far_beyond_an_exercise_is_refused_before_it_is_decoded() -> None:
    source = FakeSource([0.0, 301.0])
    with pytest.raises(InputError, match="expected one exercise of at most 60 s, got 301 s"):
        pipeline.track_person(source, FakePoseEstimator(nobody(2)))


def test_one_frame_is_no_movement() -> None:
    with pytest.raises(VideoError, match="got 1 frame"):
        pipeline.track_person(FakeSource([0.0]), FakePoseEstimator(nobody(1)))


def test_engine_failure_midway_reaches_the_caller() -> None:
    def fail_at_40(index: int) -> None:
        if index == 40:
            raise KeyboardInterrupt

    pose = bend_pose()
    estimator = FakePoseEstimator(pose, before_frame=fail_at_40)
    with pytest.raises(KeyboardInterrupt):
        pipeline.track_person(FakeSource(pose.timestamps_s), estimator)


def test_progress_counts_every_frame_against_the_expected_number() -> None:
    pose = bend_pose()
    calls: list[tuple[int, int]] = []
    pipeline.track_person(
        FakeSource(pose.timestamps_s), FakePoseEstimator(pose), on_progress=lambda *call: calls.append(call)
    )
    assert [done for done, _ in calls] == list(range(1, pose.n_frames + 1))
    assert {total for _, total in calls} == {pose.n_frames}


def test_session_keeps_the_papers_order_and_says_what_is_missing() -> None:
    part = assess(bend_pose())
    session = combine(part)
    assert session.missing == (Exercise.WALK, Exercise.JUMP)
    assert session.index == pytest.approx(part.index)


@pytest.mark.parametrize(
    ("index", "verdict"),
    # The stand-in's interval is 0.2 to each side.
    [(0.25, IndexVerdict.NO_RED_FLAG), (0.35, IndexVerdict.CANNOT_TELL), (0.75, IndexVerdict.RED_FLAG)],
)
def test_verdict_is_withheld_where_the_interval_reaches_across(index: float, verdict: IndexVerdict) -> None:
    assert combine(assess(bend_pose(), predictor=FakePredictor(final=index))).verdict is verdict
