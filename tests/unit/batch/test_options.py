"""What a result's key rests on, and what nodes must share: with a model of one's own study learners, too."""

from __future__ import annotations

import zipfile
from importlib import metadata
from pathlib import Path

import pytest

from backsight.batch import options
from backsight.batch.options import RunOptions, Task, installed_libraries, is_of_a_study, run_identity, software
from tests.unit.import_walk import PACKAGE, imported_from


def identity(model: Path | str, task: Task = Task.ASSESS) -> str:
    return run_identity(RunOptions(task, model=str(model)), bundle_sha256="b", model_sha256="m")


@pytest.fixture
def own(tmp_path: Path) -> Path:
    """What looks like a model of one's own study."""
    path = tmp_path / "own.backsight"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("fitted.json", "{}")
    return path


def test_results_of_a_study_model_are_made_anew_when_learners_change(
    own: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = {model: identity(model) for model in ("kinematic", own)}
    extracted = identity(own, Task.EXTRACT)

    monkeypatch.setattr(options, "_LEARNERS", ("errors.py",))

    assert identity(own) != before[own]
    assert identity("kinematic") == before["kinematic"]
    assert identity(own, Task.EXTRACT) == extracted


def test_a_node_with_other_learners_differs_for_a_study_model_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    before = {of_a_study: software(Task.ASSESS, of_a_study) for of_a_study in (False, True)}

    monkeypatch.setattr(options, "_LEARNERS", ("errors.py",))

    assert software(Task.ASSESS, True) != before[True]
    assert software(Task.ASSESS, False) == before[False]


def test_only_assessing_with_a_file_of_a_study_takes_learners(own: Path) -> None:
    assert is_of_a_study(RunOptions(Task.ASSESS, model=str(own)))
    assert not is_of_a_study(RunOptions(Task.EXTRACT, model=str(own)))
    assert not is_of_a_study(RunOptions(Task.ASSESS, model="kinematic"))


@pytest.mark.parametrize("library", ["numpy", "scipy", "scikit-learn", "torch"])
def test_another_version_of_a_library_makes_results_anew_and_nodes_differ(
    library: str, own: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(options, "_digest", "of {}".format)
    before, real = identity(own), metadata.version
    has = software(Task.ASSESS, True)
    monkeypatch.setattr(metadata, "version", lambda name: "99.0" if name == library else real(name))
    assert identity(own) != before
    assert {name for name, found in software(Task.ASSESS, True).items() if found != has[name]} == {library}


def test_libraries_that_only_learners_need_do_not_count_elsewhere() -> None:
    beyond = set(installed_libraries(of_a_study=True)) - set(installed_libraries(of_a_study=False))
    assert beyond == {"scikit-learn", "torch"}


@pytest.mark.parametrize(
    ("roots", "parts"),
    [
        (("inputs", "pose.blazepose", "pose.openvino.tracker", "video.reader"), options._LOOKING),
        (
            ("inputs", "pipeline", "network.kinematic", "network.kinematic_file", "network.predictor"),
            (*options._LOOKING, *options._ASSESSING),
        ),
        (
            ("pipeline", "training.fitted_file", "training.fitted_predictor", "training.learners"),
            (*options._LOOKING, *options._ASSESSING, *options._LEARNERS),
        ),
    ],
)
def test_every_module_that_a_result_takes_decides(roots: tuple[str, ...], parts: tuple[str, ...]) -> None:
    decides = {
        file
        for part in parts
        for file in ((PACKAGE / part).rglob("*.py") if (PACKAGE / part).is_dir() else [PACKAGE / part])
    }
    # They tell code apart, and say why a file cannot be written.
    known = imported_from(roots) - {
        PACKAGE / "exports" / "__init__.py",
        PACKAGE / "exports" / "folder.py",
        PACKAGE / "studio" / "__init__.py",
        PACKAGE / "studio" / "fingerprint.py",
    }
    assert len(known) > 10
    assert known - decides == set()
