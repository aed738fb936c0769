"""Turned squares, checked with right angles and whole pixels."""

import math

import numpy as np
import pytest

from backsight.pose.openvino.region import Region, Sampler, region_around, whole_image

MIDDLE = np.array([100.0, 200.0])


@pytest.mark.parametrize(
    ("rim", "turn_deg"),
    [((100.0, 160.0), 0), ((140.0, 200.0), 90), ((60.0, 200.0), -90), ((140.0, 160.0), 45)],
    ids=["upright", "lying, head to the right", "lying, head to the left", "leaning"],
)
def test_a_region_turns_with_the_person(rim: tuple[float, float], turn_deg: float) -> None:
    region = region_around(MIDDLE, np.array(rim))
    assert (region.x_px, region.y_px) == (100, 200)
    assert math.degrees(region.turn_rad) == pytest.approx(turn_deg)
    assert region.side_px == pytest.approx(2 * 1.25 * math.dist(rim, MIDDLE))


def test_a_person_on_their_head_is_turned_half_around() -> None:
    assert abs(region_around(MIDDLE, np.array([100.0, 240.0])).turn_rad) == pytest.approx(math.pi)


def test_points_of_a_region_lie_where_it_is_turned_to() -> None:
    """Turned by a quarter clockwise, what is up in the square is to the right in the image."""
    region = Region(x_px=10.0, y_px=20.0, side_px=8.0, turn_rad=math.pi / 2)
    points = region.to_image(np.array([[0.5, 0.5], [0.5, 0.0], [1.0, 0.5]]))
    np.testing.assert_allclose(points, [[10, 20], [14, 20], [10, 24]], atol=1e-12)


def test_directions_are_turned_and_depth_is_left() -> None:
    region = Region(x_px=10.0, y_px=20.0, side_px=8.0, turn_rad=math.pi / 2)
    np.testing.assert_allclose(region.turn(np.array([[0.0, -1.0, 7.0]])), [[1, 0, 7]], atol=1e-12)


def test_the_whole_image_stands_in_the_middle_of_its_square() -> None:
    assert whole_image(np.zeros((20, 60, 3), np.uint8)) == Region(x_px=30, y_px=10, side_px=60, turn_rad=0)


def gradient(height: int, width: int) -> np.ndarray:
    """Red is the column, green the row, blue 255."""
    rows, columns = np.mgrid[:height, :width]
    return np.stack([columns, rows, np.full_like(rows, 255)], axis=2).astype(np.uint8)


def sample(image: np.ndarray, region: Region, *, side: int, fills_with_black: bool) -> np.ndarray:
    picture = np.empty((side, side, 3), np.uint8)
    Sampler(picture, fills_with_black=fills_with_black).sample(image, region)
    return picture


class TestSampling:
    def test_a_region_of_the_pictures_own_size_is_copied(self) -> None:
        picture = sample(gradient(40, 60), Region(30.0, 20.0, 16.0, 0.0), side=16, fills_with_black=True)
        np.testing.assert_array_equal(picture, gradient(40, 60)[12:28, 22:38])

    def test_a_sample_between_pixels_is_their_mean(self) -> None:
        picture = sample(2 * gradient(40, 60), Region(30.5, 20.0, 16.0, 0.0), side=16, fills_with_black=True)
        assert picture[0, :3, 0].tolist() == [45, 47, 49]

    def test_a_turned_region_stands_upright_in_the_picture(self) -> None:
        """Turned by a quarter clockwise, its rows run down the image and its columns to the left."""
        picture = sample(gradient(40, 60), Region(30.0, 20.0, 16.0, math.pi / 2), side=16, fills_with_black=True)
        assert picture[0, :3, 1].tolist() == [12, 13, 14]
        assert picture[:3, 0, 0].tolist() == [38, 37, 36]

    @pytest.mark.parametrize(("fills_with_black", "beyond"), [(True, [0, 0, 0]), (False, [0, 0, 255])])
    def test_beyond_the_edge_it_is_black_or_goes_on(self, fills_with_black: bool, beyond: list[int]) -> None:
        picture = sample(gradient(40, 60), Region(0.0, 0.0, 16.0, 0.0), side=16, fills_with_black=fills_with_black)
        assert picture[0, 0].tolist() == beyond
        assert picture[9, 10].tolist() == [2, 1, 255]
