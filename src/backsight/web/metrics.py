"""What the server counts about itself, for Prometheus. Knows routes and states, no person.

Several workers share what they counted through the folder that `PROMETHEUS_MULTIPROC_DIR` names; `backsight serve` sets
it before it starts them.
"""

from __future__ import annotations

import os

from prometheus_client import CONTENT_TYPE_LATEST, REGISTRY, CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector

MULTIPROCESS_VARIABLE = "PROMETHEUS_MULTIPROC_DIR"
CONTENT_TYPE = CONTENT_TYPE_LATEST

_KNOWN_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_REQUESTS = Counter("backsight_requests", "Requests answered.", ["method", "route", "status"])
_DURATIONS = Histogram(
    "backsight_request_seconds",
    "Time until a request was answered.",
    ["route"],
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.2, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0),
)
_SIGN_INS = Counter("backsight_sign_ins", "Attempts to sign in.", ["outcome"])


def observe_request(*, method: str, route: str, status: int, duration_s: float) -> None:
    """Count a request; methods that nobody knows are counted together, as anybody can invent them."""
    _REQUESTS.labels(method if method in _KNOWN_METHODS else "other", route, str(status)).inc()
    _DURATIONS.labels(route).observe(duration_s)


def count_sign_in(outcome: str) -> None:
    """Count an attempt to sign in: `accepted`, `refused` or `throttled`."""
    _SIGN_INS.labels(outcome).inc()


def exposition() -> bytes:
    """Return everything counted, in Prometheus' text format."""
    if not os.environ.get(MULTIPROCESS_VARIABLE):
        return generate_latest(REGISTRY)
    registry = CollectorRegistry()
    MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
    return generate_latest(registry)
