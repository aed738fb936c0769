"""Build a volunteer's body as one mesh and move it with a figure. Knows nothing of rooms, cameras or light."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from backsight.rendering import extremities, head
from backsight.rendering.anatomy import Anatomy, make_anatomy
from backsight.rendering.clothes import FAR_M, Garment, bottom_garment, cloth_height_m, top_garment
from backsight.rendering.field import Field, Place, Points, Values
from backsight.rendering.looks import Colour, Looks, Pattern, Shoes
from backsight.rendering.regions import (
    ANKLE_CUT,
    NECK_CUT,
    OVERLAP,
    WRIST_CUT,
    Region,
    arm_regions,
    core_region,
    leg_regions,
)
from backsight.rendering.rest import SIDE_NAMES, rest_pose
from backsight.rendering.skinning import Skin, attach, body_weights, rigid_weights
from backsight.rendering.surface import Box, Sheet, cut, lining, polygonise
from backsight.simulation.body import Body
from backsight.simulation.skeleton import Figure

HAND_CELL, FOOT_CELL = 0.0039, 0.0070
"""How finely hands and feet are meshed; shares of body height."""
LINING_GAP, LAYER_GAP = 0.0012, 0.0020
"""Between the two sides of a cloth, and between two cloths; shares of body height."""
LINING_DEPTH = 0.03
"""How far cloth has an inside from its edges on."""
CUT_ABOVE_SOLE = 0.010
"""Thickness of a sole."""


@dataclass(frozen=True, eq=False)
class BodyMesh:
    """A volunteer's surface: skin, hair and clothes as one mesh."""

    faces: NDArray[np.int32]
    """Rows of the points, counter-clockwise seen from outside; shape (n_triangles, 3)."""
    colours: NDArray[np.uint8]
    """sRGB of each point; shape (n_vertices, 3)."""
    skin: Skin
    incidence: sparse.csr_array
    """1 where a triangle touches a point or one that lies in the same place; shape (n_vertices, n_triangles)."""

    def place(self, figure: Figure, frame: int) -> Points:
        """Return where the points are in the room; metres, shape (n_vertices, 3)."""
        return self.skin.place(figure, frame)

    def normals(self, points: Points) -> Points:
        """Return smooth unit normals of placed points, pointing out; shape (n_vertices, 3)."""
        a, b, c = (points[self.faces[:, corner]] for corner in range(3))
        summed = self.incidence @ np.cross(b - a, c - a)
        normals: Points = summed / np.maximum(np.linalg.norm(summed, axis=1, keepdims=True), 1e-12)
        return normals.astype(np.float32)


@dataclass(frozen=True, eq=False)
class _Part:
    """A sheet with its colour and what carries it."""

    sheet: Sheet
    colour: Colour
    piece: str | None = None
    """The rigid piece that carries all of it; None: by where the points lie."""
    hang_m: float = 0.012


def build_body(body: Body, looks: Looks) -> BodyMesh:
    """Model a volunteer.

    Parameters
    ----------
    body
        Lengths, sex and build; the mesh follows figures of this body.
    looks
        As drawn by `sample_looks`.
    """
    anatomy = make_anatomy(rest_pose(body), looks)
    parts = [*_clothed(anatomy, looks), *_head(anatomy, looks), *_hands(anatomy, looks), *_feet(anatomy, looks)]
    return _merge(anatomy, [part for part in parts if len(part.sheet.faces)])


def _merge(anatomy: Anatomy, parts: list[_Part]) -> BodyMesh:
    points = np.concatenate([part.sheet.points for part in parts])
    starts = np.cumsum([0, *(len(part.sheet.points) for part in parts)])
    faces = np.concatenate([part.sheet.faces + start for part, start in zip(parts, starts, strict=False)])
    colours = np.concatenate(
        [np.tile(np.array(part.colour, dtype=np.uint8), (len(part.sheet.points), 1)) for part in parts]
    )
    weights = []
    for part in parts:
        n = len(part.sheet.points)
        rigid = part.piece is not None
        weights.append(
            rigid_weights(n, str(part.piece)) if rigid else body_weights(anatomy, part.sheet.points, hang_m=part.hang_m)
        )
    skin = attach(anatomy.rest, points, np.concatenate(weights))
    return BodyMesh(faces.astype(np.int32), colours, skin, _incidence(points, faces))


