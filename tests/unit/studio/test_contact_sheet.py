"""A contact sheet shows one tile a volunteer, all in one scale."""

from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest

from backsight.domain.landmarks import Landmark
from backsight.domain.recording import Exercise
from backsight.domain.sequences import Frame
from backsight.errors import OutputError
from backsight.simulation.performance import Performance
from backsight.studio.contact_sheet import COLUMNS, SHEET_COLOUR, TALLEST_M, TILE_PX, draw_contact_sheet
from backsight.studio.filmed import Shot, plan_shots
from tests.fakes import FakeSource

SHOTS = plan_shots(range(COLUMNS + 1), seed=1, exercises=[Exercise.JUMP], yaws_deg=[0.0], fps=5.0, distance_m=4.0)


class Marked(FakeSource):
    """A black picture with white from the volunteer's eyes to their heels."""

    def __init__(self, shot: Shot, performance: Performance) -> None:
        super().__init__([0.0, 1.0], size=shot.frame_size)
        seen_px = performance.camera.project(performance.figure.landmarks_m[0])
        self._top, self._bottom = (round(float(seen_px[row, 1])) for row in (Landmark.LEFT_EYE, Landmark.LEFT_HEEL))

    def frames(self) -> Iterator[Frame]:
        for frame in super().frames():
            image = np.zeros_like(frame.image)
            image[self._top : self._bottom] = 255
            yield Frame(image=image, timestamp_s=frame.timestamp_s, index=frame.index)


def test_tiles_stand_in_rows_and_heights_can_be_compared(tmp_path: Path) -> None:
    path = tmp_path / "sheet.png"
    draw_contact_sheet(path, SHOTS, film=Marked)

    sheet = cv2.imread(str(path), cv2.IMREAD_GRAYSCALE)
    assert sheet is not None
    width, height = TILE_PX
    row_height = sheet.shape[0] // 2
    assert sheet.shape[1] == COLUMNS * width
    assert row_height > height  # A label below each picture.
    assert (sheet[row_height:, width:] == SHEET_COLOUR).all()  # Only one volunteer in the second row.
    for place, shot in enumerate(SHOTS[:COLUMNS]):
        performance = shot.perform()
        marks_m = performance.figure.landmarks_m[0]
        tall_m = marks_m[Landmark.LEFT_EYE, 1] - marks_m[Landmark.LEFT_HEEL, 1]
        n_white = (sheet[:height, place * width + width // 2] > 127).sum()
        # The eyes are nearer to the lens than the middle of the body, and a lens looks up or down a little.
        assert n_white / height * TALLEST_M == pytest.approx(tall_m, rel=0.06)


def test_a_file_that_cannot_be_written_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match=r"cannot write .*sheet\.png"):
        draw_contact_sheet(tmp_path / "nowhere/sheet.png", SHOTS[:1], film=Marked)
