"""Name the engines that can run BlazePose. Knows neither of them."""

from __future__ import annotations

from enum import StrEnum


class PoseEngine(StrEnum):
    """What runs BlazePose's networks; the weights and, within measured bars, the landmarks are the same."""

    AUTO = "auto"
    """OpenVINO where it is installed and loads, else MediaPipe."""
    MEDIAPIPE = "mediapipe"
    OPENVINO = "openvino"
