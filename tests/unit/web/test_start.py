"""What the site loads before its first page, and what it says to nobody."""

from __future__ import annotations

import socket
import subprocess
import sys
from pathlib import Path

import pytest
import uvicorn
from fastapi import FastAPI

from backsight.cli import serve
from backsight.web.routes import stream

SLOW = ("scipy", "onnxruntime", "cv2", "av", "mediapipe", "openvino", "dbos", "pandas", "matplotlib", "torch", "ray")
"""Each takes from 0.3 s to some seconds; the first page is to be there within 3 s."""


def test_the_first_page_waits_for_no_engine() -> None:
    code = (
        f"import sys, backsight.cli.main, backsight.web.app\nprint(*[name for name in {SLOW!r} if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == []


def test_a_socket_s_message_is_refused_while_it_comes_in(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    given: dict[str, object] = {}
    monkeypatch.setenv("BACKSIGHT_DATABASE_URL", f"sqlite:///{tmp_path / 'site.sqlite3'}")
    monkeypatch.setattr(uvicorn, "run", lambda _, **options: given.update(options))
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    serve.serve(host="127.0.0.1", port=port, database=None, videos=None, workers=1, trust_proxy="127.0.0.1")
    assert given["ws_max_size"] == stream.MAX_MESSAGE_BYTES


def test_no_collector_of_telemetry_is_told_anything_whatever_the_environment_says(
    monkeypatch: pytest.MonkeyPatch, development_app: FastAPI
) -> None:
    from opentelemetry import trace

    class Telling(trace.NoOpTracerProvider):
        """A provider that is set up, as an operator's agent would do it for every library."""

    monkeypatch.setenv("FASTAPI_OTEL_AUTO_CONFIGURE", "true")
    monkeypatch.setattr(trace, "get_tracer_provider", Telling)
    assert FastAPI()._native_telemetry.enabled()
    assert not development_app._native_telemetry.enabled()
    assert not development_app._telemetry["auto_configure"]
