"""Studies: the list, a new one, one at a glance, whom it invites, its data set. Knows no SQL."""

from __future__ import annotations

import re
import tempfile
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import Annotated

from fastapi import APIRouter, Form, Query
from starlette.background import BackgroundTask
from starlette.requests import Request
from starlette.responses import FileResponse, Response

from backsight.domain.assessment import IndexVerdict, QualityVerdict
from backsight.domain.recording import Exercise
from backsight.errors import FieldsError
from backsight.storage import accounts, export, studies
from backsight.storage.overview import ParticipantOverview
from backsight.storage.study_settings import StudySettings
from backsight.storage.tables import ParticipantState, PrivacyMode, RecordingState
from backsight.storage.visits import KEPT
from backsight.web.access import SignedIn, StudyExporter, StudyUser, StudyWorker, Work, audited
from backsight.web.consent import DEFAULT_CONSENT_TEXT
from backsight.web.listing import Show, SortBy, list_people
from backsight.web.security import settings_of
from backsight.web.study_form import GivenStudy, StudyForm, form_of
from backsight.web.templating import render, see

router = APIRouter()
INVITATION_LIFETIMES_DAYS = (7, 30, 90, 365)
_DEFAULT_LIFETIME_DAYS = 30
_MOST_PAGES = 100_000


@dataclass(frozen=True)
class Progress:
    """A study in numbers."""

    n_people: int
    states: dict[ParticipantState, int]
    qualities: dict[QualityVerdict, int]
    """Of each participant's last assessed visit."""
    n_visits: int
    n_waiting: int
    """Recordings that wait to be assessed."""
    n_failed: int
    n_skipped: int
    """Exercises that participants left out."""
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
    rows.sort(key=lambda item: item[0].closed_at is not None)
    return render(request, "studies/list.html", rows=rows)


@router.get("/studies/new")
def show_new_study(request: Request, _: StudyWorker) -> Response:
    """Show the form of a new study, filled in with what suits most."""
    usual = StudySettings(
        name="",
        exercises=tuple(Exercise),
        consent_text=DEFAULT_CONSENT_TEXT,
        privacy_mode=PrivacyMode.LANDMARKS,
        retention_days=None,
    )
    return _new_study_page(request, form_of(usual), {})


@router.post("/studies/new")
def make_study(
    request: Request, *, user: StudyWorker, work: Annotated[Work, audited("make study")], given: GivenStudy
) -> Response:
    """Make a study of which the user is the first member."""
    try:
        wanted = given.settings()
        with work.session() as session:
            study = studies.create_study(
                session,
                name=wanted.name,
                exercises=wanted.exercises,
                consent_text=wanted.consent_text,
                privacy_mode=wanted.privacy_mode,
                retention_days=wanted.retention_days,
                show_live_index=wanted.show_live_index,
                owner_id=user.id,
            )
            work.about(study_id=study.id)
    except FieldsError as error:
        return _new_study_page(request, given, error.fields)
    return see(f"/studies/{study.id}")


@router.get("/studies/{study_id}")
def show_study(
    request: Request,
    *,
    user: StudyUser,
    work: Annotated[Work, audited("read study")],
    show: Show = Show.ALL,
    sort: SortBy = SortBy.ATTENTION,
    page: Annotated[int, Query(ge=1, le=_MOST_PAGES)] = 1,
) -> Response:
    """Show a study: how far it is, everybody in it, who works on it."""
    return _study_page(request, user, work, show=show, sort=sort, page=page)


@router.post("/studies/{study_id}/invitations")
def invite(
    request: Request,
    *,
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
        return _study_page(
            request,
            user,
            work,
            status_code=HTTPStatus.UNPROCESSABLE_ENTITY,
            errors=error.fields,
            given={"label": label, "lifetime_days": lifetime_days},
        )
    return render(
        request,
        "studies/invitation.html",
        code=made.participant.code,
        link=invitation_link(request, made.token),
        expires_at=made.participant.invitation_expires_at,
        study_id=work.study_id,
        participant_id=made.participant.id,
    )


@router.get("/studies/{study_id}/export")
def show_export(request: Request, _: StudyExporter, work: Annotated[Work, audited("read study")]) -> Response:
    """Say what an export holds and what it leaves out, before anything leaves."""
    with work.reading() as session:
        study = studies.find_study(session, work.study_id)
        people = studies.overview(session, study.id)
    return render(
        request,
        "studies/export.html",
        study=study,
        name=_file_name(study.name),
        columns=export.COLUMNS,
        n_recordings=sum(_n_kept(one) for one in people),
        n_people=sum(_n_kept(one) > 0 for one in people),
        n_excluded=sum(one.is_excluded and _n_kept(one) > 0 for one in people),
        n_waiting=sum(one.recordings.get(RecordingState.QUEUED, 0) for one in people),
    )


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
        n_visits=sum(one.n_visits for one in people),
        n_waiting=sum(one.recordings.get(RecordingState.QUEUED, 0) for one in people),
        n_failed=sum(one.recordings.get(RecordingState.FAILED, 0) for one in people),
        n_skipped=sum(one.recordings.get(RecordingState.SKIPPED, 0) for one in people),
        n_attention=sum(one.needs_attention for one in people),
        n_red_flags=sum(one.verdict == IndexVerdict.RED_FLAG for one in people),
        n_excluded=sum(one.is_excluded for one in people),
    )


def invitation_link(request: Request, token: str) -> str:
    """Return the address that a participant opens."""
    base = settings_of(request).public_url or str(request.base_url).rstrip("/")
    return f"{base}/join/{token}"


def _new_study_page(request: Request, given: StudyForm, errors: dict[str, str]) -> Response:
    return render(
        request,
        "studies/new.html",
        status_code=HTTPStatus.UNPROCESSABLE_ENTITY if errors else HTTPStatus.OK,
        given=given,
        errors=errors,
        all_exercises=list(Exercise),
        is_fixed=False,
    )


def _study_page(
    request: Request,
    user: SignedIn,
    work: Work,
    *,
    show: Show = Show.ALL,
    sort: SortBy = SortBy.ATTENTION,
    page: int = 1,
    status_code: int = HTTPStatus.OK,
    errors: dict[str, str] | None = None,
    given: dict[str, object] | None = None,
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
        listing=list_people(people, show=show, sort=sort, page=page),
        all_shows=list(Show),
        all_sorts=list(SortBy),
        progress=measure_progress(people),
        members=members,
        may_export=user.may_export,
        lifetimes=INVITATION_LIFETIMES_DAYS,
        labels={item.value: item.label for item in Exercise},
        errors=errors or {},
        given=given or {"label": "", "lifetime_days": _DEFAULT_LIFETIME_DAYS},
        done=request.query_params.get("done"),
    )


def _file_name(name: str) -> str:
    """Return a study's name as part of a file's."""
    plain = re.sub(r"[^A-Za-z0-9]+", "-", name).strip("-").lower()
    return plain[:60] or "study"


def _n_kept(one: ParticipantOverview) -> int:
    return sum(one.recordings.get(state, 0) for state in KEPT)


def _zipped(folder: Path) -> Path:
    archive = folder.with_suffix(".zip")
    # Parquet is compressed already.
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_STORED) as file:
        for path in sorted(folder.rglob("*")):
            if path.is_file():
                file.write(path, path.relative_to(folder.parent))
    return archive
