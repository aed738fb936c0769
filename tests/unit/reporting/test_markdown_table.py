"""A cell that was written is read as the cell that it was."""

from __future__ import annotations

import pytest

from backsight.reporting.markdown_table import as_cell, read_rows


@pytest.mark.parametrize("text", ["plain", "a|b", "|", "left \\ right", "", "---x"])
def test_a_text_comes_back_as_it_went(text: str) -> None:
    lines = (f"| {as_cell(text)} | 1 |", "|---|:---:|", f"| 2 | {as_cell(text)} |")
    assert read_rows(lines) == ((text, "1"), ("2", text))


def test_a_text_of_several_lines_is_one_cell() -> None:
    assert as_cell("one\n two") == "one two"
