"""A study as a data set: what `backsight train` needs is in it, and nothing that says who somebody is."""

from __future__ import annotations

import csv
import hashlib
import json
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from sqlalchemy import update

from backsight.domain.recording import Exercise
from backsight.errors import NotFoundError, OutputError
from backsight.storage import recordings, studies, study_settings
from backsight.storage.database import Database
from backsight.storage.deletion import delete_expired
from backsight.storage.export import export_study
from backsight.storage.tables import Recording, Study, Visit
from tests.assessments import make_pose
from tests.unit.storage.people import assess, begin, make_participant, make_study, record

WORDS = ("Zaphod", "Trillian", "Marvin", "Slartibartfast", "Vogon")


@pytest.fixture
def study(sqlite_database: Database) -> Study:
    """Two people: one with a profile and two visits, one excluded."""
    with sqlite_database.session() as session:
        study = make_study(session)
        first = studies.invite(session, study_id=study.id, label="Zaphod").participant
        studies.sign_consent(session, first, signed_name="Trillian", text_hash=studies.consent_hash(study.consent_text))
        studies.save_profile(
            session, first, birth_year=1980, sex="female", height_cm=170.0, mass_kg=62.5, back_history={"a": "Vogon"}
        )
        studies.add_note(session, first, user_id=None, text="Marvin")
        visit = recordings.open_visit(session, first)
        visit.started_at = datetime(2026, 3, 1, tzinfo=UTC)
        walk = record(session, visit, Exercise.WALK, rating=80.0, pose=make_pose(Exercise.WALK))
        record(session, visit, Exercise.JUMP, rating=75.5)
        recordings.skip(session, visit, exercise="touch-toes", reason="Slartibartfast")
        recordings.finish_visit(session, visit)
        recordings.save_assessment(session, walk.id, assess(Exercise.WALK))
        again = recordings.open_visit(session, first)
        unusable = record(session, again, Exercise.WALK)
        recordings.save_assessment(session, unusable.id, assess(Exercise.WALK, index=None))
        begin(session, again, Exercise.JUMP)
        second = make_participant(session, study)
        record(session, recordings.open_visit(session, second), Exercise.WALK)
        studies.exclude(session, second, reason="It was Slartibartfast")
    return study


def rows_of(folder: Path) -> list[dict[str, str]]:
    with (folder / "study.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_every_kept_recording_is_a_row_with_its_landmarks(
    sqlite_database: Database, study: Study, tmp_path: Path
) -> None:
    with sqlite_database.session() as session:
        done = export_study(session, study.id, out=tmp_path / "out")
    rows = rows_of(tmp_path / "out")
    assert [(row["subject"], row["exercise"], row["session"], row["rating"], row["exclude"]) for row in rows] == [
        ("P-0001", "walk", "1", "80", ""),
        ("P-0001", "jump", "1", "75.5", "not assessed yet"),
        ("P-0001", "walk", "2", "80", "recording unusable"),
        ("P-0002", "walk", "1", "80", "excluded by the researcher"),
    ]
    first = rows[0]
    assert (first["age_years"], first["sex"], first["height_cm"], first["mass_kg"]) == ("46", "female", "170", "62.5")
    assert (first["quality"], rows[1]["quality"], first["pose_engine"]) == ("good", "", "tasks-vision")
    assert (done.n_subjects, done.n_recordings, done.n_excluded, done.n_without_landmarks) == (2, 4, 3, 0)
    table = pq.read_table(tmp_path / "out" / first["landmarks"])
    pose = make_pose(Exercise.WALK)
    x_px = np.asarray(table["x_px"].to_numpy(), dtype=np.float64).reshape(-1, 33)
    np.testing.assert_allclose(x_px, pose.image_px[:, :, 0], atol=1e-3)
    np.testing.assert_allclose(
        table["timestamp_s"].to_numpy()[::33], pose.timestamps_s - pose.timestamps_s[0], atol=1e-9
    )


PROGRAM = """
import sys
from pathlib import Path
from backsight.storage.database import Database
from backsight.storage.export import export_study
url, study_id, out = sys.argv[1:]
with Database(url).session() as session:
    print(export_study(session, study_id, out=Path(out)).n_recordings, "pandas" in sys.modules)
"""


