"""What a study's commands are made of: intervals, tables, strangers, time left."""

from dataclasses import replace

import numpy as np
import pytest
from typer.testing import CliRunner

from backsight.cli.interruption import resumable
from backsight.cli.main import app
from backsight.cli.study_options import StepPace, fold_progress
from backsight.domain.study import NOT_KNOWN, FoundBy, ScoreScale
from backsight.errors import InputError
from backsight.evaluation.baselines import BASELINES
from backsight.evaluation.predictions import Predictions
from backsight.evaluation.protocol import Protocol
from backsight.evaluation.store import FoldStore
from backsight.studying.judging import check_learnable, judge, with_intervals
from backsight.studying.prediction_files import read_predictions, write_predictions
from backsight.studying.teaching import describe_people, judge_strangers, make_fitted_file
from backsight.studying.wording import FEWEST_FOR_A_SPREAD, figure_lines, meaning_lines, part_lines, stranger_lines
from backsight.training.kinematic import SHARES, KinematicLearner
from backsight.training.runs import Run, begin_run, finish_run, list_runs
from tests.unit.evaluation.studies import make_study
from tests.unit.studying.moving import SCALE, moving_study
from tests.unit.studying.test_comparing import predictions


def judged(tmp_path, study, *, leaky=False):
    return judge(
        study,
        BASELINES,
        protocol=Protocol(n_folds=5, n_seeds=1),
        store=FoldStore(tmp_path, "code"),
        leaky=leaky,
        n_draws=20,
    )


def test_tables_tell_the_whole_people_parts_and_what_leaking_would_claim(tmp_path):
    found = judged(tmp_path, make_study(), leaky=True)
    text = "\n".join(figure_lines(found))
    assert "fake: 40 scored clips of 20 people; 5 folds by person, drawn 1 time. MAD and RMSE in points." in text
    assert "MAD if people leaked" in text
    assert {row["kind"] for row in found.rows} == {"learner", "person", "exercise", "group", "intervals", "leaky"}
    # Clips are all alike: whoever draws a line through them cannot beat the median.
    meaning = " ".join(meaning_lines(found, "duration"))
    assert "does NOT beat the baseline" in meaning
    assert "no diagnosis" in meaning


def test_errors_of_scores_that_are_right_or_wrong_say_which_scores_there_are(tmp_path):
    study = make_study(score=lambda subject, *_: float(subject % 2))
    binary = replace(study, scale=ScoreScale(best=1.0, worst=0.0, unit="correct", is_binary=True))
    found = judged(tmp_path, binary)
    assert "MAD and RMSE of scores that are 0 or 1." in figure_lines(found)[0]
    meaning = " ".join(meaning_lines(found, "duration"))
    assert "(scores are 0 or 1) on average (MAD)" in meaning
    assert "correct" not in meaning.replace("correctly", "")


def test_too_few_people_and_scores_that_are_all_the_same_are_refused():
    with pytest.raises(InputError, match="expected 6 people or more with a score"):
        check_learnable(make_study(5), n_folds=2)
    with pytest.raises(InputError, match="all 40 scores are 7; there is nothing to learn"):
        check_learnable(make_study(score=lambda *_: 7.0), n_folds=5)


def test_a_model_judges_strangers_and_refuses_its_own_people():
    study = moving_study()
    learner = KinematicLearner(choices=SHARES[:1])
    fitted = learner.fit(study.scored(), scale=study.scale, seed=0)
    content = make_fitted_file(study, learner, fitted, judged=None, seed=0, command="", version="0")
    strangers = judge_strangers(content, moving_study(4, first=20), n_draws=5)
    assert (len(strangers.predictions), strangers.warning) == (8, "")
    with pytest.raises(InputError, match="24 of 24 recordings are among those that the model has learnt from"):
        judge_strangers(content, study)
    # However the others' table spells the exercises.
    others = moving_study(4, first=20)
    spelt = tuple(replace(clip, exercise=f" {clip.exercise.upper()}") for clip in others.clips)
    alike = judge_strangers(content, replace(others, clips=spelt), n_draws=5)
    assert alike.warning == ""
    assert alike.predictions.predicted.tolist() == strangers.predictions.predicted.tolist()
    # The same names in front of new recordings: perhaps the same people, perhaps not.
    renamed = moving_study(4, first=20)
    clips = tuple(type(clip)(**{**vars(clip), "subject": "Volunteer-00"}) for clip in renamed.clips)
    found = judge_strangers(content, type(renamed)(name="again", clips=clips, scale=SCALE), n_draws=5)
    assert found.warning.startswith("1 of 1 people have names of people whom the model has learnt from")


