"""A person's page: what was recorded and became of it, reports and landmarks, and taking back what was done."""

from __future__ import annotations

import re
from pathlib import Path

import pyarrow.parquet as pq
import pytest

pytest.importorskip("fastapi", reason="the extra `web` is not installed")

from sqlalchemy import select

from backsight.domain.recording import Exercise
from backsight.exports.landmarks import read_poses
from backsight.storage import audit, recordings, results, studies
from backsight.storage.tables import Deletion, Participant, Recording, Visit
from backsight.storage.videos import incoming_folder
from tests.unit.storage import people
from tests.unit.web.site import CLINICIAN, MEMBER, Site, post


def person_of(site: Site) -> str:
    return f"/studies/{site.who.study_id}/people/{site.who.participant_id}"


def recording_of(site: Site) -> str:
    return f"{person_of(site)}/recordings/{site.who.recording_id}"


def visit_of(site: Site) -> str:
    with site.database.session(read_only=True) as session:
        return session.get_one(Recording, site.who.recording_id).visit_id


def test_a_report_is_served_under_a_policy_that_allows_its_own_script_only(site: Site) -> None:
    response = site.client(CLINICIAN).get(f"{recording_of(site)}/report")
    assert response.status_code == 200
    policy = dict(part.split(" ", 1) for part in response.headers["content-security-policy"].split("; "))
    assert "unsafe" not in response.headers["content-security-policy"]
    for directive in ("script-src", "style-src"):
        assert re.fullmatch(r"'sha256-[A-Za-z0-9+/]{43}='", policy[directive])
    assert policy["default-src"] == policy["frame-ancestors"] == policy["base-uri"] == "'none'"
    # Without the site's origin, so that nothing in the page could use the visitor's sign-in.
    assert policy["sandbox"] == "allow-scripts allow-modals"
    assert response.headers["cache-control"] == "no-store"
    assert "0.30" in response.text
    assert "not a diagnosis" in response.text
    assert f'href="{person_of(site)}"' in response.text
    assert "Tuesday group" not in response.text


def test_a_visit_has_a_report_of_all_its_exercises(site: Site) -> None:
    with site.database.session() as session:
        visit = session.get_one(Visit, session.get_one(Recording, site.who.recording_id).visit_id)
        jump = people.record(session, visit, Exercise.JUMP)
        recordings.save_assessment(session, jump.id, people.assess(Exercise.JUMP, index=0.5))
    page = site.client(MEMBER).get(f"{person_of(site)}/visits/{visit_of(site)}/report").text
    assert "Walk 2 metres" in page
    assert "Jump as high as you can" in page
    assert "0.40" in page


def test_reading_a_report_and_taking_landmarks_are_in_the_audit_log(site: Site) -> None:
    client = site.client(MEMBER)
    client.get(f"{recording_of(site)}/report")
    client.get(f"{recording_of(site)}/landmarks.parquet")
    with site.database.session(read_only=True) as session:
        entries = audit.entries(session, limit=2)
    assert [(entry.action, entry.object_id) for entry in entries] == [
        ("download landmarks", site.who.recording_id),
        ("read report", site.who.recording_id),
    ]


def test_landmarks_come_as_the_table_that_backsight_reads(site: Site, tmp_path: Path) -> None:
    response = site.client(MEMBER).get(f"{recording_of(site)}/landmarks.parquet")
    assert response.headers["content-type"] == "application/vnd.apache.parquet"
    assert re.search(
        r'attachment; filename="P-0001-walk-\d{4}-\d\d-\d\d\.landmarks\.parquet"',
        response.headers["content-disposition"],
    )
    path = tmp_path / "one.parquet"
    path.write_bytes(response.content)
    (pose,) = read_poses(path).by_exercise.values()
    with site.database.session(read_only=True) as session:
        assert pose.n_frames == recordings.load_track(session, site.who.recording_id).pose.n_frames
    assert b"Tuesday" not in response.content
    assert pq.ParquetFile(path).schema_arrow.names[0] == "clip"


def test_what_has_no_report_says_why_on_the_persons_page_and_at_its_address(site: Site) -> None:
    with site.database.session() as session:
        visit = session.get_one(Visit, session.get_one(Recording, site.who.recording_id).visit_id)
        jump = people.record(session, visit, Exercise.JUMP)
        results.fail(session, jump.id, reason="no <person> found")
        recordings.skip(session, visit, exercise=Exercise.TOUCH_TOES, reason="My knee hurts")
        failed = jump.id
    client = site.client(MEMBER)
    page = client.get(person_of(site)).text
    assert "no &lt;person&gt; found" in page
    assert "My knee hurts" in page
    assert f"{recording_of(site)}/report" in page
    assert f"{failed}/report" not in page
    response = client.get(f"{person_of(site)}/recordings/{failed}/report")
    assert response.status_code == 404
    assert "could not be assessed: no &lt;person&gt; found" in response.text


@pytest.mark.parametrize("part", ["report", "landmarks.parquet"])
def test_a_recording_is_found_under_its_own_person_only(part: str, site: Site) -> None:
    with site.database.session() as session:
        other = people.make_participant(session, studies.find_study(session, site.who.study_id))
        other_id = other.id
    url = f"/studies/{site.who.study_id}/people/{other_id}/recordings/{site.who.recording_id}/{part}"
    assert site.client(MEMBER).get(url).status_code == 404


