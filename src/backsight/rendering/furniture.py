"""Things that stand about in rooms, gyms and gardens, built of simple solids. Knows no room and no light."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from backsight.rendering.setting import Colour, Occluder, Place
from backsight.rendering.solids import Solid, box, drum, globe, join, leaves

_WOODS: tuple[Colour, ...] = ((168, 122, 80), (112, 76, 48), (206, 174, 130), (236, 234, 228), (58, 52, 48))
_CLOTHS: tuple[Colour, ...] = (
    (96, 104, 116),
    (140, 124, 106),
    (70, 92, 84),
    (150, 70, 62),
    (190, 180, 164),
    (52, 62, 92),
)
_METALS: tuple[Colour, ...] = ((150, 152, 156), (60, 62, 66), (200, 200, 202))
_BRIGHTS: tuple[Colour, ...] = (
    (200, 60, 50),
    (50, 110, 180),
    (60, 150, 90),
    (220, 170, 50),
    (120, 70, 140),
    (30, 30, 34),
)


class Thing(StrEnum):
    """What can stand about."""

    CHAIR = "chair"
    TABLE = "table"
    SOFA = "sofa"
    SHELF = "shelf"
    CUPBOARD = "cupboard"
    PLANT = "plant"
    LAMP = "lamp"
    SCREEN = "screen"
    COUCH = "couch"
    """For treatment, in a clinic."""
    BALL = "ball"
    WEIGHTS = "weights"
    WALL_BARS = "wall-bars"
    CRATE = "crate"
    BENCH = "bench"
    TREE = "tree"
    BUSH = "bush"


THINGS: dict[Place, tuple[Thing, ...]] = {
    Place.HOME: (
        Thing.CHAIR,
        Thing.TABLE,
        Thing.SOFA,
        Thing.SHELF,
        Thing.CUPBOARD,
        Thing.PLANT,
        Thing.LAMP,
        Thing.SCREEN,
        Thing.CRATE,
    ),
    Place.CLINIC: (Thing.COUCH, Thing.CHAIR, Thing.CUPBOARD, Thing.SHELF, Thing.BALL, Thing.PLANT, Thing.TABLE),
    Place.GYM: (Thing.WALL_BARS, Thing.WEIGHTS, Thing.BALL, Thing.CRATE, Thing.BENCH, Thing.WALL_BARS),
    Place.GARDEN: (Thing.TREE, Thing.BUSH, Thing.BENCH, Thing.CHAIR, Thing.TABLE, Thing.BUSH),
    Place.PLAIN: (),
}


def build_thing(thing: Thing, rng: np.random.Generator) -> Solid:
    """Build a thing of random size and colour; its back is towards greater z, its foot's middle at the origin."""
    builders: dict[Thing, Callable[[np.random.Generator], list[Solid]]] = {
        Thing.CHAIR: _chair,
        Thing.TABLE: _table,
        Thing.SOFA: _sofa,
        Thing.SHELF: _shelf,
        Thing.CUPBOARD: _cupboard,
        Thing.PLANT: _plant,
        Thing.LAMP: _lamp,
        Thing.SCREEN: _screen,
        Thing.COUCH: _couch,
        Thing.BALL: _ball,
        Thing.WEIGHTS: _weights,
        Thing.WALL_BARS: _wall_bars,
        Thing.CRATE: _crate,
        Thing.BENCH: _bench,
        Thing.TREE: _tree,
        Thing.BUSH: _bush,
    }
    return join(builders[thing](rng))


def build_occluder(occluder: Occluder, *, high_m: float, rng: np.random.Generator) -> Solid:
    """Build what stands in front of the person: its upper edge at `high_m`, seen from behind."""
    wood = _pick(_WOODS, rng)
    if occluder is Occluder.TABLE_EDGE:
        wide = float(rng.uniform(1.2, 1.8))
        return join([*_legs(wide - 0.05, 0.65, high_m - 0.02, wood), box((0.0, high_m, 0.0), (wide, 0.04, 0.7), wood)])
    posts = [box((x, high_m / 2.0, 0.0), (0.035, high_m, 0.035), wood) for x in (-0.2, 0.2)]
    rails = [box((0.0, high_m * share, 0.0), (0.42, 0.06, 0.025), wood) for share in (0.97, 0.8, 0.63)]
    return join(posts + rails)


