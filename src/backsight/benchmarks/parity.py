"""How far two engines' landmarks of the same frames are apart. Knows no engine and no video."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np

from backsight.domain.sequences import PoseObservation
from backsight.domain.validation import FloatArray

SEEN_FROM = 0.6
"""Landmarks are compared where both engines give them at least this visibility, the paper's threshold."""

Seen = Sequence[PoseObservation | None]
"""What an engine saw, a frame an item; None = nobody."""


@dataclass(frozen=True, eq=False)
class Parity:
    """Differences between two engines, frame by frame and landmark by landmark."""

    image_px: FloatArray
    """Distances in the image between landmarks that both see; shape (n,)."""
    world_mm: FloatArray
    """Distances in the world between the same landmarks; shape (n,)."""
    visibility: FloatArray
    """Absolute differences, of all landmarks; shape (m,)."""
    agreement: FloatArray
    """1 where both have somebody or neither has, else 0; shape (n_frames,)."""

    @classmethod
    def between(cls, one: Seen, other: Seen) -> Self:
        """Compare what two engines saw in the same frames."""
        both = [(a, b) for a, b in zip(one, other, strict=True) if a is not None and b is not None]
        image_px, world_mm, visibility = [np.empty(0)], [np.empty(0)], [np.empty(0)]
        for a, b in both:
            known = (a.visibility >= SEEN_FROM) & (b.visibility >= SEEN_FROM)
            image_px.append(np.linalg.norm(a.image_px[known, :2] - b.image_px[known, :2], axis=1))
            world_mm.append(1000 * np.linalg.norm(a.world_m[known] - b.world_m[known], axis=1))
            visibility.append(np.abs(a.visibility - b.visibility))
        return cls(
            image_px=np.concatenate(image_px),
            world_mm=np.concatenate(world_mm),
            visibility=np.concatenate(visibility),
            agreement=np.array([float((a is None) == (b is None)) for a, b in zip(one, other, strict=True)]),
        )

    @classmethod
    def pooled(cls, parts: Sequence[Self]) -> Self:
        """Put the differences of several recordings together."""
        return cls(
            **{
                name: np.concatenate([getattr(part, name) for part in parts])
                for name in ("image_px", "world_mm", "visibility", "agreement")
            }
        )

    def summary(self) -> dict[str, float]:
        """Return median and 95th percentile of the distances, median of the rest, and the share of agreement."""
        return {
            "image_median_px": _percentile(self.image_px, 50),
            "image_p95_px": _percentile(self.image_px, 95),
            "world_median_mm": _percentile(self.world_mm, 50),
            "visibility_median": _percentile(self.visibility, 50),
            "agreement": float(self.agreement.mean()) if len(self.agreement) else float("nan"),
        }


def _percentile(values: FloatArray, percent: float) -> float:
    return float(np.percentile(values, percent)) if len(values) else float("nan")
