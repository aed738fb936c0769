"""Move a mesh with the skeleton: which piece carries each point, and where that puts it. Knows no shapes or colours.

Linear blending, with an extra turn half-way at every joint so that bent elbows and knees keep their volume.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from backsight.domain.validation import FloatArray
from backsight.rendering.anatomy import Anatomy
from backsight.rendering.field import Points, Values, smooth_step
from backsight.rendering.rest import SIDE_NAMES, RestPose, piece_origin_m
from backsight.simulation.skeleton import SIDES, Figure

PIECES = (
    "pelvis", "lumbar", "low_thorax", "high_thorax", "neck", "head",
    *(f"{side}_{piece}" for side in SIDE_NAMES for piece in ("upper_arm", "forearm", "hand", "thigh", "shank", "foot")),
)  # fmt: skip
JOINTS: tuple[tuple[str, str], ...] = (
    ("pelvis", "lumbar"), ("lumbar", "low_thorax"), ("low_thorax", "high_thorax"), ("high_thorax", "neck"),
    ("neck", "head"),
    *(
        (f"{side}_{near}" if near not in ("high_thorax", "pelvis") else near, f"{side}_{far}")
        for side in SIDE_NAMES
        for near, far in (
            ("high_thorax", "upper_arm"), ("upper_arm", "forearm"), ("forearm", "hand"),
            ("pelvis", "thigh"), ("thigh", "shank"), ("shank", "foot"),
        )
    ),
)  # fmt: skip
"""Piece nearer to the pelvis and piece that turns on it."""
CARRIERS = (*PIECES, *(far + "/half" for _, far in JOINTS))
SMALLEST_WEIGHT = 0.004
"""Shares below this are dropped."""
SPINE_BENDS = (0.05, 0.04, 0.035, 0.025, 0.025)
"""Half-lengths over which L5/S1, T12/L1, T6/T7, neck and skull joint bend; shares of body height."""
ELBOW_BEND, KNEE_BEND, HAND_AND_FOOT_BEND = 0.030, 0.042, 0.53
"""The same for elbow and knee, and for wrist and ankle relative to these. Assumption by eye, as the spine's."""


@dataclass(frozen=True, eq=False)
class Skin:
    """Carries rest-pose points along with a figure."""

    rest: RestPose
    matrix: sparse.csr_array
    """Weight times (1, x, y, z) of each point for each carrier; shape (n_points, 4 * n_carriers)."""

    def place(self, figure: Figure, frame: int) -> Points:
        """Put the points where the figure's pieces take them; shape (n_points, 3), metres in the room."""
        moves = np.empty((len(CARRIERS), 4, 3), dtype=np.float32)
        turns, here, there = _turns(self.rest.figure, figure, frame)
        moves[:, 1:] = turns.transpose(0, 2, 1)
        moves[:, 0] = there - np.einsum("kij,kj->ki", turns, here)
        placed: Points = self.matrix @ moves.reshape(-1, 3)
        return placed


