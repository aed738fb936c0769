"""Spoil perfect landmarks as BlazePose does: jitter, bias, hidden limbs, dropouts, swaps. Knows nothing of movement.

Sizes were measured with the lite model on real clips: `walk` (one woman side-on, 126 frames), `jacks` (jumping jacks
from the front, 96), `jump-down` (side-on, 48) of Sports2D and two of Keraal's (`keraal`, exercises for the back from
the front, 387); "all clips" means these.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d
from scipy.signal import lfilter

from backsight.domain.landmarks import MIRRORED, N_LANDMARKS, Landmark
from backsight.domain.sequences import PoseSequence
from backsight.domain.validation import FloatArray

FALSE_FLEXION_DEG = (3.0, 13.0)
"""Trunk flexion in depth that world landmarks show on upright people: 6-16 deg on a drawn figure (engines page), 7-10
deg on real ones (keraal, jacks). A camera above the hips explains a part, which `camera` adds by itself. It is an error
of depth: it counts in full seen from the front and not at all from the side."""
HIP_DROP_SHARE = (0.030, 0.010)
"""How far the hip landmark lies below the hip joint, as a share of height, mean and SD. From legs 1.45 trunks long
where Winter's joints say 1.70 (walk, jacks)."""
HIP_ADVANCE_M = (0.015, 0.020)
"""How far it lies in front, mean and SD. The walking woman leans 8 deg backwards in the picture's own plane (walk)."""
SHOULDER_DROP_SHARE = 0.02
"""How far the shoulder landmark lies below Winter's shoulder line, as a share of height: upper arms are 0.25 and trunks
0.47 of BlazePose's metres where the joints say 0.29 and 0.50 (walk, jacks)."""
HIP_SPREAD = 1.25
"""Hip landmarks' distance against the joints': 0.20-0.23 m in BlazePose's metres (all clips)."""
SHOULDER_SLIDE = (0.03, 0.18)
"""Share of the way to the elbow, along the floor, that a shoulder landmark slides when the arm swings: the shoulders of
the walking woman change places by +-0.2 trunk lengths in the picture (walk)."""
WORLD_SCALE, WORLD_SCALE_SD = 0.93, 0.04
"""BlazePose's metres for a person of average height: trunk 0.47, shank 0.39, shoulders 0.32 m (all clips)."""
SCALE_PULL = 0.9
"""Exponent with which body size is pulled to `AVERAGE_HEIGHT_M`: BlazePose's bodies are nearly of one size."""
AVERAGE_HEIGHT_M = 1.70
DEPTH_SHARE = (0.75, 1.05)
"""What is left of world depth. Assumption; at 30 deg of yaw a bent trunk is off by 0-8 deg (engines page)."""
IMAGE_DEPTH_GAIN = (3.4, 4.0)
"""Image z against world z at the person's scale, though both are said to be of x's scale: slopes 3.38 to 3.96, r .99
(all clips)."""

FAST_S, SLOW_S = 0.10, 0.8
"""Times in which the two kinds of jitter forget themselves. Assumption: BlazePose smooths over a few frames."""
FAST_M = 0.0016
"""Fast jitter of a trunk landmark of a person who keeps still, across the line of sight. Third differences of the
picture's positions over sqrt(20) are 0.5-1 mm for the trunk, 1-2 mm for limbs (keraal)."""
FAST_MOVING_S = 0.005
"""The same for each metre a second that the landmark moves in the picture. The statistic is 3 mm at the shoulders and
7 mm at the ankles of a walker (walk), 4 and 11 mm in jumping jacks."""
MOVING_DEPTH_FACTOR = 1.2
"""That part along the line of sight against across: third differences in depth are hardly larger (walk, jacks)."""
SLOW_M = 0.004
"""Slow error of a trunk landmark. From 2.7 deg of trunk flexion and 0-1.6 deg of shoulder obliquity (engines page)."""
BIAS_M = 0.006
"""Error that stays through a recording; as `SLOW_M`."""
DEPTH_FACTOR = 3.0
"""Errors along the line of sight against across: still people's fast jitter is 4 against 1.6 mm at the trunk and 10
against 4 mm at the limbs (keraal); 8.5 deg of shoulder yaw by lite (data page) are 2.5 cm in depth."""
STEADY_HIPS = 0.2
"""Fast jitter of the world's hips against that of the picture's (keraal: 0.1 mm)."""
OWN_WORLD = 1.4
"""Fast jitter that world landmarks have besides the picture's (keraal: 1.6 against 0.5 mm)."""
HIDDEN_FACTOR = 1.8
"""Errors of a hidden landmark against a seen one (walk: far wrist 7.2, near wrist 4.3 mm)."""
DROPOUT_RATE_HZ = 0.2
"""Losses of a limb a second. Assumption."""
LONG_DROPOUT_SHARE = 0.15
"""Share of the losses that last longer than the filter fills. Assumption."""
SWAP_SHARE = 0.03
"""Share of recordings in which left and right are taken for each other for a moment. Assumption."""
LATE_SHARE = 0.2
"""Share of recordings in which the person is found only after some frames: 8 of 134 (walk), 5 of 54 (jump-down)."""
LOST_SHARE = 0.06
"""Share of recordings in which the person is lost for a moment later on. Assumption."""

