"""Head, face, hair, beard and glasses in the rest pose, fitted to the skeleton's face points. Knows no clothes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from backsight.domain.landmarks import Landmark
from backsight.domain.validation import FloatArray
from backsight.rendering.anatomy import NECK_BLEND_SHARE, Anatomy
from backsight.rendering.field import Cone, Ellipsoid, Field, Place, Points, Values, blend, blended
from backsight.rendering.looks import Beard, Colour, Hair, Looks
from backsight.rendering.rest import RestPose
from backsight.rendering.surface import Box, Sheet, ball, cut, polygonise, rod
from backsight.simulation.skeleton import FACE_SHARES, SIDES

HEAD_CELL_SHARE = 0.0054
HAIR_CELL_SHARE = 0.0076
EYE_WHITE: Colour = (238, 236, 232)
PUPIL: Colour = (14, 12, 12)
FRAME_BLACK: Colour = (22, 22, 24)


@dataclass(frozen=True, eq=False)
class Patch:
    """A sheet of one colour."""

    sheet: Sheet
    colour: Colour


@dataclass(frozen=True, eq=False)
class Head:
    """The skull's solids, and where they are."""

    place: Place
    unit_m: float
    skull: Field
    skin: Field
    """Skull, ears and neck joined."""

    def at(self, *share: float) -> FloatArray:
        """Turn shares of body height, in the head's axes, to the rest pose."""
        return self.place.to_rest(np.array(share) * self.unit_m)

    def local(self, points: Points) -> Points:
        """Express points in shares of body height in the head's axes."""
        return self.place.to_local(points) / np.float32(self.unit_m)


def make_head(anatomy: Anatomy, looks: Looks) -> Head:
    """Model a head around the landmarks of the face."""
    rest = anatomy.rest
    place, u = rest.place("head"), rest.body.head_scale_m
    female = rest.body.sex == "female"
    full = 1.0 + 0.05 * looks.fullness

    def oval(centre: tuple[float, float, float], radii: tuple[float, float, float]) -> Ellipsoid:
        x, y, z = radii
        return Ellipsoid(Place(place.to_rest(np.array(centre) * u), place.axes), (x * u, y * u, z * u))

    def at(*share: float) -> FloatArray:
        return place.to_rest(np.array(share) * u)

    jaw = (0.92 if female else 1.0) * full
    skull = blended(
        [
            oval((0.0, 0.050, -0.006), (0.0425, 0.051, 0.056)),
            oval((0.0, 0.030, 0.014), (0.0385 * full, 0.040, 0.038)),
            oval((0.0, 0.000, 0.020), (0.0305 * jaw, 0.026, 0.034)),
            oval((0.0, -0.010, 0.044), (0.0150, 0.012, 0.0100)),
            oval((0.0, -0.023, 0.043), (0.0130 * jaw, 0.010, 0.0120)),
        ],
        0.014 * u,
    )
    nose = blended(
        [Cone(at(0.0, 0.034, 0.050), at(0.0, 0.012, 0.062), (0.0040 * u, 0.0062 * u)),
         Cone(at(0.0065, 0.0095, 0.054), at(-0.0065, 0.0095, 0.054), (0.0045 * u, 0.0045 * u))],
        0.004 * u,
    )  # fmt: skip
    ridge = Cone(at(0.024, 0.0400, 0.0435), at(-0.024, 0.0400, 0.0435), (0.0045 * u, 0.0045 * u))
    ears = [oval((sign * 0.0435, 0.023, 0.001), (0.0048, 0.0175, 0.0102)) for sign in SIDES]
    neck, trunk, h = anatomy.neck, anatomy.trunk, rest.unit_m

    def skin(points: Points) -> Values:
        value = blend(skull(points), ridge(points), 0.010 * u)
        value = blend(value, nose(points), 0.005 * u)
        for ear in ears:
            value = blend(value, ear(points), 0.004 * u)
        return blend(value, blend(trunk(points), neck(points), NECK_BLEND_SHARE * h), 0.016 * u)

    return Head(place, u, skull, skin)


