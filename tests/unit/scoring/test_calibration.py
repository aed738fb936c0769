import json
import math
from dataclasses import replace

import numpy as np
import pytest

from backsight.domain.assessment import MeasuredMovement, Measurement, Norm, NormKind
from backsight.errors import InvalidValueError
from backsight.scoring.calibration import (
    FALSE_SHARE,
    Calibration,
    CellKey,
    Conditions,
    calibrate,
    chance_of,
    default_calibration,
)
from backsight.scoring.calibration_fit import (
    METHOD,
    CalibrationSample,
    fit_calibration,
)


def conditions(**changes):
    return Conditions(
        **{"pose_model": "full", "off_front_deg": 85.0, "fps": 30.0, "has_height": True, "person_px": 400.0} | changes
    )


def samples(n, *, measure="trunk_flexion_deg", error, bias=0.0, gain=1.0, seed=1, spread=15.0, **seen):
    """Return n people: true values around 100, raw = bias + gain * true + normal error."""
    rng = np.random.default_rng(seed)
    true = rng.normal(100.0, spread, n)
    raw = 100.0 + bias + gain * (true - 100.0) + rng.normal(0.0, error, n)
    return [
        CalibrationSample(measure, float(r), float(t), conditions(**seen), f"{seed}-{i}")
        for i, (r, t) in enumerate(zip(raw, true, strict=True))
    ]


def take(value, *, calibration, name="trunk_flexion_deg", unit="deg", **seen):
    taken = MeasuredMovement((Measurement(name, "Label", value, unit, note="raw"),))
    return calibrate(taken, conditions=conditions(**seen), calibration=calibration)[name]


def test_a_view_with_few_people_leans_on_how_large_errors_are_in_the_others():
    # 12 people from the side who happen to have hardly any error, 60 from the front with one of 4 degrees.
    lucky = samples(12, error=0.5, seed=1)
    usual = samples(60, error=4.0, seed=2, off_front_deg=10.0)
    side = CellKey("trunk_flexion_deg", "full", "side")
    alone, together = (fit_calibration(people).cells[side].half_width for people in (lucky, lucky + usual))
    assert together > 1.2 * alone
    # Those who err more are not made to look like the others.
    front = replace(side, view="front")
    both, usual_alone = (fit_calibration(people).cells[front].half_width for people in (lucky + usual, usual))
    assert both > 0.97 * usual_alone


def test_cadence_is_what_the_step_time_says():
    calibration = fit_calibration(
        samples(60, measure="step_time_s", error=2.0) + samples(60, measure="cadence_per_min", error=2.0)
    )
    assert {key.measure for key in calibration.cells} == {"step_time_s"}
    taken = MeasuredMovement(
        (Measurement("cadence_per_min", "Cadence", 0.6, "1/min"), Measurement("step_time_s", "Step time", 100.0, "s"))
    )
    got = calibrate(taken, conditions=conditions(), calibration=calibration)
    cadence, step = got["cadence_per_min"], got["step_time_s"]
    assert [item.name for item in got.measurements] == ["cadence_per_min", "step_time_s"]
    assert cadence.value == pytest.approx(60.0 / step.value)
    assert cadence.value + cadence.error == pytest.approx(60.0 / (step.value - step.error))
    assert cadence.value - cadence.error < 60.0 / (step.value + step.error)
    assert cadence.error_basis == step.error_basis
    # From the front nobody was calibrated: neither is given, for the same reason.
    unseen = calibrate(taken, conditions=conditions(off_front_deg=10.0), calibration=calibration)
    assert math.isnan(unseen["cadence_per_min"].value)
    assert unseen["cadence_per_min"].note == unseen["step_time_s"].note


def test_bias_and_gain_are_taken_off_and_the_interval_holds_nine_in_ten():
    calibration = fit_calibration(samples(400, error=3.0, bias=-6.0, gain=0.9))
    new = samples(2000, error=3.0, bias=-6.0, gain=0.9, seed=2)
    got = [take(sample.raw, calibration=calibration) for sample in new]
    errors = np.array([item.value - sample.true for item, sample in zip(got, new, strict=True)])
    assert abs(errors.mean()) < 0.5
    held = np.mean([abs(error) <= item.error for error, item in zip(errors, got, strict=True)])
    assert 0.87 <= held <= 0.93
    # 1.645 standard deviations of 3 degrees, larger by the gain of 0.9.
    assert np.median([item.error for item in got]) == pytest.approx(1.645 * 3.0 / 0.9, rel=0.15)


