"""`backsight benchmark agreement`: a turning trunk, from one camera against motion capture (Keraal).

The turn of BlazePose's shoulder line is what stands for the trunk, so it is compared with the turn of motion capture's
chest target; the line between its shoulder targets, which turns further because shoulder blades glide on the chest as
the arms reach, is reported beside it. Knows nothing of how turns are found.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from backsight.benchmarks.figures import BenchmarkResult, Figure, Plot
from backsight.domain.landmarks import Landmark
from backsight.domain.validation import FloatArray
from backsight.kinematics.rotation import shoulder_turn_deg

if TYPE_CHECKING:
    from backsight.datasets.keraal import KeraalClip
    from backsight.domain.sequences import PoseSequence

TURNING = "rotationTronc"
"""The exercise whose agreement has a bar; in the others the trunk is hardly turned."""
BARRED_MODEL = "full"
LEAST_CORRELATION, LARGEST_MEAN_ERROR_DEG = 0.98, 5.0
LARGEST_SHIFT_S = 0.3
"""The two systems were cut to the same span of time by hand, and BlazePose smooths over some frames."""
_SHIFT_STEP_S = 0.01
TURNS_BEYOND_DEG = 20.0
"""Over a smaller range a correlation, and a shift found by it, say nothing of agreement."""


@dataclass(frozen=True, eq=False)
class Comparison:
    """Two curves of the same movement, each less its own median, at the frames where both are known."""

    camera_deg: FloatArray
    reference_deg: FloatArray
    """Shape as `camera_deg`."""
    shift_s: float
    """How long after motion capture the camera's curve runs; one constant for the clip."""

    @property
    def correlation(self) -> float:
        """Pearson's r; NaN where the reference hardly moves."""
        if np.ptp(self.reference_deg) < TURNS_BEYOND_DEG:
            return float("nan")
        return float(np.corrcoef(self.camera_deg, self.reference_deg)[0, 1])

    @property
    def mean_error_deg(self) -> float:
        """Mean absolute difference."""
        return float(np.abs(self.camera_deg - self.reference_deg).mean())


def compare(
    camera_deg: FloatArray, reference_deg: FloatArray, *, times_s: FloatArray, shift_s: float | None = None
) -> Comparison:
    """Lay two curves of the same span of time over each other.

    Parameters
    ----------
    camera_deg
        Shape (n_frames,); NaN = missing.
    reference_deg
        Shape (n_captured,), evenly spread over the same span.
    times_s
        Of the camera's frames; shape (n_frames,).
    shift_s
        None = the constant delay of at most `LARGEST_SHIFT_S` at which the curves agree best, 0 where the reference
        turns by less than `TURNS_BEYOND_DEG`. Its sign and size say nothing of the angles' gain.
    """
    captured_s = np.linspace(times_s[0], times_s[-1], len(reference_deg))
    there = np.isfinite(camera_deg)
    if not there.any():
        raise ValueError("`camera_deg` must hold a known angle, got only NaN")

    def shifted(by_s: float) -> Comparison:
        reference = np.interp(times_s[there] - by_s, captured_s, reference_deg)
        camera = camera_deg[there]
        return Comparison(camera - np.median(camera), reference - np.median(reference), by_s)

    if shift_s is not None:
        return shifted(shift_s)
    if np.ptp(reference_deg) < TURNS_BEYOND_DEG:
        return shifted(0.0)
    n_steps = round(LARGEST_SHIFT_S / _SHIFT_STEP_S)
    tried = [shifted(step * _SHIFT_STEP_S) for step in range(-n_steps, n_steps + 1)]
    return max(tried, key=lambda comparison: comparison.correlation)


