"""The pages for those who run a server cannot drift: settings, commands, files and tests in them are compared."""

from __future__ import annotations

import ast
import json
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/deployment.md").read_text(encoding="utf-8")
THREATS = (ROOT / "docs/threat-model.md").read_text(encoding="utf-8")


def variables_in_code() -> set[str]:
    """Return every variable that a module of the package names as a whole text."""
    found = set()
    for path in (ROOT / "src/backsight").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                found |= set(re.findall(r"^BACKSIGHT_[A-Z_]+$", node.value))
    return found


def test_the_table_of_settings_names_every_variable_and_no_other() -> None:
    table = set(re.findall(r"^\| `(BACKSIGHT_[A-Z_]+)` \|", PAGE, flags=re.MULTILINE))
    code = variables_in_code()
    assert len(code) >= 8
    assert table == code


@pytest.mark.parametrize("name", ["deploy/backsight.service", "deploy/Containerfile"])
def test_the_files_to_begin_with_set_only_what_there_is(name: str) -> None:
    text = (ROOT / name).read_text(encoding="utf-8")
    given = set(re.findall(r"BACKSIGHT_[A-Z_]+", text))
    assert given
    assert given - variables_in_code() == set()
    # No secret is part of a file that everybody gets.
    assert not given & {"BACKSIGHT_SECRET_KEY", "BACKSIGHT_ENCRYPTION_KEY", "BACKSIGHT_METRICS_TOKEN"}


def test_the_container_copies_what_there_is_and_does_not_run_as_root() -> None:
    text = (ROOT / "deploy/Containerfile").read_text(encoding="utf-8")
    final = text.rpartition("\nFROM ")[2]
    assert "\nUSER backsight\n" in final
    copied = [
        word for line in re.findall(r"^COPY (?!--from)(.+)$", text, flags=re.MULTILINE) for word in line.split()[:-1]
    ]
    assert copied
    assert [word for word in copied if not (ROOT / word).exists()] == []


@pytest.mark.parametrize("name", ["deploy/Caddyfile", "deploy/nginx.conf"])
def test_a_proxy_lets_the_largest_video_through(name: str) -> None:
    from backsight.web.routes.uploads import MAX_VIDEO_BYTES

    text = (ROOT / name).read_text(encoding="utf-8")
    found = re.search(r"(?:max_size|client_max_body_size) (\d+)(?:MB|m)", text)
    assert found is not None
    assert int(found[1]) * 10**6 >= MAX_VIDEO_BYTES


def test_every_subcommand_of_the_database_stands_on_the_page() -> None:
    from backsight.cli.database import app

    names = [command.name for command in app.registered_commands]
    assert len(names) >= 4
    assert [name for name in names if f"backsight database {name}" not in PAGE] == []


def test_every_threat_names_a_test_or_says_nothing() -> None:
    rows = [line for line in THREATS.split("## Threats")[1].split("\n## ")[0].splitlines() if line.startswith("| ")]
    unproven = [row for row in rows[1:] if "`tests/" not in row]
    # SQL is built by SQLAlchemy: ruff's S608 refuses it as text.
    assert len(unproven) == 1
    assert "SQL injected" in unproven[0]


def test_the_notice_names_what_the_package_takes_from_npm_in_its_version() -> None:
    taken = json.loads((ROOT / "web-assets/package.json").read_text(encoding="utf-8"))["dependencies"]
    notice = (ROOT / "NOTICE").read_text(encoding="utf-8")
    assert taken
    assert [name for name, version in taken.items() if f"{name} {version}" not in notice] == []
