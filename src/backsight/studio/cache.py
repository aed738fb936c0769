"""Keep filmed recordings in small files, one each, and find them again. Knows nothing of how they are made.

A file holds the landmarks and what decides them; the truth is worked out anew from the seed when it is read, so that a
measure can be defined better without filming again. What the movement was is noted, too: where today's simulation
moves the volunteer differently the landmarks no longer belong to it, and the recording is stale.
"""

from __future__ import annotations

import json
import lzma
import math
import os
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from backsight.domain.assessment import MovementEvent
from backsight.domain.recording import Exercise, Recording, SourceInfo
from backsight.domain.sequences import PoseTrack
from backsight.domain.validation import FloatArray
from backsight.errors import InputError, OutputError
from backsight.simulation.performance import Performance
from backsight.simulation.truth import Truth
from backsight.studio.filmed import FilmedRecording, Shot, describe
from backsight.studio.fingerprint import Fingerprint
from backsight.studio.packing import pack_track, unpack_track
from backsight.studio.spoiling import Spoil

SUFFIX = ".film"
FORMAT = 1
"""Rises when files of the old kind can no longer be read."""
SAME_WITHIN_PX = 0.02
"""Two performances are the same when their landmarks agree in the picture to within this: far below what is filmed, far
above what another processor's rounding changes."""

_DESCRIPTION = "recording.json"


def shot_path(folder: Path, shot: Shot) -> Path:
    """Return where a shot's recording is kept in a folder."""
    return folder / f"{shot.name}{SUFFIX}"


def save_filmed(folder: Path, filmed: FilmedRecording, *, fingerprint: Fingerprint) -> Path:
    """Write one recording, whole or not at all; returns the file.

    Raises
    ------
    OutputError
        When it cannot be written.
    """
    path = shot_path(folder, filmed.shot)
    part = path.with_name(f".{path.name}.part-{os.getpid()}")
    description = {
        "format": FORMAT,
        "fingerprint": asdict(fingerprint),
        "shot": asdict(filmed.shot),
        "noted": _note(filmed),
        "tracks": {
            model: {"frame_size": track.pose.frame_size, "n_dropped": track.n_dropped}
            for model, track in filmed.tracks.items()
        },
        "signature": _signature(filmed.shot.perform()).tolist(),
    }
    try:
        with zipfile.ZipFile(part, "w", zipfile.ZIP_LZMA) as archive:
            archive.writestr(_DESCRIPTION, json.dumps(description))
            for model, track in filmed.tracks.items():
                for name, values in pack_track(track).items():
                    with archive.open(f"{model}/{name}.npy", "w") as file:
                        np.lib.format.write_array(file, values, allow_pickle=False)
        part.replace(path)
    except OSError as error:
        raise OutputError(f"cannot write {path}: {error.strerror or error}; free space or choose another") from error
    finally:
        part.unlink(missing_ok=True)
    return path


def load_filmed(
    folder: Path, *, require_fresh: bool = True, on_progress: Callable[[int, int], None] | None = None
) -> list[FilmedRecording]:
    """Read every recording in a folder, by name: cohort's seed, volunteer, exercise.

    Parameters
    ----------
    require_fresh
        Refuse recordings that today's code would make differently. Without it they are read and marked
        `is_fresh=False`. Their truth is today's as long as the movement is the same; where it is not, the truth noted
        while filming, which has no angles.

    Raises
    ------
    InputError
        When there are none, one cannot be read, or some are stale and `require_fresh`.
    """
    paths = sorted(folder.glob(f"*{SUFFIX}"))
    if not paths:
        raise InputError(f"{folder}: expected filmed recordings (*{SUFFIX}), found none; film a cohort first")
    now = Fingerprint.of_package()
    loaded = []
    for done, path in enumerate(paths, start=1):
        loaded.append(read_filmed(path, now=now))
        if on_progress:
            on_progress(done, len(paths))
    n_stale = sum(not filmed.is_fresh for filmed in loaded)
    if n_stale and require_fresh:
        raise InputError(
            f"{folder}: {n_stale} of {len(loaded)} recordings were filmed by another version of the simulation or the "
            "renderer; film them again, or load them with require_fresh=False"
        )
    return loaded


def is_filmed(folder: Path, shot: Shot, *, models: set[str], now: Fingerprint) -> bool:
    """Whether a shot is there, whole, seen by every one of `models`, and what today's code would film."""
    return _find(folder, shot, models=models, now=now) is not None


def find_filmed(folder: Path, shot: Shot, *, models: set[str], now: Fingerprint) -> FilmedRecording | None:
    """Return a shot's recording; None where `is_filmed` is False."""
    found = _find(folder, shot, models=models, now=now)
    return None if found is None else _restore(*found, now=now)


def read_filmed(path: Path, *, now: Fingerprint) -> FilmedRecording:
    """Read one recording.

    Raises
    ------
    InputError
        When the file is damaged or none of ours.
    """
    return _restore(*read_tracks(path), now=now)