def test_the_words_say_who_was_measured_and_how():
    calibration = fit_calibration(samples(40, error=2.0))
    assert take(100.0, calibration=calibration).error_basis == (
        "40 virtual volunteers seen from the side, BlazePose full; real people may differ by more"
    )
    heavy = take(100.0, calibration=calibration, pose_model="heavy")
    assert "BlazePose full (BlazePose heavy itself has not been tried)" in heavy.error_basis


def test_beyond_what_was_calibrated_the_correction_stays_that_of_the_edge():
    calibration = fit_calibration(samples(300, error=2.0, gain=0.7))
    edge, beyond = (take(value, calibration=calibration).value - value for value in (140.0, 300.0))
    assert beyond == pytest.approx(edge, abs=0.01)


def test_a_view_without_volunteers_gives_no_value_and_says_so():
    calibration = fit_calibration(samples(50, error=2.0))
    got = take(100.0, calibration=calibration, off_front_deg=10.0)
    assert math.isnan(got.value)
    assert math.isnan(got.error)
    assert "too few to know the error" in got.note
    unknown = take(100.0, calibration=calibration, off_front_deg=math.nan)
    assert math.isnan(unknown.value)
    assert "tell the view" in unknown.note


def test_a_measure_that_errs_as_much_as_people_differ_gives_no_value():
    # Noise of 20 degrees on people who differ by 5: values go with the truth, but not by enough.
    calibration = fit_calibration(samples(200, error=20.0, spread=5.0))
    got = take(100.0, calibration=calibration)
    assert math.isnan(got.value)
    assert "more than they differ from each other" in got.note
    # Kept for an index, which weighs it among others; corrected as a value that is told would be.
    (cell,) = calibration.cells.values()
    far = take(130.0, calibration=calibration)
    assert far.unsure_value == cell.correct(130.0) < 125.0


def test_a_measure_that_does_not_go_with_the_truth_gives_no_value_however_narrow_its_interval():
    # Raw values of one and true ones of another person: both within a few degrees of 100, and nothing to do with it.
    right = samples(60, error=0.1, spread=2.0)
    shuffled = [replace(one, true=other.true) for one, other in zip(right, right[30:] + right[:30], strict=True)]
    norm = Norm(100.0, 80.0, 120.0, "made up", NormKind.CUT_OFF)
    taken = MeasuredMovement((Measurement("trunk_flexion_deg", "Label", 100.0, "deg", norm=norm),))
    for cohort, is_given in ((right, True), (shuffled, False)):
        got = calibrate(taken, conditions=conditions(), calibration=fit_calibration(cohort))["trunk_flexion_deg"]
        assert np.isfinite(got.value) == is_given
        assert np.isnan(got.unsure_value)
    assert "did not go with the truth" in got.note


def test_the_fewer_people_the_more_their_values_must_go_with_the_truth():
    # One-sided 5 %: z = atanh(r) sqrt((n - 3) / 1.06) > 1.645; at n = 12 that is r > .512, at n = 60 r > .221.
    for n_people, edge in ((7, 0.692), (12, 0.512), (60, 0.221)):
        assert chance_of(edge, n_people=n_people) == pytest.approx(0.05, abs=0.002)
    assert chance_of(0.0, n_people=20) == pytest.approx(0.5)
    # Nothing to say: both alike for everybody, or too few people.
    assert chance_of(math.nan, n_people=60) == 1.0
    assert chance_of(0.99, n_people=3) == 1.0


