"""The API's OpenAPI document: complete, about the API only, shown to people, named in the docs."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("fastapi", reason="the extra `web` is not installed")

from backsight.web.api_problems import KINDS, MEDIA_TYPE
from backsight.web.security import PAGE_POLICY
from tests.unit.web.site import ANYBODY, MEMBER, Site

DOCS = Path(__file__).parents[3] / "docs" / "api.md"


@pytest.fixture
def document(site: Site) -> dict[str, Any]:
    response = site.client(ANYBODY).get("/api/v1/openapi.json")
    assert response.status_code == 200
    found: dict[str, Any] = response.json()
    return found


def _operations(document: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {
        f"{method.upper()} {path}": operation
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    }


def test_it_holds_the_api_and_no_page(document: dict[str, Any]) -> None:
    operations = _operations(document)
    assert len(operations) == 20
    assert all(name.split()[1].startswith("/api/v1/") for name in operations)


def test_every_operation_says_what_it_needs_and_what_can_go_wrong(document: dict[str, Any]) -> None:
    assert document["components"]["securitySchemes"]["token"]["scheme"] == "bearer"
    for name, operation in _operations(document).items():
        assert operation["security"] == [{"token": []}], name
        assert operation["description"], name
        assert {"401", "429"} <= set(operation["responses"]), name
        for status, answer in operation["responses"].items():
            if int(status) >= 400:
                assert set(answer["content"]) == {MEDIA_TYPE}, name
                assert int(status) in KINDS


def test_every_field_of_our_own_models_is_described(document: dict[str, Any]) -> None:
    for name, schema in document["components"]["schemas"].items():
        if name.startswith("Assessment"):
            continue
        for field, part in schema.get("properties", {}).items():
            assert part.get("description") or "$ref" in str(part), f"{name}.{field}"


def test_every_reference_leads_somewhere(document: dict[str, Any]) -> None:
    found = set(re.findall(r"'\$ref': '([^']*)'", str(document)))
    assert found
    schemas = {f"#/components/schemas/{name}" for name in document["components"]["schemas"]}
    assert found <= schemas
    assert {"#/components/schemas/Assessment", "#/components/schemas/AssessmentInterval"} <= found


def test_a_field_with_a_unit_says_so(document: dict[str, Any]) -> None:
    units = {"_cm": "centimetres", "_kg": "kilograms", "_px": "pixels", "_days": "days", "_years": "year"}
    for name, schema in document["components"]["schemas"].items():
        if name.startswith("Assessment"):
            continue
        for field, part in schema.get("properties", {}).items():
            for ending, unit in units.items():
                if field.endswith(ending):
                    assert unit in part["description"].lower(), f"{name}.{field}"


def test_the_page_for_people_shows_every_route_model_and_problem_under_the_strict_policy(
    document: dict[str, Any], site: Site
) -> None:
    response = site.client(ANYBODY).get("/api/v1/docs")
    assert response.headers["content-security-policy"] == PAGE_POLICY
    page = response.text
    assert not re.search(r"<script|<style|\sstyle=|\son\w+=", page)
    assert not re.search(r'(?:src|href)="(?:https?:)?//', page)
    for operation in _operations(document).values():
        assert f'id="{operation["operationId"]}"' in page
    for name in document["components"]["schemas"]:
        assert f'id="model-{name}"' in page
    for kind in KINDS.values():
        assert f'id="{kind.slug}"' in page
    identifiers = re.findall(r'\sid="([^"]+)"', page)
    assert len(identifiers) == len(set(identifiers))
    assert set(re.findall(r'href="#([^"]+)"', page)) <= {*identifiers, "main"}


def test_who_is_signed_in_stays_so_on_the_page_for_people(site: Site) -> None:
    assert "Sign out" in site.client(MEMBER).get("/api/v1/docs").text


def test_the_docs_name_every_route_and_no_other(document: dict[str, Any]) -> None:
    rows = set(re.findall(r"^\| `([A-Z]+ [^`]*)` \|", DOCS.read_text(encoding="utf-8"), flags=re.MULTILINE))
    rows = {row.replace("PERSON", "/studies/{study_id}/participants/{participant_id}") for row in rows}
    assert rows == {name.replace("/api/v1", "", 1) for name in _operations(document)}
