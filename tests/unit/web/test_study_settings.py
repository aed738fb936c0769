"""The page of a study's settings: what may change, who works on it, closing and opening."""

from __future__ import annotations

import re

import pytest

pytest.importorskip("fastapi", reason="the extra `web` is not installed")

from backsight.storage import accounts, audit, studies
from tests.unit.storage import people
from tests.unit.web.site import CLINICIAN, MEMBER, OTHER, PARTICIPANT, Site, post

AS_IT_IS = {
    "name": "Backs in Ulm",
    "exercises": ["touch-toes", "walk", "jump"],
    "consent_text": people.CONSENT,
    "privacy_mode": "landmarks",
    "retention_days": "",
}


def study_of(site: Site) -> str:
    return f"/studies/{site.who.study_id}"


def last_entry(site: Site) -> tuple[str, dict[str, object]]:
    with site.database.session(read_only=True) as session:
        entries = [entry for entry in audit.entries(session, limit=9) if not entry.action.startswith("read")]
        return entries[0].action, entries[0].detail


def test_what_changed_is_saved_and_audited(site: Site) -> None:
    client = site.client(CLINICIAN)
    wanted = AS_IT_IS | {"name": "Backs in Bern", "retention_days": "90", "show_live_index": "yes"}
    response = post(client, f"{study_of(site)}/settings", wanted)
    assert response.headers["location"].endswith("settings?done=saved")
    assert "Saved" in client.get(response.headers["location"]).text
    action, detail = last_entry(site)
    assert action == "change study settings"
    assert set(detail["changed"]) == {"name", "retention_days", "show_live_index"}  # type: ignore[arg-type]
    assert detail["retention_days"] == [None, 90]
    with site.database.session(read_only=True) as session:
        study = studies.find_study(session, site.who.study_id)
        assert (study.name, study.retention_days, study.show_live_index) == ("Backs in Bern", 90, True)


def test_saving_without_a_change_says_so(site: Site) -> None:
    response = post(site.client(MEMBER), f"{study_of(site)}/settings", AS_IT_IS)
    assert response.headers["location"].endswith("done=nothing")


def test_a_new_consent_text_is_announced_and_asked_of_participants_again(site: Site) -> None:
    client = site.client(MEMBER)
    assert "1 person has signed this text" in client.get(f"{study_of(site)}/settings").text
    wanted = AS_IT_IS | {"consent_text": "Another text.\r\nReally."}
    response = post(client, f"{study_of(site)}/settings", wanted)
    assert response.headers["location"].endswith("done=consent")
    _, detail = last_entry(site)
    assert detail["consent_text"] == studies.consent_hash("Another text.\nReally.")
    assert site.client(PARTICIPANT).get("/take-part").headers["location"].endswith("/consent")
    assert "an earlier text" in client.get(f"{study_of(site)}/people/{site.who.participant_id}").text


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"name": " "}, "name"),
        ({"exercises": ["walk"]}, "exercises"),
        ({"privacy_mode": "video"}, "privacy_mode"),
        ({"retention_days": "soon"}, "retention_days"),
        ({"consent_text": ""}, "consent_text"),
    ],
)
def test_what_cannot_be_comes_back_as_it_was_typed(change: dict[str, object], field: str, site: Site) -> None:
    typed = AS_IT_IS | {"name": "Typed <b>name"} | change
    response = post(site.client(MEMBER), f"{study_of(site)}/settings", typed)
    assert response.status_code == 422
    assert f'id="{field}-error"' in response.text
    assert ("Typed &lt;b&gt;name" in response.text) == (field != "name")
    with site.database.session(read_only=True) as session:
        assert studies.find_study(session, site.who.study_id).name == "Backs in Ulm"


def test_a_closed_study_lets_nobody_in_and_shows_all_until_it_is_opened_again(site: Site) -> None:
    client = site.client(MEMBER)
    assert post(client, f"{study_of(site)}/close").status_code == 303
    assert last_entry(site)[0] == "close study"
    assert site.client(PARTICIPANT).get("/take-part").status_code == 410
    page = client.get(study_of(site)).text
    assert "Closed since" in page
    assert "Make a link" not in page
    assert "P-0001" in page
    assert client.get(f"{study_of(site)}/export.zip").status_code == 200
    assert post(client, f"{study_of(site)}/invitations").status_code == 409
    assert post(client, f"{study_of(site)}/people/{site.who.participant_id}/invitation").status_code == 409
    assert post(client, f"{study_of(site)}/reopen").status_code == 303
    assert site.client(PARTICIPANT).get("/take-part").status_code < 400


def user_id(site: Site, email: str) -> str:
    with site.database.session(read_only=True) as session:
        user = accounts.find_user(session, email=email)
        assert user is not None
        return user.id


def test_members_come_and_go_and_the_last_one_stays(site: Site) -> None:
    client = site.client(MEMBER)
    assert post(client, f"{study_of(site)}/members", {"email": "other@example.org"}).status_code == 303
    assert site.client(OTHER).get(study_of(site)).status_code == 200
    response = post(client, f"{study_of(site)}/members/{user_id(site, 'other@example.org')}/remove")
    assert response.status_code == 303
    assert last_entry(site)[0] == "remove member"
    assert site.client(OTHER).get(study_of(site)).status_code == 404
    for email in ("clinician@example.org", "admin@example.org"):
        post(client, f"{study_of(site)}/members/{user_id(site, email)}/remove")
    refused = post(client, f"{study_of(site)}/members/{user_id(site, 'member@example.org')}/remove")
    assert refused.status_code == 409
    assert "The last member cannot be removed" in refused.text
    assert client.get(study_of(site)).status_code == 200


def test_whoever_leaves_is_sent_to_the_list(site: Site) -> None:
    client = site.client(CLINICIAN)
    response = post(client, f"{study_of(site)}/members/{user_id(site, 'clinician@example.org')}/remove")
    assert response.headers["location"] == "/studies"
    assert client.get(study_of(site)).status_code == 404


@pytest.mark.parametrize("email", ["nobody@example.org", "admin@example.org", ""])
def test_whoever_cannot_work_on_studies_is_not_added(email: str, site: Site) -> None:
    response = post(site.client(MEMBER), f"{study_of(site)}/members", {"email": email})
    assert response.status_code == 422
    assert re.search(rf'name="email" type="email" value="{email}"', response.text)
