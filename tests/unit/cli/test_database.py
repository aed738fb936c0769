"""`backsight database` where there is none: it says so, and makes none."""

from __future__ import annotations

from pathlib import Path

import pytest

pytest.importorskip("sqlalchemy", reason="the extra `web` is not installed")

from typer.testing import CliRunner

from backsight.cli.main import app
from backsight.errors import StorageError
from backsight.storage.sealing import Seal


@pytest.mark.parametrize("words", [("upgrade",), ("backup", "copy"), ("reseal",)])
def test_a_mistyped_path_is_told_and_no_empty_database_is_made(
    words: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("BACKSIGHT_ENCRYPTION_KEY", Seal.new_key())
    url = f"sqlite:///{tmp_path / 'studeis.sqlite3'}"
    result = CliRunner().invoke(app, ["database", *words, "--database", url])
    assert isinstance(result.exception, StorageError)
    assert str(result.exception).startswith(
        f"{tmp_path / 'studeis.sqlite3'}: there is no such database; check the path"
    )
    assert list(tmp_path.iterdir()) == []
