"""Lay an OpenAPI document out as a page: routes with parameters and answers, models with fields. Knows no route."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

JsonObject = Mapping[str, Any]

_REFERENCE = "#/components/schemas/"
_METHODS = ("get", "post", "put", "patch", "delete")
_FIRST_PROBLEM = 400
_LIMITS = {
    "minimum": "≥ {}",
    "exclusiveMinimum": "> {}",
    "maximum": "≤ {}",
    "exclusiveMaximum": "< {}",
    "maxLength": "{} letters at most",
    "maxItems": "{} at most",
}


@dataclass(frozen=True)
class Kind:
    """What sort of value something is."""

    words: str
    models: tuple[str, ...] = ()
    """Names of the models in it, which the page links to."""


@dataclass(frozen=True)
class Value:
    """A parameter or a field."""

    name: str
    kind: Kind
    is_required: bool
    description: str
    place: str = ""
    """Of a parameter: path or query."""


@dataclass(frozen=True)
class Answer:
    """What comes back."""

    status: str
    description: str
    media_type: str
    kind: Kind


@dataclass(frozen=True)
class Operation:
    """One method of one address."""

    id: str
    method: str
    path: str
    paragraphs: tuple[str, ...]
    needs: str
    parameters: tuple[Value, ...]
    body: Kind | None
    answers: tuple[Answer, ...]
    """Of those that tell of a problem only the statuses are shown: they all look alike."""

    @property
    def good_answers(self) -> tuple[Answer, ...]:
        """Those that are no problem."""
        return tuple(one for one in self.answers if int(one.status) < _FIRST_PROBLEM)

    @property
    def problem_statuses(self) -> tuple[int, ...]:
        """Statuses that tell of a problem."""
        return tuple(int(one.status) for one in self.answers if int(one.status) >= _FIRST_PROBLEM)


@dataclass(frozen=True)
class Group:
    """Operations that belong together."""

    name: str
    description: str
    operations: tuple[Operation, ...]


@dataclass(frozen=True)
class Model:
    """One JSON object, or a value with a name."""

    name: str
    description: str
    fields: tuple[Value, ...]
    kind: Kind | None
    """Of a value that is no object; None = it is one."""


@dataclass(frozen=True)
class Reference:
    """The page."""

    title: str
    version: str
    paragraphs: tuple[str, ...]
    groups: tuple[Group, ...]
    models: tuple[Model, ...]


def lay_out(document: JsonObject) -> Reference:
    """Return the page of an OpenAPI document."""
    operations = [
        (operation["tags"][0], _operation(path, method, operation))
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
        if method in _METHODS
    ]
    return Reference(
        title=document["info"]["title"],
        version=document["info"]["version"],
        paragraphs=_paragraphs(document["info"]["description"]),
        groups=tuple(
            Group(tag["name"], tag["description"], tuple(one for name, one in operations if name == tag["name"]))
            for tag in document["tags"]
        ),
        models=tuple(_model(name, schema) for name, schema in document["components"]["schemas"].items()),
    )


def _operation(path: str, method: str, operation: JsonObject) -> Operation:
    body = operation.get("requestBody")
    return Operation(
        id=operation["operationId"],
        method=method.upper(),
        path=path,
        paragraphs=_paragraphs(operation["description"]),
        needs=operation["x-needs"],
        parameters=tuple(
            Value(
                name=one["name"],
                kind=_kind(one["schema"]),
                is_required=one.get("required", False),
                description=one.get("description", ""),
                place=one["in"],
            )
            for one in operation.get("parameters", ())
        ),
        body=None if body is None else _kind(body["content"]["application/json"]["schema"]),
        answers=tuple(_answer(status, answer) for status, answer in operation["responses"].items()),
    )


def _answer(status: str, answer: JsonObject) -> Answer:
    contents: JsonObject = answer.get("content") or {"": {}}
    media_type = next(iter(contents))
    return Answer(status, answer["description"], media_type, _kind(contents[media_type].get("schema", {})))


def _model(name: str, schema: JsonObject) -> Model:
    required = schema.get("required", ())
    fields = tuple(
        Value(
            name=field,
            kind=_kind(part),
            is_required=field in required,
            description=part.get("description", ""),
        )
        for field, part in schema.get("properties", {}).items()
    )
    return Model(name, schema.get("description", ""), fields, None if fields else _kind(schema))


def _kind(schema: JsonObject) -> Kind:
    """Return what sort of value a schema describes, in words."""
    kinds = schema.get("type", "any")
    choices = schema.get("anyOf") or schema.get("oneOf")
    if isinstance(kinds, list):
        choices = [{**schema, "type": one} for one in kinds]
    if choices:
        found = [_kind(part) for part in choices]
        models = tuple(dict.fromkeys(name for one in found for name in one.models))
        return Kind(" or ".join(one.words for one in found), models)
    if "$ref" in schema:
        name = schema["$ref"].removeprefix(_REFERENCE)
        return Kind(name, (name,))
    if "const" in schema or "enum" in schema:
        return Kind(" | ".join(json.dumps(one) for one in schema.get("enum", [schema.get("const")])))
    of = schema.get("items") if kinds == "array" else schema.get("additionalProperties")
    if isinstance(of, dict):
        inner = _kind(of)
        return Kind(f"{'list' if kinds == 'array' else 'object'} of {inner.words}", inner.models)
    return _plain(schema, kinds)


def _plain(schema: JsonObject, kinds: str) -> Kind:
    limits = [words.format(schema[key]) for key, words in _LIMITS.items() if key in schema and kinds != "null"]
    if "default" in schema:
        limits.append(f"default {json.dumps(schema['default'])}")
    return Kind(", ".join([schema.get("format", kinds), *limits]))


def _paragraphs(text: str) -> tuple[str, ...]:
    return tuple(" ".join(part.split()) for part in text.split("\n\n") if part.strip())
