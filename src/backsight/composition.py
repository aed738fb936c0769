"""Put the road together from its parts: the only module that opens the doors to engines, files and devices.

Adapters are imported inside the functions, so that a command loads what it uses and assessing never loads torch.
"""

from __future__ import annotations

import re
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from backsight.domain.assessment import Assessment, ExerciseAssessment
from backsight.domain.recording import EXERCISE_LIMIT_S, Exercise
from backsight.errors import InputError
from backsight.settings import Settings

if TYPE_CHECKING:
    from backsight.network.predictor import OnnxPredictor
    from backsight.ports import FrameSource, PoseEstimator
    from backsight.pose.weights import PoseModel
    from backsight.video.overlay import Still
    from backsight.video.reader import Crop, Position

CAMERA_PREFIX = "camera:"
DEFAULT_MODEL = "lstm-paper"
N_STILLS = 6
"""Pictures drawn for print, spread evenly over a recording."""

Progress = Callable[[str, int, int], None]
"""Called with (what is being done, how much is done, how much there is; 0 = unknown)."""


@dataclass(frozen=True)
class Clip:
    """A video file and the part of it that holds the exercise."""

    path: Path
    start: Position | None = None
    end: Position | None = None
    crop: Crop | None = None

    def open(self) -> FrameSource:
        """Open the file as a source of frames."""
        from backsight.video.reader import VideoFile

        return VideoFile(self.path, start=self.start, end=self.end, crop=self.crop)


def parse_clip(text: str | Path) -> Clip:
    """Read `FILE` or `FILE#t=START,END&xywh=X,Y,WIDTH,HEIGHT`, a W3C media fragment.

    The fragment lets every recording of a session name its own part; a file whose own name holds such a fragment wins.

    Raises
    ------
    InputError
        When the fragment is not understood.
    """
    from backsight.video.reader import parse_crop, parse_position

    path = Path(text)
    match = re.fullmatch(r"(?P<file>.+?)#(?P<fragment>(?:t|xywh)=.*)", str(text))
    if match is None or path.exists():
        return Clip(path)
    fields: dict[str, str] = {}
    for field in match["fragment"].split("&"):
        name, _, value = field.partition("=")
        if name not in ("t", "xywh") or name in fields:
            raise InputError(
                f"{path.name}: expected #t=START,END and &xywh=X,Y,WIDTH,HEIGHT after the file name, got `{field}`"
            )
        fields[name] = value.removeprefix("pixel:")
    start, _, end = fields.get("t", "").partition(",")
    return Clip(
        Path(match["file"]),
        start=parse_position(start) if start else None,
        end=parse_position(end) if end else None,
        crop=parse_crop(fields["xywh"]) if "xywh" in fields else None,
    )


@contextmanager
def pose_estimator(
    model: PoseModel | str = "lite", *, settings: Settings | None = None, on_progress: Progress | None = None
) -> Iterator[PoseEstimator]:
    """Open BlazePose for one recording, fetching its weights first when they are missing."""
    from backsight.pose.blazepose import BlazePose
    from backsight.pose.weights import PoseModel, ensure_bundle

    settings = settings or Settings.from_environment()
    bundle = ensure_bundle(
        PoseModel(model), folder=settings.models_dir, may_fetch=settings.may_fetch, on_progress=on_progress
    )
    with BlazePose(bundle) as engine:
        yield engine


def index_predictor(model: str | Path = DEFAULT_MODEL, *, n_threads: int = 1) -> OnnxPredictor:
    """Load the network that ships with Backsight, or a checkpoint of the user's own."""
    from backsight.features.schema import FEATURE_NAMES
    from backsight.network.checkpoint import default_checkpoint_path, load_checkpoint
    from backsight.network.predictor import OnnxPredictor

    path = default_checkpoint_path() if str(model) == DEFAULT_MODEL else Path(model)
    return OnnxPredictor(load_checkpoint(path, expected_features=FEATURE_NAMES), n_threads=n_threads)


def assess(
    *,
    touch_toes: str | Path | Clip | None = None,
    walk: str | Path | Clip | None = None,
    jump: str | Path | Clip | None = None,
    pose_model: PoseModel | str = "lite",
    model: str | Path = DEFAULT_MODEL,
    follow_largest: bool = False,
    on_progress: Progress | None = None,
) -> Assessment:
    """Assess one to three recordings of one person. This is not a diagnosis.

    Parameters
    ----------
    touch_toes, walk, jump
        Video files, with an optional media fragment (`walk.mp4#t=1.6,6.0&xywh=0,470,1560,524`), or `Clip` objects.
    pose_model
        `lite`, `full` or `heavy`: BlazePose from fast to precise.
    model
        `lstm-paper`, the network that ships, or the path of a checkpoint.
    follow_largest
        Accept other people in view and follow the largest and most central person.
    on_progress
        Called with (what, done, total).

    Raises
    ------
    BacksightError
        One of the tree in `backsight.errors`; its message says what was expected and what to do.
    """
    given = {Exercise.TOUCH_TOES: touch_toes, Exercise.WALK: walk, Exercise.JUMP: jump}
    clips = {
        exercise: clip if isinstance(clip, Clip) else parse_clip(clip)
        for exercise, clip in given.items()
        if clip is not None
    }
    return assess_clips(
        clips, pose_model=pose_model, model=model, follow_largest=follow_largest, on_progress=on_progress
    )


