"""Signing in, out, passwords and tokens, through the pages."""

from __future__ import annotations

import re

import pytest

pytest.importorskip("fastapi", reason="the extra `web` is not installed")

from backsight.storage import accounts, audit
from backsight.storage.accounts import MAX_FAILED_FOR_PAIR
from tests.unit.web.site import ADMIN, ANYBODY, MEMBER, PASSWORD, Site, post

SIGN_IN = {"email": "member@example.org", "password": PASSWORD}


def test_the_right_password_leads_to_the_studies(site: Site) -> None:
    client = site.client(ANYBODY)
    response = post(client, "/sign-in", SIGN_IN, page="/sign-in")
    assert (response.status_code, response.headers["location"]) == (303, "/studies")
    assert "HttpOnly" in response.headers["set-cookie"]
    assert client.get("/studies").status_code == 200
    with site.database.session(read_only=True) as session:
        assert "sign in" in [entry.action for entry in audit.entries(session, limit=5)]


def test_a_wrong_password_and_an_unknown_user_read_alike(site: Site) -> None:
    client = site.client(ANYBODY)
    wrong = post(client, "/sign-in", SIGN_IN | {"password": "wrong horse battery"}, page="/sign-in")
    unknown = post(client, "/sign-in", SIGN_IN | {"email": "nobody@example.org"}, page="/sign-in")
    assert wrong.status_code == unknown.status_code == 401
    assert wrong.text.replace("member@", "nobody@") == unknown.text
    assert PASSWORD not in wrong.text


def test_after_too_many_failures_even_the_right_password_waits(site: Site) -> None:
    client = site.client(ANYBODY)
    for _ in range(MAX_FAILED_FOR_PAIR):
        assert post(client, "/sign-in", SIGN_IN | {"password": "wrong horse"}, page="/sign-in").status_code == 401
    response = post(client, "/sign-in", SIGN_IN, page="/sign-in")
    assert response.status_code == 429
    assert 0 < int(response.headers["retry-after"]) <= 15 * 60


def test_a_refused_sign_in_is_in_the_audit_log_without_what_was_typed(site: Site) -> None:
    client = site.client(ANYBODY)
    with site.database.session(read_only=True) as session:
        member = accounts.find_user(session, email=SIGN_IN["email"])
        assert member is not None
        known_id = member.id
    post(client, "/sign-in", SIGN_IN | {"password": "wrong horse battery"}, page="/sign-in")
    post(client, "/sign-in", SIGN_IN | {"email": "nobody@example.org"}, page="/sign-in")
    with site.database.session(read_only=True) as session:
        unknown, known = audit.entries(session, limit=2)
        assert (unknown.action, unknown.object_id, unknown.detail) == ("refuse sign-in", None, {})
        assert (known.action, known.object_id, known.detail) == ("refuse sign-in", known_id, {})


@pytest.mark.parametrize("target", ["https://evil.example/", "//evil.example/", "/\\evil.example", "javascript:1"])
def test_signing_in_leads_to_no_other_site(target: str, site: Site) -> None:
    response = post(site.client(ANYBODY), "/sign-in", SIGN_IN | {"next": target}, page="/sign-in")
    assert response.headers["location"] == "/studies"


def test_signing_in_leads_back_to_where_one_was(site: Site) -> None:
    response = post(site.client(ANYBODY), "/sign-in", SIGN_IN | {"next": "/studies/new"}, page="/sign-in")
    assert response.headers["location"] == "/studies/new"


def test_signing_out_ends_the_sign_in_and_not_only_the_cookie(site: Site) -> None:
    client, stolen = site.client(MEMBER), site.client(MEMBER)
    assert post(client, "/sign-out").status_code == 303
    assert stolen.get("/studies").status_code == 303


def test_a_new_password_signs_every_other_browser_out(site: Site) -> None:
    client, other = site.client(MEMBER), site.client(MEMBER)
    new = "a staple of correct horses"
    response = post(client, "/account/password", {"current": PASSWORD, "password": new, "again": new})
    assert response.status_code == 303
    assert client.get("/account").status_code == 200
    assert other.get("/account").status_code == 303


@pytest.mark.parametrize(
    ("entered", "told"),
    [
        ({"current": "wrong horse battery", "password": "n" * 12, "again": "n" * 12}, "current password is wrong"),
        ({"current": PASSWORD, "password": "n" * 12, "again": "m" * 12}, "differ"),
        ({"current": PASSWORD, "password": "short", "again": "short"}, "12 to 256 characters"),
    ],
)
def test_a_password_that_cannot_be_changes_nothing(entered: dict[str, object], told: str, site: Site) -> None:
    client = site.client(MEMBER)
    response = post(client, "/account/password", entered)
    assert response.status_code == 422
    assert told in response.text
    with site.database.session(read_only=True) as session:
        user = accounts.find_user(session, email="member@example.org")
        assert user is not None
        assert accounts.check_password(session, user, password=PASSWORD)


def test_a_token_is_shown_once_and_can_be_taken_back(site: Site) -> None:
    client = site.client(ADMIN)
    page = post(client, "/account/tokens", {"name": "Nightly", "lifetime_days": 90}).text
    found = re.search(r"bsat_[\w-]{43}", page)
    assert found is not None
    again = client.get("/account").text
    assert "Nightly" in again
    assert found[0] not in again
    post(client, f"/account/tokens/{accounts.hash_of_token(found[0])}/revoke")
    with site.database.session(read_only=True) as session:
        assert accounts.user_of_api_token(session, found[0]) is None


def test_nobody_takes_back_anothers_token(site: Site) -> None:
    assert post(site.client(ADMIN), f"/account/tokens/{site.who.api_token_hash}/revoke").status_code == 404
