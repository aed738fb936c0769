import math
from dataclasses import replace

import numpy as np
import pytest

from backsight.benchmarks.figures import write_figures
from backsight.benchmarks.filmed import (
    GateVerdict,
    Reading,
    judge_films,
    read_measures,
    read_perfectly_seen,
    take_samples,
)
from backsight.benchmarks.gate import gate_figures
from backsight.benchmarks.measures import BARS, _barred, judge_measures, name_failure, plan_judged
from backsight.benchmarks.measures_table import summarise, table_lines, tabulate, wilson_interval
from backsight.benchmarks.shots import off_front_deg, plan_measuring, plan_spoilt, view_of
from backsight.domain.assessment import QualityVerdict
from backsight.domain.recording import Exercise
from backsight.errors import InvalidValueError, ShotError
from backsight.scoring.calibration import SCALED, TIMED, Calibration
from backsight.scoring.calibration_fit import fit_calibration
from backsight.scoring.measure import observe, take_measures
from backsight.simulation.seeds import CALIBRATION_SEED, HELD_OUT_SEED, TRAINING_SEED
from backsight.simulation.truth import measure_truth
from backsight.studio.filmed import Shot
from backsight.studio.spoiling import Spoil
from tests.unit.benchmarks.films import make_film, spoilt
from tests.unit.kinematics.skeletons import make_pose


@pytest.fixture(scope="module")
def films():
    return [make_film(shot, noise_px=1.0) for shot in plan_measuring(range(4), seed=HELD_OUT_SEED)]


FAILURES = ["8001-00020-jump-x (the renderer stumbles)"]


@pytest.fixture(scope="module")
def judged(films):
    calibration = fit_calibration(take_samples(films, models=["full"]))
    return judge_measures(films, models=["full"], calibration=calibration, failures=FAILURES)


def reading(true, value, error, **changes):
    given = {"measure": "m", "unit": "deg", "exercise": Exercise.WALK, "pose_model": "full", "view": "side"}
    given |= {"distance_m": 3.0, "fps": 30.0, "has_height": True, "person": "a", "shot_name": "s", "raw": value}
    given |= changes
    return Reading(true=true, value=value, error=error, **given)


def test_a_summary_by_hand():
    got = summarise(
        [reading(10.0, 11.0, 2.0), reading(10.0, 7.0, 2.0), reading(10.0, math.nan, 2.0), reading(math.nan, 1.0, 1.0)]
    )
    # Off by +1 (within 2) and -3 (not); one of three with a truth has no value, one has no truth.
    assert (got.n, got.n_given, got.mean_error, got.bias) == (3, 2, 2.0, -1.0)
    assert (got.coverage, got.half_width, got.given) == (0.5, 2.0, pytest.approx(2 / 3))


def test_a_value_without_an_interval_does_not_count_as_given():
    assert summarise([reading(10.0, 10.0, math.nan)]).n_given == 0


def test_every_measure_has_a_truth_of_the_same_name_and_the_other_way_round():
    pose = make_pose(timestamps_s=np.arange(0.0, 3.0, 1 / 30))
    for exercise in Exercise:
        taken = {item.name for item in take_measures(observe(pose), exercise=exercise).measurements}
        truth = measure_truth(Shot(0, exercise, HELD_OUT_SEED, fps=30.0).perform()).values
        assert taken == set(truth), exercise


def test_bars_and_classes_name_measures_that_there_are():
    pose = make_pose(timestamps_s=np.arange(0.0, 3.0, 1 / 30))
    names = {
        item.name for exercise in Exercise for item in take_measures(observe(pose), exercise=exercise).measurements
    }
    assert {bar.measure for bar in BARS} <= names
    assert names >= TIMED
    assert names >= SCALED


def test_lengths_are_read_with_and_without_the_height_and_angles_once(films):
    (bend, *_) = [film for film in films if film.exercise is Exercise.TOUCH_TOES]
    of_first = list(read_measures([bend], models=["full"], calibration=Calibration()))
    assert {item.has_height for item in of_first if item.measure == "fingertip_to_floor_cm"} == {True, False}
    assert {item.has_height for item in of_first if item.measure == "trunk_flexion_deg"} == {True}