def test_it_is_made_without_pandas_whose_import_can_swallow_ctrl_c(
    sqlite_url: str, study: Study, tmp_path: Path
) -> None:
    program = [sys.executable, "-c", PROGRAM, sqlite_url, study.id, str(tmp_path / "out")]
    done = subprocess.run(program, capture_output=True, text=True, check=False)
    assert done.stdout.split() == ["4", "False"], done.stderr


def test_a_visit_keeps_its_number_when_an_earlier_one_expires(
    sqlite_database: Database, study: Study, tmp_path: Path
) -> None:
    with sqlite_database.session() as session:
        study_settings.set_retention(session, study.id, retention_days=30)
        session.execute(update(Visit).where(Visit.finished_at.is_not(None)).values(finished_at=Visit.started_at))
        assert delete_expired(session, today=datetime.now(UTC).date(), videos=None, actor="system").deletions
        done = export_study(session, study.id, out=tmp_path / "out")
    rows = [(row["subject"], row["session"]) for row in rows_of(tmp_path / "out")]
    assert rows == [("P-0001", "2"), ("P-0002", "1")]
    assert (done.n_subjects, done.n_without_landmarks) == (2, 2)


def test_somebody_without_landmarks_is_no_subject_of_it(
    sqlite_database: Database, study: Study, tmp_path: Path
) -> None:
    with sqlite_database.session() as session:
        session.execute(update(Recording).values(n_chunks=None))
        done = export_study(session, study.id, out=tmp_path / "out")
    assert (done.n_subjects, done.n_recordings) == (0, 0)


@pytest.mark.parametrize("name", ["=1+1", "+1", "-1", "@SUM(A1)"])
def test_a_text_that_a_spreadsheet_would_run_is_none_any_more(
    sqlite_database: Database, study: Study, tmp_path: Path, name: str
) -> None:
    with sqlite_database.session() as session:
        session.execute(update(Recording).values(pose_engine=name))
        export_study(session, study.id, out=tmp_path / "out")
    assert {row["pose_engine"] for row in rows_of(tmp_path / "out")} == {f"'{name}"}


def test_nothing_in_it_says_who_somebody_is(sqlite_database: Database, study: Study, tmp_path: Path) -> None:
    with sqlite_database.session() as session:
        export_study(session, study.id, out=tmp_path / "out")
        ids = [item.participant_id for item in studies.overview(session, study.id)]
    files = [path for path in (tmp_path / "out").rglob("*") if path.is_file()]
    assert len(files) == 6
    for path in files:
        # Parquet's metadata is not compressed; its columns are numbers.
        content = path.read_bytes()
        assert [word for word in (*WORDS, *ids, "1980", "2026") if word.encode() in content] == [], path.name


def test_check_sums_hold(sqlite_database: Database, study: Study, tmp_path: Path) -> None:
    with sqlite_database.session() as session:
        export_study(session, study.id, out=tmp_path / "out")
    about = json.loads((tmp_path / "out/study.json").read_text(encoding="utf-8"))
    assert len(about["sha256"]) == 5
    for name, expected in about["sha256"].items():
        assert hashlib.sha256((tmp_path / "out" / name).read_bytes()).hexdigest() == expected


def test_a_folder_that_is_taken_is_left_alone(sqlite_database: Database, study: Study, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out/mine.txt").write_text("mine")
    with sqlite_database.session() as session:
        for overwrite in (False, True):
            with pytest.raises(OutputError):
                export_study(session, study.id, out=tmp_path / "out", overwrite=overwrite)
        with pytest.raises(NotFoundError):
            export_study(session, "0" * 32, out=tmp_path / "other")
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["mine.txt"]


def test_a_study_without_recordings_gives_a_table_without_rows(sqlite_database: Database, tmp_path: Path) -> None:
    with sqlite_database.session() as session:
        done = export_study(session, make_study(session).id, out=tmp_path / "out")
    assert (done.n_recordings, rows_of(tmp_path / "out")) == (0, [])
