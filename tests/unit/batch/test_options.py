"""What a result's key rests on: with a model of one's own study the code of learners, too."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest

from backsight.batch import options
from backsight.batch.options import RunOptions, Task, run_identity


def identity(model: Path | str, task: Task = Task.ASSESS) -> str:
    return run_identity(RunOptions(task, model=str(model)), bundle_sha256="b", model_sha256="m")


def test_results_of_a_study_model_are_made_anew_when_learners_change(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = tmp_path / "own.backsight"
    with zipfile.ZipFile(own, "w") as archive:
        archive.writestr("fitted.json", "{}")
    before = {model: identity(model) for model in ("kinematic", own)}
    extracted = identity(own, Task.EXTRACT)

    monkeypatch.setattr(options, "_LEARNERS", ("errors.py",))

    assert identity(own) != before[own]
    assert identity("kinematic") == before["kinematic"]
    assert identity(own, Task.EXTRACT) == extracted
