"""The kinematic model adds up as it says, names what moved it, knows strangers, and survives its file."""

from __future__ import annotations

import json
import zipfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.random import default_rng

from backsight.domain.assessment import (
    Contribution,
    Explanation,
    MeasuredMovement,
    Measurement,
    ModelCard,
    MovementEvent,
)
from backsight.domain.movement import Movement
from backsight.domain.recording import Exercise
from backsight.domain.sequences import FeatureSequence
from backsight.errors import CheckpointError, InvalidValueError
from backsight.network.checkpoint import TrainingRecord, read_kind
from backsight.network.familiarity import fit_familiarity
from backsight.network.kinematic import (
    LANDING_LASTS_S,
    ExerciseTerms,
    KinematicModel,
    KinematicPredictor,
    MeasureTerm,
    in_time,
)
from backsight.network.kinematic_file import KinematicCheckpoint, kinematic_to_bytes, load_kinematic, save_kinematic
from backsight.scoring import jump
from tests.unit.kinematics.skeletons import make_pose

NAMES = ("a", "b", "c")


class Told:
    names = NAMES

    def __init__(self, values: np.ndarray) -> None:
        self.values = values


def term(name: str, *, middle: float, slope: float) -> MeasureTerm:
    return MeasureTerm(name, name, "trunk", "s", middle, 2.0, 0.0, slope, middle - 1.0, middle + 1.0)


def make_model() -> KinematicModel:
    people = default_rng(0).normal(size=(60, 3))
    terms = (term("bend_down_s", middle=3.0, slope=0.1), term("lateral_lean_deg", middle=4.0, slope=-0.05))
    return KinematicModel(
        {Exercise.TOUCH_TOES: ExerciseTerms(0.4, terms)},
        {Exercise.TOUCH_TOES: fit_familiarity(people, names=NAMES, usual=np.linspace(0.0, 4.0, 41))},
    )


CARD = ModelCard(
    "kinematic", "1", "Made up.", "nothing", 0.3, "Made up.\n", 0.95, "of them", (("walk", 0.25),), (("walk", 0.5),)
)


def movement(*, down_s: float, lean_deg: float, exercise: Exercise = Exercise.TOUCH_TOES) -> Movement:
    measured = MeasuredMovement(
        (Measurement("bend_down_s", "Down", down_s, "s"), Measurement("lateral_lean_deg", "Lean", lean_deg, "deg")),
        (MovementEvent("bend_start", "", 1.0), MovementEvent("bend_bottom", "", 2.5)),
    )
    features = FeatureSequence(values=np.zeros((2, 1)), names=("a",), timestamps_s=[0.0, 0.1])
    return Movement(exercise, make_pose(n_frames=91), features, measured)


def predictor(values: tuple[float, ...] = (0.0, 0.0, 0.0)) -> KinematicPredictor:
    return KinematicPredictor(make_model(), CARD, summarize=lambda pose: Told(np.array(values)))


def test_the_index_is_the_typical_one_plus_what_each_measure_adds() -> None:
    judged = predictor().judge(movement(down_s=5.0, lean_deg=-8.0))  # +1 and, without its sign, +2 deviations
    assert judged.curve.final == pytest.approx(0.4 + 0.1 - 0.1)
    assert len(judged.curve.raw) == 1
    assert judged.explanation is not None
    assert sum(one.points for one in judged.explanation.contributions) + judged.explanation.typical == pytest.approx(
        0.4
    )


def test_a_mirror_image_has_the_same_index() -> None:
    left, right = (predictor().judge(movement(down_s=3.0, lean_deg=lean)) for lean in (-7.0, 7.0))
    assert left.curve.final == right.curve.final != 0.4


def test_what_is_missing_counts_as_typical_and_is_counted() -> None:
    judged = predictor().judge(movement(down_s=np.nan, lean_deg=4.0))
    assert judged.curve.final == pytest.approx(0.4)
    assert judged.explanation is not None
    assert (judged.explanation.n_missing, [one.name for one in judged.explanation.contributions]) == (
        1,
        ["lateral_lean_deg"],
    )


