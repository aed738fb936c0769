"""People in front of the camera: their meshes over time, lit, projected and drawn. Knows nothing of the room."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from backsight.domain.validation import FloatArray
from backsight.rendering.light import Lighting, to_codes, to_linear
from backsight.rendering.scene import FigureCanvas
from backsight.rendering.sensor import vignette
from backsight.simulation.camera import Camera
from backsight.simulation.skeleton import Figure

_CANVAS_STEP_PX = 32
"""Canvases grow in steps, so that a figure that comes nearer does not need a new one for every picture."""
_NEAR_M = 0.1
_DIM_BELOW_M = 0.30
"""Surfaces nearer to the floor than this get less light from all around."""
_DIMMEST = 0.7


class PlacedMesh(Protocol):
    """A body that can be put into each of a figure's frames; see `rendering.shape.BodyMesh`."""

    @property
    def faces(self) -> NDArray[np.integer]:
        """Triangles, counter-clockwise seen from outside; shape (n_triangles, 3)."""
        ...

    @property
    def colours(self) -> NDArray[np.uint8]:
        """RGB under white light; shape (n_vertices, 3)."""
        ...

    @property
    def incidence(self) -> sparse.csr_array:
        """1 where a triangle belongs to a point's smooth normal; shape (n_vertices, n_triangles)."""
        ...

    def place(self, figure: Figure, frame: int) -> NDArray[np.floating]:
        """Points in the room, metres; shape (n_vertices, 3)."""
        ...


class Person:
    """Somebody in the shot: a mesh, a figure that moves it, and where in the room that figure is.

    Parameters
    ----------
    turn
        Rotation from the figure's room to the film's; shape (3, 3).
    offset_m
        Where the figure's origin is in the film's room, frame by frame; shape (n_frames, 3).
    figure_frames
        Which of the figure's frames is shown in each of the film's; shape (n_frames,).
    """

    def __init__(
        self,
        mesh: PlacedMesh,
        figure: Figure,
        *,
        turn: FloatArray | None = None,
        offset_m: FloatArray | None = None,
        figure_frames: NDArray[np.integer] | None = None,
    ) -> None:
        n_figure = len(figure.landmarks_m)
        self._frames = np.arange(n_figure) if figure_frames is None else figure_frames
        self._turn = turn
        self._offset_m = offset_m
        self._mesh, self._figure = mesh, figure
        self._albedo = to_linear(mesh.colours)
        self._incidence = mesh.incidence.astype(np.float32)
        self._corners = np.ascontiguousarray(mesh.faces.T)
        self._placed: dict[int, NDArray[np.float32]] = {}

    @property
    def faces(self) -> NDArray[np.integer]:
        """Triangles; shape (n_triangles, 3)."""
        return self._mesh.faces

    @property
    def n_points(self) -> int:
        """How many points the mesh has."""
        return len(self._albedo)

    def points_m(self, moment: float) -> NDArray[np.float32]:
        """Points in the film's room between two frames, counted in frames; shape (n_vertices, 3)."""
        moment = min(max(moment, 0.0), len(self._frames) - 1.0)
        before = int(moment)
        share = np.float32(moment - before)
        if share < 1e-6:
            return self._place(before)
        return (1.0 - share) * self._place(before) + share * self._place(before + 1)

    def _place(self, frame: int) -> NDArray[np.float32]:
        placed = self._placed.get(frame)
        if placed is None:
            placed = np.asarray(self._mesh.place(self._figure, int(self._frames[frame])), dtype=np.float32)
            if self._turn is not None:
                placed = placed @ self._turn.T.astype(np.float32)
            if self._offset_m is not None:
                placed = placed + self._offset_m[frame].astype(np.float32)
            # Exposures reach into the frames before and after: three are enough.
            self._placed = {key: value for key, value in self._placed.items() if abs(key - frame) < 3}
            self._placed[frame] = placed
        return placed

    def reflect(self, points_m: NDArray[np.float32], lighting: Lighting) -> NDArray[np.float32]:
        """Light that the body sends to the camera, linear RGB; shape (n_vertices, 3)."""
        normals = self._incidence @ _face_normals(points_m, self._corners)
        normals /= np.sqrt(np.maximum(np.einsum("ij,ij->i", normals, normals), 1e-20))[:, None]
        near_floor = _DIMMEST + (1.0 - _DIMMEST) * np.clip(points_m[:, 1:2] / _DIM_BELOW_M, 0.0, 1.0)
        lit: NDArray[np.float32] = self._albedo * lighting.irradiance(points_m, normals) * near_floor
        return lit


