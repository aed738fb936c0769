"""A participant's way through a study, page by page and request by request, without a browser."""

from __future__ import annotations

import html
import json
import re
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("fastapi", reason="the extra `web` is not installed")

from sqlalchemy import func, select
from starlette.testclient import TestClient

from backsight.domain.recording import Exercise
from backsight.pose import quality_person
from backsight.storage import audit, studies
from backsight.storage.tables import (
    Consent,
    LandmarkChunk,
    Participant,
    ParticipantState,
    PrivacyMode,
    Recording,
    RecordingState,
    Study,
    Visit,
    now,
)
from backsight.web import pose_runtime
from backsight.web.participant_page import BODY_PARTS, EXPLANATIONS
from backsight.web.questionnaire import GROUPS, PREFIX, QUESTIONS
from backsight.web.routes.uploads import incoming_dir
from backsight.web.templating import STATIC_DIR
from tests.unit.web.site import Site, form_token

ROOT = Path(__file__).parents[3]
PAGE_LIMIT_BYTES = 300_000
"""Of a page and everything it loads before the pose runtime."""

needs_runtime = pytest.mark.skipif(
    not (STATIC_DIR / "vendor" / "tasks-vision").is_dir(), reason="the pose runtime is not built: `make web-assets`"
)


@dataclass
class Guest:
    """Somebody invited, and their browser."""

    id: str
    token: str
    browser: TestClient

    def send(self, path: str, document: object) -> tuple[int, dict[str, str]]:
        """Send JSON as the page's script does; returns status and answer."""
        answer = self.browser.post(
            path,
            content=json.dumps(document),
            headers={
                "Content-Type": "application/json",
                "X-CSRF-Token": form_token(self.browser, "/take-part/withdraw"),
            },
        )
        return answer.status_code, answer.json()

    def post(self, path: str, **fields: str) -> tuple[int, str, str]:
        """Send a form; returns status, where it leads and the page."""
        token = form_token(self.browser, "/take-part/withdraw")
        answer = self.browser.post(path, data={"csrf_token": token, **fields})
        return answer.status_code, answer.headers.get("location", ""), answer.text

    def next(self) -> str:
        """Return the page that comes next."""
        return self.browser.get("/take-part").headers["location"]


@pytest.fixture
def guest(site: Site) -> Guest:
    with site.database.session() as session:
        invitation = studies.invite(session, study_id=site.who.study_id)
    browser = site.client()
    browser.get(f"/join/{invitation.token}")
    return Guest(invitation.participant.id, invitation.token, browser)


@pytest.fixture
def consented(site: Site, guest: Guest) -> Guest:
    with site.database.session() as session:
        study = studies.find_study(session, site.who.study_id)
        person = session.get_one(Participant, guest.id)
        text_hash = studies.consent_hash(study.consent_text)
        studies.sign_consent(session, person, signed_name="Grace Hopper", text_hash=text_hash)
        studies.save_profile(
            session, person, birth_year=None, sex=None, height_cm=None, mass_kg=None, back_history={"surgery": "no"}
        )
    return guest


@pytest.fixture
def ready(consented: Guest) -> Guest:
    assert consented.send("/take-part/camera-check", {"passed": True})[0] == 200
    return consented


def frames(first: int = 0, count: int = 30) -> dict[str, object]:
    """Return a chunk at 30 frames a second."""
    places = [[0.5, 0.5, 0.0]] * 33
    return {
        "frames": [
            {
                "timestamp_s": number / 30,
                "image": places,
                "world_m": places,
                "visibility": [0.9] * 33,
                "presence": [0.9] * 33,
            }
            for number in range(first, first + count)
        ]
    }


def begin(guest: Guest, exercise: str = "walk") -> str:
    status, answer = guest.send(
        "/take-part/recordings",
        {
            "exercise": exercise,
            "mode": "landmarks",
            "width": 1280,
            "height": 720,
            "pose_model": "lite",
            "pose_engine": "tasks-vision 1.1.0 CPU",
        },
    )
    assert status == 200, answer
    return answer["id"]


