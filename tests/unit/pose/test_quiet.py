import os

import pytest

from backsight.pose.quiet import without_chatter


def test_notices_are_dropped_and_everything_else_is_passed_on(capfd: pytest.CaptureFixture[str]) -> None:
    with without_chatter():
        os.write(2, b"W0000 00:00:1795340622.063019   24980 feedback_manager.cc:121] Feedback manager requires ...\n")
        os.write(2, b"INFO: Created TensorFlow Lite XNNPACK delegate for CPU.\n")
        os.write(2, b"WARNING: Logging before InitGoogle() is written to STDERR\n")
        os.write(2, b"E0000 00:00:1795340622.063019   24980 graph.cc:1] it broke\n")
        os.write(2, b"12 of 20 frames")
    os.write(2, b" and on\n")
    expected = "E0000 00:00:1795340622.063019   24980 graph.cc:1] it broke\n12 of 20 frames and on\n"
    assert capfd.readouterr().err == expected


def test_standard_error_is_put_back_after_an_error(capfd: pytest.CaptureFixture[str]) -> None:
    def break_off() -> None:
        with without_chatter():
            os.write(2, b"told before\n")
            raise ValueError("inside")

    with pytest.raises(ValueError, match="inside"):
        break_off()
    os.write(2, b"told after\n")
    assert capfd.readouterr().err == "told before\ntold after\n"
