"""A site with somebody of every role in it, and how they ask it."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

from fastapi import FastAPI
from httpx2 import Response
from starlette.testclient import TestClient

from backsight.storage import accounts, recordings, studies
from backsight.storage.database import Database
from backsight.storage.tables import Role
from backsight.web.api_limits import RequestLimit
from backsight.web.settings import WebSettings
from tests.databases import cheap_hasher
from tests.unit.storage import people

SECRET = "xK3vQ9mT2bW7rY5uN8cJ4hL6pZ1sD0fG"
PASSWORD = "correct horse battery"
ANYBODY, PARTICIPANT, MEMBER, OTHER, CLINICIAN, ADMIN = (
    "anybody",
    "participant",
    "member",
    "researcher of another study",
    "clinician",
    "administrator",
)
MEMBER_TOKEN, OTHER_TOKEN, CLINICIAN_TOKEN, ADMIN_TOKEN = (
    "a member's token",
    "another's token",
    "a clinician's token",
    "an administrator's token",
)
ROLES = (
    ANYBODY,
    PARTICIPANT,
    MEMBER,
    OTHER,
    CLINICIAN,
    ADMIN,
    MEMBER_TOKEN,
    OTHER_TOKEN,
    CLINICIAN_TOKEN,
    ADMIN_TOKEN,
)


@dataclass(frozen=True)
class Inhabitants:
    """Who and what there is, by identifier."""

    study_id: str
    """The member and the clinician work on it; the participant takes part in it."""
    participant_id: str
    recording_id: str
    visit_id: str
    other_study_id: str
    other_participant_id: str
    cookies: dict[str, dict[str, str]] = field(repr=False)
    headers: dict[str, dict[str, str]] = field(repr=False)
    api_token_hash: str = ""


@dataclass
class Site:
    """A running site."""

    app: FastAPI
    database: Database
    who: Inhabitants

    def client(self, role: str = ANYBODY) -> TestClient:
        """Return a browser, or a program, of somebody of that role."""
        return TestClient(
            self.app, cookies=self.who.cookies.get(role), headers=self.who.headers.get(role), follow_redirects=False
        )


def settings_for(path: Path, **changes: object) -> WebSettings:
    """Return settings of a site in development."""
    given = {"database_url": f"sqlite:///{path}", "secret_key": SECRET, "videos_url": str(path.parent / "videos")}
    return WebSettings(**(given | changes))  # type: ignore[arg-type]


def move_in(app: FastAPI, url: str, who: Inhabitants) -> Site:
    """Give a site another database, with cheap passwords: building a site takes longer than most tests."""
    app.state.database.close()
    app.state.database = Database(url, hasher=cheap_hasher())
    app.state.api_limit = RequestLimit()
    app.dependency_overrides.clear()
    return Site(app, app.state.database, who)


def post(client: TestClient, path: str, data: dict[str, object] | None = None, *, page: str = "/account") -> Response:
    """Send a form as a browser does, with the token of a page that was read before."""
    return client.post(path, data={"csrf_token": form_token(client, page), **(data or {})})


def form_token(client: TestClient, page: str = "/account") -> str:
    """Return the token on a page."""
    found = re.search(r'name="csrf-token" content="([0-9a-f]{64})"', client.get(page, follow_redirects=True).text)
    assert found is not None
    return found[1]


def populate(url: str) -> Inhabitants:
    """Put somebody of every role into a database, and two studies."""
    database = Database(url, hasher=cheap_hasher())
    cookies: dict[str, dict[str, str]] = {}
    headers: dict[str, dict[str, str]] = {}
    users = {}
    with database.session() as session:
        for role, kind, email in (
            (MEMBER, Role.RESEARCHER, "member@example.org"),
            (OTHER, Role.RESEARCHER, "other@example.org"),
            (CLINICIAN, Role.CLINICIAN, "clinician@example.org"),
            (ADMIN, Role.ADMIN, "admin@example.org"),
        ):
            user = accounts.add_user(session, email=email, name=f"The {role}", role=kind, password=PASSWORD)
            token = accounts.sign_in(
                session, email=email, password=PASSWORD, client="test", lifetime=timedelta(hours=12)
            )
            users[role], cookies[role] = user, {"backsight": token}
        for role, owner in (
            (MEMBER_TOKEN, MEMBER),
            (OTHER_TOKEN, OTHER),
            (CLINICIAN_TOKEN, CLINICIAN),
            (ADMIN_TOKEN, ADMIN),
        ):
            token = accounts.make_api_token(session, users[owner], name="a program", lifetime=timedelta(days=1))
            headers[role] = {"Authorization": f"Bearer {token}"}
            if role == MEMBER_TOKEN:
                token_hash = accounts.hash_of_token(token)
        study = people.make_study(session, owner_id=users[MEMBER].id)
        studies.add_member(session, study_id=study.id, user_id=users[CLINICIAN].id)
        # As somebody might in the database: the role decides all the same.
        studies.add_member(session, study_id=study.id, user_id=users[ADMIN].id)
        invitation = studies.invite(session, study_id=study.id, label="From the Tuesday group")
        cookies[PARTICIPANT] = {"backsight-participant": invitation.token}
        studies.sign_consent(
            session,
            invitation.participant,
            signed_name="Grace Hopper",
            text_hash=studies.consent_hash(study.consent_text),
        )
        visit = recordings.open_visit(session, invitation.participant)
        recording = people.record(session, visit)
        recordings.save_assessment(session, recording.id, people.assess())
        other_study = people.make_study(session, owner_id=users[OTHER].id, name="Another study")
        other_person = people.make_participant(session, other_study, label="Not for you")
        who = Inhabitants(
            study_id=study.id,
            participant_id=invitation.participant.id,
            recording_id=recording.id,
            visit_id=visit.id,
            other_study_id=other_study.id,
            other_participant_id=other_person.id,
            cookies=cookies,
            headers=headers,
            api_token_hash=token_hash,
        )
    database.sweep()
    database.close()
    return who
