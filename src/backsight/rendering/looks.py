"""What a volunteer looks like beyond the skeleton: skin, hair, girth, clothes. Knows nothing of meshes.

All shares and colours are assumptions made for variety, not statistics of any population.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from backsight.simulation.body import Body

Colour = tuple[int, int, int]
"""sRGB, 0 to 255."""


class Top(StrEnum):
    """What covers the chest."""

    T_SHIRT = "t_shirt"
    LONG_SLEEVE = "long_sleeve"
    TANK_TOP = "tank_top"
    HOODIE = "hoodie"
    LOOSE_SHIRT = "loose_shirt"
    DRESS = "dress"


class Bottom(StrEnum):
    """What covers the legs."""

    LEGGINGS = "leggings"
    TROUSERS = "trousers"
    WIDE_TROUSERS = "wide_trousers"
    SHORTS = "shorts"
    SKIRT = "skirt"


class Shoes(StrEnum):
    """What is on the feet."""

    BAREFOOT = "barefoot"
    SOCKS = "socks"
    TRAINERS = "trainers"
    LEATHER = "leather"


class Hair(StrEnum):
    """How the hair is worn."""

    BALD = "bald"
    CROPPED = "cropped"
    SHORT = "short"
    FULL = "full"
    BUN = "bun"
    PONYTAIL = "ponytail"
    LONG = "long"


class Pattern(StrEnum):
    """What the top's cloth shows."""

    PLAIN = "plain"
    STRIPES = "stripes"
    BLOCK = "block"


class Beard(StrEnum):
    """Hair on the face."""

    NONE = "none"
    STUBBLE = "stubble"
    FULL = "full"


@dataclass(frozen=True)
class Looks:
    """How one volunteer looks; multiples of 1 are relative to the average of that sex and height."""

    skin: Colour
    lips: Colour
    eyes: Colour
    hair: Hair
    hair_colour: Colour
    brow_colour: Colour
    beard: Beard
    has_glasses: bool
    fullness: float
    """Fat under the skin: -1 lean, 0 average, 1 heavy and beyond."""
    muscle: float
    """-1 slight to 1 strong."""
    top: Top
    top_colour: Colour
    accent_colour: Colour
    pattern: Pattern
    stripe_m: float
    """Height of one stripe."""
    bottom: Bottom
    bottom_colour: Colour
    bottom_length: float
    """Where shorts and skirts end between hip (0), knee (1) and ankle (2)."""
    shoes: Shoes
    shoe_colour: Colour
    sole_colour: Colour


SKINS: tuple[Colour, ...] = (
    (250, 224, 205), (242, 208, 184), (233, 192, 165), (222, 177, 146), (208, 158, 124),
    (190, 138, 104), (168, 117, 84), (143, 96, 67), (116, 76, 53), (88, 57, 41), (64, 42, 32),
)  # fmt: skip
"""From light to dark, about the steps of the Monk scale."""
HAIR_COLOURS: tuple[Colour, ...] = (
    (24, 20, 18),
    (46, 32, 24),
    (78, 52, 34),
    (112, 76, 46),
    (168, 130, 84),
    (140, 66, 34),
)
GREYS: tuple[Colour, ...] = ((120, 118, 116), (168, 166, 164), (214, 212, 208))
CLOTHS: tuple[Colour, ...] = (
    (24, 24, 28), (40, 44, 56), (28, 40, 82), (52, 92, 160), (120, 160, 206), (150, 28, 34), (206, 74, 62),
    (34, 82, 56), (96, 112, 72), (150, 150, 154), (206, 206, 202), (240, 240, 236), (226, 190, 74), (112, 58, 122),
    (222, 150, 170), (92, 68, 52), (176, 146, 110), (30, 110, 118),
)  # fmt: skip
SHOE_COLOURS: tuple[Colour, ...] = (
    (26, 26, 28),
    (236, 236, 232),
    (96, 98, 104),
    (38, 52, 96),
    (170, 40, 44),
    (96, 66, 44),
)
EYE_COLOURS: tuple[Colour, ...] = ((44, 28, 20), (74, 48, 28), (88, 104, 70), (72, 102, 132))


def _pick(rng: np.random.Generator, options: tuple[Colour, ...], *, jitter: float = 8.0) -> Colour:
    chosen = (
        np.asarray(options[int(rng.integers(len(options)))])
        + rng.normal(0.0, jitter)
        + rng.normal(0.0, 0.3 * jitter, 3)
    )
    red, green, blue = (int(value) for value in np.clip(np.round(chosen), 0, 255))
    return red, green, blue


