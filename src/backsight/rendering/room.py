"""Build the place a film is shot in: floor, walls, furniture, already lit. Knows nothing of people or drawing."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from backsight.domain.validation import FloatArray
from backsight.rendering.floor_plan import FloorPlan
from backsight.rendering.furniture import THINGS, build_occluder, build_thing
from backsight.rendering.light import Lighting, to_codes, to_linear
from backsight.rendering.scene import Mesh, Panel
from backsight.rendering.setting import Company, Occluder, Place, Setting
from backsight.rendering.solids import Solid
from backsight.rendering.textures import Picture, blotches, ground_picture, sky_picture, wall_picture
from backsight.rendering.wall import Wall
from backsight.simulation.camera import Camera

_PX_PER_M = 150.0
_LARGEST_PX = 1500
"""Longest side of a floor's or wall's picture."""
_LIGHT_GRID = 28
"""Light on a floor or wall is computed at so many places a side and is smooth between."""
_CORNER_LOSS, _CORNER_M = 0.35, 0.28
"""Share of light lost where walls meet, and how far from the corner it has mostly come back. Assumption."""
_TRIES = 14
_PASSAGE_M = 0.25
"""Between the person's way and furniture behind it."""
_COMPANY_PASSAGE_M = 1.15
_LAWN_M = 40.0
_LAWN_TILE_M = 8.0
_SKY_M = 38.0
_WALL_TILE_M = 6.0


@dataclass(frozen=True, eq=False)
class Room:
    """What a camera sees besides people, in finished colours."""

    floor: Panel
    panels: tuple[Panel, ...]
    """Walls, ceiling, sky."""
    meshes: tuple[Mesh, ...]
    in_front: tuple[Mesh, ...] = ()
    """What stands between the camera and the person."""


@dataclass(frozen=True, eq=False)
class _Face:
    """A rectangle in the room: the picture's upper left corner, its edges, and where it looks; each (3,)."""

    corner_m: FloatArray
    across_m: FloatArray
    down_m: FloatArray
    normal: FloatArray


def build_room(
    setting: Setting, plan: FloorPlan, *, camera: Camera, landmarks_m: FloatArray, lighting: Lighting
) -> Room:
    """Build a setting's place round a floor plan.

    Parameters
    ----------
    landmarks_m
        Whom no furniture may hide; shape (n_frames, n_points, 3).
    """
    rng = np.random.default_rng([setting.seed, 4])
    things = _furnish(setting, plan, camera, landmarks_m, rng)
    if setting.place is Place.GARDEN:
        floor, panels = _garden(setting, plan, lighting, rng)
    else:
        floor, panels = _interior(setting, plan, lighting, things, rng)
    meshes = tuple(_light_solid(one, lighting) for one in things)
    in_front: tuple[Mesh, ...] = ()
    if setting.occluder is not None:
        in_front = (_light_solid(_stand_in_front(setting.occluder, plan, camera, landmarks_m, rng), lighting),)
    return Room(floor, tuple(panels), meshes, in_front)


def _interior(
    setting: Setting, plan: FloorPlan, lighting: Lighting, things: list[Solid], rng: np.random.Generator
) -> tuple[Panel, list[Panel]]:
    right, up, away = plan.axes
    wide, deep, high = plan.right_m - plan.left_m, plan.back_m - plan.front_m, plan.ceiling_m
    corner = plan.place(np.array([plan.left_m, 0.0, plan.back_m]))
    size, scale = _picture_size(wide, deep)
    ground = ground_picture(setting.ground, setting.ground_colour, size_px=size, px_per_m=scale, rng=rng)
    if setting.place is Place.HOME and rng.random() < 0.3:
        _lay_rug(ground, scale, plan, rng)
    shade = _corner_shade(size, scale, edges=(True, True, True, False))
    shade *= _furniture_shade(size, scale, plan, things)
    floor = _light_panel(_Face(corner, wide * right, -deep * away, up), ground, lighting, shade)
    kinds = ["even"] if setting.place is Place.PLAIN else ["plaster", "plaster", "plaster", "stripes", "bricks"]
    kind = str(rng.choice(kinds))
    top, down = corner + high * up, -high * up
    walls = (
        _Face(top, wide * right, down, -away),
        _Face(top - deep * away, deep * away, down, right),
        _Face(top + wide * right, -deep * away, down, -right),
    )
    panels = [_wall_panel(setting, wall, kind, lighting, rng) for wall in walls]
    ceiling = np.full((8, 8, 3), 236 if setting.place is not Place.GYM else 150, dtype=np.uint8)
    panels.append(_light_panel(_Face(top, wide * right, -deep * away, -up), ceiling, lighting))
    return floor, panels


