import numpy as np
import pytest

from backsight.kinematics.jumping import (
    GRAVITY_M_PER_S2,
    LIFT_SHARE,
    Jump,
    NoJump,
    find_jump,
    fit_flight,
    height_from_flight_m,
)

STANDING_M = 0.9
BODY_HEIGHT_M = 0.1 / LIFT_SHARE
"""Of somebody whose trunk has risen by 0.1 m when the feet leave."""


def times(fps=30.0, duration_s=6.0):
    return np.arange(0.0, duration_s, 1.0 / fps)


def free_fall(at, *, take_off, flight_s):
    """Height after a take-off at speed g T / 2, and 0 on the floor."""
    since = at - take_off
    flying = (since > 0) & (since < flight_s)
    return np.where(flying, 0.5 * GRAVITY_M_PER_S2 * since * (flight_s - since), 0.0)


def body(at, *, take_off=2.5, flight_s=0.5, heels_m=0.1, crouch_m=0.25):
    """Hips that crouch for 0.4 s, are lifted by the heels as fast as they then fly, and land as they left.

    Toes only fly.
    """
    arc = free_fall(at, take_off=take_off, flight_s=flight_s)
    since = at - take_off
    on_floor_s = np.maximum(np.maximum(-since, since - flight_s), 0.0)
    lift = np.maximum(heels_m - 0.5 * GRAVITY_M_PER_S2 * flight_s * on_floor_s, 0.0)
    dip = crouch_m * np.sin(np.pi * np.clip((since + 0.5) / 0.4, 0, 1)) ** 2
    return STANDING_M + arc + lift - dip, np.column_stack([arc, arc])


def find(hips, toes, at, *, shoulders=None, body_height_m=BODY_HEIGHT_M):
    """Find the jump of a trunk that stays upright."""
    return find_jump(hips, hips + 0.5 if shoulders is None else shoulders, toes, at, body_height_m=body_height_m)


@pytest.mark.parametrize("fps", [25.0, 30.0, 60.0])
@pytest.mark.parametrize("flight_s", [0.30, 0.5, 0.65])
def test_flight_rise_and_crouch(fps, flight_s):
    at = times(fps)
    jump = find(*body(at, flight_s=flight_s), at)
    assert isinstance(jump, Jump)
    assert jump.flight.duration_s == pytest.approx(flight_s, abs=0.004)
    assert jump.flight.take_off_s == pytest.approx(2.5, abs=0.004)
    assert jump.flight.landing_s == pytest.approx(2.5 + flight_s, abs=0.004)
    assert jump.trunk_rise_m == pytest.approx(0.1 + GRAVITY_M_PER_S2 * flight_s**2 / 8, abs=0.005)
    # The lowest point is read off a mean over 0.1 s, which blunts a dip of 0.4 s by 5 %.
    assert jump.crouch_m == pytest.approx(0.25, abs=0.02)


@pytest.mark.parametrize("shift_frames", [0.2, 0.4, 0.6, 0.8])
def test_take_off_and_landing_are_found_between_frames(shift_frames):
    at = times()
    jump = find(*body(at, take_off=2.5 + shift_frames / 30), at)
    assert jump.flight.take_off_s == pytest.approx(2.5 + shift_frames / 30, abs=0.003)
    assert jump.flight.duration_s == pytest.approx(0.5, abs=0.004)


@pytest.mark.parametrize("scale", [0.9, 1.1])
def test_gravity_mends_a_part_of_what_wrong_metres_do(scale):
    at = times()
    hips, toes = body(at)
    jump = find(scale * hips, scale * toes, at, body_height_m=scale * BODY_HEIGHT_M)
    error = height_from_flight_m(jump.flight.duration_s) / height_from_flight_m(0.5) - 1.0
    assert abs(error) < 0.85 * abs(scale - 1.0)
    assert np.sign(error) == np.sign(scale - 1.0)


@pytest.mark.parametrize("missing", ["hips at the top", "shoulders"])
def test_the_trunks_rise_is_that_of_the_part_that_is_seen(missing):
    at = times()
    hips, toes = body(at)
    shoulders = hips + 0.5
    if missing == "shoulders":
        shoulders[:] = np.nan
    else:
        shoulders += 0.03 * (np.abs(at - 2.75) < 0.2)
    jump = find(hips, toes, at, shoulders=shoulders)
    expected_m = 0.1 + height_from_flight_m(0.5) + (0.0 if missing == "shoulders" else 0.015)
    assert jump.trunk_rise_m == pytest.approx(expected_m, abs=0.005)


def test_toes_that_read_too_high_are_held_by_the_trunk():
    at = times()
    hips, toes = body(at)

    def error_m(flight):
        return height_from_flight_m(flight.duration_s) - height_from_flight_m(0.5)

    # Shoes that seem to rise by a third more than the body does.
    jump = find(hips, 4.0 / 3.0 * toes, at)
    alone = fit_flight(4.0 / 3.0 * toes, at, near_s=2.75)
    assert error_m(alone) > 0.05
    assert error_m(jump.flight) < 0.75 * error_m(alone)


def test_without_a_body_height_the_toes_decide():
    at = times()
    jump = find(*body(at), at, body_height_m=float("nan"))
    assert jump.flight.duration_s == pytest.approx(0.5, abs=0.004)