def record(guest: Guest, exercise: str = "walk") -> str:
    """Record two chunks and let the server have all of it."""
    recording = begin(guest, exercise)
    for number in range(2):
        assert guest.send(f"/take-part/recordings/{recording}/chunks/{number}", frames(30 * number))[0] == 200
    assert guest.send(f"/take-part/recordings/{recording}/finish", {"n_chunks": 2}) == (200, {"state": "received"})
    return recording


def count(site: Site, table: type) -> int:
    with site.database.session(read_only=True) as session:
        return session.scalar(select(func.count()).select_from(table)) or 0


def test_the_link_lets_in_and_leads_to_the_consent(site: Site, guest: Guest) -> None:
    answer = site.client().get(f"/join/{guest.token}")
    assert (answer.status_code, answer.headers["location"]) == (303, "/take-part")
    cookie = answer.headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=lax" in cookie
    assert guest.next() == "/take-part/consent"


def test_an_expired_or_unknown_link_opens_nothing(site: Site, guest: Guest) -> None:
    with site.database.session() as session:
        session.get_one(Participant, guest.id).invitation_expires_at = now() - timedelta(seconds=1)
    for token in (guest.token, "nobody"):
        browser = site.client()
        answer = browser.get(f"/join/{token}")
        assert answer.status_code == 410
        assert browser.get("/take-part").status_code == 410
    assert "participant" not in answer.headers.get("set-cookie", "")
    assert guest.browser.get("/take-part").status_code == 410


@pytest.mark.parametrize("shut", ["closed", "expired"])
def test_whoever_takes_part_may_withdraw_after_the_study_too(site: Site, guest: Guest, shut: str) -> None:
    with site.database.session() as session:
        if shut == "closed":
            session.get_one(Study, site.who.study_id).closed_at = now()
        else:
            session.get_one(Participant, guest.id).invitation_expires_at = now() - timedelta(seconds=1)
    refusal = guest.browser.get("/take-part/consent")
    assert refusal.status_code == 410
    assert "/take-part/withdraw" in refusal.text
    # In a browser that has forgotten them, too.
    guest.browser = site.client()
    page = guest.browser.get(f"/join/{guest.token}")
    assert page.status_code == 410
    assert 'href="/take-part/withdraw"' in page.text
    assert guest.browser.get("/take-part/withdraw").status_code == 200
    assert guest.browser.get("/take-part").status_code == 410
    assert guest.post("/take-part/withdraw", sure="yes")[0] == 200
    with site.database.session(read_only=True) as session:
        assert session.get(Participant, guest.id) is None


def test_following_a_link_is_in_the_audit_log_without_its_secret(site: Site, guest: Guest) -> None:
    with site.database.session(read_only=True) as session:
        (entry,) = audit.entries(session, limit=1)
        assert (entry.action, entry.actor) == ("follow invitation", f"participant:{guest.id}")
        assert (entry.study_id, entry.object_id) == (site.who.study_id, guest.id)
        assert entry.detail == {"is_open": True}


def test_a_link_replaces_somebody_else_in_the_browser_only_after_a_click(site: Site, ready: Guest) -> None:
    with site.database.session() as session:
        invitation = studies.invite(session, study_id=site.who.study_id)
    page = ready.browser.get(f"/join/{invitation.token}")
    assert (page.status_code, "set-cookie" in page.headers) == (200, False)
    assert "Somebody else takes part in this browser" in page.text
    assert ready.next() == "/take-part/exercises/touch-toes"
    # Their own link asks nothing.
    assert ready.browser.get(f"/join/{ready.token}").status_code == 303
    assert ready.post(f"/join/{invitation.token}")[:2] == (303, "/take-part")
    assert ready.next() == "/take-part/consent"


def test_leaving_a_device_forgets_the_participant_and_no_video(ready: Guest) -> None:
    assert 'action="/take-part/leave"' in ready.browser.get("/take-part/camera").text
    token = form_token(ready.browser, "/take-part/withdraw")
    assert ready.browser.post("/take-part/leave").status_code == 403
    answer = ready.browser.post("/take-part/leave", data={"csrf_token": token})
    assert answer.status_code == 200
    assert answer.headers["clear-site-data"] == '"cache"'
    assert ready.browser.get("/take-part").status_code == 410
    assert ready.browser.get(f"/join/{ready.token}").status_code == 303


