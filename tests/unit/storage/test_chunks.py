from __future__ import annotations

import json
import struct
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backsight.domain.landmarks import N_LANDMARKS, Landmark
from backsight.errors import InvalidValueError, StorageError
from backsight.storage import chunks
from backsight.storage.chunks import MAX_FRAMES, LandmarkFrames, pack, parse_chunk, times_of, to_pose, unpack


def _frames(timestamps_s: list[float], *, missing: tuple[int, ...] = ()) -> LandmarkFrames:
    """Every value differs from every other; the frames in `missing` show nobody."""
    n = len(timestamps_s)
    values = np.arange(n * N_LANDMARKS * 8, dtype=np.float64) / (n * N_LANDMARKS * 8)
    image, world_m, visibility, presence = np.split(
        values.reshape(n, -1), [3 * N_LANDMARKS, 6 * N_LANDMARKS, 7 * N_LANDMARKS], axis=1
    )
    parts = [image.reshape(n, -1, 3), world_m.reshape(n, -1, 3), visibility, presence]
    for part in parts:
        part[list(missing)] = np.nan
    return LandmarkFrames(np.array(timestamps_s), *parts)


def _frame(**changed: Any) -> dict[str, Any]:
    """Return a frame as a browser sends it, with the changes given; `...` leaves a field out."""
    frame: dict[str, Any] = {
        "timestamp_s": 0.0,
        "image": [[0.5, 0.25, -0.1]] * N_LANDMARKS,
        "world_m": [[0.1, -0.2, 0.3]] * N_LANDMARKS,
        "visibility": [0.9] * N_LANDMARKS,
        "presence": [1] * N_LANDMARKS,
    }
    return {name: value for name, value in (frame | changed).items() if value is not ...}


def _assert_same(got: LandmarkFrames, wanted: LandmarkFrames, *, atol: float) -> None:
    np.testing.assert_array_equal(got.timestamps_s, wanted.timestamps_s)
    for name in ("image", "world_m", "visibility", "presence"):
        np.testing.assert_allclose(getattr(got, name), getattr(wanted, name), rtol=0, atol=atol)


def test_what_is_packed_comes_back_in_float32_with_exact_times_and_missing_frames() -> None:
    # 0.1 s is not a float32.
    frames = _frames([0.1, 0.1333, 59.9999999], missing=(1,))
    got = unpack(pack(frames))
    _assert_same(got, frames, atol=2.0**-24)
    assert np.isnan(got.image[1]).all()


def test_the_times_alone_are_those_of_the_whole() -> None:
    frames = _frames([0.1, 0.1333, 59.9999999], missing=(1,))
    assert times_of(pack(frames)).tolist() == [0.1, 0.1333, 59.9999999]
    with pytest.raises(StorageError, match="damaged"):
        times_of(pack(frames)[:20])


def test_frames_read_at_once_and_one_by_one_are_the_same() -> None:
    document = {"frames": [_frame(timestamp_s=0.1), _frame(timestamp_s=0.2, visibility=[0.1] * N_LANDMARKS)]}
    fields = document["frames"]
    at_once = chunks._read_at_once(fields)
    assert at_once is not None
    for fast, slow in zip(at_once, chunks._read_one_by_one(fields), strict=True):
        np.testing.assert_array_equal(fast, slow)
    assert parse_chunk(document).visibility[1, 0] == 0.1


@pytest.mark.parametrize("second", [{"visibility": None}, {"presence": ...}, {"image": [[0.5, 0.25]] * N_LANDMARKS}])
def test_frames_that_differ_are_looked_at_one_by_one(second: dict[str, Any]) -> None:
    assert chunks._read_at_once([_frame(timestamp_s=0.1), _frame(timestamp_s=0.2, **second)]) is None


def test_equal_frames_give_equal_bytes_whatever_their_nan() -> None:
    frames = _frames([0.0, 0.1], missing=(1,))
    negative = np.copysign(np.nan, -1.0)
    other = LandmarkFrames(
        frames.timestamps_s,
        np.where(np.isnan(frames.image), negative, frames.image),
        frames.world_m,
        frames.visibility,
        frames.presence,
    )
    assert pack(other) == pack(frames)
    assert pack(_frames([0.0, 0.1])) != pack(frames)


