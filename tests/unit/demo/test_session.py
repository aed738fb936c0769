import json
import math
from dataclasses import replace

import pytest

from backsight.demo.session import Comparison, compare, session_clips, session_folder, session_height_m
from backsight.domain.assessment import Interval, Measurement
from backsight.domain.recording import Exercise
from backsight.simulation.truth import measure_truth
from backsight.studio.filmed import Shot
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
        (None, "Spinal health index", 0.2),
    ]
    # The index's own, not the middle of an interval that is cut off at 0.
    assert rows[1].error == pytest.approx(0.3)


def test_the_truth_that_ships_is_what_the_volunteer_of_today_does():
    # As `make demo-session` has it; a change of the simulation that leaves the clips as they are would be found here.
    stored = json.loads((session_folder() / "truth.json").read_text(encoding="utf-8"))
    yaws_deg = {Exercise.TOUCH_TOES: 75.0, Exercise.WALK: 80.0, Exercise.JUMP: 20.0}
    for recording in stored["recordings"]:
        exercise = Exercise(recording["exercise"])
        shot = Shot(13, exercise, 1, fps=30.0, yaw_deg=yaws_deg[exercise], distance_m=3.0)
        truth = measure_truth(shot.perform())
        values = {item["name"]: item["value"] for item in recording["measures"] if item["value"] is not None}
        known = {name: value for name, value in truth.values.items() if math.isfinite(value)}
        assert values == pytest.approx(known, abs=1e-5)
        assert [item["time_s"] for item in recording["events"]] == pytest.approx(
            [event.time_s for event in truth.events], abs=1e-5
        )
        assert len(shot.perform().motion.timestamps_s) == recording["n_frames"]
