"""A participant's pages: consent, questions, camera, exercises, thank-you, withdrawal. Knows no table and no link.

`storage.progress` says what comes next, so a participant may stop anywhere and come back.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Form
from sqlalchemy.orm import Session
from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import FileResponse, RedirectResponse, Response

from backsight.errors import ConflictError, FieldsError
from backsight.storage import deletion, progress, recordings, studies
from backsight.storage.progress import ExerciseState, Progress, Step
from backsight.storage.results import REASON_LIMIT
from backsight.web import pose_runtime
from backsight.web.access import (
    Anybody,
    CurrentParticipant,
    Store,
    Visitor,
    WithdrawingParticipant,
    Work,
    audited,
)
from backsight.web.participant_page import (
    CHECKED,
    DELAYS_S,
    EXPLANATIONS,
    HOME,
    LENGTHS_S,
    exercise_settings,
    page_settings,
)
from backsight.web.questionnaire import GROUPS, PREFIX, read_answers
from backsight.web.routes import participant_link, participant_recordings
from backsight.web.routes.uploads import clear_incoming, incoming_dir
from backsight.web.security import clear_participant_cookie
from backsight.web.templating import render

router = APIRouter()
router.include_router(participant_recordings.router)
router.include_router(participant_link.router)

_KEEP_FOR_GOOD = "public, max-age=31536000, immutable"
_PAGES = {
    Step.CONSENT: f"{HOME}/consent",
    Step.ABOUT_YOU: f"{HOME}/about-you",
    Step.CAMERA: f"{HOME}/camera",
    Step.THANK_YOU: f"{HOME}/thank-you",
}
_PROFILE = ("birth_year", "sex", "height_cm", "mass_kg")


async def _form_of(request: Request) -> FormData:
    """Return all fields of a form, as the questionnaire's fields are made from its questions."""
    return await request.form()


@router.get(HOME)
def go_on(visitor: CurrentParticipant, store: Store) -> Response:
    """Go to what is to be done next, wherever the participant stopped."""
    return _see(_next_page(_progress(store, visitor)))


@router.get(f"{HOME}/consent")
def show_consent(request: Request, visitor: CurrentParticipant, store: Store) -> Response:
    """Show what is agreed to, until it is signed."""
    where = _progress(store, visitor)
    return _consent_page(request, where) if where.needs_consent else _see(HOME)


@router.post(f"{HOME}/consent")
def sign_consent(
    request: Request,
    visitor: CurrentParticipant,
    *,
    store: Store,
    work: Annotated[Work, audited("sign consent")],
    text_hash: Annotated[str, Form(max_length=64)],
    signed_name: Annotated[str, Form()] = "",
    agrees: Annotated[str, Form()] = "",
) -> Response:
    """Keep the signature."""
    wrong = {}
    if not 0 < len(signed_name.strip()) <= studies.NAME_LIMIT or "\0" in signed_name:
        wrong["signed_name"] = f"Please type your name, with at most {studies.NAME_LIMIT} letters."
    if agrees != "yes":
        wrong["agrees"] = "Please tick this if you agree. Without it you cannot take part."
    if wrong:
        return _consent_page(request, _progress(store, visitor), wrong=wrong, signed_name=signed_name)
    with work.session() as session:
        person = studies.find_participant(session, study_id=visitor.study_id, participant_id=visitor.id)
        studies.sign_consent(session, person, signed_name=signed_name, text_hash=text_hash)
        # A text that was changed during the last exercise held its visit open.
        participant_recordings.finish_if_done(session, visitor)
    return _see(HOME)


@router.get(f"{HOME}/about-you")
def show_about_you(
    request: Request, visitor: CurrentParticipant, work: Annotated[Work, audited("read own answers")]
) -> Response:
    """Show the questions, with the answers given so far."""
    with work.session() as session:
        where = progress.find_progress(session, study_id=visitor.study_id, participant_id=visitor.id)
    if where.needs_consent:
        return _see(HOME)
    person = where.participant
    answers = {name: [_shown(getattr(person, name))] for name in _PROFILE}
    for name, answer in (person.back_history or {}).items():
        answers[PREFIX + name] = answer if isinstance(answer, list) else [str(answer)]
    return _about_you_page(request, where, answers)


