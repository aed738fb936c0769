"""Film a virtual volunteer and let BlazePose watch. Knows nothing of where recordings are kept."""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractContextManager
from dataclasses import astuple, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from backsight.domain.recording import Exercise, Recording, SourceInfo
from backsight.domain.sequences import PoseTrack
from backsight.errors import InvalidValueError
from backsight.pipeline import track_person
from backsight.ports import PoseEstimator
from backsight.simulation.cohort import simulate_performance
from backsight.simulation.performance import Performance
from backsight.simulation.truth import Truth, measure_truth
from backsight.studio.spoiling import SLOW_FPS, Spoil, performed_instead, spoil_camera, spoil_setting
from backsight.video.reader import VideoFile

if TYPE_CHECKING:
    from backsight.rendering.film import Film

Tick = Callable[[int, int], None]
"""Called with (frames done, frames there are) of one recording; every model's look at a frame counts as one more."""

_LOOKS, _SETTING, _SPOIL = 1000, 1001, 1002
"""Last parts of the spawn keys of the random numbers; `simulation.cohort` counts its own from 0."""


@dataclass(frozen=True)
class Shot:
    """One recording to make; everything in it follows from these values."""

    subject_index: int
    """The volunteer's number in the cohort of `seed`."""
    exercise: Exercise
    """What the recording is said to show."""
    seed: int
    fps: float | None = None
    """None = drawn, as are the view and the distance."""
    yaw_deg: float | None = None
    """Where the camera stands as seen by the volunteer: 0 = in front, 90 = at the left, 180 = behind."""
    distance_m: float | None = None
    """Lens to the middle of the space that the movement takes, along the floor."""
    frame_size: tuple[int, int] = (1280, 720)
    """(width, height) in pixels."""
    spoil: Spoil | None = None
    """What goes wrong; None = nothing does."""

    def __post_init__(self) -> None:
        width, height = self.frame_size
        if min(width, height) < 2 or width % 2 or height % 2:
            raise InvalidValueError(f"`frame_size` must be two even numbers of pixels, got {width} x {height}")
        if self.subject_index < 0 or self.seed < 0:
            raise InvalidValueError(
                f"`subject_index` and `seed` must be 0 or more, got {self.subject_index} and {self.seed}"
            )

    @property
    def name(self) -> str:
        """A file name's stem that no other shot has."""
        digest = hashlib.sha256(repr(astuple(self)).encode()).hexdigest()
        return f"{self.seed}-{self.subject_index:05d}-{self.exercise}-{digest[:8]}"

    def perform(self) -> Performance:
        """Let the volunteer do the exercise before the camera; takes some 25 ms."""
        performance = simulate_performance(
            self.subject_index,
            performed_instead(self.exercise, self.spoil),
            seed=self.seed,
            fps=SLOW_FPS if self.spoil is Spoil.SLOW else self.fps,
            yaw_deg=self.yaw_deg,
            distance_m=self.distance_m,
        )
        return spoil_camera(performance, self.spoil, rng=self.rng(_SPOIL))

    def rng(self, purpose: int, *, of_person: bool = False) -> np.random.Generator:
        """Independent random numbers for each purpose: of this recording, or the same in all of a person's."""
        place = 0 if of_person else 1 + list(Exercise).index(self.exercise)
        return np.random.default_rng(np.random.SeedSequence(self.seed, spawn_key=(self.subject_index, place, purpose)))


@dataclass(frozen=True, eq=False)
class FilmedRecording:
    """A virtual volunteer's recording as BlazePose saw it, beside what really happened."""

    shot: Shot
    recording: Recording
    index: float
    """True dysfunction, 0 best to 1 worst, before the noise of rating."""
    fps: float
    """Frames a second that the camera took."""
    view_yaw_deg: float
    """Where the camera stands as seen by the volunteer: 0 = in front, 90 = at the left, 180 = behind."""
    distance_m: float
    """Lens to the middle of the hips at the start."""
    height_m: float
    """The volunteer's standing height."""
    truth: Truth
    tracks: Mapping[str, PoseTrack]
    """What each BlazePose model saw in the same frames, before any filter."""
    source: SourceInfo
    """Of the clip that was filmed."""
    is_fresh: bool = True
    """False where today's code would film something else; the truth is then the one noted while filming."""

    @property
    def exercise(self) -> Exercise:
        """What the volunteer did."""
        return self.shot.exercise

    @property
    def seed(self) -> int:
        """The cohort's seed."""
        return self.shot.seed

    @property
    def number(self) -> int:
        """The volunteer's number in the cohort."""
        return self.shot.subject_index


