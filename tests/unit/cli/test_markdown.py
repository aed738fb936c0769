"""Tables in Markdown go into files as they are, and are tables on a terminal that is wide enough."""

from __future__ import annotations

from io import StringIO

import pytest
from rich.console import Console

from backsight.cli.markdown import echo_markdown

LINES = (
    "Judged on [3] people:",
    "",
    "| learner | MAD, points | rho |",
    "|---|---|---|",
    "| path-and-speed | 0.426 (0.411 to 0.443) | - |",
    "| kinematic [b] a\\|b |  | 0.78 |",
    "",
    "`kinematic` beats it.",
)
MANY = (
    f"| {' | '.join(['part', *(f'figure {number}' for number in range(7))])} |",
    f"|{'---|' * 8}",
    f"| {' | '.join(['exercise m01', *(f'-0.{number}12 (-0.{number}34 to 0.{number}56)' for number in range(7))])} |",
)


class Screen(StringIO):
    """A file that people look at."""

    def isatty(self) -> bool:
        return True


def printed(lines: tuple[str, ...], *, width: int) -> str:
    screen = Screen()
    echo_markdown(lines, console=Console(file=screen, width=width, color_system=None))
    return screen.getvalue()


@pytest.mark.parametrize("variable", ["FORCE_COLOR", "TTY_COMPATIBLE"])
def test_a_file_gets_markdown_whatever_colours_are_asked_for(capsys, monkeypatch, variable: str) -> None:
    monkeypatch.setenv(variable, "1")
    echo_markdown(LINES)
    assert capsys.readouterr().out == "\n".join(LINES) + "\n"


def test_a_terminal_gets_a_table_between_the_same_lines() -> None:
    assert [line.rstrip() for line in printed(LINES, width=100).split("\n")] == [
        "Judged on [3] people:",
        "",
        "learner            MAD, points             rho",
        "path-and-speed     0.426 (0.411 to 0.443)  -",
        "kinematic [b] a|b                          0.78",
        "",
        "`kinematic` beats it.",
        "",
    ]


@pytest.mark.parametrize("width", [90, 110, 140])
def test_where_cells_are_broken_every_word_and_number_stays_whole(width: int) -> None:
    told = printed(MANY, width=width)
    assert "|" not in told
    assert max(map(len, told.split("\n"))) <= width
    words = [word for line in (MANY[0], MANY[2]) for cell in line.strip("|").split("|") for word in cell.split()]
    assert sorted(told.split()) == sorted(words)


@pytest.mark.parametrize("width", [10, 40, 60])
def test_a_terminal_too_narrow_for_that_gets_all_of_it_as_a_file_does(width: int) -> None:
    assert printed(MANY, width=width) == "\n".join(MANY) + "\n"


def test_a_name_that_takes_the_whole_width_costs_no_figure() -> None:
    lines = ("| part | MAD |", "|---|---|", f"| {'exercise-' * 9} | 0.25 |")
    assert "0.25" in printed(lines, width=80)


@pytest.mark.parametrize("lines", [("| nothing",), ("| a | b |", "|---|---|", "| 1 |")])
def test_what_only_begins_like_a_table_is_printed_as_it_is(lines: tuple[str, ...]) -> None:
    assert printed(lines, width=80) == "\n".join(lines) + "\n"