@pytest.mark.parametrize(
    ("engine", "kept"),
    [
        ("openvino", "openvino"),
        ("tasks-vision 1.1.0 GPU", "tasks-vision"),
        ("", ""),
        ("Jane Roe jane@example.org", "another engine"),
        ("openvino-of-jane", "another engine"),
    ],
)
def test_what_a_participant_s_browser_calls_its_engine_is_not_passed_on(engine, kept):
    study = moving_study()
    clips = tuple(replace(clip, found_by=FoundBy("full", engine)) for clip in study.clips)
    assert describe_people(replace(study, clips=clips)).found_by == ((FoundBy("full", kept), len(clips)),)


@pytest.mark.parametrize(
    ("said", "kept"),
    [
        (FoundBy("heavy"), FoundBy("heavy")),
        (FoundBy("Jane Roe, Bern"), NOT_KNOWN),
        (FoundBy(sensor="Kinect v2"), FoundBy(sensor="Kinect v2")),
        (FoundBy(sensor="Jane Roe's Kinect"), FoundBy(sensor="another sensor")),
    ],
)
def test_what_a_file_of_landmarks_calls_its_finder_is_passed_on_in_known_names_only(said, kept):
    study = moving_study()
    learner = KinematicLearner(choices=SHARES[:1])
    study = replace(study, clips=tuple(replace(clip, found_by=said) for clip in study.clips))
    fitted = learner.fit(study.scored(), scale=study.scale, seed=0)
    content = make_fitted_file(study, learner, fitted, judged=None, seed=0, command="", version="0")
    assert content.study.found_by == ((kept, len(study.clips)),)
    assert "Jane" not in content.card


@pytest.mark.parametrize(
    ("exercises", "told"),
    [
        ({"left": "walk", "right": "Touch_Toes"}, ""),
        ({"left": "Walk"}, "no score for right;"),
        ({}, "no score for left, right;"),
    ],
)
def test_a_card_says_which_exercises_are_not_for_assess(exercises: dict[str, str], told: str) -> None:
    study, learner = moving_study(), KinematicLearner(choices=SHARES[:1])
    clips = tuple(replace(clip, exercise=exercises.get(clip.exercise, clip.exercise)) for clip in study.clips)
    study = replace(study, clips=clips)
    fitted = learner.fit(study.scored(), scale=study.scale, seed=0)
    card = make_fitted_file(study, learner, fitted, judged=None, seed=0, command="", version="0").card
    assert ("`backsight evaluate STUDY --model FILE`" in card) == bool(told)
    assert told in card


def test_a_sensor_that_the_model_s_file_does_not_name_is_not_called_another_one():
    study, others = (
        replace(one, clips=tuple(replace(clip, found_by=FoundBy(sensor="Vicon")) for clip in one.clips))
        for one in (moving_study(), moving_study(4, first=20))
    )
    learner = KinematicLearner(choices=SHARES[:1])
    fitted = learner.fit(study.scored(), scale=study.scale, seed=0)
    content = make_fitted_file(study, learner, fitted, judged=None, seed=0, command="", version="0")
    assert judge_strangers(content, others, n_draws=5).warning == ""


@pytest.mark.parametrize(("pose_model", "is_told"), [("lite", True), ("full", False), ("", False)])
def test_strangers_whose_landmarks_another_blazepose_found_are_told(pose_model, is_told):
    study, others = (
        replace(one, clips=tuple(replace(clip, found_by=FoundBy(name, "openvino")) for clip in one.clips))
        for one, name in ((moving_study(), "full"), (moving_study(4, first=20), pose_model))
    )
    learner = KinematicLearner(choices=SHARES[:1])
    fitted = learner.fit(study.scored(), scale=study.scale, seed=0)
    content = make_fitted_file(study, learner, fitted, judged=None, seed=0, command="", version="0")
    warning = judge_strangers(content, others, n_draws=5).warning
    told = "landmarks here were found by BlazePose lite, those learnt from by BlazePose full, and each finds others"
    assert warning.partition(":")[0] == (told if is_told else "")


def test_runs_are_kept_with_their_figures_for_tensorboard(tmp_path):
    folder = begin_run(tmp_path, "evaluate")
    run = Run(
        "evaluate", "backsight evaluate", "0", "fake", "ab12", (0,), ("lstm",), {"lstm": {"mad": 5.0, "rho": None}}
    )
    assert list_runs(tmp_path) == ()  # not finished yet
    finish_run(folder, run)
    (kept,) = list_runs(tmp_path)
    assert (kept.name, kept.figures, kept.seeds) == (folder.name, {"lstm": {"mad": 5.0, "rho": None}}, (0,))
    assert kept.started.endswith("+00:00")
    assert len(list((folder / "lstm").glob("events.out.tfevents.*"))) == 1


