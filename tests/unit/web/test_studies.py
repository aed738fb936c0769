"""A researcher's pages: a new study, inviting, a person, the data set."""

from __future__ import annotations

import csv
import io
import re
import zipfile

import pytest

pytest.importorskip("fastapi", reason="the extra `web` is not installed")

from backsight.storage import studies
from backsight.storage.tables import PrivacyMode
from tests.unit.web.site import CLINICIAN, MEMBER, OTHER, Site, post

NEW = {
    "name": "Backs in Bern",
    "exercises": ["walk", "jump"],
    "consent_text": "I agree.\r\nReally.",
    "privacy_mode": "video",
    "retention_days": "365",
}


def _people(site: Site) -> str:
    return f"/studies/{site.who.study_id}/people/{site.who.participant_id}"


def test_a_new_study_is_as_it_was_entered_and_its_maker_is_in_it(site: Site) -> None:
    client = site.client(CLINICIAN)
    response = post(client, "/studies/new", NEW)
    assert response.status_code == 303
    with site.database.session(read_only=True) as session:
        study = studies.find_study(session, response.headers["location"].rpartition("/")[2])
        assert (study.name, study.exercises) == ("Backs in Bern", ["walk", "jump"])
        assert study.consent_text == "I agree.\nReally."
        assert (study.privacy_mode, study.retention_days) == (PrivacyMode.VIDEO, 365)
    assert client.get(response.headers["location"]).status_code == 200


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"name": ""}, "name"),
        ({"exercises": []}, "exercises"),
        ({"exercises": ["walk", "swim"]}, "exercises"),
        ({"consent_text": " "}, "consent_text"),
        ({"privacy_mode": "none"}, "privacy_mode"),
        ({"retention_days": "0"}, "retention_days"),
        ({"retention_days": "two"}, "retention_days"),
        ({"retention_days": "9" * 40}, "retention_days"),
    ],
)
def test_a_study_that_cannot_be_comes_back_with_what_was_typed(
    change: dict[str, object], field: str, site: Site
) -> None:
    response = post(site.client(MEMBER), "/studies/new", NEW | {"name": "Kept <b>name"} | change)
    assert response.status_code == 422
    assert "Nothing was saved" in response.text
    assert ("Kept &lt;b&gt;name" in response.text) == (field != "name")
    assert "<b>name" not in response.text


def test_the_default_consent_text_can_be_used_as_it_is(site: Site) -> None:
    page = site.client(MEMBER).get("/studies/new").text
    text = page.split("<textarea")[1].split(">", 1)[1].split("</textarea>")[0]
    assert "withdraw" in text
    assert post(site.client(MEMBER), "/studies/new", NEW | {"consent_text": text}).status_code == 303


def test_an_invitations_link_is_shown_once_and_lets_its_participant_in(site: Site) -> None:
    client = site.client(MEMBER)
    page = post(client, f"/studies/{site.who.study_id}/invitations", {"label": "Grace", "lifetime_days": 7}).text
    found = re.search(r"http://testserver/join/([\w-]{43})<", page)
    assert found is not None
    study = client.get(f"/studies/{site.who.study_id}").text
    assert "P-0002" in study
    assert "Grace" in study
    assert found[1] not in study
    with site.database.session(read_only=True) as session:
        assert studies.participant_of_invitation(session, found[1]).code == "P-0002"


def test_a_study_at_a_glance_counts_its_people(site: Site) -> None:
    page = site.client(MEMBER).get(f"/studies/{site.who.study_id}").text
    assert re.search(r"<dt>invited</dt><dd>1</dd>", page)
    assert "0.30" in page
    assert "From the Tuesday group" in page


def test_a_person_has_sessions_notes_flag_and_exclusion(site: Site) -> None:
    client = site.client(CLINICIAN)
    url = _people(site)
    assert post(client, f"{url}/notes", {"text": "Leans <left>"}).status_code == 303
    assert post(client, f"{url}/flag", {"is_flagged": "true"}).status_code == 303
    assert post(client, f"{url}/exclude", {"reason": "A long coat"}).status_code == 303
    page = client.get(url).text
    for shown in (
        "0.12 to 0.48",
        "Leans &lt;left&gt;",
        "Flagged",
        "A long coat",
        "The clinician",
        "When does a change",
    ):
        assert shown in page
    post(client, f"{url}/include")
    assert "A long coat" not in client.get(url).text


def test_an_empty_note_or_reason_is_asked_for_again(site: Site) -> None:
    client = site.client(MEMBER)
    for part, name in (("notes", "text"), ("exclude", "reason")):
        response = post(client, f"{_people(site)}/{part}", {name: " "})
        assert response.status_code == 422
        assert f'id="{name}-error"' in response.text


def test_the_exported_data_set_names_nobody(site: Site) -> None:
    response = site.client(MEMBER).get(f"/studies/{site.who.study_id}/export.zip")
    assert response.headers["content-type"] == "application/zip"
    assert 'filename="backs-in-ulm.zip"' in response.headers["content-disposition"]
    with zipfile.ZipFile(io.BytesIO(response.content)) as archive:
        names = archive.namelist()
        rows = list(csv.DictReader(archive.read("backs-in-ulm/study.csv").decode().splitlines()))
        whole = b"".join(archive.read(name) for name in names)
    assert [(row["subject"], row["exercise"], row["rating"]) for row in rows] == [("P-0001", "walk", "80")]
    assert f"backs-in-ulm/{rows[0]['landmarks']}" in names
    assert b"Grace" not in whole
    assert b"Tuesday" not in whole


def test_the_page_of_the_export_says_what_would_leave_and_what_not(site: Site) -> None:
    client = site.client(MEMBER)
    page = client.get(f"/studies/{site.who.study_id}/export").text
    assert "1 recording of 1 person" in page
    assert "backsight data validate backs-in-ulm" in page
    for column in ("subject", "rating", "height_cm", "exclude"):
        assert f"<code>{column}</code>" in page
    other = site.client(OTHER).get(f"/studies/{site.who.other_study_id}/export").text
    assert "Nothing is recorded yet" in other
    assert "export.zip" not in other


def test_a_study_without_anybody_says_what_to_do_next(site: Site) -> None:
    client = site.client(OTHER)
    made = post(client, "/studies/new", NEW).headers["location"]
    page = client.get(made).text
    assert "What comes next" in page
    assert "<table" not in page
    assert "Nobody invited yet" in client.get("/studies").text


def test_the_list_of_participants_is_filtered_and_cut_into_pages(site: Site) -> None:
    with site.database.session() as session:
        for _ in range(60):
            studies.invite(session, study_id=site.who.study_id)
    client = site.client(MEMBER)
    url = f"/studies/{site.who.study_id}"
    first = client.get(f"{url}?sort=code").text
    assert "1 to 50 of 61" in first
    assert "P-0051" not in first
    second = client.get(f"{url}?sort=code&page=2").text
    assert "51 to 61 of 61" in second
    assert "P-0051" in second
    finished = client.get(f"{url}?show=finished").text
    assert "Nobody is like that" in finished
    assert client.get(f"{url}?show=nonsense").status_code == 422


def test_a_refused_invitation_keeps_what_was_typed(site: Site) -> None:
    url = f"/studies/{site.who.study_id}/invitations"
    response = post(site.client(MEMBER), url, {"label": "x" * 201, "lifetime_days": 90})
    assert response.status_code == 422
    assert "x" * 201 in response.text
    assert '<option value="90" selected>' in response.text