def _mix(first: Colour, second: Colour, share: float) -> Colour:
    red, green, blue = (round((1.0 - share) * a + share * b) for a, b in zip(first, second, strict=True))
    return red, green, blue


def sample_looks(rng: np.random.Generator, body: Body) -> Looks:
    """Draw a look that suits a body's sex, age and build.

    Parameters
    ----------
    rng
        Source of randomness; the same state gives the same look.
    body
        Whose look it is.
    """
    female = body.sex == "female"
    skin = _pick(rng, SKINS, jitter=4.0)
    is_dark = sum(skin) < 400
    hair_colour = _sample_hair_colour(rng, body, is_dark=is_dark)
    hair = _sample_hair(rng, body)
    fullness = float(np.clip(rng.normal(7.0 * (body.build - 1.0), 0.4), -1.0, 1.8))
    beard = Beard.NONE if female else Beard(str(rng.choice([Beard.NONE, Beard.STUBBLE, Beard.FULL], p=[0.6, 0.2, 0.2])))
    top, bottom = _sample_clothes(rng, female=female)
    top_colour, bottom_colour = _pick(rng, CLOTHS), _pick(rng, CLOTHS[:4] if rng.random() < 0.45 else CLOTHS)
    if rng.random() < 0.12:
        top_colour, bottom_colour = _pick(rng, CLOTHS[:3]), _pick(rng, CLOTHS[:3])
    shoes = Shoes(str(rng.choice(list(Shoes), p=[0.22, 0.12, 0.48, 0.18])))
    low, high = (0.35, 1.05) if bottom is Bottom.SHORTS else (0.7, 1.7)
    return Looks(
        skin=skin,
        lips=_mix(skin, (150, 52, 56), 0.5 if female else 0.3),
        eyes=_pick(rng, EYE_COLOURS[:2] if is_dark else EYE_COLOURS),
        hair=hair,
        hair_colour=hair_colour,
        brow_colour=_mix(hair_colour, (36, 28, 24), 0.5),
        beard=beard,
        has_glasses=bool(rng.random() < 0.2),
        fullness=fullness,
        muscle=float(np.clip(rng.normal(-0.2 if female else 0.2, 0.4) - 0.01 * (body.age_years - 40.0), -1.0, 1.0)),
        top=top,
        top_colour=top_colour,
        accent_colour=_pick(rng, CLOTHS),
        pattern=Pattern(str(rng.choice(list(Pattern), p=[0.66, 0.2, 0.14]))),
        stripe_m=float(rng.uniform(0.025, 0.07)),
        bottom=bottom,
        bottom_colour=bottom_colour,
        bottom_length=float(rng.uniform(low, high)),
        shoes=shoes,
        shoe_colour=_pick(rng, SHOE_COLOURS),
        sole_colour=_pick(rng, SHOE_COLOURS[1:3], jitter=4.0),
    )


def _sample_hair_colour(rng: np.random.Generator, body: Body, *, is_dark: bool) -> Colour:
    grey_odds = np.clip((body.age_years - 35.0) / 40.0, 0.0, 0.95)
    natural = _pick(rng, HAIR_COLOURS[:2] if is_dark else HAIR_COLOURS, jitter=5.0)
    grey = _pick(rng, GREYS, jitter=5.0)
    return _mix(natural, grey, float(rng.uniform(0.5, 1.0))) if rng.random() < grey_odds else natural


def _sample_hair(rng: np.random.Generator, body: Body) -> Hair:
    if body.sex == "female":
        odds = [0.01, 0.03, 0.14, 0.2, 0.2, 0.2, 0.22]
    else:
        bald = 0.08 + 0.3 * float(np.clip((body.age_years - 30.0) / 50.0, 0.0, 1.0))
        odds = [bald, 0.25, 0.62 - bald, 0.07, 0.02, 0.02, 0.02]
    return Hair(str(rng.choice(list(Hair), p=odds)))


def _sample_clothes(rng: np.random.Generator, *, female: bool) -> tuple[Top, Bottom]:
    tops, bottoms = list(Top), list(Bottom)
    top_odds = [0.26, 0.18, 0.14, 0.14, 0.16, 0.12] if female else [0.36, 0.2, 0.12, 0.16, 0.16, 0.0]
    bottom_odds = [0.38, 0.2, 0.14, 0.14, 0.14] if female else [0.1, 0.44, 0.16, 0.3, 0.0]
    top = Top(str(rng.choice(tops, p=top_odds)))
    return top, Bottom(str(rng.choice(bottoms, p=bottom_odds)))
