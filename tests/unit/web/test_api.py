"""The JSON API as a program uses it: every route, tokens, other studies, problems."""

from __future__ import annotations

import csv
import io
import json
import re
import zipfile
from datetime import timedelta
from pathlib import Path

import pytest

pytest.importorskip("fastapi", reason="the extra `web` is not installed")

import pyarrow.parquet as pq
from jsonschema import Draft202012Validator
from sqlalchemy import update
from starlette.testclient import TestClient

from backsight.domain.recording import Exercise
from backsight.exports.json_file import SCHEMA_PATH
from backsight.storage import accounts, audit, recordings, studies
from backsight.storage.tables import ApiToken, Recording, RecordingState, Study, now
from backsight.web.api_limits import RequestLimit
from backsight.web.api_problems import KINDS, REFERENCE_PATH
from tests.unit.storage import people
from tests.unit.web.site import ADMIN_TOKEN, ANYBODY, CLINICIAN_TOKEN, MEMBER, MEMBER_TOKEN, OTHER_TOKEN, Site

NOBODYS = "0" * 32
API = "/api/v1"


def _study(site: Site) -> str:
    return f"{API}/studies/{site.who.study_id}"


def _person(site: Site) -> str:
    return f"{_study(site)}/participants/{site.who.participant_id}"


def _recording(site: Site) -> str:
    return f"{_person(site)}/recordings/{site.who.recording_id}"


def _reads(site: Site) -> list[str]:
    person, recording = _person(site), _recording(site)
    return [
        _study(site),
        f"{_study(site)}/participants",
        f"{_study(site)}/export.zip",
        person,
        f"{person}/notes",
        f"{person}/history",
        f"{person}/visits/{site.who.visit_id}/assessment",
        f"{person}/recordings",
        recording,
        f"{recording}/assessment",
        f"{recording}/landmarks",
        f"{recording}/landmarks.parquet",
    ]


def test_a_token_says_whose_it_is_and_until_when(site: Site) -> None:
    told = site.client(CLINICIAN_TOKEN).get(f"{API}/me").json()
    assert (told["email"], told["role"], told["may_export"]) == ("clinician@example.org", "clinician", False)
    assert told["token"]["name"] == "a program"
    assert site.client(ADMIN_TOKEN).get(f"{API}/me").json()["role"] == "admin"


def test_only_ones_own_studies_are_listed_and_none_to_an_administrator(site: Site) -> None:
    listed = site.client(MEMBER_TOKEN).get(f"{API}/studies").json()["items"]
    assert [(one["id"], one["name"]) for one in listed] == [(site.who.study_id, "Backs in Ulm")]
    refused = site.client(ADMIN_TOKEN).get(f"{API}/studies")
    assert refused.status_code == 403
    assert refused.json()["type"] == f"{REFERENCE_PATH}#role"


def test_a_study_has_its_settings_members_and_progress(site: Site) -> None:
    study = site.client(MEMBER_TOKEN).get(_study(site)).json()
    assert study["exercises"] == ["touch-toes", "walk", "jump"]
    assert (study["privacy_mode"], study["retention_days"], study["closed_at"]) == ("landmarks", None, None)
    assert study["consent_text"] == people.CONSENT
    assert {one["role"] for one in study["members"]} == {"researcher", "clinician", "admin"}
    assert study["progress"]["n_participants"] == 1
    assert study["progress"]["states"]["recording"] == 1
    assert study["progress"]["qualities"] == {"good": 1}


