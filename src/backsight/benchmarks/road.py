"""`backsight benchmark road`: what the whole road costs beside its engine alone, on this machine, in one run."""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from backsight.benchmarks.figures import BenchmarkResult, Figure
from backsight.domain.recording import Exercise
from backsight.domain.sequences import FeatureSequence
from backsight.errors import InputError
from backsight.settings import Settings, demo_clip_path

if TYPE_CHECKING:
    from backsight.inputs import Clip

DEMO_FRAGMENT = "#t=48f,182f&xywh=0,470,1560,524"
"""The woman walking side-on, alone in the picture."""
SEED = 1
SHORT_S, LONG_S = 5.0, 60.0
"""The paper's 5 s clip and its longest exercise."""


def run_road(clip_text: str | None = None, *, repeats: int = 5) -> BenchmarkResult:
    """Measure wall time, latency, memory and start-up.

    Parameters
    ----------
    clip_text
        A recording, with an optional media fragment; the demo's walking clip by default.
    repeats
        How often each timing is taken; both sides of a ratio alternate in one run, and medians are compared.

    Raises
    ------
    InputError
        When no clip is named and the demo's clip has not been fetched yet.
    """
    from backsight.inputs import parse_clip

    if clip_text is None:
        demo = demo_clip_path()
        if not demo.exists():
            raise InputError(f"{demo.name} is not here yet: run `make demo` first or name a recording with --clip")
        clip_text = f"{demo}{DEMO_FRAGMENT}"
    clip = parse_clip(clip_text)
    tells_memory = peak_memory_mib() is not None
    return BenchmarkResult(
        name="road",
        seeds=(SEED,),
        figures=(
            *_wall_time(clip, repeats=repeats),
            *_index_latency(repeats=20 * repeats),
            *(_peak_memory(clip) if tells_memory else ()),
            _start_up("import_backsight", ["-c", "import backsight"], bar=0.3, repeats=repeats),
            _start_up("backsight_help", ["-m", "backsight", "--help"], bar=0.6, repeats=repeats),
        ),
        notes=() if tells_memory else ("Peak memory is left out: this system does not tell it.",),
    )


def _wall_time(clip: Clip, *, repeats: int) -> tuple[Figure, ...]:
    from backsight import pipeline
    from backsight.openers import index_predictor, pose_bundle, pose_estimator

    predictor = index_predictor()

    def whole_road() -> None:
        with pose_estimator(pose_bundle("lite"), engine="mediapipe") as estimator:
            pipeline.assess_exercise(
                clip.open(),
                exercise=Exercise.WALK,
                estimator=estimator,
                predictor=predictor,
                pose_model="lite",
                follow_largest=True,
            )

    def bare_loop() -> None:
        with _bare_detector() as detect:
            for frame in clip.open().frames():
                detect(frame.image, round(frame.timestamp_s * 1000))

    sides: dict[Callable[[], None], list[tuple[float, float]]] = {bare_loop: [], whole_road: []}
    for _ in range(repeats + 1):
        for side, timings in sides.items():
            timings.append(_timed(side))
    n_frames = sum(1 for _ in clip.open().frames())
    # The first round pays for cold caches and is left out.
    (bare_wall, bare_cpu), (road_wall, road_cpu) = (
        (statistics.median(wall for wall, _ in timings[1:]), statistics.median(cpu for _, cpu in timings[1:]))
        for timings in sides.values()
    )
    return (
        Figure("road_over_bare_wall", road_wall / bare_wall, "ratio", repeats, bar=1.10),
        Figure("road_over_bare_cpu", road_cpu / bare_cpu, "ratio", repeats),
        Figure("road_wall_per_frame", 1000 * road_wall / n_frames, "ms", repeats),
        Figure("bare_wall_per_frame", 1000 * bare_wall / n_frames, "ms", repeats),
        Figure("clip_frames", n_frames, "frames", 1),
    )


@contextmanager
def _bare_detector() -> Iterator[Callable[[Any, int], None]]:
    """Open MediaPipe as its own documentation shows it: the reference that the road is measured against."""
    import mediapipe
    from mediapipe.tasks.python import BaseOptions, vision

    from backsight.pose.quiet import without_chatter
    from backsight.pose.weights import PoseModel, ensure_bundle

    settings = Settings.from_environment()
    bundle = ensure_bundle(PoseModel.LITE, folder=settings.models_dir, may_fetch=settings.may_fetch)
    options = vision.PoseLandmarkerOptions(
        base_options=BaseOptions(model_asset_path=str(bundle)), running_mode=vision.RunningMode.VIDEO
    )
    with without_chatter():
        landmarker = vision.PoseLandmarker.create_from_options(options)
    has_begun = False

    def detect(image: Any, timestamp_ms: int) -> None:
        nonlocal has_begun
        # mediapipe.Image misreads rows that do not follow each other without a gap, and would look too cheap.
        picture = mediapipe.Image(mediapipe.ImageFormat.SRGB, np.ascontiguousarray(image))
        with nullcontext() if has_begun else without_chatter():
            found = landmarker.detect_for_video(picture, timestamp_ms)
        # The last notices come with the first person.
        has_begun = has_begun or bool(found.pose_landmarks)

    with landmarker:
        yield detect


