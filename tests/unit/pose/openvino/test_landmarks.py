"""Heat maps and coordinates, checked by hand."""

import numpy as np
import pytest

from backsight.pose.openvino.landmarks import PersonLandmarks, refine_positions

COLD, SURE = -50.0, 50.0


def heat_map(*warm: tuple[int, int, float]) -> np.ndarray:
    """A map of 64 x 64 cells, cold but for (row, column, log-odds)."""
    maps = np.full((64, 64, 1), COLD, np.float32)
    for row, column, log_odds in warm:
        maps[row, column, 0] = log_odds
    return maps


def refine(x: float, y: float, maps: np.ndarray) -> list[float]:
    return refine_positions(np.array([[x, y]]), maps)[0].tolist()


def test_a_landmark_moves_to_the_one_warm_cell() -> None:
    assert refine(20.4 / 64, 30.9 / 64, heat_map((29, 22, SURE))) == pytest.approx([22 / 64, 29 / 64])


def test_between_warm_cells_it_is_their_centre_of_warmth() -> None:
    """Log-odds of log 3 are a probability of 3/4: (20 * 1 + 22 * 3/4) / (7/4)."""
    moved = refine(20.5 / 64, 30.5 / 64, heat_map((30, 20, SURE), (30, 22, float(np.log(3)))))
    assert moved == pytest.approx([(20 + 22 * 0.75) / 1.75 / 64, 30 / 64], rel=1e-6)


def test_warmth_more_than_three_cells_away_is_not_looked_at() -> None:
    here = [20.5 / 64, 30.5 / 64]
    assert refine(*here, heat_map((30, 24, SURE))) == here
    assert refine(*here, heat_map((30, 23, SURE))) == pytest.approx([23 / 64, 30 / 64])


def test_a_lukewarm_window_moves_nothing() -> None:
    """The bar is a probability of one half, log-odds of 0."""
    here = [20.5 / 64, 30.5 / 64]
    assert refine(*here, heat_map((30, 21, -0.01))) == here
    assert refine(*here, heat_map((30, 21, 0.01))) != here


def test_at_the_edge_the_window_is_cut_off() -> None:
    assert refine(0.2 / 64, 63.7 / 64, heat_map((63, 1, SURE))) == pytest.approx([1 / 64, 63 / 64])


@pytest.mark.parametrize(("x", "y"), [(-0.1, 0.5), (0.5, 1.0), (1.5, 0.5)])
def test_outside_the_map_a_landmark_stays(x: float, y: float) -> None:
    assert refine(x, y, np.full((64, 64, 1), SURE, np.float32)) == [x, y]


def test_every_landmark_has_a_map_of_its_own() -> None:
    maps = np.concatenate([heat_map((10, 11, SURE)), heat_map((12, 9, SURE))], axis=2)
    moved = refine_positions(np.full((2, 2), 10.5 / 64), maps)
    np.testing.assert_allclose(moved, np.array([[11, 10], [9, 12]]) / 64)


def test_the_next_region_is_around_the_two_points_that_say_where_the_person_is() -> None:
    image_px = np.zeros((39, 3))
    image_px[33, :2], image_px[34, :2] = (100, 200), (100, 160)
    region = PersonLandmarks(
        image_px=image_px, world_m=image_px, visibility=np.ones(39), presence=np.ones(39), person_presence=1.0
    ).region
    assert (region.x_px, region.y_px, region.side_px, region.turn_rad) == pytest.approx((100, 200, 100, 0))
