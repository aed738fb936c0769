"""A site of the test's own, for tests of the web."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

pytest.importorskip("fastapi", reason="the extra `web` is not installed")

from fastapi import FastAPI

from backsight.web.app import create_app
from tests.unit.web.site import Inhabitants, Site, move_in, populate, settings_for


@pytest.fixture(scope="session")
def populated_template(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Inhabitants]:
    """Return a database with somebody of every role and two studies, to be copied."""
    path = tmp_path_factory.mktemp("site") / "site.sqlite3"
    shutil.copyfile(sqlite_template, path)
    return path, populate(f"sqlite:///{path}")


@pytest.fixture(scope="session")
def development_app(tmp_path_factory: pytest.TempPathFactory) -> FastAPI:
    """Return a site in development without jobs; `site` gives it a database."""
    return create_app(settings_for(tmp_path_factory.mktemp("app") / "none.sqlite3"), has_jobs=False)


@pytest.fixture
def site(development_app: FastAPI, populated_template: tuple[Path, Inhabitants], tmp_path: Path) -> Iterator[Site]:
    """Return a site in development on a database of its own."""
    template, inhabitants = populated_template
    path = tmp_path / "site.sqlite3"
    shutil.copyfile(template, path)
    yield (opened := move_in(development_app, f"sqlite:///{path}", inhabitants))
    opened.database.close()