_FACE = list(range(11))
_LIMBS = (
    (Landmark.LEFT_ELBOW, Landmark.LEFT_WRIST, Landmark.LEFT_PINKY, Landmark.LEFT_INDEX, Landmark.LEFT_THUMB),
    (Landmark.RIGHT_ELBOW, Landmark.RIGHT_WRIST, Landmark.RIGHT_PINKY, Landmark.RIGHT_INDEX, Landmark.RIGHT_THUMB),
    (Landmark.LEFT_KNEE, Landmark.LEFT_ANKLE, Landmark.LEFT_HEEL, Landmark.LEFT_FOOT_INDEX),
    (Landmark.RIGHT_KNEE, Landmark.RIGHT_ANKLE, Landmark.RIGHT_HEEL, Landmark.RIGHT_FOOT_INDEX),
)


def _by_landmark(*, face: float, trunk: float, arm: tuple[float, ...], leg: tuple[float, ...]) -> FloatArray:
    """One number for each landmark, the same on both sides; `arm` from the elbow, `leg` from the knee down."""
    values = np.full(N_LANDMARKS, trunk)
    values[_FACE] = face
    for limb, numbers in zip(_LIMBS, (arm, arm, leg, leg), strict=True):
        values[list(limb)] = numbers
    return values


WOBBLE = _by_landmark(face=0.8, trunk=1.0, arm=(1.6, 1.8, 2.1, 2.1, 2.0), leg=(1.5, 1.7, 1.9, 2.0))
"""Errors of each landmark against a trunk landmark's (walk and keraal)."""
SEEN_LOGIT = _by_landmark(face=8.3, trunk=8.8, arm=(4.3, 3.6, 3.0, 3.0, 2.9), leg=(4.3, 3.9, 2.5, 3.4))
"""Log odds of visibility in full view: medians .98-.996 at elbows, .97 wrists, .95 hands, .97-.997 knees, .97-.99
ankles, .83-.95 heels, .95-.98 toes, .9995 trunk and face (all clips, visible side)."""
HIDDEN_LOGIT = _by_landmark(face=2.0, trunk=1.0, arm=(5.2, 4.1, 3.5, 3.5, 3.4), leg=(3.2, 2.2, 1.2, 1.6))
"""Fall of the log odds on a side that the body hides: far elbow .22-.34, wrist .31-.44, knee .45-.84, ankle .59-.92,
heel .65-.91, toes .69-.93, far shoulder, hip and eye still .99 (walk, jump-down)."""
CLARITY_SD, VISIBILITY_SD = 0.6, 0.7
"""SD of the log odds between recordings, and over time within one (all clips)."""
PRESENT_LOGIT = _by_landmark(face=9.7, trunk=10.0, arm=(8.0, 6.8, 6.3, 6.3, 6.3), leg=(8.3, 7.7, 7.3, 6.4))
"""Log odds of presence inside the frame: medians (all clips)."""
PRESENCE_SD = 1.2
"""SD of the log odds of presence, between recordings as well as within one (all clips)."""


@dataclass(frozen=True)
class RecordingErrors:
    """What is wrong with all of one recording."""

    false_flexion_deg: float
    hip_drop_share: float
    hip_advance_m: float
    shoulder_slide: float
    scale: float
    """World metres for each true metre."""
    depth_share: float
    image_depth_gain: float
    clarity: float
    """Log odds added to every visibility: light, clothing, resolution."""
    nearness: float
    """Log odds added to every presence."""
    hiding: float
    """How strongly a hidden side loses visibility, relative to the usual."""
    jitter: float
    """Relative to the usual amount."""


