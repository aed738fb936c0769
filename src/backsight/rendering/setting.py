"""Everything about a shot that is neither person nor camera, drawn at random. Knows nothing of how it is drawn.

How often each thing happens is assumed: people film at home by daylight or lamp, mostly from a tripod, a shelf or a
chair, now and then from a hand, and rooms are furnished.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum

import numpy as np

from backsight.domain.recording import Exercise
from backsight.errors import InvalidValueError
from backsight.rendering.light import Light

Colour = tuple[int, int, int]
"""RGB picture codes, 0 to 255, of a surface under white light."""


class Place(StrEnum):
    """Where people film."""

    HOME = "home"
    CLINIC = "clinic"
    GYM = "gym"
    GARDEN = "garden"
    PLAIN = "plain"
    """Grey walls and nothing else."""


class Ground(StrEnum):
    """What people stand on."""

    PLANKS = "planks"
    TILES = "tiles"
    CARPET = "carpet"
    MAT = "mat"
    """Seamless rubber or vinyl."""
    GRASS = "grass"
    PAVING = "paving"
    EVEN = "even"


class Company(StrEnum):
    """What somebody else in the shot does."""

    STANDING = "standing"
    """Behind and to one side, looking on."""
    PASSING = "passing"
    """Walks across the shot, behind."""
    BESIDE = "beside"
    """Does the exercise along, at arm's length: the kind of recording that cannot be assessed."""


class Occluder(StrEnum):
    """What stands between the camera and the person's feet or shins."""

    CHAIR_BACK = "chair-back"
    TABLE_EDGE = "table-edge"


@dataclass(frozen=True)
class Setting:
    """A place, its light, who and what else is there, and what the camera's sensor and encoder do to a picture."""

    seed: int
    """Decides what the fields leave open: grain, furniture, noise, path of the shaking hand."""
    place: Place
    ground: Ground
    ground_colour: Colour
    wall_colour: Colour
    room_yaw_deg: float
    """How far the room is turned against the line of sight."""
    behind_m: float
    """Free floor from the furthest place where the person goes to the wall or hedge behind."""
    beside_m: tuple[float, float]
    """The same to the image's left and right."""
    ceiling_m: float
    n_furniture: int
    light: Light
    company: Company | None = None
    occluder: Occluder | None = None
    shake_deg: float = 0.0
    """Root mean square turn of a hand-held camera about each axis; 0 = a tripod."""
    shutter_s: float = 0.0
    """How long each picture is exposed; shorter than `FREEZING_SHUTTER_S` = sharp."""
    noise_codes: float = 0.0
    """Standard deviation of the sensor's noise in mid-grey, in picture codes 0 to 255."""
    vignetting: float = 0.0
    """Share of light that is lost in the frame's corners."""
    softness_px: float = 0.6
    """Standard deviation of the lens's blur."""
    crf: int = 24
    """H.264's constant quality as written by `write_film`, lower is better."""

    def __post_init__(self) -> None:
        for name in ("shake_deg", "shutter_s", "noise_codes", "vignetting", "softness_px"):
            if not getattr(self, name) >= 0.0:
                raise InvalidValueError(f"`{name}` of a setting must be 0 or more, got {getattr(self, name)}")
        if not 0 <= self.crf <= 51:
            raise InvalidValueError(f"`crf` of a setting must lie within 0 (lossless) and 51 (worst), got {self.crf}")


FREEZING_SHUTTER_S = 1.0 / 250.0
"""A hand at 3 m/s moves 1.2 cm meanwhile, about 3 pixels; shorter exposures are drawn sharp."""

