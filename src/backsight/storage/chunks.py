"""Landmarks as a browser sends them, as the database keeps them, and as the road takes them. Knows no database.

A browser sends chunks of frames as JSON (`parse_chunk`), the database keeps each chunk as one binary value (`pack`,
`unpack`), and all chunks of a recording together are a `PoseTrack` (`to_pose`).
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from backsight.domain.landmarks import N_LANDMARKS
from backsight.domain.recording import EXERCISE_LIMIT_S
from backsight.domain.sequences import ImageStatistics, PoseSequence, PoseTrack
from backsight.domain.validation import FloatArray, as_float_array, check_same_length, check_timestamps
from backsight.errors import InvalidValueError, StorageError

MAX_FRAMES = 300
"""Frames in a chunk: ten seconds at 30 frames a second, so that a request stays below 1 MB."""
LATEST_S = 2.0 * EXERCISE_LIMIT_S
"""Latest time of a frame: a browser may stop a recording late, but not by as much again."""
IMAGE_RANGE = (-10.0, 11.0)
"""x, y and z as shares of the picture. BlazePose guesses limbs outside the picture, so 0 to 1 is not the limit; what
lies ten pictures away is no guess but a mistake of units."""
WORLD_RANGE_M = (-5.0, 5.0)
"""Metres from the hip centre, on each axis: no person reaches further, and centimetres do."""

_MAGIC = b"BSLM"
_VERSION = 1
_HEADER = struct.Struct("<4sBI")
"""Magic, version, number of frames."""
_N_VALUES = N_LANDMARKS * 8
"""float32 values a frame: image and world positions, visibility, presence."""
_FRAME_BYTES = 8 + 4 * _N_VALUES
_COMPRESSION = 1
"""zlib's fastest: its slowest saves 3 % more in twice the time (30 frames of a real clip: 22.6 kB of 31.9)."""
_EXPECTED = {
    "image": ((N_LANDMARKS, 3), IMAGE_RANGE),
    "world_m": ((N_LANDMARKS, 3), WORLD_RANGE_M),
    "visibility": ((N_LANDMARKS,), (0.0, 1.0)),
    "presence": ((N_LANDMARKS,), (0.0, 1.0)),
}
"""Shape and range of a frame's values."""
_FRAME_KEYS = ("timestamp_s", *_EXPECTED)


@dataclass(frozen=True, eq=False)
class LandmarkFrames:
    """Some frames' landmarks as `@mediapipe/tasks-vision` gives them. A frame without a person is NaN throughout."""

    timestamps_s: FloatArray
    """Seconds by the recording's own clock, strictly increasing; shape (n_frames,)."""
    image: FloatArray
    """x to the right and y down as shares of the picture's width and height, z away from the camera in x's scale;
    shape (n_frames, 33, 3); NaN = no person."""
    world_m: FloatArray
    """Metres from the hip centre: x to the image's right, y down, z away from the camera; shape (n_frames, 33, 3);
    NaN = no person."""
    visibility: FloatArray
    """Probability that a landmark is in view and not hidden; shape (n_frames, 33); NaN = no person."""
    presence: FloatArray
    """Probability that a landmark lies inside the frame; shape (n_frames, 33); NaN = no person, or not told."""

    def __post_init__(self) -> None:
        for name in ("image", "world_m"):
            object.__setattr__(self, name, as_float_array(name, getattr(self, name), ("n_frames", N_LANDMARKS, 3)))
        for name in ("visibility", "presence"):
            object.__setattr__(self, name, as_float_array(name, getattr(self, name), ("n_frames", N_LANDMARKS)))
        object.__setattr__(self, "timestamps_s", as_float_array("timestamps_s", self.timestamps_s, ("n_frames",)))
        check_same_length(
            timestamps_s=self.timestamps_s,
            image=self.image,
            world_m=self.world_m,
            visibility=self.visibility,
            presence=self.presence,
        )
        check_timestamps(self.timestamps_s)

    @property
    def n_frames(self) -> int:
        """Number of frames."""
        return len(self.timestamps_s)


