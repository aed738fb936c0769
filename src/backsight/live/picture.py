"""Draw what the window shows: picture with skeleton, guidance, index, hints. Knows no camera and no window.

Readable from where the person stands: at two metres a letter wants a centimetre of height, which on a 24-inch screen
is a thirtieth of the picture; headlines have a twelfth. Everything on the right is for whoever sits at the keyboard.
"""

from __future__ import annotations

import math
import time
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from backsight.domain.assessment import RED_FLAG_ABOVE, IndexVerdict, Interval, QualityVerdict
from backsight.live.preview import Preview
from backsight.live.session import Guidance
from backsight.live.watch import Seen
from backsight.pose.filtering import VISIBILITY_THRESHOLD
from backsight.video.drawing import draw_skeleton

CANVAS = (1280, 720)
"""(width, height) in pixels; the window scales it to any size."""
PICTURE = (960, 540)
NOTICE = "A preview. No diagnosis, not a medical device."

Colour = tuple[int, int, int]
_BACK, _PANEL, _LINE = (13, 22, 30), (20, 32, 42), (43, 60, 74)
_WHITE, _PALE, _GREY = (255, 255, 255), (206, 218, 226), (139, 158, 172)
_TEAL, _AMBER, _RED = (64, 196, 176), (245, 183, 66), (240, 101, 89)
_STRIPS: dict[str, Colour] = {"ready": (24, 58, 84), "go": (8, 110, 98), "done": (24, 58, 84), "trouble": (122, 42, 38)}
_MARGIN = 24
_RIGHT = PICTURE[0] + 22
_RIGHT_WIDTH = CANVAS[0] - _RIGHT - 22


@dataclass(frozen=True)
class Status:
    """Small print of the machine."""

    latency_ms: float = math.nan
    """Median from capture to drawn frame of the last seconds."""
    fps: float = math.nan
    dropped_buckets: int = 0
    dropped_frames: int = 0
    engine: str = ""
    """What runs the pose model; empty until it is known."""
    model: str = ""
    """The model card's headline."""


