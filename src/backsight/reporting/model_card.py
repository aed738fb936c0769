"""Render the Markdown of model cards as HTML. Knows headings, lists, tables, text, bold, italics, code and its blocks.

Anything else stays as the text it is; nothing in a card can become markup of its own.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from itertools import groupby

from markupsafe import Markup, escape

from backsight.reporting.markdown_table import read_rows

_TOP_HEADING = 4
"""A card stands inside a section with an h3, so its own first level becomes h4."""
_FENCE = "```"


def render_card(text: str) -> Markup:
    """Return the card as HTML, everything in it escaped."""
    blocks: list[Markup] = []
    for is_blank, lines in groupby(text.splitlines(), key=lambda line: not line.strip()):
        if not is_blank:
            blocks.extend(_render_block(list(lines)))
    return Markup("\n").join(blocks)


def _render_block(lines: list[str]) -> Iterable[Markup]:
    if len(lines) > 1 and lines[0].startswith(_FENCE) and lines[-1] == _FENCE:
        yield Markup("<pre><code>{}</code></pre>").format("\n".join(lines[1:-1]))
        return
    for kind, group in groupby(lines, key=_kind):
        members = list(group)
        if kind == "heading":
            yield from map(_heading, members)
        elif kind == "item":
            yield Markup("<ul>{}</ul>").format(_join(Markup("<li>{}</li>"), (_inline(line[2:]) for line in members)))
        elif kind == "row":
            yield _table(members)
        else:
            yield Markup("<p>{}</p>").format(_inline(" ".join(members)))


def _kind(line: str) -> str:
    if re.match(r"#{1,4} ", line):
        return "heading"
    if re.match(r"[-*] ", line):
        return "item"
    return "row" if line.startswith("|") else "text"


def _heading(line: str) -> Markup:
    marks, _, words = line.partition(" ")
    level = min(_TOP_HEADING + len(marks) - 1, 6)
    return Markup("<h{0}>{1}</h{0}>").format(level, _inline(words))


def _table(lines: list[str]) -> Markup:
    head, *body = read_rows(lines)
    heads = _join(Markup('<th scope="col">{}</th>'), map(_inline, head))
    cells = (_join(Markup("<td>{}</td>"), map(_inline, row)) for row in body)
    return Markup('<div class="scroll"><table><thead><tr>{}</tr></thead><tbody>{}</tbody></table></div>').format(
        heads, _join(Markup("<tr>{}</tr>"), cells)
    )


def _inline(text: str) -> Markup:
    safe = str(escape(text.strip()))
    safe = re.sub(r"\*\*(.+?)\*\*", r"<strong>\1</strong>", safe)
    safe = re.sub(r"\*([^*]+)\*", r"<em>\1</em>", safe)
    return Markup(re.sub(r"`(.+?)`", r"<code>\1</code>", safe))  # noqa: S704 - escaped four lines above


def _join(template: Markup, values: Iterable[Markup]) -> Markup:
    return Markup("").join(template.format(value) for value in values)