@dataclass(frozen=True)
class Equipment:
    """What a recording is made with; tests bring their own.

    Both are functions of a module, so that they can be sent to other processes.
    """

    write_clip: Callable[[Path, Shot, Performance, Callable[[int, int], None]], None]
    """Film a performance into an H.264 file; called with (path, shot, performance, on_progress)."""
    open_estimator: Callable[[Path], AbstractContextManager[PoseEstimator]]
    """Open BlazePose on a bundle for one recording."""


def plan_shots(
    subjects: Iterable[int],
    *,
    seed: int,
    exercises: Iterable[Exercise] = tuple(Exercise),
    yaws_deg: Iterable[float | None] = (None,),
    fps: float | None = None,
    distance_m: float | None = None,
    frame_size: tuple[int, int] = (1280, 720),
) -> tuple[Shot, ...]:
    """Plan one shot for each subject and exercise, the views taking turns over them."""
    yaws = tuple(yaws_deg)
    wanted = tuple(exercises)
    return tuple(
        Shot(
            subject_index=subject,
            exercise=exercise,
            seed=seed,
            fps=fps,
            # Counting the exercise's place in makes every view meet every exercise.
            yaw_deg=yaws[(subject + place) % len(yaws)],
            distance_m=distance_m,
            frame_size=frame_size,
        )
        for subject in subjects
        for place, exercise in enumerate(wanted)
    )


def film_recording(
    shot: Shot,
    *,
    bundles: Mapping[str, Path],
    equipment: Equipment | None = None,
    on_tick: Tick | None = None,
) -> FilmedRecording:
    """Film one recording and follow the person in it with every model.

    The film goes through a real H.264 file in a temporary folder, so that the landmarks carry the marks of compression
    and of the reader like a user's clip; every model sees the same frames.

    Parameters
    ----------
    bundles
        BlazePose's files by model name.
    equipment
        None = the renderer and BlazePose.

    Raises
    ------
    VideoError
        When the film is too short to be a movement.
    OutputError
        When the temporary clip cannot be written.
    """
    tools = equipment or real_equipment()
    performance = shot.perform()
    n_frames = len(performance.motion.timestamps_s)
    n_looks = n_frames * (1 + len(bundles))

    def ticking(offset: int) -> Callable[[int, int], None]:
        return lambda done, _total: on_tick(offset + done, n_looks) if on_tick else None

    tracks: dict[str, PoseTrack] = {}
    with tempfile.TemporaryDirectory(prefix="backsight-film-") as folder:
        path = Path(folder) / f"{shot.name}.mp4"
        tools.write_clip(path, shot, performance, ticking(0))
        clip = VideoFile(path)
        for place, (model, bundle) in enumerate(bundles.items(), start=1):
            with tools.open_estimator(bundle) as estimator:
                tracks[model] = track_person(clip, estimator, on_progress=ticking(place * n_frames))
    return describe(shot, performance, tracks=tracks, source=clip.info)


def describe(
    shot: Shot, performance: Performance, *, tracks: Mapping[str, PoseTrack], source: SourceInfo
) -> FilmedRecording:
    """Put what was seen beside what happened."""
    volunteer = performance.volunteer
    return FilmedRecording(
        shot=shot,
        recording=Recording(volunteer.subject_id, shot.exercise, performance.rating),
        index=volunteer.dysfunction,
        fps=performance.fps,
        view_yaw_deg=performance.view_yaw_deg,
        distance_m=performance.distance_m,
        height_m=volunteer.body.height_m,
        truth=measure_truth(performance),
        tracks=tracks,
        source=source,
    )


def stage(shot: Shot, performance: Performance) -> Film:
    """Dress the volunteer and furnish the room, both by the shot's seed; the looks stay with a person."""
    from backsight.rendering.film import Film
    from backsight.rendering.looks import sample_looks
    from backsight.rendering.setting import sample_setting

    rng = shot.rng(_SETTING)
    looks = sample_looks(shot.rng(_LOOKS, of_person=True), performance.volunteer.body)
    setting = spoil_setting(sample_setting(rng, exercise=shot.exercise), shot.spoil, rng=rng)
    return Film(performance, looks, setting, frame_size=shot.frame_size)


def write_clip(path: Path, shot: Shot, performance: Performance, on_progress: Callable[[int, int], None]) -> None:
    """Render a shot into an H.264 file."""
    from backsight.rendering.film import write_film

    write_film(path, stage(shot, performance), on_progress=on_progress)


def real_equipment() -> Equipment:
    """Return the renderer and BlazePose; loads both."""
    from backsight.pose.blazepose import BlazePose

    return Equipment(write_clip=write_clip, open_estimator=BlazePose)
