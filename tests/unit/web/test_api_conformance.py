"""Schemathesis over the API's OpenAPI document, on both databases: no fault, and answers as the document says."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

pytest.importorskip("fastapi", reason="the extra `web` is not installed")
pytest.importorskip("schemathesis", reason="schemathesis is not installed")

import schemathesis
from fastapi import FastAPI
from hypothesis import HealthCheck, Phase, assume, given, settings
from hypothesis import strategies as st

from backsight.web.api_document import describe
from backsight.web.api_limits import RequestLimit
from backsight.web.app import create_app
from tests.databases import PostgresServer
from tests.unit.web.site import MEMBER_TOKEN, Inhabitants, Site, move_in, populate, settings_for

N_EXAMPLES = 4
"""Of each operation, database and kind: enough to meet every rule of the document, few enough for a usual test run."""
BUDGET = settings(
    max_examples=N_EXAMPLES,
    # The same examples on every run: a test that fails by chance is nobody's.
    derandomize=True,
    database=None,
    deadline=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)


def _cases() -> list[tuple[str, str]]:
    app = create_app(settings_for(Path("/nonexistent/site.sqlite3"), database_url="postgresql://nobody@/none"))
    paths = describe(app)["paths"]
    app.state.database.close()
    return [
        (f"{method.upper()} {path}", mode)
        for path, methods in paths.items()
        for method, operation in methods.items()
        # Where nothing is sent, nothing can be sent wrong.
        for mode in (
            ("positive", "negative") if "parameters" in operation or "requestBody" in operation else ("positive",)
        )
    ]


@pytest.fixture(scope="module")
def conformance_app(tmp_path_factory: pytest.TempPathFactory) -> FastAPI:
    """Return a site of this module's own: schemathesis keeps it running until the process ends."""
    return create_app(settings_for(tmp_path_factory.mktemp("app") / "site.sqlite3"), has_jobs=False)


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def running_site(
    request: pytest.FixtureRequest,
    conformance_app: FastAPI,
    populated_template: tuple[Path, Inhabitants],
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Site]:
    """Return a site with people in it, on SQLite and then on PostgreSQL, whose limit of requests is out of the way."""
    if request.param == "sqlite":
        template, who = populated_template
        path = tmp_path_factory.mktemp("conformance") / "site.sqlite3"
        shutil.copyfile(template, path)
        url = f"sqlite:///{path}"
    else:
        server: PostgresServer = request.getfixturevalue("postgres")
        template_name = request.getfixturevalue("postgres_template")
        server.run(f"CREATE DATABASE api_conformance TEMPLATE {template_name}")
        url = server.url("api_conformance")
        who = populate(url)
    opened = move_in(conformance_app, url, who)
    opened.app.state.api_limit = RequestLimit(burst=10**9)
    yield opened
    opened.database.close()


def _is_promised(case: schemathesis.Case) -> bool:
    """Tell whether no text is blank or holds a null character; that is refused, which the document says in words."""
    sent = [*(case.query or {}).values(), *(case.body.values() if isinstance(case.body, dict) else ())]
    return all("\0" not in text and (text == "" or text.strip()) for text in sent if isinstance(text, str))


@pytest.mark.parametrize(("name", "mode"), _cases())
def test_answers_are_as_the_document_says(name: str, mode: str, running_site: Site) -> None:
    schema = schemathesis.openapi.from_asgi("/api/v1/openapi.json", running_site.app)
    schema.config.update(headers=running_site.who.headers[MEMBER_TOKEN])
    method, path = name.split()
    operation = schema[path][method]
    who = running_site.who
    identifiers = {
        "study_id": who.study_id,
        "participant_id": who.participant_id,
        "recording_id": who.recording_id,
        "visit_id": who.visit_id,
    }
    real = {key: value for key, value in identifiers.items() if f"{{{key}}}" in path}
    kind = schemathesis.GenerationMode(mode)
    cases = [operation.as_strategy(generation_mode=kind, path_parameters=real or None)]
    if real:
        # What is not there, and what cannot be.
        cases.append(operation.as_strategy(generation_mode=kind))

    @BUDGET
    @given(case=st.one_of(cases))
    def check(case: schemathesis.Case) -> None:
        assume(kind.is_negative or _is_promised(case))
        case.call_and_validate()

    check()
