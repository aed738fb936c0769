"""Studies: the list, a new one, one at a glance, whom it invites and who works on it, its data set. Knows no SQL."""

from __future__ import annotations

import re
import tempfile
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import Annotated

from fastapi import APIRouter, Form
from starlette.background import BackgroundTask
from starlette.requests import Request
from starlette.responses import FileResponse, Response

from backsight.domain.assessment import IndexVerdict, QualityVerdict
from backsight.domain.recording import Exercise
from backsight.errors import FieldsError
from backsight.storage import accounts, export, studies
from backsight.storage.overview import ParticipantOverview
from backsight.storage.tables import ParticipantState, PrivacyMode, RecordingState, Role
from backsight.web.access import SignedIn, StudyExporter, StudyUser, StudyWorker, Work, audited
from backsight.web.consent import DEFAULT_CONSENT_TEXT
from backsight.web.security import settings_of
from backsight.web.templating import render, see

router = APIRouter()
INVITATION_LIFETIMES_DAYS = (7, 30, 90, 365)
_DEFAULT_LIFETIME_DAYS = 30
_MAX_DIGITS = 9


@dataclass(frozen=True)
class StudyForm:
    """What was entered for a new study, as it was entered."""

    name: str
    exercises: list[str]
    consent_text: str
    privacy_mode: str
    retention_days: str
    """Digits, or empty = kept."""


@dataclass(frozen=True)
class Progress:
    """A study in numbers."""

    n_people: int
    states: dict[ParticipantState, int]
    qualities: dict[QualityVerdict, int]
    """Of each participant's last assessed visit."""
    n_waiting: int
    """Recordings that wait to be assessed."""
    n_failed: int
    n_attention: int
    n_red_flags: int
    n_excluded: int


@router.get("/studies")
def list_studies(request: Request, user: StudyWorker, work: Annotated[Work, audited("list studies")]) -> Response:
    """Show the studies that the user is a member of, each with how far it is."""
    with work.reading() as session:
        row = accounts.find_user(session, email=user.email)
        own = [] if row is None else studies.studies_of(session, row)
        rows = [(study, measure_progress(studies.overview(session, study.id))) for study in own]
    return render(request, "studies/list.html", rows=rows)


@router.get("/studies/new")
def show_new_study(request: Request, _: StudyWorker) -> Response:
    """Show the form of a new study, filled in with what suits most."""
    given = StudyForm(
        name="",
        exercises=[item.value for item in Exercise],
        consent_text=DEFAULT_CONSENT_TEXT,
        privacy_mode=PrivacyMode.LANDMARKS.value,
        retention_days="",
    )
    return _study_form(request, given, {})


@router.post("/studies/new")
def make_study(
    request: Request,
    *,
    user: StudyWorker,
    work: Annotated[Work, audited("make study")],
    name: Annotated[str, Form()] = "",
    exercises: Annotated[list[str] | None, Form()] = None,
    consent_text: Annotated[str, Form()] = "",
    privacy_mode: Annotated[str, Form()] = "",
    retention_days: Annotated[str, Form()] = "",
) -> Response:
    """Make a study of which the user is the first member."""
    given = StudyForm(name, exercises or [], consent_text.replace("\r\n", "\n"), privacy_mode, retention_days.strip())
    try:
        with work.session() as session:
            study = studies.create_study(
                session,
                name=given.name,
                exercises=given.exercises,
                consent_text=given.consent_text,
                privacy_mode=given.privacy_mode,
                retention_days=_days(given.retention_days),
                owner_id=user.id,
            )
            work.about(study_id=study.id)
    except FieldsError as error:
        return _study_form(request, given, error.fields)
    return see(f"/studies/{study.id}")


@router.get("/studies/{study_id}")
def show_study(request: Request, user: StudyUser, work: Annotated[Work, audited("read study")]) -> Response:
    """Show a study: how far it is, everybody in it, who works on it."""
    return _study_page(request, user, work)


@router.post("/studies/{study_id}/invitations")
def invite(
    request: Request,
    user: StudyUser,
    work: Annotated[Work, audited("invite participant")],
    label: Annotated[str, Form()] = "",
    lifetime_days: Annotated[int, Form()] = _DEFAULT_LIFETIME_DAYS,
) -> Response:
    """Invite somebody and show their link, once."""
    try:
        with work.session() as session:
            made = studies.invite(session, study_id=work.study_id, label=label, lifetime_days=lifetime_days)
            work.about(object_id=made.participant.id)
    except FieldsError as error:
        return _study_page(request, user, work, status_code=HTTPStatus.UNPROCESSABLE_ENTITY, errors=error.fields)
    return render(
        request,
        "studies/invitation.html",
        code=made.participant.code,
        link=invitation_link(request, made.token),
        expires_at=made.participant.invitation_expires_at,
        study_id=work.study_id,
        participant_id=made.participant.id,
    )


