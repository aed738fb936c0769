"""Print Markdown: as it is into a file or a pipe, its tables as tables on a terminal. Knows no command."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import groupby
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from rich.table import Table


def echo_markdown(lines: Sequence[str]) -> None:
    """Print lines, some of which are rows of tables in Markdown."""
    from rich.console import Console

    # No markup: names of learners and intervals may hold square brackets.
    console = Console(highlight=False, markup=False, emoji=False)
    if not console.is_terminal:
        typer.echo("\n".join(lines))
        return
    for is_table, block in groupby(lines, key=lambda line: line.startswith("|")):
        if is_table:
            console.print(_table(block))
        else:
            console.print("\n".join(block), soft_wrap=True)


def _table(lines: Iterable[str]) -> Table:
    from rich.table import Table
    from rich.text import Text

    head, _, *rows = [[cell.strip() for cell in line.strip().strip("|").split("|")] for line in lines]
    table = Table(box=None, pad_edge=False, header_style="bold")
    for at, name in enumerate(head):
        # Who is judged is named in one piece; a narrow terminal breaks the numbers.
        table.add_column(Text(name), overflow="fold", no_wrap=at == 0)
    for row in rows:
        table.add_row(*(Text(cell) for cell in row))
    return table