class Painter:
    """Draws frame after frame; what has not changed since the last one is not drawn again."""

    def __init__(self) -> None:
        self._font = cv2.FontFace("sans")
        self._strip: tuple[object, NDArray[np.uint8]] | None = None
        self._panel: tuple[object, NDArray[np.uint8]] | None = None
        self._blank_panel = _blank(CANVAS, _PANEL)

    def draw(
        self,
        seen: Seen | None,
        *,
        guidance: Guidance,
        preview: Preview,
        status: Status,
        is_recording: bool = False,
    ) -> NDArray[np.uint8]:
        """Return the whole canvas as RGB, shape (720, 1280, 3).

        Parameters
        ----------
        seen
            The newest frame; None = no picture.
        guidance
            What the person is told.
        preview
            What is known so far.
        status
            Small print.
        is_recording
            Whether the exercise under way is kept.
        """
        canvas: NDArray[np.uint8] = np.empty((CANVAS[1], CANVAS[0], 3), np.uint8)
        width, height = PICTURE
        self._draw_picture(canvas[:height, :width], seen)
        self._draw_banner(canvas[:height, :width], preview, guidance)
        if is_recording:
            self._draw_recording(canvas)
        if guidance.number is not None:
            self._draw_number(canvas[:height, :width], guidance.number)
        canvas[height:, :width] = self._strip_of(guidance)
        canvas[:, width:] = self._panel_of(preview, status)
        return canvas

    def _draw_picture(self, area: NDArray[np.uint8], seen: Seen | None) -> None:
        if seen is None:
            _fill(area, _BACK)
            return
        image, (width, height) = seen.frame.image, PICTURE
        scale = min(width / image.shape[1], height / image.shape[0])
        size = (max(1, round(image.shape[1] * scale)), max(1, round(image.shape[0] * scale)))
        if size != PICTURE:
            _fill(area, _BACK)
        left, top = (width - size[0]) // 2, (height - size[1]) // 2
        part = area[top : top + size[1], left : left + size[0]]
        # Frames are at most 1280 pixels wide: at three quarters of that, averaging areas looks no better and takes
        # ten times as long.
        cv2.resize(image, size, dst=part, interpolation=cv2.INTER_LINEAR)
        observation = seen.observation
        if observation is not None and observation.has_person:
            # Landmarks that the visibility filter drops are not shown either.
            sure = observation.visibility >= VISIBILITY_THRESHOLD
            places = np.where(sure[:, np.newaxis], observation.image_px[:, :2] * scale, np.nan)
            draw_skeleton(part, places, visibility=observation.visibility)

    def _draw_banner(self, area: NDArray[np.uint8], preview: Preview, guidance: Guidance) -> None:
        """Draw the worst hint large enough for the person to act on it."""
        if not preview.hints or guidance.tone not in ("ready", "go"):
            return
        hint = preview.hints[0]
        strip = area[:64]
        cv2.convertScaleAbs(strip, dst=strip, alpha=0.25)
        colour = _RED if hint.severity is QualityVerdict.UNUSABLE else _AMBER
        cv2.rectangle(area, (0, 0), (9, 63), colour, cv2.FILLED)
        self._text(area, hint.text, (_MARGIN, 43), 32, 600, _WHITE, width=PICTURE[0] - 2 * _MARGIN)

    def _draw_recording(self, canvas: NDArray[np.uint8]) -> None:
        left, top = PICTURE[0] - 128, PICTURE[1] - 52
        patch = canvas[top : top + 36, left : left + 112]
        cv2.convertScaleAbs(patch, dst=patch, alpha=0.3)
        if time.monotonic() % 1.0 < 0.65:
            cv2.circle(canvas, (left + 20, top + 18), 8, _RED, cv2.FILLED, cv2.LINE_AA)
        self._text(canvas, "REC", (left + 40, top + 26), 24, 700, _WHITE)

    def _draw_number(self, area: NDArray[np.uint8], number: int) -> None:
        centre, radius = (PICTURE[0] // 2, PICTURE[1] // 2), 130
        patch = area[centre[1] - radius : centre[1] + radius, centre[0] - radius : centre[0] + radius]
        shade = patch.copy()
        cv2.circle(shade, (radius, radius), radius - 4, _BACK, cv2.FILLED, cv2.LINE_AA)
        cv2.addWeighted(shade, 0.72, patch, 0.28, 0.0, dst=shade)
        patch[:] = shade
        width = self._width(str(number), 190, 700)
        self._text(area, str(number), (centre[0] - width // 2, centre[1] + 67), 190, 700, _WHITE)

    def _strip_of(self, guidance: Guidance) -> NDArray[np.uint8]:
        key = (guidance.headline, guidance.detail, guidance.tone, guidance.keys)
        if self._strip is None or self._strip[0] != key:
            self._strip = (key, self._draw_strip(guidance))
        return self._strip[1]

    def _draw_strip(self, guidance: Guidance) -> NDArray[np.uint8]:
        width, height = PICTURE[0], CANVAS[1] - PICTURE[1]
        strip = _blank((width, height), _STRIPS[guidance.tone])
        room = width - 2 * _MARGIN
        self._text(strip, guidance.headline, (_MARGIN, 68), 62, 700, _WHITE, width=room)
        for row, line in enumerate(self._wrapped(guidance.detail, 26, 400, room)[:2]):
            self._text(strip, line, (_MARGIN, 104 + 30 * row), 26, 400, _PALE, width=room)
        left, top = _MARGIN, height - 14
        for key, meaning in guidance.keys:
            key_width = self._width(key, 17, 600) + 16
            cv2.rectangle(strip, (left, top - 20), (left + key_width, top + 6), _WHITE, 1, cv2.LINE_AA)
            self._text(strip, key, (left + 8, top), 17, 600, _WHITE)
            self._text(strip, meaning, (left + key_width + 8, top), 17, 400, _PALE)
            left += key_width + self._width(meaning, 17, 400) + 30
        return strip

    def _panel_of(self, preview: Preview, status: Status) -> NDArray[np.uint8]:
        key = (preview, status)
        if self._panel is None or self._panel[0] != key:
            self._panel = (key, self._draw_panel(preview, status))
        return self._panel[1]

    def _draw_panel(self, preview: Preview, status: Status) -> NDArray[np.uint8]:
        # Drawn in the canvas's own coordinates, so that one set of margins serves all.
        canvas = self._blank_panel.copy()
        self._text(canvas, "Backsight", (_RIGHT, 40), 26, 700, _WHITE)
        self._right(canvas, "live preview", 40, 17, _TEAL)
        self._draw_index(canvas, preview)
        self._draw_sub_indices(canvas, preview)
        self._draw_quality(canvas, preview)
        self._draw_status(canvas, status)
        return np.ascontiguousarray(canvas[:, PICTURE[0] :])

    def _draw_index(self, canvas: NDArray[np.uint8], preview: Preview) -> None:
        self._rule(canvas, 58)
        self._text(canvas, "Spinal health index so far", (_RIGHT, 86), 18, 600, _PALE)
        is_known = math.isfinite(preview.index)
        is_told = is_known and preview.verdict is not IndexVerdict.CANNOT_TELL
        self._text(
            canvas, f"{preview.index:.2f}" if is_known else "–", (_RIGHT, 146), 54, 700, _WHITE if is_told else _GREY
        )
        verdict = str(preview.verdict) if preview.is_running else "not started"
        colour = {IndexVerdict.RED_FLAG: _RED, IndexVerdict.NO_RED_FLAG: _TEAL}.get(preview.verdict, _AMBER)
        left = _RIGHT + 140
        self._text(canvas, verdict, (left, 120), 20, 600, colour if preview.is_running else _GREY)
        for row, line in enumerate(self._wrapped(preview.reason, 14, 400, CANVAS[0] - left - 14)[:2]):
            self._text(canvas, line, (left, 139 + 16 * row), 14, 400, _GREY)
        self._draw_gauge(canvas, preview, top=166)
        self._text(canvas, "0 best", (_RIGHT, 202), 14, 400, _GREY)
        self._right(canvas, "1 worst", 202, 14, _GREY)
        middle = _RIGHT + round(_RIGHT_WIDTH * RED_FLAG_ABOVE)
        self._text(canvas, f"{RED_FLAG_ABOVE}", (middle - 9, 202), 14, 400, _GREY)
        interval = preview.interval
        said = "" if interval is None else _range_of(interval)
        self._text(canvas, said, (_RIGHT, 224), 15, 400, _PALE)
        self._right(canvas, f"{preview.seen_s:.1f} s read" if preview.is_running else "", 224, 15, _PALE)

    def _draw_gauge(self, canvas: NDArray[np.uint8], preview: Preview, *, top: int) -> None:
        right = _RIGHT + _RIGHT_WIDTH
        cv2.rectangle(canvas, (_RIGHT, top), (right, top + 14), _LINE, cv2.FILLED)
        if preview.interval is not None:
            low, high = (_RIGHT + round(_RIGHT_WIDTH * end) for end in (preview.interval.low, preview.interval.high))
            cv2.rectangle(canvas, (low, top), (high, top + 14), (66, 96, 116), cv2.FILLED)
        limit = _RIGHT + round(_RIGHT_WIDTH * RED_FLAG_ABOVE)
        cv2.line(canvas, (limit, top - 4), (limit, top + 18), _GREY, 1)
        if math.isfinite(preview.index):
            at = _RIGHT + round(_RIGHT_WIDTH * preview.index)
            cv2.circle(canvas, (at, top + 7), 9, _WHITE, cv2.FILLED, cv2.LINE_AA)

    def _draw_sub_indices(self, canvas: NDArray[np.uint8], preview: Preview) -> None:
        self._rule(canvas, 242)
        self._text(canvas, "Sub-indices so far", (_RIGHT, 270), 18, 600, _PALE)
        known = [sub for sub in preview.sub_indices if math.isfinite(sub.value)]
        if not known:
            self._text(canvas, "come with the movement", (_RIGHT, 298), 15, 400, _GREY)
        for row, sub in enumerate(known[:6]):
            baseline = 297 + 31 * row
            self._text(canvas, sub.label, (_RIGHT, baseline), 15, 400, _PALE)
            colour = {IndexVerdict.RED_FLAG: _RED, IndexVerdict.NO_RED_FLAG: _TEAL}.get(sub.verdict, _GREY)
            self._right(canvas, f"{sub.value:.2f}", baseline, 15, colour)
            right = _RIGHT + _RIGHT_WIDTH
            cv2.rectangle(canvas, (_RIGHT, baseline + 7), (right, baseline + 10), _LINE, cv2.FILLED)
            end = _RIGHT + round(_RIGHT_WIDTH * sub.value)
            cv2.rectangle(canvas, (_RIGHT, baseline + 7), (max(end, _RIGHT + 2), baseline + 10), colour, cv2.FILLED)

    def _draw_quality(self, canvas: NDArray[np.uint8], preview: Preview) -> None:
        self._rule(canvas, 486)
        self._text(canvas, "Picture", (_RIGHT, 514), 18, 600, _PALE)
        if not preview.is_watching:
            self._text(canvas, "nothing to see yet", (_RIGHT, 541), 15, 400, _GREY)
        elif not preview.hints:
            cv2.circle(canvas, (_RIGHT + 6, 536), 5, _TEAL, cv2.FILLED, cv2.LINE_AA)
            self._text(canvas, "good", (_RIGHT + 20, 541), 15, 400, _PALE)
        baseline = 541
        for hint in preview.hints[:3]:
            colour = _RED if hint.severity is QualityVerdict.UNUSABLE else _AMBER
            cv2.circle(canvas, (_RIGHT + 6, baseline - 5), 5, colour, cv2.FILLED, cv2.LINE_AA)
            for line in self._wrapped(hint.text, 15, 400, _RIGHT_WIDTH - 20)[:2]:
                if baseline <= 600:
                    self._text(canvas, line, (_RIGHT + 20, baseline), 15, 400, _PALE)
                baseline += 19
            baseline += 3

    def _draw_status(self, canvas: NDArray[np.uint8], status: Status) -> None:
        self._rule(canvas, 614)
        latency = f"{status.latency_ms:.0f} ms" if math.isfinite(status.latency_ms) else "–"
        fps = f"{status.fps:.0f} fps" if math.isfinite(status.fps) else "–"
        speed = f"capture to screen {latency}, {fps}"
        said = f"{speed}, {status.engine}" if status.engine else speed
        self._text(canvas, said, (_RIGHT, 636), 14, 400, _GREY, width=_RIGHT_WIDTH)
        dropped = f"dropped: {status.dropped_buckets} buckets, {status.dropped_frames} frames"
        self._text(canvas, dropped, (_RIGHT, 655), 14, 400, _AMBER if status.dropped_frames else _GREY)
        for row, line in enumerate(self._wrapped(status.model, 11, 400, _RIGHT_WIDTH)[:2]):
            self._text(canvas, line, (_RIGHT, 675 + 15 * row), 11, 400, _GREY)
        self._text(canvas, NOTICE, (_RIGHT, 709), 12, 600, _PALE)

    def _rule(self, canvas: NDArray[np.uint8], top: int) -> None:
        cv2.line(canvas, (_RIGHT, top), (_RIGHT + _RIGHT_WIDTH, top), _LINE, 1)

    def _right(self, canvas: NDArray[np.uint8], text: str, baseline: int, size: int, colour: Colour) -> None:
        left = _RIGHT + _RIGHT_WIDTH - self._width(text, size, 400)
        self._text(canvas, text, (left, baseline), size, 400, colour)

    def _text(  # noqa: PLR0917  (place, size, weight and colour, in the toolkit's own order)
        self,
        canvas: NDArray[np.uint8],
        text: str,
        at: tuple[int, int],
        size: int,
        weight: int,
        colour: Colour,
        *,
        width: int | None = None,
    ) -> None:
        """Write one line, its baseline at `at`; made smaller where it would be wider than `width`."""
        if not text:
            return
        while width is not None and size > 11 and self._width(text, size, weight) > width:
            size -= 1
        cv2.putText(canvas, text, at, colour, self._font, size, weight)

    def _width(self, text: str, size: int, weight: int) -> int:
        if not text:
            return 0
        return int(cv2.getTextSize((4 * CANVAS[0], CANVAS[1]), text, (0, 0), self._font, size, weight)[2])

    def _wrapped(self, text: str, size: int, weight: int, width: int) -> list[str]:
        lines: list[str] = []
        for word in text.split():
            longer = f"{lines[-1]} {word}" if lines else word
            if lines and self._width(longer, size, weight) <= width:
                lines[-1] = longer
            else:
                lines.append(word)
        return lines


def _range_of(interval: Interval) -> str:
    return f"{100.0 * interval.level:.0f} % range {interval.low:.2f} to {interval.high:.2f}"


def _fill(area: NDArray[np.uint8], colour: Colour) -> None:
    """Paint an area in one colour; assigning the colour to a NumPy array takes ten times as long."""
    cv2.rectangle(area, (0, 0), (area.shape[1], area.shape[0]), colour, cv2.FILLED)


def _blank(size: tuple[int, int], colour: Colour) -> NDArray[np.uint8]:
    area: NDArray[np.uint8] = np.empty((size[1], size[0], 3), np.uint8)
    _fill(area, colour)
    return area
