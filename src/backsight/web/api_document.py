"""Describe the JSON API as an OpenAPI document, from the routes' own declarations. Knows no route by name.

What a route requires comes from `access`, what an assessment looks like from the schema that `exports` publishes.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from fastapi.routing import iter_route_contexts

from backsight.domain.assessment import NO_DIAGNOSIS
from backsight.exports.json_file import SCHEMA_PATH
from backsight.web.access import Requirement, requirements_of
from backsight.web.api_limits import BURST, PER_S
from backsight.web.api_problems import MEDIA_TYPE

JsonObject = dict[str, Any]

API_VERSION = "1.0"
"""The first part is the one in the addresses; the second rises when something is added."""
SECURITY_SCHEME = "token"
_ASSESSMENT = "Assessment"
_COMPONENTS = "#/components/schemas/"
_FIRST_PROBLEM = 400
_DESCRIPTION = f"""Studies, participants, recordings and what they were found to show, for programs.

Send `Authorization: Bearer TOKEN` with a token made on the page “Account”; it has its owner's rights, no more. Studies
that its owner does not work on are not there (404). Every access is entered in the audit log.

Names of fields end in their unit. Moments are ISO 8601 in UTC. null stands for what is not known. Ratings run from 0
worst to 100 best, the spinal health index from 0 best to 1 worst; an unusable recording has no index. Fields may be
added to answers; unknown fields in a body are refused.

Everything above status 399 is `application/problem+json` (RFC 9457). {BURST} requests may come at once with a token,
{PER_S:g} a second in the long run, for each worker process of the server.

{NO_DIAGNOSIS}"""
_TAGS = [
    {"name": "you", "description": "Whose token it is."},
    {"name": "studies", "description": "Studies that you work on, and their data sets."},
    {"name": "participants", "description": "Who takes part, invitations, notes, flags, exclusion."},
    {"name": "results", "description": "Recordings, what they were found to show, and how that changed over time."},
]
_NEEDS = {
    Requirement.API: "Any token.",
    Requirement.API_WORKS_ON_STUDIES: "A token of a researcher or clinician.",
    Requirement.API_STUDY: "A token of a researcher or clinician who works on the study.",
    Requirement.API_STUDY_EXPORT: "A token of a researcher who works on the study.",
}


def assessment_answer(what: str) -> dict[int | str, JsonObject]:
    """Return what a route declares that answers with an assessment's document."""
    return {
        200: {"description": what, "content": {"application/json": {"schema": {"$ref": _COMPONENTS + _ASSESSMENT}}}}
    }


def binary_answer(media_type: str, what: str) -> dict[int | str, JsonObject]:
    """Return what a route declares that answers with a file."""
    return {200: {"description": what, "content": {media_type: {"schema": {"type": "string", "format": "binary"}}}}}


def describe(app: FastAPI) -> JsonObject:
    """Return the OpenAPI document of an application's routes that are in the schema; made once."""
    if app.openapi_schema is None:
        document = get_openapi(
            title="Backsight API",
            version=API_VERSION,
            description=_DESCRIPTION,
            routes=app.routes,
            tags=_TAGS,
            license_info={"name": "Apache-2.0", "identifier": "Apache-2.0"},
        )
        _add_assessment(document)
        _add_problems(document)
        _add_security(document, app)
        app.openapi_schema = document
    return app.openapi_schema


def _add_assessment(document: JsonObject) -> None:
    """Put the published schema of an assessment among the components, a component for each of its parts."""
    schema = json.loads(SCHEMA_PATH.read_text(encoding="utf-8"))
    parts = schema.pop("$defs")
    # The identifier would make references relative to it.
    for key in ("$schema", "$id"):
        schema.pop(key)
    schemas = document["components"]["schemas"]
    for name, part in {"": schema, **parts}.items():
        schemas[_component(name)] = _with_references(part, lambda ref: _COMPONENTS + _component(ref.rpartition("/")[2]))
    document["components"]["schemas"] = dict(sorted(schemas.items()))


def _component(name: str) -> str:
    return _ASSESSMENT + "".join(word.capitalize() for word in name.split("_") if word)


def _with_references(schema: Any, renamed: Callable[[str], str]) -> Any:
    if isinstance(schema, dict):
        return {
            key: renamed(value) if key == "$ref" else _with_references(value, renamed) for key, value in schema.items()
        }
    return [_with_references(item, renamed) for item in schema] if isinstance(schema, list) else schema


def _add_problems(document: JsonObject) -> None:
    """Give problems their own media type, and what else their answers carry."""
    for operation in _operations(document):
        answers = operation["responses"]
        for status, answer in answers.items():
            if int(status) < _FIRST_PROBLEM:
                continue
            answer["content"] = {MEDIA_TYPE: answer.get("content", {}).get("application/json", {})}
            if status == "401":
                answer["headers"] = {"WWW-Authenticate": {"schema": {"type": "string"}, "description": "`Bearer`."}}
            if status == "429":
                answer["headers"] = {
                    "Retry-After": {"schema": {"type": "integer", "minimum": 1}, "description": "Seconds to wait."}
                }
        operation["responses"] = dict(sorted(answers.items()))
    for unused in ("HTTPValidationError", "ValidationError"):
        document["components"]["schemas"].pop(unused, None)


def _add_security(document: JsonObject, app: FastAPI) -> None:
    """Say of every operation what it requires, as `access` has it."""
    document["components"]["securitySchemes"] = {
        SECURITY_SCHEME: {
            "type": "http",
            "scheme": "bearer",
            "description": "Made on the page “Account”, shown once, good until it expires or is taken back.",
        }
    }
    for route in iter_route_contexts(app.routes):
        for method in route.methods or ():
            operation = document["paths"].get(route.path, {}).get(method.lower())
            if operation is not None:
                (requirement,) = requirements_of(route)
                operation["security"] = [{SECURITY_SCHEME: []}]
                operation["x-needs"] = _NEEDS[requirement]


def _operations(document: JsonObject) -> list[JsonObject]:
    return [operation for path in document["paths"].values() for operation in path.values()]