def pack(frames: LandmarkFrames) -> bytes:
    """Return the frames as one binary value; equal frames give equal bytes.

    Times keep float64, everything else float32, which is what the pose model computes in.
    """
    n_frames = frames.n_frames
    positions = [part.reshape(n_frames, 3 * N_LANDMARKS) for part in (frames.image, frames.world_m)]
    values = np.concatenate([*positions, frames.visibility, frames.presence], axis=1).astype("<f4")
    # One bit pattern for every NaN, and the like bytes of all values side by side, which compress better.
    values[np.isnan(values)] = np.nan
    planes = values.view(np.uint8).reshape(-1, 4).T
    raw = frames.timestamps_s.astype("<f8").tobytes() + planes.tobytes()
    return _HEADER.pack(_MAGIC, _VERSION, n_frames) + zlib.compress(raw, level=_COMPRESSION)


def unpack(payload: bytes) -> LandmarkFrames:
    """Return what `pack` packed.

    Raises
    ------
    StorageError
        When the value is damaged, or was packed by a newer version.
    """
    n_frames = _read_header(payload)
    size = n_frames * _FRAME_BYTES
    # A byte more than there may be, so that too many show.
    raw = _inflate(payload, size + 1)
    if len(raw) != size:
        raise StorageError(f"a chunk of {n_frames} frames must hold {size} bytes, got {len(raw)}; it is damaged")
    timestamps_s = np.frombuffer(raw, dtype="<f8", count=n_frames)
    planes = np.frombuffer(raw, dtype=np.uint8, offset=8 * n_frames).reshape(4, -1)
    values = np.ascontiguousarray(planes.T).view("<f4").reshape(n_frames, _N_VALUES)
    image, world_m, visibility, presence = np.split(values, [3 * N_LANDMARKS, 6 * N_LANDMARKS, 7 * N_LANDMARKS], axis=1)
    return LandmarkFrames(
        timestamps_s=timestamps_s,
        image=image.reshape(n_frames, N_LANDMARKS, 3),
        world_m=world_m.reshape(n_frames, N_LANDMARKS, 3),
        visibility=visibility,
        presence=presence,
    )


def _read_header(payload: bytes) -> int:
    """Return the number of frames."""
    try:
        magic, version, n_frames = _HEADER.unpack_from(payload)
    except struct.error as error:
        raise StorageError(
            f"a chunk of landmarks must hold at least {_HEADER.size} bytes, got {len(payload)}"
        ) from error
    if magic != _MAGIC:
        raise StorageError(f"a chunk of landmarks must begin with {_MAGIC!r}, got {magic!r}; it is damaged, or sealed")
    if version != _VERSION:
        raise StorageError(f"a chunk of landmarks must be of format {_VERSION}, got {version}; update Backsight")
    return int(n_frames)


def _inflate(payload: bytes, most: int) -> bytes:
    """Return at most so many bytes: a damaged length must not make us allocate without bound."""
    try:
        # 0 would mean without bound.
        return zlib.decompressobj().decompress(payload[_HEADER.size :], max(most, 1))
    except zlib.error as error:
        raise StorageError(f"a chunk of landmarks is damaged: {error}") from error


def parse_chunk(document: object) -> LandmarkFrames:
    """Check a chunk as a browser sent it, read from JSON, and return its frames.

    Parameters
    ----------
    document
        `{"frames": [FRAME, ...]}` with 1 to 300 frames of `{"timestamp_s": 0.033, "image": [[x, y, z], ... 33],
        "world_m": [[x, y, z], ... 33], "visibility": [... 33], "presence": [... 33]}`. Units are those of
        `LandmarkFrames`. A frame without a person has null for all but its time, or leaves them out; `presence` may be
        missing from all frames, because not every version of tasks-vision tells it.

    Raises
    ------
    InvalidValueError
        When a field is missing, unknown, of another shape, not a finite number, out of its plausible range, or the
        clock does not go forward. The message names frame and field.
    """
    frames = _list_of_frames(document)
    fields = [_fields(frame, where=f"frames[{number}]") for number, frame in enumerate(frames)]
    timestamps_s = np.array([_time_s(one.get("timestamp_s"), number=number) for number, one in enumerate(fields)])
    values = _read_at_once(fields)
    if values is None:
        values = _read_one_by_one(fields)
    image, world_m, visibility, presence = values
    return LandmarkFrames(
        timestamps_s=timestamps_s, image=image, world_m=world_m, visibility=visibility, presence=presence
    )


