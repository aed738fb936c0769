"""What an iteration costs on pictures and on landmarks, with and without getting there. Knows no study.

All times are CPU time of all threads together, which another program's load hardly changes; networks run on one thread.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from importlib import resources
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from backsight.benchmarks.figures import Figure
from backsight.benchmarks.stills import StillSize

if TYPE_CHECKING:
    from backsight.domain.sequences import Frame, PoseSequence

PAPER_FRAMES = 150
"""The paper's sequence: 5 s at 30 frames a second (section II)."""
BATCH = 8
"""Sequences of one training step, the same for pictures and landmarks."""
POSE_MODELS = ("lite", "full")
_N_EXERCISES = 3
_FULL_SIZE = (1280, 720)
"""The paper's picture, width and height in pixels."""
_N_FULL_SIZE = 4
"""Pictures of that size put through the convolutions at once; more need gigabytes."""
_N_VIDEO = 60
"""Frames of a real clip that are decoded and looked at."""


def time_iterations(size: StillSize, *, repeats: int = 9) -> tuple[Figure, ...]:
    """Time networks, and what it takes to feed them, on 150 frames as the paper counts and on what is learnt from.

    Parameters
    ----------
    size
        Of the pictures that the network on pictures learns from.
    repeats
        Medians are over so many; one more warms up.

    Raises
    ------
    WeightsError
        When BlazePose's files are missing and cannot be fetched.
    """
    from backsight.training.schedule import use_threads

    with use_threads(1):
        networks = {**_picture_times(size, repeats=repeats), **_landmark_times(repeats=repeats)}
    feeding = _feeding_times(size, repeats=repeats)
    totals = {
        "image-lstm/whole_way_150_frames": networks["image-lstm/forward_150_frames"]
        + PAPER_FRAMES * (feeding["decode_frame"] + feeding["shrink_frame"]),
    }
    for model in POSE_MODELS:
        totals[f"lstm/whole_way_150_frames_blazepose_{model}"] = (
            networks["lstm/forward_150_frames"]
            + PAPER_FRAMES * (feeding["decode_frame"] + feeding[f"blazepose_{model}_frame"])
            + feeding["features_150_frames"]
        )
    told = {**networks, **{f"feeding/{name}": ms for name, ms in feeding.items()}, **totals}
    return tuple(Figure(f"time/{name}", ms, "ms", repeats) for name, ms in told.items())


def _picture_times(size: StillSize, *, repeats: int) -> dict[str, float]:
    import torch

    from backsight.network.image_lstm import ImageLstm
    from backsight.training.image_learner import ImageConfig, take_step
    from backsight.training.neural_fit import make_optimizer

    config = ImageConfig()
    network = ImageLstm(config.network(n_exercises=_N_EXERCISES))
    optimizer = make_optimizer(network, config.fit)

    def pictures(n_clips: int, n_frames: int, frame_size: tuple[int, int]) -> torch.Tensor:
        width, height = frame_size
        return torch.randn(n_clips, n_frames, 3, height, width)

    def forward(n_frames: int, frame_size: tuple[int, int]) -> float:
        network.eval()
        seen, exercise = pictures(1, n_frames, frame_size), torch.ones(1, dtype=torch.long)
        with torch.inference_mode():
            return _median_ms(lambda: network(seen, exercise), repeats=repeats)

    name = f"train_step_{BATCH}_clips_of_{size.n_frames}_pictures"
    batch, exercise, index = (
        pictures(BATCH, size.n_frames, size.frame_size),
        torch.ones(BATCH, dtype=torch.long),
        torch.rand(BATCH),
    )
    step_ms = _median_ms(
        lambda: take_step(network.train(), optimizer, batch, exercise, index, config=config.fit), repeats=repeats
    )
    return {
        f"image-lstm/forward_{size.n_frames}_pictures": forward(size.n_frames, size.frame_size),
        f"image-lstm/forward_{PAPER_FRAMES}_frames": forward(PAPER_FRAMES, size.frame_size),
        f"image-lstm/forward_{PAPER_FRAMES}_frames_of_{_FULL_SIZE[0]}x{_FULL_SIZE[1]}": PAPER_FRAMES
        / _N_FULL_SIZE
        * forward(_N_FULL_SIZE, _FULL_SIZE),
        f"image-lstm/{name}": step_ms,
    }


