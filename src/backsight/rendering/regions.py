"""Which part of a body is meshed how finely, and where the parts meet. Knows no shapes or colours."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from backsight.rendering.anatomy import Anatomy
from backsight.rendering.clothes import along_arm
from backsight.rendering.field import Place, Points, Values
from backsight.rendering.rest import SIDE_NAMES, RestPose
from backsight.rendering.surface import Box
from backsight.simulation.skeleton import SIDES

CORE_CELL, ARM_CELL, LEG_CELL = 0.0135, 0.0095, 0.0118
"""How finely each part is meshed; shares of body height."""
ELBOW_CUT, KNEE_CUT = 0.50, 0.45
"""Where the finer meshes of the limbs begin, between shoulder and wrist, and hip and ankle."""
WRIST_CUT, ANKLE_CUT, NECK_CUT = 0.012, 0.034, -0.047
"""Where hands, feet and head are joined on: above wrist and ankle, below the joint under the skull."""
OVERLAP = 0.0020
"""Meshes of neighbouring parts overlap so far that no gap shows."""
ROOM = 0.03
"""Boxes reach so far beyond what is kept, so that loose cloth fits in."""


@dataclass(frozen=True, eq=False)
class Region:
    """A box to mesh in, and which part of what is found belongs to it."""

    box: Box
    keep: Callable[[Points], Values]
    """Metres inside the region; negative outside; (n, 3) -> (n,)."""


def core_region(anatomy: Anatomy) -> Region:
    """Trunk and neck with the upper halves of the limbs."""
    rest, body, u = anatomy.rest, anatomy.rest.body, anatomy.rest.unit_m
    arm_end_m, leg_end_m = _arm_cut_m(rest) + OVERLAP * u, KNEE_CUT * body.leg_m + OVERLAP * u
    skull = rest.place("head")

    def keep(points: Points) -> Values:
        inside = np.float32((NECK_CUT + OVERLAP) * u) - skull.to_local(points)[:, 1]
        arm, on_arm = along_arm(anatomy, points)
        arm_left = np.float32(arm_end_m) - arm * np.float32(body.upper_arm_m + body.forearm_m)
        for side, sign in enumerate(SIDES):
            leg_left = np.float32(leg_end_m) - _down_leg_m(rest, points, side)
            limb = np.minimum(inside, np.where(on_arm, arm_left, leg_left))
            inside = np.where(sign * points[:, 0] > 0.0, limb, inside)
        return inside

    elbow, skull_y = rest.joint_m("left_forearm"), float(skull.origin_m[1])
    low = np.array([-elbow[0] - 0.08 * u, -1.2 * KNEE_CUT * body.leg_m - 0.02 * u, -0.12 * u])
    high = np.array([elbow[0] + 0.08 * u, skull_y + 0.01 * u, elbow[2] + 0.08 * u])
    return Region(Box(Place(np.zeros(3), np.eye(3)), low, high, CORE_CELL * u), keep)


def arm_regions(anatomy: Anatomy) -> tuple[Region, ...]:
    """Forearms with the elbows, down to the hands."""
    return tuple(_arm_region(anatomy.rest, side) for side in (0, 1))


def leg_regions(anatomy: Anatomy) -> tuple[Region, ...]:
    """Shanks with the knees, down to the feet."""
    return tuple(_leg_region(anatomy.rest, side) for side in (0, 1))


def _arm_cut_m(rest: RestPose) -> float:
    return ELBOW_CUT * (rest.body.upper_arm_m + rest.body.forearm_m)


def _down_leg_m(rest: RestPose, points: Points, side: int) -> Values:
    hip, ankle = (rest.joint_m(f"{SIDE_NAMES[side]}_{piece}") for piece in ("thigh", "foot"))
    down: Values = (points - hip.astype(np.float32)) @ ((ankle - hip) / np.linalg.norm(ankle - hip)).astype(np.float32)
    return down


def _arm_region(rest: RestPose, side: int) -> Region:
    name, u, body = SIDE_NAMES[side], rest.unit_m, rest.body
    upper, hand, start_m = rest.place(f"{name}_upper_arm"), rest.place(f"{name}_hand"), _arm_cut_m(rest)

    def keep(points: Points) -> Values:
        down = -upper.to_local(points)[:, 1] - np.float32(start_m)
        above_hand = hand.to_local(points)[:, 1] - np.float32(WRIST_CUT * u)
        inside: Values = np.minimum(down, above_hand)
        return inside

    low = np.array([-0.06 * u, -(body.upper_arm_m + body.forearm_m) - 0.02 * u, -0.06 * u])
    high = np.array([0.06 * u, -start_m + ROOM * u, 0.06 * u])
    return Region(Box(upper, low, high, ARM_CELL * u), keep)


def _leg_region(rest: RestPose, side: int) -> Region:
    name, u, leg_m = SIDE_NAMES[side], rest.unit_m, rest.body.leg_m
    foot, sign, start_m = rest.place(f"{name}_foot"), np.float32(SIDES[side]), KNEE_CUT * rest.body.leg_m

    def keep(points: Points) -> Values:
        down = _down_leg_m(rest, points, side) - np.float32(start_m)
        own_side = sign * points[:, 0] + np.float32(OVERLAP * u)
        above_foot = foot.to_local(points)[:, 1] - np.float32(ANKLE_CUT * u)
        inside: Values = np.minimum.reduce([down, own_side, above_foot])
        return inside

    # Skirts reach to the body's middle, which is further away than trousers ever are.
    inner, outer = sorted((-sign * 0.20 * u, sign * 0.09 * u))
    low, high = np.array([inner, -leg_m - 0.02 * u, -0.11 * u]), np.array([outer, -start_m + ROOM * u, 0.11 * u])
    return Region(Box(rest.place(f"{name}_thigh"), low, high, LEG_CELL * u), keep)
