"""Draw triangles into pictures off screen; VTK's only door. Knows nothing of people, rooms or light.

Colours come finished: VTK interpolates and hides what lies behind, and does nothing else.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

import cv2
import numpy as np
from numpy.typing import NDArray
from vtkmodules.util import numpy_support
from vtkmodules.vtkCommonCore import vtkLogger, vtkPoints, vtkUnsignedCharArray
from vtkmodules.vtkCommonDataModel import vtkCellArray, vtkImageData, vtkPolyData
from vtkmodules.vtkRenderingCore import vtkActor, vtkPolyDataMapper, vtkRenderer, vtkRenderWindow, vtkTexture
from vtkmodules.vtkRenderingOpenGL2 import vtkOpenGLRenderWindow  # noqa: F401  (registers the window classes)

from backsight.simulation.camera import Camera

_arrays: Any = numpy_support
_NEAR_M, _FAR_M = 0.05, 200.0
_SUPERSAMPLING = 2
"""Still pictures are drawn this many times too large in each direction, then averaged."""


@dataclass(frozen=True, eq=False)
class Panel:
    """A flat rectangle with a picture on it."""

    corner_m: NDArray[np.float64]
    """Where the picture's upper left corner is; shape (3,)."""
    across_m: NDArray[np.float64]
    """Along the picture's upper edge; shape (3,)."""
    down_m: NDArray[np.float64]
    """Along the picture's left edge; shape (3,)."""
    picture: NDArray[np.uint8]
    """Finished colours, RGB; shape (height, width, 3)."""
    repeats: tuple[float, float] = (1.0, 1.0)
    """How often the picture is laid across and down."""


@dataclass(frozen=True, eq=False)
class Mesh:
    """Triangles with a finished colour at every corner."""

    points_m: NDArray[np.float64]
    """Shape (n, 3)."""
    faces: NDArray[np.int64]
    """Shape (n_triangles, 3)."""
    colours: NDArray[np.uint8]
    """RGB; shape (n, 3)."""


class FigureCanvas:
    """Draws one mesh again and again, given where its points appear in the picture.

    Points come projected, so the camera is the caller's: what it says of a point is where that point is drawn.

    Parameters
    ----------
    faces
        Shape (n_triangles, 3).
    n_points
        How many points the mesh has.
    size
        (width, height) of the picture in pixels.
    hides_backs
        Leave out triangles whose corners run clockwise as one sees them: halves the work for a closed body.
    """

    def __init__(
        self, faces: NDArray[np.integer], *, n_points: int, size: tuple[int, int], hides_backs: bool = True
    ) -> None:
        width, height = size
        self._size = size
        self._points = np.zeros((n_points, 3), dtype=np.float32)
        self._colours = np.zeros((n_points, 3), dtype=np.uint8)
        self._vtk_points, self._vtk_colours = vtkPoints(), _arrays.numpy_to_vtk(self._colours, deep=False)
        self._vtk_points.SetData(_arrays.numpy_to_vtk(self._points, deep=False))
        self._window, renderer = _open_window(size)
        actor = _make_actor(_make_polydata(self._vtk_points, faces, self._vtk_colours))
        # Drawn with y upwards, as below, an outside turns the wrong way round.
        actor.GetProperty().SetFrontfaceCulling(hides_backs)
        renderer.AddActor(actor)
        camera = renderer.GetActiveCamera()
        camera.ParallelProjectionOn()
        camera.SetParallelScale(height / 2.0)
        # Rows count from the bottom in VTK and from the top in pictures: y is drawn upwards and read back as it lies,
        # so nothing is ever turned over.
        camera.SetPosition(width / 2.0, height / 2.0, 1.0)
        camera.SetFocalPoint(width / 2.0, height / 2.0, 0.0)
        camera.SetViewUp(0.0, 1.0, 0.0)
        camera.SetClippingRange(0.5, 2.5)
        self._read = vtkUnsignedCharArray()

    def draw(
        self, points_px: NDArray[np.floating], depth_m: NDArray[np.floating], colours: NDArray[np.uint8]
    ) -> NDArray[np.uint8]:
        """Return the mesh's picture and where it covers the background.

        Parameters
        ----------
        points_px
            x right and y down from the canvas's corner; shape (n, 2).
        depth_m
            Distance along the line of sight, above 0; shape (n,).
        colours
            Finished, RGB; shape (n, 3).

        Returns
        -------
        numpy.ndarray
            RGBA, shape (height, width, 4), 0 where nothing is; overwritten by the next call.
        """
        self._points[:, :2] = points_px
        # 1 / depth runs straight across a flat triangle in the picture, depth itself does not.
        self._points[:, 2] = np.clip(_NEAR_M / np.maximum(depth_m, _NEAR_M), 0.0, 1.0) * 1.4 - 1.0
        self._colours[:] = colours
        self._vtk_points.Modified()
        self._vtk_colours.Modified()
        self._window.Render()
        width, height = self._size
        self._window.GetRGBACharPixelData(0, 0, width - 1, height - 1, 0, self._read)
        drawn: NDArray[np.uint8] = _arrays.vtk_to_numpy(self._read).reshape(height, width, 4)
        return drawn

    def close(self) -> None:
        """Release the window; a second call does nothing."""
        _close_window(self._window)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()