@router.post("/studies/{study_id}/members")
def add_member(
    request: Request,
    user: StudyUser,
    work: Annotated[Work, audited("add member")],
    email: Annotated[str, Form()] = "",
) -> Response:
    """Let another researcher or clinician see the study."""
    try:
        with work.session() as session:
            other = accounts.find_user(session, email=email)
            if other is None or other.disabled_at is not None or other.role is Role.ADMIN:
                raise FieldsError({"email": "must be that of a researcher or clinician who has an account here"})
            studies.add_member(session, study_id=work.study_id, user_id=other.id)
            work.about(object_id=other.id)
    except FieldsError as error:
        return _study_page(request, user, work, status_code=HTTPStatus.UNPROCESSABLE_ENTITY, errors=error.fields)
    return see(f"/studies/{work.study_id}#members")


@router.get("/studies/{study_id}/export.zip")
def export_study(_: StudyExporter, work: Annotated[Work, audited("export study")]) -> Response:
    """Send the study's data set: a manifest and landmarks, without names, labels and notes."""
    folder = tempfile.TemporaryDirectory(prefix="backsight-export-")
    try:
        with work.reading() as session:
            study = studies.find_study(session, work.study_id)
            made = export.export_study(session, study.id, out=Path(folder.name) / _file_name(study.name))
        archive = _zipped(made.manifest.parent)
    except BaseException:
        folder.cleanup()
        raise
    return FileResponse(
        archive, media_type="application/zip", filename=archive.name, background=BackgroundTask(folder.cleanup)
    )


def measure_progress(people: Sequence[ParticipantOverview]) -> Progress:
    """Count a study's participants by how far they are and how good their recordings are."""
    return Progress(
        n_people=len(people),
        states={state: sum(one.state is state for one in people) for state in ParticipantState},
        qualities={
            quality: n_people
            for quality in QualityVerdict
            if (n_people := sum(one.quality is quality for one in people)) > 0
        },
        n_waiting=sum(one.recordings.get(RecordingState.QUEUED, 0) for one in people),
        n_failed=sum(one.recordings.get(RecordingState.FAILED, 0) for one in people),
        n_attention=sum(one.needs_attention for one in people),
        n_red_flags=sum(one.verdict == IndexVerdict.RED_FLAG for one in people),
        n_excluded=sum(one.is_excluded for one in people),
    )


def invitation_link(request: Request, token: str) -> str:
    """Return the address that a participant opens."""
    base = settings_of(request).public_url or str(request.base_url).rstrip("/")
    return f"{base}/join/{token}"


def _study_form(request: Request, given: StudyForm, errors: dict[str, str]) -> Response:
    return render(
        request,
        "studies/new.html",
        status_code=HTTPStatus.UNPROCESSABLE_ENTITY if errors else HTTPStatus.OK,
        given=given,
        errors=errors,
        all_exercises=list(Exercise),
        modes=PrivacyMode,
    )


def _study_page(
    request: Request,
    user: SignedIn,
    work: Work,
    *,
    status_code: int = HTTPStatus.OK,
    errors: dict[str, str] | None = None,
) -> Response:
    with work.reading("read study") as session:
        study = studies.find_study(session, work.study_id)
        people = studies.overview(session, study.id)
        members = studies.members_of(session, study.id)
    return render(
        request,
        "studies/study.html",
        status_code=status_code,
        study=study,
        people=sorted(people, key=lambda one: not one.needs_attention),
        progress=measure_progress(people),
        members=members,
        may_export=user.may_export,
        lifetimes=INVITATION_LIFETIMES_DAYS,
        default_lifetime=_DEFAULT_LIFETIME_DAYS,
        labels={item.value: item.label for item in Exercise},
        errors=errors or {},
    )


def _days(text: str) -> int | None:
    """Return a number of days; empty = None."""
    if not text:
        return None
    if not text.isascii() or not text.isdigit() or len(text) > _MAX_DIGITS:
        raise FieldsError({"retention_days": f"must be a whole number of days or empty, got {text[:20]!r}"})
    return int(text)


def _file_name(name: str) -> str:
    """Return a study's name as part of a file's."""
    plain = re.sub(r"[^A-Za-z0-9]+", "-", name).strip("-").lower()
    return plain[:60] or "study"


def _zipped(folder: Path) -> Path:
    archive = folder.with_suffix(".zip")
    # Parquet is compressed already.
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_STORED) as file:
        for path in sorted(folder.rglob("*")):
            if path.is_file():
                file.write(path, path.relative_to(folder.parent))
    return archive
