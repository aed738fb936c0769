"""A model of one's own study judges a recording: the score as an index, what moved it, and what it refuses."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest

from backsight.domain.assessment import MeasuredMovement
from backsight.domain.movement import Movement
from backsight.domain.recording import Exercise
from backsight.domain.sequences import FeatureSequence, PoseSequence
from backsight.domain.study import FoundBy, ScoreScale, Study
from backsight.errors import InputError, InvalidValueError, MissingDependencyError
from backsight.evaluation.learner import Learner
from backsight.openers import index_predictor
from backsight.studying.teaching import make_fitted_file
from backsight.training.ensembles import TreesLearner, kinematic_ensemble
from backsight.training.fitted_file import FittedFile, write_fitted
from backsight.training.fitted_predictor import NO_VERDICT, NOT_COMPARED, FittedPredictor, card_of
from backsight.training.kinematic import KinematicLearner
from backsight.training.study_landmarks import NOT_TOLD
from tests.unit.studying.moving import bending_clip, moving_study

NAMES = {Exercise.WALK: "left", Exercise.JUMP: "right"}
JUDGED = [
    {"kind": "learner", "learner": name, "mad": {"value": mad}} for name, mad in (("median", 9.0), ("kinematic", 4.5))
]
LOW_IS_GOOD = ScoreScale(best=0.0, worst=40.0, unit="points of pain")


@dataclass
class Remembers:
    """Gives everybody a score, and keeps what it was shown."""

    score: float = 10.0
    shown: PoseSequence | None = None

    def predict(self, clips):
        self.shown = clips[0].pose
        return np.full(len(clips), self.score)


def content_of(study: Study, fitted: object) -> FittedFile:
    return make_fitted_file(
        study, KinematicLearner(), fitted, judged=None, seed=0, command="backsight train", version="9"
    )


@pytest.fixture(scope="module")
def bends() -> FittedFile:
    study = moving_study()
    return content_of(study, KinematicLearner().fit(study.scored(), scale=study.scale, seed=0))


@pytest.fixture(scope="module")
def bends_with_trees() -> FittedFile:
    study = moving_study()
    learner = replace(kinematic_ensemble(), trees=TreesLearner(n_trees=20))
    return content_of(study, learner.fit(study.scored(), scale=study.scale, seed=0))


def found_by_full(study: Study) -> Study:
    return replace(study, clips=tuple(replace(clip, found_by=FoundBy("full", "openvino")) for clip in study.clips))


def movement(pose: PoseSequence, exercise: Exercise = Exercise.WALK, *, raw: PoseSequence | None = None) -> Movement:
    features = FeatureSequence(np.zeros((2, 1)), ("a",), [0.0, 0.1])
    return Movement(exercise, pose, features, MeasuredMovement(), raw=raw)


def bending(score: float) -> PoseSequence:
    return bending_clip("A", "left", score=score, seed=900).pose


def test_a_score_becomes_an_index_and_its_interval_too() -> None:
    content = replace(content_of(moving_study(), Remembers()), scale=LOW_IS_GOOD, half_width=8.0, level=0.8)
    predictor = FittedPredictor(content, names=NAMES)

    judged = predictor.judge(movement(bending(20.0)))

    assert judged.curve.final == pytest.approx(0.25)  # a quarter of the way from 0, best, to 40, worst
    assert judged.curve.timestamps_s.tolist() == [bending(20.0).timestamps_s[-1]]
    assert judged.explanation is None
    assert predictor.card.interval_half_width == pytest.approx(0.2)
    assert (predictor.card.interval_level, predictor.card.score_scale) == (0.8, LOW_IS_GOOD)


@pytest.mark.parametrize(
    ("figures", "said"),
    [
        ({"beats_median": False}, NO_VERDICT),
        ({"beats_median": True}, ""),
        ({"rows": JUDGED}, NOT_COMPARED),
        ({"rows": JUDGED, "beats_median": False}, NO_VERDICT),
        ({"rows": JUDGED, "beats_median": True}, ""),
        ({}, ""),
    ],
)
def test_no_verdict_from_a_model_that_is_not_known_to_be_better_than_the_median(figures, said) -> None:
    card = FittedPredictor(replace(content_of(moving_study(), Remembers()), figures=figures), names=NAMES).card
    assert card.no_verdict == said
    assert card.headline.endswith(said)
    assert card.text.startswith(card.headline)


def test_landmarks_of_another_blazepose_leave_neither_interval_nor_verdict() -> None:
    content = replace(content_of(found_by_full(moving_study()), Remembers()), half_width=8.0)
    other, same, unknown = (card_of(content, pose_model=name) for name in ("lite", "full", ""))

    assert other.no_verdict.startswith("BlazePose lite finds the landmarks here, but the study's were found by BlazePo")
    assert other.headline.endswith(other.no_verdict)
    assert np.isnan(other.interval_half_width)
    assert "the interval may hold less often" not in other.text
    for card in (same, unknown):
        assert card.no_verdict == ""
        assert card.interval_half_width == pytest.approx(8.0 / 50.0)
    assert "found by BlazePose full, as this recording's were." in same.text
    assert NOT_TOLD not in same.text
    both = card_of(replace(content, figures={"beats_median": False}), pose_model="lite")
    assert both.no_verdict == f"{other.no_verdict} {NO_VERDICT}"


def test_where_nobody_knows_what_found_the_study_s_landmarks_the_card_hedges() -> None:
    card = FittedPredictor(content_of(moving_study(), Remembers()), names=NAMES, pose_model="lite").card
    assert NOT_TOLD in card.text
    assert card.no_verdict == ""


def test_a_learner_is_shown_landmarks_as_studies_hold_them() -> None:
    fitted = Remembers()
    predictor = FittedPredictor(content_of(moving_study(), fitted), names=NAMES)
    filtered, raw = bending(20.0), bending(30.0)

    predictor.judge(movement(filtered, raw=raw))
    assert fitted.shown is raw
    predictor.judge(movement(filtered))
    assert fitted.shown is filtered


@pytest.mark.parametrize("which", ["bends", "bends_with_trees"])
def test_the_index_is_that_of_the_learner_and_its_shares_add_up_to_it(
    which: str, request: pytest.FixtureRequest
) -> None:
    bends: FittedFile = request.getfixturevalue(which)
    predictor = FittedPredictor(bends, names=NAMES)
    indices = []
    for degrees in (8.0, 42.0):
        judged = predictor.judge(movement(bending(degrees)))
        assert judged.explanation is not None
        told = sum(one.points for one in judged.explanation.contributions)
        clip = bending_clip("A", "left", score=degrees, seed=900)
        expected = bends.scale.to_index(float(bends.fitted.predict([clip])[0]))
        assert judged.curve.final == pytest.approx(expected)
        assert judged.explanation.typical + told == pytest.approx(float(judged.curve.raw[0]))
        # In this study whoever bends far is well, so whoever does not has a larger index than typical people.
        assert np.sign(told) == np.sign(judged.explanation.contributions[0].points) == (1 if degrees < 25.0 else -1)
        indices.append(judged.curve.final)
    assert indices[0] > indices[1] + 0.2


def test_usual_ranges_hold_eight_of_ten_of_the_people_learnt_from(bends: FittedFile) -> None:
    told = FittedPredictor(bends, names=NAMES).judge(movement(bending(2.0))).explanation
    assert told is not None
    range_of_lean = next(one for one in told.contributions if one.name.startswith("range of trunk lateral lean"))
    # Scored, and leaning, by 5 to 45 degrees in twelve even steps; noise adds a little.
    assert 7.0 < range_of_lean.usual_low < 12.0
    assert 35.0 < range_of_lean.usual_high < 43.0
    assert range_of_lean.value < range_of_lean.usual_low


def test_another_exercise_is_refused_by_name(bends: FittedFile) -> None:
    predictor = FittedPredictor(bends, names=NAMES)
    with pytest.raises(InvalidValueError, match=r"has learnt \(left, right\), got touch-toes"):
        predictor.judge(movement(bending(5.0), Exercise.TOUCH_TOES))


def test_the_card_says_which_study_how_many_people_and_no_diagnosis(bends: FittedFile) -> None:
    card = FittedPredictor(bends, names=NAMES).card
    assert "study “bends” (24 recordings of 12 people)" in card.headline
    assert "from 0 (worst) to 50 (best) points" in card.headline
    assert "not judged on people whom it had not seen" in card.headline
    assert "no diagnosis" in card.headline
    assert card.text.startswith(card.headline)
    assert np.isnan(card.interval_half_width)


def test_the_card_says_how_far_the_model_was_off() -> None:
    content = replace(content_of(moving_study(), Remembers()), figures={"rows": JUDGED}, half_width=11.0)
    card = FittedPredictor(content, names=NAMES).card
    assert "it was off by 4.5 points; giving everybody the median is off by 9." in card.headline
    assert "the interval may hold less often" in card.text


def named(study: Study, names: dict[str, str]) -> Study:
    return replace(study, clips=tuple(replace(clip, exercise=names[clip.exercise]) for clip in study.clips))


def written(path: Path, study: Study, learner: Learner | None = None) -> Path:
    fitted = (learner or KinematicLearner()).fit(study.scored(), scale=study.scale, seed=0)
    write_fitted(path, content_of(study, fitted))
    return path


def test_exercises_are_known_however_the_study_spells_them(tmp_path: Path) -> None:
    study = named(moving_study(), {"left": "Touch your toes", "right": "JUMP"})
    predictor = index_predictor(written(tmp_path / "m", study), exercises=[Exercise.TOUCH_TOES, Exercise.JUMP])
    judged = predictor.judge(movement(bending(20.0), Exercise.TOUCH_TOES))
    assert 0.0 < judged.curve.final < 1.0
    with pytest.raises(InputError, match=r"m: expected a model that has learnt walk, got one of Touch your toes, JUMP"):
        index_predictor(tmp_path / "m", exercises=[Exercise.WALK])


def test_a_study_without_any_of_the_exercises_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"has learnt touch-toes, walk, jump, got one of left, right; train one"):
        index_predictor(written(tmp_path / "m", moving_study()))


def test_measures_kernels_and_trees_need_neither_torch_nor_scikit_learn(tmp_path: Path) -> None:
    learner = replace(kinematic_ensemble(), trees=TreesLearner(n_trees=3))
    path = written(tmp_path / "m", named(moving_study(), {"left": "walk", "right": "jump"}), learner)
    script = (
        "import sys\n"
        "from backsight.openers import index_predictor\n"
        f"print(index_predictor({str(path)!r}).card.name, {{'torch', 'sklearn'}} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stdout) == (0, "kinematic of bends set()\n"), done.stderr


def test_networks_without_torch_say_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from backsight.training.neural import NeuralConfig, NeuralLearner
    from backsight.training.neural_features import FeatureRecipe
    from backsight.training.neural_fit import FitConfig

    study = named(moving_study(), {"left": "walk", "right": "jump"})
    config = NeuralConfig(
        features=FeatureRecipe(n_frames=8), embedding_size=4, hidden_size=4, n_members=1, fit=FitConfig(n_epochs=1)
    )
    fitted = NeuralLearner(config).fit(study.scored(), scale=study.scale, seed=0)
    write_fitted(tmp_path / "m", replace(content_of(study, fitted), learner="lstm"))
    assert 0.0 <= index_predictor(tmp_path / "m").judge(movement(bending(20.0))).curve.final <= 1.0

    monkeypatch.setitem(sys.modules, "torch", None)
    monkeypatch.delitem(sys.modules, "backsight.training.neural")
    with pytest.raises(
        MissingDependencyError, match=r"m: to run `lstm` takes torch, .* pip install 'backsight\[train\]'"
    ):
        index_predictor(tmp_path / "m")
