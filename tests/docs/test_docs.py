"""Docs cannot drift: options, settings, exit codes, quality checks and paths in them are compared with the code."""

import ast
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from backsight.cli.exit_codes import ExitCode
from backsight.features.schema import KINEMATIC_NAMES

ROOT = Path(__file__).parents[2]
GUIDE = (ROOT / "docs/user-guide.md").read_text(encoding="utf-8")
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])


def help_of(*words: str) -> str:
    command = [sys.executable, "-m", "backsight", *words, "--help"]
    return subprocess.run(command, capture_output=True, text=True, check=True, env={"COLUMNS": "200"}).stdout


@pytest.mark.parametrize(
    "command",
    [
        ("assess",),
        ("live",),
        ("extract",),
        ("batch",),
        ("models", "fetch"),
        ("models", "list"),
        ("simulate", "volunteer"),
        ("simulate", "cohort"),
        ("simulate", "contact-sheet"),
        ("train",),
        ("evaluate",),
        ("compare",),
        ("tune",),
        ("runs",),
        ("benchmark",),
        ("doctor",),
        ("history",),
        ("forget",),
        ("serve",),
        ("user", "add"),
        ("user", "list"),
        ("user", "disable"),
        ("user", "password"),
        ("database", "upgrade"),
        ("database", "backup"),
        ("database", "restore"),
        ("database", "reseal"),
        ("schema",),
    ],
    ids=" ".join,
)
def test_every_option_of_a_command_is_in_the_user_guide(command: tuple[str, ...]) -> None:
    options = set(re.findall(r"(--[a-z][a-z-]+)", help_of(*command).split("Options:")[1])) - {"--help"}
    section = GUIDE.split(f"## `backsight {' '.join(command)}`")[1].split("\n## ")[0]
    assert {option for option in options if f"`{option}" not in section and f" {option}" not in section} == set()


def test_every_command_is_in_the_user_guide() -> None:
    commands = re.findall(r"^  ([a-z]+)  ", help_of().split("Commands:")[1], flags=re.MULTILINE)
    assert len(commands) >= 6
    assert [name for name in commands if f"## `backsight {name}" not in GUIDE] == []


def test_every_exit_code_is_in_the_user_guide() -> None:
    assert [code for code in ExitCode if f"| {int(code)} |" not in GUIDE] == []


def test_every_setting_is_in_the_user_guide() -> None:
    code = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "src").rglob("*.py"))
    settings = set(re.findall(r"BACKSIGHT_[A-Z_]+", code))
    assert settings
    assert {name for name in settings if name not in GUIDE} == set()


def test_every_kinematic_feature_is_documented() -> None:
    page = (ROOT / "docs/features.md").read_text(encoding="utf-8")
    assert [name for name in KINEMATIC_NAMES if f"`{name}`" not in page] == []


def test_every_quality_check_is_in_the_user_guide() -> None:
    names: set[str] = set()
    for path in (ROOT / "src/backsight/pose").glob("quality_*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "build_check":
                names.add(ast.literal_eval(node.args[1]))
    assert len(names) >= 10
    assert {name for name in names if f"| {name} |" not in GUIDE} == set()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_paths_named_in_docs_exist(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    links = [target for target in re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", text) if "://" not in target]
    missing = [target for target in links if not (page.parent / target).exists()]
    named = re.findall(r"`((?:src|tests|docs|scripts|examples)/[\w./-]+)`", text)
    missing += [target for target in named if not (ROOT / target).exists()]
    assert missing == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_no_page_claims_more_than_we_know(page: Path) -> None:
    text = page.read_text(encoding="utf-8").lower()
    for claim in ("clinically proven", "clinically validated", "diagnoses ", "medical grade"):
        assert claim not in text


def test_figures_in_docs_come_from_the_benchmark_file() -> None:
    figures = json.loads((ROOT / "docs/figures/road.json").read_text(encoding="utf-8"))["figures"]
    page = (ROOT / "docs/benchmarks.md").read_text(encoding="utf-8")
    assert figures
    for figure in figures:
        assert f"| `{figure['name']}` | {figure['value']:.4g} |" in page, figure["name"]