def test_a_value_too_unsure_to_be_told_by_itself_is_weighed_all_the_same() -> None:
    told = movement(down_s=5.0, lean_deg=4.0)
    down, lean = told.measured.measurements
    hinted = replace(down, value=float("nan"), unsure_value=5.0)
    unsure = replace(told, measured=replace(told.measured, measurements=(hinted, lean)))
    judged = predictor().judge(unsure)
    assert judged.curve.final == predictor().judge(told).curve.final == pytest.approx(0.5)
    # Weighed, and its value not said.
    assert judged.explanation is not None
    (counted,) = [one for one in judged.explanation.contributions if one.name == "bend_down_s"]
    assert (counted.points, judged.explanation.n_missing) == (pytest.approx(0.1), 0)
    assert np.isnan(counted.value)


def test_a_model_that_reads_what_is_not_measured_any_more_is_refused() -> None:
    told = movement(down_s=5.0, lean_deg=4.0)
    fewer = replace(told, measured=replace(told.measured, measurements=told.measured.measurements[:1]))
    with pytest.raises(
        CheckpointError, match="reads lateral_lean_deg, which this version of Backsight does not measure"
    ):
        predictor().judge(fewer)


def test_far_out_values_are_held_back() -> None:
    assert predictor().judge(movement(down_s=1000.0, lean_deg=4.0)).curve.final == pytest.approx(0.4 + 3 * 0.1)


def test_deleting_what_is_named_takes_away_what_it_was_said_to_do() -> None:
    whole = predictor().judge(movement(down_s=6.0, lean_deg=5.0))
    assert whole.explanation is not None
    first, second = whole.explanation.contributions
    assert first.name == "bend_down_s"
    without_first = predictor().judge(movement(down_s=3.0, lean_deg=5.0)).curve.final
    without_second = predictor().judge(movement(down_s=6.0, lean_deg=4.0)).curve.final
    assert whole.curve.final - without_first == pytest.approx(first.points)
    assert whole.curve.final - without_second == pytest.approx(second.points)
    assert abs(first.points) > abs(second.points)


def test_a_measure_of_a_phase_names_its_part_of_the_recording() -> None:
    judged = predictor().judge(movement(down_s=6.0, lean_deg=5.0))
    assert judged.explanation is not None
    down, lean = judged.explanation.contributions
    assert (down.from_s, down.to_s) == (1.0, 2.5)
    assert np.isnan(lean.from_s)


def placed(name: str, events: dict[str, list[float]], *, last_s: float = 9.0) -> tuple[float, float]:
    told = Explanation(0.4, (Contribution(name, name, "legs", "", 1.0, 0.0, 2.0, 0.1),), n_missing=0)
    happened = [MovementEvent(event, "", time_s) for event, times in events.items() for time_s in times]
    one = in_time(told, happened, np.array([1.0, last_s])).contributions[0]
    return one.from_s, one.to_s


def test_steps_are_measured_from_the_first_heel_strike_of_either_foot_to_the_last() -> None:
    strikes = {"left_heel_strike": [2.6, 3.7], "right_heel_strike": [2.1, 3.2]}
    assert placed("step_time_s", strikes) == (2.1, 3.7)
    assert np.isnan(placed("lateral_lean_deg", strikes)).all()


def test_crouch_and_landing_reach_beyond_their_event_but_not_beyond_the_recording() -> None:
    events = {"take_off": [3.0], "landing": [3.5]}
    assert placed("countermovement_depth_cm", events) == (1.5, 3.0)
    assert placed("landing_trunk_flexion_deg", events) == (3.5, 4.0)
    assert placed("countermovement_depth_cm", {"take_off": [2.0]}) == (1.0, 2.0)
    assert placed("landing_trunk_flexion_deg", events, last_s=3.7) == (3.5, 3.7)
    assert np.isnan(placed("jump_flight_height_cm", {"take_off": [3.0]})).all()