def _pick(colours: Sequence[Colour], rng: np.random.Generator) -> Colour:
    return colours[int(rng.integers(len(colours)))]


def _legs(wide: float, deep: float, high: float, colour: Colour, thick: float = 0.045) -> list[Solid]:
    return [
        box((x * (wide - thick) / 2.0, high / 2.0, z * (deep - thick) / 2.0), (thick, high, thick), colour)
        for x in (-1.0, 1.0)
        for z in (-1.0, 1.0)
    ]


def _chair(rng: np.random.Generator) -> list[Solid]:
    wood, seat = _pick(_WOODS + _METALS, rng), _pick(_WOODS + _CLOTHS, rng)
    parts = [*_legs(0.42, 0.42, 0.44, wood, 0.035), box((0.0, 0.46, 0.0), (0.44, 0.05, 0.44), seat)]
    posts = [box((x, 0.66, 0.19), (0.035, 0.40, 0.035), wood) for x in (-0.19, 0.19)]
    return parts + posts + [box((0.0, 0.78, 0.19), (0.40, 0.20, 0.03), seat)]


def _table(rng: np.random.Generator) -> list[Solid]:
    wide, deep, high = float(rng.uniform(0.7, 1.7)), float(rng.uniform(0.5, 0.9)), float(rng.uniform(0.42, 0.76))
    wood = _pick(_WOODS, rng)
    parts = [*_legs(wide - 0.05, deep - 0.05, high, wood), box((0.0, high, 0.0), (wide, 0.035, deep), wood)]
    for _ in range(int(rng.integers(0, 4))):
        x, z = float(rng.uniform(-0.4, 0.4) * wide), float(rng.uniform(-0.3, 0.3) * deep)
        tall = float(rng.uniform(0.03, 0.25))
        thing = _pick(_BRIGHTS + _WOODS, rng)
        if rng.random() < 0.5:
            parts.append(drum((x, high + 0.02, z), (0.04, 0.05), tall, thing))
        else:
            parts.append(box((x, high + 0.02 + tall / 2.0, z), (0.22, tall, 0.16), thing))
    return parts


def _sofa(rng: np.random.Generator) -> list[Solid]:
    wide, cloth = float(rng.uniform(1.3, 2.1)), np.array(_pick(_CLOTHS, rng))
    base, pillow = _shade(cloth, 0.9), _shade(cloth, 1.08)
    n_seats = 2 if wide < 1.7 else 3
    inner = wide - 0.36
    parts = [box((0.0, 0.20, 0.0), (wide, 0.28, 0.85), base), box((0.0, 0.58, 0.34), (wide, 0.55, 0.20), base)]
    parts += [box((x * (wide / 2.0 - 0.09), 0.42, -0.02), (0.18, 0.36, 0.82), _shade(cloth, 1.0)) for x in (-1.0, 1.0)]
    for seat in range(n_seats):
        x = (seat + 0.5) / n_seats * inner - inner / 2.0
        parts.append(box((x, 0.40, -0.08), (inner / n_seats - 0.02, 0.13, 0.62), pillow))
        parts.append(box((x, 0.64, 0.20), (inner / n_seats - 0.03, 0.38, 0.14), pillow))
    if rng.random() < 0.6:
        parts.append(
            globe((float(rng.uniform(-0.4, 0.4)) * inner, 0.58, 0.05), (0.2, 0.17, 0.08), _pick(_BRIGHTS, rng))
        )
    return parts