def _wall_panel(setting: Setting, face: _Face, kind: str, lighting: Lighting, rng: np.random.Generator) -> Panel:
    size, scale = _picture_size(float(np.linalg.norm(face.across_m)), float(np.linalg.norm(face.down_m)))
    bare = wall_picture(setting.wall_colour, kind=kind, size_px=size, px_per_m=scale, rng=rng)
    wall = Wall(bare, px_per_m=scale, rng=rng)
    if setting.place is not Place.PLAIN:
        _decorate(wall, setting, rng)
    panel = _light_panel(face, wall.picture, lighting, _corner_shade(size, scale))
    wall.shine(panel.picture, brightness=_seen_through(setting))
    return panel


def _seen_through(setting: Setting) -> float:
    """Return how bright things appear that have their own light: half-way to what the exposure makes of the rest."""
    return float(2.0 ** (setting.light.exposure_ev / 2.2))


def _decorate(wall: Wall, setting: Setting, rng: np.random.Generator) -> None:
    if rng.random() < 0.25:
        wall.add_dado(setting.ground_colour)
    wall.add_skirting()
    if rng.random() < 0.45:
        wall.add_door()
    if rng.random() < 0.5:
        wall.add_window()
    for _ in range(int(rng.integers(0, 4))):
        wall.add_picture()
    if rng.random() < 0.5:
        wall.add_socket()


def _garden(
    setting: Setting, plan: FloorPlan, lighting: Lighting, rng: np.random.Generator
) -> tuple[Panel, list[Panel]]:
    right, up, away = plan.axes
    side = int(_LAWN_TILE_M * _PX_PER_M)
    tile = ground_picture(setting.ground, setting.ground_colour, size_px=(side, side), px_per_m=_PX_PER_M, rng=rng)
    # Laid again and again, it must meet itself at the edges.
    tile = np.concatenate([np.concatenate([tile, tile[:, ::-1]], axis=1)] * 2)
    tile[side:] = tile[side - 1 :: -1]
    repeats = 2.0 * _LAWN_M / (2.0 * _LAWN_TILE_M)
    lit = _light_panel(_Face(plan.origin_m, right, -away, up), tile, lighting).picture
    corner = plan.place(np.array([-_LAWN_M, 0.0, _LAWN_M]))
    floor = Panel(corner, 2.0 * _LAWN_M * right, -2.0 * _LAWN_M * away, lit, (repeats, repeats))
    is_clear = setting.light.key_share > 0.5
    sky = sky_picture((1024, 512), is_clear=is_clear, rng=rng)
    bright = np.clip(sky * _seen_through(setting), 0.0, 255.0).astype(np.uint8)
    sight = lighting.sight
    beside = np.array([-sight[2], 0.0, sight[0]])
    # The picture's lower third is trees: their feet stand on the lawn's end.
    panels = [
        Panel(plan.origin_m + _SKY_M * (sight - 2.0 * beside) + 30.0 * up, 4.0 * _SKY_M * beside, -34.0 * up, bright)
    ]
    if rng.random() < 0.75:
        panels.append(_garden_wall(plan, lighting, rng))
    return floor, panels


def _garden_wall(plan: FloorPlan, lighting: Lighting, rng: np.random.Generator) -> Panel:
    """Return a hedge, a fence or a house behind the person, the same piece again and again."""
    kind = str(rng.choice(["leaves", "boards", "bricks"]))
    high = {"leaves": float(rng.uniform(1.2, 2.4)), "boards": float(rng.uniform(1.2, 1.8)), "bricks": 6.0}[kind]
    colour = {"leaves": (68, 100, 56), "boards": (140, 112, 84), "bricks": (164, 104, 84)}[kind]
    size = (int(_WALL_TILE_M * _PX_PER_M), int(high * _PX_PER_M))
    bare = wall_picture(colour, kind=kind, size_px=size, px_per_m=_PX_PER_M, rng=rng)
    wall = Wall(bare, px_per_m=_PX_PER_M, rng=rng)
    if kind == "bricks":
        wall.add_window()
        wall.add_door()
    right, up, away = plan.axes
    lit = _light_panel(_Face(plan.origin_m, _WALL_TILE_M * right, -high * up, -away), wall.picture, lighting).picture
    # Seen from outside, panes are darker than the day.
    wall.shine(lit, brightness=0.6)
    n_tiles = 9
    start = plan.place(np.array([-0.5 * n_tiles * _WALL_TILE_M, high, plan.back_m]))
    return Panel(start, n_tiles * _WALL_TILE_M * right, -high * up, lit, (float(n_tiles), 1.0))


def _picture_size(wide_m: float, high_m: float) -> tuple[tuple[int, int], float]:
    scale = min(_PX_PER_M, _LARGEST_PX / max(wide_m, high_m))
    return (max(8, round(wide_m * scale)), max(8, round(high_m * scale))), scale


