"""What the site answers when something is wrong, in words and codes, to people and to scripts."""

from __future__ import annotations

from pathlib import Path

import pytest

pytest.importorskip("fastapi", reason="the extra `web` is not installed")

from starlette.testclient import TestClient

from backsight.errors import ModelFileError
from backsight.storage.database import Database
from backsight.web.access import Anybody
from backsight.web.app import create_app
from tests.unit.web.site import ANYBODY, MEMBER, Site, settings_for

JSON = {"Accept": "application/json"}


def test_an_unknown_address_is_a_page_for_people_and_json_for_scripts(site: Site) -> None:
    page = site.client(ANYBODY).get("/nowhere", headers={"Accept": "text/html"})
    assert page.status_code == 404
    assert "There is nothing here" in page.text
    assert set(site.client(ANYBODY).get("/nowhere", headers=JSON).json()) == {"error"}


def test_an_unknown_invitation_says_what_to_do_and_is_gone(site: Site) -> None:
    response = site.client(ANYBODY).get("/join/" + "x" * 43)
    assert response.status_code == 410
    assert "ask whoever sent it for a new link" in response.text


def test_a_database_that_is_away_tells_strangers_nothing_of_where_it_is(site: Site, empty_database: Database) -> None:
    site.app.state.database = empty_database
    response = site.client(MEMBER).get("/studies")
    assert response.status_code == 503
    assert "sqlite" not in response.text
    assert "postgres" not in response.text


def test_a_missing_runtime_tells_a_participant_whom_to_tell_and_no_path(sqlite_url: str, tmp_path: Path) -> None:
    app = create_app(settings_for(tmp_path / "x.sqlite3", database_url=sqlite_url), has_jobs=False)

    def fail(_: Anybody) -> None:
        raise ModelFileError("/opt/secret/vision_bundle.mjs is missing: run `make web-assets`")

    app.add_api_route("/fail", fail)
    response = TestClient(app, raise_server_exceptions=False).get("/fail", headers={"Accept": "text/html"})
    app.state.database.close()
    assert response.status_code == 503
    assert "tell whoever invited you" in response.text
    assert "/opt" not in response.text


def test_a_fault_of_ours_is_told_without_what_it_was_about(
    sqlite_url: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    app = create_app(settings_for(tmp_path / "x.sqlite3", database_url=sqlite_url), has_jobs=False)

    def fail(_: Anybody) -> None:
        raise RuntimeError("Grace Hopper's back")

    app.add_api_route("/fail", fail)
    response = TestClient(app, raise_server_exceptions=False).get("/fail")
    app.state.database.close()
    assert response.status_code == 500
    written = "".join(capsys.readouterr())
    assert "RuntimeError" in written
    assert "Grace" not in response.text + written


def test_the_first_start_makes_the_tables(tmp_path: Path) -> None:
    with TestClient(create_app(settings_for(tmp_path / "new.sqlite3"), has_jobs=False)) as client:
        assert client.get("/readyz").json() == {"status": "ready"}