def test_participants_come_page_by_page_and_nobody_is_missed_when_somebody_leaves(site: Site) -> None:
    client = site.client(MEMBER_TOKEN)
    with site.database.session() as session:
        made = [studies.invite(session, study_id=site.who.study_id).participant for _ in range(4)]
        assert [one.code for one in made] == ["P-0002", "P-0003", "P-0004", "P-0005"]
    first = client.get(f"{_study(site)}/participants", params={"limit": 2}).json()
    assert ([one["code"] for one in first["items"]], first["n_total"]) == (["P-0001", "P-0002"], 5)
    with site.database.session() as session:
        # Whoever the next page goes on after withdraws meanwhile.
        session.delete(session.merge(made[0]))
    second = client.get(f"{_study(site)}/participants", params={"limit": 2, "after": first["next_after"]}).json()
    assert [one["code"] for one in second["items"]] == ["P-0003", "P-0004"]
    third = client.get(f"{_study(site)}/participants", params={"limit": 2, "after": second["next_after"]}).json()
    assert ([one["code"] for one in third["items"]], third["next_after"]) == (["P-0005"], None)


def test_the_list_says_how_far_somebody_is_and_what_their_last_visit_showed(site: Site) -> None:
    (one,) = site.client(MEMBER_TOKEN).get(f"{_study(site)}/participants").json()["items"]
    assert (one["code"], one["label"], one["state"]) == ("P-0001", "From the Tuesday group", "recording")
    assert (one["n_visits"], one["recordings"], one["quality"]) == (1, {"done": 1}, "good")
    assert (one["index"], one["interval"], one["verdict"]) == (0.3, {"low": 0.12, "high": 0.48}, "no red flag")


def test_a_participant_has_profile_consent_and_visits(site: Site) -> None:
    with site.database.session() as session:
        person = studies.find_participant(session, study_id=site.who.study_id, participant_id=site.who.participant_id)
        studies.save_profile(
            session,
            person,
            birth_year=now().year - 40,
            sex="female",
            height_cm=171.5,
            mass_kg=None,
            back_history={"pain_4_weeks": "yes", "conditions": ["disc"]},
        )
    told = site.client(CLINICIAN_TOKEN).get(_person(site)).json()
    assert told["profile"] == {
        "birth_year": now().year - 40,
        "age_years": 40,
        "sex": "female",
        "height_cm": 171.5,
        "mass_kg": None,
        "back_history": {"pain_4_weeks": "yes", "conditions": ["disc"]},
    }
    assert told["consent_signed_at"] is not None
    assert "Grace" not in str(told)
    (visit,) = told["visits"]
    assert (visit["id"], visit["index"], visit["quality"]) == (site.who.visit_id, 0.3, "good")
    assert [one["id"] for one in visit["recordings"]] == [site.who.recording_id]


def test_recordings_have_state_rating_and_quality(site: Site) -> None:
    client = site.client(MEMBER_TOKEN)
    (one,) = client.get(f"{_person(site)}/recordings").json()["items"]
    assert one == client.get(_recording(site)).json()
    assert (one["exercise"], one["state"], one["rating"], one["quality"]) == ("walk", "done", 80.0, "good")
    assert (one["width_px"], one["height_px"], one["pose_model"]) == (1280, 720, "lite")
    assert (one["has_landmarks"], one["has_video"]) == (True, False)


def test_assessments_are_what_the_command_line_writes(site: Site) -> None:
    schema = Draft202012Validator(json.loads(Path(SCHEMA_PATH).read_text(encoding="utf-8")))
    client = site.client(MEMBER_TOKEN)
    for path in (f"{_recording(site)}/assessment", f"{_person(site)}/visits/{site.who.visit_id}/assessment"):
        document = client.get(path).json()
        schema.validate(document)
        assert document["session"]["index"] == 0.3


def test_what_is_not_assessed_yet_is_404_and_says_so(site: Site) -> None:
    with site.database.session() as session:
        person = studies.find_participant(session, study_id=site.who.study_id, participant_id=site.who.participant_id)
        visit = recordings.open_visit(session, person)
        waiting = people.record(session, visit, Exercise.JUMP)
    response = site.client(MEMBER_TOKEN).get(f"{_person(site)}/recordings/{waiting.id}/assessment")
    assert response.status_code == 404
    assert "it is queued" in response.json()["detail"]


def test_landmarks_that_were_not_kept_are_nobodys_to_see(site: Site) -> None:
    with site.database.session() as session:
        session.execute(update(Recording).values(state=RecordingState.RECEIVED))
    client = site.client(MEMBER_TOKEN)
    assert client.get(_recording(site)).json()["has_landmarks"] is False
    for name in ("landmarks", "landmarks.parquet"):
        assert client.get(f"{_recording(site)}/{name}").status_code == 404


