"""Work functions for tests of the machinery: module level, because they travel to other processes by name."""

from __future__ import annotations

import os
import threading
from dataclasses import replace
from pathlib import Path
from typing import Any

from backsight.batch.facts import ClipFacts
from backsight.batch.limits import TimeLimit
from backsight.batch.work import ClipResult, Job
from backsight.domain.assessment import QualityCheck, QualityVerdict
from backsight.errors import VideoError, WeightsError

CHECK = QualityCheck("light", "Light", QualityVerdict.GOOD, 120.0, "of 255", "mean brightness 120")


def facts_of(job: Job, *, n_frames: int = 10, index: float | None = None) -> ClipFacts:
    return ClipFacts(
        exercise=job.clip.exercise,
        checks=(CHECK,),
        width_px=640,
        height_px=360,
        analysed_width_px=640,
        analysed_height_px=360,
        codec="h264",
        n_frames=n_frames,
        n_with_person=n_frames,
        first_timestamp_s=0.0,
        duration_s=0.3,
        fps=30.0,
        removed_share=0.125,
        index=index,
    )


class ShortForWhatHangs(TimeLimit):
    """A time limit that nothing else can reach, however busy the machine is."""

    def __call__(self, job: Job) -> float:
        return 0.3 if job.path.read_bytes().startswith(b"hangs") else 600.0


def echo(job: Job, **_: Any) -> ClipResult:
    """Landmarks that are the recording's own bytes; what the bytes say may go wrong."""
    content = job.path.read_bytes()
    if content.startswith(b"corrupt"):
        raise VideoError(f"{job.path.name}: the video is damaged")
    if content.startswith(b"defect"):
        raise ZeroDivisionError("by a defect of ours")
    if content.startswith(b"weights"):
        raise WeightsError("the bundle is missing")
    if content.startswith(b"dies once:"):
        mark = Path(content.decode().split(":", 1)[1])
        if not mark.exists():
            mark.touch()
            os._exit(9)
    elif content.startswith(b"dies"):
        os._exit(9)
    elif content.startswith(b"hangs"):
        threading.Event().wait()
    facts = facts_of(job, n_frames=len(content), index=0.25)
    if content.startswith(b"blurred"):
        facts = replace(facts, checks=(replace(CHECK, verdict=QualityVerdict.UNUSABLE),), index=None)
    return ClipResult(facts.to_json(), job.key.encode() + b" " + content, n_frames=len(content))


def mark_process(folder: Path) -> None:
    (folder / f"loaded-{os.getpid()}").touch()


def cannot_load() -> None:
    raise WeightsError("there are no weights")


def die_once_loading(mark: Path) -> None:
    try:
        mark.touch(exist_ok=False)
    except FileExistsError:
        return
    os._exit(9)
