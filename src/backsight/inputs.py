"""What a user can hand over: a file or a camera, and the part of it that holds the exercise. Knows no engine but video.

Adapters are imported inside the functions, so that reading words loads no decoder.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from backsight.domain.recording import CAMERA_PREFIX, EXERCISE_LIMIT_S, Exercise
from backsight.errors import InputError

if TYPE_CHECKING:
    from backsight.ports import FrameSource
    from backsight.video.reader import Crop, Position


@dataclass(frozen=True)
class Clip:
    """A video file and the part of it that holds the exercise."""

    path: Path
    start: Position | None = None
    end: Position | None = None
    crop: Crop | None = None

    def open(self, *, n_threads: int | None = None) -> FrameSource:
        """Open the file as a source of frames; `n_threads` bounds the decoder's threads."""
        from backsight.video.container import MAX_DECODER_THREADS
        from backsight.video.reader import VideoFile

        return VideoFile(
            self.path, start=self.start, end=self.end, crop=self.crop, n_threads=n_threads or MAX_DECODER_THREADS
        )


@dataclass(frozen=True)
class LiveCamera:
    """A camera that records now."""

    name: str
    """`camera:0`, `camera:/dev/video1` or as `backsight.video.camera.parse_device` says."""
    duration_s: float = EXERCISE_LIMIT_S

    def open(self, *, record_to: Path | None = None) -> FrameSource:
        """Open the camera, which must be there now, as a live source of frames."""
        from backsight.video.camera import Camera

        return Camera(self.name, duration_s=self.duration_s, record_to=record_to)


Input = Clip | LiveCamera

_URL = re.compile(r"([a-z][a-z0-9+.-]+)://", re.IGNORECASE)


def parse_exercise(text: str) -> Exercise:
    """Read an exercise's name or label in capital or small letters, with spaces or underscores for hyphens.

    Raises
    ------
    InputError
        When it is none of the three.
    """
    wanted = spelt_alike(text)
    for exercise in Exercise:
        if wanted in (exercise.value, spelt_alike(exercise.label)):
            return exercise
    raise InputError(f"expected {', '.join(Exercise)}, got `{text}`")


def exercises_by_name(names: Iterable[str]) -> dict[Exercise, str]:
    """Return how a study calls each of the three exercises that it has; its other exercises are left out."""
    found: dict[Exercise, str] = {}
    for name in names:
        with suppress(InputError):
            found.setdefault(parse_exercise(name), name)
    return found


def spelt_alike(text: str) -> str:
    """Return a name as it is compared: in small letters, with hyphens for spaces and underscores."""
    return re.sub(r"[\s_-]+", "-", text.strip().casefold())


def parse_input(text: str | Path) -> Input:
    """Read a file name or a camera's name, each with an optional media fragment; `camera:0#t=0,8` records 8 s.

    Raises
    ------
    InputError
        When the fragment is not understood.
    """
    if not str(text).startswith(CAMERA_PREFIX):
        return parse_clip(text)
    name, _, fragment = str(text).partition("#")
    if not fragment:
        return LiveCamera(name)
    match = re.fullmatch(r"t=(?:0,)?(?P<seconds>\d+(?:\.\d+)?)", fragment)
    if match is None or not 0 < float(match["seconds"]) <= EXERCISE_LIMIT_S:
        raise InputError(
            f"{name}: expected #t=0,SECONDS after the camera, at most {EXERCISE_LIMIT_S:.0f} seconds, got #{fragment}"
        )
    return LiveCamera(name, duration_s=float(match["seconds"]))


def parse_clip(text: str | Path) -> Clip:
    """Read `FILE` or `FILE#t=START,END&xywh=X,Y,WIDTH,HEIGHT`, a W3C media fragment.

    The fragment lets every recording of a session name its own part; a file whose own name holds such a fragment wins.

    Raises
    ------
    InputError
        When the fragment is not understood, or a URL is given.
    """
    from backsight.video.reader import parse_crop, parse_position

    path = Path(text)
    url = _URL.match(str(text))
    if url and not path.exists():
        # Without the rest of it: an address may hold a password or a signature.
        raise InputError(
            f"expected a file of this machine or a camera, got an address, {url[1].lower()}://...; download it first, "
            "or let `backsight extract` or `backsight batch` fetch it"
        )
    match = re.fullmatch(r"(?P<file>.+?)#(?P<fragment>(?:t|xywh)=.*)", str(text))
    if match is None or path.exists():
        return Clip(path)
    fields: dict[str, str] = {}
    for field in match["fragment"].split("&"):
        name, _, value = field.partition("=")
        if name not in ("t", "xywh") or name in fields:
            raise InputError(
                f"{path.name}: expected #t=START,END and &xywh=X,Y,WIDTH,HEIGHT after the file name, got `{field}`"
            )
        fields[name] = value.removeprefix("pixel:")
    start, _, end = fields.get("t", "").partition(",")
    return Clip(
        Path(match["file"]),
        start=parse_position(start) if start else None,
        end=parse_position(end) if end else None,
        crop=parse_crop(fields["xywh"]) if "xywh" in fields else None,
    )