def test_landmarks_as_json_are_those_of_the_parquet_table(site: Site) -> None:
    client = site.client(MEMBER_TOKEN)
    response = client.get(f"{_recording(site)}/landmarks.parquet")
    assert response.headers["content-type"] == "application/vnd.apache.parquet"
    table = pq.read_table(io.BytesIO(response.content))
    first = client.get(f"{_recording(site)}/landmarks", params={"limit": 2}).json()
    assert (first["n_frames"] * 33, first["next_first"]) == (table.num_rows, 2)
    row = 33 + first["landmarks"].index("left_hip")
    assert table["landmark"][row].as_py() == "left_hip"
    found = first["frames"][1]["landmarks"][row - 33]
    assert found == pytest.approx([table[name][row].as_py() for name in first["values"]], abs=1e-4)
    last = client.get(f"{_recording(site)}/landmarks", params={"first": first["n_frames"] - 1}).json()
    assert ([one["frame"] for one in last["frames"]], last["next_first"]) == ([first["n_frames"] - 1], None)
    beyond = client.get(f"{_recording(site)}/landmarks", params={"first": first["n_frames"]}).json()
    assert (beyond["frames"], beyond["next_first"]) == ([], None)


def test_a_person_is_compared_over_time_with_intervals(site: Site) -> None:
    with site.database.session() as session:
        person = studies.find_participant(session, study_id=site.who.study_id, participant_id=site.who.participant_id)
        visit = recordings.open_visit(session, person)
        for exercise in (Exercise.TOUCH_TOES, Exercise.JUMP):
            recordings.skip(session, visit, exercise=exercise, reason="a sore foot")
        recordings.finish_visit(session, visit)
        again = people.record(session, recordings.open_visit(session, person))
        recordings.save_assessment(session, again.id, people.assess(index=0.9, half_width=0.05))
    told = site.client(MEMBER_TOKEN).get(f"{_person(site)}/history").json()
    assert (told["schema"], told["subject"], told["level"]) == ("backsight.history", "P-0001", 0.9)
    first, second = told["sessions"]
    assert first["since_previous"] is None
    assert second["since_previous"]["difference"] == pytest.approx(0.6)
    assert second["since_previous"]["exceeds_error"] is True
    assert second["ratings"] == {"walk": 80.0}


def test_the_export_is_ready_to_train_on_and_for_researchers_only(site: Site) -> None:
    response = site.client(MEMBER_TOKEN).get(f"{_study(site)}/export.zip")
    with zipfile.ZipFile(io.BytesIO(response.content)) as archive:
        rows = list(csv.DictReader(archive.read("backs-in-ulm/study.csv").decode().splitlines()))
    assert [(row["subject"], row["exercise"], row["rating"]) for row in rows] == [("P-0001", "walk", "80")]
    assert site.client(CLINICIAN_TOKEN).get(f"{_study(site)}/export.zip").status_code == 403


def test_an_invitation_gives_its_link_once(site: Site) -> None:
    client = site.client(CLINICIAN_TOKEN)
    response = client.post(f"{_study(site)}/participants", json={"label": "Ada", "lifetime_days": 7})
    assert response.status_code == 201
    made = response.json()
    assert made["code"] == "P-0002"
    token = re.fullmatch(r"http://testserver/join/([\w-]{43})", made["link"])
    assert token is not None
    person = client.get(response.headers["location"]).json()
    assert (person["id"], person["label"], person["state"]) == (made["participant_id"], "Ada", "invited")
    assert token[1] not in str(person)
    with site.database.session(read_only=True) as session:
        assert studies.participant_of_invitation(session, token[1]).code == "P-0002"
    renewed = client.post(f"{response.headers['location']}/invitation", json={}).json()["link"]
    assert client.get(made["link"]).status_code == 410
    assert site.client(ANYBODY).get(renewed).status_code == 303