def sample_errors(rng: np.random.Generator, *, height_m: float) -> RecordingErrors:
    """Draw a recording's errors."""
    pull = (AVERAGE_HEIGHT_M / height_m) ** SCALE_PULL
    return RecordingErrors(
        false_flexion_deg=float(rng.uniform(*FALSE_FLEXION_DEG)),
        hip_drop_share=float(rng.normal(*HIP_DROP_SHARE)),
        hip_advance_m=float(rng.normal(*HIP_ADVANCE_M)),
        shoulder_slide=float(rng.uniform(*SHOULDER_SLIDE)),
        scale=float(WORLD_SCALE * pull * np.exp(rng.normal(0.0, WORLD_SCALE_SD))),
        depth_share=float(rng.uniform(*DEPTH_SHARE)),
        image_depth_gain=float(rng.uniform(*IMAGE_DEPTH_GAIN)),
        clarity=float(rng.normal(0.0, CLARITY_SD)),
        nearness=float(rng.normal(0.0, PRESENCE_SD)),
        hiding=float(rng.uniform(0.6, 1.3)),
        jitter=float(np.exp(rng.normal(0.0, 0.35))),
    )


def correlated_noise(shape: tuple[int, ...], dt_s: float, memory_s: float, rng: np.random.Generator) -> FloatArray:
    """First-order autoregressive noise of unit variance along the first axis; correlation falls by e in `memory_s`."""
    keep = float(np.exp(-dt_s / memory_s))
    fresh = rng.normal(size=shape)
    fresh[1:] *= np.sqrt(1.0 - keep**2)
    return np.asarray(lfilter([1.0], [1.0, -keep], fresh, axis=0), dtype=np.float64)


def hidden_share(world_m: FloatArray) -> FloatArray:
    """How far the body itself hides each landmark, 0 to 1; shape (n, 33).

    Seen from the side the far half of the body counts as hidden, whether or not a limb happens to stick out: so
    BlazePose answers. From anywhere, what lies behind the trunk is hidden, and a face that looks away.

    Parameters
    ----------
    world_m
        Hip-centred, camera axes; shape (n, 33, 3).
    """
    across = world_m[:, _LEFT_TRUNK].mean(axis=1) - world_m[:, _RIGHT_TRUNK].mean(axis=1)
    depth = across[:, 2] / np.linalg.norm(across, axis=1)
    hidden = np.zeros(world_m.shape[:2])
    hidden[:, _LEFT] = _rise(depth, 0.6, 1.0)[:, None]
    hidden[:, _RIGHT] = _rise(-depth, 0.6, 1.0)[:, None]
    shoulders = world_m[:, [Landmark.LEFT_SHOULDER, Landmark.RIGHT_SHOULDER]].mean(axis=1)
    length = np.maximum(np.linalg.norm(shoulders[:, :2], axis=1), 1e-6)[:, None]
    axis = shoulders[:, :2] / length
    limbs = world_m[:, _ARMS]
    along = np.clip((limbs[..., :2] * axis[:, None]).sum(axis=-1), 0.0, length)
    off = np.linalg.norm(limbs[..., :2] - along[..., None] * axis[:, None], axis=-1)
    behind = limbs[..., 2] - along / length * shoulders[:, 2:]
    hidden[:, _ARMS] = np.maximum(hidden[:, _ARMS], _rise(behind, 0.05, 0.18) * (1.0 - _rise(off, 0.08, 0.18)))
    ears = world_m[:, [Landmark.LEFT_EAR, Landmark.RIGHT_EAR], 2].mean(axis=1)
    hidden[:, _FACE] = np.maximum(hidden[:, _FACE], _rise(world_m[:, Landmark.NOSE, 2] - ears, 0.02, 0.09)[:, None])
    return hidden


_LEFT = [int(mark) for mark in Landmark if "LEFT" in mark.name]
_RIGHT = [int(mark) for mark in Landmark if "RIGHT" in mark.name]
_LEFT_TRUNK, _RIGHT_TRUNK = ([11, 23], [12, 24])
_ARMS = [int(mark) for limb in _LIMBS[:2] for mark in limb]
_HIPS = [int(Landmark.LEFT_HIP), int(Landmark.RIGHT_HIP)]


def _rise(x: FloatArray, low: float, high: float) -> FloatArray:
    u = np.clip((x - low) / (high - low), 0.0, 1.0)
    return u * u * (3.0 - 2.0 * u)


