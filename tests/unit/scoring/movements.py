"""Analytic people who walk and jump, drawn with `tests.unit.kinematics.skeletons`."""

from __future__ import annotations

import numpy as np

from backsight.domain.landmarks import Landmark
from backsight.kinematics.jumping import LIFT_SHARE
from backsight.scoring.person import observe
from tests.unit.kinematics.skeletons import FRAME_SIZE, changed, make_pose

TIMES = np.arange(0.0, 6.0, 1 / 30)
SPEED_M_PER_S = 0.5
FOCAL_PX = 0.6 * FRAME_SIZE[0]
TAKE_OFF_S = 2.5
RISE_CM = 100.0 * 9.81 * 0.5**2 / 8.0
BODY_M = observe(make_pose()).body.height_m
LIFT_CM = 100.0 * LIFT_SHARE * BODY_M


def legs(times=TIMES, *, strides_per_s=1.0):
    """Legs of 0.84 m that swing by 25 degrees; the knee of the one that comes forward bends, most half-way."""
    steps, forward = np.sin(2.0 * np.pi * strides_per_s * times), np.cos(2.0 * np.pi * strides_per_s * times)
    knees = (60.0 * np.maximum(forward, 0.0), 60.0 * np.maximum(-forward, 0.0))
    return {"thigh_forward_deg": (25.0 * steps, -25.0 * steps), "knee_flexion_deg": knees}


def on_the_way(facing_deg, times=TIMES, *, speed_m_per_s=SPEED_M_PER_S):
    """Walk where one faces, 4 m before a pinhole camera of the focal length that is assumed."""
    come_m = speed_m_per_s * (times - times.mean())
    depth_m = 4.0 - np.cos(np.radians(facing_deg)) * come_m
    sideways_m = np.sin(np.radians(facing_deg)) * come_m
    hips_px = 0.5 * FRAME_SIZE[0] + FOCAL_PX * sideways_m / depth_m
    return {"px_per_m": FOCAL_PX / depth_m, "hip_px": (hips_px, 360.0)}


def walk_pose(facing_deg=0.0, **more):
    """Strikes at about 0.25 s (left), 0.75 s (right) and so on."""
    return make_pose(timestamps_s=TIMES, **({"yaw_deg": facing_deg} | on_the_way(facing_deg) | legs() | more))


def jump_pose(flight_s=0.5, *, times=TIMES, late_left_foot_s=0.0, **more):
    """Fly with stretched legs, bend the trunk by 30 degrees 0.2 s after landing."""

    def arc_m(after_s=0.0):
        since = times - TAKE_OFF_S - after_s
        return np.where((since > 0) & (since < flight_s), 0.5 * 9.81 * since * (flight_s - since), 0.0)

    since = times - TAKE_OFF_S
    landing = 30.0 * np.exp(-0.5 * ((since - flight_s - 0.2) / 0.1) ** 2)
    # Legs and ankles stretch as fast as the body then flies, and give way as fast after landing.
    on_floor_s = np.maximum(np.maximum(-since, since - flight_s), 0.0)
    stretched_m = np.maximum(LIFT_CM / 100.0 - 0.5 * 9.81 * flight_s * on_floor_s, 0.0)
    hips_px = (640.0, 360.0 - 300.0 * (arc_m() + stretched_m))
    pose = make_pose(timestamps_s=times, hip_px=hips_px, flexion_deg=5.0 + landing, **more)
    image = pose.image_px.copy()
    image[:, Landmark.LEFT_ANKLE :, 1] += 300.0 * stretched_m[:, np.newaxis]
    image[:, Landmark.LEFT_FOOT_INDEX, 1] += 300.0 * (arc_m() - arc_m(late_left_foot_s))
    return changed(pose, image_px=image)
