"""Write and read the cells of tables in Markdown. Knows no table."""

from __future__ import annotations

import re
from collections.abc import Sequence

_BETWEEN_CELLS = re.compile(r"(?<!\\)\|")
_RULE = re.compile(r":?-+:?")


def as_cell(text: str) -> str:
    """Return a text of somebody else's so that it stays one cell."""
    return " ".join(text.split()).replace("|", "\\|")


def read_rows(lines: Sequence[str]) -> tuple[tuple[str, ...], ...]:
    """Return a table's cells, head first, without the rule below the head.

    Parameters
    ----------
    lines
        Each begins with `|`.
    """
    rows = (_BETWEEN_CELLS.split(line.strip().removeprefix("|").removesuffix("|")) for line in lines)
    told = (tuple(cell.strip().replace("\\|", "|") for cell in row) for row in rows)
    return tuple(row for row in told if not all(_RULE.fullmatch(cell) for cell in row))
