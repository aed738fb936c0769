"""Every route times every role, from the application's own table of routes: a route without a rule fails here."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

pytest.importorskip("fastapi", reason="the extra `web` is not installed")

from fastapi.routing import RouteContext, iter_route_contexts
from httpx2 import Response
from starlette.routing import Mount
from starlette.websockets import WebSocketDisconnect

from backsight.storage import audit, studies
from backsight.web.access import Requirement, is_audited, requirements_of
from backsight.web.app import create_app
from backsight.web.security import API_PREFIX, PARTICIPANT_PREFIX, require_form_token
from tests.unit.web.site import (
    ADMIN,
    ADMIN_TOKEN,
    ANYBODY,
    CLINICIAN,
    CLINICIAN_TOKEN,
    MEMBER,
    MEMBER_TOKEN,
    OTHER,
    OTHER_TOKEN,
    PARTICIPANT,
    ROLES,
    Site,
    post,
    settings_for,
)

ALLOWED: dict[Requirement, set[str]] = {
    Requirement.ANYBODY: set(ROLES),
    Requirement.SIGNED_IN: {MEMBER, OTHER, CLINICIAN, ADMIN},
    Requirement.WORKS_ON_STUDIES: {MEMBER, OTHER, CLINICIAN},
    Requirement.STUDY: {MEMBER, CLINICIAN},
    Requirement.STUDY_EXPORT: {MEMBER},
    Requirement.ADMIN: {ADMIN},
    Requirement.PARTICIPANT: {PARTICIPANT},
    Requirement.PARTICIPANT_WITHDRAWS: {PARTICIPANT},
    Requirement.API: {MEMBER_TOKEN, OTHER_TOKEN, CLINICIAN_TOKEN, ADMIN_TOKEN},
    Requirement.API_WORKS_ON_STUDIES: {MEMBER_TOKEN, OTHER_TOKEN, CLINICIAN_TOKEN},
    Requirement.API_STUDY: {MEMBER_TOKEN, CLINICIAN_TOKEN},
    Requirement.API_STUDY_EXPORT: {MEMBER_TOKEN},
    # In development, where no token is set.
    Requirement.COLLECTOR: set(ROLES),
}
OPEN_TO_ANYBODY = {
    "/",
    "/sign-in",
    "/sign-out",
    "/healthz",
    "/readyz",
    "/join/{token}",
    "/api/v1/docs",
    "/api/v1/openapi.json",
}
"""Open pages of health data would be a disaster: a new one is named here, or beneath the participant's prefix if it
holds none."""
REFUSALS = {
    "sign in to see this page",
    "this page is for administrators",
    "studies are for researchers and clinicians; administrators see no health data",
    "data sets are exported by researchers; ask one who is a member of the study",
    "there is no such study, or you are not a member of it",
    "open the link of your invitation first; whoever invited you can send a new one",
    "send `Authorization: Bearer TOKEN` with a token made on the page “Account”",
}


def _routes() -> list[RouteContext]:
    app = create_app(settings_for(Path("/nonexistent/site.sqlite3"), database_url="postgresql://nobody@/none"))
    routes = [route for route in iter_route_contexts(app.routes) if not isinstance(route.original_route, Mount)]
    app.state.database.close()
    return routes


ROUTES = _routes()
CASES = [(route, method) for route in ROUTES for method in sorted(route.methods or {"WEBSOCKET"})]


def _name(case: tuple[RouteContext, str]) -> str:
    return f"{case[1]} {case[0].path}"


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: f"{route.path}-{route.name}")
def test_a_route_declares_exactly_one_requirement(route: RouteContext) -> None:
    assert len(requirements_of(route)) == 1


def test_the_table_of_routes_is_not_empty_and_mounts_hold_files_only() -> None:
    app = create_app(settings_for(Path("/nonexistent/site.sqlite3"), database_url="postgresql://nobody@/none"))
    mounts = [route.path for route in app.routes if isinstance(route, Mount)]
    app.state.database.close()
    assert mounts == ["/static"]
    assert {route.path for route in ROUTES} >= {"/studies/{study_id}", "/take-part", "/admin/audit", "/sign-in"}


def test_only_few_routes_are_open_to_anybody() -> None:
    opened = {route.path for route in ROUTES if requirements_of(route) == [Requirement.ANYBODY]}
    assert {path for path in opened - OPEN_TO_ANYBODY if not str(path).startswith(f"{PARTICIPANT_PREFIX}/")} == set()


def test_every_route_on_a_study_goes_through_the_audit_log() -> None:
    on_studies = {
        Requirement.STUDY,
        Requirement.STUDY_EXPORT,
        Requirement.API_STUDY,
        Requirement.API_STUDY_EXPORT,
    }
    found = [route for route in ROUTES if set(requirements_of(route)) & on_studies]
    assert found
    assert [route.path for route in found if not is_audited(route)] == []


def test_tokens_open_the_api_and_nothing_else_because_it_asks_for_no_form_token() -> None:
    by_token = {requirement for requirement in Requirement if requirement.name.startswith("API")}
    for route in ROUTES:
        if requirements_of(route) != [Requirement.ANYBODY]:
            assert bool(set(requirements_of(route)) & by_token) == str(route.path).startswith(API_PREFIX), route.path


def test_only_the_pages_to_withdraw_are_open_to_a_participant_of_a_closed_study() -> None:
    found = {route.path for route in ROUTES if requirements_of(route) == [Requirement.PARTICIPANT_WITHDRAWS]}
    assert found == {"/take-part/withdraw"}


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("case", CASES, ids=_name)
def test_who_may_come_in(case: tuple[RouteContext, str], role: str, site: Site) -> None:
    route, method = case
    (requirement,) = requirements_of(route)
    may = role in ALLOWED[requirement]
    # The token of forms has tests of its own; here it would stand before what is looked at.
    site.app.dependency_overrides[require_form_token] = lambda: None
    with_ids = {
        "study_id": site.who.study_id,
        "participant_id": site.who.participant_id,
        "recording_id": site.who.recording_id,
        "visit_id": site.who.visit_id,
        "token_hash": site.who.api_token_hash,
        "number": "0",
        "exercise": "walk",
    }
    path = re.sub(r"\{(\w+)(:\w+)?\}", lambda found: with_ids.get(found[1], "x"), str(route.path))
    client = site.client(role)
    if method == "WEBSOCKET":
        assert may == _is_open(client, path)
        return
    response = client.request(method, path, headers={"Accept": "application/json"})
    if method == "HEAD":
        # No body tells why; an upload that is not there is 404 for whoever may look.
        assert may == (response.status_code not in (401, 403, 410))
        return
    told = _told(response)
    assert response.status_code < 500, told
    assert (told not in REFUSALS) == may, told


def _told(response: Response) -> str:
    """Return what an answer in JSON says went wrong."""
    kind = response.headers.get("content-type", "").partition(";")[0]
    if kind not in ("application/json", "application/problem+json") or not isinstance(response.json(), dict):
        return ""
    return str(response.json().get("error", response.json().get("detail", "")))


def _is_open(client: object, path: str) -> bool:
    try:
        with client.websocket_connect(path):  # type: ignore[attr-defined]
            return True
    except WebSocketDisconnect as closed:
        return closed.code != 1008


def test_people_of_another_study_are_not_found_under_ones_own(site: Site) -> None:
    response = site.client(MEMBER).get(f"/studies/{site.who.study_id}/people/{site.who.other_participant_id}")
    assert response.status_code == 404
    assert "Not for you" not in response.text


def test_a_study_of_others_looks_like_one_that_is_not_there(site: Site) -> None:
    client = site.client(MEMBER)
    pages = [client.get(f"/studies/{study_id}").text for study_id in (site.who.other_study_id, "0" * 32)]
    assert pages[0] == pages[1].replace("0" * 32, site.who.other_study_id)


def test_reading_a_person_is_in_the_audit_log_with_who_and_whom(site: Site) -> None:
    site.client(MEMBER).get(f"/studies/{site.who.study_id}/people/{site.who.participant_id}")
    with site.database.session(read_only=True) as session:
        (entry,) = audit.entries(session, limit=1)
        assert entry.action == "read participant"
        assert entry.study_id == site.who.study_id
        assert entry.object_id == site.who.participant_id
        assert entry.actor.startswith("user:")
        assert audit.verify(session) is None


def test_what_failed_is_not_in_the_audit_log_as_done(site: Site) -> None:
    url = f"/studies/{site.who.study_id}/people/{site.who.participant_id}/notes"
    assert post(site.client(MEMBER), url, {"text": "  "}).status_code == 422
    with site.database.session(read_only=True) as session:
        assert "write note" not in [entry.action for entry in audit.entries(session, limit=10)]


def test_a_renewed_invitation_shuts_the_old_link(site: Site) -> None:
    client = site.client(PARTICIPANT)
    assert client.get("/take-part").status_code < 400
    with site.database.session() as session:
        person = studies.find_participant(session, study_id=site.who.study_id, participant_id=site.who.participant_id)
        studies.renew_invitation(session, person)
    assert client.get("/take-part").status_code == 410


def test_nobody_signed_in_is_led_to_the_form_and_back(site: Site) -> None:
    response = site.client(ANYBODY).get(f"/studies/{site.who.study_id}")
    assert response.status_code == 303
    assert response.headers["location"] == f"/sign-in?next=/studies/{site.who.study_id}"