def head_box(head: Head) -> Box:
    """Room around the head, down to the middle of the neck."""
    u = head.unit_m
    low, high = np.array([-0.056, -0.060, -0.072]) * u, np.array([0.056, 0.112, 0.080]) * u
    return Box(head.place, low, high, HEAD_CELL_SHARE * u)


def face(rest: RestPose, head: Head, looks: Looks) -> list[Patch]:
    """Eyes, brows, lips, nostrils and glasses."""
    u = head.unit_m
    patches: list[Patch] = []

    def dot(centre: tuple[float, float, float], radii: tuple[float, float, float], colour: Colour) -> None:
        x, y, z = radii
        place = Place(head.at(*centre), rest.place("head").axes)
        patches.append(Patch(ball(place, (x * u, y * u, z * u)), colour))

    for sign, eye in zip(SIDES, (Landmark.LEFT_EYE, Landmark.RIGHT_EYE), strict=True):
        x, y, _ = FACE_SHARES[eye]
        z = _depth(head, x, y)
        dot((x, y, z - 0.0015), (0.0085, 0.0040, 0.0030), EYE_WHITE)
        dot((x, y, z + 0.0004), (0.0038, 0.0038, 0.0020), looks.eyes)
        dot((x, y, z + 0.0016), (0.0018, 0.0018, 0.0012), PUPIL)
        lash = _depth(head, x, y + 0.0045)
        dot((x, y + 0.0043, lash), (0.0092, 0.0012, 0.0016), looks.brow_colour)
        for step, lift in ((-0.0055, -0.0006), (0.0, 0.0008), (0.0055, -0.0004)):
            brow_x, brow_y = x + sign * (step + 0.001), y + 0.0135 + lift
            dot((brow_x, brow_y, _depth(head, brow_x, brow_y)), (0.0050, 0.0021, 0.0024), looks.brow_colour)
        nostril = (sign * 0.0045, 0.0058, _depth(head, sign * 0.0045, 0.0062))
        dot(nostril, (0.0020, 0.0012, 0.0016), _darker(looks.skin, 0.55))
    mouth_y = FACE_SHARES[Landmark.MOUTH_LEFT][1]
    for share in (-0.8, -0.4, 0.0, 0.4, 0.8):
        x = share * 0.0125
        upper = 0.0018 * (1.0 - 0.5 * share**2)
        for sign in (1.0, -1.0):
            y = mouth_y + sign * upper
            dot((x, y, _depth(head, x, y) + 0.0004), (0.0042, 0.0023, 0.0030), looks.lips)
        dot((x, mouth_y, _depth(head, x, mouth_y) + 0.0024), (0.0038, 0.0006, 0.0014), _darker(looks.lips, 0.55))
    if looks.has_glasses:
        patches.extend(_glasses(head))
    return patches


def _depth(head: Head, x: float, y: float) -> float:
    """How far forward the face is at x and y, all in shares of body height."""
    z = np.linspace(0.076, 0.020, 113)
    points = head.place.to_rest(np.column_stack([np.full_like(z, x), np.full_like(z, y), z]) * head.unit_m)
    inside = head.skin(points.astype(np.float32)) < 0.0
    return float(z[int(np.argmax(inside))]) if inside.any() else 0.0


def _darker(colour: Colour, share: float) -> Colour:
    red, green, blue = (round(share * value) for value in colour)
    return red, green, blue


def _glasses(head: Head) -> list[Patch]:
    """Rims, bridge and temples as thin rods."""
    u = head.unit_m
    turn = np.linspace(0.0, 2.0 * np.pi, 13)
    bridge = np.array([head.at(0.007, 0.034, 0.0605), head.at(-0.007, 0.034, 0.0605)])
    lines = [bridge]
    for sign in SIDES:
        lines.append(
            np.array([head.at(sign * 0.019 + 0.0125 * np.cos(a), 0.032 + 0.0105 * np.sin(a), 0.0600) for a in turn])
        )
        lines.append(np.array([head.at(sign * 0.0315, 0.035, 0.0595), head.at(sign * 0.046, 0.034, 0.004)]))
    return [Patch(rod(line, 0.0011 * u), FRAME_BLACK) for line in lines]


