"""The one place that says who may do what: every route declares exactly one requirement. Knows no page.

A route names one of the annotated types below as a parameter; `requirement_of` reads that from the route, and a test
holds every route to it. Transactions on health data come from `audited`, so that none can be read unnoticed.

    @router.get("/studies/{study_id}/people/{participant_id}")
    def show(_: StudyUser, work: Annotated[Work, audited("read participant")], participant_id: str) -> Response:
        with work.reading() as session:
            person = find_participant(session, study_id=work.study_id, participant_id=participant_id)

A guard looks into the database in a short transaction of its own and hands on plain values, not rows: on SQLite a
request that held the write lock while it waits for a thread would keep out the one whose turn it is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from hmac import compare_digest
from typing import Annotated, Any

from fastapi import Depends, Path
from fastapi.dependencies.models import Dependant
from fastapi.routing import RouteContext
from sqlalchemy.orm import Session
from starlette.requests import HTTPConnection

from backsight.errors import AccessError, InvitationError, NotFoundError
from backsight.storage import accounts, audit, studies
from backsight.storage.database import Database
from backsight.storage.tables import ParticipantState, Role, User
from backsight.web.api_limits import RequestLimit
from backsight.web.security import PARTICIPANT_PREFIX, participant_token, settings_of, sign_in_token

_TOKEN_ID_LENGTH = 12
"""Characters of an API token's hash that name it in the audit log."""
ID_PATTERN = "^[0-9a-f]{32}$"
"""What identifiers look like (`storage.tables.new_id`)."""
StudyId = Annotated[
    str, Path(pattern=ID_PATTERN, description="The study.", examples=["3f0c6a1b5d9e4c7f8a2b1c0d9e8f7a6b"])
]
"""Of the JSON API; on pages whatever is none is a study that is not there."""


class Requirement(StrEnum):
    """What somebody must be to use a route."""

    ANYBODY = "anybody"
    SIGNED_IN = "signed in"
    WORKS_ON_STUDIES = "researcher or clinician"
    STUDY = "member of the study"
    STUDY_EXPORT = "member of the study who may export data sets"
    ADMIN = "administrator"
    PARTICIPANT = "participant"
    PARTICIPANT_WITHDRAWS = "participant, also once the study is closed or the link has expired"
    API = "token of the API"
    API_WORKS_ON_STUDIES = "token of the API, of a researcher or clinician"
    API_STUDY = "token of the API, of a member of the study"
    API_STUDY_EXPORT = "token of the API, of a member of the study who may export data sets"
    COLLECTOR = "collector of metrics"


class NotSignedInError(AccessError):
    """Nobody is signed in; a browser is shown the page to do so."""


class ForbiddenError(AccessError):
    """Whoever asks may not do this."""


@dataclass(frozen=True)
class SignedIn:
    """Who is signed in, by a cookie or a token."""

    id: str
    name: str
    email: str
    role: Role

    @property
    def works_on_studies(self) -> bool:
        """Whether they may see health data at all; an administrator may not."""
        return self.role in (Role.RESEARCHER, Role.CLINICIAN)

    @property
    def may_export(self) -> bool:
        """Whether they may take a data set out of a study."""
        return self.role is Role.RESEARCHER


@dataclass(frozen=True)
class Visitor:
    """A participant who has followed their link; `studies.find_participant` gives the row in a transaction."""

    id: str
    study_id: str
    code: str
    state: ParticipantState


class Work:
    """Transactions of one request, each entered in the audit log."""

    def __init__(self, connection: HTTPConnection, action: str) -> None:
        self._connection = connection
        self._action = action
        self._detail: dict[str, Any] = {}

    @property
    def study_id(self) -> str:
        """The study in the path, or the participant's."""
        study_id: str = self._connection.state.study_id
        return study_id

    def about(self, *, study_id: str | None = None, object_id: str | None = None, **detail: Any) -> None:
        """Say what the open transaction is about, where the path does not: something that it makes or finds.

        Parameters
        ----------
        detail
            As for `session`, where it is known only once something is done.
        """
        state = self._connection.state
        state.study_id = study_id or getattr(state, "study_id", None)
        state.object_id = object_id
        self._detail |= detail

    @contextmanager
    def session(self, **detail: Any) -> Iterator[Session]:
        """Open a transaction that writes; its entry in the audit log is kept if, and only if, the transaction is.

        The entry names the last identifier in the path, or the participant themselves.

        Parameters
        ----------
        detail
            For the entry: no health data, names or tokens.
        """
        with database_of(self._connection).session() as session:
            self._detail = detail
            yield session
            self._append(session, self._action, self._detail)

    @contextmanager
    def reading(self, action: str | None = None) -> Iterator[Session]:
        """Enter the access in the audit log, then open a transaction that only reads and keeps nobody waiting.

        Parameters
        ----------
        action
            What is done, where it is not what `audited` says: a page shown again because its form was refused.
        """
        database = database_of(self._connection)
        with database.session() as session:
            self._append(session, action or self._action, {})
        with database.session(read_only=True) as session:
            yield session

    def _append(self, session: Session, action: str, detail: dict[str, Any]) -> None:
        state, path = self._connection.state, self._connection.path_params
        named = (
            path.get("recording_id"),
            path.get("participant_id"),
            getattr(state, "object_id", None),
            getattr(state, "participant_id", None),
        )
        audit.append(
            session,
            actor=state.actor,
            action=action,
            study_id=getattr(state, "study_id", None),
            object_id=next(filter(None, named), None),
            detail=detail,
        )


