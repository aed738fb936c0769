"""Frames a second of a core: both figures rest on every frame of the films, set-up included."""

import pytest

from backsight.benchmarks.rendering import FPS, SHOTS, run_rendering
from backsight.domain.recording import Exercise
from backsight.studio.filmed import Shot

pytest.importorskip("pyvista", reason="the extra `simulate` is not installed")


def test_every_exercise_is_filmed_at_the_size_and_rate_that_the_bar_is_about() -> None:
    assert [shot.exercise for shot in SHOTS] == list(Exercise)
    assert {(shot.fps, shot.frame_size) for shot in SHOTS} == {(FPS, (1280, 720))}


@pytest.mark.slow
def test_frames_and_cpu_time_are_counted() -> None:
    shot = Shot(0, Exercise.JUMP, 9001, fps=5.0, frame_size=(160, 90))
    told: list[tuple[str, int, int]] = []
    result = run_rendering([shot], on_progress=lambda *words: told.append(words))
    figures = {figure.name: figure for figure in result.figures}
    assert figures["drawn_per_cpu_s"].n == len(shot.perform().motion.timestamps_s)
    assert figures["drawn_per_cpu_s"].bar == 12.0
    assert figures["drawn_per_cpu_s"].value == figures["drawn_per_cpu_s_slowest_film"].value
    assert 0.0 < figures["first_frame_cpu"].value < figures["drawn_per_cpu_s"].n / figures["drawn_per_cpu_s"].value
    assert told[-1] == ("Drawing and filming", 1, 1)