def test_a_bend_seen_without_error_is_measured_as_it_was():
    shot = Shot(3, Exercise.TOUCH_TOES, HELD_OUT_SEED, fps=30.0, yaw_deg=90.0)
    (flexion,) = [
        item for item in take_samples([make_film(shot)], models=["full"]) if item.measure == "trunk_flexion_deg"
    ]
    assert flexion.raw == pytest.approx(flexion.true, abs=3.0)
    assert flexion.conditions.off_front_deg > 70.0


def test_spoilt_and_refused_recordings_are_not_measured(films):
    dark = spoilt(films[0], spoil=Spoil.DARK)
    assert not list(take_samples([dark], models=["full"]))
    assert not list(read_measures([dark], models=["full"], calibration=Calibration()))
    assert not list(read_measures([films[0]], models=["lite"], calibration=Calibration()))
    (verdict,) = judge_films([dark], models=["full", "lite"])
    assert verdict.spoil == "dark"


def test_a_cohort_calibrated_on_itself_covers_and_the_table_says_what_was_not_given(judged, tmp_path):
    figures = {figure.name: figure for figure in judged.figures}
    # Four people are too few to calibrate anything: nothing is given, and no bar is met by silence.
    assert figures["trunk_flexion_deg/side/mean_error"].n == 0
    assert figures["trunk_flexion_deg/side/mean_error"].met is False
    assert (figures["trunk_flexion_deg/side/given"].value, figures["trunk_flexion_deg/side/given"].n) == (0.0, 1)
    assert (figures["trunk_flexion_deg/given"].value, figures["trunk_flexion_deg/given"].n) == (0.0, 4)
    assert figures["fingertip_to_floor_cm/no_height/held"].n == 0
    assert figures["good_accepted/full"].value == 1.0
    assert {row["n_given"] for row in judged.rows} == {0}
    write_figures(tmp_path / "measures.json", judged)
    assert "NaN" not in (tmp_path / "measures.json").read_text()


def test_a_table_is_printed_for_each_model_in_under_100_columns():
    found = [
        reading(10.0, 11.0, 2.0, view="front", distance_m=2.5),
        reading(10.0, 7.0, 2.0, view="side", distance_m=4.5),
        reading(10.0, math.nan, math.nan, view="side", distance_m=3.5),
        reading(1.0, 1.5, 2.0, measure="gait_speed_m_per_s", has_height=False),
        reading(1.0, 1.25, 2.0, measure="step_length_asymmetry_percent", pose_model="lite"),
    ]
    lines = table_lines(tabulate(found))
    assert max(map(len, lines)) < 100
    assert [line.split(":")[0] for line in lines if line.startswith("BlazePose")] == [
        "BlazePose full",
        "BlazePose lite",
    ]
    # Views: front, 30, 60 and side; then under 3 m, 3 to 4 and over 4; given and held.
    assert lines[2].split() == ["m", "1", "-", "-", "3", "1", "-", "3", "2/3", "50%"]
    assert lines[3].split() == ["gait_speed_m_per_s*", *"---", "0.5", "-", "0.5", "-", "1/1", "100%"]


def test_a_recording_that_the_gate_refuses_counts_as_one_without_a_value():
    shot = next(shot for shot in plan_measuring([0], seed=HELD_OUT_SEED) if shot.exercise is Exercise.WALK)
    good = make_film(shot)
    pose = good.tracks["full"].pose
    unseen = replace(
        pose,
        image_px=np.full_like(pose.image_px, np.nan),
        world_m=np.full_like(pose.world_m, np.nan),
        visibility=np.zeros_like(pose.visibility),
        presence=np.zeros_like(pose.presence),
    )
    refused = replace(good, tracks={"full": replace(good.tracks["full"], pose=unseen)})
    (verdict,) = judge_films([refused], models=["full"])
    assert verdict.verdict is QualityVerdict.UNUSABLE
    found = list(read_measures([good, refused], models=["full"], calibration=Calibration()))
    steps = [replace(item, error=1.0) for item in found if item.measure == "step_time_s" and np.isfinite(item.value)]
    steps += [item for item in found if item.measure == "step_time_s" and not np.isfinite(item.value)]
    assert (summarise(steps).n, summarise(steps).n_given) == (2, 1)


def test_a_summary_says_what_a_constant_would_do_and_how_sure_it_is():
    # The best constant for 1, 2 and 6 is 2: off by 1, 0 and 4.
    three = [reading(true, true + off, 9.0, person=str(true)) for true, off in ((1.0, 1.0), (2.0, 2.0), (6.0, 3.0))]
    assert summarise(three).constant_error == pytest.approx(5 / 3)
    # Errors 1, 2, 3 of three people: standard deviation 1, over the root of 3.
    assert summarise(three).standard_error == pytest.approx(1 / math.sqrt(3))
    # Each twice tells nothing new.
    assert summarise(three * 2).standard_error == pytest.approx(1 / math.sqrt(3))
    assert math.isnan(summarise(three[:1]).standard_error)


