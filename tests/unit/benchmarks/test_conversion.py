"""What conversion costs is measured on pictures as a decoder gives them."""

from pathlib import Path

import numpy as np
import pytest

from backsight.benchmarks.conversion import SIZE, _as_decoded, _PlaneSampler, measure_conversion
from backsight.inputs import Clip
from tests.clips import even_times, write_clip

pytest.importorskip("cv2", reason="OpenCV is not installed")


def test_all_three_ways_are_timed_on_every_frame(tmp_path: Path) -> None:
    clip = write_clip(tmp_path / "clip.mp4", times_s=even_times(8, fps=30.0))
    figures = {figure.name: figure for figure in measure_conversion(Clip(clip), n_frames=5)}
    assert list(figures) == ["frame_to_rgb", "crop_from_rgb", "crop_from_planes"]
    assert all(figure.n == 5 and figure.value >= 0.0 and figure.bar is None for figure in figures.values())


def test_a_crop_of_planes_shows_what_the_frame_shows() -> None:
    from backsight.pose.openvino.region import Region

    grey = np.full((SIZE[1], SIZE[0], 3), 128, np.uint8)
    picture = _as_decoded(grey)
    assert [(plane.width, plane.height) for plane in picture.planes] == [SIZE, (640, 360), (640, 360)]
    crop = _PlaneSampler().sample(picture, Region(640.0, 360.0, 400.0, turn_rad=0.0))
    # Video range: grey 128 of 255 is 16 + 128 * 219 / 255 = 126, which is not stretched back here.
    assert np.abs(crop.astype(int) - 126).max() <= 1
