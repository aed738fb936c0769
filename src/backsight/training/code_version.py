"""Tell the code and libraries that make predictions apart from any others. Knows no study and no learner."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from functools import cache
from importlib import metadata, resources
from pathlib import Path

from backsight.studio.fingerprint import digest_sources

DECIDES = (
    "datasets",
    "domain",
    "errors.py",
    "evaluation",
    "features",
    "kinematics",
    "network",
    "pipeline.py",
    "ports.py",
    "pose",
    "scoring",
    "simulation",
    "training",
    "video",
)
"""Folders and modules of the package whose code or data decides what a learner says of a recording's landmarks. What
only decides the landmarks is left out: a study is known by those."""
LIBRARIES = ("numpy", "scikit-learn", "scipy", "torch")
"""Distributions whose other version may learn something else."""
_DATA = (".json", ".npz")


@cache
def code_version() -> str:
    """Return a digest of the code and libraries that decide predictions, as they stand when first asked.

    Whatever was kept of earlier work is only taken up where this is the same. Comments and layout do not count.
    """
    told = json.dumps([own_code_version(), installed_versions(LIBRARIES)])
    return hashlib.sha256(told.encode()).hexdigest()[:16]


@cache
def own_code_version() -> str:
    """Return a digest of Backsight's own part of it: code, and the data that ships beside it."""
    return digest_package(Path(str(resources.files("backsight"))))


def installed_versions(names: Iterable[str]) -> dict[str, str | None]:
    """Return the versions of distributions by name; None = not installed."""
    return {name: _installed(name) for name in names}


def _installed(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


def digest_package(package: Path) -> str:
    """Return the digest of a package's folder."""
    files = [path for part in DECIDES for path in sorted([package / part, *(package / part).rglob("*")])]
    digest = hashlib.sha256(digest_sources(package, [path for path in files if path.suffix == ".py"]).encode())
    for path in files:
        if path.suffix in _DATA:
            digest.update(path.relative_to(package).as_posix().encode())
            digest.update(path.read_bytes())
    return digest.hexdigest()[:16]