def test_the_interval_of_a_share():
    # Wilson by hand for 8 of 10 and z = 1.96: (0.8 + 0.19208) / 1.38416 -+ 1.96 sqrt(0.016 + 0.009604) / 1.38416.
    assert wilson_interval(8, 10) == (pytest.approx(0.4902, abs=1e-4), pytest.approx(0.9433, abs=1e-4))
    assert wilson_interval(0, 0) is None


def test_what_a_run_leaves_out_is_no_bar_missed(films):
    walks = [film for film in films if film.exercise is Exercise.WALK]
    names = {figure.name for figure in judge_measures(walks, models=["full"], calibration=Calibration()).figures}
    assert "step_time_s/mean_error" in names
    assert not {name for name in names if name.startswith(("bend_duration_s/", "spoilt_"))}
    lite = [make_film(film.shot, models=("lite",)) for film in walks]
    result = judge_measures(lite, models=["lite"], calibration=Calibration())
    assert [figure for figure in result.figures if figure.bar is not None] == []


def test_volunteers_who_are_filmed_spoilt_are_not_measured_too():
    assert len(plan_judged(n_subjects=82, n_spoilt=1)) == 3 * 82 + len(Spoil)
    with pytest.raises(InvalidValueError, match=r"none of 100 to 107, .* got 18 to 100"):
        plan_judged(n_subjects=83)
    with pytest.raises(InvalidValueError, match="got 107 to 107"):
        plan_judged(first=107, n_subjects=1)
    assert plan_judged(first=108, n_subjects=1)
    assert plan_judged(n_subjects=83, n_spoilt=0)


def test_a_failure_names_its_recording_once():
    shot = Shot(3, Exercise.WALK, HELD_OUT_SEED, fps=30.0)
    for told in (f"{shot.name}: cannot be filmed", "cannot be filmed"):
        assert name_failure(shot, ShotError(told)) == f"{shot.name} (cannot be filmed)"


def test_what_perfect_landmarks_leave_is_the_geometrys_error_on_what_was_given(films):
    bends = [item for item in films if item.exercise is Exercise.TOUCH_TOES]
    (film,) = [item for item in films if (item.exercise, view_of(item.view_yaw_deg)) == (Exercise.TOUCH_TOES, "side")]
    (flexion,) = [item for item in read_perfectly_seen([film]) if item.measure == "trunk_flexion_deg"]
    assert flexion.raw == pytest.approx(flexion.true, abs=2.0)
    bar = next(bar for bar in BARS if bar.name == "trunk_flexion_deg/side")
    perfect = list(read_perfectly_seen(bends))
    # The same recording, once given 3 degrees too much, and once refused.
    seen = replace(flexion, pose_model="full", value=flexion.true + 3.0, error=4.0, distance_m=3.0)
    for item, n in ((seen, 1), (replace(seen, value=math.nan), 0)):
        figures = {figure.name.removeprefix(f"{bar.name}/"): figure for figure in _barred(bar, [item], perfect)}
        assert (figures["perfectly_seen"].n, figures["mean_error"].n, figures["given"].n) == (n, n, 1)
        assert figures["mean_error"].bar == figures["mean_error/to_4_m"].bar == 2.5
    (figure,) = [item for item in _barred(bar, [seen], perfect) if item.name.endswith("perfectly_seen")]
    assert figure.value == pytest.approx(abs(flexion.raw - flexion.true))
    assert figure.bar is None


def test_what_could_not_be_filmed_is_named(judged):
    assert judged.notes[-1] == f"1 recordings could not be filmed and are left out: {FAILURES[0]}."
    assert judged.notes[0].startswith("4 virtual volunteers (numbers 0 to 3), 12 recordings; 0 more")


def test_sixty_volunteers_nobody_looked_at_are_judged_and_others_spoilt():
    shots = plan_judged()
    whole, spoilt = ([shot for shot in shots if (shot.spoil is not None) is kind] for kind in (False, True))
    assert {shot.subject_index for shot in whole} == set(range(18, 78))
    assert {shot.subject_index for shot in spoilt} == set(range(100, 108))
    assert (len(whole), len(spoilt), {shot.seed for shot in shots}) == (180, 56, {HELD_OUT_SEED})
    assert {shot.subject_index for shot in plan_judged(n_subjects=2, first=5, n_spoilt=0)} == {5, 6}


