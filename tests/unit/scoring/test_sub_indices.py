import math
from dataclasses import replace

import numpy as np
import pytest

from backsight.domain.assessment import IndexVerdict, MeasuredMovement, Measurement
from backsight.domain.recording import Exercise
from backsight.scoring import norms
from backsight.scoring.measure import observe, take_measures
from backsight.scoring.sub_indices import sub_indices
from tests.unit.kinematics.skeletons import make_pose


def measured(exercise, **values):
    """Return an exercise's measurements: (value, error) where given, the rest not measured."""
    names = take_measures(observe(make_pose(timestamps_s=np.arange(0.0, 2.0, 1 / 30))), exercise=exercise).measurements
    assert set(values) <= {item.name for item in names}
    nothing = (math.nan, math.nan)
    return MeasuredMovement(
        tuple(
            replace(item, value=values.get(item.name, nothing)[0], error=values.get(item.name, nothing)[1])
            for item in names
        )
    )


def indexed(exercise, **values):
    return {item.name: item for item in sub_indices(measured(exercise, **values), exercise=exercise)}


def test_each_exercise_has_its_own_and_posture_comes_from_all():
    names = {exercise: list(indexed(exercise)) for exercise in Exercise}
    for exercise in Exercise:
        assert {"asymmetric_lean", "shoulder_unevenness", "pelvic_unevenness"} <= set(names[exercise])
    assert {"axial_rotation", "slow_walking"} <= set(names[Exercise.WALK])
    assert {"reduced_flexion", "slow_bending", "limited_reach"} <= set(names[Exercise.TOUCH_TOES])
    assert "axial_rotation" not in names[Exercise.JUMP]


@pytest.mark.parametrize("exercise", list(Exercise))
def test_without_a_value_there_is_no_verdict(exercise):
    for index in indexed(exercise).values():
        assert math.isnan(index.value)
        assert index.interval is None
        assert index.verdict is IndexVerdict.CANNOT_TELL


def test_a_lean_at_the_end_of_the_usual_range_is_half_way_and_cannot_be_told():
    got = indexed(Exercise.JUMP, lateral_lean_deg=(2.5, 1.5))["asymmetric_lean"]
    assert got.value == pytest.approx(0.5)
    # 1.0 to 4.0 degrees of 2.5 that make 0.5.
    assert (got.interval.low, got.interval.high) == (pytest.approx(0.2), pytest.approx(0.8))
    assert got.verdict is IndexVerdict.CANNOT_TELL


def test_both_sides_count_alike_and_a_small_error_decides():
    for lean in (4.2, -4.2):
        got = indexed(Exercise.WALK, lateral_lean_deg=(lean, 1.5))["asymmetric_lean"]
        assert got.value == pytest.approx(0.84)
        assert got.verdict is IndexVerdict.RED_FLAG
    assert indexed(Exercise.WALK, pelvic_obliquity_deg=(0.4, 1.5))["pelvic_unevenness"].verdict is (
        IndexVerdict.NO_RED_FLAG
    )


def test_axial_rotation_is_judged_by_when_the_shoulders_turn_and_not_by_how_far():
    far, in_phase, anti_phase = (
        indexed(Exercise.WALK, axial_rotation_range_deg=(range_deg, 1.0), thorax_pelvis_phase_deg=phase)[
            "axial_rotation"
        ]
        for range_deg, phase in ((30.0, (math.nan, math.nan)), (12.0, (20.0, 15.0)), (2.0, (175.0, 15.0)))
    )
    assert far.verdict is IndexVerdict.CANNOT_TELL
    assert in_phase.verdict is IndexVerdict.RED_FLAG
    assert (anti_phase.value, anti_phase.verdict) == (0.0, IndexVerdict.NO_RED_FLAG)
    # Assumed mean 120 and SD 30 degrees: 10 % of healthy people lie 1.2816 SD below.
    assert norms.THORAX_PELVIS_PHASE_DEG.low == pytest.approx(120.0 - 1.2816 * 30.0, abs=0.01)
    assert "assumed" in norms.THORAX_PELVIS_PHASE_DEG.assumption


def test_flexion_duration_and_reach_of_a_bend():
    got = indexed(
        Exercise.TOUCH_TOES,
        trunk_flexion_deg=(80.0, 4.0),
        bend_duration_s=(2.3, 0.2),
        fingertip_to_floor_cm=(-3.0, 2.0),
    )
    assert got["reduced_flexion"].value == pytest.approx(0.5 * 31.0 / (111.0 - norms.TRUNK_FLEXION_DEG.low))
    assert got["reduced_flexion"].verdict is IndexVerdict.RED_FLAG
    assert got["slow_bending"].verdict is IndexVerdict.NO_RED_FLAG
    assert got["limited_reach"].value == 0.0


def test_the_measurement_shown_carries_the_norm_that_it_was_judged_by():
    for exercise in Exercise:
        for index in indexed(exercise).values():
            assert index.measurement.norm is not None


def test_a_measure_that_is_missing_altogether_is_a_mistake_of_the_code():
    with pytest.raises(KeyError, match="lateral_lean_deg"):
        sub_indices(MeasuredMovement((Measurement("x", "X", 1.0, "deg"),)), exercise=Exercise.JUMP)