def test_nobody_is_invited_to_a_closed_study(site: Site) -> None:
    with site.database.session() as session:
        session.execute(update(Study).values(closed_at=now()))
    client = site.client(MEMBER_TOKEN)
    for path in (f"{_study(site)}/participants", f"{_person(site)}/invitation"):
        response = client.post(path, json={})
        assert (response.status_code, response.json()["type"]) == (409, f"{REFERENCE_PATH}#conflict")


def test_flag_exclusion_and_notes_are_kept(site: Site) -> None:
    client = site.client(CLINICIAN_TOKEN)
    assert client.put(f"{_person(site)}/flag", json={"is_flagged": True}).json()["is_flagged"] is True
    excluded = client.put(f"{_person(site)}/exclusion", json={"reason": " A long coat "}).json()
    assert excluded["exclusion"]["reason"] == "A long coat"
    note = client.post(f"{_person(site)}/notes", json={"text": "Leans <left>\n"})
    assert (note.status_code, note.json()["text"]) == (201, "Leans <left>")
    assert client.get(f"{_person(site)}/notes").json()["items"] == [note.json()]
    person = client.get(_person(site)).json()
    assert (person["is_flagged"], person["exclusion"]) == (True, excluded["exclusion"])
    assert client.delete(f"{_person(site)}/exclusion").json() == {"is_flagged": True, "exclusion": None}
    assert client.delete(f"{_person(site)}/exclusion").status_code == 200


@pytest.mark.parametrize(
    ("method", "part", "body", "field"),
    [
        ("POST", "notes", {"text": " "}, "text"),
        ("POST", "notes", {"text": "a\0b"}, "text"),
        ("POST", "notes", {"text": 3}, "text"),
        ("POST", "notes", {}, "text"),
        ("POST", "notes", {"text": "x" * 50_001}, "text"),
        ("PUT", "exclusion", {"reason": ""}, "reason"),
        ("PUT", "flag", {"is_flagged": "yes"}, "is_flagged"),
        ("PUT", "flag", {"is_flagged": True, "more": 1}, "more"),
        ("POST", "invitation", {"lifetime_days": 366}, "lifetime_days"),
        ("POST", "invitation", {"lifetime_days": 10**30}, "lifetime_days"),
        ("POST", "invitation", [], "body"),
    ],
)
def test_a_value_that_cannot_be_is_named_and_nothing_is_done(
    method: str, part: str, body: object, field: str, site: Site
) -> None:
    response = site.client(MEMBER_TOKEN).request(method, f"{_person(site)}/{part}", json=body)
    assert response.status_code == 422
    assert response.headers["content-type"] == "application/problem+json"
    problem = response.json()
    assert (problem["status"], problem["title"], problem["field"]) == (422, "Invalid value", field)
    assert problem["errors"][0]["field"] == field
    with site.database.session(read_only=True) as session:
        assert list(audit.entries(session, limit=9)) == []


@pytest.mark.parametrize(
    "params", [{"limit": 0}, {"limit": 201}, {"limit": "many"}, {"after": "\0"}, {"aftr": "P-0001"}]
)
def test_a_page_that_cannot_be_is_refused(params: dict[str, object], site: Site) -> None:
    response = site.client(MEMBER_TOKEN).get(f"{_study(site)}/participants", params=params)
    assert (response.status_code, response.json()["field"]) == (422, next(iter(params)))


def test_a_body_that_is_not_json_or_too_large_is_a_problem_too(site: Site) -> None:
    client = site.client(MEMBER_TOKEN)
    url = f"{_person(site)}/notes"
    for content, status in ((b"{", 422), (b'{"text": "\xff"}', 400), (b"[" * 700_000, 413)):
        response = client.post(url, content=content, headers={"Content-Type": "application/json"})
        assert (response.status_code, response.json()["status"]) == (status, status)
        assert response.json()["type"] == f"{REFERENCE_PATH}#{KINDS[status].slug}"
        assert response.json()["field"] == ("body" if status == 422 else None)
        assert "content-security-policy" in response.headers
        assert "x-request-id" in response.headers


