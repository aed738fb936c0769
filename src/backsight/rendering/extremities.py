"""Hands, feet and shoes as solids in the rest pose. Knows nothing of clothes or triangles.

Sizes are shares of the hand's length or of body height; assumptions by eye, fitted to the skeleton's own landmarks.
"""

from __future__ import annotations

import numpy as np

from backsight.domain.validation import FloatArray
from backsight.rendering.anatomy import Anatomy
from backsight.rendering.field import Cone, Ellipsoid, Field, Loft, Place, Points, Values, blend, blended
from backsight.rendering.looks import Shoes
from backsight.rendering.rest import SIDE_NAMES
from backsight.simulation.skeleton import SIDES

FINGERS = (
    ((0.0, -0.44, -0.185), (0.0, -0.635, -0.205), (0.0, -0.80, -0.215), 0.040),
    ((0.0, -0.50, -0.075), (0.0, -0.745, -0.082), (0.0, -0.93, -0.085), 0.043),
    ((0.0, -0.52, 0.035), (0.0, -0.79, 0.036), (0.0, -0.955, 0.035), 0.045),
    ((0.0, -0.52, 0.140), (0.0, -0.74, 0.155), (0.0, -0.91, 0.163), 0.044),
)
"""Knuckle, middle joint, centre of the tip and radius of a left finger, palm to -x; shares of the hand's length."""
THUMB = ((-0.02, -0.10, 0.11), (-0.08, -0.26, 0.235), (-0.10, -0.45, 0.29), 0.052)


def hand(anatomy: Anatomy, side: int) -> Field:
    """Return palm, four fingers and a thumb, joined to the forearm."""
    rest, sign = anatomy.rest, SIDES[side]
    place, length = rest.place(f"{SIDE_NAMES[side]}_hand"), rest.body.hand_m

    def at(share: tuple[float, float, float]) -> FloatArray:
        return place.to_rest(np.array(share) * (sign, 1.0, 1.0) * length)

    palm = Loft(
        place,
        np.array([-0.50, -0.40, -0.22, -0.06, 0.02]) * length,
        np.array(
            [
                [0.062, 0.190, 0.190, 0.0, -0.02],
                [0.072, 0.205, 0.205, 0.0, -0.02],
                [0.080, 0.185, 0.180, 0.0, -0.01],
                [0.078, 0.130, 0.130, 0.0, 0.0],
                [0.076, 0.120, 0.120, 0.0, 0.0],
            ]
        )
        * length,
        (0.05 * length, 0.05 * length),
    )
    fingers: list[Field] = []
    for knuckle, middle, tip, radius in (*FINGERS, THUMB):
        thick = radius * length
        fingers.append(
            blended(
                [
                    Cone(at(knuckle), at(middle), (1.05 * thick, 0.98 * thick)),
                    Cone(at(middle), at(tip), (0.98 * thick, 0.85 * thick)),
                ],
                0.01 * length,
            )
        )
    arm = anatomy.arms[side]

    def whole(points: Points) -> Values:
        digits = fingers[0](points)
        for finger in fingers[1:]:
            digits = np.minimum(digits, finger(points))
        return blend(blend(palm(points), digits, 0.05 * length), arm(points), 0.05 * length)

    return whole


FOOT_LEVELS = np.array([-0.030, -0.015, 0.01, 0.04, 0.07, 0.090, 0.102])
"""Along the foot from the ankle joint, forward."""
FOOT = np.array(
    [
        [0.0150, 0.034, 0.02],
        [0.0185, 0.040, 0.02],
        [0.0190, 0.042, 0.02],
        [0.0220, 0.030, 0.02],
        [0.0265, 0.0185, 0.02],
        [0.0250, 0.0130, 0.02],
        [0.0190, 0.0100, 0.02],
    ]
)
"""Half-width, height over the sole and depth below it (cut off flat)."""


def foot(anatomy: Anatomy, side: int, shoes: Shoes) -> Field:
    """Return a foot or a shoe with a flat sole, joined to the shank."""
    rest, sign = anatomy.rest, SIDES[side]
    u, body = rest.unit_m, rest.body
    ankle = rest.place(f"{SIDE_NAMES[side]}_foot")
    sole = ankle.to_rest(np.array([0.0, -body.ankle_height_m, 0.0]))
    # The loft's own axes: forward along the foot, then up; x keeps its direction, so the frame turns about it.
    along = np.stack([-ankle.axes[:, 0], ankle.axes[:, 2], ankle.axes[:, 1]], axis=1)
    grow = {Shoes.BAREFOOT: 0.0, Shoes.SOCKS: 0.001, Shoes.TRAINERS: 0.0032, Shoes.LEATHER: 0.0022}[shoes] * u
    half = FOOT * u + np.array([grow, grow, 0.0])
    half[:, 0] *= 0.6 + 0.4 * body.build
    lean = -sign * np.array([0.0, 0.0, 0.0, 0.002, 0.004, 0.006, 0.007]) * u
    levels = np.interp(FOOT_LEVELS, [-0.030, 0.102], [-body.heel_m + 0.010 * u, body.toe_m - 0.010 * u])
    loft = Loft(
        Place(sole, along),
        levels,
        np.hstack([half, -lean[:, None], np.zeros((len(half), 1))]),
        (0.010 * u + 0.5 * grow, 0.010 * u + grow),
    )
    solids: list[Field] = [loft]
    if shoes in {Shoes.TRAINERS, Shoes.LEATHER}:
        toe = ankle.to_rest(np.array([-sign * 0.005 * u, -body.ankle_height_m + 0.006 * u, body.toe_m - 0.024 * u]))
        solids.append(Ellipsoid(Place(toe, ankle.axes), (0.024 * u, 0.014 * u, 0.024 * u + grow)))
    shape, shank = blended(solids, 0.008 * u), anatomy.legs[side]

    def whole(points: Points) -> Values:
        height = (points - sole.astype(np.float32)) @ ankle.axes[:, 1].astype(np.float32)
        return np.maximum(blend(shape(points), shank(points), 0.02 * u), -height)

    return whole