def _turns(rest: Figure, figure: Figure, frame: int) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Turn of every carrier against the rest pose, its origin in the rest pose, and its origin now."""
    rotations = {name: figure.rotations[name][frame] @ rest.rotations[name][0].T for name in PIECES}
    pairs = np.stack([rotations[near] + rotations[far] for near, far in JOINTS])
    u, _, vt = np.linalg.svd(pairs)
    sign = np.sign(np.linalg.det(u @ vt))
    u[:, :, 2] *= sign[:, None]
    turns = np.concatenate([np.stack([rotations[name] for name in PIECES]), u @ vt])
    names = [*PIECES, *(far for _, far in JOINTS)]
    here = np.stack([piece_origin_m(rest, name, 0) for name in names])
    there = np.stack([piece_origin_m(figure, name, frame) for name in names])
    return turns, here, there


def attach(rest: RestPose, points: Points, weights: NDArray[np.float32]) -> Skin:
    """Build the matrix that moves points.

    Parameters
    ----------
    weights
        Share of each carrier in each point; shape (n_points, n_carriers).
    """
    weights = np.where(weights < SMALLEST_WEIGHT, 0.0, weights)
    weights /= weights.sum(axis=1, keepdims=True)
    rows, carriers = np.nonzero(weights)
    share = weights[rows, carriers]
    homogeneous = np.hstack([np.ones((len(points), 1), dtype=np.float32), points])[rows] * share[:, None]
    columns = (4 * carriers[:, None] + np.arange(4)).astype(np.int32)
    starts = np.concatenate([[0], np.cumsum(4 * np.bincount(rows, minlength=len(points)))]).astype(np.int32)
    matrix = sparse.csr_array(
        (homogeneous.astype(np.float32).ravel(), columns.ravel(), starts), shape=(len(points), 4 * len(CARRIERS))
    )
    return Skin(rest, matrix)


def rigid_weights(n_points: int, piece: str) -> NDArray[np.float32]:
    """Let one piece carry everything."""
    weights = np.zeros((n_points, len(CARRIERS)), dtype=np.float32)
    weights[:, CARRIERS.index(piece)] = 1.0
    return weights


def body_weights(anatomy: Anatomy, points: Points, *, hang_m: float = 0.012) -> NDArray[np.float32]:
    """Share the points between the pieces by where they lie in the rest pose.

    Parameters
    ----------
    hang_m
        Half-width of the zone between the legs where cloth follows both.
    """
    rest, u = anatomy.rest, anatomy.rest.unit_m
    weights = np.zeros((len(points), len(CARRIERS)), dtype=np.float32)
    total = np.ones(len(points), dtype=np.float32)
    trunk = anatomy.trunk(points)
    for side, name in enumerate(SIDE_NAMES):
        apart = trunk - anatomy.arms[side](points)
        arm = _split(weights, total, f"{name}_upper_arm", smooth_step(apart, -0.026 * u, 0.022 * u))
        limb = tuple(f"{name}_{piece}" for piece in ("upper_arm", "forearm", "hand"))
        _bend_along(weights, rest, points, total=arm, limb=limb, half_m=ELBOW_BEND * u)
        total = np.maximum(total - arm - _half(weights, f"{name}_upper_arm"), 0.0)
    for side, (name, sign) in enumerate(zip(SIDE_NAMES, SIDES, strict=True)):
        legs = _leg_share(rest, points, side) * smooth_step(sign * points[:, 0], -hang_m, hang_m)
        leg = _split(weights, total, f"{name}_thigh", legs)
        limb = tuple(f"{name}_{piece}" for piece in ("thigh", "shank", "foot"))
        _bend_along(weights, rest, points, total=leg, limb=limb, half_m=KNEE_BEND * u)
        total = np.maximum(total - leg - _half(weights, f"{name}_thigh"), 0.0)
    chain = ("pelvis", "lumbar", "low_thorax", "high_thorax", "neck", "head")
    for near, far, half in zip(chain, chain[1:], SPINE_BENDS, strict=False):
        origin = rest.joint_m(far)
        height = (points - origin.astype(np.float32)) @ rest.place(near).axes[:, 1].astype(np.float32)
        if far == "neck":  # the slopes down to the shoulders stay with the chest
            height = height - np.maximum(np.abs(points[:, 0]) - 0.03 * u, 0.0)
        beyond = smooth_step(height, -half * u, half * u)
        carried = _split(weights, total, far, beyond)
        weights[:, CARRIERS.index(near)] += np.maximum(total - carried - total * _tent(beyond), 0.0)
        total = carried
    weights[:, CARRIERS.index("head")] += total
    return weights


def _tent(share: Values) -> Values:
    tent: Values = 1.0 - np.abs(2.0 * share - 1.0)
    return tent


def _half(weights: NDArray[np.float32], far: str) -> Values:
    half: Values = weights[:, CARRIERS.index(far + "/half")]
    return half


def _split(weights: NDArray[np.float32], total: Values, far: str, share: Values) -> Values:
    """Give the half-way turn its part and return what goes to the far piece."""
    weights[:, CARRIERS.index(far + "/half")] += total * _tent(share)
    carried: Values = total * np.maximum(2.0 * share - 1.0, 0.0)
    return carried


def _bend_along(
    weights: NDArray[np.float32], rest: RestPose, points: Points, *, total: Values, limb: tuple[str, ...], half_m: float
) -> None:
    """Share what a limb carries of the points between its pieces."""
    for near, far, half in zip(limb, limb[1:], (half_m, HAND_AND_FOOT_BEND * half_m), strict=False):
        down = -rest.place(far).to_local(points) @ (rest.place(far).axes.T @ rest.place(near).axes[:, 1]).astype(
            np.float32
        )
        beyond = smooth_step(down, -half, half)
        carried = _split(weights, total, far, beyond)
        weights[:, CARRIERS.index(near)] += np.maximum(total - carried - total * _tent(beyond), 0.0)
        total = carried
    weights[:, CARRIERS.index(limb[-1])] += total


def _leg_share(rest: RestPose, points: Points, side: int) -> Values:
    """How far a point is past the hip: the crease runs from the groin down to the fold under the seat."""
    u, hip = rest.unit_m, rest.joint_m(f"{SIDE_NAMES[side]}_thigh").astype(np.float32)
    off = points - hip
    outward = SIDES[side] * off[:, 0]
    past = -off[:, 1] + 0.45 * off[:, 2] + 0.25 * np.clip(outward, -0.05 * u, 0.05 * u)
    return smooth_step(past.astype(np.float32), -0.045 * u, 0.06 * u)
