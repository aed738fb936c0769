"""Meshes have the size of their fields, face outward, and are cut where they should be."""

import numpy as np
import pytest

pytest.importorskip("pyvista", reason="drawing bodies needs the extra `simulate`")

from backsight.rendering.field import Cone, Ellipsoid, Loft, Place, blend, smooth_step
from backsight.rendering.surface import EMPTY, Box, Sheet, ball, cut, lining, polygonise, rod

HERE = Place(np.zeros(3), np.eye(3))


def area_m2(sheet: Sheet) -> float:
    a, b, c = (sheet.points[sheet.faces[:, corner]].astype(float) for corner in range(3))
    return float(np.linalg.norm(np.cross(b - a, c - a), axis=1).sum() / 2.0)


def volume_m3(sheet: Sheet) -> float:
    """Positive when the triangles of a closed sheet look outward."""
    a, b, c = (sheet.points[sheet.faces[:, corner]].astype(float) for corner in range(3))
    return float((a * np.cross(b, c)).sum() / 6.0)


@pytest.fixture(name="sphere")
def make_sphere() -> Sheet:
    box = Box(HERE, np.full(3, -0.15), np.full(3, 0.15), 0.01)
    return polygonise(Ellipsoid(HERE, (0.1, 0.1, 0.1)), box)


def test_a_sphere_has_its_area_and_volume_and_looks_outward(sphere: Sheet) -> None:
    assert area_m2(sphere) == pytest.approx(4.0 * np.pi * 0.01, rel=0.02)
    assert volume_m3(sphere) == pytest.approx(4.0 / 3.0 * np.pi * 0.001, rel=0.03)
    assert np.linalg.norm(sphere.points, axis=1) == pytest.approx(0.1, abs=5e-4)


def test_a_closed_mesh_has_two_triangles_at_every_edge(sphere: Sheet) -> None:
    edges = np.sort(sphere.faces[:, [[0, 1], [1, 2], [2, 0]]].reshape(-1, 2), axis=1)
    assert (np.unique(edges, axis=0, return_counts=True)[1] == 2).all()


def test_a_turned_box_meshes_the_same_solid() -> None:
    turn = np.array([[0.6, 0.0, 0.8], [0.0, 1.0, 0.0], [-0.8, 0.0, 0.6]])
    place = Place(np.array([1.0, 2.0, 3.0]), turn)
    sheet = polygonise(Ellipsoid(place, (0.1, 0.05, 0.08)), Box(place, np.full(3, -0.15), np.full(3, 0.15), 0.01))
    assert volume_m3(Sheet((sheet.points - place.origin_m).astype(np.float32), sheet.faces)) == pytest.approx(
        4.0 / 3.0 * np.pi * 0.1 * 0.05 * 0.08, rel=0.04
    )


def test_nothing_in_the_box_gives_no_triangles() -> None:
    assert not len(
        polygonise(Ellipsoid(HERE, (0.1, 0.1, 0.1)), Box(HERE, np.full(3, 1.0), np.full(3, 1.2), 0.02)).faces
    )


def test_a_cut_keeps_the_positive_side_with_a_crisp_edge(sphere: Sheet) -> None:
    height = sphere.points[:, 1] - np.float32(0.033)
    above, below = cut(sphere, height), cut(sphere, -height)
    assert above.points[:, 1].min() == pytest.approx(0.033, abs=1e-5)
    assert below.points[:, 1].max() == pytest.approx(0.033, abs=1e-5)
    assert area_m2(above) + area_m2(below) == pytest.approx(area_m2(sphere), rel=1e-5)
    # Archimedes: a cap's area is 2 pi r times its height.
    assert area_m2(above) == pytest.approx(2.0 * np.pi * 0.1 * 0.067, rel=0.03)
    assert (above.points[above.faces].mean(axis=1) * np.cross(
        above.points[above.faces[:, 1]] - above.points[above.faces[:, 0]],
        above.points[above.faces[:, 2]] - above.points[above.faces[:, 0]],
    )).sum(axis=1).min() > -1e-9  # fmt: skip


def test_cutting_nothing_or_everything(sphere: Sheet) -> None:
    ones = np.ones(len(sphere.points), dtype=np.float32)
    assert cut(sphere, ones) is sphere
    assert cut(sphere, -ones) is EMPTY


def test_a_lining_looks_inward_beneath_the_edge(sphere: Sheet) -> None:
    keep = sphere.points[:, 1] + np.float32(0.1)
    inside = lining(sphere, keep, depth_m=1.0, gap_m=0.005)
    assert volume_m3(inside) == pytest.approx(-4.0 / 3.0 * np.pi * 0.095**3, rel=0.03)
    assert lining(sphere, keep, depth_m=0.03, gap_m=0.005).points[:, 1].max() < -0.05


def test_balls_and_rods_look_outward() -> None:
    assert volume_m3(ball(HERE, (0.1, 0.2, 0.3))) == pytest.approx(4.0 / 3.0 * np.pi * 0.006, rel=0.3)
    assert volume_m3(rod(np.array([[0.0, 0.0, 0.0], [1.0, 0.0, 0.0]]), 0.1)) > 0.015


@pytest.mark.parametrize(
    ("point", "expected"),
    [((0.3, 0.5, 0.0), 0.1), ((0.0, 1.4, 0.0), 0.2), ((0.0, -0.5, 0.0), 0.3), ((0.1, 0.5, 0.0), -0.1)],
)
def test_a_rod_measures_the_distance(point: tuple[float, float, float], expected: float) -> None:
    cone = Cone(np.zeros(3), np.array([0.0, 1.2, 0.0]), (0.2, 0.2))
    assert cone(np.array([point], dtype=np.float32))[0] == pytest.approx(expected if point[1] <= 1.2 else 0.0, abs=1e-6)


def test_a_loft_follows_its_sections() -> None:
    loft = Loft(
        HERE,
        np.array([0.0, 1.0]),
        np.array([[0.1, 0.2, 0.3, 0.0, 0.0], [0.2, 0.2, 0.3, 0.0, 0.0]]),
        (0.05, 0.10),
    )
    on = [(0.1, 0.0, 0.0), (0.0, 0.5, 0.2), (0.0, 0.5, -0.3), (0.15, 0.5, 0.0), (0.0, -0.05, 0.0), (0.0, 1.10, 0.0)]
    assert loft(np.array(on, dtype=np.float32)) == pytest.approx(0.0, abs=1e-3)


def test_a_blend_fills_the_groove_and_nothing_else() -> None:
    near, far = np.zeros(2, dtype=np.float32), np.array([0.0, 1.0], dtype=np.float32)
    assert blend(near, far, 0.04) == pytest.approx([-0.01, 0.0])
    assert blend(near, far, 0.0) == pytest.approx([0.0, 0.0])


def test_a_smooth_step_rises_between_its_ends() -> None:
    assert smooth_step(np.array([-2.0, -1.0, 0.0, 1.0, 2.0], dtype=np.float32), -1.0, 1.0) == pytest.approx(
        [0.0, 0.0, 0.5, 1.0, 1.0]
    )
