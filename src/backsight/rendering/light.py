"""Light on surfaces and what a camera's exposure makes of it. Knows no shapes and no drawing library.

Every surface of a film, body or furniture, is lit here and drawn with finished colours, so that all of them agree.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from backsight.domain.validation import FloatArray

_KELVIN = np.array([2000.0, 2700.0, 4000.0, 5500.0, 6500.0, 9000.0])
_BLACK_BODY_RGB = np.array(
    [
        [1.0, 0.26, 0.004],
        [1.0, 0.397, 0.095],
        [1.0, 0.617, 0.381],
        [1.0, 0.84, 0.745],
        [1.0, 0.99, 0.96],
        [0.645, 0.738, 1.0],
    ]
)
"""Linear sRGB of a black body, from its chromaticity on the Planckian locus; only ratios are used."""
_LUMINANCE = np.array([0.2126, 0.7152, 0.0722])
"""Share of each linear sRGB channel in luminance (ITU-R BT.709)."""
_WHITE_SHARE = 0.85
"""How light a white thing in average light becomes: cameras keep some room above, for faces in the sun."""
_CODE_STEPS = 4096
_GAMMA = 2.2


@dataclass(frozen=True)
class Light:
    """What lights a shot: one main light and an even rest."""

    azimuth_deg: float
    """Where the main light stands seen from the person: 0 = behind the camera, 90 = to the image's right."""
    elevation_deg: float
    distance_m: float
    """Of the main light from the person; infinity = the sun."""
    key_share: float
    """Main light's share of all light, 0 to 1."""
    softness: float
    """0 = a point or the sun, 1 = a wide window: how far light reaches round a curve."""
    key_kelvin: float
    fill_kelvin: float
    balance_kelvin: float
    """Colour temperature that the camera takes for white."""
    exposure_ev: float = 0.0
    """Stops from a correct exposure; negative = too dark."""


@dataclass(frozen=True, eq=False)
class Lighting:
    """A light set up round one spot, with the exposure that goes with it."""

    light: Light
    position_m: FloatArray
    """Main light in the room, far away for the sun; shape (3,)."""
    centre_m: FloatArray
    """The spot that the exposure is made for; shape (3,)."""
    towards_m: FloatArray
    """Unit vector from the spot to the main light; shape (3,)."""
    sight: FloatArray
    """Unit vector, level, from the camera to the spot; shape (3,)."""
    key_rgb: FloatArray
    fill_rgb: FloatArray
    gain: float = 1.0

    def irradiance(self, points_m: NDArray[np.floating], normals: NDArray[np.floating]) -> NDArray[np.float32]:
        """Light that falls on surfaces, linear RGB, 1 = a correct exposure; (n, 3) and (n, 3) -> (n, 3)."""
        light = self.light
        wrap = 0.6 * light.softness
        if np.isinf(light.distance_m):
            cosine, falloff = normals @ self.towards_m.astype(np.float32), np.float32(1.0)
        else:
            to_light = self.position_m.astype(np.float32) - points_m
            squared = np.einsum("ij,ij->i", to_light, to_light)
            cosine = np.einsum("ij,ij->i", normals, to_light) / np.sqrt(squared)
            # A lamp a metre away does not burn out a picture: rooms return light, so the fall-off is tamed.
            falloff = np.minimum(light.distance_m**2 / squared, 4.0) ** 0.7
        key = np.maximum((cosine + wrap) / (1.0 + wrap), 0.0) * falloff
        # Ceiling or sky above gives more than the floor below.
        fill = 0.66 + 0.34 * normals[:, 1]
        lit = key[:, None] * (self.gain * self.key_rgb) + fill[:, None] * (self.gain * self.fill_rgb)
        return np.asarray(lit, dtype=np.float32)


def set_up_light(light: Light, *, centre_m: FloatArray, sight: FloatArray) -> Lighting:
    """Put a light round a spot and expose for it.

    Parameters
    ----------
    centre_m
        Where the person is; shape (3,).
    sight
        Unit vector, level, from the camera to the person; shape (3,).
    """
    azimuth, elevation = np.radians(light.azimuth_deg), np.radians(light.elevation_deg)
    right = np.array([-sight[2], 0.0, sight[0]])
    level = -np.cos(azimuth) * sight + np.sin(azimuth) * right
    towards = np.cos(elevation) * level + np.array([0.0, np.sin(elevation), 0.0])
    distance = light.distance_m if np.isfinite(light.distance_m) else 1e4
    lighting = Lighting(
        light=light,
        position_m=centre_m + distance * towards,
        centre_m=centre_m,
        towards_m=towards,
        sight=sight,
        key_rgb=light.key_share * _colour_of(light.key_kelvin, light.balance_kelvin),
        fill_rgb=(1.0 - light.key_share) * _colour_of(light.fill_kelvin, light.balance_kelvin),
    )
    # An exposure meter sees what faces the camera, from both sides and from above.
    faces = np.stack(
        [-sight, (right - sight) / np.sqrt(2.0), (-right - sight) / np.sqrt(2.0), np.array([0.0, 1.0, 0.0])]
    )
    seen = lighting.irradiance(np.tile(centre_m, (4, 1)), faces) @ _LUMINANCE
    # Cameras look after the brightest side of a face, too.
    metered = 0.5 * float(seen.mean()) + 0.5 * float(seen.max())
    gain = _WHITE_SHARE * 2.0**light.exposure_ev / max(metered, 1e-3)
    return replace(lighting, gain=gain)


def _colour_of(kelvin: float, balance_kelvin: float) -> FloatArray:
    """Linear RGB of a light in a picture balanced for another, of luminance 1; shape (3,)."""
    seen = _black_body(kelvin) / _black_body(balance_kelvin)
    colour: FloatArray = seen / (seen @ _LUMINANCE)
    return colour


def _black_body(kelvin: float) -> FloatArray:
    return np.array([np.interp(kelvin, _KELVIN, _BLACK_BODY_RGB[:, channel]) for channel in range(3)])


_TO_LINEAR = ((np.arange(256) / 255.0) ** _GAMMA).astype(np.float32)
_BRIGHTEST = 4.0
"""Linear light from which on everything is white."""


def _tone_curve() -> NDArray[np.uint8]:
    linear = (np.arange(_CODE_STEPS) / (_CODE_STEPS - 1)) ** 2 * _BRIGHTEST
    # A film-like shoulder: the last stop before white is pressed together instead of cut off.
    pressed = np.where(linear > 0.8, 0.8 + 0.2 * (1.0 - np.exp((0.8 - linear) / 0.4)), linear)
    return np.round(255.0 * pressed ** (1.0 / _GAMMA)).astype(np.uint8)


_TO_CODE = _tone_curve()
"""Picture codes over the square root of linear light, which spreads the darks."""


def to_linear(codes: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Turn picture codes 0 to 255 into linear light 0 to 1, any shape."""
    linear: NDArray[np.float32] = _TO_LINEAR[codes]
    return linear


def to_codes(linear: NDArray[np.floating]) -> NDArray[np.uint8]:
    """Turn linear light, 0 or more, into picture codes, any shape."""
    steps = np.sqrt(linear, dtype=np.float32)
    steps *= (_CODE_STEPS - 1) / np.sqrt(_BRIGHTEST)
    np.minimum(steps, _CODE_STEPS - 1, out=steps)
    codes: NDArray[np.uint8] = _TO_CODE[steps.astype(np.uint16)]
    return codes