def test_of_measures_that_follow_nothing_hardly_any_is_said_to_follow():
    rng = np.random.default_rng(7)
    found = [
        replace(sample, measure=f"m{k}_deg", true=float(rng.normal(100.0, 15.0)))
        for k in range(40)
        for sample in samples(20, error=1.0, seed=k + 1)
    ]
    cells = fit_calibration(found).cells.values()
    uncorrected = [cell for cell in cells if chance_of(cell.correlation, n_people=cell.n_people) <= FALSE_SHARE]
    # One in twenty of forty passes uncorrected, by and large.
    assert len(cells) == 40
    assert 1 <= len(uncorrected) <= 6
    assert not any(cell.follows for cell in cells)
    # One that does follow the truth is found among them.
    right = fit_calibration([*found, *samples(20, error=2.0)]).cells
    assert [key.measure for key, cell in right.items() if cell.follows] == ["trunk_flexion_deg"]


def test_where_neighbouring_views_are_pooled_the_view_itself_has_to_follow_the_truth():
    # Forty people from the side follow the truth; the ten of the view in question are off by as much as they differ.
    side = samples(40, error=1.0, seed=2, off_front_deg=80.0)
    own = samples(10, error=1.0, seed=1, off_front_deg=60.0)
    reversed_own = [replace(one, raw=200.0 - one.true) for one in own]
    key = CellKey("trunk_flexion_deg", "full", "side-oblique")
    cell = fit_calibration(side + reversed_own).cells[key]
    assert (cell.n_people, cell.n_people_correlated) == (50, 10)
    assert cell.correlation == pytest.approx(-1.0)
    assert not cell.follows
    # Nine in the view itself are too few to ask.
    pooled = fit_calibration(side + reversed_own[:9]).cells[key]
    assert pooled.n_people_correlated is None
    assert pooled.follows


def test_a_wide_interval_is_given_where_it_still_tells_the_best_from_the_worst():
    # Errors of 3 degrees on people who differ by 1: wider than their spread, but 0 and 12 are told apart.
    calibration = fit_calibration(samples(200, error=3.0, spread=1.0))
    for end, is_given in ((106.0, True), (101.0, False)):
        norm = Norm(100.0, -math.inf, end, "made up", NormKind.CUT_OFF)
        taken = MeasuredMovement((Measurement("trunk_flexion_deg", "Label", 103.0, "deg", norm=norm),))
        got = calibrate(taken, conditions=conditions(), calibration=calibration)["trunk_flexion_deg"]
        assert np.isfinite(got.value) == is_given


def test_few_people_borrow_from_the_neighbouring_view_and_say_so():
    few = samples(8, error=2.0, seed=1, off_front_deg=60.0) + samples(40, error=2.0, seed=2, off_front_deg=80.0)
    cell = fit_calibration(few).cells[CellKey("trunk_flexion_deg", "full", "side-oblique")]
    assert cell.n_people == 48
    assert "45 to 70 degrees off the front or back or from the side" in cell.basis
    # Nobody was seen from the front: the side's errors are not its errors.
    assert CellKey("trunk_flexion_deg", "full", "front-oblique") not in fit_calibration(few).cells


def test_few_people_borrow_from_the_other_frame_rate_and_say_so():
    # Five people at 60 frames a second cannot have an interval of their own; 40 at 30 err four times as much.
    few = samples(5, measure="step_time_s", error=1.0, fps=60.0, seed=3)
    many = samples(40, measure="step_time_s", error=4.0, fps=30.0)
    calibration = fit_calibration(few + many)
    fast, slow = (calibration.cells[CellKey("step_time_s", "full", "side", rate)] for rate in ("60", "30"))
    assert (fast.n_people, fast.pooled_rates) == (45, ("30", "60"))
    assert (slow.n_people, slow.pooled_rates) == (40, ("30",))
    assert "about 30 or 60 frames a second" in fast.basis
    # The borrowed interval is as wide as the others' errors make it, and never that of the five alone.
    assert fast.half_width == pytest.approx(slow.half_width, rel=0.25)
    # Nobody was filmed at 60: the errors at 30 are no evidence for it.
    assert CellKey("step_time_s", "full", "side", "60") not in fit_calibration(many).cells


def test_the_calibration_that_ships_says_how_it_was_made():
    made = default_calibration().provenance
    assert made["method"] == METHOD
    assert {"command", "stale", "volunteers", "recordings", "fingerprint"} <= made.keys()


def test_seven_people_are_too_few():
    assert not fit_calibration(samples(7, error=2.0)).cells


