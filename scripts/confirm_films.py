"""Confirm that today's code films what an earlier version did, and mark the films of a cohort as today's.

Moving code about changes the fingerprint of the renderer and not one pixel. This films some recordings of each earlier
fingerprint anew, compares what BlazePose sees bit by bit, and marks that fingerprint's films as today's where all of
the samples are the same; else it changes nothing.

    python scripts/confirm_films.py ~/.cache/backsight/cohorts/held-out --samples 3
"""

from __future__ import annotations

import argparse
import json
import sys
import zipfile
from collections import defaultdict
from pathlib import Path

import numpy as np

from backsight.openers import pose_bundle
from backsight.studio.cache import SUFFIX, read_filmed, read_tracks
from backsight.studio.filmed import film_recording
from backsight.studio.fingerprint import Fingerprint
from backsight.studio.packing import pack_track

DESCRIPTION = "recording.json"


def fingerprint_of(path: Path) -> str:
    """Return the fingerprint of the code that drew a film."""
    with zipfile.ZipFile(path) as archive:
        return str(json.loads(archive.read(DESCRIPTION))["fingerprint"]["pictures"])


def is_seen_throughout(path: Path) -> bool:
    """Return whether every model saw somebody in every frame."""
    _, tracks = read_tracks(path)
    return all(track.pose.has_person.all() for track in tracks.values())


def is_filmed_alike(path: Path) -> bool:
    """Film a recording anew and compare every landmark of every model."""
    before = read_filmed(path, now=Fingerprint.of_package())
    now = film_recording(before.shot, bundles={model: pose_bundle(model) for model in before.tracks})
    for model, track in before.tracks.items():
        one, other = pack_track(track), pack_track(now.tracks[model])
        if any(not np.array_equal(one[name], other[name], equal_nan=one[name].dtype.kind == "f") for name in one):
            return False
    return True


def mark(path: Path, fingerprint: str) -> None:
    """Write a film again with another fingerprint of its pictures, whole or not at all."""
    part = path.with_name(f".{path.name}.part")
    with zipfile.ZipFile(path) as old, zipfile.ZipFile(part, "w", zipfile.ZIP_LZMA) as new:
        for name in old.namelist():
            content = old.read(name)
            if name == DESCRIPTION:
                description = json.loads(content)
                description["fingerprint"]["pictures"] = fingerprint
                content = json.dumps(description).encode()
            new.writestr(name, content)
    part.replace(path)


def main() -> None:
    """Sort films by fingerprint, confirm each, mark."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--samples", type=int, default=3, help="recordings filmed anew for each fingerprint")
    parser.add_argument(
        "--seen-throughout",
        action="store_true",
        help="only films in which every model saw somebody in every frame: what looks for people may have changed",
    )
    given = parser.parse_args()
    today = Fingerprint.of_package().pictures
    by_fingerprint: dict[str, list[Path]] = defaultdict(list)
    for path in sorted(given.folder.glob(f"*{SUFFIX}")):
        if given.seen_throughout and not is_seen_throughout(path):
            continue
        by_fingerprint[fingerprint_of(path)].append(path)
    by_fingerprint.pop(today, None)
    for fingerprint, paths in by_fingerprint.items():
        samples = [paths[round(place)] for place in np.linspace(0, len(paths) - 1, min(given.samples, len(paths)))]
        differing = next((path.name for path in samples if not is_filmed_alike(path)), None)
        if differing is None:
            for path in paths:
                mark(path, today)
        print(
            f"{fingerprint}: {len(paths)} films, "
            + (f"{differing} is another today: left" if differing else f"{len(samples)} filmed anew alike: marked"),
            file=sys.stderr,
        )


if __name__ == "__main__":
    main()
