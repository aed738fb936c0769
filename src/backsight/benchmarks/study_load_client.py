"""Post chunks of landmarks at a camera's pace for many participants at once, and time the answers. Knows no landmark.

A process of its own, so that its work is not taken for the server's: `python -m backsight.benchmarks.study_load_client`
reads an `Order` from standard input and writes a `Report` to standard output, both JSON. It speaks just enough HTTP/1.1
to cost little: a request's bytes are ready before its time comes.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path

_WAIT_S = 0.5
"""Before a chunk is sent again, as static/participant/sender.js waits."""
_TRIES = 10
_OK, _BUSY = 200, 500


@dataclass(frozen=True)
class Order:
    """What is to be posted."""

    host: str
    port: int
    heads: list[str]
    """Of each participant: the path before a chunk's number, and headers, separated by line ends."""
    bodies: list[str]
    """Files with the chunks' bodies, in the order in which everybody sends them."""
    every_s: float
    """A chunk is full after so long."""


@dataclass(frozen=True)
class Report:
    """What came of it."""

    latencies_ms: list[float]
    """From the moment a chunk was full to its answer, of those accepted; waiting for an earlier one counts."""
    n_refused: int
    """Chunks that were never accepted."""
    n_again: int
    """How often one was sent again."""
    cpu_s: float
    """Of this process while it posted."""
    wall_s: float


class _Line:
    """A connection that is kept open, as a browser keeps it."""

    def __init__(self, host: str, port: int) -> None:
        self._host, self._port = host, port
        self._ends: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def post(self, request: bytes) -> int:
        """Send a request and return the answer's status."""
        if self._ends is None:
            self._ends = await asyncio.open_connection(self._host, self._port)
        reader, writer = self._ends
        try:
            writer.write(request)
            await writer.drain()
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower()
            length = next(line for line in head.split("\r\n") if line.startswith("content-length:"))
            await reader.readexactly(int(length.partition(":")[2]))
            return int(head.split(" ", 2)[1])
        except (OSError, EOFError):
            self.close()
            raise

    def close(self) -> None:
        """Hang up."""
        if self._ends is not None:
            self._ends[1].close()
            self._ends = None


async def play(order: Order) -> Report:
    """Post everybody's chunks; participants begin evenly spread over the time of a chunk."""
    bodies = [Path(name).read_bytes() for name in order.bodies]
    latencies_ms: list[float] = []
    failures = [0, 0]
    began_s, began_cpu_s = time.perf_counter() + 0.1, time.process_time()

    async def participate(number: int, head: str) -> None:
        line = _Line(order.host, order.port)
        path, _, headers = head.partition("\n")
        begin_s = began_s + order.every_s * number / len(order.heads)
        for chunk, body in enumerate(bodies):
            start = f"POST {path}{chunk} HTTP/1.1\r\nHost: {order.host}:{order.port}\r\n"
            fields = "".join(f"{field}\r\n" for field in headers.split("\n") if field)
            request = f"{start}{fields}Content-Length: {len(body)}\r\n\r\n".encode() + body
            full_s = begin_s + order.every_s * (chunk + 1)
            await asyncio.sleep(max(0.0, full_s - time.perf_counter()))
            n_tries = await _post(line, request)
            if n_tries > _TRIES:
                failures[0] += 1
            else:
                failures[1] += n_tries - 1
                latencies_ms.append(1000.0 * (time.perf_counter() - full_s))
        line.close()

    await asyncio.gather(*(participate(number, head) for number, head in enumerate(order.heads)))
    return Report(
        latencies_ms=latencies_ms,
        n_refused=failures[0],
        n_again=failures[1],
        cpu_s=time.process_time() - began_cpu_s,
        wall_s=time.perf_counter() - began_s,
    )


async def _post(line: _Line, request: bytes) -> int:
    """Send a chunk until it is accepted or refused; return how often it was sent, more than `_TRIES` = not accepted."""
    for n_tries in range(1, _TRIES + 1):
        try:
            status = await line.post(request)
        except (OSError, EOFError):
            status = _BUSY
        if status == _OK:
            return n_tries
        if status < _BUSY:
            break
        await asyncio.sleep(_WAIT_S)
    return _TRIES + 1


if __name__ == "__main__":
    sys.stdout.write(json.dumps(asdict(asyncio.run(play(Order(**json.load(sys.stdin)))))))
