"""Everything that decides a prediction changes the code's version: what was kept of other code is not found."""

from __future__ import annotations

import ast
import shutil
from collections.abc import Iterator
from importlib import resources
from pathlib import Path

import pytest

from backsight.training.code_version import DECIDES, code_version, digest_package

PACKAGE = Path(str(resources.files("backsight")))
ROOTS = (
    "training.learners",
    "training.measures_learner",
    "training.image_learner",
    "training.trainer",
    "evaluation.protocol",
)


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


def test_every_module_that_a_learner_imports_decides() -> None:
    known: set[Path] = set()
    waiting = [f"backsight.{root}" for root in ROOTS]
    while waiting:
        file = _file_of(waiting.pop())
        if file is not None and file not in known:
            known.add(file)
            waiting += [name for name in _imported_by(file) if name.startswith("backsight.")]
    # Tells apart what is known, and decides nothing.
    known.discard(PACKAGE / "studio" / "fingerprint.py")
    known -= {PACKAGE / "__init__.py", PACKAGE / "studio" / "__init__.py"}
    parts = {file.relative_to(PACKAGE).parts[0] for file in known}
    assert len(known) > 50
    assert parts - set(DECIDES) == set()


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """A package of one small file in each place."""
    package = tmp_path / "package"
    for part in DECIDES:
        file = package / part if part.endswith(".py") else package / part / "deep" / "one.py"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(f"NAME = {part!r}\n", encoding="utf-8")
    (package / "cli").mkdir()
    (package / "cli" / "main.py").write_text("WORDS = 1\n", encoding="utf-8")
    shutil.copy(PACKAGE / "scoring" / "calibration.json", package / "scoring")
    (package / "training" / "people.npz").write_bytes(b"people")
    return package


@pytest.mark.parametrize(
    "place",
    ["pose/deep/one.py", "pipeline.py", "scoring/deep/one.py", "simulation/deep/one.py", "scoring/calibration.json",
     "training/people.npz"],
)  # fmt: skip
def test_code_and_data_that_decide_make_another_version(copy: Path, place: str) -> None:
    before = digest_package(copy)
    with (copy / place).open("a", encoding="utf-8") as file:
        file.write("MORE = 1\n")
    assert digest_package(copy) != before


def test_comments_and_what_only_talks_do_not(copy: Path) -> None:
    before = digest_package(copy)
    (copy / "cli" / "main.py").write_text("WORDS = 2\n", encoding="utf-8")
    with (copy / "pipeline.py").open("a", encoding="utf-8") as file:
        file.write("# A remark.\n")
    assert digest_package(copy) == before


def test_the_installed_package_has_one_version() -> None:
    assert code_version() == digest_package(PACKAGE)
    assert len(code_version()) == 16
