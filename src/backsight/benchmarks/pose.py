"""`backsight benchmark pose`: what finding landmarks costs on each engine, and how far their landmarks are apart.

Engines take turns frame by frame within one process, so that a busy machine slows all alike. Barred ratios are of
medians of CPU time, which another program's load hardly changes; wall time stands beside them.

BlazePose amplifies what nobody can see: its next region rests on its last landmarks, and one grey value in a few pixels
moves them. How far MediaPipe is from itself on pictures changed so is measured beside how far OpenVINO is from it:
nearer than that no second engine can come.
"""

from __future__ import annotations

import math
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeVar

import numpy as np

from backsight.benchmarks.conversion import measure_conversion
from backsight.benchmarks.figures import BenchmarkResult, Figure
from backsight.benchmarks.parity import Parity
from backsight.benchmarks.pose_scenes import Scene, change_imperceptibly, make_scenes
from backsight.benchmarks.road import DEMO_FRAGMENT
from backsight.domain.sequences import PoseObservation
from backsight.errors import InputError
from backsight.settings import demo_clip_path

if TYPE_CHECKING:
    from backsight.inputs import Clip
    from backsight.pose.estimator import Tracker

MODELS = ("lite", "full", "heavy")
LEAST_SPEED_UP = {"lite": 2.5, "full": 2.0, "heavy": 1.4}
LEAST_ROAD_SPEED_UP = 1.8
MOST_OVER_NETWORK = 1.35
BARRED_MODEL = "lite"
"""Whose whole road and whose cost over the bare network have bars."""
PARITY_BARS = {
    "image_median_px": 0.5,
    "image_p95_px": 3.0,
    "world_median_mm": 5.0,
    "visibility_median": 0.05,
    "agreement": 0.98,
}
PAPER_FPS = 60.0
"""The paper calls BlazePose lite real-time at 60 frames a second or more (section II)."""
CHANGED_SHARE = 0.001
"""Pixels that differ by one grey value in the pictures that MediaPipe is compared with itself on."""
SEED = 1

_ROAD_REPEATS = 3
_DEMO_SCENES = (
    DEMO_FRAGMENT,
    "#t=48f",
    "#t=0f,48f&xywh=0,0,1000,480",
    "#t=30f,110f&xywh=1100,420,668,574",
    "#t=135f,230f&xywh=500,0,1268,994",
)
"""Of the demo's clip, which is real: a woman walks; both people are in view, of whom one jumps; a man alone moves arms
and legs, seen from the front; the woman comes out from behind a tree; the man jumps, is gone against the sun, comes
back as he lands and goes behind the tree."""
_UNITS = {"image_median_px": "px", "image_p95_px": "px", "world_median_mm": "mm"}

Result = TypeVar("Result")
Progress = Callable[[str, int, int], None]


@dataclass
class Cost:
    """What calls took, one by one."""

    wall_ms: list[float] = field(default_factory=list)
    cpu_ms: list[float] = field(default_factory=list)

    def of(self, action: Callable[[], Result]) -> Result:
        """Do something and note what it took."""
        wall, cpu = time.perf_counter(), time.process_time()
        result = action()
        self.cpu_ms.append(1000 * (time.process_time() - cpu))
        self.wall_ms.append(1000 * (time.perf_counter() - wall))
        return result

    @property
    def median_cpu_ms(self) -> float:
        """Median CPU time of a call."""
        return statistics.median(self.cpu_ms)

    @property
    def median_wall_ms(self) -> float:
        """Median wall time of a call."""
        return statistics.median(self.wall_ms)


@dataclass(frozen=True, eq=False)
class SceneRun:
    """One scene on both engines, with one model."""

    mediapipe: Cost
    openvino: Cost
    network: Cost
    """OpenVINO's bare landmark network, without its segmentation head, run once more a frame."""
    tracked: Cost
    """OpenVINO's calls on frames in which it had somebody already, so that the detector did not run."""
    parity: Parity
    floor: Parity
    """MediaPipe against itself on pictures changed imperceptibly."""