def test_consent_needs_a_tick_and_a_name(site: Site, guest: Guest) -> None:
    before = count(site, Consent)
    with site.database.session(read_only=True) as session:
        text = session.get_one(Study, site.who.study_id).consent_text
    shown = studies.consent_hash(text)
    assert guest.post("/take-part/consent", text_hash=shown, signed_name="Grace Hopper")[0] == 422
    status, _, page = guest.post("/take-part/consent", text_hash=shown, signed_name="  ", agrees="yes")
    assert status == 422
    assert "Please type your name" in page
    assert count(site, Consent) == before
    assert guest.post("/take-part/consent", text_hash=shown, signed_name="Grace Hopper", agrees="yes")[0] == 303
    assert count(site, Consent) == before + 1
    assert guest.next() == "/take-part/about-you"


def test_a_text_that_was_changed_meanwhile_is_not_signed(site: Site, guest: Guest) -> None:
    before = count(site, Consent)
    status, *_ = guest.post("/take-part/consent", text_hash="0" * 64, signed_name="Grace Hopper", agrees="yes")
    assert status == 409
    assert count(site, Consent) == before


def test_whoever_has_signed_signs_again_when_the_text_changes(site: Site, consented: Guest) -> None:
    assert consented.next() == "/take-part/camera"
    with site.database.session() as session:
        session.get_one(Study, site.who.study_id).consent_text = "Something else."
    assert consented.next() == "/take-part/consent"
    assert consented.send("/take-part/camera-check", {"passed": True})[0] == 409


def test_answers_are_kept_and_shown_again(site: Site, consented: Guest) -> None:
    status, to, _ = consented.post(
        "/take-part/about-you",
        birth_year="1975",
        sex="female",
        height_cm="172,5",
        mass_kg="",
        **{"back-pain_now": "3", "back-surgery": "no", "back-conditions": "scoliosis"},
    )
    assert (status, to) == (303, "/take-part")
    with site.database.session(read_only=True) as session:
        person = session.get_one(Participant, consented.id)
        assert (person.birth_year, person.sex, person.height_cm, person.mass_kg) == (1975, "female", 172.5, None)
        assert person.back_history == {"pain_now": "3", "surgery": "no", "conditions": ["scoliosis"]}
    page = consented.browser.get("/take-part/about-you").text
    assert 'value="172.5"' in page
    assert re.search(r'name="back-pain_now" value="3" checked', page)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("height_cm", "17"),
        ("height_cm", "nan"),
        ("height_cm", "tall"),
        ("birth_year", "1975.5"),
        ("birth_year", "1e300"),
        ("mass_kg", "-70"),
        ("sex", "robot"),
        ("back-pain_now", "11"),
        ("back-surgery", "perhaps"),
    ],
)
def test_an_answer_that_cannot_be_is_told_and_nothing_is_kept(
    site: Site, consented: Guest, field: str, value: str
) -> None:
    status, _, page = consented.post("/take-part/about-you", **{"back-leg_pain": "yes", field: value})
    assert status == 422
    assert f'href="#{field}"' in page
    with site.database.session(read_only=True) as session:
        assert session.get_one(Participant, consented.id).back_history == {"surgery": "no"}


def test_every_question_stands_under_one_heading_and_numbers_bring_up_a_number_pad(consented: Guest) -> None:
    page = consented.browser.get("/take-part/about-you").text
    cards = page.split('<section class="card')[1:]
    for group in GROUPS:
        (card,) = [card for card in cards if f">{group.title}</h2>" in card]
        assert re.findall(rf'<fieldset id="{PREFIX}([a-z_0-9]+)"', card) == [one.name for one in group.questions]
    assert sorted(one.name for group in GROUPS for one in group.questions) == sorted(one.name for one in QUESTIONS)
    modes = dict(re.findall(r'<input id="(\w+)"[^>]* inputmode="(\w+)"', page))
    assert modes == {"birth_year": "numeric", "height_cm": "decimal", "mass_kg": "decimal"}