def _light_panel(face: _Face, picture: Picture, lighting: Lighting, shade: NDArray[np.float32] | None = None) -> Panel:
    """Return a panel whose picture is lit where it stands."""
    height, width = picture.shape[:2]
    share = (np.arange(_LIGHT_GRID) + 0.5) / _LIGHT_GRID
    places = face.corner_m + share[None, :, None] * face.across_m + share[:, None, None] * face.down_m
    flat = places.reshape(-1, 3).astype(np.float32)
    light = lighting.irradiance(flat, np.tile(face.normal, (len(flat), 1)).astype(np.float32))
    grid = light.reshape(_LIGHT_GRID, _LIGHT_GRID, 3)
    smooth = np.asarray(cv2.resize(grid, (width, height), interpolation=cv2.INTER_LINEAR), dtype=np.float32)
    if shade is not None:
        smooth = smooth * shade[..., None]
    return Panel(face.corner_m, face.across_m, face.down_m, to_codes(to_linear(picture) * smooth))


def _corner_shade(
    size_px: tuple[int, int], px_per_m: float, *, edges: tuple[bool, bool, bool, bool] = (True, True, True, True)
) -> NDArray[np.float32]:
    """Share of light left near the edges left, right, top, bottom of a floor's or wall's picture."""
    width, height = size_px
    x, y = (np.arange(width) + 0.5) / px_per_m, (np.arange(height) + 0.5) / px_per_m
    loss_x = edges[0] * np.exp(-x / _CORNER_M) + edges[1] * np.exp(-x[::-1] / _CORNER_M)
    loss_y = edges[2] * np.exp(-y / _CORNER_M) + edges[3] * np.exp(-y[::-1] / _CORNER_M)
    kept = (1.0 - _CORNER_LOSS * loss_x)[None, :] * (1.0 - _CORNER_LOSS * loss_y)[:, None]
    return np.asarray(np.maximum(kept, 0.2), dtype=np.float32)


def _furniture_shade(
    size_px: tuple[int, int], px_per_m: float, plan: FloorPlan, things: list[Solid]
) -> NDArray[np.float32]:
    """Share of light left on the floor under furniture."""
    shade = np.ones(size_px[::-1], dtype=np.float32)
    for thing in things:
        low = thing.points[thing.points[:, 1] < 0.5]
        if not len(low):
            continue
        own = plan.locate(low)
        x, y = (own[:, 0] - plan.left_m) * px_per_m, (plan.back_m - own[:, 2]) * px_per_m
        outline = cv2.convexHull(np.round(np.stack([x, y], axis=1)).astype(np.int32))
        cv2.fillConvexPoly(shade, outline, 0.45)
    return np.asarray(cv2.GaussianBlur(shade, (0, 0), 0.07 * px_per_m), dtype=np.float32)