def test_no_frames_pack_too() -> None:
    empty = LandmarkFrames(
        np.empty(0),
        np.empty((0, N_LANDMARKS, 3)),
        np.empty((0, N_LANDMARKS, 3)),
        np.empty((0, N_LANDMARKS)),
        np.empty((0, N_LANDMARKS)),
    )
    assert unpack(pack(empty)).n_frames == 0


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda data: b"", "at least 9 bytes, got 0"),
        (lambda data: data[:-20], "must hold 2128 bytes|damaged"),
        (lambda data: b"backsight-sealed" + data, "sealed"),
        (lambda data: data[:4] + b"\x02" + data[5:], "format 1, got 2"),
        (lambda data: data[:5] + struct.pack("<I", 3) + data[9:], "3 frames must hold 3192 bytes"),
        (lambda data: data[:5] + struct.pack("<I", 1) + data[9:], "1 frames must hold 1064 bytes"),
        (lambda data: data[:9] + b"\x00" * 40, "damaged"),
    ],
)
def test_a_damaged_chunk_is_refused(damage: Any, message: str) -> None:
    with pytest.raises(StorageError, match=message):
        unpack(damage(pack(_frames([0.0, 0.1]))))


def test_a_chunk_of_a_browser_is_read() -> None:
    document = {
        "frames": [
            _frame(),
            _frame(timestamp_s=0.033, image=None, world_m=None, visibility=None, presence=None),
            {"timestamp_s": 0.067},
            _frame(timestamp_s=0.1, presence=...),
        ]
    }
    got = parse_chunk(json.loads(json.dumps(document)))
    np.testing.assert_array_equal(got.timestamps_s, [0.0, 0.033, 0.067, 0.1])
    np.testing.assert_array_equal(got.image[0, 7], [0.5, 0.25, -0.1])
    np.testing.assert_array_equal(got.world_m[3, 32], [0.1, -0.2, 0.3])
    assert np.isnan(got.image[1:3]).all()
    assert np.isnan(got.visibility[1:3]).all()
    assert (got.presence[0] == 1.0).all()
    assert np.isnan(got.presence[3]).all()


_LONG = [[0.5, 0.25, -0.1]] * (N_LANDMARKS - 1)


@pytest.mark.parametrize(
    ("document", "message"),
    [
        (None, "must be an object.*got nothing"),
        ([], "must be an object.*got a list"),
        ({}, "must be an object"),
        ({"frames": [_frame()], "more": 1}, "must be an object"),
        ({"frames": {}}, "1 to 300 frames, got an object"),
        ({"frames": []}, "1 to 300 frames, got 0"),
        ({"frames": [_frame()] * (MAX_FRAMES + 1)}, "1 to 300 frames, got 301"),
        ({"frames": [7]}, r"frames\[0\]` must be an object.*got a number"),
        ({"frames": [_frame(visibilty=[1])]}, r"frames\[0\]` may hold.*'visibilty'"),
        ({"frames": [_frame(timestamp_s=...)]}, r"frames\[0\]\.timestamp_s` must be a number of seconds, got nothing"),
        ({"frames": [_frame(timestamp_s="0")]}, "timestamp_s.*got a text"),
        ({"frames": [_frame(timestamp_s=True)]}, "timestamp_s.*got a truth value"),
        ({"frames": [_frame(timestamp_s=float("nan"))]}, "timestamp_s.*0 and 120 s.*nan"),
        ({"frames": [_frame(timestamp_s=-0.1)]}, r"timestamp_s.*got -0\.1"),
        ({"frames": [_frame(timestamp_s=120.1)]}, r"timestamp_s.*got 120\.1"),
        ({"frames": [_frame(timestamp_s=10**4000)]}, "timestamp_s.*over 15 digits"),
        ({"frames": [_frame(), _frame(timestamp_s=0.0)]}, "increase strictly, but frame 1"),
        ({"frames": [_frame(timestamp_s=0.2), _frame(timestamp_s=0.1)]}, "increase strictly, but frame 1"),
        ({"frames": [_frame(image=_LONG)]}, r"image` must be 33 x 3 numbers, got shape \(32, 3\)"),
        ({"frames": [_frame(image=[*_LONG, [1, 2]])]}, "image` must be 33 x 3 numbers, got lists of unequal lengths"),
        ({"frames": [_frame(image=[*_LONG, [1, 2, None]])]}, "no number among them"),
        ({"frames": [_frame(image=[*_LONG, [1, 2, "3"]])]}, "no number among them"),
        ({"frames": [_frame(image=[*_LONG, [1, 2, 10**400]])]}, "no number among them"),
        ({"frames": [_frame(image=[["1", "2", "3"]] * 33)]}, "no number among them"),
        ({"frames": [_frame(visibility=[True] * 33)]}, "no number among them"),
        ({"frames": [_frame(image=[*_LONG, [1, 2, float("inf")]])]}, "within -10 and 11, got inf"),
        ({"frames": [_frame(image=[*_LONG, [640, 2, 3]])]}, "image.*within -10 and 11, got 640"),
        ({"frames": [_frame(world_m=[*_LONG, [0, -85, 0]])]}, "world_m.*within -5 and 5, got -85"),
        ({"frames": [_frame(visibility=[1.5] * 33)]}, r"visibility` must be 33 numbers within 0 and 1, got 1\.5"),
        ({"frames": [_frame(presence=[-0.1] * 33)]}, r"presence` must be 33 numbers within 0 and 1, got -0\.1"),
        ({"frames": [_frame(image=None)]}, "image` must be 33 x 3 numbers, got nothing"),
        ({"frames": [_frame(visibility=None)]}, "visibility` must be 33 numbers, got nothing"),
        ({"frames": [_frame(presence={})]}, "presence` must be 33 numbers, got an object"),
    ],
)
def test_a_malformed_chunk_is_refused_with_frame_and_field(document: object, message: str) -> None:
    with pytest.raises(InvalidValueError, match=message) as refused:
        parse_chunk(document)
    assert len(str(refused.value)) < 300


