"""Print Markdown: as it is into a file or a pipe, its tables as tables on a terminal. Knows no command."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from io import StringIO
from itertools import groupby
from typing import TYPE_CHECKING

import typer

from backsight.reporting.markdown_table import read_rows

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table


def echo_markdown(lines: Sequence[str], *, console: Console | None = None) -> None:
    """Print lines, some of which are rows of tables in Markdown.

    Parameters
    ----------
    console
        Where; None = the output stream.
    """
    from rich.console import Console

    console = console or Console(highlight=False)
    if not console.file.isatty():
        typer.echo("\n".join(lines), file=console.file)
        return
    for is_table, block in groupby(lines, key=lambda line: line.startswith("|")):
        told = list(block)
        rows = read_rows(told) if is_table else ()
        # A table has a rule below its head.
        table = _fitting_table(rows, width=console.width) if 0 < len(rows) < len(told) else None
        if table is not None:
            console.print(table)
        else:
            typer.echo("\n".join(told), file=console.file)


def _fitting_table(rows: Sequence[Sequence[str]], *, width: int) -> Table | None:
    """Return cells as a table, or None where one so wide could not show every word and number whole."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    if any(len(row) != len(rows[0]) for row in rows):
        return None
    table = Table(box=None, pad_edge=False, header_style="bold")
    for cells in zip(*rows, strict=True):
        longest = max((len(word) for cell in cells for word in cell.split()), default=1)
        table.add_column(Text(cells[0]), min_width=longest)
    for row in rows[1:]:
        table.add_row(*map(Text, row))
    tried = Console(file=StringIO(), width=width, color_system=None)
    with tried.capture() as shown:
        tried.print(table)
    words = Counter(word for row in rows for cell in row for word in cell.split())
    return table if Counter(shown.get().split()) == words else None