def times_of(payload: bytes) -> NDArray[np.float64]:
    """Return only the times of what `pack` packed, without unpacking the rest; shape (n_frames,), seconds.

    Raises
    ------
    StorageError
        When the value is damaged, or was packed by a newer version.
    """
    n_frames = _read_header(payload)
    raw = _inflate(payload, 8 * n_frames)
    if len(raw) < 8 * n_frames:
        raise StorageError(f"a chunk of {n_frames} frames must hold as many times, got fewer; it is damaged")
    return np.frombuffer(raw, dtype="<f8", count=n_frames)


_Values = tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]
"""Image and world positions, visibility, presence, as in `LandmarkFrames`."""


def _read_at_once(fields: Sequence[Mapping[str, object]]) -> _Values | None:
    """Return all values of frames that are as they mostly are; None = one is not, so that each is to be looked at.

    numpy looks at nested lists faster when there are few of them: fifty people send a chunk a second each.
    """
    if any(one.get(name) is None for one in fields for name in ("image", "world_m", "visibility")):
        return None
    n_presence = sum(one.get("presence") is not None for one in fields)
    if n_presence not in (0, len(fields)):
        return None
    found = []
    for name, (shape, (low, high)) in _EXPECTED.items():
        if name == "presence" and not n_presence:
            found.append(np.full((len(fields), *shape), np.nan))
            continue
        try:
            array = np.array([one[name] for one in fields])
        except ValueError:
            return None
        if array.shape != (len(fields), *shape) or array.dtype.kind not in "if":
            return None
        numbers = array.astype(np.float64, copy=False)
        if not ((numbers >= low) & (numbers <= high)).all():
            return None
        found.append(numbers)
    image, world_m, visibility, presence = found
    return image, world_m, visibility, presence


def _read_one_by_one(fields: Sequence[Mapping[str, object]]) -> _Values:
    """Return the values frame by frame, NaN where nobody was found; say which frame and field is wrong."""
    image = np.full((len(fields), N_LANDMARKS, 3), np.nan)
    world_m = np.full_like(image, np.nan)
    visibility = np.full((len(fields), N_LANDMARKS), np.nan)
    presence = np.full_like(visibility, np.nan)
    for number, one in enumerate(fields):
        if all(one.get(name) is None for name in _EXPECTED):
            continue
        image[number] = _numbers(one, "image", number=number)
        world_m[number] = _numbers(one, "world_m", number=number)
        visibility[number] = _numbers(one, "visibility", number=number)
        if one.get("presence") is not None:
            presence[number] = _numbers(one, "presence", number=number)
    return image, world_m, visibility, presence


