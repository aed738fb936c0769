"""What a study is, who works on it, and whether it is open: the page of its settings. Knows no SQL."""

from __future__ import annotations

from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Form
from starlette.requests import Request
from starlette.responses import Response

from backsight.domain.recording import Exercise
from backsight.errors import ConflictError, FieldsError
from backsight.storage import accounts, studies, study_settings
from backsight.storage.tables import Role
from backsight.web.access import SignedIn, StudyUser, Work, audited
from backsight.web.study_form import GivenStudy, StudyForm, form_of
from backsight.web.templating import render, see

router = APIRouter(prefix="/studies/{study_id}")


@router.get("/settings")
def show_settings(request: Request, user: StudyUser, work: Annotated[Work, audited("read study settings")]) -> Response:
    """Show the settings, the members, and how to close the study."""
    return _settings_page(request, user, work)


@router.post("/settings")
def change_settings(
    request: Request, *, user: StudyUser, work: Annotated[Work, audited("change study settings")], given: GivenStudy
) -> Response:
    """Change the settings, all or none; the audit log says which."""
    try:
        wanted = given.settings()
        with work.session() as session:
            before = study_settings.settings_of(studies.find_study(session, work.study_id))
            changed = study_settings.change_settings(session, work.study_id, wanted=wanted)
            work.about(changed=list(changed))
            if "retention_days" in changed:
                work.about(retention_days=[before.retention_days, wanted.retention_days])
            if "consent_text" in changed:
                work.about(consent_text=studies.consent_hash(wanted.consent_text.strip()))
    except FieldsError as error:
        return _settings_page(request, user, work, given=given, errors=error.fields)
    return see(f"/studies/{work.study_id}/settings?done={_done(changed)}")


@router.post("/close")
def close_study(_: StudyUser, work: Annotated[Work, audited("close study")]) -> Response:
    """End the study; what was recorded stays readable."""
    with work.session() as session:
        study_settings.close_study(session, work.study_id)
    return see(f"/studies/{work.study_id}/settings?done=closed#open")


@router.post("/reopen")
def reopen_study(_: StudyUser, work: Annotated[Work, audited("reopen study")]) -> Response:
    """Take the study up again."""
    with work.session() as session:
        study_settings.reopen_study(session, work.study_id)
    return see(f"/studies/{work.study_id}/settings?done=reopened#open")


@router.post("/members")
def add_member(
    request: Request,
    user: StudyUser,
    work: Annotated[Work, audited("add member")],
    email: Annotated[str, Form()] = "",
) -> Response:
    """Let another researcher or clinician see the study."""
    try:
        with work.session() as session:
            other = accounts.find_user(session, email=email.strip())
            if other is None or other.disabled_at is not None or other.role is Role.ADMIN:
                raise FieldsError({"email": "must be that of a researcher or clinician who has an account here"})
            studies.add_member(session, study_id=work.study_id, user_id=other.id)
            work.about(object_id=other.id)
    except FieldsError as error:
        return _settings_page(request, user, work, errors=error.fields, email=email)
    return see(f"/studies/{work.study_id}/settings?done=added#members")


@router.post("/members/{user_id}/remove")
def remove_member(
    request: Request, user: StudyUser, work: Annotated[Work, audited("remove member")], user_id: str
) -> Response:
    """Take the study from a member; the last one stays."""
    try:
        with work.session() as session:
            study_settings.remove_member(session, study_id=work.study_id, user_id=user_id)
            work.about(object_id=user_id)
    except ConflictError as error:
        return _settings_page(
            request, user, work, errors={"members": _sentence(error)}, status_code=HTTPStatus.CONFLICT
        )
    if user_id == user.id:
        return see("/studies")
    return see(f"/studies/{work.study_id}/settings?done=removed#members")


def _sentence(error: Exception) -> str:
    text = str(error)
    return f"{text[:1].upper()}{text[1:]}."


def _done(changed: tuple[str, ...]) -> str:
    if not changed:
        return "nothing"
    return "consent" if "consent_text" in changed else "saved"


def _settings_page(
    request: Request,
    user: SignedIn,
    work: Work,
    *,
    given: StudyForm | None = None,
    errors: dict[str, str] | None = None,
    email: str = "",
    status_code: int = HTTPStatus.UNPROCESSABLE_ENTITY,
) -> Response:
    with work.reading("read study settings") as session:
        study = studies.find_study(session, work.study_id)
        is_fixed = study_settings.has_recordings(session, study.id)
        members = studies.members_of(session, study.id)
        n_signed = study_settings.count_signatures(
            session, study.id, text_hash=studies.consent_hash(study.consent_text)
        )
    return render(
        request,
        "studies/settings.html",
        status_code=status_code if errors else HTTPStatus.OK,
        study=study,
        given=given or form_of(study_settings.settings_of(study)),
        errors=errors or {},
        all_exercises=list(Exercise),
        is_fixed=is_fixed,
        n_signed=n_signed,
        members=members,
        me=user.id,
        email=email,
        done=request.query_params.get("done"),
    )