def spoil(
    pose: PoseSequence, *, errors: RecordingErrors, height_m: float, px_per_m: FloatArray, rng: np.random.Generator
) -> PoseSequence:
    """Return the pose as BlazePose would have reported it.

    Parameters
    ----------
    pose
        Perfect landmarks.
    height_m
        The person's height.
    px_per_m
        Pixels to a metre at the person, for each frame; shape (n,).
    """
    n = pose.n_frames
    dt_s = pose.duration_s / max(n - 1, 1)
    loss = _dropouts(n, dt_s, rng)
    hidden = hidden_share(pose.world_m)
    true_m = pose.world_m
    placed = misplace(true_m, errors=errors, height_m=height_m) - true_m
    fast, lasting, own = _jitter(pose, errors, hidden=hidden, loss=loss, px_per_m=px_per_m, rng=rng)
    image = pose.image_px + (placed + fast + lasting) * px_per_m[:, None, None]
    world = bend_forward(true_m + placed, errors.false_flexion_deg) * np.array([1.0, 1.0, errors.depth_share])
    fast[:, _HIPS] *= STEADY_HIPS
    world = errors.scale * (world + fast + lasting + own)
    hips = world[:, _HIPS].mean(axis=1, keepdims=True)
    world -= hips
    image[..., 2] = errors.image_depth_gain * world[..., 2] * px_per_m[:, None] / errors.scale
    logit = SEEN_LOGIT + errors.clarity - errors.hiding * HIDDEN_LOGIT * hidden - 6.0 * loss
    logit = logit + VISIBILITY_SD * correlated_noise((n, N_LANDMARKS), dt_s, SLOW_S, rng)
    visibility = 1.0 / (1.0 + np.exp(-logit))
    inside = PRESENT_LOGIT + errors.nearness + PRESENCE_SD * correlated_noise((n, N_LANDMARKS), dt_s, SLOW_S, rng)
    presence = 1.0 / (1.0 + np.exp(-inside))
    order = _swapped_order(n, dt_s, rng)
    rows = np.arange(n)[:, None]
    image, world = image[rows, order], world[rows, order]
    lost = _lost_frames(n, dt_s, rng)
    image[lost], world[lost], visibility[lost], presence[lost] = np.nan, np.nan, 0.0, 0.0
    return PoseSequence(image, world, visibility, presence, pose.timestamps_s, pose.frame_size)


def misplace(world_m: FloatArray, *, errors: RecordingErrors, height_m: float) -> FloatArray:
    """Put hips and shoulders where BlazePose puts them; still about the true hips; shape (n, 33, 3)."""
    placed = world_m.copy()
    hips, shoulders = world_m[:, _HIPS], world_m[:, [Landmark.LEFT_SHOULDER, Landmark.RIGHT_SHOULDER]]
    knees, elbows = world_m[:, [Landmark.LEFT_KNEE, Landmark.RIGHT_KNEE]], world_m[:, _ARMS[::5]]
    across = hips[:, :1] - hips[:, 1:]
    thigh = knees.mean(axis=1) - hips.mean(axis=1)
    down = thigh / np.linalg.norm(thigh, axis=1, keepdims=True)
    ahead = np.cross(across[:, 0], np.array([0.0, 1.0, 0.0]))
    ahead = -ahead / np.linalg.norm(ahead, axis=1, keepdims=True)
    shift = errors.hip_drop_share * height_m * down + errors.hip_advance_m * ahead
    placed[:, _HIPS] = hips * HIP_SPREAD + shift[:, None]
    level = np.array([1.0, 0.0, 1.0])
    spine = shoulders.mean(axis=1) - hips.mean(axis=1)
    spine /= np.linalg.norm(spine, axis=1, keepdims=True)
    slide = errors.shoulder_slide * (elbows - shoulders) * level - SHOULDER_DROP_SHARE * height_m * spine[:, None]
    placed[:, [Landmark.LEFT_SHOULDER, Landmark.RIGHT_SHOULDER]] += slide
    return placed