def test_a_landing_lasts_as_long_as_its_flexion_is_looked_for() -> None:
    assert LANDING_LASTS_S == jump.LANDING_LASTS_S


def test_a_stranger_is_told_from_the_people_trained_on() -> None:
    assert predictor((0.0, 0.0, 0.0)).judge(movement(down_s=3.0, lean_deg=4.0)).unfamiliar_share < 0.3
    assert predictor((7.0, -7.0, 7.0)).judge(movement(down_s=3.0, lean_deg=4.0)).unfamiliar_share == 1.0


def test_the_distance_is_that_of_the_whole_covariance() -> None:
    people = default_rng(1).normal(size=(200, 3)) @ np.array([[1.0, 0.8, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]])
    fitted = fit_familiarity(people, names=NAMES, n_directions=1)
    covariance = fitted.directions.T @ fitted.directions + np.diag(fitted.own)
    off = fitted.scale(np.array([1.0, -1.0, 0.5])) - fitted.centre
    expected = off @ np.linalg.inv(covariance) @ off / 3.0
    assert fitted.distance(np.array([1.0, -1.0, 0.5])) == pytest.approx(expected)


def test_other_numbers_than_trained_on_are_refused() -> None:
    with pytest.raises(InvalidValueError, match="3 numbers trained on"):
        make_model().familiarity[Exercise.TOUCH_TOES].stranger_than(np.zeros(3), names=("a", "c", "b"))


def test_an_exercise_never_seen_is_refused() -> None:
    with pytest.raises(InvalidValueError, match="touch-toes"):
        predictor().judge(movement(down_s=3.0, lean_deg=4.0, exercise=Exercise.WALK))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    record = TrainingRecord("nothing", "nobody", (Exercise.TOUCH_TOES,), 60, 0, "none")
    save_kinematic(tmp_path / "k.backsight", KinematicCheckpoint(make_model(), record, {"mae": float("nan")}, CARD))
    return tmp_path / "k.backsight"


def test_a_model_survives_its_file(path: Path) -> None:
    again = load_kinematic(path)
    assert read_kind(path) == "kinematic"
    assert again.card == CARD
    assert again.model.by_exercise == make_model().by_exercise
    assert kinematic_to_bytes(again) == path.read_bytes()


def test_a_changed_member_is_refused(path: Path) -> None:
    _rewrite(path, "model.json", lambda content: content.replace(b"0.1", b"0.9", 1))
    with pytest.raises(CheckpointError, match="checksum"):
        load_kinematic(path)


def test_other_measures_than_the_schema_says_are_refused(path: Path) -> None:
    def change(content: bytes) -> bytes:
        return json.dumps(json.loads(content) | {"feature_schema": "0" * 64}).encode()

    _rewrite(path, "checkpoint.json", change)
    with pytest.raises(CheckpointError, match="feature_schema"):
        load_kinematic(path)


def test_a_network_is_no_kinematic_model(path: Path) -> None:
    def change(content: bytes) -> bytes:
        return json.dumps(json.loads(content) | {"network": {"kind": "lstm"}}).encode()

    _rewrite(path, "checkpoint.json", change)
    with pytest.raises(CheckpointError, match="expected a kinematic model, got `lstm`"):
        load_kinematic(path)


def test_an_exercise_with_a_width_of_its_own_has_it() -> None:
    assert CARD.half_width_of((Exercise.WALK,)) == 0.25
    assert CARD.half_width_of((Exercise.WALK, Exercise.JUMP)) == 0.3
    assert replace(CARD, session_half_widths=()).half_width_of((Exercise.WALK,)) == 0.3


def _rewrite(path: Path, name: str, change: object) -> None:
    with zipfile.ZipFile(path) as archive:
        members = {one: archive.read(one) for one in archive.namelist()}
    members[name] = change(members[name])  # type: ignore[operator]
    with zipfile.ZipFile(path, "w") as archive:
        for one, content in members.items():
            archive.writestr(one, content)
