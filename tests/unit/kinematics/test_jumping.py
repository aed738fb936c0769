import numpy as np
import pytest

from backsight.kinematics.jumping import Jump, NoJump, find_jump

TIMES = np.arange(0.0, 6.0, 1 / 60)
G = 9.81


def jump_heights(flight_s, *, take_off=2.0, heel_rise=0.1, crouch=0.25):
    """Hips: standing 0, a crouch of 0.4 s, then from `heel_rise` in free fall. Feet: free fall only."""
    since = TIMES - take_off
    arc = np.where((since > 0) & (since < flight_s), 0.5 * G * since * (flight_s - since), 0.0)
    dip = -crouch * np.sin(np.pi * np.clip((since + 0.45) / 0.4, 0, 1))
    return arc + np.where((since > 0) & (since < flight_s), heel_rise, 0.0) + dip, arc


@pytest.mark.parametrize("flight_s", [0.35, 0.5, 0.6])
def test_a_jumps_flight_and_rise(flight_s):
    hips, feet = jump_heights(flight_s)
    jump = find_jump(hips + 0.9, feet - 0.3, TIMES)
    assert isinstance(jump, Jump)
    assert jump.flight_s == pytest.approx(flight_s, abs=0.01)
    assert jump.hip_rise_m == pytest.approx(0.1 + G * flight_s**2 / 8, abs=0.01)
    assert jump.apex_s == pytest.approx(2.0 + flight_s / 2, abs=0.02)


def test_standing_up_is_no_jump():
    hips, _ = jump_heights(0.5)
    assert find_jump(hips, np.zeros_like(hips), TIMES) == NoJump("the feet are not seen to leave the floor")


def test_jumping_down_from_a_box_is_no_jump():
    hips, feet = jump_heights(0.5)
    lower = np.where(TIMES > 2.5, -0.5, 0.0)
    found = find_jump(hips + lower, feet + lower, TIMES)
    assert found == NoJump("the person does not stand equally high before and after, as on level ground")


def test_a_walk_up_a_slope_in_the_picture_is_no_jump():
    # The feet leave their median level for seconds: no flight lasts that long.
    slope = 0.15 * TIMES
    assert isinstance(find_jump(slope + 0.9, slope, TIMES), NoJump)


def test_stepping_onto_a_box_and_down_again_is_no_jump():
    on_the_box = np.where((TIMES > 2.0) & (TIMES < 3.2), 0.4, 0.0)
    assert find_jump(on_the_box, on_the_box, TIMES) == NoJump("take-off and landing of the feet are not both seen")


def test_a_jump_without_any_standing_is_refused():
    hips, feet = jump_heights(0.5, take_off=0.5)
    short = TIMES < 1.2
    assert "standing" in find_jump(hips[short], feet[short], TIMES[short]).reason


def test_hidden_hips_give_no_jump():
    assert find_jump(np.full_like(TIMES, np.nan), np.zeros_like(TIMES), TIMES) == NoJump("the hips are not seen")