def hair(head: Head, looks: Looks) -> list[Patch]:
    """Hair on the head and on the face."""
    patches: list[Patch] = []
    if looks.hair is not Hair.BALD:
        patches.append(Patch(_scalp_hair(head, looks), looks.hair_colour))
    if looks.beard is not Beard.NONE:
        patches.append(_beard(head, looks))
    return patches


def _scalp_hair(head: Head, looks: Looks) -> Sheet:
    u = head.unit_m
    thick = {Hair.CROPPED: 0.0022, Hair.SHORT: 0.006, Hair.FULL: 0.011, Hair.LONG: 0.009}.get(looks.hair, 0.0045) * u
    solids: list[Field] = []
    if looks.hair is Hair.BUN:
        solids.append(Ellipsoid(Place(head.at(0.0, 0.082, -0.056), head.place.axes), (0.021 * u, 0.021 * u, 0.019 * u)))
    elif looks.hair is Hair.PONYTAIL:
        knot, middle, end = head.at(0.0, 0.070, -0.064), head.at(0.0, 0.035, -0.082), head.at(0.0, -0.040, -0.078)
        solids.append(Cone(knot, middle, (0.010 * u, 0.016 * u)))
        solids.append(Cone(middle, end, (0.016 * u, 0.006 * u)))
    elif looks.hair in {Hair.LONG, Hair.FULL}:
        bottom = -0.075 if looks.hair is Hair.LONG else -0.012
        for x, z in ((0.040, -0.012), (0.028, -0.040), (0.0, -0.050), (-0.028, -0.040), (-0.040, -0.012)):
            solids.append(Cone(head.at(x, 0.035, z), head.at(0.95 * x, bottom, z - 0.004), (0.014 * u, 0.013 * u)))
    tail = blended(solids, 0.02 * u) if solids else None

    def field(points: Points) -> Values:
        value = head.skull(points) - np.float32(thick)
        return value if tail is None else blend(value, tail(points), 0.012 * u)

    low, high = np.array([-0.065, -0.100, -0.106]) * u, np.array([0.065, 0.125, 0.085]) * u
    sheet = polygonise(field, Box(head.place, low, high, HAIR_CELL_SHARE * u))
    x, y, z = head.local(sheet.points).T
    long = looks.hair in {Hair.LONG, Hair.FULL}
    nape = -0.2 if long else (-0.004 if looks.hair is Hair.CROPPED else -0.010)
    # Above the forehead, over the ears, down to the nape: three lines that meet.
    brow = 0.066 - 0.10 * np.maximum(np.abs(x) - 0.026, 0.0)
    line = np.where(z > 0.012, brow + 0.25 * (z - 0.05), nape)
    temple = np.interp(
        z, [-0.03, -0.012, 0.012, 0.03], [nape, 0.030 if not long else nape, 0.046 if not long else 0.0, 0.060]
    )
    line = np.where((z > -0.03) & (z < 0.03), temple, line)
    return cut(sheet, (y - line).astype(np.float32))


def _beard(head: Head, looks: Looks) -> Patch:
    u = head.unit_m
    thick = (0.0045 if looks.beard is Beard.FULL else 0.0010) * u

    def field(points: Points) -> Values:
        return head.skull(points) - np.float32(thick)

    low, high = np.array([-0.05, -0.045, -0.01]) * u, np.array([0.05, 0.03, 0.075]) * u
    sheet = polygonise(field, Box(head.place, low, high, HAIR_CELL_SHARE * u))
    x, y, z = head.local(sheet.points).T
    cheek = np.interp(np.abs(x), [0.0, 0.010, 0.022, 0.040], [0.002, 0.001, -0.004, 0.016])
    mouth = np.hypot(x / 0.0150, (y + 0.010) / 0.0048) - 1.0
    keep = np.minimum.reduce([cheek - y, 0.01 * mouth, z - 0.006])
    strength = 1.0 if looks.beard is Beard.FULL else 0.35
    colour = tuple(
        round(strength * a + (1.0 - strength) * b) for a, b in zip(looks.hair_colour, looks.skin, strict=True)
    )
    return Patch(cut(sheet, keep.astype(np.float32)), (colour[0], colour[1], colour[2]))
