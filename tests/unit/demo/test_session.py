from dataclasses import replace

import pytest

from backsight.demo.session import Comparison, compare, session_clips, session_folder, session_height_m
from backsight.domain.assessment import Interval, Measurement
from backsight.domain.recording import Exercise
from backsight.video.reader import VideoFile
from tests.assessments import make_assessment

ONE_MEGABYTE = 1_000_000


def test_three_small_clips_ship():
    clips = session_clips()

    assert set(clips) == set(Exercise)
    for clip in clips.values():
        assert clip.stat().st_size < ONE_MEGABYTE
        info = VideoFile(clip).info
        assert (info.width, info.height) == (1280, 720)
        assert info.duration_s > 2.0
    assert 1.45 <= session_height_m() <= 2.0
    assert (session_folder() / "truth.json").exists()


@pytest.mark.parametrize(
    ("estimate", "error", "truth", "holds"),
    [(10.0, 2.0, 11.9, True), (10.0, 2.0, 12.1, False), (float("nan"), 2.0, 1.0, None), (1.0, float("nan"), 1.0, None)],
)
def test_an_interval_holds_the_truth_or_does_not(estimate, error, truth, holds):
    assert Comparison(Exercise.WALK, "Speed", estimate, error, truth, "m/s").holds is holds


def test_estimates_are_set_beside_the_truth_of_their_own_exercise():
    assessment = make_assessment()
    lean = Measurement("lateral_lean_deg", "Lean", 1.5, "deg", error=2.0)
    unknown = Measurement("nobody_knows_deg", "Unknown", 1.5, "deg", error=2.0)
    part = replace(assessment.exercises[0], exercise=Exercise.JUMP, measurements=(lean, unknown))

    rows = compare(replace(assessment, exercises=(part,), index=0.2, interval=Interval(0.1, 0.5)))

    assert [(row.exercise, row.label, row.estimate) for row in rows] == [
        (Exercise.JUMP, "Lean", 1.5),
        (None, "Spinal health index", pytest.approx(0.3)),
    ]
    assert rows[1].error == pytest.approx(0.2)
