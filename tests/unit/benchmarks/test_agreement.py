from pathlib import Path

import numpy as np
import pytest

from backsight.benchmarks.agreement import compare, judge_clip
from backsight.datasets.keraal import KeraalClip
from tests.unit.kinematics.skeletons import make_pose

TIMES = np.arange(0.0, 8.0, 1 / 20)
CAPTURED = np.linspace(0.0, TIMES[-1], 320)


def wave(times_s, *, size_deg=40.0):
    return size_deg * np.sin(2.0 * np.pi * times_s / 4.0)


def test_the_same_movement_sampled_twice_as_fast_agrees():
    got = compare(wave(TIMES) + 12.0, wave(CAPTURED) - 5.0, times_s=TIMES)
    assert got.correlation > 0.9999
    assert got.mean_error_deg < 0.1
    assert got.shift_s == pytest.approx(0.0, abs=0.011)


def test_a_constant_delay_is_found_and_reported():
    got = compare(wave(TIMES - 0.15), wave(CAPTURED), times_s=TIMES)
    assert got.shift_s == pytest.approx(0.15, abs=0.011)
    as_cut = compare(wave(TIMES - 0.15), wave(CAPTURED), times_s=TIMES, shift_s=0.0)
    # The mean of |2 a sin(w d / 2) cos| is 2 / pi times its amplitude.
    assert as_cut.mean_error_deg == pytest.approx(2.0 / np.pi * 80.0 * np.sin(np.pi / 2.0 * 0.15 / 2.0), rel=0.05)
    assert got.mean_error_deg < 0.3 * as_cut.mean_error_deg


def test_a_gain_is_not_corrected():
    got = compare(0.7 * wave(TIMES), wave(CAPTURED), times_s=TIMES)
    assert got.correlation > 0.999
    assert got.mean_error_deg == pytest.approx(2.0 / np.pi * 0.3 * 40.0, rel=0.05)


def test_missing_frames_are_left_out():
    camera = wave(TIMES)
    camera[10:40] = np.nan
    assert len(compare(camera, wave(CAPTURED), times_s=TIMES).camera_deg) == len(TIMES) - 30
    with pytest.raises(ValueError, match="only NaN"):
        compare(np.full(len(TIMES), np.nan), wave(CAPTURED), times_s=TIMES)


def clip_of(exercise, size_deg):
    turn = wave(CAPTURED, size_deg=size_deg)
    return KeraalClip("KEY", exercise, Path("keraal_KEY.avi"), 1.2 * turn, turn, 0.1 * turn)


def test_a_turning_trunk_has_bars_for_the_full_model_only():
    # Both shoulders and hips turn in the figure: the whole person does.
    pose = make_pose(timestamps_s=TIMES, yaw_deg=-wave(TIMES))
    figures = {figure.name: figure for figure in judge_clip(clip_of("rotationTronc", 40.0), pose, pose_model="full")[0]}
    assert figures["KEY/full/chest_r"].met
    assert figures["KEY/full/chest_error"].met
    assert figures["KEY/full/shoulders_error"].value > figures["KEY/full/chest_error"].value
    assert figures["KEY/full/shoulders_error"].bar is None
    lite = judge_clip(clip_of("rotationTronc", 40.0), pose, pose_model="lite")[0]
    assert all(figure.bar is None for figure in lite)


def test_a_person_who_turns_the_other_way_misses_the_bar():
    pose = make_pose(timestamps_s=TIMES, yaw_deg=wave(TIMES))
    figures = {figure.name: figure for figure in judge_clip(clip_of("rotationTronc", 40.0), pose, pose_model="full")[0]}
    assert figures["KEY/full/chest_r"].met is False


def test_where_the_trunk_hardly_turns_there_is_no_correlation():
    pose = make_pose(timestamps_s=TIMES)
    figures = [figure.name for figure in judge_clip(clip_of("cacheTete", 3.0), pose, pose_model="full")[0]]
    assert "KEY/full/chest_error" in figures
    assert not [name for name in figures if name.endswith("_r")]
