"""Make small video files for tests: any times, codec, turn and size. Knows nothing of what is tested with them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from av.video.reformatter import ColorRange, Colorspace
from numpy.typing import NDArray

Image = NDArray[np.uint8]

CLOCKWISE_90 = (0, 65536, 0, -65536, 0, 0, 0, 0, 1 << 30)
HALF_TURN = (-65536, 0, 0, 0, -65536, 0, 0, 0, 1 << 30)
CLOCKWISE_270 = (0, -65536, 0, 65536, 0, 0, 0, 0, 1 << 30)
"""Display matrices as phones write them (ISO/IEC 14496-12, 16.16 fixed point)."""


def even_times(n_frames: int, *, fps: float) -> list[float]:
    """Return `n_frames` times in seconds, from 0 on."""
    return [index / fps for index in range(n_frames)]


def grey_level(index: int) -> int:
    """Return the grey value that `grey_picture` paints frame `index` with; they repeat after 20 frames."""
    return 20 + 11 * (index % 20)


def grey_picture(index: int, size: tuple[int, int]) -> Image:
    """Return a plain picture whose grey value tells its number."""
    return np.full((size[1], size[0], 3), grey_level(index), np.uint8)


def corner_picture(size: tuple[int, int]) -> Image:
    """Return a picture with a red, green, blue and white quarter: upper left, upper right, lower left, lower right."""
    width, height = size
    image = np.zeros((height, width, 3), np.uint8)
    image[: height // 2, : width // 2] = (200, 30, 30)
    image[: height // 2, width // 2 :] = (30, 200, 30)
    image[height // 2 :, : width // 2] = (30, 30, 200)
    image[height // 2 :, width // 2 :] = (220, 220, 220)
    return image


def textured_picture(size: tuple[int, int], *, seed: int = 0) -> Image:
    """Return a picture of smooth random blobs, as a background has."""
    rng = np.random.default_rng(seed)
    coarse = rng.integers(0, 256, (size[1] // 8 + 2, size[0] // 8 + 2)).astype(float)
    grey = np.kron(coarse, np.ones((8, 8)))[: size[1], : size[0]]
    return np.repeat(grey.astype(np.uint8)[..., None], 3, axis=2)


def write_clip(
    path: Path,
    *,
    times_s: Sequence[float],
    size: tuple[int, int] = (320, 240),
    picture: Callable[[int, tuple[int, int]], Image] = grey_picture,
    codec: str = "libx264",
    pix_fmt: str = "yuv420p",
    options: dict[str, str] | None = None,
    container_options: dict[str, str] | None = None,
    display_matrix: tuple[int, ...] | None = None,
    pixel_aspect: Fraction | None = None,
    color_range: ColorRange = ColorRange.MPEG,
    time_base: Fraction = Fraction(1, 90_000),
    with_sound: bool = False,
    key_every: int = 12,
) -> Path:
    """Encode pictures at the given times; the container follows from the file's ending."""
    av.logging.set_libav_level(av.logging.PANIC)
    with av.open(str(path), "w", options=container_options or {}) as container:
        stream = container.add_stream(codec, rate=min(1 / time_base, Fraction(30)), options=options or {})
        context = stream.codec_context
        context.width, context.height, context.pix_fmt = *size, pix_fmt
        context.time_base, context.gop_size = time_base, key_every
        context.colorspace, context.color_range = 1, color_range
        if pixel_aspect is not None:
            context.sample_aspect_ratio = pixel_aspect
        if display_matrix is not None:
            stream.set_display_matrix(display_matrix)
        sound = container.add_stream("aac", rate=44_100) if with_sound else None
        container.start_encoding()
        for index, time_s in enumerate(times_s):
            frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(picture(index, size)), format="rgb24").reformat(
                format=pix_fmt,
                dst_colorspace=Colorspace.ITU709,
                src_color_range=ColorRange.JPEG,
                dst_color_range=color_range,
            )
            frame.pts, frame.time_base = round(time_s / time_base), time_base
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
        if sound is not None:
            container.mux([packet for frame in _silence(1.0) for packet in sound.encode(frame)])
            container.mux(sound.encode(None))
    return path


def write_sound(path: Path) -> Path:
    """Write a file with one second of silence and no pictures."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("aac", rate=44_100)
        container.mux([packet for frame in _silence(1.0) for packet in stream.encode(frame)])
        container.mux(stream.encode(None))
    return path


def _silence(seconds: float) -> Iterable[av.AudioFrame]:
    for start in range(0, round(seconds * 44_100), 1024):
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 1024), np.float32), format="fltp", layout="mono")
        frame.sample_rate, frame.pts, frame.time_base = 44_100, start, Fraction(1, 44_100)
        yield frame


def cut_file(source: Path, target: Path, *, share: float) -> Path:
    """Copy the first `share` of a file, as an interrupted copy does."""
    data = source.read_bytes()
    target.write_bytes(data[: round(len(data) * share)])
    return target
