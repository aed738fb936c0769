"""Put the live view together from what `openers` opens, for the command line and the benchmark."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path

from backsight.composition import assess_to_folder
from backsight.domain.recording import Exercise
from backsight.errors import OutputError
from backsight.inputs import Clip, LiveCamera
from backsight.live.pace import PacedFile, Recorder
from backsight.live.show import Save, Saved
from backsight.live.watch import Connect, Connection, Seen
from backsight.openers import FASTEST, pose_bundle, pose_estimator
from backsight.ports import IndexPredictor
from backsight.reporting.wording import format_interval


def connect_to(
    source: Clip | LiveCamera,
    *,
    predictor: IndexPredictor,
    pose_model: str = FASTEST,
    engine: str = "auto",
    repeats: bool = False,
    on_progress: Callable[[str, int, int], None] | None = None,
) -> Connect:
    """Return what connects a camera, or a file played like one.

    Parameters
    ----------
    source
        A file is paced; a camera is opened without a limit of time.
    predictor
        The network.
    pose_model, engine
        BlazePose's model and what runs it.
    repeats
        Play a file again and again.

    Raises
    ------
    BacksightError
        When the model is missing and cannot be fetched.
    """
    bundle = pose_bundle(pose_model, on_progress=on_progress)

    def connect(on_seen: Callable[[Seen], None], recorder: Recorder) -> Connection:
        opened = source.open()
        return Connection(
            PacedFile(opened, repeats=repeats) if isinstance(source, Clip) else opened,
            open_estimator=lambda: pose_estimator(bundle, engine=engine),
            predictor=predictor,
            pose_model=pose_model,
            recorder=recorder,
            on_seen=on_seen,
        )

    return connect


def save_into(
    out: Path,
    *,
    overwrite: bool,
    pose_model: str,
    engine: str,
    model: str | Path,
    height_m: float | None,
    follow_largest: bool,
) -> Save:
    """Return what assesses recordings with the whole road and writes them and the results into one folder.

    Parameters
    ----------
    out
        The folder.
    overwrite
        Replace what is there.
    pose_model, engine, model, height_m, follow_largest
        As for `composition.assess_to_folder`.

    Raises
    ------
    OutputError
        At once, when the folder is taken: before anybody moves for nothing.
    """
    if out.exists() and not overwrite:
        raise OutputError(f"cannot write {out}: it exists already; choose another folder or pass --overwrite")
    if not out.resolve().parent.is_dir():
        raise OutputError(f"cannot write {out}: the folder that should hold it does not exist; create it first")
    is_ours = [False]

    def save(recordings: Mapping[Exercise, Path], on_progress: Callable[[str, int, int], None]) -> Saved:
        assessment = assess_to_folder(
            {exercise: Clip(path) for exercise, path in recordings.items()},
            out,
            # What an earlier save of this session wrote is replaced by one that holds more.
            overwrite=overwrite or is_ours[0],
            pose_model=pose_model,
            engine=engine,
            model=model,
            follow_largest=follow_largest,
            height_m=height_m,
            on_progress=on_progress,
        )
        is_ours[0] = True
        moved = {exercise: out / f"recording-{exercise}.mp4" for exercise in recordings}
        for exercise, path in recordings.items():
            path.replace(moved[exercise])
        where = out / "report.html"
        if assessment.index is None:
            return Saved(f"No index: the recording is unusable, and {where} says why.", moved)
        around = format_interval(assessment.interval) or "no interval known"
        return Saved(f"Index {assessment.index:.2f}, {around}: {assessment.verdict}. Report: {where}", moved)

    return save


def name_takes(out: Path) -> Callable[[Exercise], Path]:
    """Return what names a new recording beside `out`: it must outlive a failed assessment."""
    return lambda exercise: out.with_name(f"{out.name}-{exercise}-{datetime.now():%H%M%S}.mp4")