def database_of(connection: HTTPConnection) -> Database:
    """Return the server's database."""
    database: Database = connection.app.state.database
    return database


async def _open_store(connection: HTTPConnection) -> Database:
    # Not to be waited for, so not sent to a thread, as what is no coroutine would be.
    return database_of(connection)


def audited(action: str) -> Any:
    """Return a dependency that gives a `Work`; the action is a verb and a noun, as `read participant`."""

    def open_work(connection: HTTPConnection) -> Work:
        return Work(connection, action)

    return Depends(open_work)


def optional_user(connection: HTTPConnection) -> SignedIn | None:
    """Return who is signed in by a cookie; None = nobody."""
    token = sign_in_token(connection)
    if token is None:
        return None
    with database_of(connection).session(read_only=True) as session:
        user = accounts.user_of_token(session, token)
    return None if user is None else _known(connection, user, actor=f"user:{user.id}")


def _require_anybody() -> None:
    return None


def _require_user(connection: HTTPConnection) -> SignedIn:
    user = optional_user(connection)
    if user is None:
        raise NotSignedInError("sign in to see this page")
    return user


def _require_admin(connection: HTTPConnection) -> SignedIn:
    user = _require_user(connection)
    if user.role is not Role.ADMIN:
        raise ForbiddenError("this page is for administrators")
    return user


def _require_study_worker(connection: HTTPConnection) -> SignedIn:
    return _study_worker(_require_user(connection))


def _require_study_user(connection: HTTPConnection, study_id: str) -> SignedIn:
    return _member(connection, _require_user(connection), study_id)


def _require_study_exporter(connection: HTTPConnection, study_id: str) -> SignedIn:
    return _exporter(_require_study_user(connection, study_id))


def _require_api_user(connection: HTTPConnection) -> SignedIn:
    kind, _, token = connection.headers.get("authorization", "").partition(" ")
    if kind.lower() == "bearer" and token:
        with database_of(connection).session(read_only=True) as session:
            user = accounts.user_of_api_token(session, token.strip())
        if user is not None:
            token_hash = accounts.hash_of_token(token.strip())
            limit: RequestLimit = connection.app.state.api_limit
            limit.take(token_hash)
            return _known(connection, user, actor=f"token:{token_hash[:_TOKEN_ID_LENGTH]}")
    raise NotSignedInError("send `Authorization: Bearer TOKEN` with a token made on the page “Account”")


def _require_api_study_worker(connection: HTTPConnection) -> SignedIn:
    return _study_worker(_require_api_user(connection))


def _require_api_study_user(connection: HTTPConnection, study_id: StudyId) -> SignedIn:
    return _member(connection, _require_api_user(connection), study_id)


def _require_api_study_exporter(connection: HTTPConnection, study_id: StudyId) -> SignedIn:
    return _exporter(_require_api_study_user(connection, study_id))


def _require_participant(connection: HTTPConnection) -> Visitor:
    visitor, shut_because = _invited(connection)
    if shut_because is not None:
        raise InvitationError(f"{shut_because}; you can still withdraw on the page {PARTICIPANT_PREFIX}/withdraw")
    return visitor


def _require_withdrawing_participant(connection: HTTPConnection) -> Visitor:
    return _invited(connection)[0]


def _invited(connection: HTTPConnection) -> tuple[Visitor, str | None]:
    """Return who has followed their link, and why they can only withdraw any more; None = they take part."""
    token = participant_token(connection)
    if token is None:
        raise InvitationError("open the link of your invitation first; whoever invited you can send a new one")
    with database_of(connection).session(read_only=True) as session:
        invited = studies.find_invited(session, token)
    person = invited.participant
    connection.state.actor = f"participant:{person.id}"
    connection.state.study_id, connection.state.participant_id = person.study_id, person.id
    visitor = Visitor(id=person.id, study_id=person.study_id, code=person.code, state=person.state)
    return visitor, invited.shut_because


