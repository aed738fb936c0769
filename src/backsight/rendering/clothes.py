"""Garments in the rest pose: how far cloth stands off the body, where it ends, what it shows. Knows no skinning.

Eases and lengths are assumptions by eye, in shares of body height.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from backsight.rendering.anatomy import Anatomy, shaped
from backsight.rendering.field import Cone, Field, Place, Points, Values, blend, smooth_step
from backsight.rendering.looks import Bottom, Looks, Top
from backsight.rendering.rest import SIDE_NAMES
from backsight.simulation.skeleton import SIDES

FAR_M = 9.0
"""Larger than any body: this border is nowhere near."""
SLEEVES = {
    Top.T_SHIRT: 0.45, Top.LONG_SLEEVE: 1.02, Top.TANK_TOP: 0.0, Top.HOODIE: 1.03, Top.LOOSE_SHIRT: 0.60,
    Top.DRESS: 0.35,
}  # fmt: skip
"""Where sleeves end between shoulder (0) and wrist (1)."""
EASE = {
    Top.T_SHIRT: 0.0075, Top.LONG_SLEEVE: 0.0065, Top.TANK_TOP: 0.0055, Top.HOODIE: 0.0150, Top.LOOSE_SHIRT: 0.0120,
    Top.DRESS: 0.0060, Bottom.LEGGINGS: 0.0016, Bottom.TROUSERS: 0.0040, Bottom.WIDE_TROUSERS: 0.0050,
    Bottom.SHORTS: 0.0040, Bottom.SKIRT: 0.0036,
}  # fmt: skip
"""How far cloth stands off the body."""
HEMS = {
    Top.T_SHIRT: 0.000, Top.LONG_SLEEVE: 0.002, Top.TANK_TOP: 0.012, Top.HOODIE: -0.012, Top.LOOSE_SHIRT: -0.050,
    Top.DRESS: FAR_M,
}  # fmt: skip
"""Height of the lower hem over the hip line; a dress is as long as its skirt."""
EDGE_SHOWS = 0.03
"""How far one can look under a close-fitting edge."""
WAIST_SHARE = 0.095
"""Where trousers end above the hip line."""


@dataclass(frozen=True, eq=False)
class Garment:
    """One piece of clothing."""

    field: Field
    keep: Callable[[Points], Values]
    """Metres inside the garment's borders; negative outside; (n, 3) -> (n,)."""
    hang_m: float
    """Half-width of the zone between the legs where the cloth follows both."""
    shows_m: float
    """How far under the cloth's edge one can look."""
    reaches_forearms: bool
    reaches_shanks: bool


def along_arm(anatomy: Anatomy, points: Points) -> tuple[Values, NDArray[np.bool_]]:
    """Where points are along the nearer arm, 0 at the shoulder and 1 at the wrist, and whether they are on an arm."""
    rest, body = anatomy.rest, anatomy.rest.body
    trunk = anatomy.trunk(points)
    share, on_arm = np.full(len(points), -FAR_M, dtype=np.float32), np.zeros(len(points), dtype=bool)
    for side, name in enumerate(SIDE_NAMES):
        local = rest.place(f"{name}_upper_arm").to_local(points)
        mine = (SIDES[side] * points[:, 0] > 0.0) & (anatomy.arms[side](points) < trunk)
        share = np.where(mine, -local[:, 1] / np.float32(body.upper_arm_m + body.forearm_m), share)
        on_arm |= mine
    return share, on_arm


def cloth_height_m(anatomy: Anatomy, points: Points) -> Values:
    """Where points of a top are from hem to collar, running out along the sleeves without a step; (n, 3) -> (n,)."""
    height, trunk = points[:, 1], anatomy.trunk(points)
    blend_m = 0.02 * anatomy.rest.unit_m
    for side, name in enumerate(SIDE_NAMES):
        upper = anatomy.rest.place(f"{name}_upper_arm")
        on_arm = smooth_step(trunk - anatomy.arms[side](points), -blend_m, blend_m)
        sleeve = np.float32(upper.origin_m[1]) + upper.to_local(points)[:, 1]
        height = height + np.where(SIDES[side] * points[:, 0] > 0.0, on_arm, 0.0) * (sleeve - height)
    return height.astype(np.float32)