def _lay_rug(ground: Picture, px_per_m: float, plan: FloorPlan, rng: np.random.Generator) -> None:
    wide, deep = (int(value * px_per_m) for value in (rng.uniform(1.2, 2.4), rng.uniform(1.0, 1.8)))
    x = int((-plan.left_m + rng.uniform(-0.8, 0.2)) * px_per_m) - wide // 3
    y = int((plan.back_m + rng.uniform(-0.5, 0.5)) * px_per_m) - deep // 2
    part = ground[max(y, 0) : y + deep, max(x, 0) : x + wide]
    if part.shape[0] < 20 or part.shape[1] < 20:
        return
    inner = rng.uniform(70.0, 190.0) * rng.uniform(0.75, 1.15, 3)
    part[:] = np.clip(inner * (1.0 + 0.07 * blotches((part.shape[1], part.shape[0]), 2.0, rng)[..., None]), 0, 255)
    edge = int(0.08 * px_per_m)
    border = tuple(int(value) for value in rng.uniform(40.0, 200.0) * rng.uniform(0.75, 1.15, 3))
    rug = np.ascontiguousarray(part)
    cv2.rectangle(rug, (edge, edge), (rug.shape[1] - edge, rug.shape[0] - edge), border, max(2, edge // 2))
    part[:] = rug


def _light_solid(solid: Solid, lighting: Lighting) -> Mesh:
    light = lighting.irradiance(solid.points.astype(np.float32), solid.normals.astype(np.float32))
    low = 0.72 + 0.28 * np.clip(solid.points[:, 1:2] / 0.5, 0.0, 1.0)
    return Mesh(solid.points, solid.faces, to_codes(to_linear(solid.colours) * light * low.astype(np.float32)))


def _furnish(
    setting: Setting, plan: FloorPlan, camera: Camera, landmarks_m: FloatArray, rng: np.random.Generator
) -> list[Solid]:
    """Stand furniture along the walls where it hides nobody."""
    kinds = THINGS[setting.place]
    if not kinds:
        return []
    person_px = camera.project(landmarks_m)
    low_px, high_px = person_px.min(axis=(0, 1)) - 45.0, person_px.max(axis=(0, 1)) + 45.0
    far_m = float(camera.to_camera(landmarks_m)[..., 2].max()) + 0.35
    taken: list[tuple[FloatArray, FloatArray]] = [_person_area(setting, plan)]
    placed = []
    for _ in range(setting.n_furniture):
        local = build_thing(kinds[int(rng.integers(len(kinds)))], rng)
        for _ in range(_TRIES):
            own = _lean_on_wall(local, setting, plan, rng)
            low, high = own.points.min(axis=0), own.points.max(axis=0)
            if any((low < up).all() and (high > down).all() for down, up in taken):
                continue
            solid = Solid(plan.place(own.points), own.normals @ plan.axes, own.faces, own.colours)
            seen = camera.to_camera(solid.points)
            if seen[:, 2].min() < 0.4:
                continue
            flat = camera.project(solid.points)
            meets = bool((flat.min(axis=0) < high_px).all() and (flat.max(axis=0) > low_px).all())
            if meets and seen[:, 2].min() < far_m:
                continue
            taken.append((low - 0.05, high + 0.05))
            placed.append(solid)
            break
    return placed


def _person_area(setting: Setting, plan: FloorPlan) -> tuple[FloatArray, FloatArray]:
    """Return where people go, in the plan's axes, as the least and the greatest corner."""
    low, high = plan.person_low_m - 0.3, plan.person_high_m + np.array([0.3, 3.0, _PASSAGE_M])
    if setting.company in {Company.STANDING, Company.PASSING}:
        low, high = (
            np.array([plan.left_m, low[1], low[2]]),
            np.array([plan.right_m, high[1], high[2] + _COMPANY_PASSAGE_M]),
        )
    elif setting.company is Company.BESIDE:
        aside = np.array([1.6, 0.0, 0.0])
        low, high = low - aside, high + aside
    return low, high


def _lean_on_wall(local: Solid, setting: Setting, plan: FloorPlan, rng: np.random.Generator) -> Solid:
    """Return a thing with its back to a wall, at a random place along it, in the plan's axes."""
    size = local.points.max(axis=0) - local.points.min(axis=0)
    gap = size[2] / 2.0 + 0.03 + (float(rng.uniform(0.0, 0.4)) if rng.random() < 0.3 else 0.0)
    if setting.place is Place.GARDEN:
        gap += float(rng.uniform(0.0, 1.5))
    which = float(rng.random())
    if which < 0.6:
        x = float(
            rng.uniform(plan.left_m + size[0] / 2.0, max(plan.right_m - size[0] / 2.0, plan.left_m + size[0] / 2.0))
        )
        return _move(local, 0, np.array([x, 0.0, plan.back_m - gap]))
    z = float(rng.uniform(plan.camera_m[2] + 1.0, plan.back_m - size[0] / 2.0))
    if which < 0.8:
        return _move(local, 1, np.array([plan.left_m + gap, 0.0, z]))
    return _move(local, 3, np.array([plan.right_m - gap, 0.0, z]))


def _move(solid: Solid, quarters: int, to: FloatArray) -> Solid:
    """Turn by quarters to the left about the vertical, then shift."""
    c, s = (1.0, 0.0, -1.0, 0.0)[quarters], (0.0, 1.0, 0.0, -1.0)[quarters]
    turn = np.array([[c, 0.0, -s], [0.0, 1.0, 0.0], [s, 0.0, c]])
    return Solid(solid.points @ turn.T + to, solid.normals @ turn.T, solid.faces, solid.colours)


def _stand_in_front(
    occluder: Occluder, plan: FloorPlan, camera: Camera, landmarks_m: FloatArray, rng: np.random.Generator
) -> Solid:
    """Stand something half-way to the camera so that it hides feet or shins, no more."""
    feet = landmarks_m[..., 1].min(axis=1)
    knees_m = float(np.median(feet)) + float(rng.uniform(0.15, 0.45))
    middle = landmarks_m.mean(axis=(0, 1))
    # As near to the person as their own movements allow.
    clear = float(camera.to_camera(landmarks_m)[..., 2].min()) - 0.35
    target = np.array([middle[0], knees_m, middle[2]])
    sight = target - camera.position_m
    depth = float(camera.to_camera(target)[2])
    share = min(float(rng.uniform(0.55, 0.8)), clear / depth)
    spot = camera.position_m + share * sight
    own = plan.locate(spot) + np.array([float(rng.normal(0.0, 0.15)), 0.0, 0.0])
    high = max(float(spot[1]), 0.2)
    solid = _move(build_occluder(occluder, high_m=high, rng=rng), 0, np.array([own[0], 0.0, own[2]]))
    return Solid(plan.place(solid.points), solid.normals @ plan.axes, solid.faces, solid.colours)