def test_all_questions_may_be_left_empty(consented: Guest) -> None:
    assert consented.post("/take-part/about-you")[0] == 303
    assert consented.next() == "/take-part/camera"


def test_the_camera_check_is_passed_or_a_reason_is_noted(site: Site, consented: Guest) -> None:
    assert consented.send("/take-part/camera-check", {"passed": False, "reason": " "})[0] == 422
    assert consented.send("/take-part/camera-check", {"passed": True, "found": {"mood": "good"}})[0] == 422
    assert consented.next() == "/take-part/camera"
    found = {"body": "bad", "light": "good"}
    told = {"passed": False, "reason": "small room", "found": found}
    assert consented.send("/take-part/camera-check", told) == (200, {"next": "/take-part"})
    with site.database.session(read_only=True) as session:
        visit = session.scalars(select(Visit).where(Visit.participant_id == consented.id)).one()
        assert visit.camera_check == told
    assert consented.next() == "/take-part/exercises/touch-toes"


def test_a_recording_from_its_first_frame_to_the_rating(site: Site, ready: Guest) -> None:
    recording = record(ready)
    keep = f"/take-part/recordings/{recording}/keep"
    for wrong in (101, -1, float("nan"), "much", None):
        assert ready.send(keep, {"rating": wrong})[0] == 422, wrong
    assert ready.send(keep, {"rating": 72}) == (200, {"next": "/take-part"})
    # The answer was lost on the way: asked again, it is the same.
    assert ready.send(keep, {"rating": 72})[0] == 200
    assert ready.send(keep, {"rating": 73})[0] == 409
    with site.database.session(read_only=True) as session:
        row = session.get_one(Recording, recording)
        assert (row.state, row.rating, row.n_chunks, row.width) == (RecordingState.QUEUED, 72.0, 2, 1280)
        assert row.pose_engine == "tasks-vision 1.1.0 CPU"


def test_a_chunk_may_come_twice_but_not_differently(site: Site, ready: Guest) -> None:
    chunk = f"/take-part/recordings/{begin(ready)}/chunks/0"
    before = count(site, LandmarkChunk)
    assert [ready.send(chunk, frames())[0] for _ in range(2)] == [200, 200]
    assert ready.send(chunk, frames(1))[0] == 409
    assert count(site, LandmarkChunk) == before + 1


@pytest.mark.parametrize(
    "document",
    [
        {},
        [],
        {"frames": []},
        {"frames": [{"timestamp_s": 0, "image": [[0, 0]]}]},
        {"frames": [{"timestamp_s": float("nan")}]},
        {"frames": frames(0, 2)["frames"][::-1]},  # type: ignore[index]
        {"frames": frames()["frames"], "name": "Grace"},
    ],
    ids=["nothing", "list", "no frame", "shape", "no time", "backwards", "more than asked"],
)
def test_malformed_landmarks_are_refused_and_not_stored(site: Site, ready: Guest, document: object) -> None:
    recording = begin(ready)
    before = count(site, LandmarkChunk)
    status, answer = ready.send(f"/take-part/recordings/{recording}/chunks/0", document)
    assert status == 422
    assert answer["error"]
    assert count(site, LandmarkChunk) == before


@pytest.mark.parametrize(
    "body", [b"", b'{"frames": [', b"\xff\xfe", b"[" * 100_000], ids=["empty", "cut off", "bytes", "deep"]
)
def test_what_is_no_json_is_refused(site: Site, ready: Guest, body: bytes) -> None:
    recording, before = begin(ready), count(site, LandmarkChunk)
    headers = {"Content-Type": "application/json", "X-CSRF-Token": form_token(ready.browser, "/take-part/withdraw")}
    answer = ready.browser.post(f"/take-part/recordings/{recording}/chunks/0", content=body, headers=headers)
    assert answer.status_code == 422
    assert answer.json()["error"] == "a chunk must be JSON, got something else"
    assert count(site, LandmarkChunk) == before