def _shelf(rng: np.random.Generator) -> list[Solid]:
    wide, high, deep = float(rng.uniform(0.6, 1.4)), float(rng.uniform(0.9, 2.0)), float(rng.uniform(0.25, 0.36))
    wood = _pick(_WOODS, rng)
    n_boards = max(3, round(high / 0.36))
    parts = [box((x * wide / 2.0, high / 2.0, 0.0), (0.025, high, deep), wood) for x in (-1.0, 1.0)]
    parts.append(box((0.0, high / 2.0, deep / 2.0), (wide, high, 0.01), _shade(np.array(wood), 0.7)))
    for board in range(n_boards):
        y = 0.04 + board * (high - 0.06) / (n_boards - 1)
        parts.append(box((0.0, y, 0.0), (wide, 0.025, deep), wood))
        x = -wide / 2.0 + 0.03
        while board < n_boards - 1 and x < wide / 2.0 - 0.08:
            thick, tall = float(rng.uniform(0.02, 0.09)), float(rng.uniform(0.12, 0.28))
            if rng.random() < 0.75:
                parts.append(box((x + thick / 2.0, y + 0.012 + tall / 2.0, -0.03), (thick, tall, 0.17), _any(rng)))
            x += thick + 0.004
    return parts


def _cupboard(rng: np.random.Generator) -> list[Solid]:
    wide, high, deep = float(rng.uniform(0.6, 1.6)), float(rng.uniform(0.7, 2.0)), float(rng.uniform(0.38, 0.6))
    wood = np.array(_pick(_WOODS, rng))
    parts = [box((0.0, high / 2.0, 0.0), (wide, high, deep), _shade(wood, 0.9))]
    n_doors = max(1, round(wide / 0.5))
    n_rows = max(1, round(high / 0.8))
    for door in range(n_doors):
        for row in range(n_rows):
            x, y = (door + 0.5) / n_doors * wide - wide / 2.0, (row + 0.5) / n_rows * high
            size = (wide / n_doors - 0.015, high / n_rows - 0.015, 0.02)
            parts.append(box((x, y, -deep / 2.0 - 0.005), size, _shade(wood, 1.0)))
            parts.append(box((x + 0.3 * size[0], y, -deep / 2.0 - 0.03), (0.02, 0.10, 0.02), _pick(_METALS, rng)))
    return parts


def _plant(rng: np.random.Generator) -> list[Solid]:
    high = float(rng.uniform(0.5, 1.5))
    wide = float(rng.uniform(0.16, 0.34))
    return [
        drum((0.0, 0.0, 0.0), (0.11, 0.16), 0.28, _pick(_BRIGHTS + _WOODS, rng)),
        drum((0.0, 0.2, 0.0), (0.015, 0.01), high - 0.3, (86, 70, 50)),
        leaves((0.0, 0.3 + high / 2.0, 0.0), (wide, high / 2.0, wide), 900, rng),
    ]


def _lamp(rng: np.random.Generator) -> list[Solid]:
    metal, high = _pick(_METALS, rng), float(rng.uniform(1.3, 1.7))
    shade = _shade(np.array([240, 228, 200]), float(rng.uniform(0.8, 1.05)))
    return [
        drum((0.0, 0.0, 0.0), (0.14, 0.13), 0.02, metal),
        drum((0.0, 0.0, 0.0), (0.012, 0.012), high, metal),
        drum((0.0, high - 0.05, 0.0), (0.2, 0.13), 0.28, shade),
    ]


def _screen(rng: np.random.Generator) -> list[Solid]:
    wide, wood = float(rng.uniform(0.9, 1.5)), _pick(_WOODS, rng)
    high = wide * 0.56
    return [
        box((0.0, 0.25, 0.0), (wide * 1.1, 0.42, 0.4), wood),
        box((0.0, 0.56, 0.0), (0.3, 0.18, 0.08), (24, 24, 26)),
        box((0.0, 0.62 + high / 2.0, 0.0), (wide, high, 0.04), (18, 18, 20)),
        box((0.0, 0.62 + high / 2.0, -0.021), (wide - 0.03, high - 0.03, 0.002), (38, 40, 46)),
    ]


def _couch(rng: np.random.Generator) -> list[Solid]:
    wide, cloth, metal = 1.9, _pick((*_CLOTHS, (40, 90, 130), (30, 110, 100)), rng), _pick(_METALS, rng)
    return [
        *_legs(1.5, 0.5, 0.6, metal),
        box((-0.25, 0.68, 0.0), (1.35, 0.09, 0.65), cloth),
        box((0.73, 0.70, 0.0), (wide - 1.4, 0.09, 0.60), cloth),
    ]