@pytest.mark.parametrize(
    "words", [["train"], ["train", "s.csv", "--virtual", "60"], ["train", "-o", "m", "--learner", "lstm"]]
)
def test_options_that_would_be_ignored_are_refused(words):
    assert CliRunner().invoke(app, words).exit_code == 2


def test_an_interval_rests_on_other_peoples_errors():
    # Twenty people in two folds; those of the second are wrong by 7, the first by 1: each fold gets the other's width.
    errors = [1.0] * 10 + [7.0] * 10
    plain = predictions(errors, n_clips=1)
    of_fold = np.repeat([0, 1], 10)
    plain = Predictions(
        **{n: getattr(plain, n) for n in plain.__dataclass_fields__ if n not in ("fold", "seconds")}, fold=of_fold
    )
    found = with_intervals(plain, SCALE)
    assert (found.high - found.predicted)[found.fold == 0] == pytest.approx([7.0] * 10)
    assert (found.high - found.predicted)[found.fold == 1] == pytest.approx([1.0] * 10)


@pytest.mark.parametrize("suffix", [".parquet"])
def test_predictions_survive_their_file(tmp_path, suffix):
    one = predictions([1.0, -2.0])
    write_predictions(tmp_path / f"p{suffix}", {"a": one, "b": one})
    read = read_predictions(tmp_path / f"p{suffix}")
    assert list(read) == ["a", "b"]
    for name in ("clip", "subject", "score", "predicted", "low"):
        np.testing.assert_array_equal(getattr(read["b"], name), getattr(one, name))


def test_parts_of_a_person_or_two_get_no_interval_and_a_slope_that_is_upside_down_is_called_so(tmp_path):
    found = judged(tmp_path, make_study(6, score=lambda person, _: 5.0 * person))
    text = "\n".join(part_lines([row for row in found.rows if row["learner"] == "median"], title="median"))
    (group,) = (line for line in text.splitlines() if line.startswith("| group A "))
    clips, people, mad, rho, _, held = (cell.strip() for cell in group.split("|")[2:8])
    assert (clips, people, rho, held) == ("6", "3", "-", "-")
    assert "to" not in mad
    assert f"No interval and no rho in parts of fewer than {FEWEST_FOR_A_SPREAD} people." in text
    assert "90 % holds: - where there is no such interval: it takes 9 people" in "\n".join(figure_lines(found))
    # Without a person's fold the median leans away from that person's score.
    assert "Its predictions run the wrong way round" in " ".join(meaning_lines(found, "median"))


def test_with_enough_people_every_learner_has_its_interval(tmp_path):
    assert "90 % holds: -" not in "\n".join(figure_lines(judged(tmp_path, make_study())))


def test_a_model_that_nobody_judged_has_nothing_to_be_held_beside():
    row = {"kind": "learner", "learner": "lstm", "mad": {"value": 3.0}}
    told = " ".join(stranger_lines([row], (), learner="lstm", unit="points"))
    assert "It was not judged in its own study" in told
    beside = " ".join(
        stranger_lines(
            [row], [row | {"mad": {"value": 2.0}}, row | {"learner": "median"}], learner="lstm", unit="points"
        )
    )
    assert "it was off by 2; the baselines there by: `median` 3." in beside


def test_an_interrupted_command_says_how_to_go_on_and_the_next_one_that_it_does(capsys):
    with pytest.raises(KeyboardInterrupt), resumable():
        raise KeyboardInterrupt
    assert "What is finished is kept; run the same command again to go on." in capsys.readouterr().err
    with pytest.raises(KeyboardInterrupt), resumable(keeps=False):
        raise KeyboardInterrupt
    assert capsys.readouterr().err == ""
    with fold_progress(quiet=False) as show:
        show("fresh", 0, 15)
        show("kinematic", 4, 15)
        show("kinematic", 5, 15)
    told = capsys.readouterr().err
    assert told.split("\n")[0] == "kinematic: going on, 4 of 15 folds are kept from an earlier run"
    assert told.count("going on") == 1


def test_folds_of_an_earlier_run_tell_nothing_of_the_time_left():
    pace = StepPace()
    assert pace.remaining_s(0, 10, now_s=0.0) is None
    assert pace.remaining_s(5, 10, now_s=0.01) is None  # five kept folds, at once
    # One fold took 20 s: four are left.
    assert pace.remaining_s(6, 10, now_s=20.01) == pytest.approx(80.0)
