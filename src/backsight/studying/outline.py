"""Settings as an outline that people can read. Knows no learner."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from enum import Enum
from typing import Any

_WIDTH = 100
_STEP = "  "


def outline(thing: object) -> tuple[str, ...]:
    """Return the fields of a dataclass, a line each, with what they hold below them.

    Parameters
    ----------
    thing
        Anything else has its type as only line.
    """
    return tuple(_below(thing, "")) if is_dataclass(thing) else (type(thing).__qualname__,)


def _below(thing: Any, margin: str) -> Iterator[str]:
    for name, value in _parts(thing):
        told = _in_a_line(value)
        if told is None or (_holds_some(value) and len(f"{margin}{name}: {told}") > _WIDTH):
            yield f"{margin}{name}:"
            yield from _below(value, margin + _STEP)
        else:
            yield f"{margin}{name}: {told}"


def _parts(thing: Any) -> list[tuple[str, Any]]:
    if is_dataclass(thing):
        return [(field.name, getattr(thing, field.name)) for field in fields(thing) if field.repr]
    return [(str(at), value) for at, value in enumerate(thing, start=1)]


def _in_a_line(value: Any) -> str | None:
    """Return a value in words, or None when it holds others that themselves hold some."""
    if not _holds_some(value):
        return _in_words(value)
    if any(_holds_some(part) for _, part in _parts(value)):
        return None
    if is_dataclass(value):
        return ", ".join(f"{name} {_in_words(part)}" for name, part in _parts(value))
    return ", ".join(_in_words(part) for _, part in _parts(value)) or "none"


def _holds_some(value: Any) -> bool:
    return is_dataclass(value) or isinstance(value, list | tuple)


def _in_words(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        # To the last digit: these are the settings to take to make the learner again.
        return repr(value).removesuffix(".0")
    return str(value.value if isinstance(value, Enum) else value) if value is not None and str(value) else "-"
