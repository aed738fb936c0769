"""Run the live view without a window, as lines for people or programs. Knows no engine and no camera."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from typing import Any

from backsight.domain.recording import Exercise
from backsight.errors import CameraError
from backsight.live.figures import LiveFigures
from backsight.live.pace import Recorder
from backsight.live.stream import JsonLines, frame_line
from backsight.live.watch import FIRST_PICTURE_S, Connect, Connection, Seen, why_no_picture

_POLL_S = 0.2


def run_lines(
    connect: Connect,
    *,
    exercise: Exercise | None,
    lines: JsonLines | None,
    say: Callable[[str], Any],
    clock: Callable[[], float] = time.monotonic,
    until_s: float | None = None,
) -> LiveFigures:
    """Watch without a window until the source ends.

    Parameters
    ----------
    connect
        Connects the source.
    exercise
        What is done from the first frame on; None = some movement, without sub-indices.
    lines
        Takes one JSON line a frame; None = `say` is told once a second instead.
    say
        Takes a line for people.
    until_s
        Stop so many seconds after the first frame; None = at the end.

    Raises
    ------
    BacksightError
        What ended the source, when it did not end by itself; `CameraError` also where it never gives a first frame.
    BrokenPipeError
        When the reader of the lines has left.
    """
    figures = LiveFigures()
    said_s = [float("-inf")]
    connection: Connection

    def on_seen(seen: Seen) -> None:
        assert seen.observation is not None  # noqa: S101  (nothing pauses a run without a window)
        latency_ms = 1000.0 * (clock() - seen.frame.captured_s)
        figures.latencies_ms.append(latency_ms)
        figures.n_drawn += 1
        preview, time_s = connection.preview, seen.frame.timestamp_s
        if lines is not None:
            lines.write(
                frame_line(
                    seen.observation,
                    preview,
                    frame=seen.frame.index,
                    timestamp_s=time_s,
                    latency_ms=latency_ms,
                    dropped_frames=connection.n_dropped,
                    dropped_buckets=connection.n_buckets_dropped,
                )
            )
        elif time_s - said_s[0] >= 1.0:
            said_s[0] = time_s
            what = "; ".join(hint.text for hint in preview.hints) or "picture good"
            since = f" since {preview.since_s:.0f} s" if preview.since_s > 0 else " so far"
            index = "–" if math.isnan(preview.index) else f"{preview.index:.2f}"
            say(
                f"{time_s:6.1f} s  index{since} {index} ({preview.verdict}: {preview.reason}), {what}, "
                f"{latency_ms:.0f} ms, {connection.n_buckets_dropped} buckets dropped"
            )

    connection = connect(on_seen, Recorder())
    connection.begin(exercise, goes_on=True)
    ready_s: float | None = None
    began_s: float | None = None
    connection.start()
    try:
        while not connection.wait(_POLL_S):
            now_s = clock()
            # Loading takes seconds in which nothing is watched.
            if ready_s is None and connection.is_ready:
                ready_s = now_s
            if began_s is None and figures.n_drawn:
                began_s = now_s
            if began_s is None and ready_s is not None and now_s - ready_s >= FIRST_PICTURE_S:
                raise CameraError(why_no_picture(connection.info, waited_s=FIRST_PICTURE_S))
            if until_s is not None and began_s is not None and now_s - began_s >= until_s:
                break
    finally:
        connection.stop()
        figures.n_dropped, figures.n_buckets_dropped = connection.n_dropped, connection.n_buckets_dropped
    if connection.error is not None:
        raise connection.error
    return figures
