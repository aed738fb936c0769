"""`backsight benchmark rendering`: how fast virtual volunteers are drawn and filmed, in CPU time of this process."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from backsight.benchmarks.figures import BenchmarkResult, Figure
from backsight.domain.recording import Exercise
from backsight.errors import MissingDependencyError
from backsight.simulation.seeds import TRAINING_SEED
from backsight.studio.filmed import Shot, stage

LEAST_FRAMES_PER_CPU_S = 12.0
"""Issue 3: at 1280 x 720, a core."""
FRAME_SIZE = (1280, 720)
FPS = 30.0
SHOTS = tuple(
    Shot(number, exercise, TRAINING_SEED, fps=FPS, frame_size=FRAME_SIZE) for number, exercise in enumerate(Exercise)
)
"""One volunteer an exercise, each in a room, clothes and view of their own, from standing still to standing still."""


@dataclass(frozen=True)
class _Cost:
    """CPU time of one film."""

    n_frames: int
    drawing_s: float
    first_frame_s: float
    """Of `drawing_s`, until the first frame was there."""
    filming_s: float
    """Drawing once more, and compressing."""


def run_rendering(
    shots: Sequence[Shot] = SHOTS, *, on_progress: Callable[[str, int, int], None] | None = None
) -> BenchmarkResult:
    """Draw whole films, then draw and compress them; both with what a film needs before its first frame.

    Raises
    ------
    MissingDependencyError
        When the extra `simulate` is not installed.
    """
    try:
        # Loading the libraries is no part of a film.
        import backsight.rendering.film  # noqa: F401
    except ImportError as error:
        raise MissingDependencyError(
            f"drawing virtual volunteers needs {error.name}, which is not installed: pip install 'backsight[simulate]'"
        ) from error
    costs = []
    for done, shot in enumerate(shots):
        if on_progress is not None:
            on_progress("Drawing and filming", done, len(shots))
        costs.append(_measure(shot))
    if on_progress is not None:
        on_progress("Drawing and filming", len(shots), len(shots))
    n = sum(cost.n_frames for cost in costs)
    drawn, filmed = (n / sum(getattr(cost, name) for cost in costs) for name in ("drawing_s", "filming_s"))
    slowest = min(cost.n_frames / cost.drawing_s for cost in costs)
    first_s = sum(cost.first_frame_s for cost in costs) / len(costs)
    return BenchmarkResult(
        name="rendering",
        seeds=tuple({shot.seed for shot in shots}),
        figures=(
            Figure("drawn_per_cpu_s", drawn, "frames/s", n, bar=LEAST_FRAMES_PER_CPU_S, better="higher"),
            Figure("drawn_per_cpu_s_slowest_film", slowest, "frames/s", len(costs), better="higher"),
            Figure("filmed_per_cpu_s", filmed, "frames/s", n, better="higher"),
            Figure("first_frame_cpu", first_s, "s", len(costs)),
        ),
        notes=(_NOTE,),
    )


_NOTE = (
    f"{FRAME_SIZE[0]} x {FRAME_SIZE[1]} pixels. CPU time of all threads together, so frames a second of one core. "
    "drawn: whole films, set-up included; filmed: drawn and compressed into an H.264 file; first_frame_cpu: room, "
    "light, body, clothes and the first frame. Where a graphics card draws, its own time is not counted."
)


def _measure(shot: Shot) -> _Cost:
    from backsight.rendering.film import write_film

    performance = shot.perform()
    started_s = time.process_time()
    n_frames, first_s = 0, 0.0
    for _ in stage(shot, performance).frames():
        n_frames += 1
        first_s = first_s or time.process_time() - started_s
    drawn_s = time.process_time()
    with tempfile.TemporaryDirectory(prefix="backsight-rendering-") as folder:
        write_film(Path(folder) / "film.mp4", stage(shot, performance))
    return _Cost(n_frames, drawn_s - started_s, first_s, time.process_time() - drawn_s)
