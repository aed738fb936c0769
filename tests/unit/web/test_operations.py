"""Probes, metrics, logs and the audit page."""

from __future__ import annotations

import re

import pytest

pytest.importorskip("fastapi", reason="the extra `web` is not installed")

from sqlalchemy import text

from backsight.storage.database import Database
from tests.unit.web.site import ADMIN, ANYBODY, MEMBER, PARTICIPANT, Site


def test_ready_means_that_the_database_is_up_to_date(site: Site) -> None:
    assert site.client(ANYBODY).get("/readyz").json() == {"status": "ready"}


def test_a_database_without_tables_is_not_ready_but_alive(site: Site, empty_database: Database) -> None:
    site.app.state.database = empty_database
    client = site.client(ANYBODY)
    assert client.get("/readyz").status_code == 503
    assert client.get("/healthz").status_code == 200


def test_metrics_and_logs_name_routes_and_never_what_stands_in_addresses(
    site: Site, capsys: pytest.CaptureFixture[str]
) -> None:
    token = site.who.cookies[PARTICIPANT]["backsight-participant"]
    site.client(ANYBODY).get(f"/join/{token}")
    site.client(MEMBER).get(f"/studies/{site.who.study_id}/people/{site.who.participant_id}")
    counted = site.client(ANYBODY).get("/metrics").text
    written = "".join(capsys.readouterr())
    assert re.search(r'backsight_requests_total\{method="GET",route="/join/\{token\}",status="303"\} [1-9]', counted)
    assert "/join/{token}" in written
    for secret in (token, site.who.study_id, site.who.participant_id, "Tuesday", "testclient"):
        assert secret not in counted
        assert secret not in written


def test_made_up_addresses_and_methods_do_not_grow_the_metrics(site: Site) -> None:
    client = site.client(ANYBODY)
    client.get("/made-up-by-a-stranger")
    client.request("BREW", "/sign-in")
    counted = client.get("/metrics").text
    assert "made-up" not in counted
    assert "BREW" not in counted


def test_an_administrator_sees_that_the_chain_is_whole_and_where_it_is_not(site: Site) -> None:
    site.client(MEMBER).get("/studies")
    site.client(MEMBER).get("/studies")
    admin = site.client(ADMIN)
    assert "The chain is whole" in admin.get("/admin/audit?check=true").text
    with site.database.session() as session:
        for name in session.scalars(text("SELECT name FROM sqlite_master WHERE type = 'trigger'")).all():
            session.execute(text(f'DROP TRIGGER "{name}"'))
        session.execute(text("UPDATE audit_entry SET action = 'read nothing' WHERE number = 1"))
    assert "The chain is broken at entry 1" in admin.get("/admin/audit?check=true").text


def test_the_audit_page_shows_no_health_data_and_who_by_name(site: Site) -> None:
    site.client(MEMBER).get(f"/studies/{site.who.study_id}/people/{site.who.participant_id}")
    page = site.client(ADMIN).get("/admin/audit").text
    assert "The member" in page
    assert "read participant" in page
    assert "Tuesday" not in page
