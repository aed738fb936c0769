"""`docs/speed.md` says what the figures say, and nothing that was not measured."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

SCRIPTS = Path(__file__).parents[2] / "scripts"


@pytest.fixture
def speed_page(monkeypatch):
    monkeypatch.syspath_prepend(str(SCRIPTS))
    import speed_page

    yield speed_page.speed_page
    for name in ("speed_page", "measures_page"):
        sys.modules.pop(name, None)


def result(**values: float) -> dict[str, Any]:
    figures = [
        {"name": name, "value": value, "unit": "ms", "n": 60, "bar": None, "better": "lower", "met": None}
        for name, value in values.items()
    ]
    return {"name": "pose", "command": "", "machine": "a machine", "notes": ["noted"], "figures": figures, "rows": []}


def test_without_runs_no_figure_is_told(speed_page):
    page = speed_page({"pose": None, "live": None, "batch": None}, made="<!-- made -->")
    assert page.count("No run is published yet.") == 3
    assert "converted to RGB" not in page


def test_conversion_is_told_from_the_run_that_measured_it(speed_page):
    pose = result(frame_to_rgb=0.25, crop_from_rgb=0.4, crop_from_planes=0.55)
    page = speed_page({"pose": pose, "live": None, "batch": result(start_up_of_one_worker=1300.0)}, made="")
    assert "the conversion takes 0.25 ms of CPU time" in page
    # 0.25 + 0.40 - 0.55.
    assert "for one crop a frame that would save 0.1 ms of what a frame costs" in page
    assert "- noted" in page
    assert "| `start_up_of_one_worker` | 1.3e+03 | ms | 60 |  |  |" in page


def test_planes_that_cost_more_are_said_to(speed_page):
    pose = result(frame_to_rgb=0.25, crop_from_rgb=0.4, crop_from_planes=1.65)
    page = speed_page({"pose": pose, "live": None, "batch": None}, made="")
    assert "for one crop a frame that would cost 1 ms more" in page
