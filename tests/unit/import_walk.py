"""Which modules of Backsight some of its modules import, also inside functions."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from importlib import resources
from pathlib import Path

PACKAGE = Path(str(resources.files("backsight")))


def imported_from(roots: Iterable[str]) -> set[Path]:
    """Return the files of modules below `backsight` and of all that they import, but for the package itself."""
    known: set[Path] = set()
    waiting = [f"backsight.{root}" for root in roots]
    while waiting:
        file = _file_of(waiting.pop())
        if file is not None and file not in known:
            known.add(file)
            waiting += [name for name in _imported_by(file) if name.startswith("backsight.")]
    return known - {PACKAGE / "__init__.py"}


def _file_of(module: str) -> Path | None:
    path = PACKAGE.parent / Path(*module.split("."))
    found = (path / "__init__.py", path.with_suffix(".py"))
    return next((file for file in found if file.is_file()), None)


def _imported_by(file: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{name.name}" for name in node.names)