def _incidence(points: Points, faces: NDArray[np.int32]) -> sparse.csr_array:
    _, same = np.unique(np.round(points * 2e4).astype(np.int32), axis=0, return_inverse=True)
    n_places, n_faces = int(same.max()) + 1, len(faces)
    touches = sparse.csr_array(
        (np.ones(3 * n_faces, dtype=np.float32), (same[faces].ravel(), np.repeat(np.arange(n_faces), 3))),
        shape=(n_places, n_faces),
    )
    return sparse.csr_array(touches[same])


def _clothed(anatomy: Anatomy, looks: Looks) -> list[_Part]:
    """Return the skin of trunk and limbs, and the clothes on it, each only where it can be seen."""
    u = anatomy.rest.unit_m
    core, arms, legs = core_region(anatomy), arm_regions(anatomy), leg_regions(anatomy)
    top, bottom = top_garment(anatomy, looks), bottom_garment(anatomy, looks)
    covers = [top] if bottom is None else [top, bottom]
    parts = []
    for region in (core, *arms, *legs):
        sheet = _mesh_cloth(anatomy.skin, region, lambda points: -_hidden(points, covers))
        parts.append(_Part(sheet, looks.skin))
    if bottom is not None:
        for region in (core, *(legs if bottom.reaches_shanks else ())):
            sheet = _cut_by(_mesh_cloth(bottom.field, region, bottom.keep), lambda points: -_hidden(points, [top]))
            cloths = (sheet, _lined(sheet, bottom, u))
            parts.extend(_Part(cloth, looks.bottom_colour, hang_m=bottom.hang_m) for cloth in cloths)
    for region in (core, *(arms if top.reaches_forearms else ()), *(legs if top.reaches_shanks else ())):
        sheet = _mesh_cloth(_over(top, bottom, u), region, top.keep)
        for cloth in (sheet, _lined(sheet, top, u)):
            parts.extend(_patterned(anatomy, cloth, looks, top.hang_m))
    return parts


def _mesh_cloth(field: Field, region: Region, keep: Callable[[Points], Values]) -> Sheet:
    """Mesh a field where the region and `keep` allow it."""
    return _cut_by(_cut_by(polygonise(field, region.box), region.keep), keep)


def _hidden(points: Points, covers: list[Garment]) -> Values:
    """Return how deep points lie under garments, beyond what shows at their edges; negative = can be seen."""
    depth = np.full(len(points), -FAR_M, dtype=np.float32)
    for garment in covers:
        depth = np.maximum(depth, garment.keep(points) - np.float32(garment.shows_m))
    return depth


def _over(top: Garment, bottom: Garment | None, unit_m: float) -> Field:
    """Return a top that lies over what is worn below."""
    if bottom is None:
        return top.field
    below, above = bottom.field, top.field
    return lambda points: np.minimum(above(points), below(points) - np.float32(LAYER_GAP * unit_m))


def _lined(sheet: Sheet, garment: Garment, unit_m: float) -> Sheet:
    """Return the inside of a garment as far as one can look into it."""
    if not len(sheet.faces):
        return sheet
    return lining(
        sheet,
        garment.keep(sheet.points),
        depth_m=min(garment.shows_m, LINING_DEPTH * unit_m),
        gap_m=LINING_GAP * unit_m,
    )


def _cut_by(sheet: Sheet, keep: Callable[[Points], Values]) -> Sheet:
    """Keep what lies where `keep` is positive."""
    return cut(sheet, keep(sheet.points)) if len(sheet.faces) else sheet


