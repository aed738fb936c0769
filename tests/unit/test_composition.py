"""What assessing refuses before it opens anything."""

import pytest

from backsight import composition
from backsight.errors import InputError


@pytest.mark.parametrize("height_m", [175.0, 0.99, 2.31, float("nan")])
def test_a_height_that_is_no_persons_in_metres_is_refused_before_any_file_is_opened(height_m: float) -> None:
    with pytest.raises(InputError, match=r"`height_m` must be .* in metres, 1\.00 to 2\.30, got"):
        composition.assess(walk="not-there.mp4", height_m=height_m)


def test_an_unknown_engine_is_refused_before_any_file_is_opened() -> None:
    with pytest.raises(InputError, match=r"`engine` must be one of auto, mediapipe, openvino, got 'onnx'"):
        composition.assess(walk="not-there.mp4", engine="onnx")
