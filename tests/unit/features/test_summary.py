import numpy as np
import pytest

from backsight.domain.landmarks import Landmark
from backsight.features.summary import summarize
from backsight.features.summary_statistics import (
    COURSE,
    FAST,
    LIKENESS,
    MEDIAN,
    RANGE,
    SPEED,
    column_statistics,
    course_statistics,
    fill_and_smooth,
    find_repetitions,
)
from tests.unit.kinematics.skeletons import make_pose, mirrored, without

FPS = 30.0
SECONDS = np.arange(600) / FPS
CYCLE_S = 4.0


def bends(**more):
    """Five slow bends of 40 degrees from 0 degrees, with a lean to the right and arms that swing unlike."""
    wave = np.sin(2 * np.pi * SECONDS / CYCLE_S)
    arguments = {
        "timestamps_s": SECONDS,
        "flexion_deg": 20.0 - 20.0 * np.cos(2 * np.pi * SECONDS / CYCLE_S),
        "lean_right_deg": 3.0 + 4.0 * wave,
        "knee_flexion_deg": (10.0 + 8.0 * wave, 15.0 - 5.0 * wave),
    }
    return make_pose(**(arguments | more))


def told(pose):
    summary = summarize(pose)
    return dict(zip(summary.names, summary.values, strict=True))


def test_every_feature_has_a_name_of_its_own_a_unit_and_a_body_part():
    summary = summarize(bends())
    assert len(set(summary.names)) == len(summary.names) == len(summary.values)
    assert all(feature.unit and feature.body_part for feature in summary.features)


def test_a_slow_bend_of_40_degrees_is_told_with_its_range_pace_and_repetitions():
    summary = told(bends())
    # Between the 5th and 95th centile of a cosine of amplitude 20 lie 2 x 20 x cos(0.05 pi) degrees.
    assert summary["range of trunk flexion"] == pytest.approx(40.0 * np.cos(0.05 * np.pi), abs=0.5)
    assert summary["usual range within a repetition of trunk flexion"] == pytest.approx(40.0, abs=0.5)
    assert summary["median of trunk flexion"] == pytest.approx(20.0, abs=0.5)
    # 80 degrees of way in 4 s.
    assert summary["mean speed of trunk flexion"] == pytest.approx(80.0 / CYCLE_S, rel=0.02)
    assert summary["duration of a repetition"] == pytest.approx(CYCLE_S, abs=0.1)
    assert summary["likeness of repetitions in trunk flexion"] == pytest.approx(1.0, abs=0.01)
    assert summary["unevenness of the range over repetitions of trunk flexion"] == pytest.approx(0.0, abs=0.02)


def test_a_recording_and_its_mirror_image_have_the_same_summary():
    pose = bends()
    straight, turned = summarize(pose).values, summarize(mirrored(pose)).values
    np.testing.assert_array_equal(np.isnan(straight), np.isnan(turned))
    np.testing.assert_allclose(straight, turned, atol=1e-6)


def test_a_larger_person_who_moves_alike_has_the_same_summary():
    pose = bends()
    larger = type(pose)(
        image_px=pose.image_px,
        world_m=1.3 * pose.world_m,
        visibility=pose.visibility,
        presence=pose.presence,
        timestamps_s=pose.timestamps_s,
        frame_size=pose.frame_size,
    )
    np.testing.assert_allclose(summarize(pose).values, summarize(larger).values, atol=1e-6)


def test_what_a_missing_landmark_would_tell_is_nan_and_the_rest_stays():
    whole, part = told(bends()), told(without(bends(), Landmark.LEFT_WRIST))
    assert np.isnan(part["range of distance between wrists"])
    assert part["range of trunk flexion"] == pytest.approx(whole["range of trunk flexion"], abs=1e-9)


def test_a_recording_without_a_person_tells_only_how_long_it_is():
    pose = bends()
    empty = without(pose, *Landmark)
    known = {name for name, value in told(empty).items() if np.isfinite(value)}
    assert known == {"duration"}


def test_statistics_of_a_sine_and_of_an_unknown_column():
    sine = 10.0 * np.sin(2 * np.pi * SECONDS / CYCLE_S)
    table = column_statistics(np.column_stack((sine, np.full_like(sine, np.nan))), fps=FPS, cycle_frames=120.0)
    assert table[MEDIAN, 0] == pytest.approx(0.0, abs=1e-6)
    assert table[RANGE, 0] == pytest.approx(20.0 * np.cos(0.05 * np.pi), rel=0.01)
    assert table[SPEED, 0] == pytest.approx(40.0 / CYCLE_S, rel=0.01)
    assert table[LIKENESS, 0] == pytest.approx(1.0, abs=1e-6)
    assert table[FAST, 0] < 0.01
    assert np.isnan(table[:, 1]).all()


def test_tremor_of_3_hz_is_fast_movement():
    tremor = np.sin(2 * np.pi * 3.0 * SECONDS)[:, np.newaxis]
    assert column_statistics(tremor, fps=FPS, cycle_frames=float("nan"))[FAST, 0] > 0.95


def test_the_course_tells_ranges_that_shrink_and_a_drift():
    wave = np.sin(2 * np.pi * SECONDS / CYCLE_S)
    halved = np.where(SECONDS < 10.0, 1.0, 0.5) * wave
    drifting = np.where(SECONDS < 10.0, 0.0, 6.0)
    table = course_statistics(np.column_stack((wave, halved, drifting)), cycle_frames=60.0)
    uneven = [statistic.name for statistic in COURSE].index("unevenness of the range over repetitions of")
    drift = [statistic.name for statistic in COURSE].index("drift from first to second half of")
    assert table[uneven, 0] == pytest.approx(0.0, abs=0.01)
    # Ranges 1 and 0.5 alike often: SD 0.25 over mean 0.75.
    assert table[uneven, 1] == pytest.approx(1.0 / 3.0, abs=0.02)
    assert table[drift, 2] == pytest.approx(6.0)


def test_repetitions_are_counted_by_their_far_ends():
    found = find_repetitions(-np.cos(2 * np.pi * SECONDS / CYCLE_S), fps=FPS)
    assert found.count == 5
    np.testing.assert_allclose(found.durations_s, CYCLE_S, atol=0.05)
    assert found.regularity > 0.95


def test_stillness_has_no_repetitions():
    found = find_repetitions(np.zeros(300), fps=FPS)
    assert found.count == 0
    assert np.isnan(found.cycle_frames)


def test_a_gap_is_bridged_and_a_column_known_less_than_half_is_left_out():
    line = np.linspace(0.0, 10.0, 100)
    holed, scarce = line.copy(), line.copy()
    holed[40:50], scarce[:60] = np.nan, np.nan
    filled = fill_and_smooth(np.column_stack((holed, scarce)), fps=FPS)
    np.testing.assert_allclose(filled[:, 0], line, atol=0.05)
    assert np.isnan(filled[:, 1]).all()
