"""Look into a stranger's video in a process of its own: little memory, little time, none of the server's secrets.

The process limits itself before it opens the file, is killed when it takes too long, and answers with two files that
hold numbers and short texts, never objects. Knows no database and no page.
"""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import resource
import signal
import subprocess
import sys
import tempfile
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from backsight.domain.recording import EXERCISE_LIMIT_S, SourceInfo
from backsight.domain.sequences import ImageStatistics, PoseSequence, PoseTrack
from backsight.errors import BacksightError, InvalidValueError, NoPersonError, VideoError, WeightsError

SOURCE_NAME = "uploaded video"
"""What reports call a participant's video: the name that the file had may be theirs."""
MOST_PIXELS = 4096 * 2304
"""Of a picture: phones record 3840 x 2160."""
LONGEST_S = EXERCISE_LIMIT_S + 5.0
"""A recorder stops a moment late."""
MOST_PICTURES = int(LONGEST_S * 250)
"""Phones record slow motion with 240 pictures a second."""

_CONTAINERS = {"mov", "mp4", "matroska", "webm"}
"""What browsers and phones record, by FFmpeg's names."""
_CODECS = {"h264", "hevc", "vp8", "vp9", "av1"}
_PASSED_ON = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "PYTHONPATH", "VIRTUAL_ENV", "LD_LIBRARY_PATH")
"""Of the environment: the rest holds secrets."""
_RESULT, _TRACK = "result.json", "track.npz"
_GIBIBYTE = 2**30
_PR_SET_PDEATHSIG = 1
_RAISED: dict[str, type[BacksightError]] = {
    kind.__name__: kind for kind in (VideoError, NoPersonError, InvalidValueError, WeightsError)
}


@dataclass(frozen=True)
class Limits:
    """What a process that looks into a video may take."""

    memory_bytes: int
    """Of address space: pages reserved, not pages used."""
    cpu_s: int
    """Over all its threads."""
    wall_s: float
    answer_bytes: int = 64 * 2**20
    """Of each file that it writes."""


LOOK_LIMITS = Limits(memory_bytes=2 * _GIBIBYTE, cpu_s=30, wall_s=60.0)
"""For the first look at an upload: one picture of 4096 x 2304 takes about 0.1 GB to decode."""
FOLLOW_LIMITS = Limits(memory_bytes=6 * _GIBIBYTE, cpu_s=900, wall_s=1800.0)
"""For pose estimation: 65 s at 60 frames a second of 4K are 3900 pictures of about 0.1 s each on one core."""


@dataclass(frozen=True, eq=False)
class FollowedVideo:
    """What was found in a video."""

    track: PoseTrack
    source: SourceInfo
    pose_engine: str


@dataclass(frozen=True)
class _Order:
    """What the process is to do."""

    task: str
    """`look` or `follow`."""
    video: str
    folder: str
    bundle: str = ""
    limits: dict[str, Any] = field(default_factory=dict)


def look_at_video(path: Path, *, limits: Limits = LOOK_LIMITS) -> SourceInfo:
    """Find out whether a file is a video that can be assessed: its kind, size, length, and that it can be decoded.

    Raises
    ------
    VideoError
        When it is not, or finding out takes more memory or time than it may.
    """
    with tempfile.TemporaryDirectory(prefix="backsight-look-") as folder:
        answer = _run(_Order("look", str(path), folder, limits=asdict(limits)), limits)
        return _source_of(answer["source"])


def follow_person(path: Path, *, bundle: Path, limits: Limits = FOLLOW_LIMITS) -> FollowedVideo:
    """Find the person's landmarks in a video.

    Parameters
    ----------
    bundle
        BlazePose's, as `openers.pose_bundle` returns it.

    Raises
    ------
    VideoError
        When it is no video, too large or too long, or takes more memory or time than it may.
    WeightsError
        When the bundle cannot be loaded.
    """
    with tempfile.TemporaryDirectory(prefix="backsight-follow-") as folder:
        answer = _run(_Order("follow", str(path), folder, bundle=str(bundle), limits=asdict(limits)), limits)
        return FollowedVideo(
            track=_read_track(Path(folder) / _TRACK, n_dropped=int(answer["n_dropped"])),
            source=_source_of(answer["source"]),
            pose_engine=str(answer["pose_engine"])[:40],
        )


