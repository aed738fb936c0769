"""Every page of `docs` that a script makes is the one that its figures make now."""

import json
import sys
from pathlib import Path

import pytest

from backsight.domain.assessment import CANNOT_TELL_SHARE

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
MADE = (
    *("model-card.md", "model-card-lstm-paper.md", "learning.md", "speed.md", "features.md", "measures.md"),
    "benchmarks.md",
)
SCRIPTS = ("write_docs", "learning_page", "measures_page", "speed_page")


@pytest.fixture(scope="module")
def write_docs():
    sys.path.insert(0, str(ROOT / "scripts"))
    try:
        import write_docs

        yield write_docs
    finally:
        sys.path.remove(str(ROOT / "scripts"))
        for name in SCRIPTS:
            sys.modules.pop(name, None)


@pytest.fixture(scope="module")
def pages(write_docs):
    return write_docs.pages()


@pytest.mark.parametrize("name", MADE)
def test_a_published_page_is_the_one_that_the_figures_make(pages, name) -> None:
    published = (DOCS / name).read_text(encoding="utf-8")
    assert published == pages[name], (
        f"docs/{name} is not what its figures make: run scripts/write_docs.py (`make docs`)"
    )


def test_no_page_is_made_that_is_not_compared(pages) -> None:
    assert set(pages) == set(MADE)


def test_every_run_that_is_published_is_on_a_page(write_docs, monkeypatch) -> None:
    read = set()
    figures_of = write_docs._figures_of
    monkeypatch.setattr(write_docs, "_figures_of", lambda name: read.add(name) or figures_of(name))
    write_docs.pages()
    # Road is read whole, because the page is nothing without it.
    published = {path.stem for path in (DOCS / "figures").glob("*.json")} - {"road"}
    assert published <= read


def test_verdicts_are_withheld_in_the_published_runs_as_they_are_now() -> None:
    stated = {
        f"{path.name}, {row['learner']}": row["withheld_above"]
        for path in sorted((DOCS / "figures").glob("*.json"))
        for row in json.loads(path.read_text(encoding="utf-8")).get("rows", ())
        if "withheld_above" in row
    }
    assert stated, "no published run tells above which share a verdict is withheld"
    assert {where: share for where, share in stated.items() if share != CANNOT_TELL_SHARE} == {}
