"""Turning the trunk: as far as asked, to both sides, with the feet on the floor."""

import numpy as np
import pytest

from backsight.domain.landmarks import Landmark
from backsight.simulation.cohort import simulate_turning
from backsight.simulation.truth import measure_truth
from backsight.simulation.turning import TURN_RANGE_DEG, Arms

L = Landmark


@pytest.mark.parametrize("is_seated", [False, True], ids=["standing", "seated"])
@pytest.mark.parametrize("arms", Arms)
def test_trunk_turns_to_both_sides_by_the_angle_planned(arms: Arms, is_seated: bool) -> None:
    for person in range(3):
        performance = simulate_turning(person, seed=5, fps=30.0, arms=arms, is_seated=is_seated)
        turn = measure_truth(performance).angles["axial_rotation_deg"]
        largest = performance.motion.events["largest_turn_deg"]
        assert TURN_RANGE_DEG[0] * 0.8 <= largest <= TURN_RANGE_DEG[1] * 1.1
        # Sway turns shoulders and hips by a degree or two of their own; a tilted line shows a little less or more.
        assert max(turn.max(), -turn.min()) == pytest.approx(largest, abs=4.0)
        assert min(turn.max(), -turn.min()) > 0.6 * largest
        assert abs(turn[0]) < 4.0


@pytest.mark.parametrize("is_seated", [False, True], ids=["standing", "seated"])
def test_feet_stay_and_hands_are_where_they_are_held(is_seated: bool) -> None:
    performance = simulate_turning(1, seed=5, fps=30.0, arms=Arms.BEHIND_HEAD, is_seated=is_seated)
    marks, height = performance.figure.landmarks_m, performance.volunteer.body.height_m
    assert np.ptp(marks[:, 27:], axis=0).max() < 1e-9
    middle = len(marks) // 2
    for hand, ear in ((L.LEFT_INDEX, L.LEFT_EAR), (L.RIGHT_INDEX, L.RIGHT_EAR)):
        assert np.linalg.norm(marks[middle, hand] - marks[middle, ear]) < 0.09 * height
        assert marks[0, hand, 1] < marks[0, ear, 1] - 0.3 * height


def test_seated_thighs_are_level_and_the_seat_is_below_the_hips() -> None:
    performance = simulate_turning(2, seed=5, fps=30.0, is_seated=True)
    marks = performance.figure.landmarks_m
    assert np.degrees(performance.figure.knee_flexion_rad) == pytest.approx(90.0, abs=12.0)
    assert abs(marks[0, L.LEFT_KNEE, 1] - marks[0, L.LEFT_HIP, 1]) < 0.08
    assert 0.2 < performance.motion.events["seat_height_m"] < marks[:, L.LEFT_HIP, 1].min()


def test_turning_is_no_exercise_and_repeats_itself() -> None:
    one, same = (simulate_turning(3, seed=9) for _ in range(2))
    assert one.exercise is None
    assert np.array_equal(one.figure.landmarks_m, same.figure.landmarks_m)
    moved = simulate_turning(3, seed=9, fps=one.fps, yaw_deg=60.0, distance_m=4.0)
    assert np.array_equal(one.figure.landmarks_m, moved.figure.landmarks_m)
    assert measure_truth(one).events == ()
