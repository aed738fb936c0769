"""The naked body in the rest pose as solids: trunk, arms, legs and neck. Knows nothing of clothes or triangles.

Sections are shares of body height, put together by eye from anthropometric breadths, depths and girths of adults
(NASA STD-3000, ANSUR); between people they vary with `Body.build` and with the looks' fullness and muscle. Assumption.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from backsight.domain.validation import FloatArray
from backsight.rendering.field import Cone, Ellipsoid, Field, Loft, Place, Points, Values, blend, blended
from backsight.rendering.looks import Looks
from backsight.rendering.rest import SIDE_NAMES, RestPose
from backsight.simulation.skeleton import SIDES

TRUNK_LEVELS = np.array([-0.050, -0.025, 0.0, 0.05, 0.10, 0.15, 0.20, 0.245, 0.275, 0.300])
"""Above the hip line; the shoulder line is at 0.288."""
TRUNK = {
    "male": np.array(
        [
            [0.030, 0.036, 0.040],
            [0.074, 0.054, 0.060],
            [0.094, 0.060, 0.066],
            [0.094, 0.061, 0.058],
            [0.086, 0.062, 0.048],
            [0.084, 0.062, 0.048],
            [0.090, 0.066, 0.056],
            [0.092, 0.062, 0.060],
            [0.078, 0.044, 0.050],
            [0.046, 0.026, 0.040],
        ]
    ),
    "female": np.array(
        [
            [0.032, 0.036, 0.042],
            [0.080, 0.056, 0.064],
            [0.102, 0.061, 0.070],
            [0.098, 0.061, 0.058],
            [0.082, 0.058, 0.045],
            [0.075, 0.054, 0.045],
            [0.079, 0.056, 0.052],
            [0.081, 0.054, 0.055],
            [0.070, 0.040, 0.046],
            [0.042, 0.024, 0.037],
        ]
    ),
}
"""Half-width, depth to the front, depth to the back at each level."""
WAIST_SHAPE = np.array([0.0, 0.3, 0.6, 1.0, 1.0, 1.0, 0.6, 0.25, 0.1, 0.1])
"""How much of the fat goes where on the trunk."""

NECK_BLEND_SHARE = 0.03
"""Width of the curve from neck to shoulders."""
ARM_LEVELS = np.array([0.0, 0.12, 0.30, 0.50, 0.57, 0.66, 0.80, 0.95, 1.0])
"""From shoulder joint to wrist."""
ARM = np.array(
    [
        [0.0255, 0.0280, 0.0280],
        [0.0300, 0.0315, 0.0305],
        [0.0262, 0.0290, 0.0285],
        [0.0212, 0.0235, 0.0235],
        [0.0210, 0.0220, 0.0225],
        [0.0230, 0.0250, 0.0230],
        [0.0185, 0.0195, 0.0185],
        [0.0138, 0.0165, 0.0160],
        [0.0128, 0.0165, 0.0160],
    ]
)
LEG_LEVELS = np.array([0.0, 0.10, 0.25, 0.40, 0.49, 0.56, 0.67, 0.80, 0.92, 1.0])
"""From hip joint to ankle joint."""
LEG = np.array(
    [
        [0.049, 0.050, 0.058],
        [0.051, 0.052, 0.056],
        [0.046, 0.049, 0.050],
        [0.038, 0.041, 0.041],
        [0.0315, 0.0350, 0.0330],
        [0.0300, 0.0310, 0.0345],
        [0.0330, 0.0290, 0.0400],
        [0.0260, 0.0240, 0.0300],
        [0.0190, 0.0205, 0.0240],
        [0.0190, 0.0210, 0.0230],
    ]
)


def shaped(
    place: Place, along_m: FloatArray, half_m: FloatArray, *, caps_m: tuple[float, float], shift_z_m: float = 0.0
) -> Loft:
    """Make a loft from half-width, front and back, whatever the order of the levels."""
    order = np.argsort(along_m)
    centre = np.zeros((len(along_m), 2))
    centre[:, 1] = shift_z_m
    return Loft(place, along_m[order], np.hstack([half_m, centre])[order], caps_m)


@dataclass(frozen=True, eq=False)
class Anatomy:
    """The naked body without head, hands and feet."""

    rest: RestPose
    trunk: Field
    neck: Field
    arms: tuple[Field, Field]
    legs: tuple[Field, Field]

    def skin(self, points: Points) -> Values:
        """Everything joined; (n, 3) -> (n,)."""
        u = self.rest.unit_m
        value = blend(self.trunk(points), self.neck(points), NECK_BLEND_SHARE * u)
        value = blend(value, np.minimum(self.arms[0](points), self.arms[1](points)), 0.022 * u)
        return blend(value, np.minimum(self.legs[0](points), self.legs[1](points)), 0.025 * u)


def girth(looks: Looks, *, fat: float, muscle: float) -> float:
    """How much thicker than average, given how much fat and muscle this part takes on."""
    return (1.0 + fat * looks.fullness) * (1.0 + muscle * looks.muscle)


def make_anatomy(rest: RestPose, looks: Looks) -> Anatomy:
    """Give the skeleton flesh."""
    legs = tuple(_leg(rest, looks, side) for side in (0, 1))
    arms = tuple(_arm(rest, looks, side) for side in (0, 1))
    return Anatomy(rest, _trunk(rest, looks), _neck(rest, looks), (arms[0], arms[1]), (legs[0], legs[1]))


def _trunk(rest: RestPose, looks: Looks) -> Field:
    body, u = rest.body, rest.unit_m
    female = body.sex == "female"
    wide = 0.5 + 0.5 * body.build
    stretch = sum(body.trunk_lengths_m) / (0.288 * u)
    half = TRUNK[body.sex] * u
    half[:, 0] *= wide * (1.0 + 0.10 * looks.fullness * WAIST_SHAPE)
    half[:, 1] *= wide * (1.0 + (0.28 if looks.fullness > 0 else 0.12) * looks.fullness * WAIST_SHAPE)
    half[:, 2] *= wide * (1.0 + 0.10 * looks.fullness * WAIST_SHAPE)
    half[6:9] *= 1.0 + 0.04 * looks.muscle
    pelvis = Place(np.zeros(3), np.eye(3))
    loft = shaped(pelvis, TRUNK_LEVELS * u * stretch, half, caps_m=(0.012 * u, 0.02 * u))
    solids: list[Field] = [loft]
    shoulder_y = sum(body.trunk_lengths_m)
    for sign in SIDES:
        outer = np.array([sign * 0.86 * body.shoulder_half_m, shoulder_y - 0.003 * u, -0.004 * u])
        inner = np.array([sign * 0.016 * u, shoulder_y + 0.036 * u, -0.008 * u])
        thick = u * (1.0 + 0.1 * looks.muscle)
        solids.append(Cone(outer, inner, (0.022 * thick, 0.022 * thick)))
        seat = np.array([sign * 0.047 * u * wide, -0.014 * u, -0.036 * u])
        size = (1.08 if female else 1.0) * girth(looks, fat=0.08, muscle=0.04) * wide
        solids.append(Ellipsoid(Place(seat, np.eye(3)), (0.043 * u * size, 0.047 * u * size, 0.034 * u * size)))
        if female:
            breast = np.array([sign * 0.042 * u, 0.205 * u * stretch, half[6, 1] - 0.010 * u])
            bust = (1.0 + 0.18 * looks.fullness) * u
            solids.append(Ellipsoid(Place(breast, np.eye(3)), (0.038 * bust, 0.036 * bust, 0.032 * bust)))
        elif looks.muscle > 0.0:
            chest = np.array([sign * 0.043 * u, 0.225 * u * stretch, half[6, 1] - 0.022 * u])
            solids.append(Ellipsoid(Place(chest, np.eye(3)), (0.044 * u, 0.034 * u, 0.026 * u)))
    return blended(solids, 0.022 * u)


def _neck(rest: RestPose, looks: Looks) -> Field:
    u, base, top = rest.unit_m, rest.joint_m("neck"), rest.joint_m("head")
    thick = (0.0300 if rest.body.sex == "female" else 0.0345) * u * girth(looks, fat=0.08, muscle=0.05)
    up = (top - base) / np.linalg.norm(top - base)
    back = np.array([0.0, 0.0, -0.004 * u])
    return Cone(base - 0.01 * u * up + back, top + 0.012 * u * up + back, (1.08 * thick, thick))


def _arm(rest: RestPose, looks: Looks, side: int) -> Field:
    body, u = rest.body, rest.unit_m
    place = rest.place(f"{SIDE_NAMES[side]}_upper_arm")
    length = body.upper_arm_m + body.forearm_m
    size = (0.90 if body.sex == "female" else 1.0) * (0.6 + 0.4 * body.build)
    half = ARM * u * size
    half[:4] *= girth(looks, fat=0.09, muscle=0.08)
    half[4:7] *= girth(looks, fat=0.05, muscle=0.05)
    return shaped(place, -ARM_LEVELS * length, half, caps_m=(0.012 * u, 0.023 * u * size))


def _leg(rest: RestPose, looks: Looks, side: int) -> Field:
    body, u = rest.body, rest.unit_m
    thigh = rest.place(f"{SIDE_NAMES[side]}_thigh")
    ankle = rest.joint_m(f"{SIDE_NAMES[side]}_foot")
    down = (ankle - thigh.origin_m) / np.linalg.norm(ankle - thigh.origin_m)
    left = thigh.axes[:, 0] - (thigh.axes[:, 0] @ down) * down
    left /= np.linalg.norm(left)
    place = Place(thigh.origin_m, np.stack([left, -down, np.cross(left, -down)], axis=1))
    size = 0.55 + 0.45 * body.build
    half = LEG * u * size
    half[:4] *= girth(looks, fat=0.09, muscle=0.04) * (1.03 if body.sex == "female" else 1.0)
    half[4:8] *= girth(looks, fat=0.05, muscle=0.04)
    return shaped(place, -LEG_LEVELS * body.leg_m, half, caps_m=(0.012 * u, 0.03 * u))
