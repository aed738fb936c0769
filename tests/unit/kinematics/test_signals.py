import numpy as np
import pytest

from backsight.kinematics.signals import rate_of_change, smooth, wave_in_phase

TIMES = np.arange(0.0, 6.0, 1 / 60)


def test_smoothing_keeps_a_line_straight_and_missing_frames_missing():
    line = 3.0 * TIMES
    assert smooth(line, TIMES) == pytest.approx(line)
    gappy = line.copy()
    gappy[100:110] = np.nan
    assert np.flatnonzero(np.isnan(smooth(gappy, TIMES))).tolist() == list(range(100, 110))


def test_rate_of_change_of_a_parabola_is_its_derivative():
    rate = rate_of_change(4.0 * TIMES**2, TIMES)
    assert rate[10:-10] == pytest.approx(8.0 * TIMES[10:-10])
    assert np.isnan(rate_of_change(np.array([1.0]), np.array([0.0]))).all()


def test_a_wave_is_found_in_step_with_its_phase_and_not_beside_it():
    phase = 2 * np.pi * 0.9 * TIMES + 0.4
    swing = 6.0 * np.cos(phase - 1.0)
    clean = wave_in_phase(swing, phase)
    assert clean.component == pytest.approx(6.0 * np.exp(-1.0j), abs=1e-9)
    assert clean.range == pytest.approx(12.0)
    assert clean.share == pytest.approx(1.0)
    jitter = 6.0 * np.sin(2 * np.pi * 3.1 * TIMES)
    both = wave_in_phase(swing + jitter + 40.0, phase)
    assert both.range == pytest.approx(12.0, abs=0.5)
    assert both.share == pytest.approx(0.5, abs=0.03)
    assert wave_in_phase(jitter, phase).share < 0.05
    missing = np.where(np.arange(len(TIMES)) % 7 < 2, np.nan, swing + 2.0 * TIMES)
    assert wave_in_phase(missing, phase).component == pytest.approx(6.0 * np.exp(-1.0j), abs=1e-9)
    assert wave_in_phase(np.full(len(TIMES), 5.0), phase).share == 0.0


def test_less_than_a_whole_cycle_holds_no_wave():
    phase = np.linspace(0.0, 5.4, 60)
    assert np.isnan(wave_in_phase(np.cos(phase), phase).share)
    assert np.isnan(wave_in_phase(np.full(60, np.nan), phase).range)