def _landmark_times(*, repeats: int) -> dict[str, float]:
    import torch
    from torch.nn import functional

    from backsight.network.sequence import build_network
    from backsight.training.neural_fit import make_optimizer
    from backsight.training.neural_kinds import neural_config

    config = neural_config("lstm")
    network_config = config.network(n_exercises=_N_EXERCISES)
    network = build_network(network_config)
    optimizer = make_optimizer(network, config.fit)
    n_rows = config.features.n_frames or PAPER_FRAMES

    def clips(n_clips: int, n_frames: int) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        values = torch.randn(n_clips, n_frames, network_config.n_features)
        return values, torch.full((n_clips,), n_frames), torch.ones(n_clips, dtype=torch.long)

    def forward(n_frames: int) -> float:
        network.eval()
        one = clips(1, n_frames)
        with torch.inference_mode():
            return _median_ms(lambda: network.score(*one), repeats=repeats)

    batch, index = clips(BATCH, n_rows), torch.rand(BATCH)

    def step() -> None:
        network.train()
        optimizer.zero_grad()
        functional.huber_loss(network.score(*batch), index, delta=config.fit.huber_delta).backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(network.parameters(), config.fit.clip_norm, foreach=False)
        optimizer.step()

    return {
        f"lstm/train_step_{BATCH}_clips_of_{n_rows}_rows": _median_ms(step, repeats=repeats),
        f"lstm/forward_{n_rows}_rows": forward(n_rows),
        f"lstm/forward_{PAPER_FRAMES}_frames": forward(PAPER_FRAMES),
    }


def _feeding_times(size: StillSize, *, repeats: int) -> dict[str, float]:
    """Return what a frame costs before a network sees it, on the demo's walk, in ms."""
    import cv2

    from backsight.pipeline import prepare
    from backsight.video.reader import VideoFile

    path = Path(str(resources.files("backsight.demo") / "walk.mp4"))
    frames: list[Frame] = []

    def decode() -> None:
        frames[:] = islice(VideoFile(path).frames(), _N_VIDEO)

    decode_ms = _median_ms(decode, repeats=3) / _N_VIDEO
    shrink_ms = _median_ms(
        lambda: [cv2.resize(frame.image, size.frame_size, interpolation=cv2.INTER_AREA) for frame in frames],
        repeats=repeats,
    ) / len(frames)
    times = {"decode_frame": decode_ms, "shrink_frame": shrink_ms}
    for model in POSE_MODELS:
        times[f"blazepose_{model}_frame"], pose = _look(frames, model)
    features_ms = _median_ms(lambda: prepare(pose), repeats=3)
    return times | {f"features_{PAPER_FRAMES}_frames": features_ms * PAPER_FRAMES / pose.n_frames}


def _look(frames: list[Frame], model: str) -> tuple[float, PoseSequence]:
    """Return the median cost of finding landmarks in a frame, in ms, and the landmarks."""
    from backsight.domain.sequences import PoseSequence
    from backsight.openers import pose_bundle, pose_estimator

    spent_ms, seen = [], []
    with pose_estimator(pose_bundle(model)) as estimator:
        for frame in frames:
            started_s = time.process_time()
            seen.append(estimator.estimate(frame))
            spent_ms.append(1000.0 * (time.process_time() - started_s))
    height, width = frames[0].image.shape[:2]
    pose = PoseSequence.from_observations(seen, [frame.timestamp_s for frame in frames], frame_size=(width, height))
    return statistics.median(spent_ms), pose


def _median_ms(action: Callable[[], Any], *, repeats: int) -> float:
    action()
    spent_ms = []
    for _ in range(repeats):
        started_s = time.process_time()
        action()
        spent_ms.append(1000.0 * (time.process_time() - started_s))
    return statistics.median(spent_ms)
