"""Model cards become HTML without becoming anything else."""

import pytest

from backsight.reporting.model_card import render_card


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("# Title", "<h4>Title</h4>"),
        ("## Data\nOne line\nand another.", "<h5>Data</h5>\n<p>One line and another.</p>"),
        ("- a\n- **b**", "<ul><li>a</li><li><strong>b</strong></li></ul>"),
        ("seed `7`", "<p>seed <code>7</code></p>"),
        ("a < b & c", "<p>a &lt; b &amp; c</p>"),
        ("```\n- **a** <b>\n# c\n```", "<pre><code>- **a** &lt;b&gt;\n# c</code></pre>"),
        ("", ""),
    ],
)
def test_what_cards_are_made_of(text: str, expected: str) -> None:
    assert render_card(text) == expected


def test_tables_keep_their_cells() -> None:
    html = render_card("| set | MAE |\n| --- | ---: |\n| held out | 0.09 |\n| <b> | |")

    assert '<thead><tr><th scope="col">set</th><th scope="col">MAE</th></tr></thead>' in html
    assert "<tr><td>held out</td><td>0.09</td></tr><tr><td>&lt;b&gt;</td><td></td></tr>" in html


@pytest.mark.parametrize("text", ["<script>alert(1)</script>", "`<img onerror=x>`", "# <b>", "| <i> |", "- **<u>**"])
def test_nothing_in_a_card_becomes_markup_of_its_own(text: str) -> None:
    html = str(render_card(text))

    for tag in ("<script", "<img", "<b>", "<i>", "<u>"):
        assert tag not in html
