"""Ctrl-C ends the command in one line from its first moment, whatever is loading and whatever would lose it."""

from __future__ import annotations

import os
import subprocess
import sys
from importlib.metadata import entry_points
from pathlib import Path

import pytest

# Python imports a module of this name by itself, before anything of Backsight's. Raises the signal where a module is
# looked for, so that no test depends on time; a shell's background job would ignore it.
PRESSING = """
import contextlib, os, signal, sys
signal.signal(signal.SIGINT, signal.{handler})
class Pressing:
    def find_spec(self, name, path=None, target=None):
        if name == os.environ["PRESS_AT"]:
            sys.meta_path.remove(self)
            with {swallowing}:
                signal.raise_signal(signal.SIGINT)
sys.meta_path.insert(0, Pressing())
"""
# What is registered last runs first at exit, before temporary folders are removed.
PRESSING_AT_THE_END = """
import atexit, signal, tempfile, threading
signal.signal(signal.SIGINT, signal.{handler})
kept = tempfile.TemporaryDirectory(dir=".", prefix="temporary-")
def wait():
    for _ in range({n_presses}):
        signal.raise_signal(signal.SIGINT)
    threading.Event().wait({waits_s})
    print("all is done")
atexit.register(wait)
"""
RAISES = "contextlib.nullcontext()"
SWALLOWED = "contextlib.suppress(BaseException)"
MADE_ANOTHER = "made_another()"
AS_ANOTHER = """
@contextlib.contextmanager
def made_another():
    try:
        yield
    except BaseException:
        raise ImportError("core failed to load") from None
"""


def press_at(
    name: str, folder: Path, *words: str, swallowing: str = RAISES, handler: str = "default_int_handler"
) -> subprocess.CompletedProcess[str]:
    """Run the command, which gets Ctrl-C where it first looks for a module."""
    pressing = PRESSING.format(handler=handler, swallowing=swallowing)
    (folder / "sitecustomize.py").write_text(pressing.replace("class Pressing", f"{AS_ANOTHER}\nclass Pressing"))
    path = os.pathsep.join([str(folder), *filter(None, [os.environ.get("PYTHONPATH")])])
    return subprocess.run(
        [sys.executable, "-m", "backsight", *words],
        cwd=folder,
        env=os.environ | {"PRESS_AT": name, "PYTHONPATH": path},
        capture_output=True,
        text=True,
        check=False,
    )


def finish(
    folder: Path, *words: str, n_presses: int, waits_s: float = 0, handler: str = "default_int_handler"
) -> subprocess.CompletedProcess[str]:
    """Run the command, which gets Ctrl-C while Python shuts down."""
    (folder / "sitecustomize.py").write_text(
        PRESSING_AT_THE_END.format(n_presses=n_presses, waits_s=waits_s, handler=handler)
    )
    path = os.pathsep.join([str(folder), *filter(None, [os.environ.get("PYTHONPATH")])])
    return subprocess.run(
        [sys.executable, "-m", "backsight", *words],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": path},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("swallowing", [RAISES, SWALLOWED, MADE_ANOTHER])
@pytest.mark.parametrize("name", ["backsight.cli", "backsight.cli.main", "typer", "numpy", "backsight.cli.wide"])
def test_while_the_command_line_loads(name, swallowing, tmp_path) -> None:
    done = press_at(name, tmp_path, "--help", swallowing=swallowing)
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "backsight: interrupted\n")


@pytest.mark.parametrize("swallowing", [RAISES, MADE_ANOTHER])
def test_while_a_command_loads_what_it_needs(swallowing, tmp_path) -> None:
    done = press_at("backsight.studying.kept_runs", tmp_path, "runs", swallowing=swallowing)
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "backsight: interrupted\n")


@pytest.mark.parametrize("swallowing", [RAISES, SWALLOWED, MADE_ANOTHER])
def test_while_a_study_is_about_to_be_read(swallowing, tmp_path) -> None:
    done = press_at("pandas", tmp_path, "data", "validate", "study.csv", swallowing=swallowing)
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "backsight: interrupted\n")


def test_a_job_that_is_told_to_ignore_it_goes_on(tmp_path) -> None:
    done = press_at("backsight.cli.main", tmp_path, "--version", handler="SIG_IGN")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("backsight ")


@pytest.mark.parametrize(
    ("n_presses", "handler", "words", "code"),
    [
        (1, "default_int_handler", ["--version"], 0),
        (1, "default_int_handler", ["schema", "--nothing"], 2),
        (3, "SIG_IGN", ["--version"], 0),
    ],
)
def test_a_command_that_has_ended_stays_what_it_was_and_is_cleaned_up_after(
    n_presses, handler, words, code, tmp_path
) -> None:
    done = finish(tmp_path, *words, n_presses=n_presses, handler=handler)
    assert (done.returncode, done.stdout.splitlines()[-1:]) == (code, ["all is done"])
    assert "nterrupt" not in done.stderr
    assert list(tmp_path.glob("temporary-*")) == []


def test_a_second_one_breaks_off_a_shutdown_that_hangs_and_the_rest_is_cleaned_up(tmp_path) -> None:
    done = finish(tmp_path, "--version", n_presses=2, waits_s=60)
    assert (done.returncode, done.stdout.count("\n")) == (0, 1)
    assert "all is done" not in done.stdout
    assert list(tmp_path.glob("temporary-*")) == []


def test_nothing_that_takes_time_is_loaded_before_it_is_minded() -> None:
    code = "import sys; before = set(sys.modules); import backsight.__main__; print(*sorted(set(sys.modules) - before))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["backsight", "backsight.__main__"]


def test_the_installed_command_begins_there() -> None:
    (command,) = entry_points(group="console_scripts", name="backsight")
    assert command.value == "backsight.__main__:run"