def _find(
    folder: Path, shot: Shot, *, models: set[str], now: Fingerprint
) -> tuple[dict[str, Any], dict[str, PoseTrack]] | None:
    path = shot_path(folder, shot)
    if not path.exists():
        return None
    try:
        # Reading everything is what tells a damaged file from a whole one.
        description, tracks = read_tracks(path)
    except InputError:
        return None
    is_usable = models <= set(tracks) and _is_same_film(description, now) and _is_same_movement(description, now)
    return (description, tracks) if is_usable else None


def _restore(description: dict[str, Any], tracks: dict[str, PoseTrack], *, now: Fingerprint) -> FilmedRecording:
    shot, noted = description["shot"], description["noted"]
    if _is_same_movement(description, now):
        filmed = describe(shot, shot.perform(), tracks=tracks, source=_source(noted["source"]))
        return replace(filmed, is_fresh=_is_same_film(description, now))
    return FilmedRecording(
        shot=shot,
        recording=Recording(noted["subject_id"], shot.exercise, noted["rating"]),
        truth=Truth(
            values={name: math.nan if value is None else value for name, value in noted["truth"].items()},
            events=tuple(MovementEvent(**event) for event in noted["events"]),
            angles={},
        ),
        tracks=tracks,
        source=_source(noted["source"]),
        is_fresh=False,
        **{name: noted[name] for name in _NOTED_NUMBERS},
    )


def read_tracks(path: Path) -> tuple[dict[str, Any], dict[str, PoseTrack]]:
    """Return a file's description, its shot restored, and what each model saw, without working out the truth anew.

    Raises
    ------
    InputError
        When the file is damaged, of another format or no filmed recording.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            description = json.loads(archive.read(_DESCRIPTION))
            if description["format"] != FORMAT:
                raise InputError(f"{path.name}: expected format {FORMAT}, got {description['format']}; film it again")
            description["shot"] = _shot(description["shot"])
            tracks = {model: _read_track(archive, model, about) for model, about in description["tracks"].items()}
    except (zipfile.BadZipFile, lzma.LZMAError, EOFError, KeyError, TypeError, ValueError) as error:
        raise InputError(f"{path.name}: is damaged or no filmed recording ({error}); film it again") from error
    except OSError as error:
        raise InputError(f"{path.name}: cannot be read ({error.strerror or error})") from error
    return description, tracks


def _is_same_film(description: Mapping[str, Any], now: Fingerprint) -> bool:
    return bool(description["fingerprint"]["pictures"] == now.pictures)


def _is_same_movement(description: Mapping[str, Any], now: Fingerprint) -> bool:
    if description["fingerprint"]["movement"] == now.movement:
        return True
    # Other code may well move the volunteer the same way.
    before, after = np.asarray(description["signature"]), _signature(description["shot"].perform())
    return before.shape == after.shape and bool(np.abs(before - after).max() <= SAME_WITHIN_PX)


_NOTED_NUMBERS = ("index", "fps", "view_yaw_deg", "distance_m", "height_m")


def _note(filmed: FilmedRecording) -> dict[str, Any]:
    """Return what a later simulation could not tell any more, ready for JSON."""
    truth = filmed.truth
    return {
        "subject_id": filmed.recording.subject_id,
        "rating": filmed.recording.rating,
        **{name: getattr(filmed, name) for name in _NOTED_NUMBERS},
        "truth": {name: value if math.isfinite(value) else None for name, value in truth.values.items()},
        "events": [asdict(event) for event in truth.events],
        "source": asdict(filmed.source),
    }


def _shot(values: Mapping[str, Any]) -> Shot:
    return Shot(
        **{
            **values,
            "exercise": Exercise(values["exercise"]),
            "frame_size": _pair(values["frame_size"]),
            "spoil": None if values["spoil"] is None else Spoil(values["spoil"]),
        }
    )


def _source(values: Mapping[str, Any]) -> SourceInfo:
    return SourceInfo(**{**values, "analysed_size": _pair(values["analysed_size"])})


def _pair(values: list[int]) -> tuple[int, int]:
    first, second = values
    return first, second


def _read_track(archive: zipfile.ZipFile, model: str, described: Mapping[str, Any]) -> PoseTrack:
    packed: dict[str, NDArray[np.generic]] = {}
    for name in archive.namelist():
        if name.startswith(f"{model}/"):
            with archive.open(name) as file:
                packed[name.removeprefix(f"{model}/").removesuffix(".npy")] = np.lib.format.read_array(
                    file, allow_pickle=False
                )
    return unpack_track(packed, frame_size=_pair(described["frame_size"]), n_dropped=described["n_dropped"])


def _signature(performance: Performance) -> FloatArray:
    """Return where each landmark is in the picture on average, and how far it spreads; shape (2, 33, 2), in pixels."""
    seen_px = performance.camera.project(performance.figure.landmarks_m)
    return np.round(np.stack([seen_px.mean(axis=0), seen_px.std(axis=0)]), 3)
