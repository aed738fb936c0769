import numpy as np
import pytest

from backsight.kinematics.air_time import AGREES_WITHIN_S, agreed_air_time_s, time_up_s
from backsight.kinematics.jumping import LIFT_SHARE, find_jump
from tests.unit.kinematics.test_jumping import BODY_HEIGHT_M, body, times

LIFT_M = LIFT_SHARE * BODY_HEIGHT_M


def up_s(height, at, *, take_off=2.5, flight_s=0.5):
    standing = at < 1.5
    return time_up_s(height, at, standing, middle_s=take_off + 0.5 * flight_s, reach_s=0.6, lift_m=LIFT_M)


@pytest.mark.parametrize("flight_s", [0.30, 0.5, 0.65])
@pytest.mark.parametrize("scale", [0.9, 1.0, 1.1])
def test_a_carried_part_is_up_for_the_flight_whatever_the_metres(flight_s, scale):
    at = times(60.0)
    hips, _ = body(at, flight_s=flight_s)
    # The lift of 0.1 m is wrong by a tenth: 0.01 m at the shortest flight's 0.9 * 1.47 m/s, on either side.
    assert up_s(scale * hips, at, flight_s=flight_s) == pytest.approx(flight_s, abs=0.016)


def test_one_wild_frame_in_flight_does_not_end_it():
    at = times(30.0)
    hips, _ = body(at)
    hips[int(2.6 * 30)] -= 0.5
    assert up_s(hips, at) == pytest.approx(0.5, abs=0.01)


def test_a_part_that_is_not_seen_on_the_floor_again_gives_no_time():
    at = times(30.0)
    hips, _ = body(at)
    assert np.isnan(up_s(np.where(at > 2.9, np.nan, hips), at))


def test_toes_that_are_late_weigh_a_third_beside_shoulders_and_head():
    assert agreed_air_time_s(0.56, [0.50, 0.50]) == pytest.approx(0.52)


def test_a_part_that_was_misread_does_not_count():
    assert agreed_air_time_s(0.5, [0.5 + AGREES_WITHIN_S + 0.01, 0.44]) == pytest.approx(0.47)


def test_without_other_parts_the_toes_decide():
    assert agreed_air_time_s(0.5, [np.nan, np.nan]) == 0.5


def test_a_jump_takes_shoulders_and_head_into_account():
    at = times(60.0)
    hips, toes = body(at, flight_s=0.5)
    longer, _ = body(at, take_off=2.47, flight_s=0.56)
    jump = find_jump(hips, longer + 0.5, toes, at, body_height_m=BODY_HEIGHT_M, head_height_m=longer + 0.8)
    # Two of three parts are up for 0.06 s longer than the toes.
    assert jump.flight.duration_s == pytest.approx(0.5, abs=0.01)
    assert jump.air_time_s == pytest.approx(jump.flight.duration_s + 2 / 3 * 0.06, abs=0.01)


def test_a_jump_without_head_and_body_height_rests_on_the_toes():
    at = times(60.0)
    hips, toes = body(at)
    jump = find_jump(hips, hips + 0.5, toes, at, body_height_m=float("nan"))
    assert jump.air_time_s == jump.flight.duration_s