def test_nobody_reaches_another_persons_recording(site: Site, ready: Guest) -> None:
    theirs = f"/take-part/recordings/{site.who.recording_id}"
    assert ready.send(f"{theirs}/chunks/0", frames())[0] == 404
    assert ready.send(f"{theirs}/finish", {"n_chunks": 1})[0] == 404
    assert ready.send(f"{theirs}/keep", {"rating": 1})[0] == 404
    assert ready.send(f"{theirs}/discard", {})[0] == 404


def test_landmarks_without_the_pages_token_are_refused(site: Site, ready: Guest) -> None:
    recording = begin(ready)
    answer = ready.browser.post(f"/take-part/recordings/{recording}/chunks/0", json=frames())
    assert answer.status_code == 403


@needs_runtime
def test_what_was_recorded_and_not_rated_waits_for_who_comes_back(ready: Guest) -> None:
    recording = record(ready, "touch-toes")
    assert ready.next() == "/take-part/exercises/touch-toes"
    page = ready.browser.get("/take-part/exercises/touch-toes").text
    assert "You have recorded this exercise already" in page
    assert recording in page


def test_recording_again_throws_the_earlier_one_away(site: Site, ready: Guest) -> None:
    earlier = record(ready)
    assert ready.send(f"/take-part/recordings/{earlier}/discard", {}) == (200, {"state": "discarded"})
    record(ready)
    with site.database.session(read_only=True) as session:
        chunks = select(func.count()).where(LandmarkChunk.recording_id == earlier)
        assert session.scalar(chunks) == 0


def test_with_the_last_exercise_the_visit_ends_and_another_may_begin(site: Site, ready: Guest) -> None:
    assert ready.send("/take-part/skip", {"exercise": "jump", "reason": " "})[0] == 422
    for exercise in ("touch-toes", "jump"):
        assert ready.send("/take-part/skip", {"exercise": exercise, "reason": "It would hurt"})[0] == 200
    assert ready.next() == "/take-part/exercises/walk"
    assert ready.send(f"/take-part/recordings/{record(ready)}/keep", {"rating": 80})[0] == 200
    assert ready.next() == "/take-part/thank-you"
    page = ready.browser.get("/take-part/thank-you").text
    assert (page.count("Recorded<"), page.count("Left out<")) == (1, 2)
    with site.database.session(read_only=True) as session:
        assert session.get_one(Participant, ready.id).state is ParticipantState.FINISHED
    # Only the button begins another visit, not a script of an old page.
    assert ready.send("/take-part/skip", {"exercise": "walk", "reason": "again"})[0] == 409
    assert ready.post("/take-part/visits")[0] == 303
    assert ready.next() == "/take-part/camera"


def test_a_text_that_changes_during_the_last_exercise_does_not_hold_the_visit_open(site: Site, ready: Guest) -> None:
    for exercise in ("touch-toes", "jump"):
        assert ready.send("/take-part/skip", {"exercise": exercise, "reason": "It would hurt"})[0] == 200
    recording = record(ready)
    change_study(site, consent_text="Something else.")
    assert ready.send(f"/take-part/recordings/{recording}/keep", {"rating": 80})[0] == 200
    assert visits_open(site, ready) == 0
    shown = studies.consent_hash("Something else.")
    assert ready.post("/take-part/consent", text_hash=shown, signed_name="Grace Hopper", agrees="yes")[0] == 303
    assert ready.next() == "/take-part/thank-you"
    assert ready.post("/take-part/visits")[0] == 303
    assert ready.next() == "/take-part/camera"


@pytest.mark.parametrize("then", ["sign", "visit"])
def test_a_visit_that_was_held_open_is_closed_by_what_comes_next(site: Site, ready: Guest, then: str) -> None:
    for exercise in ("touch-toes", "jump", "walk"):
        assert ready.send("/take-part/skip", {"exercise": exercise, "reason": "It would hurt"})[0] == 200
    with site.database.session() as session:
        session.scalars(select(Visit).where(Visit.participant_id == ready.id)).one().finished_at = None
    if then == "sign":
        change_study(site, consent_text="Something else.")
        shown = studies.consent_hash("Something else.")
        assert ready.post("/take-part/consent", text_hash=shown, signed_name="Grace Hopper", agrees="yes")[0] == 303
        assert visits_open(site, ready) == 0
    else:
        assert ready.post("/take-part/visits")[0] == 303
        assert visits_open(site, ready) == 1
        assert ready.next() == "/take-part/camera"