def _patterned(anatomy: Anatomy, sheet: Sheet, looks: Looks, hang_m: float) -> list[_Part]:
    """Divide cloth along its pattern."""
    if looks.pattern is Pattern.PLAIN or not len(sheet.faces):
        return [_Part(sheet, looks.top_colour, hang_m=hang_m)]
    height = cloth_height_m(anatomy, sheet.points)
    if looks.pattern is Pattern.BLOCK:
        level = height - anatomy.rest.joint_m("high_thorax")[1]
    else:
        phase = height / looks.stripe_m
        level = np.abs(phase - 2.0 * np.round(phase / 2.0)) - 0.5
    level = level.astype(np.float32)
    return [
        _Part(cut(sheet, level), looks.top_colour, hang_m=hang_m),
        _Part(cut(sheet, -level), looks.accent_colour, hang_m=hang_m),
    ]


def _head(anatomy: Anatomy, looks: Looks) -> list[_Part]:
    made = head.make_head(anatomy, looks)
    skin = polygonise(made.skin, head.head_box(made))
    u = anatomy.rest.unit_m
    skin = cut(skin, (made.place.to_local(skin.points)[:, 1] - np.float32(NECK_CUT * u)))
    parts = [_Part(skin, looks.skin)]
    parts.extend(_Part(patch.sheet, patch.colour, "head") for patch in head.face(anatomy.rest, made, looks))
    parts.extend(_Part(patch.sheet, patch.colour) for patch in head.hair(made, looks))
    return parts


def _hands(anatomy: Anatomy, looks: Looks) -> list[_Part]:
    parts = []
    rest, u = anatomy.rest, anatomy.rest.unit_m
    length = rest.body.hand_m
    for side, name in enumerate(SIDE_NAMES):
        place = rest.place(f"{name}_hand")
        low, high = np.array([-0.22, -1.06, -0.32]) * length, np.array([0.22, 0.24, 0.40]) * length
        field = extremities.hand(anatomy, side)
        sheet = polygonise(field, Box(place, low, high, HAND_CELL * u))
        above = np.float32((WRIST_CUT + OVERLAP) * u) - place.to_local(sheet.points)[:, 1]
        parts.append(_Part(cut(sheet, above), looks.skin))
    return parts


def _feet(anatomy: Anatomy, looks: Looks) -> list[_Part]:
    parts: list[_Part] = []
    rest, body, u = anatomy.rest, anatomy.rest.body, anatomy.rest.unit_m
    for side, name in enumerate(SIDE_NAMES):
        place = rest.place(f"{name}_foot")
        low = np.array([-0.05 * u, -body.ankle_height_m - 0.012 * u, -body.heel_m - 0.02 * u])
        high = np.array([0.05 * u, (ANKLE_CUT + 0.012) * u, body.toe_m + 0.02 * u])
        field: Field = extremities.foot(anatomy, side, looks.shoes)
        sheet = polygonise(field, Box(place, low, high, FOOT_CELL * u))
        height = place.to_local(sheet.points)[:, 1] / np.float32(u)
        sheet = cut(sheet, np.float32(ANKLE_CUT + OVERLAP) - height)
        parts.extend(_shod(place, sheet, looks, u, -body.ankle_height_m / u))
    return parts


def _shod(place: Place, sheet: Sheet, looks: Looks, u: float, sole: float) -> list[_Part]:
    """Divide a foot into sole, shoe and skin."""

    def height(of: Sheet) -> Values:
        return (place.to_local(of.points)[:, 1] / np.float32(u)).astype(np.float32)

    if looks.shoes is Shoes.BAREFOOT:
        return [_Part(sheet, looks.skin)]
    collar = np.float32({Shoes.SOCKS: 0.030, Shoes.TRAINERS: 0.008, Shoes.LEATHER: 0.004}[looks.shoes])
    ankle, shoe = cut(sheet, height(sheet) - collar), cut(sheet, collar - height(sheet))
    parts = [_Part(ankle, looks.skin)]
    if looks.shoes is Shoes.SOCKS:
        return [*parts, _Part(shoe, looks.shoe_colour)]
    edge = np.float32(sole + CUT_ABOVE_SOLE)
    parts.append(_Part(cut(shoe, height(shoe) - edge), looks.shoe_colour))
    parts.append(_Part(cut(shoe, edge - height(shoe)), looks.sole_colour))
    return parts
