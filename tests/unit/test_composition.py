"""What the composition root refuses before it opens anything."""

import sys
from pathlib import Path

import pytest

from backsight import composition
from backsight.errors import InputError, MissingDependencyError


@pytest.mark.parametrize("height_m", [175.0, 0.99, 2.31, float("nan")])
def test_a_height_that_is_no_persons_in_metres_is_refused_before_any_file_is_opened(height_m: float) -> None:
    with pytest.raises(InputError, match=r"`height_m` must be .* in metres, 1\.00 to 2\.30, got"):
        composition.assess(walk="not-there.mp4", height_m=height_m)


def test_an_unknown_engine_is_refused_before_any_file_is_opened() -> None:
    with pytest.raises(InputError, match=r"`engine` must be one of auto, mediapipe, openvino, got 'onnx'"):
        composition.assess(walk="not-there.mp4", engine="onnx")


def test_openvino_that_was_asked_for_and_is_not_there_is_an_error(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setitem(sys.modules, "openvino", None)
    with (
        pytest.raises(MissingDependencyError, match=r"pip install 'backsight\[fast\]'"),
        composition.pose_estimator(tmp_path / "pose_landmarker_lite.task", engine="openvino"),
    ):
        pass