def along_leg(anatomy: Anatomy, points: Points) -> Values:
    """Where points are along the nearer leg: 0 at the hip, 1 at the knee, 2 at the ankle."""
    rest, body = anatomy.rest, anatomy.rest.body
    shares = []
    for name in SIDE_NAMES:
        hip, ankle = (rest.joint_m(f"{name}_{piece}") for piece in ("thigh", "foot"))
        down = ((ankle - hip) / np.linalg.norm(ankle - hip)).astype(np.float32)
        along = (points - hip.astype(np.float32)) @ down
        shares.append(np.where(along < body.thigh_m, along / body.thigh_m, 1.0 + (along - body.thigh_m) / body.shank_m))
    leg: Values = np.where(points[:, 0] > 0.0, *shares).astype(np.float32)
    return leg


def top_garment(anatomy: Anatomy, looks: Looks) -> Garment:
    """Make what covers the chest."""
    rest, u, kind = anatomy.rest, anatomy.rest.unit_m, looks.top
    neck_y = float(rest.joint_m("neck")[1])
    arm_m = rest.body.upper_arm_m + rest.body.forearm_m
    drape = _drape(anatomy, looks)
    low, tilt = {Top.TANK_TOP: (0.036, 1.0), Top.DRESS: (0.040, 0.9), Top.HOODIE: (0.060, 0.5)}.get(kind, (0.050, 0.7))
    ease = EASE[kind] * u

    shows = 0.07 if kind is Top.DRESS else 0.045 if kind in {Top.LOOSE_SHIRT, Top.HOODIE} else EDGE_SHOWS

    def field(points: Points) -> Values:
        value = anatomy.skin(points)
        if drape is not None:
            value = blend(value, drape(points), 0.03 * u)
        # Cloth rests on the shoulders and falls from the chest.
        falls = 1.0 - 0.55 * smooth_step(points[:, 1], neck_y - 0.10 * u, neck_y + 0.01 * u)
        return value - (ease * falls).astype(np.float32)

    def keep(points: Points) -> Values:
        arm, on_arm = along_arm(anatomy, points)
        slope = 1.5 * np.maximum(np.abs(points[:, 0]) - 0.035 * u, 0.0)  # the shoulders stay covered
        neckline = (neck_y + low * u - points[:, 1] - tilt * points[:, 2] + slope) / np.hypot(1.0, tilt)
        inside = np.minimum(neckline, np.where(on_arm, (SLEEVES[kind] - arm) * arm_m, FAR_M))
        if kind is Top.TANK_TOP:
            for name in SIDE_NAMES:
                shoulder = rest.joint_m(f"{name}_upper_arm").astype(np.float32)
                inside = np.minimum(inside, np.linalg.norm(points - shoulder, axis=1) - 0.047 * u)
        inside = inside * np.float32(shows / EDGE_SHOWS)  # neck and sleeves are close-fitting whatever the hem is
        if kind is Top.DRESS:
            hem = np.where(on_arm, FAR_M, (looks.bottom_length - along_leg(anatomy, points)) * rest.body.thigh_m)
        else:
            hem = np.where(on_arm, FAR_M, points[:, 1] - HEMS[kind] * u)
        kept: Values = np.minimum(inside, hem).astype(np.float32)
        return kept

    hang = 0.10 if kind is Top.DRESS else 0.04
    return Garment(field, keep, hang * u, shows * u, SLEEVES[kind] > 0.6, kind is Top.DRESS)