class PersonPainter:
    """Draws one person over pictures, in a window round where they appear.

    Parameters
    ----------
    softness_px
        Standard deviation of the lens's blur.
    vignetting
        Share of light lost in the frame's corners.
    supersampling
        How many times too large the figure is drawn in each direction, for smooth edges.
    """

    def __init__(
        self, person: Person, lighting: Lighting, *, softness_px: float, vignetting: float, supersampling: int
    ) -> None:
        self.person = person
        self._lighting = lighting
        self._softness_px, self._vignetting, self._zoom = softness_px, vignetting, supersampling
        self._canvas: FigureCanvas | None = None
        self._canvas_size = (0, 0)

    def paint(self, picture: NDArray[np.uint8], moments: tuple[tuple[float, Camera], ...]) -> None:
        """Draw the person over a picture, in place: the mean of several moments, each with where the camera was."""
        poses = [self._project(moment, camera) for moment, camera in moments]
        # Within an exposure nothing turns so far that its light would change.
        colours = self._light_up(*moments[len(moments) // 2])
        height, width = picture.shape[:2]
        low = np.min([flat.min(axis=0) for flat, _ in poses], axis=0)
        high = np.max([flat.max(axis=0) for flat, _ in poses], axis=0)
        # Two pixels more for the lens's blur.
        left, top = (int(value) for value in np.clip(np.floor(low) - 2, 0, (width, height)))
        right, bottom = (int(value) for value in np.clip(np.ceil(high) + 2, 0, (width, height)))
        if right <= left or bottom <= top:
            return
        canvas = self._canvas_for((right - left, bottom - top))
        layers = [
            self._draw(canvas, flat - np.array([left, top], dtype=np.float32), depth, colours) for flat, depth in poses
        ]
        layer = average(layers)[: bottom - top, : right - left]
        if self._softness_px > 0.0:
            blurred = cv2.GaussianBlur(layer, (0, 0), self._softness_px, borderType=cv2.BORDER_REPLICATE)
            layer = np.asarray(blurred, dtype=np.uint8)
        lay_over(picture[top:bottom, left:right], layer)

    def _project(self, moment: float, camera: Camera) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Return where the points appear, (n, 2) pixels, and how far they are, (n,) metres."""
        # As `Camera.project`, in single precision.
        points = self.person.points_m(moment)
        seen = (points - camera.position_m.astype(np.float32)) @ camera.axes.T.astype(np.float32)
        depth = np.maximum(seen[:, 2], np.float32(_NEAR_M))
        centre = np.array(camera.frame_size, dtype=np.float32) / 2.0
        return np.asarray(centre + camera.focal_px * seen[:, :2] / depth[:, None], dtype=np.float32), depth

    def _light_up(self, moment: float, camera: Camera) -> NDArray[np.uint8]:
        """Return the points' finished colours, (n, 3)."""
        lit = self.person.reflect(self.person.points_m(moment), self._lighting)
        if self._vignetting > 0.0:
            flat, _ = self._project(moment, camera)
            lit *= vignette(flat, frame_size=camera.frame_size, loss=self._vignetting)[:, None]
        return to_codes(lit)

    def _draw(
        self, canvas: FigureCanvas, flat: NDArray[np.floating], depth: NDArray[np.float32], colours: NDArray[np.uint8]
    ) -> NDArray[np.uint8]:
        drawn = canvas.draw(flat * self._zoom, depth, colours)
        if self._zoom == 1:
            return drawn.copy()
        return np.asarray(cv2.resize(drawn, self._canvas_size, interpolation=cv2.INTER_AREA), dtype=np.uint8)

    def _canvas_for(self, size: tuple[int, int]) -> FigureCanvas:
        """Return a canvas at least this large, a new one where the last is too small."""
        if self._canvas is None or any(have < want for have, want in zip(self._canvas_size, size, strict=True)):
            self.close()
            wide, high = (
                max(have, -(-want // _CANVAS_STEP_PX) * _CANVAS_STEP_PX)
                for have, want in zip(self._canvas_size, size, strict=True)
            )
            self._canvas_size = (wide, high)
            zoomed = (wide * self._zoom, high * self._zoom)
            self._canvas = FigureCanvas(self.person.faces, n_points=self.person.n_points, size=zoomed)
        return self._canvas

    def close(self) -> None:
        """Release the window; a second call does nothing."""
        if self._canvas is not None:
            self._canvas.close()
            self._canvas = None


def average(pictures: Sequence[NDArray[np.uint8]]) -> NDArray[np.uint8]:
    """Return the mean of pictures of one size, to within a code or two; a single one as it is."""
    mean = pictures[0]
    for n_before, picture in enumerate(pictures[1:], start=1):
        share = 1.0 / (n_before + 1)
        mean = np.asarray(cv2.addWeighted(mean, 1.0 - share, picture, share, 0.0), dtype=np.uint8)
    return mean


def lay_over(picture: NDArray[np.uint8], layer: NDArray[np.uint8]) -> None:
    """Lay an RGBA layer, colours multiplied by alpha, over an RGB picture of the same size, in place."""
    alpha = layer[..., 3]
    clear = cv2.merge([255 - alpha] * 3)
    cv2.multiply(picture, clear, dst=picture, scale=1.0 / 255.0)
    cv2.add(picture, np.ascontiguousarray(layer[..., :3]), dst=picture)


def _face_normals(points_m: NDArray[np.float32], corners: NDArray[np.integer]) -> NDArray[np.float32]:
    """Return each triangle's normal, as long as twice its area; shape (n_faces, 3)."""
    first, second, third = (points_m[rows] for rows in corners)
    (ax, ay, az), (bx, by, bz) = (second - first).T, (third - first).T
    return np.stack([ay * bz - az * by, az * bx - ax * bz, ax * by - ay * bx], axis=1)