def run_pose(
    clips: Sequence[str], *, models: Sequence[str] = MODELS, n_frames: int = 120, on_progress: Progress | None = None
) -> BenchmarkResult:
    """Measure every engine and model on recordings, and on hard scenes made of the first of them.

    Parameters
    ----------
    clips
        Recordings, each with an optional media fragment; the first shows one person. Empty = five parts of the demo's
        real clip: a walk, two people, movements from the front, somebody hidden at first, a jump with a return.
    models
        `lite`, `full`, `heavy`.
    n_frames
        Frames taken of each recording, from its start.

    Raises
    ------
    InputError
        When none is named and the demo's has not been fetched yet, one cannot be read, or there is no such model.
    """
    from backsight.inputs import parse_clip

    parsed = [parse_clip(text) for text in clips or _demo_clips()]
    figures: list[Figure] = []
    rows: list[dict[str, Any]] = []
    for model in models:
        runs = _run_model(model, parsed, n_frames=n_frames, on_progress=on_progress)
        figures += _speed_figures(model, list(runs.values()))
        if model == BARRED_MODEL:
            figures.append(_road_figure(parsed[0], model, n_frames=n_frames))
        figures += _parity_figures(model, list(runs.values()))
        rows += _cost_rows(model, list(runs.values()))
        rows += [_parity_row(model, name, run) for name, run in runs.items()]
    figures += measure_conversion(parsed[0])
    return BenchmarkResult(name="pose", seeds=(SEED,), figures=tuple(figures), rows=tuple(rows))


def _demo_clips() -> tuple[str, ...]:
    demo = demo_clip_path()
    if not demo.exists():
        raise InputError(f"{demo.name} is not here yet: run `make demo` first or name recordings")
    return tuple(f"{demo}{part}" for part in _DEMO_SCENES)


def _run_model(
    model: str, clips: Sequence[Clip], *, n_frames: int, on_progress: Progress | None
) -> dict[str, SceneRun]:
    from backsight.openers import pose_bundle

    bundle = pose_bundle(model)
    runs: dict[str, SceneRun] = {}
    for number, clip in enumerate(clips):
        scene = Scene(f"{number + 1} {clip.path.stem}", list(islice(clip.open().frames(), n_frames)))
        for each in (scene, *(make_scenes(scene) if number == 0 else ())):
            if on_progress:
                on_progress(f"{model}: {each.name}", len(runs), len(clips) + 3)
            runs[each.name] = run_scene(bundle, each)
    return runs


def run_scene(bundle: Path, scene: Scene) -> SceneRun:
    """Track a scene on both engines, taking turns frame by frame."""
    from backsight.pose.blazepose import MediaPipeTracker
    from backsight.pose.openvino.networks import load_networks
    from backsight.pose.openvino.tracker import load_tracker

    rng = np.random.default_rng(SEED)
    _, network = load_networks(bundle)
    trackers: dict[str, Tracker] = {
        "mediapipe": MediaPipeTracker(bundle),
        "openvino": load_tracker(bundle),
        "changed": MediaPipeTracker(bundle),
    }
    costs = {name: Cost() for name in (*trackers, "network", "tracked")}
    seen: dict[str, list[PoseObservation | None]] = {name: [] for name in trackers}
    try:
        for frame in scene.frames:
            images = dict.fromkeys(trackers, frame.image)
            images["changed"] = change_imperceptibly(frame.image, rng, share=CHANGED_SHARE)
            had_somebody = bool(seen["openvino"]) and seen["openvino"][-1] is not None
            # Close up the detector goes on looking for somebody in the whole frame.
            was_tracked = had_somebody and not trackers["openvino"].is_close_up
            for name, tracker in trackers.items():
                track = partial(tracker.track, images[name], timestamp_ms=round(1000 * frame.timestamp_s))
                seen[name].append(costs[name].of(track))
            costs["network"].of(network.run)
            if was_tracked:
                costs["tracked"].cpu_ms.append(costs["openvino"].cpu_ms[-1])
                costs["tracked"].wall_ms.append(costs["openvino"].wall_ms[-1])
    finally:
        for tracker in trackers.values():
            tracker.close()
    return SceneRun(
        mediapipe=costs["mediapipe"],
        openvino=costs["openvino"],
        network=costs["network"],
        tracked=costs["tracked"],
        parity=Parity.between(seen["mediapipe"], seen["openvino"]),
        floor=Parity.between(seen["mediapipe"], seen["changed"]),
    )