_PLACES = {Place.HOME: 0.55, Place.CLINIC: 0.15, Place.GYM: 0.18, Place.GARDEN: 0.12}
_GROUNDS = {
    Place.HOME: (Ground.PLANKS, Ground.PLANKS, Ground.TILES, Ground.CARPET),
    Place.CLINIC: (Ground.MAT, Ground.TILES, Ground.PLANKS),
    Place.GYM: (Ground.MAT, Ground.PLANKS),
    Place.GARDEN: (Ground.GRASS, Ground.PAVING),
}
_GROUND_COLOURS: dict[Ground, tuple[Colour, ...]] = {
    Ground.PLANKS: ((168, 120, 78), (120, 82, 52), (196, 160, 118), (96, 70, 52), (150, 140, 128)),
    Ground.TILES: ((200, 196, 188), (150, 150, 148), (110, 104, 100), (186, 160, 132)),
    Ground.CARPET: ((128, 120, 112), (90, 96, 112), (150, 128, 104), (104, 60, 58), (70, 78, 70)),
    Ground.MAT: ((70, 74, 80), (60, 96, 140), (150, 156, 150), (120, 150, 130)),
    Ground.GRASS: ((92, 128, 58), (116, 134, 70), (80, 110, 60)),
    Ground.PAVING: ((168, 160, 150), (140, 136, 132), (176, 146, 126)),
    Ground.EVEN: ((128, 126, 124),),
}
_WALL_COLOURS: tuple[Colour, ...] = (
    (226, 222, 214),
    (214, 206, 190),
    (190, 200, 206),
    (170, 184, 168),
    (206, 188, 176),
    (150, 156, 164),
    (112, 122, 132),
    (196, 176, 132),
    (140, 104, 96),
)
_COMPANY_ODDS = {Place.HOME: 0.10, Place.CLINIC: 0.15, Place.GYM: 0.25, Place.GARDEN: 0.12}


def sample_setting(rng: np.random.Generator, *, exercise: Exercise | None = None, plain: bool = False) -> Setting:
    """Draw a setting as people film at home, in clinics, gyms and gardens.

    Parameters
    ----------
    exercise
        Nobody walks towards a chair that stands in the way: walkers get no occluder. None = any exercise.
    plain
        A grey room in even light, a tripod and a clean sensor: for finding out what the rest does.
    """
    seed = int(rng.integers(2**32))
    if plain:
        return _plain(seed)
    place = Place(str(rng.choice(list(_PLACES), p=list(_PLACES.values()))))
    grounds = _GROUNDS[place]
    ground = grounds[int(rng.integers(len(grounds)))]
    ground_colours = _GROUND_COLOURS[ground]
    light = _sample_light(rng, outdoors=place is Place.GARDEN)
    dimness = max(0.0, -light.exposure_ev)
    is_handheld, is_blurred = bool(rng.random() < 0.2), bool(rng.random() < 0.2 + 0.3 * dimness)
    is_blocked = bool(rng.random() < 0.07) and exercise is not Exercise.WALK
    company = None
    if rng.random() < _COMPANY_ODDS[place]:
        company = Company.PASSING if rng.random() < 0.4 else Company.STANDING
    return Setting(
        seed=seed,
        place=place,
        ground=ground,
        ground_colour=_vary(ground_colours[int(rng.integers(len(ground_colours)))], rng),
        wall_colour=_vary(_WALL_COLOURS[int(rng.integers(len(_WALL_COLOURS)))], rng),
        room_yaw_deg=float(np.clip(rng.normal(0.0, 14.0), -42.0, 42.0)),
        # Somebody behind needs floor to stand on.
        behind_m=max(float(rng.uniform(0.7, 2.5 if place is not Place.GARDEN else 7.0)), 1.3 if company else 0.0),
        beside_m=(float(rng.uniform(0.9, 3.2)), float(rng.uniform(0.9, 3.2))),
        ceiling_m=float(rng.uniform(2.35, 2.9) if place is not Place.GYM else rng.uniform(2.9, 4.5)),
        n_furniture=int(rng.integers(2, 8)),
        light=light,
        company=company,
        occluder=(Occluder.CHAIR_BACK if rng.random() < 0.5 else Occluder.TABLE_EDGE) if is_blocked else None,
        shake_deg=float(rng.uniform(0.1, 0.6)) if is_handheld else 0.0,
        shutter_s=float(rng.uniform(1.0 / 120.0, 1.0 / 40.0)) if is_blurred else 0.0,
        noise_codes=float(rng.uniform(0.8, 3.0) * (1.0 + dimness)),
        vignetting=float(rng.uniform(0.0, 0.35)),
        softness_px=float(rng.uniform(0.3, 0.9)),
        crf=int(rng.integers(18, 35)),
    )