def to_pose(chunks: Sequence[LandmarkFrames], *, width: int, height: int) -> PoseTrack:
    """Put a recording's chunks together, in their order, as what the road takes.

    Nobody looked for other people, followed the person or saw the pictures, so the track says nothing of those. Where
    the browser did not tell presence, visibility stands in for it: what is in view lies inside the frame, so this errs
    to the careful side.

    Parameters
    ----------
    width, height
        Of the analysed picture in pixels.

    Raises
    ------
    InvalidValueError
        When there is no frame, the clock goes backwards from one chunk to the next, or the size is not positive.
    """
    if not any(chunk.n_frames for chunk in chunks):
        raise InvalidValueError("`chunks` must hold at least one frame, got none")
    timestamps_s = np.concatenate([chunk.timestamps_s for chunk in chunks])
    visibility = np.concatenate([chunk.visibility for chunk in chunks])
    presence = np.concatenate([chunk.presence for chunk in chunks])
    pose = PoseSequence(
        # As in `pose.blazepose`: z comes in the scale of x, as a share of the picture's width.
        image_px=np.concatenate([chunk.image for chunk in chunks]) * np.array([width, height, width], dtype=np.float64),
        world_m=np.concatenate([chunk.world_m for chunk in chunks]),
        visibility=np.nan_to_num(visibility, nan=0.0),
        presence=np.nan_to_num(np.where(np.isnan(presence), visibility, presence), nan=0.0),
        timestamps_s=timestamps_s - timestamps_s[0],
        frame_size=(width, height),
    )
    return PoseTrack(
        pose=pose,
        n_people=np.where(pose.has_person, np.nan, 0.0),
        changed_person=np.zeros(pose.n_frames, dtype=np.bool_),
        images=ImageStatistics(),
    )


def _list_of_frames(document: object) -> list[object]:
    if not isinstance(document, Mapping) or set(document) != {"frames"}:
        raise InvalidValueError(f'a chunk must be an object {{"frames": [...]}}, got {_kind(document)}')
    frames = document["frames"]
    if not isinstance(frames, list) or not 1 <= len(frames) <= MAX_FRAMES:
        got = f"{len(frames)}" if isinstance(frames, list) else _kind(frames)
        raise InvalidValueError(f"`frames` must be a list of 1 to {MAX_FRAMES} frames, got {got}")
    return frames


def _fields(frame: object, *, where: str) -> Mapping[str, object]:
    if not isinstance(frame, Mapping):
        raise InvalidValueError(f"`{where}` must be an object with {', '.join(_FRAME_KEYS)}, got {_kind(frame)}")
    unknown = sorted(str(name)[:40] for name in set(frame) - set(_FRAME_KEYS))
    if unknown:
        raise InvalidValueError(f"`{where}` may hold {', '.join(_FRAME_KEYS)}, got {unknown[0]!r} besides")
    return frame


def _time_s(value: object, *, number: int) -> float:
    where = f"frames[{number}]"
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise InvalidValueError(f"`{where}.timestamp_s` must be a number of seconds, got {_kind(value)}")
    if not 0.0 <= value <= LATEST_S:
        got = f"{value:.6g}" if isinstance(value, float) or abs(value) < 10**15 else "a number of over 15 digits"
        raise InvalidValueError(
            f"`{where}.timestamp_s` must lie within 0 and {LATEST_S:.0f} s of the recording's start, got {got}"
        )
    return float(value)


def _numbers(fields: Mapping[str, object], name: str, *, number: int) -> NDArray[np.float64]:
    value = fields.get(name)
    shape, (low, high) = _EXPECTED[name]
    expected = f"`frames[{number}].{name}` must be {' x '.join(str(size) for size in shape)} numbers"
    if not isinstance(value, list):
        raise InvalidValueError(f"{expected}, got {_kind(value)}")
    try:
        # Without a type given, numpy shows what is inside: a text or a null among numbers makes it no number array.
        array = np.array(value)
    except ValueError as error:
        raise InvalidValueError(f"{expected}, got lists of unequal lengths") from error
    if array.shape != shape:
        raise InvalidValueError(f"{expected}, got shape {array.shape}")
    if array.dtype.kind not in "if":
        raise InvalidValueError(f"{expected}, got something that is no number among them")
    numbers = array.astype(np.float64)
    # Written so that NaN and infinity fail too.
    wrong = ~((numbers >= low) & (numbers <= high))
    if wrong.any():
        raise InvalidValueError(f"{expected} within {low:g} and {high:g}, got {numbers[wrong][0]:g}")
    return numbers


def _kind(value: object) -> str:
    """Return what JSON calls a value, never the value itself: it may be long, and it is health data."""
    kinds = {dict: "an object", list: "a list", str: "a text", bool: "a truth value", type(None): "nothing"}
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return "a number"
    return kinds.get(type(value), type(value).__name__)
