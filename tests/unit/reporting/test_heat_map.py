"""The motion heat map: speeds from analytic movement, every landmark once, missing cells seen as missing."""

import struct
import zlib

import numpy as np
import pytest

from backsight.domain.landmarks import Landmark
from backsight.domain.recording import Exercise
from backsight.domain.sequences import PoseSequence
from backsight.reporting.heat_map import (
    GROUPS,
    MAX_COLUMNS,
    colour_bar,
    draw_heat_map,
    landmark_speeds,
    palette,
    palette_png,
)
from tests.assessments import make_pose


def _still(**options: object) -> PoseSequence:
    return make_pose(flexion_deg=0.0, hidden=(), nobody=(0, 0), **options)  # type: ignore[arg-type]


def _decode(png: bytes) -> np.ndarray:
    """Read back the shades of a palette PNG without filters."""
    width, height = struct.unpack(">II", png[16:24])
    data, at = b"", 8
    while at < len(png):
        (length,) = struct.unpack(">I", png[at : at + 4])
        if png[at + 4 : at + 8] == b"IDAT":
            data += png[at + 8 : at + 8 + length]
        at += 12 + length
    return np.frombuffer(zlib.decompress(data), np.uint8).reshape(height, width + 1)[:, 1:]


def test_every_landmark_is_drawn_once() -> None:
    rows = [row for group in GROUPS for row, _ in group.rows]

    assert sorted(rows) == list(Landmark)


def test_a_person_standing_still_has_no_speed() -> None:
    np.testing.assert_allclose(landmark_speeds(_still()), 0.0, atol=1e-9)


def test_walking_speed_is_that_of_the_person_and_independent_of_the_distance() -> None:
    # The factory walks 2.4 m in 149 / 30 s past an orthographic camera, so the hips move at 48.3 cm/s.
    pose = make_pose(Exercise.WALK, yaw_deg=0.0, hidden=(), nobody=(0, 0))
    further = PoseSequence(
        image_px=0.5 * pose.image_px,
        world_m=pose.world_m,
        visibility=pose.visibility,
        presence=pose.presence,
        timestamps_s=pose.timestamps_s,
        frame_size=pose.frame_size,
    )

    expected_cm_s = 240.0 / (149 / 30)
    for seen in (pose, further):
        np.testing.assert_allclose(landmark_speeds(seen)[:, Landmark.LEFT_HIP], expected_cm_s, rtol=1e-6)


def test_speed_is_missing_exactly_where_the_landmark_is() -> None:
    pose = make_pose(hidden=((Landmark.RIGHT_WRIST, 60, 85),), nobody=(110, 118))

    speeds = landmark_speeds(pose)

    np.testing.assert_array_equal(np.isnan(speeds), np.isnan(pose.image_px[:, :, 0]))


def test_missing_cells_are_transparent_and_known_ones_are_not() -> None:
    heat_map = draw_heat_map(make_pose(hidden=((Landmark.RIGHT_WRIST, 60, 85),), nobody=(110, 118)))

    right_arm = _decode(heat_map.pictures[2])
    wrist = [row for row, _ in GROUPS[2].rows].index(Landmark.RIGHT_WRIST)

    assert right_arm.shape == (6, 150)
    is_missing = right_arm == 255
    np.testing.assert_array_equal(np.flatnonzero(is_missing[wrist]), [*range(60, 85), *range(110, 118)])
    np.testing.assert_array_equal(np.flatnonzero(is_missing[0]), range(110, 118))
    assert heat_map.missing_share == pytest.approx((25 + 8 * 33) / (150 * 33))


def test_a_hole_in_the_recordings_own_time_is_missing_too() -> None:
    pose = _still(n_frames=60)
    # The camera paused for 2 s after frame 29.
    times = pose.timestamps_s + np.where(np.arange(60) >= 30, 2.0, 0.0)
    paused = PoseSequence(
        image_px=pose.image_px,
        world_m=pose.world_m,
        visibility=pose.visibility,
        presence=pose.presence,
        timestamps_s=times,
        frame_size=pose.frame_size,
    )

    nose = _decode(draw_heat_map(paused).pictures[0])[0]

    # 60 columns over 59 / 30 + 2 = 3.97 s, so a column every 0.066 s; the middle of the pause is at 1.98 s, column 30.
    assert nose[30] == 255
    assert nose[0] == nose[59] == 0
    assert 25 <= (nose == 255).sum() <= 31  # 2 s less 2.5 intervals on either side, in columns.


def test_the_fastest_landmark_is_named_and_a_single_jump_does_not_count() -> None:
    pose = make_pose(yaw_deg=90.0, hidden=(), nobody=(0, 0))
    image_px = pose.image_px.copy()
    image_px[75, Landmark.LEFT_HEEL] += 400.0  # One frame in which the heel was found elsewhere.
    jumped = PoseSequence(
        image_px=image_px,
        world_m=pose.world_m,
        visibility=pose.visibility,
        presence=pose.presence,
        timestamps_s=pose.timestamps_s,
        frame_size=pose.frame_size,
    )

    group, name, speed_cm_s = draw_heat_map(jumped).fastest or ("", "", 0.0)

    # Eyes: 0.70 m above and 0.09 m ahead of the hips, so 0.706 m from what they turn about; an angle of 95 deg times
    # sin^2(pi t / T) changes by at most 95 deg * pi / T, T = 149 / 30 s. The 95th centile lies just below that.
    largest = 100 * np.hypot(0.70, 0.09) * np.radians(95.0) * np.pi / (149 / 30)
    assert group == "Head"
    assert "eye" in name
    assert 0.97 * largest < speed_cm_s < largest


def test_nobody_and_a_single_frame_give_an_empty_map() -> None:
    for pose in (make_pose(n_frames=20, nobody=(0, 20)), make_pose(n_frames=1, hidden=(), nobody=(0, 0))):
        heat_map = draw_heat_map(pose)

        assert heat_map.fastest is None
        assert (_decode(heat_map.pictures[0]) == 255).all()


def test_long_recordings_do_not_make_wide_pictures() -> None:
    assert _decode(draw_heat_map(_still(n_frames=1800)).pictures[0]).shape == (11, MAX_COLUMNS)


def test_colours_get_steadily_lighter() -> None:
    linear = np.where(palette() / 255 <= 0.04045, palette() / 255 / 12.92, ((palette() / 255 + 0.055) / 1.055) ** 2.4)
    luminance = linear @ (0.2126, 0.7152, 0.0722)
    lightness = 116 * np.cbrt(luminance) - 16

    # Every fourth colour: single steps are smaller than what eight bits resolve.
    assert (np.diff(lightness[::4]) > 0).all()
    # Perceptually uniform: no step is more than twice another, over stretches of 32 colours.
    stretches = np.diff(lightness[::32])
    assert stretches.max() < 2 * stretches.min()


def test_the_png_is_one_that_a_decoder_reads() -> None:
    av = pytest.importorskip("av")
    codec = av.CodecContext.create("png", "r")
    (frame,) = codec.decode(av.Packet(palette_png(np.array([[0, 254], [127, 255]], np.uint8))))

    rgba = frame.reformat(format="rgba").to_ndarray()

    np.testing.assert_array_equal(rgba[0, 0], [0x44, 0x01, 0x54, 255])
    np.testing.assert_array_equal(rgba[0, 1], [0xFD, 0xE7, 0x25, 255])
    assert rgba[1, 1, 3] == 0
    assert colour_bar().startswith(b"\x89PNG")
