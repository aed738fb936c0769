"""Equipment without a renderer and without BlazePose; functions of a module, so that other processes find them."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from backsight.domain.sequences import Frame, PoseObservation
from backsight.errors import OutputError
from backsight.ports import PoseEstimator
from backsight.simulation.performance import Performance
from backsight.studio.filmed import Equipment, Shot
from backsight.video.encoding import H264Writer
from tests.clips import textured_picture

SMALL = (64, 48)
NOBODY_IN = 3
"""In this frame nobody is seen."""
BUNDLES = {"lite": Path("lite.task"), "full": Path("full.task")}


class Pretender:
    """Sees a person who stands still, somewhere else for each bundle; the frame's number is in the nose's height."""

    def __init__(self, bundle: Path) -> None:
        self._x = {"lite": 10.0, "full": 20.0}[bundle.stem]

    def estimate(self, frame: Frame) -> PoseObservation:
        if frame.index == NOBODY_IN:
            return PoseObservation.nobody()
        image = np.full((33, 3), self._x)
        image[0, 1] = frame.index
        return PoseObservation(image, np.full((33, 3), 0.5), np.full(33, 0.9), np.full(33, 0.8), n_people=1)

    def close(self) -> None:
        pass


@contextmanager
def pretend(bundle: Path) -> Iterator[PoseEstimator]:
    yield Pretender(bundle)


def write_small_clip(path: Path, shot: Shot, performance: Performance, on_progress: Callable[[int, int], None]) -> None:
    times = performance.motion.timestamps_s
    picture = textured_picture(SMALL)
    with H264Writer(path, size=SMALL, fps=performance.fps) as writer:
        for index, time_s in enumerate(times):
            writer.write(picture, time_s=float(time_s))
            on_progress(index + 1, len(times))


def fail_on_volunteer_1(
    path: Path, shot: Shot, performance: Performance, on_progress: Callable[[int, int], None]
) -> None:
    if shot.subject_index == 1:
        raise ZeroDivisionError("the renderer stumbles")
    write_small_clip(path, shot, performance, on_progress)


class NeedsTwoError(Exception):
    """Cannot be put together again from its message, and so not be sent between processes."""

    def __init__(self, one: str, two: str) -> None:
        super().__init__(one + two)


def fail_unsendably_on_volunteer_1(
    path: Path, shot: Shot, performance: Performance, on_progress: Callable[[int, int], None]
) -> None:
    if shot.subject_index == 1:
        raise NeedsTwoError("a", "b")
    write_small_clip(path, shot, performance, on_progress)


def refuse(path: Path, shot: Shot, performance: Performance, on_progress: Callable[[int, int], None]) -> None:
    raise AssertionError(f"{shot.name} is filmed again")


def meet_a_full_disk(path: Path, shot: Shot, performance: Performance, on_progress: Callable[[int, int], None]) -> None:
    raise OutputError("the disk is full")


EQUIPMENT = Equipment(write_small_clip, pretend)
STUMBLING = Equipment(fail_on_volunteer_1, pretend)
UNSENDABLE = Equipment(fail_unsendably_on_volunteer_1, pretend)
NONE_LEFT_TO_DO = Equipment(refuse, pretend)
FULL_DISK = Equipment(meet_a_full_disk, pretend)


def square(job: int, count: Callable[[int], None], /) -> int:
    """Work for `run_jobs`: counts one, stumbles over 13, kills its process at 99."""
    if job == 13:
        raise ValueError("13")
    if job == 99:
        os._exit(9)
    count(1)
    return job * job


def touch_until_stopped(job: Path, count: Callable[[int], None], /) -> None:
    """Work that goes on for ever, unless `count` stops it; leaves a file when it begins and another when it unwinds."""
    job.touch()
    try:
        while True:
            count(1)
    finally:
        job.with_suffix(".unwound").touch()
