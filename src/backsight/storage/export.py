"""Write a study as a data set for `backsight train`: a manifest beside landmarks, de-identified. Changes nothing.

What leaves goes by the participant's code. Names, labels, notes, reasons in somebody's words, dates, identifiers and
answers of the questionnaire stay; an age is in whole years, and sessions are numbered. A text that a spreadsheet would
take for a formula begins with an apostrophe.
"""

from __future__ import annotations

import csv
import hashlib
import json
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import select
from sqlalchemy.orm import Session

from backsight.domain.assessment import NO_DIAGNOSIS, QualityVerdict
from backsight.domain.sequences import PoseSequence
from backsight.exports.folder import FolderKind, staged_folder
from backsight.exports.landmarks import pack_clip_landmarks
from backsight.kinematics.angles import body_frame
from backsight.kinematics.view import find_view
from backsight.storage.recordings import load_track
from backsight.storage.study_settings import find_study
from backsight.storage.tables import AssessmentRow, Participant, Recording, RecordingState, Study, Visit

MANIFEST_NAME = "study.csv"
ABOUT_NAME = "study.json"
STUDY_FOLDER = FolderKind(MANIFEST_NAME, (MANIFEST_NAME, ABOUT_NAME, "landmarks"))

COLUMNS = {
    "subject": "the participant's code",
    "exercise": "touch-toes, walk or jump",
    "landmarks": "file of landmarks, relative to this table",
    "rating": "how the person rated their own back afterwards, 0 worst to 100 best",
    "group": "left empty: fill in a diagnosis or another grouping where you know one",
    "view": "where the camera stood, as the landmarks show it: front, oblique or side; empty = not known",
    "session": "which of the person's visits, counted from 1",
    "height_cm": "standing height in centimetres, as the person said",
    "exclude": "why the row is not used; empty = it is",
    "age_years": "age in the year of the visit, from the year of birth",
    "sex": "female, male, other or empty = not said",
    "mass_kg": "as the person said",
    "quality": "good, poor or unusable; empty = not assessed",
    "pose_model": "BlazePose model that found the landmarks",
    "pose_engine": "what ran it",
}
"""What each column of the manifest holds; `backsight train` reads those up to `exclude`."""
EXCLUDED_BY_RESEARCHER = "excluded by the researcher"
UNUSABLE = "recording unusable"
NOT_ASSESSED = "could not be assessed"
NOT_YET_ASSESSED = "not assessed yet"

_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")
"""What makes spreadsheets run a text: an engine's name comes from the browser of whoever was recorded."""
_KEPT = (RecordingState.QUEUED, RecordingState.DONE, RecordingState.FAILED)


@dataclass(frozen=True)
class Exported:
    """What an export holds."""

    manifest: Path
    n_subjects: int
    n_recordings: int
    n_excluded: int
    """Rows that say why they are not to be used."""
    n_without_landmarks: int
    """Recordings left out because their landmarks are not here (yet), or were deleted."""


def export_study(session: Session, study_id: str, *, out: Path, overwrite: bool = False) -> Exported:
    """Write a folder with study.csv, study.json and a file of landmarks for each recording that was kept.

    Parameters
    ----------
    out
        The folder to make; its parent must exist. All or nothing.
    overwrite
        Replace an earlier export there.

    Raises
    ------
    NotFoundError
        When there is no such study.
    OutputError
        When the folder is taken or cannot be written.
    """
    study = find_study(session, study_id)
    visits: dict[str, list[str]] = {}
    rows: list[dict[str, object]] = []
    n_without = 0
    with staged_folder(out, overwrite=overwrite, kind=STUDY_FOLDER) as folder:
        (folder / "landmarks").mkdir()
        for person, visit, recording, quality in _kept(session, study_id):
            # Counted with their landmarks or without, so that a visit keeps its number when earlier ones expire.
            sessions = visits.setdefault(person.code, [])
            if visit.id not in sessions:
                sessions.append(visit.id)
            if recording.n_chunks is None:
                n_without += 1
                continue
            name = f"landmarks/{len(rows) + 1:05d}.parquet"
            pose = load_track(session, recording.id).pose
            _write_landmarks(folder / name, pose, recording)
            rows.append(_row(person, visit, recording, quality, pose) | {"landmarks": name, "session": len(sessions)})
        _write_manifest(folder / MANIFEST_NAME, rows)
        _write_about(folder, study, rows)
    return Exported(
        manifest=out / MANIFEST_NAME,
        n_subjects=len({row["subject"] for row in rows}),
        n_recordings=len(rows),
        n_excluded=sum(bool(row["exclude"]) for row in rows),
        n_without_landmarks=n_without,
    )


