"""Where a stored picture ends up: turned upright, cropped, fitted into 1280 x 720. Knows no pixels, only sizes."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from backsight.errors import InputError
from backsight.video.selection import Crop

FITTED_LONG_PX = 1280
FITTED_SHORT_PX = 720
"""The paper resizes each image to 1280 x 720 (section III-A). Here a picture is fitted inside without distortion and
never enlarged, and a portrait picture gets the same number of pixels as 720 x 1280."""

_IDENTITY = (1, 0, 0, 1)


@dataclass(frozen=True)
class Orientation:
    """How the stored picture has to be turned, as the right-angled matrix `(a, c, b, d)`.

    A stored pixel (p, q) is displayed at (a p + c q, b p + d q), up to an offset; x runs right and y down.
    """

    matrix: tuple[int, int, int, int] = _IDENTITY

    @classmethod
    def from_display_matrix(cls, values: tuple[int, ...]) -> Orientation:
        """Read the display matrix of a container (nine integers), rounded to right angles."""
        a, b, c, d = values[0], values[1], values[3], values[4]
        if abs(a) >= abs(c):
            return cls((_sign(a), 0, 0, _sign(d)))
        return cls((0, _sign(c), _sign(b), 0))

    @property
    def swaps_axes(self) -> bool:
        """True when width and height change places."""
        return self.matrix[0] == 0

    @property
    def rotation_deg(self) -> int:
        """Clockwise turn in degrees, 0, 90, 180 or 270 (of a mirrored picture: after mirroring it left to right)."""
        a, _, b, _ = self.matrix
        if self.swaps_axes:
            mirrored = self.matrix[1] == b
            return 90 if (b > 0) != mirrored else 270
        mirrored = a != self.matrix[3]
        return 0 if (a > 0) != mirrored else 180

    @property
    def filters(self) -> tuple[tuple[str, str], ...]:
        """The FFmpeg filters, with their arguments, that turn the stored picture upright."""
        return _TURNS[self.matrix]


def _sign(value: int) -> int:
    return -1 if value < 0 else 1


_TURNS: dict[tuple[int, int, int, int], tuple[tuple[str, str], ...]] = {
    _IDENTITY: (),
    (-1, 0, 0, 1): (("hflip", ""),),
    (1, 0, 0, -1): (("vflip", ""),),
    (-1, 0, 0, -1): (("hflip", ""), ("vflip", "")),
    (0, -1, 1, 0): (("transpose", "clock"),),
    (0, 1, -1, 0): (("transpose", "cclock"),),
    (0, 1, 1, 0): (("transpose", "cclock_flip"),),
    (0, -1, -1, 0): (("transpose", "clock_flip"),),
}


@dataclass(frozen=True)
class PicturePlan:
    """The way of one picture from the file to the pose estimator."""

    displayed_size: tuple[int, int]
    """(width, height) of the whole picture, upright, with square pixels."""
    stored_box: tuple[int, int, int, int]
    """(x, y, width, height) of the wanted part in pixels as stored."""
    scaled_size: tuple[int, int]
    """(width, height) of that part after scaling, before it is turned."""
    output_size: tuple[int, int]
    """(width, height) of the frames handed on."""
    orientation: Orientation


def fit_inside(size: tuple[int, int]) -> tuple[int, int]:
    """Return the largest size of the same shape inside 1280 x 720 (portrait: 720 x 1280), never an enlarged one."""
    width, height = size
    box = (FITTED_LONG_PX, FITTED_SHORT_PX) if width >= height else (FITTED_SHORT_PX, FITTED_LONG_PX)
    scale = min(1.0, box[0] / width, box[1] / height)
    return max(1, round(width * scale)), max(1, round(height * scale))


def plan_picture(
    stored_size: tuple[int, int], *, pixel_aspect: Fraction, orientation: Orientation, crop: Crop | None, name: str
) -> PicturePlan:
    """Work out crop, scaling and turning for pictures of one size.

    Parameters
    ----------
    stored_size
        (width, height) in pixels as decoded.
    pixel_aspect
        Width of a stored pixel divided by its height.
    orientation
        How the picture is to be turned.
    crop
        Rectangle in pixels of the displayed picture; None = the whole picture.
    name
        The recording's name, for the message.

    Raises
    ------
    InputError
        When the crop does not lie inside the picture.
    """
    upright = (max(1, round(stored_size[0] * pixel_aspect)), stored_size[1])
    displayed = upright[::-1] if orientation.swaps_axes else upright
    if crop is None:
        crop_box = (0, 0, *displayed)
    else:
        if crop.x + crop.width > displayed[0] or crop.y + crop.height > displayed[1]:
            raise InputError(
                f"{name}: the crop {crop} (x, y, width, height) reaches outside the picture, which is "
                f"{displayed[0]} x {displayed[1]} pixels; choose a rectangle inside it"
            )
        crop_box = (crop.x, crop.y, crop.width, crop.height)
    output = fit_inside((crop_box[2], crop_box[3]))
    return PicturePlan(
        displayed_size=displayed,
        stored_box=_stored_box(crop_box, displayed=displayed, stored_size=stored_size, orientation=orientation),
        scaled_size=output[::-1] if orientation.swaps_axes else output,
        output_size=output,
        orientation=orientation,
    )


def _stored_box(
    box: tuple[int, int, int, int],
    *,
    displayed: tuple[int, int],
    stored_size: tuple[int, int],
    orientation: Orientation,
) -> tuple[int, int, int, int]:
    """Map a rectangle of the displayed picture back to the stored one, as shares of each axis."""
    spans = [(box[axis] / displayed[axis], (box[axis] + box[axis + 2]) / displayed[axis]) for axis in (0, 1)]
    a, c, b, d = orientation.matrix
    # Displayed x shows the stored p axis when a is not 0, else the stored q axis; a minus sign reverses it.
    stored: dict[int, tuple[float, float]] = {}
    for span, (p_weight, q_weight) in zip(spans, ((a, c), (b, d)), strict=True):
        axis, weight = (0, p_weight) if p_weight else (1, q_weight)
        stored[axis] = span if weight > 0 else (1.0 - span[1], 1.0 - span[0])
    edges = [
        (round(stored[axis][0] * stored_size[axis]), round(stored[axis][1] * stored_size[axis])) for axis in (0, 1)
    ]
    (left, right), (top, bottom) = edges
    return left, top, max(1, right - left), max(1, bottom - top)
