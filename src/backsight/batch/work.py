"""One clip: a pure function of its bytes and options. Runs in any process of any machine and knows of no other clip.

Imported by each new process before it can load anything, so it imports little itself.
"""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from backsight.batch.options import ClipOptions, RunOptions, Task
from backsight.pose.engines import PoseEngine

if TYPE_CHECKING:
    from backsight.domain.sequences import PoseSequence
    from backsight.inputs import Clip
    from backsight.ports import IndexPredictor

_NEEDED = (
    "backsight.batch.facts",
    "backsight.exports.landmarks",
    "backsight.inputs",
    "backsight.openers",
    "backsight.video.reader",
)
"""Modules that import what a clip needs, whatever the engine."""


@dataclass(frozen=True)
class Job:
    """One clip to be done."""

    key: str
    """Names the result; see `options.result_key`."""
    path: Path
    """The recording on this machine; its name is repeated in errors."""
    clip: ClipOptions


@dataclass(frozen=True)
class ClipResult:
    """What became of a clip that could be read."""

    facts: str
    """`ClipFacts` as JSON."""
    landmarks: bytes
    """A Parquet file: a row a frame and landmark."""
    n_frames: int


@dataclass(frozen=True)
class Equipment:
    """What a worker process needs besides the clip; files of the machine that it runs on."""

    options: RunOptions
    bundle: Path
    model: Path
    """A checkpoint; without effect on extracting."""


def load(equipment: Equipment) -> None:
    """Load what every clip needs, so that it is there when the first one comes.

    Raises
    ------
    BacksightError
        When the machine lacks something.
    """
    for module in _NEEDED:
        importlib.import_module(module)
    if equipment.options.engine == PoseEngine.OPENVINO:
        from backsight.pose.openvino.tracker import load_tracker

        # What it compiles stays in memory for the clips' own trackers.
        load_tracker(equipment.bundle)
    if equipment.options.task is Task.ASSESS:
        _predictor(equipment.model, equipment.options.pose_model)


def do_clip(job: Job, equipment: Equipment) -> ClipResult:
    """Find one clip's landmarks, and assess it where that is the task, exactly as `backsight assess` does.

    Raises
    ------
    BacksightError
        When the recording cannot be read or the machine lacks something.
    """
    from backsight.batch.facts import ClipFacts
    from backsight.openers import pose_estimator
    from backsight.pipeline import assess_exercise, extract_recording

    options, clip = equipment.options, job.clip
    # One thread: other clips fill the other cores.
    source = _clip(job).open(n_threads=1)
    with pose_estimator(equipment.bundle, engine=options.engine) as estimator:
        if options.task is Task.EXTRACT or clip.exercise is None:
            extracted = extract_recording(
                source,
                estimator=estimator,
                exercise=clip.exercise,
                follow_largest=options.follow_largest,
                beside=False,
            )
            facts = ClipFacts.of_extract(extracted, exercise=clip.exercise, source=source.info)
            pose = extracted.pose
        else:
            part = assess_exercise(
                source,
                exercise=clip.exercise,
                estimator=estimator,
                predictor=_predictor(equipment.model, options.pose_model),
                pose_model=options.pose_model,
                height_m=clip.height_m,
                follow_largest=options.follow_largest,
                beside=False,
            )
            facts, pose = ClipFacts.of_assessment(part), part.pose
    return ClipResult(facts.to_json(), _landmarks(pose, job.key, options), pose.n_frames)


def _clip(job: Job) -> Clip:
    from backsight.inputs import Clip
    from backsight.video.selection import parse_crop, parse_position

    start, end, crop = job.clip.start, job.clip.end, job.clip.crop
    return Clip(
        job.path,
        start=None if start is None else parse_position(start),
        end=None if end is None else parse_position(end),
        crop=None if crop is None else parse_crop(crop),
    )


@lru_cache(maxsize=1)
def _predictor(model: Path, pose_model: str) -> IndexPredictor:
    """Load the network once a process: it keeps nothing of one recording that another could see."""
    from backsight.openers import index_predictor

    return index_predictor(model, pose_model=pose_model)


def _landmarks(pose: PoseSequence, key: str, options: RunOptions) -> bytes:
    from backsight.exports.landmarks import pack_clip_landmarks

    return pack_clip_landmarks(
        pose,
        key=key,
        key_meaning="the clip's key in clips.parquet",
        about={
            "pose_model": options.pose_model,
            "engine": options.engine,
            "is_filtered": options.task is Task.ASSESS,
        },
    )