def test_lists_in_lists_without_end_are_refused() -> None:
    nested: list[Any] = []
    for _ in range(500):
        nested = [nested]
    with pytest.raises(InvalidValueError, match="image"):
        parse_chunk({"frames": [_frame(image=nested)]})


def test_chunks_together_are_a_track_in_pixels_from_the_first_frame_on() -> None:
    first, second = (
        parse_chunk({"frames": [_frame(timestamp_s=2.0)]}),
        parse_chunk({"frames": [{"timestamp_s": 2.5}, _frame(timestamp_s=3.0, presence=...)]}),
    )
    track = to_pose([first, second], width=1280, height=720)
    assert track.pose.frame_size == (1280, 720)
    np.testing.assert_array_equal(track.pose.timestamps_s, [0.0, 0.5, 1.0])
    # x and z count in widths, y in heights.
    np.testing.assert_allclose(track.pose.image_px[0, Landmark.NOSE], [640.0, 180.0, -128.0])
    np.testing.assert_allclose(track.pose.world_m[2, Landmark.NOSE], [0.1, -0.2, 0.3])
    np.testing.assert_array_equal(track.pose.has_person, [True, False, True])
    np.testing.assert_array_equal(track.pose.visibility[:, 0], [0.9, 0.0, 0.9])
    # Where the browser did not tell presence, visibility stands in.
    np.testing.assert_array_equal(track.pose.presence[:, 0], [1.0, 0.0, 0.9])
    np.testing.assert_array_equal(track.n_people, [np.nan, 0.0, np.nan])
    assert not track.changed_person.any()


def test_a_clock_that_goes_backwards_between_chunks_is_refused() -> None:
    first, second = _frames([0.0, 1.0]), _frames([1.0, 2.0])
    with pytest.raises(InvalidValueError, match="increase strictly, but frame 2"):
        to_pose([first, second], width=1280, height=720)


def test_a_recording_without_a_frame_is_refused() -> None:
    with pytest.raises(InvalidValueError, match="at least one frame"):
        to_pose([], width=1280, height=720)


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=8,
)
_FIELD = st.sampled_from(["timestamp_s", "image", "world_m", "visibility", "presence", "n"])


@settings(max_examples=60, deadline=None, derandomize=True)
@given(st.lists(st.dictionaries(_FIELD, _JSON), max_size=3) | _JSON)
def test_whatever_a_browser_sends_is_read_or_refused(changes: object) -> None:
    frames: Any = changes
    if isinstance(changes, list) and all(isinstance(one, dict) for one in changes):
        frames = [_frame(timestamp_s=float(number)) | one for number, one in enumerate(changes)]
    try:
        got = parse_chunk({"frames": frames})
    except InvalidValueError:
        return
    assert got.n_frames == len(frames)
    assert unpack(pack(got)).n_frames == got.n_frames
