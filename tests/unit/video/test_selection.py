"""Positions and crops as people type them."""

import pytest

from backsight.errors import InvalidValueError
from backsight.video.selection import Crop, Position, parse_crop, parse_position


@pytest.mark.parametrize(
    ("text", "position"),
    [
        ("12.5", Position(seconds=12.5)),
        ("0", Position(seconds=0.0)),
        (".5", Position(seconds=0.5)),
        ("1:02.5", Position(seconds=62.5)),
        ("1:00:02", Position(seconds=3602.0)),
        (" 48f ", Position(frame=48)),
    ],
)
def test_position_is_read(text: str, position: Position) -> None:
    assert parse_position(text) == position


@pytest.mark.parametrize("text", ["", "f", "-1", "1.5f", "1:2:3:4", "nan", "12s", "1e3", "1:-2"])
def test_what_is_no_position_is_refused(text: str) -> None:
    with pytest.raises(InvalidValueError, match="seconds"):
        parse_position(text)


def test_position_is_one_thing() -> None:
    with pytest.raises(InvalidValueError, match="either seconds or a frame number"):
        Position(seconds=1.0, frame=3)
    with pytest.raises(InvalidValueError, match="either seconds or a frame number"):
        Position()


def test_typed_milliseconds_reach_a_frame_between_them() -> None:
    third_of_a_second = 1 / 3
    assert Position(seconds=0.333).is_reached(index=10, timestamp_s=third_of_a_second)
    assert not Position(seconds=0.335).is_reached(index=10, timestamp_s=third_of_a_second)


def test_crop_is_read() -> None:
    assert parse_crop("0, 470,1560,524") == Crop(x=0, y=470, width=1560, height=524)


@pytest.mark.parametrize("text", ["", "1,2,3", "a,b,c,d", "0,0,100.5,100", "-1,0,100,100", "1,2,3,4,5"])
def test_what_is_no_crop_is_refused(text: str) -> None:
    with pytest.raises(InvalidValueError, match="X,Y,WIDTH,HEIGHT"):
        parse_crop(text)


def test_tiny_crop_is_refused() -> None:
    with pytest.raises(InvalidValueError, match="64 x 64"):
        parse_crop("0,0,63,500")