def test_a_note_of_the_greatest_length_is_taken_in_any_alphabet(site: Site) -> None:
    text = "\N{BONE}" * 50_000
    content = json.dumps({"text": text}, ensure_ascii=True)
    response = site.client(MEMBER_TOKEN).post(
        f"{_person(site)}/notes", content=content, headers={"Content-Type": "application/json"}
    )
    assert (response.status_code, response.json()["text"]) == (201, text)


def test_a_fault_of_the_server_is_a_problem_too_and_tells_nothing(site: Site) -> None:
    class Broken(RequestLimit):
        def take(self, key: str) -> None:
            raise RuntimeError("somebody's name")

    site.app.state.api_limit = Broken()
    client = TestClient(site.app, headers=site.who.headers[MEMBER_TOKEN], raise_server_exceptions=False)
    response = client.get(f"{API}/me")
    assert response.status_code == 500, response.text
    assert response.json()["type"] == f"{REFERENCE_PATH}#failed"
    assert "name" not in response.json()["detail"]
    assert "content-security-policy" in response.headers


def test_another_studys_things_are_not_there(site: Site) -> None:
    for url in _reads(site):
        response = site.client(OTHER_TOKEN).get(url)
        assert response.status_code == 404, url
        assert "no such study" in response.json()["detail"]


def test_another_studys_people_are_not_there_under_ones_own(site: Site) -> None:
    """By somebody who knows an identifier of the other study, and asks for it within their own."""
    with site.database.session() as session:
        mine = people.make_study(session, name="Mine", owner_id=None).id
        user = accounts.find_user(session, email="other@example.org")
        assert user is not None
        studies.add_member(session, study_id=mine, user_id=user.id)
    client = site.client(OTHER_TOKEN)
    person = f"{API}/studies/{mine}/participants/{site.who.participant_id}"
    reads = [url.replace(_person(site), person) for url in _reads(site) if url.startswith(_person(site))]
    assert len(reads) == 9
    for url in reads:
        response = client.get(url)
        assert response.status_code == 404, url
        assert "no participant" in response.json()["detail"]
    writes: list[tuple[str, str, object]] = [
        ("POST", "notes", {"text": "Mine now"}),
        ("PUT", "flag", {"is_flagged": True}),
        ("PUT", "exclusion", {"reason": "Because"}),
        ("DELETE", "exclusion", None),
        ("POST", "invitation", {}),
    ]
    for method, part, body in writes:
        assert client.request(method, f"{person}/{part}", json=body).status_code == 404, part
    told = site.client(MEMBER_TOKEN).get(_person(site)).json()
    assert (told["is_flagged"], told["exclusion"]) == (False, None)


def test_a_recording_or_visit_of_somebody_else_is_not_there_under_another(site: Site) -> None:
    client = site.client(MEMBER_TOKEN)
    made = client.post(f"{_study(site)}/participants", json={}).json()["participant_id"]
    other = f"{_study(site)}/participants/{made}"
    for part in (
        f"recordings/{site.who.recording_id}",
        f"recordings/{site.who.recording_id}/assessment",
        f"recordings/{site.who.recording_id}/landmarks",
        f"recordings/{site.who.recording_id}/landmarks.parquet",
        f"visits/{site.who.visit_id}/assessment",
    ):
        assert client.get(f"{other}/{part}").status_code == 404, part


def _expire(site: Site) -> None:
    with site.database.session() as session:
        session.execute(update(ApiToken).values(expires_at=now() - timedelta(seconds=1)))


def _revoke(site: Site) -> None:
    with site.database.session() as session:
        user = accounts.find_user(session, email="member@example.org")
        assert user is not None
        assert accounts.revoke_api_token(session, user, token_hash=site.who.api_token_hash)


def _disable(site: Site) -> None:
    with site.database.session() as session:
        user = accounts.find_user(session, email="member@example.org")
        assert user is not None
        accounts.disable_user(session, user)


