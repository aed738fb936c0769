"""What cannot be opened says so, and a model says with which BlazePose it is to be asked."""

import sys
from dataclasses import replace
from pathlib import Path

import pytest

from backsight.domain.study import FoundBy
from backsight.errors import MissingDependencyError
from backsight.openers import pose_estimator, pose_model_for
from backsight.studying.teaching import make_fitted_file
from backsight.training.fitted_file import write_fitted
from backsight.training.kinematic import KinematicLearner
from tests.unit.studying.moving import moving_study


def test_openvino_that_was_asked_for_and_is_not_there_is_an_error(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setitem(sys.modules, "openvino", None)
    with (
        pytest.raises(MissingDependencyError, match=r"pip install 'backsight\[fast\]'"),
        pose_estimator(tmp_path / "pose_landmarker_lite.task", engine="openvino"),
    ):
        pass


@pytest.mark.parametrize(
    ("found_by", "looks"),
    [
        (FoundBy("heavy", "openvino"), "heavy"),
        (FoundBy(sensor="Kinect v2"), "lite"),
        (FoundBy("Jane Roe, Bern"), "lite"),
    ],
)
def test_a_model_of_ones_own_study_looks_with_what_found_its_landmarks(
    found_by: FoundBy, looks: str, tmp_path: Path
) -> None:
    study = moving_study()
    study = replace(study, clips=tuple(replace(clip, found_by=found_by) for clip in study.clips))
    learner = KinematicLearner()
    fitted = learner.fit(study.scored(), scale=study.scale, seed=0)
    content = make_fitted_file(study, learner, fitted, judged=None, seed=0, command="backsight train", version="9")
    write_fitted(tmp_path / "own.backsight", content)

    assert pose_model_for(tmp_path / "own.backsight") == looks


def test_models_that_ship_look_with_the_fastest_and_a_missing_one_is_left_to_whoever_loads_it(tmp_path: Path) -> None:
    assert pose_model_for() == pose_model_for("lstm-paper") == pose_model_for(tmp_path / "nowhere") == "lite"
