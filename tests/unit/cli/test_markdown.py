"""Tables in Markdown go into files as they are, and are tables on a terminal."""

from __future__ import annotations

import pytest
from rich import console

from backsight.cli.markdown import echo_markdown

LINES = (
    "Judged on [3] people:",
    "",
    "| learner | MAD, points | rho |",
    "|---|---|---|",
    "| path-and-speed | 0.426 (0.411 to 0.443) | - |",
    "| kinematic [b] |  | 0.78 |",
    "",
    "`kinematic` beats it.",
)


@pytest.fixture
def terminal(monkeypatch):
    """Let the output be a terminal so many columns wide."""
    usual = console.Console.__init__

    def wide(columns: int) -> None:
        monkeypatch.setattr(
            console.Console,
            "__init__",
            lambda self, **how: usual(self, **how | {"force_terminal": True, "width": columns, "color_system": None}),
        )

    return wide


def test_a_file_gets_markdown(capsys) -> None:
    echo_markdown(LINES)
    assert capsys.readouterr().out == "\n".join(LINES) + "\n"


def test_a_terminal_gets_a_table_between_the_same_lines(capsys, terminal) -> None:
    terminal(100)
    echo_markdown(LINES)
    assert [
        line.rstrip() for line in capsys.readouterr().out.replace("\x1b[1m", "").replace("\x1b[0m", "").split("\n")
    ] == [
        "Judged on [3] people:",
        "",
        "learner         MAD, points             rho",
        "path-and-speed  0.426 (0.411 to 0.443)  -",
        "kinematic [b]                           0.78",
        "",
        "`kinematic` beats it.",
        "",
    ]


def test_a_narrow_terminal_shows_every_name_and_number_whole_or_broken_but_none_cut(capsys, terminal) -> None:
    terminal(30)
    echo_markdown(LINES)
    out = capsys.readouterr().out
    assert "path-and-speed" in out
    assert "…" not in out
    assert "0.443" in out.replace("\n", "")
