"""Start the servers that the load goes to, watch what they use, and end them. Knows no landmark.

`backsight serve` is started as its users start it; beside it stands what `study_load_bare` makes.
"""

from __future__ import annotations

import http.client
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from backsight.errors import OutputError

HOST = "127.0.0.1"
BARE_DATABASE_VARIABLE = "BENCHMARK_DATABASE_URL"
"""Tells `study_load_bare`, which is started as a process of its own, where to write."""
_UP_WITHIN_S = 60.0
_LOOK_EVERY_S = 0.01
_SETTLED_WITHIN_S = 30
_IDLE_SHARE = 0.1
"""Of a core: the jobs look for work now and then."""


@dataclass(frozen=True)
class Server:
    """A server that runs."""

    port: int
    pid: int
    first_page_s: float
    """From starting the process to the end of its first page."""

    def ask(
        self, method: str, path: str, *, body: str | None = None, headers: Mapping[str, str] | None = None
    ) -> tuple[http.client.HTTPResponse, str]:
        """Ask for something on a connection of its own; returns the answer and its text."""
        connection = http.client.HTTPConnection(HOST, self.port, timeout=30)
        try:
            connection.request(method, path, body=body, headers=dict(headers or {}))
            answer = connection.getresponse()
            return answer, answer.read().decode(errors="replace")
        finally:
            connection.close()

    def cpu_s(self) -> float:
        """Return the CPU seconds that the process and its children have used; NaN where Linux does not tell."""
        ticks = [_ticks_of(pid) for pid in (self.pid, *_children_of(self.pid))]
        return sum(ticks) / os.sysconf("SC_CLK_TCK") if os.name == "posix" else float("nan")

    def settle(self) -> None:
        """Return when the server has nothing to do any more, or has had something to do for long."""
        for _ in range(_SETTLED_WITHIN_S):
            before_s = self.cpu_s()
            time.sleep(1.0)
            if not self.cpu_s() - before_s > _IDLE_SHARE:
                return


@contextmanager
def study_server(*, database_url: str, folder: Path, workers: int = 1) -> Iterator[Server]:
    """Run `backsight serve` on a database; everything else that it keeps goes into `folder`."""
    port = free_port()
    command = ["-m", "backsight", "serve", "--port", str(port), "--workers", str(workers), "--videos", str(folder)]
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("BACKSIGHT_")},
        **{name: os.environ[name] for name in ("BACKSIGHT_MODELS_DIR",) if name in os.environ},
        "BACKSIGHT_DATABASE_URL": database_url,
        "BACKSIGHT_SECRET_KEY": "for-a-benchmark-only-0123456789-abcdef",
    }
    with _running(command, environment, port=port, path="/sign-in", log=folder / "serve.log") as server:
        yield server


@contextmanager
def bare_server(*, database_url: str, folder: Path) -> Iterator[Server]:
    """Run the endpoint that only writes."""
    port = free_port()
    command = [
        "-m",
        "uvicorn",
        "--factory",
        "backsight.benchmarks.study_load_bare:create_bare_app",
        "--port",
        str(port),
        "--no-access-log",
    ]
    environment = {**os.environ, BARE_DATABASE_VARIABLE: database_url}
    with _running(command, environment, port=port, path="/", log=folder / "bare.log") as server:
        yield server


def free_port() -> int:
    """Return a port of this machine that nobody listens on."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


@contextmanager
def _running(
    command: Sequence[str], environment: Mapping[str, str], *, port: int, path: str, log: Path
) -> Iterator[Server]:
    began_s = time.perf_counter()
    with log.open("ab") as lines:
        process = subprocess.Popen(
            [sys.executable, *command], env=dict(environment), stdin=subprocess.DEVNULL, stdout=lines, stderr=lines
        )
    try:
        _wait_for(process, port=port, path=path, log=log)
        yield Server(port=port, pid=process.pid, first_page_s=time.perf_counter() - began_s)
    finally:
        process.terminate()
        try:
            process.wait(timeout=30)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _wait_for(process: subprocess.Popen[bytes], *, port: int, path: str, log: Path) -> None:
    """Return when a page has come whole."""
    until_s = time.perf_counter() + _UP_WITHIN_S
    while process.poll() is None and time.perf_counter() < until_s:
        connection = http.client.HTTPConnection(HOST, port, timeout=_UP_WITHIN_S)
        try:
            connection.request("GET", path)
            connection.getresponse().read()
        except OSError:
            time.sleep(_LOOK_EVERY_S)
        else:
            return
        finally:
            connection.close()
    said = log.read_text(encoding="utf-8", errors="replace").strip().splitlines()
    raise OutputError(f"the server did not come up: {said[-1] if said else 'it said nothing'}")


def _ticks_of(pid: int) -> float:
    try:
        fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    except OSError:
        return float("nan")
    return float(fields[11]) + float(fields[12])


def _children_of(pid: int) -> list[int]:
    try:
        return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="utf-8").split()]
    except OSError:
        return []