def assess_clips(
    clips: Mapping[Exercise, Clip],
    *,
    pose_model: PoseModel | str = "lite",
    model: str | Path = DEFAULT_MODEL,
    follow_largest: bool = False,
    on_progress: Progress | None = None,
) -> Assessment:
    """Assess a session given as clips by exercise; see `assess`."""
    from backsight import pipeline

    if not clips:
        raise InputError("no recording given; name at least one of touch_toes, walk and jump")
    # Everything that can be wrong with the inputs is found before the first slow step.
    sources = {exercise: clip.open() for exercise, clip in clips.items()}
    predictor = index_predictor(model)
    parts: dict[Exercise, ExerciseAssessment] = {}
    for exercise, source in sources.items():
        with pose_estimator(pose_model, on_progress=on_progress) as estimator:
            parts[exercise] = pipeline.assess_exercise(
                source,
                exercise=exercise,
                estimator=estimator,
                predictor=predictor,
                follow_largest=follow_largest,
                on_progress=_staged(on_progress, f"{exercise.label}: finding landmarks"),
            )
    return pipeline.combine(
        parts,
        card=predictor.card,
        created_at=datetime.now().astimezone().isoformat(timespec="seconds"),
        backsight_version=version("backsight"),
    )


def assess_to_folder(
    inputs: Mapping[Exercise, Clip | str],
    out: Path,
    *,
    overwrite: bool = False,
    overlay: bool = True,
    camera_duration_s: float = EXERCISE_LIMIT_S,
    pose_model: PoseModel | str = "lite",
    model: str | Path = DEFAULT_MODEL,
    follow_largest: bool = False,
    on_progress: Progress | None = None,
) -> Assessment:
    """Assess a session and write everything a reader needs into one folder, or nothing at all.

    Parameters
    ----------
    inputs
        For each exercise a `Clip`, or `camera:NAME` to record it now.
    out
        The folder to make: `assessment.json`, `landmarks.parquet`, `overlay*.mp4`, `report.html`, and `recording*.mp4`
        where a camera was used.
    overwrite
        Replace an earlier assessment in `out`.
    overlay
        Draw the skeleton on the video; without it the report shows no video.
    camera_duration_s
        How long a camera records, in seconds.

    Raises
    ------
    BacksightError
        See `assess`; `OutputError` when `out` cannot be written.
    """
    from backsight.exports.folder import staged_folder
    from backsight.exports.json_file import write_json
    from backsight.exports.landmarks import write_landmarks
    from backsight.reporting.report import write_report

    with staged_folder(out, overwrite=overwrite) as folder:
        clips = {
            exercise: given
            if isinstance(given, Clip)
            else _record(given, folder / _named("recording", exercise, inputs), camera_duration_s, on_progress)
            for exercise, given in inputs.items()
        }
        assessment = assess_clips(
            clips, pose_model=pose_model, model=model, follow_largest=follow_largest, on_progress=on_progress
        )
        overlays: dict[Exercise, Path] = {}
        stills: dict[Exercise, tuple[Still, ...]] = {}
        if overlay:
            for part in assessment.exercises:
                path = folder / _named("overlay", part.exercise, inputs)
                stills[part.exercise] = _draw(path, clips[part.exercise], part, on_progress)
                overlays[part.exercise] = path
        write_json(folder / "assessment.json", assessment)
        write_landmarks(folder / "landmarks.parquet", assessment)
        write_report(folder / "report.html", assessment, overlays=overlays, stills=stills)
    return assessment


def _staged(on_progress: Progress | None, stage: str) -> Callable[[int, int], None] | None:
    if on_progress is None:
        return None
    return lambda done, total: on_progress(stage, done, total)


def _named(stem: str, exercise: Exercise, inputs: Mapping[Exercise, object]) -> str:
    return f"{stem}.mp4" if len(inputs) == 1 else f"{stem}-{exercise}.mp4"


def _record(name: str, path: Path, duration_s: float, on_progress: Progress | None) -> Clip:
    """Record a camera into a file first and assess the file, so that no frame is lost to a slow model."""
    from backsight.video.camera import Camera

    camera = Camera(name, duration_s=duration_s, record_to=path)
    for frame in camera.frames():
        if on_progress:
            on_progress("Recording", round(frame.timestamp_s), round(duration_s))
    return Clip(path)


def _draw(path: Path, clip: Clip, part: ExerciseAssessment, on_progress: Progress | None) -> tuple[Still, ...]:
    from backsight.video.overlay import write_overlay

    times = part.pose.timestamps_s
    return write_overlay(
        path,
        clip.open(),
        part.pose,
        curve=part.curve,
        still_times_s=tuple(np.linspace(times[0], times[-1], N_STILLS)),
        on_progress=_staged(on_progress, f"{part.exercise.label}: drawing the skeleton"),
    )


def train_virtual(
    out: Path, *, n_subjects: int, seed: int, work_folder: Path | None, n_threads: int, on_progress: Progress | None
) -> str:
    """Train the paper's network on virtual volunteers and write a checkpoint; returns the report as text."""
    from backsight.errors import MissingDependencyError

    try:
        from backsight.training.virtual import train_on_virtual_cohort
    except ImportError as error:
        raise MissingDependencyError(
            f"training needs {error.name}, which is not installed: pip install 'backsight[train]'"
        ) from error
    with tempfile.TemporaryDirectory(prefix="backsight-train-") as scratch:
        report = train_on_virtual_cohort(
            out,
            n_subjects=n_subjects,
            seed=seed,
            work_folder=work_folder or Path(scratch),
            n_threads=n_threads,
            on_progress=on_progress,
        )
    return str(report)