def _index_latency(*, repeats: int) -> tuple[Figure, ...]:
    from backsight.features.schema import FEATURE_NAMES
    from backsight.network.checkpoint import load_checkpoint
    from backsight.network.predictor import OnnxPredictor
    from backsight.openers import model_path

    # The paper's network: its 11 ms are what this stands beside.
    checkpoint = load_checkpoint(model_path("lstm-paper"), expected_features=FEATURE_NAMES)
    predictor = OnnxPredictor(checkpoint, n_threads=1)
    values = np.random.default_rng(SEED).uniform(size=(150, len(FEATURE_NAMES)))
    features = FeatureSequence(values=values, names=FEATURE_NAMES, timestamps_s=np.arange(150) / 30.0)
    predictor.predict(features)
    whole = [_timed(lambda: predictor.predict(features))[0] for _ in range(repeats)]
    stream = predictor.stream()
    steps = [_timed(lambda row=row: stream.step(row))[0] for row in features.values]  # type: ignore[misc]
    return (
        Figure("index_from_150_frames", 1000 * statistics.median(whole), "ms", repeats, bar=11.0),
        Figure("index_streamed_frame", 1000 * statistics.median(steps), "ms", len(steps), bar=0.5),
    )


def _peak_memory(clip: Clip) -> tuple[Figure, ...]:
    """Compare the peak memory of the road on a short and a long recording, each in a process of its own."""
    from backsight.benchmarks.long_clip import write_looped

    program = (
        "import sys; from backsight.benchmarks.road import assess_once, peak_memory_mib;"
        "assess_once(sys.argv[1]); print(peak_memory_mib())"
    )
    peaks_mib = []
    with tempfile.TemporaryDirectory() as folder:
        for length_s in (SHORT_S, LONG_S):
            path = Path(folder) / f"{length_s:.0f}s.mp4"
            write_looped(path, clip.open(), duration_s=length_s)
            output = subprocess.run(
                [sys.executable, "-c", program, str(path)], check=True, capture_output=True, text=True
            ).stdout
            peaks_mib.append(float(output.split()[-1]))
    short, long = peaks_mib
    return (
        Figure("peak_memory_60s_over_5s", long / short, "ratio", 1, bar=1.15),
        Figure("peak_memory_60s", long, "MiB", 1),
    )


def assess_once(path: str) -> None:
    """Take a file down the whole road; called in a process of its own to measure its memory."""
    from backsight import pipeline
    from backsight.inputs import parse_clip
    from backsight.openers import index_predictor, pose_bundle, pose_estimator

    with pose_estimator(pose_bundle("lite"), engine="mediapipe") as estimator:
        pipeline.assess_exercise(
            parse_clip(path).open(),
            exercise=Exercise.WALK,
            estimator=estimator,
            predictor=index_predictor(),
            pose_model="lite",
            follow_largest=True,
        )


def peak_memory_mib() -> float | None:
    """Return the largest memory that this process has held, in MiB; None where the system does not tell.

    On Linux from the kernel's own account of this program, since `ru_maxrss` includes the parent's peak before the
    start there. Elsewhere `ru_maxrss`, which counts bytes on macOS and KiB on the BSDs (getrusage(2)).
    """
    with suppress(OSError, KeyError):
        status = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
        return int(status["VmHWM"].split()[0]) / 1024
    try:
        import resource
    except ImportError:
        return None
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / 2**20 if sys.platform == "darwin" else peak / 1024


def _start_up(name: str, arguments: list[str], *, bar: float, repeats: int) -> Figure:
    """Time a fresh interpreter; the first start warms the disk cache and does not count."""
    command = [sys.executable, *arguments]
    timings = [
        _timed(lambda: subprocess.run(command, check=True, stdout=subprocess.DEVNULL))[0] for _ in range(repeats + 1)
    ]
    return Figure(name, statistics.median(timings[1:]), "s", repeats, bar=bar)


def _timed(action: Callable[[], object]) -> tuple[float, float]:
    """Return (wall, CPU) seconds of an action."""
    wall, cpu = time.perf_counter(), time.process_time()
    action()
    return time.perf_counter() - wall, time.process_time() - cpu