def visits_open(site: Site, guest: Guest) -> int:
    """Return how many visits were begun and not finished."""
    query = select(func.count()).where(Visit.participant_id == guest.id, Visit.finished_at.is_(None))
    with site.database.session(read_only=True) as session:
        return session.scalar(query) or 0


def test_withdrawing_asks_once_and_then_deletes_everything(site: Site, ready: Guest) -> None:
    recording = record(ready)
    status, _, page = ready.post("/take-part/withdraw")
    assert status == 422
    assert "Please tick this" in page
    with site.database.session(read_only=True) as session:
        assert session.get(Recording, recording) is not None
    status, _, page = ready.post("/take-part/withdraw", sure="yes")
    assert status == 200
    # One recording of two chunks, as the page says.
    assert re.search(r"Recordings</td><td class=\"number\">1<", page)
    assert re.search(r"Pieces of recorded movement</td><td class=\"number\">2<", page)
    with site.database.session(read_only=True) as session:
        assert session.get(Recording, recording) is None
        assert session.get(Participant, ready.id) is None
    assert site.client().get(f"/join/{ready.token}").status_code == 410
    assert ready.browser.get("/take-part").status_code == 410


@needs_runtime
def test_a_page_is_light_before_the_pose_runtime(ready: Guest) -> None:
    for page in ("/take-part/withdraw", "/take-part/camera", "/take-part/exercises/touch-toes"):
        text = ready.browser.get(page).text
        loaded = {"page": len(text.encode())}
        for address in re.findall(r'(?:src|href)="(/static/[^"?]+)', text):
            _weigh(STATIC_DIR / address.removeprefix("/static/"), loaded)
        assert not [name for name in loaded if "vendor" in name]
        assert sum(loaded.values()) <= PAGE_LIMIT_BYTES, loaded


def _weigh(path: Path, loaded: dict[str, int]) -> None:
    """Add a file and the modules that it imports at once."""
    if str(path) in loaded:
        return
    text = path.read_text(encoding="utf-8")
    loaded[str(path)] = len(text.encode())
    if path.suffix == ".js":
        for name in re.findall(r'^import .*? from "(\./[^"]+)";', text, flags=re.MULTILINE):
            _weigh(path.parent / name, loaded)


def change_study(site: Site, **values: object) -> None:
    """Change the member's study as its settings page does."""
    with site.database.session() as session:
        study = studies.find_study(session, site.who.study_id)
        for name, value in values.items():
            setattr(study, name, value)


@pytest.mark.parametrize(
    ("mode", "days", "says", "says_not"),
    [
        (PrivacyMode.LANDMARKS, None, "No picture leaves this device", "days after"),
        (PrivacyMode.LANDMARKS, 30, "kept for 30 days after your visit, or until you withdraw", "Videos of"),
        (PrivacyMode.VIDEO, None, "kept there until you withdraw", "No picture leaves"),
        (PrivacyMode.VIDEO, 1, "for 1 day after your visit, or until you withdraw", "stays on your device"),
    ],
)
def test_the_consent_says_what_leaves_the_device_and_how_long_it_is_kept(
    site: Site, guest: Guest, mode: PrivacyMode, days: int | None, says: str, says_not: str
) -> None:
    change_study(site, privacy_mode=mode, retention_days=days)
    page = guest.browser.get("/take-part/consent").text
    assert says in page
    assert says_not not in page


@needs_runtime
def test_a_study_of_videos_never_says_that_the_picture_stays(site: Site, ready: Guest) -> None:
    change_study(site, privacy_mode=PrivacyMode.VIDEO)
    camera = ready.browser.get("/take-part/camera").text
    exercise = ready.browser.get("/take-part/exercises/touch-toes").text
    assert "Your picture stays on this device. Only points" not in camera
    assert "Only these lines were kept" not in exercise
    assert "sent only if you keep it" in exercise
    uploader = settings_on(exercise)["uploader"]
    assert "tus-js-client" in ready.browser.get(uploader).text[:100]
    change_study(site, privacy_mode=PrivacyMode.LANDMARKS)
    assert settings_on(ready.browser.get("/take-part/exercises/touch-toes").text)["uploader"] is None