@router.post(f"{HOME}/about-you")
def save_about_you(
    request: Request,
    visitor: CurrentParticipant,
    store: Store,
    work: Annotated[Work, audited("save own answers")],
    form: Annotated[FormData, Depends(_form_of)],
) -> Response:
    """Keep the answers; what was left empty is not said."""
    given = {name: [text for text in form.getlist(name) if isinstance(text, str)] for name in form}
    wrong: dict[str, str] = {}
    numbers = {name: _number(given, name, wrong) for name in ("birth_year", "height_cm", "mass_kg")}
    try:
        history = read_answers(given)
    except FieldsError as error:
        wrong |= error.fields
        history = {}
    if numbers["birth_year"] is not None and not numbers["birth_year"].is_integer():
        wrong["birth_year"] = "must be a whole year"
    if not wrong:
        try:
            with work.session() as session:
                studies.save_profile(
                    session,
                    _signed(session, visitor),
                    birth_year=None if numbers["birth_year"] is None else int(numbers["birth_year"]),
                    sex=(given.get("sex") or [""])[0] or None,
                    height_cm=numbers["height_cm"],
                    mass_kg=numbers["mass_kg"],
                    back_history=history,
                )
            return _see(HOME)
        except FieldsError as error:
            wrong = error.fields
    return _about_you_page(request, _progress(store, visitor), given, wrong=wrong)


@router.get(f"{HOME}/camera")
def show_camera(request: Request, visitor: CurrentParticipant, store: Store) -> Response:
    """Show the camera check, first or again."""
    where = _progress(store, visitor)
    if where.step not in (Step.CAMERA, Step.EXERCISE):
        return _see(HOME)
    return render(
        request,
        "participant/camera.html",
        where=where,
        settings=page_settings(),
        checked=CHECKED,
        reason_limit=REASON_LIMIT,
    )


@router.get(f"{HOME}/exercises/{{exercise}}")
def show_exercise(request: Request, visitor: CurrentParticipant, store: Store, exercise: str) -> Response:
    """Show an exercise that is still to be done."""
    where = _progress(store, visitor)
    one = progress.find_exercise(where, exercise)
    if where.step is not Step.EXERCISE or not one.is_open:
        return _see(HOME)
    return render(
        request,
        "participant/exercise.html",
        where=where,
        exercise=one.exercise,
        number=[other.exercise for other in where.exercises].index(one.exercise) + 1,
        explanation=EXPLANATIONS[one.exercise],
        settings=exercise_settings(one, where.study),
        is_unrated=one.state is ExerciseState.UNRATED,
        delays_s=DELAYS_S,
        lengths_s=LENGTHS_S,
        reason_limit=REASON_LIMIT,
    )


@router.get(f"{HOME}/thank-you")
def show_thank_you(request: Request, visitor: CurrentParticipant, store: Store) -> Response:
    """Say thank you, and what was done."""
    where = _progress(store, visitor)
    if where.step is not Step.THANK_YOU:
        return _see(HOME)
    return render(request, "participant/thank_you.html", where=where, explanations=EXPLANATIONS)


@router.post(f"{HOME}/visits")
def begin_visit(visitor: CurrentParticipant, work: Annotated[Work, audited("begin visit")]) -> Response:
    """Begin another visit, on another day or after a treatment."""
    with work.session() as session:
        person = _signed(session, visitor)
        participant_recordings.finish_if_done(session, visitor)
        recordings.open_visit(session, person)
    return _see(HOME)


@router.get(f"{HOME}/withdraw")
def show_withdraw(request: Request, visitor: WithdrawingParticipant, store: Store) -> Response:
    """Ask whether everything shall be deleted."""
    return render(request, "participant/withdraw.html", where=_progress(store, visitor), wrong={})


@router.post(f"{HOME}/withdraw")
def withdraw(
    request: Request,
    visitor: WithdrawingParticipant,
    store: Store,
    sure: Annotated[str, Form()] = "",
) -> Response:
    """Delete everything of this participant, and show what was deleted."""
    if sure != "yes":
        wrong = {"sure": "Please tick this if everything shall be deleted."}
        return render(
            request,
            "participant/withdraw.html",
            status_code=HTTPStatus.UNPROCESSABLE_ENTITY,
            where=_progress(store, visitor),
            wrong=wrong,
        )
    # The deletion makes its own entry in the audit log, with what was deleted.
    with store.session() as session:
        person = studies.find_participant(session, study_id=visitor.study_id, participant_id=visitor.id)
        proof = deletion.withdraw(session, person, videos=request.app.state.videos)
    clear_incoming(store, incoming_dir(request.app.state.settings))
    response = render(request, "participant/withdrawn.html", counts=_told(proof.counts), proof=proof)
    clear_participant_cookie(response, request)
    # A video that was not sent yet is held by the browser itself.
    response.headers["Clear-Site-Data"] = '"storage"'
    return response