def _kept(session: Session, study_id: str) -> list[tuple[Participant, Visit, Recording, str | None]]:
    query = (
        select(Participant, Visit, Recording, AssessmentRow.quality)
        .join(Visit, Visit.participant_id == Participant.id)
        .join(Recording, Recording.visit_id == Visit.id)
        .outerjoin(AssessmentRow, AssessmentRow.recording_id == Recording.id)
        .where(Participant.study_id == study_id, Recording.state.in_(_KEPT))
        .order_by(Participant.code, Visit.started_at, Visit.id, Recording.created_at, Recording.id)
    )
    return [(row[0], row[1], row[2], row[3]) for row in session.execute(query)]


def _row(
    person: Participant, visit: Visit, recording: Recording, quality: str | None, pose: PoseSequence
) -> dict[str, object]:
    exclude = ""
    if person.excluded_at is not None:
        # Not the reason as it was typed: it may say who somebody is.
        exclude = EXCLUDED_BY_RESEARCHER
    elif quality == QualityVerdict.UNUSABLE:
        exclude = UNUSABLE
    elif recording.state is RecordingState.FAILED:
        exclude = NOT_ASSESSED
    elif recording.state is RecordingState.QUEUED:
        exclude = NOT_YET_ASSESSED
    age = None if person.birth_year is None else visit.started_at.year - person.birth_year
    return {
        "subject": person.code,
        "exercise": recording.exercise,
        "rating": recording.rating,
        "group": "",
        "view": _view(pose),
        "height_cm": person.height_cm,
        "exclude": exclude,
        "age_years": age,
        "sex": person.sex,
        "mass_kg": person.mass_kg,
        "quality": quality,
        "pose_model": recording.pose_model,
        "pose_engine": recording.pose_engine,
    }


def _view(pose: PoseSequence) -> str:
    view = find_view(body_frame(pose.world_m))
    if view.is_frontal:
        return "front"
    if view.is_lateral:
        return "side"
    # Neither is also what an unknown view is.
    return "oblique" if view.off_front_deg >= 0.0 else ""


def _write_manifest(path: Path, rows: list[dict[str, object]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(COLUMNS))
        writer.writeheader()
        for row in rows:
            writer.writerow({name: _cell(row[name]) for name in COLUMNS})


def _cell(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, str) and value.startswith(_FORMULA_STARTS):
        return f"'{value}"
    return f"{value:g}" if isinstance(value, float) else str(value)


def _write_landmarks(path: Path, pose: PoseSequence, recording: Recording) -> None:
    """Write one recording as `backsight extract` writes a clip, a row a frame and landmark."""
    about = {"pose_model": recording.pose_model, "engine": recording.pose_engine}
    path.write_bytes(pack_clip_landmarks(pose, key=path.stem, key_meaning="the file's name", about=about))


def _write_about(folder: Path, study: Study, rows: list[dict[str, object]]) -> None:
    files = [MANIFEST_NAME, *(str(row["landmarks"]) for row in rows)]
    about = {
        "schema": "backsight.study-export",
        "schema_version": "1.0",
        "statement": NO_DIAGNOSIS,
        "study": study.name,
        "exercises": study.exercises,
        "privacy_mode": study.privacy_mode.value,
        "n_recordings": len(rows),
        "columns": COLUMNS,
        "sha256": {name: hashlib.sha256((folder / name).read_bytes()).hexdigest() for name in files},
    }
    text = json.dumps(about, indent=2, ensure_ascii=False)
    (folder / ABOUT_NAME).write_text(text + "\n", encoding="utf-8")
