"""A squat given as a bend and a run given as a walk, on a drawn person; `test_quality.py` tells the exercises apart."""

from __future__ import annotations

import numpy as np
import pytest

from backsight.domain.assessment import QualityVerdict
from backsight.domain.recording import Exercise
from backsight.domain.sequences import PoseSequence
from backsight.kinematics.body import measure_body
from backsight.pose.quality_movement import bounce_with_stride, check_movement, sinks_bh, speeds_bh
from tests.unit.kinematics.skeletons import SHANK_M, THIGH_M, make_pose

GOOD, UNUSABLE = QualityVerdict.GOOD, QualityVerdict.UNUSABLE
PX_PER_M = 300.0
DOWN_AND_UP_S = np.arange(0.0, 5.0, 1 / 30)
DEPTH = 0.5 * (1.0 - np.cos(2.0 * np.pi * DOWN_AND_UP_S / 5.0))
CROSSING_S = np.arange(0.0, 2.5, 1 / 30)


def go_down(*, thigh_deg: float, knee_deg: float, flexion_deg: float, yaw_deg: float) -> tuple[PoseSequence, float]:
    """Bend hips, knees and trunk and stretch again, feet on the floor; returns also how far the hips sink in metres."""
    thigh, knee = thigh_deg * DEPTH, knee_deg * DEPTH
    sunk_m = THIGH_M * (1 - np.cos(np.radians(thigh))) + SHANK_M * (1 - np.cos(np.radians(thigh - knee)))
    pose = make_pose(
        timestamps_s=DOWN_AND_UP_S,
        flexion_deg=flexion_deg * DEPTH,
        thigh_forward_deg=(thigh, thigh),
        knee_flexion_deg=(knee, knee),
        yaw_deg=yaw_deg,
        hip_px=(640.0, 360.0 + PX_PER_M * sunk_m),
        px_per_m=PX_PER_M,
    )
    return pose, float(sunk_m.max())


def cross(*, speed_m_per_s: float, steps_per_s: float, rises_apart_m: float, fps: float = 30.0) -> PoseSequence:
    """Cross the picture side-on; legs swing by 25 degrees, and the hips are higher by so much when they are apart."""
    times_s = np.arange(0.0, CROSSING_S[-1], 1 / fps)
    swing = np.sin(np.pi * steps_per_s * times_s)
    x_px = 640.0 + PX_PER_M * speed_m_per_s * (times_s - times_s.mean())
    return make_pose(
        timestamps_s=times_s,
        thigh_forward_deg=(25.0 * swing, -25.0 * swing),
        yaw_deg=90.0,
        hip_px=(x_px, 360.0 - PX_PER_M * rises_apart_m * swing**2),
        px_per_m=PX_PER_M,
    )


@pytest.mark.parametrize("yaw_deg", [0.0, 45.0, 90.0])
@pytest.mark.parametrize("flexion_deg", [35.0, 55.0])
def test_a_squat_is_no_bend(flexion_deg: float, yaw_deg: float) -> None:
    pose, sunk_m = go_down(thigh_deg=70.0, knee_deg=100.0, flexion_deg=flexion_deg, yaw_deg=yaw_deg)
    body = measure_body(pose)
    assert sinks_bh(pose, body) == pytest.approx(sunk_m / body.height_m, abs=0.01)
    check = check_movement(pose, exercise=Exercise.TOUCH_TOES)
    assert check.verdict is UNUSABLE
    assert check.finding.endswith("but the hips sink by 0.19 body heights, as in a squat")


@pytest.mark.parametrize("yaw_deg", [0.0, 45.0, 90.0])
@pytest.mark.parametrize(
    ("flexion_deg", "thigh_deg", "knee_deg"),
    # A shallow bend with stiff and with soft knees; a deep one that reaches the toes with knees as bent as in a squat.
    [(45.0, 0.0, 0.0), (45.0, 25.0, 40.0), (110.0, 25.0, 45.0), (110.0, 70.0, 100.0)],
)
def test_knees_that_give_way_in_a_bend_leave_it_one(
    flexion_deg: float, thigh_deg: float, knee_deg: float, yaw_deg: float
) -> None:
    pose, _ = go_down(thigh_deg=thigh_deg, knee_deg=knee_deg, flexion_deg=flexion_deg, yaw_deg=yaw_deg)
    assert check_movement(pose, exercise=Exercise.TOUCH_TOES).verdict is GOOD


def test_a_squat_whose_feet_are_hidden_is_not_measured() -> None:
    pose, _ = go_down(thigh_deg=70.0, knee_deg=100.0, flexion_deg=45.0, yaw_deg=90.0)
    hidden = pose.image_px.copy()
    hidden[:, 27:] = np.nan
    without_feet = PoseSequence(
        hidden, pose.world_m, pose.visibility, pose.presence, pose.timestamps_s, frame_size=pose.frame_size
    )
    assert np.isnan(sinks_bh(without_feet, measure_body(without_feet)))


@pytest.mark.parametrize(("rises_apart_m", "expected"), [(0.08, 1.0), (-0.04, -1.0)])
def test_the_body_is_highest_while_the_feet_are_apart_in_a_run_and_lowest_in_a_walk(
    rises_apart_m: float, expected: float
) -> None:
    pose = cross(speed_m_per_s=1.6, steps_per_s=2.4, rises_apart_m=rises_apart_m)
    # The median filter of the feet's distance cuts its peaks.
    assert bounce_with_stride(pose, measure_body(pose)) == pytest.approx(expected, abs=0.2)
    check = check_movement(pose, exercise=Exercise.WALK)
    assert check.verdict is (UNUSABLE if expected > 0 else GOOD)
    assert ("highest while the feet are apart, as in running" in check.finding) == (expected > 0)


@pytest.mark.parametrize(("speed_m_per_s", "verdict"), [(1.9, GOOD), (3.0, UNUSABLE)])
def test_nobody_walks_as_fast_as_a_run(speed_m_per_s: float, verdict: QualityVerdict) -> None:
    # With stiff hips, so that only the speed tells.
    pose = cross(speed_m_per_s=speed_m_per_s, steps_per_s=2.4, rises_apart_m=0.0)
    body = measure_body(pose)
    assert np.nanmedian(speeds_bh(pose, body)) == pytest.approx(speed_m_per_s / body.height_m, rel=0.02)
    check = check_movement(pose, exercise=Exercise.WALK)
    assert check.verdict is verdict
    assert ("body heights a second, as in running" in check.finding) == (verdict is UNUSABLE)


def test_too_few_frames_a_step_say_nothing_of_its_rise() -> None:
    pose = cross(speed_m_per_s=1.6, steps_per_s=2.4, rises_apart_m=0.08, fps=12.0)
    assert np.isnan(bounce_with_stride(pose, measure_body(pose)))


def test_who_stays_has_no_stride() -> None:
    pose = cross(speed_m_per_s=0.2, steps_per_s=2.4, rises_apart_m=0.08)
    assert np.isnan(bounce_with_stride(pose, measure_body(pose)))
