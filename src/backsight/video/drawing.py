"""Draw a skeleton and a few words onto a picture. Knows nothing of video files."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from backsight.domain.landmarks import SKELETON, Landmark
from backsight.domain.validation import FloatArray

LEFT_RGB = (230, 159, 0)
RIGHT_RGB = (86, 180, 233)
MIDDLE_RGB = (255, 255, 255)
"""Orange, sky blue and white: told apart with every kind of colour blindness (Okabe and Ito 2008)."""

FADED_BELOW = 0.75
"""Visibility under which a landmark is drawn faded; under 0.6 the filter has removed it."""
_FADED_OPACITY = 0.45
_OUTLINE_RGB = (20, 20, 20)
_HEIGHT_PER_LINE_PX = 240
"""A line is one pixel thick for each of these pixels of picture height, and never thinner than two."""
_HEIGHT_PER_SCALE_PX = 800.0
"""Height of a picture in which text has OpenCV's own size."""
_SUBPIXEL_BITS = 4
_FONT = cv2.FONT_HERSHEY_SIMPLEX


def draw_skeleton(image: NDArray[np.uint8], landmarks_px: FloatArray, *, visibility: FloatArray) -> None:
    """Draw one person's skeleton into an RGB picture.

    Parameters
    ----------
    image
        Changed in place; shape (height, width, 3).
    landmarks_px
        x right, y down, in pixels of `image`; shape (33, 2 or more); NaN = not drawn, nor a line that ends there.
    visibility
        Shape (33,); landmarks below 0.75 are faded.
    """
    known: NDArray[np.bool_] = np.isfinite(landmarks_px[:, 0] + landmarks_px[:, 1])
    if not known.any():
        return
    bold = known & ~(visibility < FADED_BELOW)
    faded = known & ~bold
    if faded.any():
        layer = image.copy()
        _draw_parts(layer, landmarks_px, known=known, chosen=faded)
        cv2.addWeighted(layer, _FADED_OPACITY, image, 1.0 - _FADED_OPACITY, 0.0, dst=image)
    _draw_parts(image, landmarks_px, known=bold, chosen=bold)


def _draw_parts(
    image: NDArray[np.uint8], landmarks_px: FloatArray, *, known: NDArray[np.bool_], chosen: NDArray[np.bool_]
) -> None:
    """Draw the dots of the chosen landmarks and the lines between known ones of which at least one is chosen."""
    thickness = max(2, round(min(image.shape[:2]) / _HEIGHT_PER_LINE_PX))
    # Far outside the picture, fixed-point coordinates would overflow.
    limit = 4.0 * max(image.shape[:2])
    points = np.clip(np.nan_to_num(landmarks_px[:, :2]), -limit, limit)
    fixed = np.round(points * (1 << _SUBPIXEL_BITS)).astype(int)
    lines = [(a, b) for a, b in SKELETON if known[a] and known[b] and (chosen[a] or chosen[b])]
    for outline in (True, False):
        for a, b in lines:
            colour = _OUTLINE_RGB if outline else _side_colour(a, b)
            width = thickness + 2 if outline else thickness
            cv2.line(
                image, tuple(fixed[a].tolist()), tuple(fixed[b].tolist()), colour, width, cv2.LINE_AA, _SUBPIXEL_BITS
            )
    for landmark in Landmark:
        if chosen[landmark]:
            centre, radius = tuple(fixed[landmark].tolist()), round((thickness + 0.5) * (1 << _SUBPIXEL_BITS))
            cv2.circle(image, centre, radius + 16, _OUTLINE_RGB, -1, cv2.LINE_AA, _SUBPIXEL_BITS)
            cv2.circle(image, centre, radius, _side_colour(landmark, landmark), -1, cv2.LINE_AA, _SUBPIXEL_BITS)


def _side_colour(first: Landmark, second: Landmark) -> tuple[int, int, int]:
    """Return the colour of a person's side; what joins the sides is white."""
    sides = {"LEFT" if "LEFT" in mark.name else "RIGHT" if "RIGHT" in mark.name else "" for mark in (first, second)}
    if sides == {"LEFT"}:
        return LEFT_RGB
    if sides == {"RIGHT"}:
        return RIGHT_RGB
    return MIDDLE_RGB


def draw_caption(image: NDArray[np.uint8], *, lines: tuple[str, ...], small_print: str) -> None:
    """Write lines into the upper left corner and one in small print into the lower right; in place."""
    height, width = image.shape[:2]
    scale = max(0.45, min(height, width) / _HEIGHT_PER_SCALE_PX)
    gap = round(12 * scale)
    top = gap
    for text in lines:
        _, text_height = _text_size(text, scale)
        _put_text(image, text, left=gap, top=top, scale=scale)
        top += text_height + 2 * gap
    small = max(0.4, 0.6 * scale)
    text_width, text_height = _text_size(small_print, small)
    _put_text(image, small_print, left=width - text_width - gap, top=height - text_height - gap, scale=small)


def _text_size(text: str, scale: float) -> tuple[int, int]:
    (width, height), _ = cv2.getTextSize(text, _FONT, scale, 1)
    return int(width), int(height)


def _put_text(image: NDArray[np.uint8], text: str, *, left: int, top: int, scale: float) -> None:
    """Write white text on a darkened patch, readable on any background."""
    text_width, text_height = _text_size(text, scale)
    rim = round(7 * scale)
    patch = image[max(0, top - rim) : top + text_height + rim, max(0, left - rim) : left + text_width + rim]
    patch //= 3
    cv2.putText(image, text, (left, top + text_height), _FONT, scale, MIDDLE_RGB, 1, cv2.LINE_AA)


def encode_jpeg(image: NDArray[np.uint8], *, longest_side: int = 640, quality: int = 80) -> bytes:
    """Return an RGB picture as JPEG, made smaller to `longest_side` pixels where it is larger.

    640 pixels are 150 dots an inch at the size in which a report prints a still.
    """
    scale = longest_side / max(image.shape[:2])
    if scale < 1:
        image = np.asarray(cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA), dtype=np.uint8)
    _, buffer = cv2.imencode(".jpg", cv2.cvtColor(image, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_JPEG_QUALITY, quality])
    return bytes(buffer)