def bottom_garment(anatomy: Anatomy, looks: Looks) -> Garment | None:
    """Make what covers the legs; None under a dress."""
    if looks.top is Top.DRESS:
        return None
    u, kind = anatomy.rest.unit_m, looks.bottom
    thigh_m = anatomy.rest.body.thigh_m
    ease = EASE[kind] * u
    wide = _skirt(anatomy, looks) if kind is Bottom.SKIRT else _wide_legs(anatomy, looks)
    end = looks.bottom_length if kind in {Bottom.SHORTS, Bottom.SKIRT} else 1.93

    def field(points: Points) -> Values:
        value = anatomy.skin(points)
        if wide is not None:
            value = blend(value, wide(points), 0.02 * u)
        return value - np.float32(ease)

    def keep(points: Points) -> Values:
        _, on_arm = along_arm(anatomy, points)
        waist = np.where(on_arm, -FAR_M, WAIST_SHARE * u - points[:, 1])
        kept: Values = np.minimum(waist, (end - along_leg(anatomy, points)) * thigh_m).astype(np.float32)
        return kept

    hang = 0.10 if kind is Bottom.SKIRT else 0.012
    shows = 0.02 if kind is Bottom.LEGGINGS else 0.06
    return Garment(field, keep, hang * u, shows * u, False, end > 0.9)


def _drape(anatomy: Anatomy, looks: Looks) -> Field | None:
    """Cloth that hangs straight from chest and seat instead of following the waist."""
    u, body = anatomy.rest.unit_m, anatomy.rest.body
    if looks.top is Top.DRESS:
        return _skirt(anatomy, looks)
    if looks.top not in {Top.HOODIE, Top.LOOSE_SHIRT, Top.T_SHIRT}:
        return None
    levels = np.array([-0.07, 0.0, 0.10, 0.20])
    wide = 0.5 + 0.5 * body.build + 0.06 * max(looks.fullness, 0.0)
    hips, chest = (0.100, 0.080) if body.sex == "female" else (0.094, 0.088)
    half = (
        np.array([[hips, 0.062, 0.072], [hips, 0.062, 0.072], [chest, 0.062, 0.058], [chest, 0.060, 0.052]]) * u * wide
    )
    return shaped(Place(np.zeros(3), np.eye(3)), levels * u, half, caps_m=(0.02 * u, 0.02 * u))


def _skirt(anatomy: Anatomy, looks: Looks) -> Field:
    """Return a skirt around both spread legs."""
    rest, u = anatomy.rest, anatomy.rest.unit_m
    hip, ankle = rest.joint_m("left_thigh"), rest.joint_m("left_foot")
    levels = np.array([-0.50, -0.25, -0.05, 0.03])
    knee_x = np.interp(levels * u, [ankle[1], hip[1]], [ankle[0], hip[0]])
    flare = np.array([0.036, 0.042, 0.052, 0.040]) * u
    deep = np.array([0.085, 0.078, 0.066, 0.058]) * u * (1.0 + 0.1 * max(looks.fullness, 0.0))
    return shaped(
        Place(np.zeros(3), np.eye(3)),
        levels * u,
        np.stack([knee_x + flare, deep, deep], axis=1),
        caps_m=(0.01 * u, 0.02 * u),
    )


def _wide_legs(anatomy: Anatomy, looks: Looks) -> Field | None:
    """Trouser legs that do not follow the leg."""
    radii = {
        Bottom.TROUSERS: (0.046, 0.030), Bottom.WIDE_TROUSERS: (0.052, 0.046), Bottom.SHORTS: (0.050, 0.050),
    }.get(looks.bottom)  # fmt: skip
    if radii is None:
        return None
    rest, u = anatomy.rest, anatomy.rest.unit_m
    size = (0.55 + 0.45 * rest.body.build) * (1.0 + 0.05 * max(looks.fullness, 0.0)) * u
    cones = [
        Cone(
            rest.joint_m(f"{name}_thigh") - (0.0, 0.04 * u, 0.0),
            rest.joint_m(f"{name}_foot"),
            (radii[0] * size, radii[1] * size),
        )
        for name in SIDE_NAMES
    ]

    def both(points: Points) -> Values:
        return np.minimum(cones[0](points), cones[1](points))

    return both
