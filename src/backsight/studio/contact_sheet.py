"""Draw many volunteers on one sheet, so that one sees how much they differ. Knows nothing of how one is drawn."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from backsight.domain.sequences import Frame
from backsight.errors import FilmingError, OutputError
from backsight.ports import FrameSource
from backsight.simulation.camera import mid_hip_m
from backsight.simulation.performance import Performance
from backsight.studio.filmed import Shot, stage

TILE_PX = (200, 400)
"""Width and height of one volunteer on the sheet."""
TALLEST_M = 2.15
"""What a tile's height shows of the room, from a little below the floor: one scale for all, so that height shows."""
BELOW_FLOOR_M = 0.08
COLUMNS = 7
SHEET_COLOUR = 245
_LABEL_PX = 24

Picture = NDArray[np.uint8]


def draw_contact_sheet(
    path: Path,
    shots: Sequence[Shot],
    *,
    film: Callable[[Shot, Performance], FrameSource] = stage,
    on_progress: Callable[[int, int], None] | None = None,
) -> None:
    """Write a PNG of the first picture of every shot, cut to the person and labelled with number, sex, age and height.

    Parameters
    ----------
    film
        Makes the film of a shot; only its first frame is drawn.

    Raises
    ------
    OutputError
        When the file cannot be written.
    """
    if path.is_dir() or not path.parent.is_dir():
        found = "is a folder" if path.is_dir() else f"lies in {path.parent}, which is no folder"
        raise OutputError(f"cannot write {path}: it {found}; name a PNG file in a folder that exists")
    tiles = []
    for done, shot in enumerate(shots, start=1):
        performance = shot.perform()
        frame = next(iter(film(shot, performance).frames()), None)
        if frame is None:
            raise FilmingError(f"volunteer {shot.subject_index}: the film has no picture")
        tiles.append(_tile(frame, shot, performance))
        if on_progress:
            on_progress(done, len(shots))
    encoded_well, encoded = cv2.imencode(".png", _arrange(tiles)[..., ::-1])
    if not encoded_well:
        raise OutputError(f"{path.name}: the contact sheet cannot be encoded as PNG")
    try:
        path.write_bytes(encoded.tobytes())
    except OSError as error:
        raise OutputError(f"cannot write {path}: {error.strerror or error}; choose another file") from error


def _tile(frame: Frame, shot: Shot, performance: Performance) -> Picture:
    """Cut the person out in the sheet's scale, and write who it is below."""
    width, height = TILE_PX
    picture_height, picture_width = frame.image.shape[:2]
    camera, body = performance.camera, performance.volunteer.body
    middle_m = mid_hip_m(performance.figure.landmarks_m[0])[0]
    ends_m = np.array([(middle_m[0], y, middle_m[2]) for y in (TALLEST_M - BELOW_FLOOR_M, -BELOW_FLOOR_M)])
    zoom = min(picture_width / camera.frame_size[0], picture_height / camera.frame_size[1])
    picture_centre = np.array([picture_width, picture_height]) / 2.0
    top, bottom = (camera.project(ends_m) - np.array(camera.frame_size) / 2.0) * zoom + picture_centre
    scale = float(bottom[1] - top[1]) / height
    centre_x = float(top[0] + bottom[0]) / 2.0
    # Tile to picture; beyond the picture its edge goes on.
    matrix = np.array([[scale, 0.0, centre_x - scale * width / 2.0], [0.0, scale, float(top[1])]])
    cut = cv2.warpAffine(
        frame.image, matrix, TILE_PX, flags=cv2.INTER_AREA | cv2.WARP_INVERSE_MAP, borderMode=cv2.BORDER_REPLICATE
    )
    label = np.full((_LABEL_PX, width, 3), SHEET_COLOUR, dtype=np.uint8)
    text = f"{shot.subject_index}: {body.sex[0]} {body.age_years:.0f} y {body.height_m:.2f} m"
    cv2.putText(label, text, (6, 17), cv2.FONT_HERSHEY_SIMPLEX, 0.45, (30, 30, 30), 1, cv2.LINE_AA)
    return np.vstack([np.asarray(cut, dtype=np.uint8), label])


def _arrange(tiles: Sequence[Picture]) -> Picture:
    columns = min(COLUMNS, len(tiles))
    blank = np.full_like(tiles[0], SHEET_COLOUR)
    padded = [*tiles, *[blank] * (math.ceil(len(tiles) / columns) * columns - len(tiles))]
    return np.vstack([np.hstack(padded[start : start + columns]) for start in range(0, len(padded), columns)])