def test_the_gates_shares_count_refused_and_flagged(films):
    moved = [make_film(shot) for shot in plan_measuring(range(1), seed=HELD_OUT_SEED)]
    wrong = [spoilt(film, spoil=Spoil.WRONG_EXERCISE, exercise=_other(film.exercise)) for film in moved]
    verdicts = list(judge_films(moved + wrong, models=["full"]))
    assert {item.verdict for item in verdicts[:3]} <= {QualityVerdict.GOOD, QualityVerdict.POOR}
    result = judge_measures(moved + wrong, models=["full"], calibration=Calibration())
    figures = {figure.name: figure for figure in result.figures}
    refused = [item for item in verdicts[3:] if item.verdict is not QualityVerdict.GOOD]
    assert figures["spoilt_caught/full"].value == pytest.approx(len(refused) / 3)
    assert figures["spoilt_caught/full/wrong-exercise"].n == 3


def verdict(verdict, *, spoil=None, distance_m=3.0):
    return GateVerdict("full", Exercise.WALK, distance_m, spoil, verdict, ())


def test_the_gates_figures_by_hand():
    good, poor, unusable = QualityVerdict
    verdicts = [verdict(good), verdict(good), verdict(poor), verdict(unusable, distance_m=5.0)]
    verdicts += [verdict(item, spoil="dark") for item in (good, poor, unusable, unusable)]
    verdicts += [verdict(good, spoil="bystander")]
    figures = {figure.name: figure for figure in gate_figures(verdicts, "full", barred=True)}
    assert (figures["good_accepted/full"].value, figures["good_accepted/full"].met) == (0.75, False)
    assert (figures["good_accepted/full/to_4_m"].value, figures["good_accepted/full/to_4_m"].met) == (1.0, True)
    assert (figures["good_unflagged/full"].value, figures["good_unflagged/full"].bar) == (0.5, None)
    assert (figures["spoilt_caught/full"].value, figures["spoilt_caught/full"].met) == (0.75, False)
    assert (figures["spoilt_refused/full"].value, figures["spoilt_refused/full/dark"].value) == (0.5, 0.5)
    # Somebody whom chance put there counts neither as spoilt nor as good.
    assert (figures["chance_caught/full/bystander"].value, figures["spoilt_caught/full"].n) == (0.0, 4)


def _other(exercise):
    return Exercise.WALK if exercise is not Exercise.WALK else Exercise.TOUCH_TOES


def test_views_are_met_evenly_and_seeds_do_not_mix():
    shots = plan_measuring(range(40), seed=HELD_OUT_SEED, views_each=2)
    for exercise in Exercise:
        views = [view_of(shot.yaw_deg) for shot in shots if shot.exercise is exercise]
        assert {view: views.count(view) for view in set(views)} == {"front": 20, "30 deg": 20, "60 deg": 20, "side": 20}
    rates = {(view_of(shot.yaw_deg), shot.fps) for shot in shots if shot.exercise is Exercise.JUMP}
    assert len(rates) == 8
    assert len({shot.name for shot in shots}) == len(shots)
    assert len({CALIBRATION_SEED, HELD_OUT_SEED, TRAINING_SEED}) == 3
    assert plan_measuring(range(2), seed=1) == plan_measuring(range(2), seed=1)


@pytest.mark.parametrize(("yaw", "off"), [(0, 0), (170, 10), (-170, 10), (180, 0), (90, 90), (-100, 80), (395, 35)])
def test_angles_off_front_or_back(yaw, off):
    assert off_front_deg(yaw) == pytest.approx(off)


@pytest.mark.parametrize(
    ("yaw", "view"), [(5, "front"), (17, "front"), (18, "30 deg"), (-60, "60 deg"), (178, "front")]
)
def test_the_nearest_view(yaw, view):
    assert view_of(yaw) == view


def test_every_kind_of_fault_is_planned_for_each_volunteer():
    shots = plan_spoilt([0, 5], seed=HELD_OUT_SEED)
    assert [shot.spoil for shot in shots] == [*Spoil, *Spoil]
    assert {shot.subject_index for shot in shots} == {0, 5}