def test_wild_readings_do_not_move_the_flight():
    at = times()
    hips, toes = body(at)
    toes[[73, 78, 83, 92], [0, 1, 0, 1]] += [0.5, -0.6, 0.4, 0.5]
    jump = find(hips, toes, at)
    assert jump.flight.duration_s == pytest.approx(0.5, abs=0.012)


def test_a_foot_that_leaves_and_lands_late_is_told_from_the_other():
    at = times(60.0)
    hips, toes = body(at)
    toes[:, 0] = free_fall(at, take_off=2.54, flight_s=0.52)
    left, right = find(hips, toes, at).feet
    assert left.take_off_s - right.take_off_s == pytest.approx(0.04, abs=0.008)
    assert left.landing_s - right.landing_s == pytest.approx(0.06, abs=0.008)


def test_of_several_jumps_the_highest_counts():
    at = times(duration_s=9.0)
    low_hips, low_toes = body(at, take_off=1.8, flight_s=0.4)
    hips, toes = body(at, take_off=5.5, flight_s=0.55)
    jump = find(hips + low_hips - STANDING_M, toes + low_toes, at)
    assert jump.flight.take_off_s == pytest.approx(5.5, abs=0.004)
    assert jump.trunk_rise_m == pytest.approx(0.1 + height_from_flight_m(0.55), abs=0.005)


def test_a_hidden_foot_leaves_the_flight_to_the_other():
    at = times()
    hips, toes = body(at)
    toes[70:95, 0] = np.nan
    jump = find(hips, toes, at)
    assert jump.flight.duration_s == pytest.approx(0.5, abs=0.004)
    assert jump.feet[0] is None
    assert jump.feet[1].duration_s == pytest.approx(0.5, abs=0.004)


def test_landing_nearer_to_the_camera_does_not_stretch_the_flight():
    at = times()
    hips, toes = body(at)
    lower = 0.04 * np.clip((at - 2.5) / 0.5, 0.0, 1.0)
    jump = find(hips - lower, toes - lower[:, np.newaxis], at)
    assert jump.flight.duration_s == pytest.approx(0.5, abs=0.012)


def test_hopping_without_standing_gives_a_flight_but_no_rise():
    at = times(duration_s=3.0)
    hips, toes = body(at, take_off=1.3, heels_m=0.0)
    bouncing = 0.06 * np.sin(2.0 * np.pi * 1.5 * at)
    jump = find(hips + bouncing, toes, at)
    assert jump.flight.duration_s == pytest.approx(0.5, abs=0.004)
    assert not jump.standing.any()
    assert np.isnan(jump.trunk_rise_m)
    assert np.isnan(jump.crouch_m)


def test_hips_hidden_in_the_crouch_leave_its_depth_unknown():
    at = times()
    hips, toes = body(at)
    hips[(at > 1.9) & (at < 2.4)] = np.nan
    jump = find(hips, toes, at)
    assert np.isnan(jump.crouch_m)
    assert jump.trunk_rise_m == pytest.approx(0.1 + height_from_flight_m(0.5), abs=0.005)


def test_standing_up_is_no_jump():
    at = times()
    hips, _ = body(at)
    assert find(hips, np.zeros((len(at), 2)), at) == NoJump("the feet are not seen to leave the floor")


def test_feet_drawn_up_while_sitting_are_no_jump():
    at = times()
    _, toes = body(at)
    assert find(0.5 + 0.05 * toes[:, 0], toes, at) == NoJump("the hips do not rise with the feet")


def test_jumping_down_from_a_box_is_no_jump():
    at = times()
    hips, toes = body(at)
    lower = np.where(at > 2.75, -0.5, 0.0)
    found = find(hips + lower, toes + lower[:, np.newaxis], at)
    assert found == NoJump("the floor is not equally high before and after the jump")


def test_a_walk_up_a_slope_in_the_picture_is_no_jump():
    at = times()
    slope = 0.1 * at
    assert isinstance(find(slope + 0.9, np.column_stack([slope, slope]), at), NoJump)


@pytest.mark.parametrize("stay_s", [0.5, 1.2])
def test_stepping_onto_a_box_and_down_again_is_no_jump(stay_s):
    at = times()
    on_the_box = np.where((at > 2.0) & (at < 2.0 + stay_s), 0.4, 0.0)
    assert isinstance(find(on_the_box, np.column_stack([on_the_box, on_the_box]), at), NoJump)


def test_a_recording_that_starts_in_the_air_is_refused():
    at = times()
    hips, toes = body(at)
    late = at > 2.6
    found = find(hips[late], toes[late], at[late])
    assert found == NoJump("the feet are not seen on the floor before and after the jump")


def test_hidden_hips_give_no_jump():
    at = times()
    assert find(np.full_like(at, np.nan), np.zeros((len(at), 2)), at) == NoJump("the hips are not seen")


def test_feet_seen_too_seldom_give_no_flight():
    at = times()
    _, toes = body(at)
    toes[(at > 2.45) & (at < 3.05) & (np.arange(len(at)) % 8 != 0)] = np.nan
    assert fit_flight(toes[:, :1], at, near_s=2.75) is None


def test_height_from_flight_time():
    assert height_from_flight_m(0.5) == pytest.approx(9.81 * 0.25 / 8)
