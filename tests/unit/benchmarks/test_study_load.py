"""The load that is measured must be the load that browsers make, and a lost chunk must show."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

pytest.importorskip("fastapi", reason="the extra `web` is not installed")

from backsight.benchmarks import study_load
from backsight.benchmarks.study_load import run_study_load, write_bodies
from backsight.benchmarks.study_load_client import Report
from backsight.storage.chunks import parse_chunk

SCRIPTS = Path(study_load.__file__).parents[1] / "web/static/participant"


def constant(script: str, name: str) -> int:
    found = re.search(rf"^const {name} = (\d+);", (SCRIPTS / script).read_text(encoding="utf-8"), flags=re.MULTILINE)
    assert found is not None
    return int(found[1])


def test_chunks_are_as_long_and_numbers_as_precise_as_the_browsers() -> None:
    assert constant("sender.js", "FRAMES_IN_CHUNK") == study_load.FRAMES_IN_CHUNK
    assert constant("frames.js", "POSITION_DIGITS") == study_load.POSITION_DIGITS
    assert constant("frames.js", "SHARE_DIGITS") == study_load.SHARE_DIGITS
    assert constant("frames.js", "TIME_DIGITS") == study_load.TIME_DIGITS


def test_the_bodies_are_what_the_server_takes_in_one_clock(tmp_path: Path) -> None:
    first, second = (parse_chunk(json.loads(path.read_bytes())) for path in write_bodies(tmp_path, n_chunks=2))
    assert first.timestamps_s[:2].tolist() == [0.0, 0.033333]
    assert second.timestamps_s[0] == 1.0
    assert first.n_frames == second.n_frames == 30


def test_a_chunk_that_is_not_in_the_database_is_a_lost_one() -> None:
    report = Report(latencies_ms=[10.0] * 20, n_refused=0, n_again=0, cpu_s=0.1, wall_s=1.0)
    load = study_load._Load(report, server_cpu_s=0.2)
    figures = {one.name: one for one in study_load._load_figures(load, load, n_sent=20, n_kept=19)}
    assert figures["study_chunks_lost"].value == 1
    assert figures["study_chunks_lost"].met is False
    assert figures["study_cpu_per_chunk"].value == pytest.approx(10.0)  # 0.2 s for 20 chunks
    assert figures["study_over_bare_p95"].value == 1.0


def test_a_chunk_that_was_kept_otherwise_than_it_was_sent_does_not_count(sqlite_url: str, tmp_path: Path) -> None:
    from backsight.storage import recordings
    from backsight.storage.database import Database
    from tests.unit.storage import people

    bodies = write_bodies(tmp_path, n_chunks=2)
    database = Database(sqlite_url)
    with database.session() as session:
        visit = recordings.open_visit(session, people.make_participant(session, people.make_study(session)))
        recording = people.begin(session, visit)
        recordings.add_chunk(session, recording.id, number=0, frames=parse_chunk(json.loads(bodies[0].read_bytes())))
        recordings.add_chunk(session, recording.id, number=1, frames=people.make_frames(1.0))
    database.close()
    assert study_load._count_kept(sqlite_url, [recording.id], bodies) == 1


@pytest.mark.slow
def test_a_small_load_on_a_real_server_is_kept_whole() -> None:
    figures = {one.name: one for one in run_study_load(participants=3, seconds=2.0).figures}
    assert figures["study_chunks_sent"].value == 6
    assert figures["study_chunks_kept"].value == 6
    assert figures["study_chunk_p95"].n == 6
    assert figures["study_cpu_per_chunk"].value > 0
    assert 40 < figures["study_chunk_size"].value < 100  # 30 frames of 33 points with 7 numbers of some 8 letters
