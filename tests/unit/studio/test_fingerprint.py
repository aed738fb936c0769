"""Changed code is noticed; a changed comment is not."""

from pathlib import Path

import pytest

from backsight.studio.fingerprint import Fingerprint, digest_sources

SOURCE = '"""Says what it is."""\n\n\ndef double(x):\n    """Twice."""\n    return 2 * x\n'


def digest(folder: Path, source: str, name: str = "module.py") -> str:
    path = folder / name
    path.write_text(source)
    return digest_sources(folder, [path])


@pytest.mark.parametrize(
    "source",
    [
        pytest.param(SOURCE.replace("Twice.", "Two times."), id="docstring"),
        pytest.param(SOURCE + "# and so on\n", id="comment"),
        pytest.param(SOURCE.replace("2 * x", "(2  *  x)"), id="layout"),
    ],
)
def test_what_only_people_read_does_not_count(tmp_path: Path, source: str) -> None:
    assert digest(tmp_path, source) == digest(tmp_path, SOURCE)


@pytest.mark.parametrize(
    "source",
    [
        pytest.param(SOURCE.replace("2 *", "3 *"), id="number"),
        pytest.param(SOURCE.replace("double", "twice"), id="name"),
        pytest.param(SOURCE + 'LABEL = "x"\n', id="text that is used"),
    ],
)
def test_what_the_code_does_counts(tmp_path: Path, source: str) -> None:
    assert digest(tmp_path, source) != digest(tmp_path, SOURCE)


def test_every_python_agrees(tmp_path: Path) -> None:
    """The value is that of Python 3.11; later ones dump a syntax tree with other fields."""
    source = SOURCE + "class Box:\n    items = [f'{double(1):>3}', *()]\n"
    assert digest(tmp_path, source) == "c4282e34588013de"


def test_where_the_code_is_counts(tmp_path: Path) -> None:
    assert digest(tmp_path, SOURCE, "other.py") != digest(tmp_path, SOURCE)


def test_the_package_has_one_and_keeps_it() -> None:
    now = Fingerprint.of_package()
    assert now == Fingerprint.of_package()
    assert len({now.pictures, now.movement, now.truth}) == 3
