"""Make a recording of any length by playing a short one to and fro. For measuring, not for assessing."""

from __future__ import annotations

from pathlib import Path

from backsight.ports import FrameSource

FPS = 30


def write_looped(path: Path, source: FrameSource, *, duration_s: float) -> None:
    """Write the frames of `source` forwards, backwards, forwards ... as 30 fps H.264 until `duration_s` is full.

    To and fro, so that the person never leaps from the last frame's place to the first's.
    """
    import av

    images = [frame.image for frame in source.frames()]
    period = [*range(len(images)), *range(len(images) - 2, 0, -1)]
    height, width = (size - size % 2 for size in images[0].shape[:2])
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=FPS, options={"preset": "ultrafast"})
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        for position in range(round(duration_s * FPS)):
            picture = images[period[position % len(period)]][:height, :width]
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        container.mux(stream.encode(None))
