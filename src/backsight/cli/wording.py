"""Say in plain words what is wrong with an option's value: the library that reads options speaks of its own checks."""

from __future__ import annotations

import re
from typing import Any

import typer
from typer.core import TyperGroup

_JARGON = (
    (re.compile(r"^(?:Value|Assertion) error, "), ""),
    (re.compile(r"^Input should be (?:a valid )?"), "expected "),
    (re.compile(r", unable to parse \w+ as an? \w+$"), ""),
    (re.compile(r"^expected greater than or equal to "), "expected at least "),
    (re.compile(r"^expected less than or equal to "), "expected at most "),
    (re.compile(r"^expected integer"), "expected a whole number"),
    (re.compile(r"^expected number"), "expected a number"),
)


class PlainGroup(TyperGroup):
    """A command with commands below it, whose complaints about values are in plain words."""

    def invoke(self, ctx: Any) -> Any:
        """Run a command."""
        try:
            return super().invoke(ctx)
        except typer.BadParameter as error:
            error.message = in_plain_words(error.message)
            raise


def in_plain_words(message: str) -> str:
    """Return a complaint about a value without the library's own terms."""
    for pattern, words in _JARGON:
        message = pattern.sub(words, message)
    return message
