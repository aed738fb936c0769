"""Tell whether the code that filmed a recording is still the same. Knows nothing of recordings."""

from __future__ import annotations

import ast
import hashlib
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

_PICTURES = (
    "rendering",
    "video/encoding.py",
    "video/reader.py",
    "video/container.py",
    "video/clock.py",
    "video/fitting.py",
    "video/geometry.py",
    "video/statistics.py",
    "pose/blazepose.py",
    "pose/closer.py",
    "pose/estimator.py",
    "pose/following.py",
    "studio/filmed.py",
    "studio/spoiling.py",
)
"""What decides the pictures of a movement and what BlazePose sees in them."""
_MOVEMENT = ("simulation",)
_NOT_MOVEMENT = ("truth.py", "noise.py")
"""Say something of a movement but do not make it."""
_TRUTH = ("simulation/truth.py", "studio/truth_files.py")


@dataclass(frozen=True)
class Fingerprint:
    """What a recording was made with."""

    pictures: str
    movement: str
    truth: str
    """What is said of the movement."""

    @classmethod
    def of_package(cls) -> Fingerprint:
        """Read the sources that are installed now; comments, docstrings and layout do not count."""
        package = Path(str(resources.files("backsight")))
        movement = [path for path in _sources(package, _MOVEMENT) if path.name not in _NOT_MOVEMENT]
        return cls(
            pictures=digest_sources(package, _sources(package, _PICTURES)),
            movement=digest_sources(package, movement),
            truth=digest_sources(package, _sources(package, _TRUTH)),
        )


def digest_sources(package: Path, paths: Sequence[Path]) -> str:
    """Return a fingerprint of what modules below `package` do; who changes a comment changes nothing."""
    digest = hashlib.sha256()
    for path in paths:
        digest.update(path.relative_to(package).as_posix().encode())
        digest.update(_meaning(path.read_text(encoding="utf-8")).encode())
    return digest.hexdigest()[:16]


def _sources(package: Path, parts: tuple[str, ...]) -> list[Path]:
    return [path for part in parts for path in (sorted((package / part).rglob("*.py")) or [package / part])]


def _meaning(source: str) -> str:
    """Return what a module does, as text, without what only people read."""
    tree = ast.parse(source)
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            node.body = [item for item in node.body if not _is_text(item)]
    # As Python 3.11 writes it, so that recordings filmed with one Python are known to another.
    if sys.version_info >= (3, 13):
        written = ast.dump(tree, show_empty=True)
    else:
        written = ast.dump(tree)
    return written.replace(", type_params=[]", "")


def _is_text(node: ast.stmt) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)
