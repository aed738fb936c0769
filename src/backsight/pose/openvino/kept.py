"""Keep compiled networks beside their weights for other processes. Knows not what a network does.

Compiling takes about a second a process, taking up what is kept a sixth of that, and the outputs are the same bit for
bit. What is kept holds for one OpenVINO, one processor and one set of weights and options; anything else finds nothing.
"""

from __future__ import annotations

import hashlib
import json
import os
import secrets
from collections.abc import Callable, Mapping
from contextlib import suppress
from io import BytesIO
from pathlib import Path
from typing import Any

FOLDER = "compiled"
"""Beside the bundle."""
_DEVICE = "CPU"
_DIGEST_BYTES = 32


def key_of(core: Any, weights: bytes, *, recipe: object, options: Mapping[str, object]) -> str:
    """Return the name of a compiled network: what it was compiled from, by what and for what.

    Parameters
    ----------
    weights
        The file of the network.
    recipe
        What else decides which network is compiled; anything that JSON can tell.
    options
        Those of the compiler.
    """
    told = [
        hashlib.sha256(weights).hexdigest(),
        recipe,
        dict(options),
        str(core.get_versions(_DEVICE)[_DEVICE].build_number),
        str(core.get_property(_DEVICE, "FULL_DEVICE_NAME")),
        [str(name) for name in core.get_property(_DEVICE, "OPTIMIZATION_CAPABILITIES")],
    ]
    return hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()[:24]


def kept_or(compile_network: Callable[[], Any], core: Any, place: Path, *, options: Mapping[str, object]) -> Any:
    """Return the network that is kept in `place`, or compile it and keep it there where the folder can be written."""
    kept = _taken_up(core, place, options)
    if kept is not None:
        return kept
    compiled = compile_network()
    # Without it the next process compiles again, and that is all.
    with suppress(OSError, RuntimeError):
        _keep(bytes(compiled.export_model().getbuffer()), place)
    return compiled


def _taken_up(core: Any, place: Path, options: Mapping[str, object]) -> Any | None:
    """Return what is kept; None where there is nothing, or not what was written."""
    try:
        # In a folder that several people fill, only the system's keeper is trusted like this user.
        if os.name == "posix" and place.stat().st_uid not in (os.geteuid(), 0):
            return None
        content = place.read_bytes()
    except OSError:
        return None
    digest, network = content[:_DIGEST_BYTES], content[_DIGEST_BYTES:]
    # OpenVINO may crash on a damaged network instead of raising.
    if hashlib.sha256(network).digest() != digest:
        return None
    try:
        return core.import_model(BytesIO(network), _DEVICE, dict(options))
    except RuntimeError:
        return None


def _keep(network: bytes, place: Path) -> None:
    """Write all or nothing: other processes read at any moment."""
    place.parent.mkdir(exist_ok=True)
    # Not the process's number: containers that share a folder have the same.
    part = place.with_name(f"{place.name}.{secrets.token_hex(4)}.part")
    try:
        part.write_bytes(hashlib.sha256(network).digest() + network)
        part.replace(place)
    finally:
        part.unlink(missing_ok=True)