def draw_still(
    camera: Camera,
    *,
    panels: Sequence[Panel] = (),
    meshes: Sequence[Mesh] = (),
    margin_px: int = 0,
    shrink: int = 1,
) -> NDArray[np.uint8]:
    """Draw a scene once, with smooth edges.

    Parameters
    ----------
    margin_px
        Drawn beyond every edge of the camera's frame.
    shrink
        How many times smaller than the frame and its margin the picture is; sizes are rounded up.

    Returns
    -------
    numpy.ndarray
        RGBA with colours multiplied by alpha, shape (height + 2 margin_px, width + 2 margin_px, 4) / shrink.
    """
    width, height = (side + 2 * margin_px for side in camera.frame_size)
    small_size = (-(-width // shrink), -(-height // shrink))
    large = (small_size[0] * _SUPERSAMPLING, small_size[1] * _SUPERSAMPLING)
    with _window(large) as (window, renderer):
        for panel in panels:
            renderer.AddActor(_panel_actor(panel))
        for mesh in meshes:
            points = vtkPoints()
            points.SetData(_arrays.numpy_to_vtk(np.ascontiguousarray(mesh.points_m, dtype=np.float32), deep=True))
            colours = _arrays.numpy_to_vtk(np.ascontiguousarray(mesh.colours), deep=True)
            renderer.AddActor(_make_actor(_make_polydata(points, mesh.faces, colours)))
        lens = renderer.GetActiveCamera()
        lens.SetPosition(*camera.position_m)
        lens.SetFocalPoint(*(camera.position_m + camera.axes[2]))
        lens.SetViewUp(*(-camera.axes[1]))
        lens.SetViewAngle(2.0 * np.degrees(np.arctan2(small_size[1] * shrink / 2.0, camera.focal_px)))
        lens.SetClippingRange(_NEAR_M, _FAR_M)
        window.Render()
        read = vtkUnsignedCharArray()
        window.GetRGBACharPixelData(0, 0, large[0] - 1, large[1] - 1, 0, read)
        picture = _arrays.vtk_to_numpy(read).reshape(large[1], large[0], 4)[::-1]
        return np.asarray(cv2.resize(picture, small_size, interpolation=cv2.INTER_AREA), dtype=np.uint8)


@contextmanager
def _window(size: tuple[int, int]) -> Iterator[tuple[Any, Any]]:
    window, renderer = _open_window(size)
    try:
        yield window, renderer
    finally:
        _close_window(window)


def _open_window(size: tuple[int, int]) -> tuple[Any, Any]:
    # Mesa's software driver, where that is what draws, otherwise starts a thread for every core, and then several
    # processes fight for them. It reads this when the first window opens.
    os.environ.setdefault("LP_NUM_THREADS", "0")
    level = vtkLogger.GetCurrentVerbosityCutoff()
    # Without a display VTK says so on standard error, then draws off screen by other means.
    vtkLogger.SetStderrVerbosity(vtkLogger.VERBOSITY_OFF)
    try:
        window = vtkRenderWindow()
        window.SetOffScreenRendering(True)
        window.SetMultiSamples(0)
        window.SetAlphaBitPlanes(True)
        window.SetSize(*size)
        renderer = vtkRenderer()
        renderer.SetBackground(0.0, 0.0, 0.0)
        renderer.SetBackgroundAlpha(0.0)
        window.AddRenderer(renderer)
        window.SwapBuffersOff()
        window.Initialize()
    finally:
        vtkLogger.SetStderrVerbosity(level)
    return window, renderer


def _close_window(window: Any) -> None:
    for renderer in list(window.GetRenderers()):
        renderer.RemoveAllViewProps()
        renderer.ReleaseGraphicsResources(window)
        window.RemoveRenderer(renderer)
    window.Finalize()


def _make_polydata(points: Any, faces: NDArray[np.integer], colours: Any | None) -> Any:
    cells = vtkCellArray()
    cells.SetData(3, _arrays.numpy_to_vtkIdTypeArray(np.ascontiguousarray(faces, dtype=np.int64).ravel(), deep=True))
    polydata = vtkPolyData()
    polydata.SetPoints(points)
    polydata.SetPolys(cells)
    if colours is not None:
        polydata.GetPointData().SetScalars(colours)
    return polydata


def _make_actor(polydata: Any) -> Any:
    mapper = vtkPolyDataMapper()
    mapper.SetInputData(polydata)
    actor = vtkActor()
    actor.SetMapper(mapper)
    actor.GetProperty().LightingOff()
    return actor


def _panel_actor(panel: Panel) -> Any:
    corners = panel.corner_m + np.array([[0.0, 0.0], [1.0, 0.0], [1.0, 1.0], [0.0, 1.0]]) @ np.stack(
        [panel.across_m, panel.down_m]
    )
    points = vtkPoints()
    points.SetData(_arrays.numpy_to_vtk(corners.astype(np.float32), deep=True))
    polydata = _make_polydata(points, np.array([[0, 1, 2], [0, 2, 3]]), None)
    where = (np.array([[0.0, 0.0], [1.0, 0.0], [1.0, 1.0], [0.0, 1.0]]) * panel.repeats).astype(np.float32)
    polydata.GetPointData().SetTCoords(_arrays.numpy_to_vtk(where, deep=True))
    height, width = panel.picture.shape[:2]
    image = vtkImageData()
    image.SetDimensions(width, height, 1)
    image.GetPointData().SetScalars(_arrays.numpy_to_vtk(np.ascontiguousarray(panel.picture).reshape(-1, 3), deep=True))
    texture = vtkTexture()
    texture.SetInputData(image)
    texture.SetRepeat(panel.repeats != (1.0, 1.0))
    texture.InterpolateOn()
    texture.MipmapOn()
    texture.SetMaximumAnisotropicFiltering(8.0)
    actor = _make_actor(polydata)
    actor.SetTexture(texture)
    return actor