def _sample_light(rng: np.random.Generator, *, outdoors: bool) -> Light:
    """Sun or cloud outside; a window or a ceiling lamp inside; one in six too dim for the sensor."""
    if outdoors:
        is_sunny = bool(rng.random() < 0.5)
        return Light(
            azimuth_deg=float(rng.uniform(-150.0, 150.0)),
            elevation_deg=float(rng.uniform(25.0, 65.0)),
            distance_m=np.inf,
            key_share=float(rng.uniform(0.6, 0.75)) if is_sunny else float(rng.uniform(0.1, 0.3)),
            softness=float(rng.uniform(0.0, 0.1)) if is_sunny else 1.0,
            key_kelvin=5300.0,
            fill_kelvin=float(rng.uniform(6500.0, 8500.0)),
            balance_kelvin=float(rng.uniform(5200.0, 6200.0)),
            exposure_ev=float(np.clip(rng.normal(0.0, 0.3), -0.7, 0.7)),
        )
    by_window = bool(rng.random() < 0.5)
    key_kelvin = float(rng.uniform(5000.0, 6800.0)) if by_window else float(rng.uniform(2700.0, 4500.0))
    is_dim = bool(rng.random() < 1.0 / 6.0)
    return Light(
        azimuth_deg=float(rng.uniform(-130.0, 130.0)),
        elevation_deg=float(rng.uniform(15.0, 40.0)) if by_window else float(rng.uniform(45.0, 85.0)),
        distance_m=float(rng.uniform(2.0, 4.5)) if by_window else float(rng.uniform(1.6, 2.6)),
        key_share=float(rng.uniform(0.3, 0.65)),
        softness=float(rng.uniform(0.5, 1.0)) if by_window else float(rng.uniform(0.2, 0.7)),
        key_kelvin=key_kelvin,
        fill_kelvin=float(np.clip(key_kelvin + rng.normal(0.0, 600.0), 2500.0, 8000.0)),
        # Automatic white balance stops short of the lamp's colour.
        balance_kelvin=float(np.clip(0.75 * key_kelvin + 0.25 * 5000.0 + rng.normal(0.0, 250.0), 2500.0, 8000.0)),
        exposure_ev=float(rng.uniform(-2.0, -0.8)) if is_dim else float(np.clip(rng.normal(0.0, 0.3), -0.7, 0.7)),
    )


def _plain(seed: int) -> Setting:
    light = Light(
        azimuth_deg=25.0,
        elevation_deg=45.0,
        distance_m=4.0,
        key_share=0.5,
        softness=0.7,
        key_kelvin=5500.0,
        fill_kelvin=5500.0,
        balance_kelvin=5500.0,
    )
    return Setting(
        seed=seed,
        place=Place.PLAIN,
        ground=Ground.EVEN,
        ground_colour=(128, 126, 124),
        wall_colour=(176, 176, 176),
        room_yaw_deg=0.0,
        behind_m=1.5,
        beside_m=(3.0, 3.0),
        ceiling_m=2.8,
        n_furniture=0,
        light=light,
        crf=18,
    )


def dim(setting: Setting, *, stops: float, noise: float) -> Setting:
    """Return the same setting `stops` darker and its noise `noise` times as strong."""
    light = replace(setting.light, exposure_ev=setting.light.exposure_ev - stops)
    return replace(setting, light=light, noise_codes=max(setting.noise_codes, 1.0) * noise)


def _vary(colour: Colour, rng: np.random.Generator) -> Colour:
    """Shift a colour's brightness and hue a little."""
    varied = np.clip(np.array(colour) * rng.uniform(0.82, 1.12) + rng.normal(0.0, 5.0, 3), 8, 248)
    red, green, blue = (int(value) for value in varied)
    return red, green, blue