def bend_forward(world_m: FloatArray, angle_deg: float) -> FloatArray:
    """Tip everything above the hips towards where the person faces, in depth only, as BlazePose does to upright people.

    Seen from the front the trunk tips by the whole angle, from the side not at all; a bent trunk tips less.
    """
    across = gaussian_filter1d(world_m[:, Landmark.LEFT_HIP] - world_m[:, Landmark.RIGHT_HIP], 2.0, axis=0)
    facing = across[:, 0] / np.linalg.norm(across, axis=1)
    trunk = world_m[:, [Landmark.LEFT_SHOULDER, Landmark.RIGHT_SHOULDER]].mean(axis=1)
    upright = np.clip(-trunk[:, 1] / np.linalg.norm(trunk, axis=1), 0.0, 1.0)
    nearer = np.tan(np.radians(angle_deg)) * facing * upright
    bent = world_m.copy()
    bent[:, :23, 2] += np.minimum(world_m[:, :23, 1], 0.0) * nearer[:, None]
    return bent


def _jitter(
    pose: PoseSequence,
    errors: RecordingErrors,
    *,
    hidden: FloatArray,
    loss: FloatArray,
    px_per_m: FloatArray,
    rng: np.random.Generator,
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Fast and lasting errors in metres that picture and world share, and the world's own; each (n, 33, 3)."""
    shape = pose.world_m.shape
    dt_s = pose.duration_s / max(pose.n_frames - 1, 1)
    flat_m = pose.image_px[..., :2] / px_per_m[:, None, None]
    speed = np.linalg.norm(np.gradient(flat_m, dt_s, axis=0), axis=-1)
    size = errors.jitter * WOBBLE * (1.0 + (HIDDEN_FACTOR - 1.0) * np.maximum(hidden, loss))
    along = np.array([1.0, 1.0, DEPTH_FACTOR])
    moving = np.array([1.0, 1.0, MOVING_DEPTH_FACTOR])
    fast = size[..., None] * (FAST_M * along + FAST_MOVING_S * speed[..., None] * moving)
    lasting = SLOW_M * correlated_noise(shape, dt_s, SLOW_S, rng) + BIAS_M * rng.normal(size=(1, *shape[1:]))
    slips = 0.06 * loss[..., None] * correlated_noise(shape, dt_s, SLOW_S, rng)
    own = np.full(N_LANDMARKS, OWN_WORLD * FAST_M)
    own[_HIPS] *= STEADY_HIPS
    own_size = (own * size)[..., None] * along
    return (
        fast * correlated_noise(shape, dt_s, FAST_S, rng),
        size[..., None] * along * lasting + slips,
        own_size * correlated_noise(shape, dt_s, FAST_S, rng),
    )


def _dropouts(n: int, dt_s: float, rng: np.random.Generator) -> FloatArray:
    """How far each landmark is lost for reasons of its own, 0 to 1; shape (n, 33)."""
    loss = np.zeros((n, N_LANDMARKS))
    for _ in range(int(rng.poisson(DROPOUT_RATE_HZ * n * dt_s))):
        length_s = rng.uniform(0.4, 2.5) if rng.random() < LONG_DROPOUT_SHARE else rng.uniform(0.05, 0.25)
        first = int(rng.integers(0, n))
        limb = _LIMBS[int(rng.integers(0, 4))]
        marks = list(limb[int(rng.integers(0, 3)) :])
        loss[first : first + max(1, round(length_s / dt_s)), marks] = rng.uniform(0.6, 1.0)
    return loss


def _swapped_order(n: int, dt_s: float, rng: np.random.Generator) -> NDArray[np.int_]:
    """Which landmark is reported in each place; shape (n, 33)."""
    order = np.tile(np.arange(N_LANDMARKS), (n, 1))
    if rng.random() < SWAP_SHARE:
        first = int(rng.integers(0, n))
        last = first + max(2, round(float(rng.uniform(0.1, 0.6)) / dt_s))
        marks = list(range(23, 33)) if rng.random() < 0.7 else list(range(11, 33))
        order[first:last, marks] = np.array(MIRRORED)[marks]
    return order


def _lost_frames(n: int, dt_s: float, rng: np.random.Generator) -> NDArray[np.bool_]:
    """Frames in which nobody is found, never all of them; shape (n,)."""
    lost = np.zeros(n, dtype=bool)
    if rng.random() < LATE_SHARE:
        lost[: max(1, round(float(rng.uniform(0.03, 0.3)) / dt_s))] = True
    if rng.random() < LOST_SHARE:
        first = int(rng.integers(0, n))
        lost[first : first + max(1, round(float(rng.uniform(0.03, 0.5)) / dt_s))] = True
    lost[n // 2] = False
    return lost