def _ball(rng: np.random.Generator) -> list[Solid]:
    radius = float(rng.uniform(0.1, 0.36))
    return [globe((0.0, radius, 0.0), (radius, radius, radius), _pick(_BRIGHTS, rng), n=24)]


def _weights(rng: np.random.Generator) -> list[Solid]:
    wide, metal = float(rng.uniform(0.9, 1.6)), _pick(_METALS, rng)
    parts = [box((x * wide / 2.0, 0.45, 0.0), (0.05, 0.9, 0.45), metal) for x in (-1.0, 1.0)]
    for y in (0.25, 0.55, 0.85):
        parts.append(box((0.0, y, 0.0), (wide, 0.03, 0.35), metal))
        for x in np.arange(-wide / 2.0 + 0.14, wide / 2.0 - 0.1, 0.2):
            radius = float(rng.uniform(0.05, 0.085))
            parts += [drum((float(x), y + 0.1, z), (radius, radius), 0.07, (34, 34, 36), axis=2) for z in (-0.14, 0.08)]
            parts.append(drum((float(x), y + 0.1, -0.1), (0.016, 0.016), 0.2, (150, 150, 152), axis=2))
    return parts


def _wall_bars(rng: np.random.Generator) -> list[Solid]:
    wide, wood = float(rng.uniform(0.85, 1.0)), _pick(_WOODS[:3], rng)
    parts = [box((x * wide / 2.0, 1.2, 0.0), (0.04, 2.4, 0.12), wood) for x in (-1.0, 1.0)]
    return parts + [
        drum((-wide / 2.0, float(y), -0.03), (0.02, 0.02), wide, wood, axis=0) for y in np.arange(0.2, 2.4, 0.16)
    ]


def _crate(rng: np.random.Generator) -> list[Solid]:
    wide, high, deep = (float(value) for value in rng.uniform(0.25, 0.7, 3))
    colour = np.array(_pick(_WOODS + _BRIGHTS + _CLOTHS, rng))
    lid = box((0.0, high, 0.0), (wide + 0.02, 0.03, deep + 0.02), _shade(colour, 1.1))
    return [box((0.0, high / 2.0, 0.0), (wide, high, deep), _shade(colour, 1.0)), lid]


def _bench(rng: np.random.Generator) -> list[Solid]:
    wide, wood = float(rng.uniform(1.0, 1.6)), _pick(_WOODS, rng)
    planks = [box((0.0, 0.44, z), (wide, 0.04, 0.11), wood) for z in (-0.14, 0.0, 0.14)]
    return [*_legs(wide - 0.2, 0.34, 0.42, _pick(_METALS, rng)), *planks]


def _tree(rng: np.random.Generator) -> list[Solid]:
    high, bark = float(rng.uniform(1.2, 2.4)), _shade(np.array([96, 80, 62]), float(rng.uniform(0.7, 1.2)))
    wide, tall = float(rng.uniform(0.8, 1.6)), float(rng.uniform(0.8, 1.4))
    return [
        drum((0.0, 0.0, 0.0), (0.14, 0.10), high + 0.8, bark),
        leaves((0.0, high + tall, 0.0), (wide, tall, wide), 6000, rng),
    ]


def _bush(rng: np.random.Generator) -> list[Solid]:
    wide, high = float(rng.uniform(0.35, 0.8)), float(rng.uniform(0.35, 0.9))
    return [leaves((0.0, 0.5 * high, 0.0), (wide, 0.6 * high, wide), 2500, rng)]


def _any(rng: np.random.Generator) -> Colour:
    return _shade(rng.uniform(40.0, 220.0, 3), 1.0)


def _shade(colour: NDArray[np.floating] | NDArray[np.integer], factor: float) -> Colour:
    red, green, blue = (int(value) for value in np.clip(colour * factor, 0.0, 255.0))
    return red, green, blue
