"""Sizes on the way from the stored picture to the fitted one."""

from fractions import Fraction

import pytest

from backsight.errors import InputError
from backsight.video.geometry import Orientation, PicturePlan, fit_inside, plan_picture
from backsight.video.selection import Crop
from tests.clips import CLOCKWISE_90, CLOCKWISE_270, HALF_TURN

UPRIGHT = (65536, 0, 0, 0, 65536, 0, 0, 0, 1 << 30)
MIRRORED = (-65536, 0, 0, 0, 65536, 0, 0, 0, 1 << 30)


def _plan(
    size: tuple[int, int],
    *,
    matrix: tuple[int, ...] = UPRIGHT,
    crop: Crop | None = None,
    aspect: Fraction = Fraction(1),
) -> PicturePlan:
    orientation = Orientation.from_display_matrix(matrix)
    return plan_picture(size, pixel_aspect=aspect, orientation=orientation, crop=crop, name="clip.mp4")


@pytest.mark.parametrize(
    ("size", "fitted"),
    [
        ((1280, 720), (1280, 720)),
        ((1920, 1080), (1280, 720)),
        ((7680, 4320), (1280, 720)),
        ((1080, 1920), (720, 1280)),
        ((640, 480), (640, 480)),
        ((1440, 1080), (960, 720)),
        ((1000, 1000), (720, 720)),
        ((2560, 720), (1280, 360)),
        ((321, 241), (321, 241)),
    ],
)
def test_picture_is_fitted_without_distortion_or_enlarging(size: tuple[int, int], fitted: tuple[int, int]) -> None:
    assert fit_inside(size) == fitted


@pytest.mark.parametrize(
    ("matrix", "rotation_deg", "filters"),
    [
        (UPRIGHT, 0, ()),
        (CLOCKWISE_90, 90, (("transpose", "clock"),)),
        (HALF_TURN, 180, (("hflip", ""), ("vflip", ""))),
        (CLOCKWISE_270, 270, (("transpose", "cclock"),)),
        (MIRRORED, 0, (("hflip", ""),)),
    ],
)
def test_display_matrix_is_read(
    matrix: tuple[int, ...], rotation_deg: int, filters: tuple[tuple[str, str], ...]
) -> None:
    orientation = Orientation.from_display_matrix(matrix)
    assert (orientation.rotation_deg, orientation.filters) == (rotation_deg, filters)


def test_turned_picture_gets_the_portrait_budget() -> None:
    plan = _plan((1920, 1080), matrix=CLOCKWISE_90)
    assert (plan.displayed_size, plan.scaled_size, plan.output_size) == ((1080, 1920), (1280, 720), (720, 1280))


def test_crop_of_a_turned_picture_is_found_in_the_stored_one() -> None:
    # Clockwise by 90: displayed x = 1079 - stored y, displayed y = stored x. Displayed 100..300 is stored y 780..980.
    plan = _plan((1920, 1080), matrix=CLOCKWISE_90, crop=Crop(x=100, y=400, width=200, height=600))
    assert plan.stored_box == (400, 780, 600, 200)
    assert plan.output_size == (200, 600)


def test_crop_of_a_picture_upside_down() -> None:
    plan = _plan((1920, 1080), matrix=HALF_TURN, crop=Crop(x=0, y=0, width=100, height=80))
    assert plan.stored_box == (1820, 1000, 100, 80)


def test_wide_pixels_widen_the_displayed_picture_and_the_crop_refers_to_it() -> None:
    # PAL DV: 720 x 576 stored, shown 1024 x 576.
    plan = _plan((720, 576), aspect=Fraction(64, 45), crop=Crop(x=512, y=0, width=512, height=576))
    assert plan.displayed_size == (1024, 576)
    assert plan.stored_box == (360, 0, 360, 576)
    assert plan.output_size == (512, 576)


def test_crop_outside_the_picture_names_both() -> None:
    with pytest.raises(InputError, match=r"clip\.mp4: the crop 600,0,100,100 .* 640 x 480"):
        _plan((640, 480), crop=Crop(x=600, y=0, width=100, height=100))
