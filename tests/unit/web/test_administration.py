"""An administrator's page of studies: retention, and no health data."""

from __future__ import annotations

import html
from datetime import timedelta

import pytest

pytest.importorskip("fastapi", reason="the extra `web` is not installed")

from backsight.errors import NotFoundError, StorageError
from backsight.storage import audit, recordings, studies
from backsight.storage.tables import PrivacyMode, Recording, Visit, now
from tests.unit.web.site import ADMIN, Site, post

PAGE = "/admin/studies"


def test_an_administrator_sees_studies_and_nothing_of_anybodys_health(site: Site) -> None:
    page = site.client(ADMIN).get(PAGE).text
    for shown in ("Backs in Ulm", "Another study", "The member", "until withdrawal"):
        assert shown in page
    for hidden in ("P-0001", "Tuesday", "0.30", "red flag", site.who.participant_id):
        assert hidden not in page


def test_the_time_of_keeping_is_set_for_one_study_or_for_all(site: Site) -> None:
    client = site.client(ADMIN)
    post(client, f"{PAGE}/retention", {"study_id": site.who.study_id, "retention_days": "30"})
    with site.database.session(read_only=True) as session:
        assert studies.find_study(session, site.who.study_id).retention_days == 30
        assert studies.find_study(session, site.who.other_study_id).retention_days is None
        (entry,) = audit.entries(session, limit=1)
        assert (entry.action, entry.study_id, entry.detail["retention_days"]) == (
            "set retention",
            site.who.study_id,
            30,
        )
    post(client, f"{PAGE}/retention", {"study_id": "all", "retention_days": "90"})
    with site.database.session(read_only=True) as session:
        for study_id in (site.who.study_id, site.who.other_study_id):
            assert studies.find_study(session, study_id).retention_days == 90
    post(client, f"{PAGE}/retention", {"study_id": "all", "retention_days": ""})
    with site.database.session(read_only=True) as session:
        assert studies.find_study(session, site.who.study_id).retention_days is None


@pytest.mark.parametrize("form", [{"retention_days": "90"}, {"study_id": "", "retention_days": "90"}])
def test_a_study_that_is_not_named_does_not_mean_every_study(form: dict[str, str], site: Site) -> None:
    response = post(site.client(ADMIN), f"{PAGE}/retention", form)
    assert response.status_code == 422
    assert "`study_id` must be a study" in html.unescape(response.text)
    with site.database.session(read_only=True) as session:
        for study_id in (site.who.study_id, site.who.other_study_id):
            assert studies.find_study(session, study_id).retention_days is None


def test_the_page_sends_that_it_means_all_and_shows_there_what_cannot_be(site: Site) -> None:
    client = site.client(ADMIN)
    assert '<input type="hidden" name="study_id" value="all">' in client.get(PAGE).text
    response = post(client, f"{PAGE}/retention", {"study_id": "all", "retention_days": "a week"})
    assert response.status_code == 422
    assert response.text.count('value="a week"') == 1


@pytest.mark.parametrize("typed", ["0", "-3", "a week", "99999"])
def test_a_time_that_cannot_be_comes_back_and_nothing_is_saved(typed: str, site: Site) -> None:
    response = post(site.client(ADMIN), f"{PAGE}/retention", {"study_id": site.who.study_id, "retention_days": typed})
    assert response.status_code == 422
    assert f'value="{typed}"' in response.text
    with site.database.session(read_only=True) as session:
        assert studies.find_study(session, site.who.study_id).retention_days is None


def test_a_study_that_is_not_there_is_not_found(site: Site) -> None:
    response = post(site.client(ADMIN), f"{PAGE}/retention", {"study_id": "0" * 32, "retention_days": "3"})
    assert response.status_code == 404


def test_what_is_due_is_deleted_at_once_and_the_results_stay(site: Site) -> None:
    client = site.client(ADMIN)
    post(client, f"{PAGE}/retention", {"study_id": "all", "retention_days": "7"})
    response = post(client, f"{PAGE}/retention/apply")
    assert "Nothing was due" in client.get(response.headers["location"]).text
    with site.database.session() as session:
        visit = session.get_one(Visit, session.get_one(Recording, site.who.recording_id).visit_id)
        visit.started_at = visit.finished_at = now() - timedelta(days=8)
        visit_id = visit.id
    response = post(client, f"{PAGE}/retention/apply")
    assert "of 1 person were deleted" in client.get(response.headers["location"]).text
    with site.database.session(read_only=True) as session:
        with pytest.raises(NotFoundError):
            recordings.load_track(session, site.who.recording_id)
        assert recordings.visit_results(session, visit_id).document is not None
        listed, applied, deleted = audit.entries(session, limit=3)
        assert (listed.action, applied.action, deleted.action) == (
            "list all studies",
            "apply retention",
            "delete expired recordings",
        )
        assert applied.detail == {"n_participants": 1, "n_skipped": 0}
        assert deleted.actor == applied.actor


def away(key: str) -> bool:
    """Answer as a store of videos does that cannot be reached."""
    raise StorageError(f"video {key}: cannot be deleted")


def test_whose_recordings_are_due_and_still_there_is_said(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    client = site.client(ADMIN)
    post(client, f"{PAGE}/retention", {"study_id": "all", "retention_days": "7"})
    with site.database.session() as session:
        recording = session.get_one(Recording, site.who.recording_id)
        recording.mode, recording.video_key = PrivacyMode.VIDEO, "film"
        visit = session.get_one(Visit, recording.visit_id)
        visit.started_at = visit.finished_at = now() - timedelta(days=8)
    monkeypatch.setattr(site.app.state.videos, "delete", away)
    response = post(client, f"{PAGE}/retention/apply")
    page = client.get(response.headers["location"]).text
    assert "Recordings of 1 person are due and still there" in page
    assert "Nothing was due" not in page
    assert "were deleted" not in page
    with site.database.session(read_only=True) as session:
        assert session.get_one(Recording, site.who.recording_id).video_key == "film"
        (_, applied) = audit.entries(session, limit=2)
        assert applied.detail == {"n_participants": 0, "n_skipped": 1}