def _run(order: _Order, limits: Limits) -> dict[str, Any]:
    """Have a process do something and return its answer."""
    environment = {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
    process = subprocess.Popen(
        [sys.executable, "-m", __name__, json.dumps(asdict(order))],
        env=environment | {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"},
        cwd=order.folder,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        # A group of its own, so that whatever it starts is killed with it.
        start_new_session=True,
    )
    try:
        code = process.wait(timeout=limits.wall_s)
    except subprocess.TimeoutExpired:
        raise VideoError(_too_much(f"{limits.wall_s:.0f} s")) from None
    finally:
        if process.poll() is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
    return _answer_of(Path(order.folder) / _RESULT, code, limits)


def _answer_of(path: Path, code: int, limits: Limits) -> dict[str, Any]:
    try:
        answer = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        answer = None
    if not isinstance(answer, dict):
        if code in (-signal.SIGXCPU, -signal.SIGKILL):
            raise VideoError(_too_much(f"{limits.cpu_s} s of a core"))
        raise VideoError(
            "the video cannot be read: its decoder broke off; record again, with another program or camera"
        )
    if "error" in answer:
        if answer["error"] == MemoryError.__name__:
            raise VideoError(_too_much(f"{limits.memory_bytes / _GIBIBYTE:.0f} GB of memory"))
        raise _RAISED.get(str(answer["error"]), VideoError)(str(answer.get("message", ""))[:500])
    return answer


def _too_much(what: str) -> str:
    return f"the video takes more than {what} to read; record at most 1920 x 1080 pixels and 60 s"


def _source_of(fields: dict[str, Any]) -> SourceInfo:
    crop = fields.get("crop")
    return SourceInfo(
        **{
            **fields,
            "crop": None if crop is None else tuple(crop),
            "analysed_size": tuple(fields["analysed_size"]),
        }
    )


def _read_track(path: Path, *, n_dropped: int) -> PoseTrack:
    with np.load(path, allow_pickle=False) as arrays:
        width, height = (int(side) for side in arrays["frame_size"])
        return PoseTrack(
            pose=PoseSequence(
                image_px=arrays["image_px"],
                world_m=arrays["world_m"],
                visibility=arrays["visibility"],
                presence=arrays["presence"],
                timestamps_s=arrays["timestamps_s"],
                frame_size=(width, height),
            ),
            n_people=arrays["n_people"],
            changed_person=arrays["changed_person"],
            images=ImageStatistics(**{name: arrays[f"images_{name}"] for name in _IMAGE_FIELDS}),
            n_dropped=n_dropped,
        )


_IMAGE_FIELDS = tuple(ImageStatistics.__dataclass_fields__)


def _write_track(path: Path, track: PoseTrack) -> None:
    pose = track.pose
    np.savez(
        path,
        image_px=pose.image_px,
        world_m=pose.world_m,
        visibility=pose.visibility,
        presence=pose.presence,
        timestamps_s=pose.timestamps_s,
        frame_size=np.array(pose.frame_size),
        n_people=track.n_people,
        changed_person=track.changed_person,
        **{f"images_{name}": getattr(track.images, name) for name in _IMAGE_FIELDS},
    )


def _limit_this_process(limits: Limits) -> None:
    """Give memory, time and files away for good; nothing that is read afterwards can take them back."""
    resource.setrlimit(resource.RLIMIT_AS, (limits.memory_bytes, limits.memory_bytes))
    resource.setrlimit(resource.RLIMIT_CPU, (limits.cpu_s, limits.cpu_s))
    resource.setrlimit(resource.RLIMIT_FSIZE, (limits.answer_bytes, limits.answer_bytes))
    # A core dump would hold pictures of somebody.
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if sys.platform == "linux":
        # Who reads the answer may be killed; then nobody waits for it any more.
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def _check_kind(path: Path) -> None:
    """Refuse what no browser or phone records, and what is too large to decode, before anything is decoded."""
    from backsight.video.container import open_video, scan_times

    with open_video(path) as (container, stream):
        kinds, codec = set(container.format.name.split(",")), stream.codec_context.name
        if not kinds & _CONTAINERS or codec not in _CODECS:
            raise VideoError(
                "expected an MP4, MOV, WebM or Matroska video of H.264, HEVC, VP8, VP9 or AV1, got "
                f"{container.format.name} of {codec}; record with the camera program of a phone or browser"
            )
        width, height = stream.codec_context.width, stream.codec_context.height
        if not 0 < width * height <= MOST_PIXELS:
            raise VideoError(
                f"expected pictures of at most {MOST_PIXELS / 1e6:.1f} million pixels, got {width} x {height}; "
                "record with 1920 x 1080"
            )
    times = scan_times(path)
    if len(times.seconds) > MOST_PICTURES or times.seconds[-1] > LONGEST_S:
        raise VideoError(
            f"expected a video of at most {EXERCISE_LIMIT_S:.0f} s, got {times.seconds[-1]:.0f} s and "
            f"{len(times.seconds)} pictures; record the exercise once"
        )


def _look(order: _Order) -> dict[str, Any]:
    from backsight.video.reader import VideoFile

    source = VideoFile(Path(order.video), n_threads=1)
    # Headers can say anything; a picture cannot.
    frames = source.frames()
    next(frames)
    return {"source": asdict(source.info)}


def _follow(order: _Order) -> dict[str, Any]:
    from backsight.openers import pose_estimator
    from backsight.pipeline import track_person
    from backsight.video.reader import VideoFile

    source = VideoFile(Path(order.video), n_threads=1)
    with pose_estimator(Path(order.bundle)) as estimator:
        track = track_person(source, estimator, beside=False)
        engine = str(estimator.engine)
    _write_track(Path(order.folder) / _TRACK, track)
    return {"source": asdict(source.info), "pose_engine": engine, "n_dropped": track.n_dropped}


def main(text: str) -> None:
    """Do what an order says, in this process, which is spoilt for anything else afterwards."""
    order = _Order(**json.loads(text))
    _limit_this_process(Limits(**order.limits))
    try:
        _check_kind(Path(order.video))
        answer = _look(order) if order.task == "look" else _follow(order)
    except MemoryError:
        answer = {"error": MemoryError.__name__}
    except BacksightError as error:
        # Keys of the store are nothing to the reader of a message.
        message = str(error).replace(Path(order.video).name, SOURCE_NAME)
        answer = {"error": type(error).__name__, "message": message}
    Path(order.folder, _RESULT).write_text(json.dumps(answer), encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1])