@pytest.mark.parametrize("end", [_expire, _revoke, _disable])
def test_a_token_that_has_ended_opens_nothing(end: object, site: Site) -> None:
    client = site.client(MEMBER_TOKEN)
    assert client.get(f"{API}/me").status_code == 200
    end(site)  # type: ignore[operator]
    for url in (f"{API}/me", f"{API}/studies", *_reads(site)):
        response = client.get(url)
        assert response.status_code == 401, url
        assert response.headers["www-authenticate"] == "Bearer"
        assert response.json()["type"] == f"{REFERENCE_PATH}#token"


@pytest.mark.parametrize("header", ["", "Bearer", "Bearer ", "Bearer bsat_wrong", "Basic bWU6bWU=", "bsat_wrong"])
def test_no_token_or_a_wrong_one_opens_nothing(header: str, site: Site) -> None:
    response = site.client(ANYBODY).get(_study(site), headers={"Authorization": header})
    assert (response.status_code, response.json()["status"]) == (401, 401)


def test_a_browsers_sign_in_opens_nothing_here(site: Site) -> None:
    assert site.client(MEMBER).get(_study(site)).status_code == 401


def test_what_the_api_does_not_know_is_a_problem_too(site: Site) -> None:
    client = site.client(MEMBER_TOKEN)
    missing = client.get(f"{API}/nothing")
    assert (missing.status_code, missing.json()["type"]) == (404, f"{REFERENCE_PATH}#not-found")
    wrong = client.delete(f"{API}/me")
    assert (wrong.status_code, wrong.headers["allow"], wrong.json()["status"]) == (405, "GET", 405)
    malformed = client.get(f"{_study(site)}/participants/P-0001")
    assert (malformed.status_code, malformed.json()["field"]) == (422, "participant_id")
    assert client.get(f"{_study(site)}/participants/{NOBODYS}").status_code == 404


def test_every_access_is_in_the_audit_log_with_the_token_and_whom(site: Site) -> None:
    client = site.client(MEMBER_TOKEN)
    reads = _reads(site)
    for url in reads:
        assert client.get(url).status_code == 200, url
    with site.database.session(read_only=True) as session:
        entries = audit.entries(session, limit=len(reads))
        assert audit.verify(session) is None
    assert {entry.actor for entry in entries} == {f"token:{site.who.api_token_hash[:12]}"}
    assert [(entry.action, entry.object_id) for entry in reversed(entries)] == [
        ("read study", None),
        ("list participants", None),
        ("export study", None),
        ("read participant", site.who.participant_id),
        ("read notes", site.who.participant_id),
        ("read history", site.who.participant_id),
        ("read assessment", site.who.participant_id),
        ("list recordings", site.who.participant_id),
        ("read recording", site.who.recording_id),
        ("read assessment", site.who.recording_id),
        ("read landmarks", site.who.recording_id),
        ("download landmarks", site.who.recording_id),
    ]


def test_a_program_that_asks_too_often_is_told_how_long_to_wait(site: Site) -> None:
    site.app.state.api_limit = RequestLimit(burst=2, per_s=0.2, clock=lambda: 0.0)
    client = site.client(MEMBER_TOKEN)
    assert [client.get(f"{API}/me").status_code for _ in range(3)] == [200, 200, 429]
    response = client.get(f"{API}/me")
    assert (response.headers["retry-after"], response.json()["type"]) == ("5", f"{REFERENCE_PATH}#slow-down")
    assert site.client(OTHER_TOKEN).get(f"{API}/me").status_code == 200


def test_a_limit_fills_up_again_and_not_beyond_its_burst() -> None:
    clock = [0.0]
    limit = RequestLimit(burst=2, per_s=0.5, clock=lambda: clock[0])

    def n_taken() -> int:
        taken = 0
        while True:
            try:
                limit.take("a")
            except accounts.ThrottledError:
                return taken
            taken += 1

    assert n_taken() == 2
    clock[0] = 2.0
    assert n_taken() == 1
    clock[0] = 1000.0
    assert n_taken() == 2
