"""What is drawn lies where the camera says: figures in their windows, still pictures, shaken ones."""

from contextlib import closing
from dataclasses import dataclass, replace
from types import SimpleNamespace

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import sparse

pytest.importorskip("pyvista", reason="drawing needs the extra `simulate`")

from backsight.rendering.cast import Person, PersonPainter
from backsight.rendering.light import Light, set_up_light
from backsight.rendering.scene import FigureCanvas, Mesh, Panel, draw_still
from backsight.rendering.sensor import Shake, picture_shift
from backsight.rendering.solids import Solid, box, drum, globe
from backsight.simulation.camera import Camera, aim_camera

EVEN_LIGHT = Light(0.0, 45.0, np.inf, 0.0, 1.0, 5500.0, 5500.0, 5500.0)
PLACES_M = [(0.0, 1.0, 0.0), (-0.9, 0.1, 0.5), (0.8, 1.7, -0.4), (0.3, 0.2, 0.9)]


def camera_with(roll_deg: float = 0.0, frame_size: tuple[int, int] = (640, 360)) -> Camera:
    aimed = aim_camera(
        at_m=np.zeros(3), yaw_deg=20.0, distance_m=4.0, height_m=1.2, pitch_deg=4.0, focal_px=420.0, roll_deg=roll_deg
    )
    return replace(aimed, frame_size=frame_size)


@dataclass
class Ball:
    """A white ball that jumps from place to place, frame by frame: what a body must offer to be drawn."""

    solid: Solid
    places_m: NDArray[np.float64]

    @property
    def faces(self) -> NDArray[np.int64]:
        return self.solid.faces

    @property
    def colours(self) -> NDArray[np.uint8]:
        return self.solid.colours

    @property
    def incidence(self) -> sparse.csr_array:
        rows, columns = self.faces.ravel(), np.repeat(np.arange(len(self.faces)), 3)
        shape = (len(self.colours), len(self.faces))
        return sparse.csr_array((np.ones(len(rows)), (rows, columns)), shape=shape)

    def place(self, figure: object, frame: int) -> NDArray[np.float64]:
        return self.solid.points + self.places_m[frame]


def ball_person(places_m: NDArray[np.float64]) -> Person:
    ball = Ball(globe((0.0, 0.0, 0.0), (0.04, 0.04, 0.04), (255, 255, 255), n=20), places_m)
    return Person(ball, SimpleNamespace(landmarks_m=np.zeros((len(places_m), 33, 3))))  # type: ignore[arg-type]


