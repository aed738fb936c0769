"""`backsight history` and `forget` on a database that `assess --subject` filled."""

from __future__ import annotations

import json
import sqlite3
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from typer.testing import CliRunner

from backsight.cli.main import app
from backsight.domain.assessment import Assessment
from backsight.domain.recording import Exercise
from backsight.errors import InputError, NotFoundError, StorageError
from backsight.records import check_subject, forget_person, person_history, record_assessment
from backsight.storage.sealing import Seal
from tests.assessments import make_assessment, make_exercise


@pytest.fixture(autouse=True)
def database(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "people.sqlite3"
    monkeypatch.setenv("BACKSIGHT_DATABASE_URL", f"sqlite:///{path}")
    monkeypatch.setenv("BACKSIGHT_VIDEOS", str(tmp_path / "videos"))
    monkeypatch.delenv("BACKSIGHT_ENCRYPTION_KEY", raising=False)
    return path


def session_of(day: int, index: float | None) -> Assessment:
    parts = [make_exercise(Exercise.TOUCH_TOES, index=index), make_exercise(Exercise.WALK, index=index)]
    parts = [
        replace(part, interval=None if index is None else replace(part.interval, low=index - 0.1, high=index + 0.1))
        for part in parts
    ]
    made = make_assessment(parts)
    card = replace(made.model, interval_half_width=0.1)
    return replace(made, model=card, created_at=f"2026-03-{day:02d}T09:00:00+01:00")


def run(*words: str, answer: str = "") -> str:
    result = CliRunner().invoke(app, [*words], input=answer, env={"COLUMNS": "200"}, catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.output


def test_sessions_stand_below_each_other_with_what_changed(tmp_path: Path) -> None:
    for day, index in ((1, 0.6), (8, 0.5), (15, 0.4)):
        kept = record_assessment(session_of(day, index), subject="S 07")
    assert (kept.n_sessions, kept.is_sealed) == (3, False)
    shown = run("history", "S 07", "--json", str(tmp_path / "h.json"))
    lines = [line for line in shown.splitlines() if "touch-toes, walk" in line]
    # Half widths of 0.1: the limit is 0.141.
    assert [line.split("good")[1].split() for line in lines] == [
        ["–", "–"],
        ["−0.10", "within", "error", "−0.10", "within", "error"],
        ["−0.20", "better", "−0.10", "within", "error"],
    ]
    assert "0.30 to 0.50" in lines[2]
    assert "Zou and Donner 2008" in shown
    assert "not a diagnosis" in shown
    assert "0 of 4 measures changed by more than measurement error since the session before" in shown
    read = json.loads((tmp_path / "h.json").read_text(encoding="utf-8"))
    assert [item["index"]["value"] for item in read["sessions"]] == [0.6, 0.5, 0.4]
    assert (read["subject"], read["sessions"][2]["since_first"]["exceeds_error"]) == ("S 07", True)
    assert run("history", "--list").splitlines()[1].split() == [
        "S",
        "07",
        "Command",
        "line",
        "3",
        "2026-03-15",
        *_time(),
    ]


def _time() -> list[str]:
    from datetime import datetime

    return [f"{datetime.fromisoformat('2026-03-15T09:00:00+01:00').astimezone():%H:%M}"]


def test_an_unusable_session_is_recorded_without_an_index() -> None:
    record_assessment(session_of(1, None), subject="A")
    shown = run("history", "A")
    assert "unusable" in shown
    assert "0.00" not in shown


def test_landmarks_are_kept_as_they_were_filtered(database: Path) -> None:
    import numpy as np

    from backsight.storage.database import Database
    from backsight.storage.recordings import load_track, visit_results

    assessment = session_of(1, 0.4)
    record_assessment(assessment, subject="A")
    opened = Database(f"sqlite:///{database}")
    with opened.session() as session:
        visit = person_history("A").sessions[0].visit_id
        recordings = visit_results(session, visit).recordings
        for part in assessment.exercises:
            (recording,) = (item for item in recordings if item.exercise == part.exercise)
            pose = load_track(session, recording.id).pose
            np.testing.assert_allclose(pose.image_px, part.pose.image_px, atol=1e-3)
    opened.close()


@pytest.mark.parametrize("subject", ["", " a", "a\n", "x" * 101])
def test_an_id_that_cannot_be_is_refused_before_the_assessment(subject: str) -> None:
    with pytest.raises(InputError, match="--subject"):
        check_subject(subject)


def test_another_spelling_is_taken_for_a_slip() -> None:
    record_assessment(session_of(1, 0.4), subject="Anna 1")
    for slip in ("anna 1", "Anna1"):
        with pytest.raises(InputError, match="'Anna 1', who is known"):
            check_subject(slip)
    check_subject("Anna 2")
    with pytest.raises(NotFoundError, match="nobody has the ID 'anna'"):
        person_history("anna")


def test_forgetting_asks_first_and_then_leaves_nothing(database: Path) -> None:
    for day in (1, 2):
        record_assessment(session_of(day, 0.4), subject="A")
    record_assessment(session_of(1, 0.4), subject="B")
    refused = CliRunner().invoke(app, ["forget", "A"], input="n\n")
    assert refused.exit_code == 1
    assert len(person_history("A").sessions) == 2
    with sqlite3.connect(database) as connection:
        (recording_id,) = connection.execute(
            "SELECT recording.id FROM recording JOIN visit ON visit.id = recording.visit_id "
            "JOIN participant ON participant.id = visit.participant_id WHERE participant.code = 'A' LIMIT 1"
        ).fetchone()
    connection.close()
    half_sent = database.parent / "videos.incoming" / recording_id
    half_sent.parent.mkdir()
    half_sent.touch()
    shown = run("forget", "A", "--yes")
    assert not half_sent.exists()
    assert "visits: 2" in shown
    assert "recordings: 4" in shown
    assert "assessments: 6" in shown
    with pytest.raises(NotFoundError):
        person_history("A")
    assert len(person_history("B").sessions) == 1
    with sqlite3.connect(database) as connection:
        actions = [row[0] for row in connection.execute("SELECT action FROM audit_entry ORDER BY number")]
    connection.close()
    assert actions[:3] == ["record assessment"] * 3
    assert "delete participant" in actions
    # Who is not found is not read.
    assert actions.count("read history") == 2


def test_with_a_key_landmarks_are_sealed_and_another_key_is_told(
    database: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BACKSIGHT_ENCRYPTION_KEY", Seal.new_key())
    assert record_assessment(session_of(1, 0.4), subject="A").is_sealed
    with sqlite3.connect(database) as connection:
        payloads = [row[0] for row in connection.execute("SELECT payload FROM landmark_chunk")]
    connection.close()
    assert payloads
    assert all(payload.startswith(b"backsight-sealed-1:") for payload in payloads)
    monkeypatch.setenv("BACKSIGHT_ENCRYPTION_KEY", "not a key")
    with pytest.raises(StorageError, match="BACKSIGHT_ENCRYPTION_KEY"):
        check_subject("A")


def test_two_studies_with_the_same_code_need_the_study(database: Path) -> None:
    from backsight.storage.database import Database
    from tests.unit.storage.people import make_participant, make_study

    record_assessment(session_of(1, 0.4), subject="P-0001")
    opened = Database(f"sqlite:///{database}")
    with opened.session() as session:
        make_participant(session, make_study(session))
    opened.close()
    with pytest.raises(InputError, match="'Backs in Ulm', 'Command line'; name one with --study"):
        person_history("P-0001")
    assert len(person_history("P-0001", study="Command line").sessions) == 1
    assert forget_person("P-0001", study="Backs in Ulm").counts["participants"] == 1
    assert len(person_history("P-0001").sessions) == 1


@pytest.mark.parametrize("words", [("history",), ("history", "A", "--list"), ("history", "--list", "--json", "x.json")])
def test_words_that_do_not_go_together_are_not_understood(words: tuple[str, ...]) -> None:
    assert CliRunner().invoke(app, [*words]).exit_code == 2


def test_nothing_is_opened_without_a_subject(database: Path) -> None:
    from backsight.cli.history import open_record

    open_record(None, {})(session_of(1, 0.4), quiet=False)
    assert not database.exists()


def python(code: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)


def test_without_the_extra_one_line_says_what_to_install() -> None:
    code = "import sys; sys.modules['sqlalchemy'] = None; sys.argv = ['backsight', 'history', 'A']\n"
    done = python(code + "from backsight.cli.main import run; run()")
    assert done.returncode == 1
    assert done.stderr == (
        "backsight: keeping people over time needs sqlalchemy, which is not installed: pip install 'backsight[web]'\n"
    )


def test_the_command_line_loads_no_database_until_it_is_asked_to() -> None:
    done = python("import sys, backsight.cli.main; print('sqlalchemy' in sys.modules, 'alembic' in sys.modules)")
    assert done.stdout == "False False\n"


def fail(*words: str) -> str:
    result = CliRunner().invoke(app, [*words])
    assert isinstance(result.exception, StorageError), result.output
    return str(result.exception)


@pytest.mark.parametrize("words", [("history", "A"), ("history", "--list"), ("forget", "A", "--yes")])
def test_a_mistyped_path_is_told_and_no_empty_database_is_made(words: tuple[str, ...], database: Path) -> None:
    told = fail(*words)
    assert told.startswith(f"{database}: there is no such database; check the path")
    assert "`backsight assess ... --subject ID` make a database" in told
    assert "\n" not in told
    assert list(database.parent.iterdir()) == []


def test_a_file_of_something_else_is_left_untouched(database: Path) -> None:
    for content in (b"", b"a letter to my doctor"):
        database.write_bytes(content)
        assert fail("history", "--list").startswith(f"{database}: ")
        assert database.read_bytes() == content
    database.unlink()
    with sqlite3.connect(database) as connection:
        connection.execute("CREATE TABLE song (title TEXT)")
    connection.close()
    before = database.read_bytes()
    assert "holds no tables of Backsight" in fail("history", "--list")
    assert database.read_bytes() == before
    assert [path.name for path in database.parent.iterdir()] == [database.name]


def test_a_file_assessed_twice_counts_once_and_that_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from backsight.cli.history import open_record

    files = {exercise: tmp_path / f"{exercise}.mp4" for exercise in (Exercise.TOUCH_TOES, Exercise.WALK)}
    for path in files.values():
        path.write_text(path.name, encoding="utf-8")
    open_record("A", files)(session_of(1, 0.4), quiet=False)
    assert capsys.readouterr().out.startswith("Recorded: session 1 of A in ")
    # Under another name it is the same recording.
    files[Exercise.WALK] = files[Exercise.WALK].rename(tmp_path / "renamed.mp4")
    open_record("A", files)(session_of(8, 0.3), quiet=False)
    assert capsys.readouterr().out.splitlines()[1:] == [
        f"This recording of {name} was there already, so it counts once: its new result replaces the earlier one, in "
        "session 1 of 1."
        for name in ("touch-toes", "walk")
    ]
    assert [session.index.value for session in person_history("A").sessions if session.index] == [0.3]
    files[Exercise.WALK].write_text("another film", encoding="utf-8")
    files[Exercise.TOUCH_TOES].write_text("another, too", encoding="utf-8")
    open_record("A", files)(session_of(15, 0.2), quiet=False)
    assert capsys.readouterr().out.startswith("Recorded: session 2 of A in ")


def test_an_unusable_second_look_leaves_the_result_and_that_is_said(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from backsight.cli.history import open_record

    files = {Exercise.TOUCH_TOES: tmp_path / "a.mp4"}
    files[Exercise.TOUCH_TOES].write_text("a film", encoding="utf-8")
    for day, index in ((1, 0.4), (8, None)):
        seen = make_assessment([make_exercise(Exercise.TOUCH_TOES, index=index)])
        open_record("A", files)(replace(seen, created_at=f"2026-03-{day:02d}T09:00:00+01:00"), quiet=False)
    told = capsys.readouterr().out.splitlines()[1:]
    assert told[0].startswith("Recorded: nothing new of A in ")
    assert told[1:] == [
        "This recording of touch-toes was there already with an index, and now it was unusable: its earlier result "
        "stays, in session 1 of 1."
    ]
    assert [item.index.value for item in person_history("A").sessions if item.index] == [0.4]
