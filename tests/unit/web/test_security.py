"""Cookies, form tokens and headers, as a browser sees them."""

from __future__ import annotations

from pathlib import Path

import pytest

pytest.importorskip("fastapi", reason="the extra `web` is not installed")

from starlette.testclient import TestClient

from backsight.storage import studies
from backsight.web.app import create_app
from backsight.web.security import MAX_BODY_BYTES
from backsight.web.settings import Environment
from tests.unit.web.site import (
    ANYBODY,
    MEMBER,
    OTHER,
    PARTICIPANT,
    PASSWORD,
    SECRET,
    Site,
    form_token,
    post,
    settings_for,
)

PUBLIC_URL = "https://backs.example.org"


@pytest.fixture
def production(sqlite_url: str, tmp_path: Path) -> TestClient:
    settings = settings_for(
        tmp_path / "none.sqlite3", database_url=sqlite_url, environment=Environment.PRODUCTION, public_url=PUBLIC_URL
    )
    return TestClient(create_app(settings, has_jobs=False), base_url=PUBLIC_URL, follow_redirects=False)


def test_a_form_without_the_token_of_its_page_changes_nothing(site: Site) -> None:
    client = site.client(MEMBER)
    url = f"/studies/{site.who.study_id}/people/{site.who.participant_id}/notes"
    assert client.post(url, data={"text": "forged"}).status_code == 403
    client.get("/account")
    assert client.post(url, data={"text": "forged", "csrf_token": "0" * 64}).status_code == 403
    with site.database.session(read_only=True) as session:
        person = studies.find_participant(session, study_id=site.who.study_id, participant_id=site.who.participant_id)
        assert studies.notes_of(session, person) == []


def test_the_token_of_one_person_does_not_serve_another(site: Site) -> None:
    mine, theirs = site.client(MEMBER), site.client(OTHER)
    token = form_token(mine)
    # The other's page gives the other a cookie of their own; even with mine in its place the token is bound to mine.
    theirs.cookies.set("backsight-form", mine.cookies["backsight-form"])
    assert theirs.post("/account/tokens", data={"csrf_token": token, "name": "x"}).status_code == 403
    assert mine.post("/account/tokens", data={"csrf_token": token, "name": "x"}).status_code == 200


def test_a_form_of_another_site_is_refused_whatever_it_holds(site: Site) -> None:
    client = site.client(MEMBER)
    data = {"csrf_token": form_token(client), "name": "x"}
    assert client.post("/account/tokens", data=data, headers={"Origin": "https://evil.example"}).status_code == 403
    assert client.post("/account/tokens", data=data, headers={"Origin": "null"}).status_code == 403
    assert client.post("/account/tokens", data=data, headers={"Origin": "http://testserver"}).status_code == 200


def test_a_script_shows_the_token_in_a_header(site: Site) -> None:
    client = site.client(PARTICIPANT)
    message = {"exercise": "walk", "reason": "no room"}
    assert client.post("/take-part/skip", json=message).status_code == 403
    headers = {"X-CSRF-Token": form_token(client, "/sign-in")}
    assert client.post("/take-part/skip", json=message, headers=headers).status_code != 403


def test_the_sign_in_cookie_is_out_of_reach_of_scripts_and_other_sites(production: TestClient) -> None:
    page = production.get("/sign-in")
    cookie = page.headers["set-cookie"]
    assert cookie.startswith("__Host-backsight-form=")
    assert {"HttpOnly", "Secure", "Path=/", "SameSite=strict"} <= {part.strip() for part in cookie.split(";")}


def test_pages_forbid_scripts_and_styles_within_them(site: Site) -> None:
    response = site.client(ANYBODY).get("/sign-in")
    policy = dict(item.split(" ", 1) for item in response.headers["content-security-policy"].split("; "))
    assert policy["default-src"] == "'none'"
    assert policy["script-src"] == policy["style-src"] == "'self'"
    assert policy["frame-ancestors"] == "'none'"
    assert response.headers["cache-control"] == "no-store"
    assert response.headers["permissions-policy"].startswith("camera=()")
    assert " style=" not in response.text
    assert "<script>" not in response.text


def test_only_participants_pages_may_use_the_camera_and_webassembly(site: Site) -> None:
    headers = site.client(PARTICIPANT).get("/take-part").headers
    assert headers["permissions-policy"].startswith("camera=(self)")
    assert "'wasm-unsafe-eval'" in headers["content-security-policy"]
    assert "'unsafe-eval'" not in headers["content-security-policy"].replace("'wasm-unsafe-eval'", "")


def test_files_with_a_version_are_kept_by_browsers_and_pages_are_not(site: Site) -> None:
    client = site.client(ANYBODY)
    address = client.get("/sign-in").text.split('rel="stylesheet" href="')[1].split('"')[0]
    assert "immutable" in client.get(address).headers["cache-control"]
    assert client.get(address.split("?")[0]).headers["cache-control"] == "no-cache"


def test_a_form_that_is_too_large_is_refused_before_it_is_read(site: Site) -> None:
    response = post(site.client(MEMBER), "/studies/new", {"name": "x", "consent_text": "y" * MAX_BODY_BYTES})
    assert response.status_code == 413


def test_production_tells_browsers_to_come_by_https_and_refuses_plain_http(production: TestClient) -> None:
    assert "max-age=31536000" in production.get("/sign-in").headers["strict-transport-security"]
    assert production.get("http://backs.example.org/sign-in").status_code == 400
    assert production.get("http://backs.example.org/healthz").status_code == 200


def test_production_answers_under_its_own_name_only(production: TestClient) -> None:
    assert production.get("/sign-in", headers={"Host": "evil.example"}).status_code == 400


def test_production_keeps_metrics_to_itself_without_a_token(production: TestClient) -> None:
    assert production.get("/metrics").status_code == 404


def test_neither_secrets_nor_passwords_stand_in_the_settings_words(tmp_path: Path) -> None:
    settings = settings_for(tmp_path / "x", encryption_key="a-key", metrics_token=PASSWORD)
    for secret in (SECRET, "a-key", PASSWORD):
        assert secret not in repr(settings)
