"""What it costs to turn whole frames into RGB, and what cropping the decoder's planes instead would. Finds nobody."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from fractions import Fraction
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from backsight.benchmarks.figures import Figure

if TYPE_CHECKING:
    import av

    from backsight.inputs import Clip

SIZE = (1280, 720)
N_FRAMES = 60
CROP_PX = 256
"""Side of the square that BlazePose's landmark network reads."""
CROP_SHARE = 0.8
"""Of the picture's height, for a person who fills it well."""


def measure_conversion(clip: Clip, *, n_frames: int = N_FRAMES) -> Iterator[Figure]:
    """Time the conversion of frames of 1280 x 720, and crops of them from RGB and from planes, in CPU time.

    Parameters
    ----------
    clip
        Where the pictures come from; scaled to the size.
    n_frames
        How many; medians count.
    """
    from backsight.pose.openvino.region import Region, Sampler
    from backsight.video.fitting import PictureFitter

    pictures = [_as_decoded(frame.image) for frame in islice(clip.open().frames(), n_frames)]
    width, height = SIZE
    region = Region(width / 2, height / 2, CROP_SHARE * height, turn_rad=0.1)
    sampler = Sampler(np.empty((CROP_PX, CROP_PX, 3), np.uint8), fills_with_black=False)
    planes = _PlaneSampler()
    fitter: PictureFitter[None] = PictureFitter(crop=None, pixel_aspect=Fraction(1), name="benchmark")
    spent_ms: dict[str, list[float]] = {"frame_to_rgb": [], "crop_from_rgb": [], "crop_from_planes": []}
    for picture in pictures:
        whole = picture.to_ndarray(format="rgb24").astype(np.uint8, copy=False)
        turns: dict[str, Callable[[], object]] = {
            "frame_to_rgb": partial(fitter.push, picture, None),
            "crop_from_rgb": partial(sampler.sample, whole, region),
            "crop_from_planes": partial(planes.sample, picture, region),
        }
        for name, turn in turns.items():
            begun_s = time.process_time()
            turn()
            spent_ms[name].append(1000 * (time.process_time() - begun_s))
    for name, values in spent_ms.items():
        yield Figure(name, statistics.median(values), "ms", len(values))


def _as_decoded(image: NDArray[np.uint8]) -> av.VideoFrame:
    """Return a picture as a decoder of H.264 gives it: three planes, colour at half the size."""
    import av

    picture = av.VideoFrame.from_ndarray(image, format="rgb24")
    return picture.reformat(width=SIZE[0], height=SIZE[1], format="yuv420p")


class _PlaneSampler:
    """Crops brightness and colours by themselves and turns only the crop into RGB."""

    def __init__(self) -> None:
        from backsight.pose.openvino.region import Sampler

        self._crops = [np.empty((CROP_PX, CROP_PX), np.uint8) for _ in range(3)]
        self._samplers = [Sampler(crop, fills_with_black=False) for crop in self._crops]

    def sample(self, picture: av.VideoFrame, region: Any) -> NDArray[np.uint8]:
        """Return the region as RGB; shape (256, 256, 3)."""
        import cv2

        half = replace(region, x_px=region.x_px / 2, y_px=region.y_px / 2, side_px=region.side_px / 2)
        for sampler, plane, where in zip(self._samplers, picture.planes, (region, half, half), strict=True):
            buffer: Any = plane
            rows = np.frombuffer(buffer, np.uint8).reshape(plane.height, plane.line_size)
            sampler.sample(rows[:, : plane.width], where)
        merged = cv2.merge(self._crops)
        return np.asarray(cv2.cvtColor(merged, cv2.COLOR_YUV2RGB), dtype=np.uint8)
