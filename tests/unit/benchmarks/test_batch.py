"""The study that many clips at once are measured on: recordings that differ in their bytes and not in pictures."""

from pathlib import Path

from backsight.batch.manifest import Manifest
from backsight.benchmarks.batch import write_people
from backsight.domain.recording import Exercise
from backsight.video.reader import VideoFile


def test_everybody_does_every_exercise_in_recordings_that_differ_in_bytes_alone(tmp_path: Path) -> None:
    manifest = write_people(tmp_path / "people", n_people=2, clip_s=0.5)
    rows = list(Manifest(str(manifest), needs_subject=True))
    assert {(row.subject, row.clip.exercise) for row in rows} == {
        (who, what) for who in ("p0", "p1") for what in Exercise
    }
    paths = [Path(row.found.location) for row in rows]
    assert len({path.read_bytes() for path in paths}) == 6
    assert {VideoFile(path).n_frames for path in paths} == {15}
    assert {VideoFile(path).info.analysed_size for path in paths} == {(1280, 720)}
