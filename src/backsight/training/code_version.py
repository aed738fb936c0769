"""Tell the code that makes predictions apart from any other. Knows no study and no learner."""

from __future__ import annotations

import hashlib
from functools import cache
from importlib import resources
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
_DATA = (".json", ".npz")


@cache
def code_version() -> str:
    """Return a digest of the code that decides predictions, as it stands when first asked, and of what ships beside it.

    Whatever was kept of earlier work is only taken up where this is the same. Comments and layout do not count.
    """
    return digest_package(Path(str(resources.files("backsight"))))


def digest_package(package: Path) -> str:
    """Return the digest of a package's folder."""
    files = [path for part in DECIDES for path in sorted([package / part, *(package / part).rglob("*")])]
    digest = hashlib.sha256(digest_sources(package, [path for path in files if path.suffix == ".py"]).encode())
    for path in files:
        if path.suffix in _DATA:
            digest.update(path.relative_to(package).as_posix().encode())
            digest.update(path.read_bytes())
    return digest.hexdigest()[:16]
