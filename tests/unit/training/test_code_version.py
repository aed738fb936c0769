"""Everything that decides a prediction changes the code's version: what was kept of other code is not found."""

from __future__ import annotations

import shutil
from importlib import metadata
from pathlib import Path

import pytest

from backsight.training.code_version import (
    DECIDES,
    LIBRARIES,
    code_version,
    digest_package,
    installed_versions,
    own_code_version,
)
from tests.unit.import_walk import PACKAGE, imported_from

ROOTS = (
    "training.learners",
    "training.measures_learner",
    "training.image_learner",
    "training.trainer",
    "evaluation.protocol",
)


def test_every_module_that_a_learner_imports_decides() -> None:
    known = imported_from(ROOTS)
    # Tells apart what is known, and decides nothing.
    known.discard(PACKAGE / "studio" / "fingerprint.py")
    known.discard(PACKAGE / "studio" / "__init__.py")
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
    assert own_code_version() == digest_package(PACKAGE)
    assert len(code_version()) == 16
    assert code_version() == code_version.__wrapped__()


@pytest.mark.parametrize("library", ["numpy", "scikit-learn", "scipy", "torch"])
def test_another_version_of_a_library_that_learns_makes_another_version(
    library: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    before, real = code_version(), metadata.version
    monkeypatch.setattr(metadata, "version", lambda name: "99.0" if name == library else real(name))
    assert code_version.__wrapped__() != before


def test_a_library_that_is_not_installed_is_a_version_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    def none(name: str) -> str:
        raise metadata.PackageNotFoundError(name)

    monkeypatch.setattr(metadata, "version", none)
    assert installed_versions(LIBRARIES) == dict.fromkeys(LIBRARIES)
