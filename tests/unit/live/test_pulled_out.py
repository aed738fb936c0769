"""A camera that falls silent or is cut off, through FFmpeg and the live thread; it is a socket of this machine."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import av
import pytest
from av.container import InputContainer

from backsight.errors import CameraError
from backsight.live.pace import Grabber
from backsight.video.camera import Camera, Device
from tests.clips import even_times, write_clip

READ_LIMIT_S = 0.4
STREAM = "mpegts"


class Plug:
    """Sends a clip's bytes to whoever connects, and then holds the line silent until it is pulled."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._server = socket.create_server(("127.0.0.1", 0))
        self._is_pulled = threading.Event()
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def open(self, _: Device) -> InputContainer:
        url = f"tcp://127.0.0.1:{self._server.getsockname()[1]}"
        return av.open(url, format=STREAM, timeout=(5.0, READ_LIMIT_S))

    def pull(self) -> None:
        """Cut the line."""
        self._is_pulled.set()

    def close(self) -> None:
        self.pull()
        self._server.close()
        self._thread.join(5.0)

    def _serve(self) -> None:
        while not self._is_pulled.is_set():
            try:
                line, _ = self._server.accept()
            except OSError:
                return
            threading.Thread(target=self._send, args=(line,), daemon=True).start()

    def _send(self, line: socket.socket) -> None:
        with line:
            try:
                line.sendall(self._data)
            except OSError:
                return
            self._is_pulled.wait(30.0)


@contextmanager
def plugged(folder: Path) -> Iterator[Plug]:
    clip = write_clip(folder / "clip.ts", times_s=even_times(40, fps=30.0), size=(320, 240))
    plug = Plug(clip.read_bytes())
    try:
        yield plug
    finally:
        plug.close()


def take_all(grabber: Grabber) -> None:
    while grabber.get() is not None:
        pass


@pytest.mark.parametrize("is_cut", [False, True])
def test_a_camera_that_falls_silent_or_is_cut_is_told_after_its_last_picture(tmp_path: Path, is_cut: bool) -> None:
    with plugged(tmp_path) as plug:
        grabber = Grabber(Camera("camera:0", duration_s=60.0, opener=plug.open))
        if is_cut:
            threading.Timer(0.2, plug.pull).start()
        grabber.start()
        assert grabber.get() is not None
        with pytest.raises(CameraError, match=r"camera:0: the camera stopped .*check its cable"):
            take_all(grabber)
        grabber.stop()
