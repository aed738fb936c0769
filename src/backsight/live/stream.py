"""Write one JSON line a frame for other programs. Knows nothing of cameras."""

from __future__ import annotations

import json
import math
from typing import Any, TextIO

from backsight.domain.sequences import PoseObservation
from backsight.live.preview import Preview
from backsight.pose.quality_body import TRUNK_AND_LEGS

NOTICE = "live preview, no diagnosis"
_DIGITS = 4


class JsonLines:
    """Writes lines to a stream and flushes each, so that a reader has a frame while it is news.

    A reader that has left raises `BrokenPipeError`, as `print` would.
    """

    def __init__(self, out: TextIO) -> None:
        self._out = out

    def write(self, line: dict[str, Any]) -> None:
        """Write one line."""
        self._out.write(json.dumps(line, allow_nan=False) + "\n")
        self._out.flush()


def frame_line(
    seen: PoseObservation,
    preview: Preview,
    *,
    frame: int,
    timestamp_s: float,
    latency_ms: float,
    dropped_frames: int,
    dropped_buckets: int,
) -> dict[str, Any]:
    """Return what is said of one frame; a number that is not known is null.

    Parameters
    ----------
    seen
        The frame's landmarks.
    preview
        What is known so far; it may be a fraction of a second older than the frame.
    frame, timestamp_s
        Its number and its seconds since the source's first frame.
    latency_ms
        From capture to this line.
    dropped_frames, dropped_buckets
        Lost so far because looking was too slow.
    """
    interval = preview.interval
    return {
        "frame": frame,
        "timestamp_s": round(timestamp_s, _DIGITS),
        "found": seen.has_person,
        "visibility": _number(float(seen.visibility[list(TRUNK_AND_LEGS)].mean()) if seen.has_person else math.nan),
        "people": seen.n_people,
        "hints": [{"name": hint.name, "severity": str(hint.severity), "text": hint.text} for hint in preview.hints],
        "index": _number(preview.index),
        "index_interval": None if interval is None else [_number(interval.low), _number(interval.high)],
        "index_verdict": str(preview.verdict),
        "index_reason": preview.reason,
        "index_seen_s": _number(preview.seen_s),
        "since_s": _number(preview.since_s),
        "unfamiliar_share": _number(preview.unfamiliar_share),
        "sub_indices": {sub.name: _number(sub.value) for sub in preview.sub_indices},
        "latency_ms": _number(latency_ms),
        "dropped": dropped_buckets,
        "dropped_frames": dropped_frames,
        "notice": NOTICE,
    }


def _number(value: float) -> float | None:
    return round(value, _DIGITS) if math.isfinite(value) else None