def settings_on(page: str) -> dict[str, Any]:
    """Return what a page tells its script."""
    found = re.search(r"data-config='([^']+)'", page)
    assert found is not None
    settings: dict[str, Any] = json.loads(html.unescape(found[1]))
    return settings


@needs_runtime
def test_the_index_has_a_place_on_the_page_only_where_the_study_shows_it(site: Site, ready: Guest) -> None:
    page = ready.browser.get("/take-part/exercises/touch-toes").text
    assert "data-live" not in page
    assert settings_on(page)["showsIndex"] is False
    change_study(site, show_live_index=True)
    page = ready.browser.get("/take-part/exercises/touch-toes").text
    assert "A preview, not a diagnosis" in page
    assert settings_on(page)["showsIndex"] is True


@needs_runtime
def test_a_recording_that_was_broken_off_is_told_to_who_comes_back(ready: Guest) -> None:
    assert settings_on(ready.browser.get("/take-part/exercises/walk").text)["unfinished"] is None
    name = begin(ready)
    told = settings_on(ready.browser.get("/take-part/exercises/walk").text)
    assert (told["unfinished"], told["unrated"]) == (name, None)
    ready.send(f"/take-part/recordings/{name}/discard", {})
    assert settings_on(ready.browser.get("/take-part/exercises/walk").text)["unfinished"] is None


def test_an_upload_that_was_cut_off_goes_with_its_recording_and_with_its_participant(site: Site, ready: Guest) -> None:
    change_study(site, privacy_mode=PrivacyMode.VIDEO)
    folder = incoming_dir(site.app.state.settings)
    for leave in ("discard", "withdraw"):
        name = ready.send("/take-part/recordings", {"exercise": "walk", "mode": "video"})[1]["id"]
        headers = {
            "Tus-Resumable": "1.0.0",
            "Upload-Length": "1000",
            "Upload-Metadata": "filename dmlkZW8=,filetype dmlkZW8vbXA0",
            "X-CSRF-Token": form_token(ready.browser, "/take-part/withdraw"),
        }
        assert ready.browser.post(f"/take-part/recordings/{name}/video", headers=headers).status_code == 201
        assert (folder / name).exists()
        if leave == "discard":
            ready.send(f"/take-part/recordings/{name}/discard", {})
        else:
            answer = ready.browser.post(
                "/take-part/withdraw", data={"csrf_token": form_token(ready.browser, "/take-part"), "sure": "yes"}
            )
            assert answer.headers["clear-site-data"] == '"storage"'
        assert not (folder / name).exists()


@needs_runtime
def test_runtime_and_model_come_from_here(ready: Guest) -> None:
    for encoding in ("gzip", "identity"):
        answer = ready.browser.get(f"/take-part/pose/{pose_runtime.BINARY}", headers={"Accept-Encoding": encoding})
        assert answer.headers["content-type"] == "application/wasm"
        assert answer.content.startswith(b"\0asm")
    addresses = pose_runtime.runtime_addresses()
    assert ready.browser.get(addresses.model).content.startswith(b"PK")
    assert "wasm-unsafe-eval" in ready.browser.get("/take-part/camera").headers["content-security-policy"]
    shipped = (STATIC_DIR / "vendor" / "tasks-vision" / "vision_bundle.mjs").read_text(encoding="utf-8")
    assert "/v1/log" not in shipped


def test_the_pinned_runtime_is_the_one_that_recordings_name() -> None:
    wanted = json.loads((ROOT / "web-assets" / "package.json").read_text(encoding="utf-8"))["dependencies"]
    assert wanted["@mediapipe/tasks-vision"] == pose_runtime.VERSION


def test_the_camera_check_looks_at_the_parts_that_the_quality_checks_judge() -> None:
    assert dict(BODY_PARTS) == quality_person._PARTS
    assert set(EXPLANATIONS) == set(Exercise)