def _require_collector(connection: HTTPConnection) -> None:
    settings = settings_of(connection)
    given = connection.headers.get("authorization", "").removeprefix("Bearer ")
    if settings.metrics_token is None:
        if settings.is_production:
            raise NotFoundError("there is no such page; set BACKSIGHT_METRICS_TOKEN to have metrics here")
    elif not compare_digest(given.encode(), settings.metrics_token.encode()):
        raise NotSignedInError("send `Authorization: Bearer TOKEN` with the token in BACKSIGHT_METRICS_TOKEN")


def _known(connection: HTTPConnection, user: User, *, actor: str) -> SignedIn:
    connection.state.actor = actor
    signed_in = SignedIn(id=user.id, name=user.name, email=user.email, role=user.role)
    connection.state.user = signed_in
    return signed_in


def _study_worker(user: SignedIn) -> SignedIn:
    if not user.works_on_studies:
        raise ForbiddenError("studies are for researchers and clinicians; administrators see no health data")
    return user


def _member(connection: HTTPConnection, user: SignedIn, study_id: str) -> SignedIn:
    """Let a member in; to everybody else a study that is not theirs looks like one that is not there."""
    with database_of(connection).session(read_only=True) as session:
        may = user.works_on_studies and studies.is_member(session, study_id=study_id, user_id=user.id)
    if not may:
        raise NotFoundError("there is no such study, or you are not a member of it")
    connection.state.study_id = study_id
    return user


def _exporter(user: SignedIn) -> SignedIn:
    if not user.may_export:
        raise ForbiddenError("data sets are exported by researchers; ask one who is a member of the study")
    return user


Anybody = Annotated[None, Depends(_require_anybody)]
CurrentUser = Annotated[SignedIn, Depends(_require_user)]
AdminUser = Annotated[SignedIn, Depends(_require_admin)]
StudyWorker = Annotated[SignedIn, Depends(_require_study_worker)]
"""A researcher or clinician, whatever their studies."""
StudyUser = Annotated[SignedIn, Depends(_require_study_user)]
"""A member of the study whose `study_id` is in the path; others get 404."""
StudyExporter = Annotated[SignedIn, Depends(_require_study_exporter)]
CurrentParticipant = Annotated[Visitor, Depends(_require_participant)]
WithdrawingParticipant = Annotated[Visitor, Depends(_require_withdrawing_participant)]
"""A participant whose study may be closed and whose link may have expired: consent can be withdrawn at any time."""
ApiUser = Annotated[SignedIn, Depends(_require_api_user)]
ApiStudyWorker = Annotated[SignedIn, Depends(_require_api_study_worker)]
ApiStudyUser = Annotated[SignedIn, Depends(_require_api_study_user)]
ApiStudyExporter = Annotated[SignedIn, Depends(_require_api_study_exporter)]
Collector = Annotated[None, Depends(_require_collector)]
Store = Annotated[Database, Depends(_open_store)]
"""The database, for what is no health data; `audited` gives the transactions on these."""

_GUARDS: dict[Callable[..., Any], Requirement] = {
    _require_anybody: Requirement.ANYBODY,
    _require_user: Requirement.SIGNED_IN,
    _require_admin: Requirement.ADMIN,
    _require_study_worker: Requirement.WORKS_ON_STUDIES,
    _require_study_user: Requirement.STUDY,
    _require_study_exporter: Requirement.STUDY_EXPORT,
    _require_participant: Requirement.PARTICIPANT,
    _require_withdrawing_participant: Requirement.PARTICIPANT_WITHDRAWS,
    _require_api_user: Requirement.API,
    _require_api_study_worker: Requirement.API_WORKS_ON_STUDIES,
    _require_api_study_user: Requirement.API_STUDY,
    _require_api_study_exporter: Requirement.API_STUDY_EXPORT,
    _require_collector: Requirement.COLLECTOR,
}


def requirements_of(route: RouteContext) -> list[Requirement]:
    """Return what a route requires; a route that is right has exactly one."""
    dependant: Dependant | None = getattr(route, "dependant", None)
    return [] if dependant is None else [_GUARDS[call] for call in _calls(dependant) if call in _GUARDS]


def is_audited(route: RouteContext) -> bool:
    """Tell whether a route's transactions are entered in the audit log."""
    dependant: Dependant | None = getattr(route, "dependant", None)
    return dependant is not None and any(call.__qualname__.startswith("audited.") for call in _calls(dependant))


def _calls(dependant: Dependant) -> Iterator[Callable[..., Any]]:
    for item in dependant.dependencies:
        if item.call is not None:
            yield item.call
        yield from _calls(item)