def _together(costs: Sequence[Cost]) -> Cost:
    return Cost(
        wall_ms=[value for cost in costs for value in cost.wall_ms],
        cpu_ms=[value for cost in costs for value in cost.cpu_ms],
    )


def _speed_figures(model: str, runs: Sequence[SceneRun]) -> list[Figure]:
    mediapipe, openvino = _together([run.mediapipe for run in runs]), _together([run.openvino for run in runs])
    network, tracked = _together([run.network for run in runs]), _together([run.tracked for run in runs])
    n = len(openvino.cpu_ms)
    speed_up = mediapipe.median_cpu_ms / openvino.median_cpu_ms
    over_network = tracked.median_cpu_ms / network.median_cpu_ms
    fps = 1000 / openvino.median_cpu_ms
    is_barred = model == BARRED_MODEL
    return [
        Figure(f"speed_up_cpu_{model}", speed_up, "ratio", n, bar=LEAST_SPEED_UP.get(model), better="higher"),
        Figure(
            f"speed_up_wall_{model}", mediapipe.median_wall_ms / openvino.median_wall_ms, "ratio", n, better="higher"
        ),
        Figure(
            f"over_network_{model}",
            over_network,
            "ratio",
            len(tracked.cpu_ms),
            bar=MOST_OVER_NETWORK if is_barred else None,
        ),
        Figure(f"frames_per_core_second_{model}", fps, "1/s", n, bar=PAPER_FPS if is_barred else None, better="higher"),
    ]


def _road_figure(clip: Clip, model: str, *, n_frames: int) -> Figure:
    """Compare decoding, following and looking for others, one thread each."""
    from backsight.openers import pose_bundle, pose_estimator

    costs = {engine: Cost() for engine in ("mediapipe", "openvino")}

    def walk(engine: str) -> None:
        with pose_estimator(pose_bundle(model), engine=engine) as estimator:
            frames = clip.open(n_threads=1).frames()
            costs[engine].of(lambda: [estimator.estimate(frame) for frame in islice(frames, n_frames)])

    for _ in range(_ROAD_REPEATS):
        for engine in costs:
            walk(engine)
    speed_up = costs["mediapipe"].median_cpu_ms / costs["openvino"].median_cpu_ms
    return Figure(
        f"road_speed_up_cpu_{model}", speed_up, "ratio", _ROAD_REPEATS, bar=LEAST_ROAD_SPEED_UP, better="higher"
    )


def _parity_figures(model: str, runs: Sequence[SceneRun]) -> list[Figure]:
    parity, floor = Parity.pooled([run.parity for run in runs]), Parity.pooled([run.floor for run in runs])
    figures = []
    for name, value in parity.summary().items():
        unit = _UNITS.get(name, "")
        n = len(parity.agreement if name == "agreement" else parity.image_px)
        better: Literal["lower", "higher"] = "higher" if name == "agreement" else "lower"
        figures.append(Figure(f"{name}_{model}", value, unit, n, bar=PARITY_BARS[name], better=better))
        figures.append(Figure(f"{name}_{model}_of_mediapipe_itself", floor.summary()[name], unit, n, better=better))
    return figures


def _cost_rows(model: str, runs: Sequence[SceneRun]) -> list[dict[str, Any]]:
    costs = {
        engine: _together([getattr(run, engine) for run in runs]) for engine in ("mediapipe", "openvino", "network")
    }
    return [
        {
            "kind": "cost",
            "model": model,
            "engine": engine,
            "wall_ms": cost.median_wall_ms,
            "cpu_ms": cost.median_cpu_ms,
            "frames_per_core_second": 1000 / cost.median_cpu_ms,
            "n": len(cost.cpu_ms),
        }
        for engine, cost in costs.items()
    ]


def _parity_row(model: str, scene: str, run: SceneRun) -> dict[str, Any]:
    return {
        "kind": "parity",
        "model": model,
        "scene": scene,
        "openvino": _without_nan(run.parity.summary()),
        "mediapipe_itself": _without_nan(run.floor.summary()),
        "n_frames": len(run.parity.agreement),
    }


def _without_nan(summary: Mapping[str, float]) -> dict[str, float | None]:
    """Return a summary as JSON can hold it."""
    return {name: value if math.isfinite(value) else None for name, value in summary.items()}
