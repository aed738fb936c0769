"""Scenes that trackers find hard, made of a real clip: company, a bar in the way, an absence. Knows no engine."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from backsight.domain.sequences import Frame

Image = NDArray[np.uint8]

GONE_FROM, GONE_TO = 0.4, 0.6
"""Between these shares of the clip nobody is in the picture."""
BAR_FROM, BAR_TO = 0.45, 0.6
"""A black bar hides these shares of the picture's width, from top to bottom."""


@dataclass(frozen=True, eq=False)
class Scene:
    """Frames that follow each other, and what they show."""

    name: str
    frames: Sequence[Frame]


def make_scenes(clip: Scene) -> list[Scene]:
    """Return the hard scenes that can be made of a clip of one person."""
    n_frames = len(clip.frames)

    def leave(image: Image, index: int) -> Image:
        return np.zeros_like(image) if GONE_FROM * n_frames <= index < GONE_TO * n_frames else image

    return [
        _remake(clip, "two people", lambda image, _: add_company(image)),
        _remake(clip, "behind a bar", lambda image, _: hide_behind_bar(image)),
        _remake(clip, "leaves and comes back", leave),
    ]


def add_company(image: Image) -> Image:
    """Return the picture and its mirror image, side by side or, where it is wide, one above the other."""
    height, width = image.shape[:2]
    return np.concatenate([image, image[:, ::-1]], axis=0 if width > height else 1)


def hide_behind_bar(image: Image) -> Image:
    """Return the picture with a black bar across its middle."""
    hidden = image.copy()
    width = image.shape[1]
    hidden[:, round(BAR_FROM * width) : round(BAR_TO * width)] = 0
    return hidden


def change_imperceptibly(image: Image, rng: np.random.Generator, *, share: float) -> Image:
    """Return the picture with a share of its pixels one grey value brighter or darker."""
    changed = image.copy()
    rows, columns = (
        rng.integers(0, side, size=round(share * image.shape[0] * image.shape[1])) for side in image.shape[:2]
    )
    values = changed[rows, columns].astype(np.int16) + rng.choice((-1, 1), size=(len(rows), 1))
    changed[rows, columns] = np.clip(values, 0, 255).astype(np.uint8)
    return changed


def _remake(clip: Scene, name: str, change: Callable[[Image, int], Image]) -> Scene:
    return Scene(
        f"{clip.name}, {name}",
        [replace(frame, image=change(frame.image, index)) for index, frame in enumerate(clip.frames)],
    )
