"""The build of the web assets: tasks-vision must not report to its maker, and a new version is looked at first."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

SCRIPT = Path(__file__).parents[3] / "scripts" / "build_web.py"
SENDS = 'r=1,this.o.send({url:"https://reports.example/v1/log",body:r},()=>{t()},t=>{})'


@pytest.fixture(scope="module")
def build_web() -> ModuleType:
    spec = importlib.util.spec_from_file_location("build_web", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_report_is_replaced_by_a_call_that_does_nothing(build_web: ModuleType) -> None:
    assert build_web.without_reports(f"a();{SENDS};b()") == 'a();r=1,(()=>{})({url:"",body:r},()=>{t()},t=>{});b()'


@pytest.mark.parametrize(
    "script",
    ["a()", f"{SENDS};{SENDS}", f'{SENDS};fetch("https://play.google.com/log")'],
    ids=["none", "two", "another place"],
)
def test_a_version_that_reports_otherwise_is_refused(build_web: ModuleType, script: str) -> None:
    with pytest.raises(build_web.BuildError, match="look at the new version"):
        build_web.without_reports(script)


def test_an_address_of_sources_that_are_not_shipped_goes(build_web: ModuleType) -> None:
    assert build_web.without_map("a();\n//# sourceMappingURL=tus.min.js.map\n") == "a();\n"
    assert build_web.without_map('b("//# sourceMappingURL=x");c()') == 'b("//# sourceMappingURL=x");c()'