def test_landmarks_of_a_recording_that_was_not_kept_stay_with_the_participant(site: Site) -> None:
    with site.database.session() as session:
        visit = session.get_one(Visit, session.get_one(Recording, site.who.recording_id).visit_id)
        unkept = people.begin(session, visit, Exercise.JUMP)
        recordings.add_chunk(session, unkept.id, number=0, frames=people.make_frames())
        recordings.finish_receiving(session, unkept.id, n_chunks=1)
        name = unkept.id
    assert site.client(MEMBER).get(f"{person_of(site)}/recordings/{name}/landmarks.parquet").status_code == 404


def undo(site: Site, page: str) -> tuple[str, dict[str, object]]:
    """Return the address and fields of the form that undoes what was just done."""
    notice = page.partition('role="status"')[2].partition("</form>")[0]
    action = re.search(r'action="([^"]+)"', notice)
    assert action is not None
    fields = re.findall(r'name="(\w+)" value="([^"]*)"', notice)
    return action[1], {name: value for name, value in fields if name != "csrf_token"}


def test_flag_and_exclusion_are_undone_by_what_the_notice_offers(site: Site) -> None:
    client = site.client(MEMBER)
    response = post(client, f"{person_of(site)}/flag", {"is_flagged": "true"})
    page = client.get(response.headers["location"]).text
    assert "Flagged, to be looked at" in page
    post(client, *undo(site, page))
    response = post(client, f"{person_of(site)}/exclude", {"reason": "A long coat"})
    post(client, *undo(site, client.get(response.headers["location"]).text))
    with site.database.session(read_only=True) as session:
        person = session.get_one(Participant, site.who.participant_id)
        assert (person.is_flagged, person.excluded_at, person.exclusion_reason) == (False, None, "")


def test_taking_somebody_back_in_can_be_undone_with_the_same_reason(site: Site) -> None:
    client = site.client(MEMBER)
    post(client, f"{person_of(site)}/exclude", {"reason": "A long coat"})
    response = post(client, f"{person_of(site)}/include")
    assert response.status_code == 200
    post(client, *undo(site, response.text))
    with site.database.session(read_only=True) as session:
        assert session.get_one(Participant, site.who.participant_id).exclusion_reason == "A long coat"


def test_a_removed_note_can_be_put_back_and_others_notes_cannot_be_removed(site: Site) -> None:
    post(site.client(CLINICIAN), f"{person_of(site)}/notes", {"text": "Leans left"})
    with site.database.session(read_only=True) as session:
        person = session.get_one(Participant, site.who.participant_id)
        (note,) = studies.notes_of(session, person)
    url = f"{person_of(site)}/notes/{note.id}/remove"
    assert "Remove your note" not in site.client(MEMBER).get(person_of(site)).text
    assert post(site.client(MEMBER), url).status_code == 404
    removed = post(site.client(CLINICIAN), url)
    assert "Your note is removed" in removed.text
    post(site.client(CLINICIAN), *undo(site, removed.text))
    with site.database.session(read_only=True) as session:
        person = session.get_one(Participant, site.who.participant_id)
        assert [one.text for one in studies.notes_of(session, person)] == ["Leans left"]


def test_a_refused_form_comes_back_with_what_was_typed(site: Site) -> None:
    too_long = "x" * 50_001
    response = post(site.client(MEMBER), f"{person_of(site)}/notes", {"text": too_long})
    assert response.status_code == 422
    assert too_long in response.text
    assert "must be at most 50000 letters" in response.text


def test_somebody_who_asks_is_deleted_once_their_code_is_typed(site: Site) -> None:
    client = site.client(MEMBER)
    refused = post(client, f"{person_of(site)}/delete", {"code": "P-0009"})
    assert refused.status_code == 422
    assert "P-0009" in refused.text
    with site.database.session(read_only=True) as session:
        assert session.get(Participant, site.who.participant_id) is not None
    incoming = incoming_folder(site.app.state.settings.videos_url)
    incoming.mkdir(parents=True, exist_ok=True)
    half_sent = incoming / site.who.recording_id
    half_sent.touch()
    response = post(client, f"{person_of(site)}/delete", {"code": " P-0001 "})
    assert not half_sent.exists()
    assert "P-0001 is deleted" in response.text
    assert client.get(person_of(site)).status_code == 404
    with site.database.session(read_only=True) as session:
        (proof,) = session.scalars(select(Deletion))
        assert (proof.participant_code, proof.reason) == ("P-0001", "withdrawn")
        actors = {entry.action: entry.actor for entry in audit.entries(session, limit=9)}
        assert actors["delete participant"].startswith("user:")


def test_a_change_is_told_in_words_with_its_interval_and_the_rule(site: Site) -> None:
    with site.database.session() as session:
        person = session.get_one(Participant, site.who.participant_id)
        first = session.get_one(Visit, session.get_one(Recording, site.who.recording_id).visit_id)
        first.finished_at = first.started_at
        second = people.record(session, recordings.open_visit(session, person))
        recordings.save_assessment(session, second.id, people.assess(index=0.7, half_width=0.05))
    page = re.sub(r"\s+", " ", site.client(MEMBER).get(person_of(site)).text)
    # From 0.30 (0.12 to 0.48) to 0.70 (0.65 to 0.75): 0.40 -/+ sqrt(0.05^2 + 0.18^2) = 0.21 to 0.59.
    assert "higher, thus worse, by 0.40 (90 % interval of the difference +0.21 to +0.59)" in page
    assert "more than measurement error" in page
    assert "Zou and Donner" in page