@router.get(f"{pose_runtime.PATH}/{pose_runtime.BINARY}")
def send_runtime(request: Request, allowed: Anybody) -> Response:  # noqa: ARG001
    """Send the pose runtime's WebAssembly, compressed where the browser takes that."""
    headers = {"Cache-Control": _KEEP_FOR_GOOD, "Vary": "Accept-Encoding"}
    if "gzip" in request.headers.get("accept-encoding", ""):
        headers["Content-Encoding"] = "gzip"
        return FileResponse(pose_runtime.compressed_binary(), media_type="application/wasm", headers=headers)
    return Response(pose_runtime.plain_binary(), media_type="application/wasm", headers=headers)


@router.get(f"{pose_runtime.PATH}/{pose_runtime.MODEL.file_name}")
def send_model(allowed: Anybody) -> Response:  # noqa: ARG001
    """Send BlazePose's bundle."""
    headers = {"Cache-Control": _KEEP_FOR_GOOD}
    return FileResponse(pose_runtime.model_path(), media_type="application/octet-stream", headers=headers)


def _see(page: str) -> Response:
    return RedirectResponse(page, status_code=HTTPStatus.SEE_OTHER)


def _progress(store: Store, visitor: Visitor) -> Progress:
    with store.session(read_only=True) as session:
        return progress.find_progress(session, study_id=visitor.study_id, participant_id=visitor.id)


def _next_page(where: Progress) -> str:
    if where.step is Step.EXERCISE:
        return f"{HOME}/exercises/{where.next_exercise}"
    return _PAGES[where.step]


def _signed(session: Session, visitor: Visitor) -> Any:
    """Return the participant, who has signed what is now agreed to."""
    where = progress.find_progress(session, study_id=visitor.study_id, participant_id=visitor.id)
    if where.needs_consent:
        raise ConflictError("please read and sign the consent first")
    return where.participant


def _consent_page(
    request: Request, where: Progress, *, wrong: Mapping[str, str] | None = None, signed_name: str = ""
) -> Response:
    return render(
        request,
        "participant/consent.html",
        status_code=HTTPStatus.UNPROCESSABLE_ENTITY if wrong else HTTPStatus.OK,
        where=where,
        text_hash=studies.consent_hash(where.study.consent_text),
        wrong=wrong or {},
        signed_name=signed_name,
    )


def _about_you_page(
    request: Request, where: Progress, answers: Mapping[str, Sequence[str]], *, wrong: Mapping[str, str] | None = None
) -> Response:
    return render(
        request,
        "participant/about_you.html",
        status_code=HTTPStatus.UNPROCESSABLE_ENTITY if wrong else HTTPStatus.OK,
        where=where,
        groups=GROUPS,
        prefix=PREFIX,
        answers=answers,
        wrong=wrong or {},
    )


def _number(form: Mapping[str, Sequence[str]], name: str, wrong: dict[str, str]) -> float | None:
    text = (form.get(name) or [""])[0].strip().replace(",", ".")
    if not text:
        return None
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        wrong[name] = "must be a number, or empty"
        return None
    return value


def _shown(value: object) -> str:
    """Return a value as a form shows it."""
    if value is None:
        return ""
    return f"{value:g}" if isinstance(value, float) else str(value)


def _told(counts: Mapping[str, int]) -> dict[str, int]:
    """Return what was deleted in words for lay people."""
    words = {
        "participants": "Your place in the study, with your answers about yourself",
        "consents": "Signed consents",
        "visits": "Visits",
        "recordings": "Recordings",
        "landmark_chunks": "Pieces of recorded movement",
        "videos": "Videos",
        "assessments": "Results",
        "notes": "Notes about you",
    }
    return {text: counts.get(name, 0) for name, text in words.items()}
