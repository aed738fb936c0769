import numpy as np
import pytest

from backsight.kinematics.smoothness import SPARC_SHORTEST_S, spectral_arc_length
from tests.unit.kinematics.profiles import least_jerk

FPS = 30.0
SECONDS = np.arange(60) / FPS


def hump(seconds, *, ripples=0, strength=0.0):
    """Speed of one go from 0 to the last second, which all but stops `ripples` times when the strength is 1."""
    share = seconds / seconds[-1]
    return np.sin(np.pi * share) ** 2 * (1.0 - strength * np.cos(2 * np.pi * (ripples + 1) * share))


def test_it_is_the_figure_of_those_who_defined_it():
    # The example in the authors' own code: a bell of speed, -1.41403 at 100 Hz.
    seconds = np.arange(-1.0, 1.0, 0.01)
    assert spectral_arc_length(np.exp(-5.0 * seconds**2), fps=100.0) == pytest.approx(-1.41403, abs=5e-6)


def test_the_more_it_halts_the_further_from_0():
    found = [spectral_arc_length(hump(SECONDS, ripples=2, strength=one), fps=FPS) for one in (0.0, 0.3, 0.6, 0.9)]
    assert found == sorted(found, reverse=True)
    assert found[0] - found[-1] > 0.2
    assert found[0] < 0.0


def test_neither_size_nor_duration_nor_frame_rate_change_it():
    smooth = spectral_arc_length(hump(SECONDS), fps=FPS)
    assert spectral_arc_length(7.0 * hump(SECONDS), fps=FPS) == pytest.approx(smooth)
    assert spectral_arc_length(hump(np.arange(120) / FPS), fps=FPS) == pytest.approx(smooth, abs=0.02)
    assert spectral_arc_length(hump(np.arange(120) / 60.0), fps=60.0) == pytest.approx(smooth, abs=0.02)


def test_no_movement_and_a_moment_have_none():
    assert np.isnan(spectral_arc_length(np.zeros(60), fps=FPS))
    for fps in (10.0, 30.0, 60.0):
        speed = hump(np.arange(120) / fps)
        assert np.isnan(spectral_arc_length(speed[: int(SPARC_SHORTEST_S * fps) - 1], fps=fps))
        assert np.isfinite(spectral_arc_length(speed[: int(SPARC_SHORTEST_S * fps)], fps=fps))


def test_least_jerk_is_about_as_smooth_as_the_bell():
    speed = np.gradient(least_jerk(SECONDS / SECONDS[-1]))
    assert spectral_arc_length(speed, fps=FPS) == pytest.approx(-1.41, abs=0.05)