def run_agreement(
    data: Path,
    videos: Path,
    *,
    pose_models: Sequence[str] = (BARRED_MODEL,),
    on_progress: Callable[[str, int, int], None] | None = None,
) -> BenchmarkResult:
    """Find the landmarks of every film and compare the trunk's turn with motion capture's.

    Raises
    ------
    InputError
        When data or films are missing.
    """
    from backsight.datasets.keraal import read_keraal

    figures: list[Figure] = []
    pairs: dict[str, Comparison] = {}
    for clip in read_keraal(data, videos=videos):
        for model in pose_models:
            pose = _find_landmarks(clip.video, model, on_progress=on_progress)
            of_clip, comparison = judge_clip(clip, pose, pose_model=model)
            figures += of_clip
            if clip.exercise == TURNING:
                pairs[f"{clip.key}, {model}"] = comparison
    plot = Plot(
        name="agreement-trunk-rotation",
        title="Turn of the trunk, camera against motion capture",
        panels={name: (pair.camera_deg, pair.reference_deg) for name, pair in pairs.items()},
        units=dict.fromkeys(pairs, "deg"),
    )
    return BenchmarkResult(name="agreement", figures=tuple(figures), notes=_NOTES, plots=(plot,) if pairs else ())


_NOTES = (
    "Each curve less its own median; motion capture interpolated at the film's frames by normalised time and moved by "
    "the one constant delay at which the curves correlate best (the figure `delay`); as_cut: without that delay.",
    "chest: BlazePose's shoulder line against motion capture's chest target. shoulders: the same against the line "
    "between its shoulder targets. plain: the angle of BlazePose's world shoulders from depth over width alone, "
    "against the chest, as cut.",
)


def judge_clip(clip: KeraalClip, pose: PoseSequence, *, pose_model: str) -> tuple[tuple[Figure, ...], Comparison]:
    """Return a clip's figures, with bars where the trunk turns and `full` looked, and the curves behind them."""
    times_s = pose.timestamps_s
    camera_deg = shoulder_turn_deg(pose.world_m)
    chest = compare(camera_deg, clip.chest_deg, times_s=times_s)
    as_cut = compare(camera_deg, clip.chest_deg, times_s=times_s, shift_s=0.0)
    shoulders = compare(camera_deg, clip.shoulder_line_deg, times_s=times_s, shift_s=chest.shift_s)
    plain = compare(_plain_turn_deg(pose.world_m), clip.chest_deg, times_s=times_s, shift_s=0.0)
    barred = clip.exercise == TURNING and pose_model == BARRED_MODEL
    correlation_bar, error_bar = (LEAST_CORRELATION, LARGEST_MEAN_ERROR_DEG) if barred else (None, None)
    n, of = len(chest.camera_deg), f"{clip.key}/{pose_model}"
    figures: Iterable[Figure] = (
        Figure(f"{of}/chest_range", float(np.ptp(clip.chest_deg)), "deg", n),
        Figure(f"{of}/chest_r", chest.correlation, "r", n, bar=correlation_bar, better="higher"),
        Figure(f"{of}/chest_error", chest.mean_error_deg, "deg", n, bar=error_bar),
        Figure(f"{of}/delay", chest.shift_s, "s", n),
        Figure(f"{of}/chest_r_as_cut", as_cut.correlation, "r", n, better="higher"),
        Figure(f"{of}/chest_error_as_cut", as_cut.mean_error_deg, "deg", n),
        Figure(f"{of}/shoulders_r", shoulders.correlation, "r", n, better="higher"),
        Figure(f"{of}/shoulders_error", shoulders.mean_error_deg, "deg", n),
        Figure(f"{of}/plain_r", plain.correlation, "r", n, better="higher"),
        Figure(f"{of}/plain_error", plain.mean_error_deg, "deg", n),
    )
    # Where the trunk hardly turns there is no correlation to report.
    return tuple(figure for figure in figures if np.isfinite(figure.value)), chest


def _plain_turn_deg(world_m: FloatArray) -> FloatArray:
    line = world_m[:, Landmark.LEFT_SHOULDER] - world_m[:, Landmark.RIGHT_SHOULDER]
    return -np.degrees(np.arctan2(line[:, 2], line[:, 0]))


def _find_landmarks(video: Path, model: str, *, on_progress: Callable[[str, int, int], None] | None) -> PoseSequence:
    from backsight import pipeline
    from backsight.inputs import Clip
    from backsight.openers import pose_bundle, pose_estimator

    def progress(done: int, total: int) -> None:
        if on_progress is not None:
            on_progress(f"{video.stem}, {model}", done, total)

    with pose_estimator(pose_bundle(model), engine="mediapipe") as estimator:
        track = pipeline.track_person(Clip(video).open(), estimator, on_progress=progress)
    return pipeline.prepare(track.pose).filtered
