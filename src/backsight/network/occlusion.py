"""Say which parts of a recording moved an index, for any model of frames. Knows no network and no exercise.

The recording is cut into cells, each a body part in a quarter of the time. A cell is taken out by making its values
missing, which every model of Backsight reads as typical. What a cell adds to the index depends on which others are
there; a cell's share is the mean of what it adds when it joins the cells before it, in an order drawn once, and when it
joins those after it. Of what nobody saw a model may still read how badly it was seen, so that in each quarter all of
it together is one more cell. The shares add up to the index less that of a recording without any value. Where cells act
alone or in pairs they are the Shapley values, because of two cells each comes first once; where three and more act
together, they are an estimate of them (Mitchell et al. 2022, Journal of Machine Learning Research 23:43, antithetic
sampling).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from backsight.domain.assessment import Contribution, Explanation
from backsight.domain.sequences import FeatureSequence
from backsight.domain.validation import FloatArray

N_QUARTERS = 4
HOW = (
    "Found by trying: parts of the recording were replaced by typical values and the model read it again. Values of "
    "different parts go together in people, so the shares say what the model looks at and are not exact."
)
UNSEEN_HOW = (
    "Of parts that the camera did not show the model reads how badly they were seen: that is the share of what was not "
    "seen."
)
WHOLE_BODY = "whole body"
UNSEEN = "what was not seen"
BODY_PARTS: dict[str, tuple[str, ...]] = {
    "head": ("nose", "left_eye", "right_eye", "left_ear", "right_ear", "mouth"),
    "trunk": ("trunk", "axial_rotation", "shoulder_obliquity", "left_shoulder", "right_shoulder"),
    "arms": (
        *(f"{side}_{part}" for side in ("left", "right") for part in ("elbow", "wrist", "pinky", "index", "thumb")),
        *(f"{side}_{part}" for side in ("left", "right") for part in ("arm_swing", "shoulder_elevation")),
        "fingertip",
    ),
    "hips": ("left_hip", "right_hip", "pelvic"),
    "knees": ("left_knee", "right_knee"),
    "feet": (
        *(f"{side}_{part}" for side in ("left", "right") for part in ("ankle", "heel", "foot")),
        "step_separation",
        "step_width",
    ),
}
"""Beginnings of the names of a body part's columns; the longest that fits decides, and the rest is the whole body's."""

Run = Callable[[FloatArray], float]
"""Gives the raw output after the last frame for values of shape (n_frames, n_features), NaN = missing."""
_Cells = NDArray[np.intp]


@dataclass(frozen=True)
class _Cell:
    body_part: str
    frames: slice
    columns: _Cells
    """Shape (n_columns,)."""


def body_part_of(name: str) -> str:
    """Return the body part that a column is of."""
    fitting = [(len(start), part) for part, starts in BODY_PARTS.items() for start in starts if name.startswith(start)]
    return max(fitting)[1] if fitting else WHOLE_BODY


def explain_by_occlusion(run: Run, features: FeatureSequence, *, final: float, evidence: _Cells) -> Explanation:
    """Return what each body part in each quarter of a recording did to the index.

    Parameters
    ----------
    run
        The model; asked at most 2 x 7 body parts x 4 quarters = 56 times.
    features
        What it was shown.
    final
        What it said of that.
    evidence
        Columns that are known only where a person is seen; cells without any known value of them share one cell a
        quarter, what was not seen.
    """
    cells = _cells(features, evidence)
    nothing = np.full_like(features.values, np.nan)
    typical = run(nothing)
    order = np.random.default_rng(0).permutation(len(cells))
    points = np.zeros(len(cells))
    for turn in (order, order[::-1]):
        shown, before = nothing.copy(), typical
        for place, number in enumerate(turn.tolist()):
            cell = cells[number]
            where = np.ix_(np.arange(len(shown))[cell.frames], cell.columns)
            shown[where] = features.values[where]
            after = final if place == len(cells) - 1 else run(shown)
            points[number] += 0.5 * (after - before)
            before = after
    told = [_contribution(cell, share, features.timestamps_s) for cell, share in zip(cells, points, strict=True)]
    told.sort(key=lambda one: -abs(one.points))
    n_missing = int((~np.isfinite(features.values[:, evidence])).all(axis=0).sum())
    how = f"{HOW} {UNSEEN_HOW}" if any(one.body_part == UNSEEN for one in told) else HOW
    return Explanation(typical, tuple(told), n_missing=n_missing, how=how)


def _cells(features: FeatureSequence, evidence: _Cells) -> list[_Cell]:
    """Return cells that hold every known value once."""
    is_known = np.isfinite(features.values)
    is_evidence = np.zeros_like(is_known)
    is_evidence[:, evidence] = is_known[:, evidence]
    parts = np.array([body_part_of(name) for name in features.names])
    edges = np.linspace(0, len(features.values), N_QUARTERS + 1).round().astype(int)
    quarters = [slice(first, last) for first, last in zip(edges[:-1].tolist(), edges[1:].tolist(), strict=True)]
    cells = [
        _Cell(part, frames, np.flatnonzero(parts == part)) for part in (*BODY_PARTS, WHOLE_BODY) for frames in quarters
    ]
    seen = [cell for cell in cells if is_evidence[cell.frames][:, cell.columns].any()]
    unseen = []
    for frames in quarters:
        columns = np.flatnonzero(~np.isin(parts, [cell.body_part for cell in seen if cell.frames == frames]))
        if is_known[frames][:, columns].any():
            unseen.append(_Cell(UNSEEN, frames, columns))
    return [*seen, *unseen]


def _contribution(cell: _Cell, points: float, timestamps_s: FloatArray) -> Contribution:
    last = min(cell.frames.stop, len(timestamps_s) - 1)
    return Contribution(
        name=f"{cell.body_part.replace(' ', '_')}_from_frame_{cell.frames.start}",
        label=cell.body_part.capitalize(),
        body_part=cell.body_part,
        unit="",
        value=float("nan"),
        usual_low=float("nan"),
        usual_high=float("nan"),
        points=float(points),
        from_s=float(timestamps_s[cell.frames.start]),
        to_s=float(timestamps_s[last]),
    )