def centroid_px(picture: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Middle of what is drawn, in the camera's coordinates: a pixel's middle lies half a pixel from its corner."""
    # Light from above makes a ball's upper side brighter: half-covered pixels count half, others alike.
    weights = np.minimum(picture[..., :3].astype(float).sum(axis=2), 200.0)
    rows, columns = np.mgrid[0 : weights.shape[0], 0 : weights.shape[1]] + 0.5
    return np.array([(columns * weights).sum(), (rows * weights).sum()]) / weights.sum()


@pytest.mark.parametrize("roll_deg", [0.0, 7.0, -20.0])
@pytest.mark.parametrize("supersampling", [1, 2])
def test_a_figure_is_drawn_where_the_camera_sees_it(roll_deg: float, supersampling: int) -> None:
    camera = camera_with(roll_deg)
    places = np.array(PLACES_M)
    lighting = set_up_light(EVEN_LIGHT, centre_m=np.zeros(3), sight=np.array([0.0, 0.0, -1.0]))
    painter = PersonPainter(ball_person(places), lighting, softness_px=0.6, vignetting=0.0, supersampling=supersampling)
    with closing(painter):
        for frame, place in enumerate(places):
            picture = np.zeros((360, 640, 3), dtype=np.uint8)
            painter.paint(picture, ((float(frame), camera),))
            # A ball's darker underside weighs a little less at its soft edge.
            assert centroid_px(picture) == pytest.approx(camera.project(place), abs=0.3)


def test_a_figure_at_the_edge_is_cut_off_and_one_outside_leaves_the_picture_alone() -> None:
    camera = camera_with()
    left_edge = camera.position_m + 4.0 * (camera.axes[2] - camera.axes[0] * 320.0 / 420.0)
    places = np.array([left_edge, left_edge - 0.5 * camera.axes[0], camera.position_m - camera.axes[2]])
    lighting = set_up_light(EVEN_LIGHT, centre_m=np.zeros(3), sight=np.array([0.0, 0.0, -1.0]))
    painter = PersonPainter(ball_person(places), lighting, softness_px=0.0, vignetting=0.0, supersampling=1)
    with closing(painter):
        pictures = [np.zeros((360, 640, 3), dtype=np.uint8) for _ in places]
        for frame, picture in enumerate(pictures):
            painter.paint(picture, ((float(frame), camera),))
    # 4 cm at 4 m are 4.2 pixels: half a disc of that radius.
    assert 20 <= (pictures[0].max(axis=2) > 0).sum() <= 36
    assert (pictures[0][:, 6:] == 0).all()
    assert (pictures[1] == 0).all()


def test_an_exposure_smears_a_figure_between_its_places() -> None:
    camera = camera_with()
    places = np.array([[-0.3, 1.0, 0.0], [0.3, 1.0, 0.0]])
    lighting = set_up_light(EVEN_LIGHT, centre_m=np.zeros(3), sight=np.array([0.0, 0.0, -1.0]))
    painter = PersonPainter(ball_person(places), lighting, softness_px=0.0, vignetting=0.0, supersampling=1)
    picture, sharp = np.zeros((2, 360, 640, 3), dtype=np.uint8)
    with closing(painter):
        painter.paint(picture, ((0.0, camera), (0.5, camera), (1.0, camera)))
        painter.paint(sharp, ((0.5, camera),))
    middle = camera.project(np.array([[-0.3, 1.0, 0.0], [0.0, 1.0, 0.0], [0.3, 1.0, 0.0]])).astype(int)
    full = int(sharp[middle[1, 1], middle[1, 0], 0])
    assert full > 150
    for x, y in middle:
        assert picture[y, x, 0] == pytest.approx(full / 3.0, abs=3)


@pytest.mark.parametrize(("roll_deg", "margin_px"), [(0.0, 0), (9.0, 0), (-9.0, 24)])
def test_a_still_picture_shows_things_where_the_camera_sees_them(roll_deg: float, margin_px: int) -> None:
    camera = camera_with(roll_deg)
    for place in PLACES_M:
        ball = globe(place, (0.04, 0.04, 0.04), (255, 255, 255), n=20)
        drawn = draw_still(camera, meshes=[Mesh(ball.points, ball.faces, ball.colours)], margin_px=margin_px)
        assert drawn.shape == (360 + 2 * margin_px, 640 + 2 * margin_px, 4)
        assert centroid_px(drawn) - margin_px == pytest.approx(camera.project(np.array(place)), abs=0.2)


def test_a_smaller_still_picture_shows_the_same_view() -> None:
    camera = camera_with(frame_size=(642, 362))
    ball = globe(PLACES_M[2], (0.1, 0.1, 0.1), (255, 255, 255), n=20)
    drawn = draw_still(camera, meshes=[Mesh(ball.points, ball.faces, ball.colours)], shrink=4)
    assert drawn.shape == (91, 161, 4)
    # Rounded up to whole pixels, the smaller picture's middle is still the camera's.
    expected = (camera.project(np.array(PLACES_M[2])) - [321.0, 181.0]) / 4.0 + [80.5, 45.5]
    assert centroid_px(drawn) == pytest.approx(expected, abs=0.2)


def test_a_panel_shows_its_picture_upright() -> None:
    camera = camera_with()
    right, down = camera.axes[0], camera.axes[1]
    picture = np.zeros((64, 64, 3), dtype=np.uint8)
    picture[:32, :32], picture[:32, 32:], picture[32:, :32] = (255, 0, 0), (0, 255, 0), (0, 0, 255)
    corner = camera.position_m + 3.0 * camera.axes[2] - 0.5 * right - 0.5 * down
    drawn = draw_still(camera, panels=[Panel(corner, right, down, picture)])
    # 0.25 m from the middle at 3 m are 35 pixels.
    for (x, y), colour in {(-35, -35): (255, 0, 0), (35, -35): (0, 255, 0), (-35, 35): (0, 0, 255)}.items():
        assert tuple(drawn[180 + y, 320 + x, :3]) == colour


def test_what_is_near_hides_what_is_far() -> None:
    camera = camera_with()
    target = camera.position_m + np.array([[2.0], [3.0]]) * camera.axes[2]
    near, far = (
        globe(tuple(place), (0.1, 0.1, 0.1), colour)
        for place, colour in zip(target, [(255, 0, 0), (0, 255, 0)], strict=True)
    )
    drawn = draw_still(camera, meshes=[Mesh(one.points, one.faces, one.colours) for one in (far, near)])
    assert tuple(drawn[180, 320, :3]) == (255, 0, 0)
    seen = [camera.to_camera(one.points) for one in (far, near)]
    flat = np.concatenate([camera.project(one.points) for one in (far, near)])
    faces = np.concatenate([far.faces, near.faces + len(far.points)])
    colours = np.concatenate([far.colours, near.colours])
    with FigureCanvas(faces, n_points=len(flat), size=(640, 360), hides_backs=False) as canvas:
        assert tuple(canvas.draw(flat, np.concatenate(seen)[:, 2], colours)[180, 320, :3]) == (255, 0, 0)


def test_hiding_backs_keeps_the_side_that_faces_the_camera() -> None:
    camera = camera_with()
    ball = globe(tuple(camera.position_m + 3.0 * camera.axes[2]), (0.2, 0.2, 0.2), (255, 255, 255))
    seen = camera.to_camera(ball.points)
    colours = np.where(seen[:, 2:] < 3.0, (0, 255, 0), (255, 0, 0)).astype(np.uint8)
    with FigureCanvas(ball.faces, n_points=len(seen), size=(640, 360)) as canvas:
        drawn = canvas.draw(camera.project(ball.points), seen[:, 2], colours)
    assert tuple(drawn[180, 320, :3]) == (0, 255, 0)


@pytest.mark.parametrize(
    "solid",
    [
        globe((0.0, 0.0, 0.0), (0.3, 0.2, 0.4), (0, 0, 0)),
        box((0.0, 0.0, 0.0), (0.3, 0.2, 0.4), (0, 0, 0)),
        drum((0.0, 0.0, 0.0), (0.2, 0.1), 0.4, (0, 0, 0)),
        drum((0.0, 0.0, 0.0), (0.2, 0.2), 0.4, (0, 0, 0), axis=2),
    ],
    ids=["globe", "box", "drum", "lying drum"],
)
def test_the_normals_of_solids_point_out(solid: Solid) -> None:
    assert np.linalg.norm(solid.normals, axis=1) == pytest.approx(1.0)
    middle = (solid.points.min(axis=0) + solid.points.max(axis=0)) / 2.0
    assert (((solid.points - middle) * solid.normals).sum(axis=1) > 0.0).all()


def test_a_shaken_still_picture_agrees_with_the_shaken_camera() -> None:
    camera, margin_px = camera_with(), 48
    shake = Shake(2.0, np.random.default_rng(4))
    place = camera.position_m + 4.0 * camera.axes[2] + 0.7 * camera.axes[0] - 0.4 * camera.axes[1]
    ball = globe(tuple(place), (0.04, 0.04, 0.04), (255, 255, 255), n=20)
    still = draw_still(camera, meshes=[Mesh(ball.points, ball.faces, ball.colours)], margin_px=margin_px)
    for time_s in (0.0, 0.4, 1.1):
        moved = shake.move(camera, time_s)
        shift = picture_shift(camera, moved, margin_px=margin_px, depth_m=4.0)
        seen = np.asarray(cv2.warpPerspective(still, shift, camera.frame_size), dtype=np.uint8)
        assert np.linalg.norm(moved.project(place) - camera.project(place)) > 2.0
        assert centroid_px(seen) == pytest.approx(moved.project(place), abs=0.3)