def test_lengths_with_and_without_height_and_times_at_30_and_60_are_kept_apart():
    mixed = (
        samples(60, measure="step_length_cm", error=2.0, has_height=True)
        + samples(60, measure="step_length_cm", error=8.0, has_height=False)
        + samples(60, measure="step_time_s", error=4.0, fps=30.0)
        + samples(60, measure="step_time_s", error=1.0, fps=60.0, seed=3)
    )
    calibration = fit_calibration(mixed)
    given, guessed = (
        take(100.0, calibration=calibration, name="step_length_cm", has_height=known).error for known in (True, False)
    )
    assert guessed > 2.5 * given
    slow, fast = (take(100.0, calibration=calibration, name="step_time_s", fps=fps).error for fps in (29.97, 60.0))
    assert slow > 2.5 * fast
    at_12 = take(100.0, calibration=calibration, name="step_time_s", fps=12.0)
    assert at_12.error == pytest.approx(2.0 * slow, rel=0.01)


def test_a_person_smaller_than_any_volunteer_widens_the_interval_in_proportion():
    calibration = fit_calibration(samples(60, error=2.0, person_px=300.0))
    usual = take(100.0, calibration=calibration, person_px=300.0).error
    assert take(100.0, calibration=calibration, person_px=100.0).error == pytest.approx(3.0 * usual)
    assert take(100.0, calibration=calibration, person_px=600.0).error <= usual


def test_errors_that_grow_as_people_get_smaller_are_found():
    rng = np.random.default_rng(5)
    found = []
    for i in range(400):
        px = float(rng.uniform(150.0, 600.0))
        true = float(rng.normal(100.0, 15.0))
        raw = true + float(rng.normal(0.0, 900.0 / px))
        found.append(CalibrationSample("trunk_flexion_deg", raw, true, conditions(person_px=px), f"{i}"))
    calibration = fit_calibration(found)
    near, far = (take(100.0, calibration=calibration, person_px=px).error for px in (560.0, 170.0))
    assert far == pytest.approx(near * 560.0 / 170.0, rel=0.05)
    # 900 / 170 pixels is the standard deviation.
    assert far == pytest.approx(1.645 * 900.0 / 170.0, rel=0.15)


def test_people_are_kept_whole_so_that_a_copy_cannot_vouch_for_itself():
    # Each of 30 people 20 times over, every time with that person's own error: 600 recordings, 30 errors.
    rng = np.random.default_rng(3)
    found = []
    for i in range(30):
        true, error = float(rng.normal(100.0, 15.0)), float(rng.normal(0.0, 3.0))
        found += [CalibrationSample("trunk_flexion_deg", true + error, true, conditions(), f"{i}")] * 20
    (cell,) = fit_calibration(found).cells.values()
    assert (cell.n_people, cell.n_recordings) == (30, 600)
    assert cell.half_width > 3.0


def test_without_cells_values_stay_raw_and_have_no_error():
    got = take(100.0, calibration=Calibration())
    assert (got.value, got.note) == (100.0, "raw")
    assert math.isnan(got.error)


def test_what_was_not_measured_keeps_its_note():
    got = take(math.nan, calibration=fit_calibration(samples(50, error=2.0)))
    assert math.isnan(got.value)
    assert got.note == "raw"


def test_a_calibration_survives_its_file():
    calibration = fit_calibration(samples(60, error=2.0, bias=4.0), provenance={"seed": 7001})
    again = Calibration.from_json(calibration.to_json())
    assert again.cells.keys() == calibration.cells.keys()
    assert again.provenance == calibration.provenance
    assert again.provenance["seed"] == 7001
    assert "cross-conformal" in again.provenance["method"]
    assert take(90.0, calibration=again).value == pytest.approx(take(90.0, calibration=calibration).value, abs=0.1)
    assert json.loads(calibration.to_json())["cells"][0]["measure"] == "trunk_flexion_deg"


@pytest.mark.parametrize("text", ["", "{}", '{"format": 99, "cells": []}', '{"format": 1, "cells": [{}]}'])
def test_a_file_of_another_layout_is_refused(text):
    with pytest.raises(InvalidValueError, match="make calibration"):
        Calibration.from_json(text)
