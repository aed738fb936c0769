"""truth.json and truth.parquet say what happened, with units, and where the joints are in the clip."""

import json
import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from backsight.domain.landmarks import Landmark
from backsight.domain.recording import Exercise
from backsight.errors import OutputError
from backsight.simulation.camera import aim_camera
from backsight.simulation.truth import measure_truth
from backsight.studio.filmed import Shot
from backsight.studio.truth_files import Take, truth_to_dict, unit_of, write_truth

SHOT = Shot(2, Exercise.JUMP, 1, fps=10.0, yaw_deg=30.0, frame_size=(640, 360))


def take(shot: Shot = SHOT) -> Take:
    return Take(shot, shot.perform(), file=f"{shot.exercise}.mp4")


@pytest.mark.parametrize(
    ("name", "unit"),
    [
        ("trunk_flexion_deg", "deg"),
        ("gait_speed_m_per_s", "m/s"),
        ("bend_down_s", "s"),
        ("landing_asymmetry_ms", "ms"),
        ("cadence_per_min", "1/min"),
        ("step_time_asymmetry_percent", "%"),
        ("step_length_cm", "cm"),
        ("bend_smoothness_sparc", "SPARC"),
        ("skill", ""),
    ],
)
def test_the_unit_is_the_end_of_the_name(name: str, unit: str) -> None:
    assert unit_of(name) == unit


@pytest.mark.parametrize("exercise", list(Exercise))
def test_every_measure_has_a_unit_and_the_value_that_the_truth_has(exercise: Exercise) -> None:
    one = take(replace(SHOT, exercise=exercise))
    (recording,) = truth_to_dict([one])["recordings"]
    truth = measure_truth(one.performance)
    assert all(measure["unit"] for measure in recording["measures"])
    for measure in recording["measures"]:
        value = truth.values[measure["name"]]
        if math.isnan(value):
            assert measure["value"] is None
        else:
            assert measure["value"] == pytest.approx(value, abs=1e-6)
    assert [event["name"] for event in recording["events"]] == [event.name for event in truth.events]


def test_camera_angles_are_those_it_was_aimed_with() -> None:
    one = take()
    camera = aim_camera(
        at_m=np.zeros(3),
        yaw_deg=30.0,
        distance_m=3.0,
        height_m=1.2,
        pitch_deg=7.0,
        focal_px=900.0,
        roll_deg=2.0,
    )
    described = truth_to_dict([replace(one, performance=replace(one.performance, camera=camera))])
    seen = described["recordings"][0]["camera"]
    assert seen["pitch_down_deg"] == pytest.approx(7.0, abs=0.02)  # A roll of 2 degrees costs a hundredth of it.
    assert seen["roll_deg"] == pytest.approx(2.0, abs=0.02)
    assert seen["height_m"] == 1.2
    # A clip of 640 x 360 shows what the camera's 1280 x 720 shows.
    assert (seen["focal_px"], seen["width_px"], seen["height_px"]) == (450.0, 640, 360)


def test_the_table_has_a_row_a_frame_with_joints_in_room_and_clip(tmp_path: Path) -> None:
    jump, walk = take(), take(replace(SHOT, exercise=Exercise.WALK))

    write_truth(tmp_path, [jump, walk])

    table = pq.read_table(tmp_path / "truth.parquet").to_pydict()
    n_jump, n_walk = (len(one.performance.motion.timestamps_s) for one in (jump, walk))
    assert table["exercise"] == ["jump"] * n_jump + ["walk"] * n_walk
    assert table["frame"] == [*range(n_jump), *range(n_walk)]
    performance = jump.performance
    wrist = performance.figure.landmarks_m[5, Landmark.LEFT_WRIST]
    assert [table[f"left_wrist_{axis}_m"][5] for axis in "xyz"] == pytest.approx(wrist.tolist(), abs=1e-6)
    in_clip = performance.camera.project(wrist) / 2.0
    assert [table[f"left_wrist_{axis}_px"][5] for axis in "xy"] == pytest.approx(in_clip.tolist(), abs=1e-3)
    flexion = measure_truth(performance).angles["trunk_flexion_deg"][5]
    assert table["trunk_flexion_deg"][5] == pytest.approx(flexion, abs=1e-4)
    json.loads((tmp_path / "truth.json").read_text(), parse_constant=pytest.fail)


def test_no_folder_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match=r"cannot write into .*nowhere"):
        write_truth(tmp_path / "nowhere", [take()])
