"""A study's commands end at Ctrl-C wherever it comes, keep what is finished, and go on from there."""

from __future__ import annotations

import os
import re
import signal
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from backsight.datasets.study import write_study
from tests.unit.studying.moving import moving_study

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform == "win32", reason="no SIGINT to another process there"),
]
HOW_TO_GO_ON = "What is finished is kept; run the same command again to go on."

# A process that a shell runs in the background ignores Ctrl-C: the test gives it its usual effect back.
RUN = """
import os, signal, sys
signal.signal(signal.SIGINT, signal.default_int_handler)
{before}
from backsight.cli.main import run
run()
"""
# As pyarrow does when Ctrl-C comes while it imports pandas.
PRESS_AND_LOSE = """
class Losing:
    def find_spec(self, name, path=None, target=None):
        if name == "backsight.datasets.extracted":
            try:
                signal.raise_signal(signal.SIGINT)
            except KeyboardInterrupt:
                pass
sys.meta_path.insert(0, Losing())
"""


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    folder = tmp_path_factory.mktemp("studies") / "study"
    write_study(moving_study(), folder)
    return folder


def start(folder: Path, *words: str, before: str = "") -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", RUN.format(before=before), *words, "--work", "work", "--runs", "runs"],
        cwd=folder,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.mark.parametrize(
    "words",
    [
        ["tune", "--learner", "kinematic", "--trials", "1", "--folds", "2"],
        ["evaluate", "--learner", "path-and-speed", "--seeds", "1", "--folds", "2", "--json", "figures.json"],
        ["train", "--learner", "kinematic", "--no-evaluate", "--out", "model.backsight"],
    ],
    ids=lambda words: words[0],
)
def test_ctrl_c_that_a_library_loses_while_the_study_is_read_is_not_lost(study, tmp_path, words) -> None:
    command, *others = words
    process = start(tmp_path, command, str(study), *others, before=PRESS_AND_LOSE)
    out, err = process.communicate(timeout=120)
    assert (process.returncode, out) == (130, "")
    assert err.splitlines()[-2:] == [HOW_TO_GO_ON, "backsight: interrupted"]
    assert not (tmp_path / "runs").exists()
    assert not (tmp_path / "model.backsight").exists()


def n_complete(storage: Path) -> int:
    if not storage.exists():
        return 0
    try:
        with closing(sqlite3.connect(storage)) as database:
            return int(database.execute("SELECT count(*) FROM trials WHERE state = 'COMPLETE'").fetchone()[0])
    except sqlite3.OperationalError:
        return 0  # Optuna is still making its tables.


def test_ctrl_c_in_a_search_keeps_finished_trials_and_the_next_run_goes_on(study, tmp_path) -> None:
    storage = tmp_path / "trials.sqlite"
    words = ["tune", str(study), "--learner", "kinematic", "--storage", storage.name, "--folds", "2"]
    process = start(tmp_path, *words, "--trials", "900")
    while process.poll() is None and n_complete(storage) < 2:
        pass
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert (process.returncode, out) == (130, "")
    assert err.splitlines()[-2:] == [HOW_TO_GO_ON, "backsight: interrupted"]
    n_kept = n_complete(storage)
    assert n_kept >= 2

    again = start(tmp_path, *words, "--trials", "901", "--timeout", "1")
    out, err = again.communicate(timeout=120)
    assert again.returncode == 0, err
    assert re.search(rf"going on, {n_kept} of 901 tried are kept", err)
    assert int(out.split(" of 901 trials")[0]) > n_kept
