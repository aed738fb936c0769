"""What of a study may change, and when; closing; members; retention for an administrator."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from backsight.domain.recording import Exercise
from backsight.errors import ConflictError, FieldsError, InvitationError, NotFoundError
from backsight.storage import audit, deletion, housekeeping, recordings, studies, study_settings
from backsight.storage.database import Database
from backsight.storage.tables import PrivacyMode, now
from tests.unit.storage.people import CONSENT, begin, make_participant, make_study, make_user, record


def test_everything_may_change_while_nobody_has_recorded(database: Database) -> None:
    with database.session() as session:
        study = make_study(session)
        make_participant(session, study)
        wanted = study_settings.StudySettings(
            name=" Backs in Bern ",
            exercises=("jump", "walk"),
            consent_text="Another text.",
            privacy_mode="video",
            retention_days=90,
            show_live_index=True,
        )
        changed = study_settings.change_settings(session, study.id, wanted=wanted)
        assert set(changed) == {
            "name",
            "exercises",
            "consent_text",
            "privacy_mode",
            "retention_days",
            "show_live_index",
        }
        assert (study.name, study.exercises, study.privacy_mode) == (
            "Backs in Bern",
            ["jump", "walk"],
            PrivacyMode.VIDEO,
        )
        assert study_settings.change_settings(session, study.id, wanted=wanted) == ()


@pytest.mark.parametrize(
    ("change", "field"), [({"exercises": ("walk",)}, "exercises"), ({"privacy_mode": "video"}, "privacy_mode")]
)
def test_exercises_and_privacy_stand_still_from_the_first_recording_on(
    database: Database, change: dict[str, object], field: str
) -> None:
    with database.session() as session:
        study = make_study(session)
        begin(session, recordings.open_visit(session, make_participant(session, study)))
        wanted = replace(study_settings.settings_of(study), name="Another name", **change)  # type: ignore[arg-type]
        with pytest.raises(FieldsError) as refused:
            study_settings.change_settings(session, study.id, wanted=wanted)
        assert set(refused.value.fields) == {field}
        assert study.name == "Backs in Ulm"
        study_settings.change_settings(
            session, study.id, wanted=replace(study_settings.settings_of(study), name="Another name")
        )
        assert study.name == "Another name"


def test_what_happens_to_pictures_changes_only_where_people_sign_anew(database: Database) -> None:
    with database.session() as session:
        study = make_study(session)
        video = replace(study_settings.settings_of(study), privacy_mode="video")
        person = make_participant(session, study)
        with pytest.raises(FieldsError, match="change the consent text"):
            study_settings.change_settings(session, study.id, wanted=video)
        assert study.privacy_mode is PrivacyMode.LANDMARKS
        wanted = replace(video, consent_text="Your video is sent to us.")
        study_settings.change_settings(session, study.id, wanted=wanted)
        assert study.privacy_mode is PrivacyMode.VIDEO
        signed = studies.consent_of(session, person)
        assert signed is None or signed.text_hash != studies.consent_hash(wanted.consent_text)


def test_a_changed_consent_text_is_signed_anew_and_the_old_signature_keeps_its_own(database: Database) -> None:
    with database.session() as session:
        study = make_study(session)
        person = make_participant(session, study)
        old = studies.consent_hash(CONSENT)
        assert study_settings.count_signatures(session, study.id, text_hash=old) == 1
        wanted = replace(study_settings.settings_of(study), consent_text="A new text.")
        assert study_settings.change_settings(session, study.id, wanted=wanted) == ("consent_text",)
        new = studies.consent_hash("A new text.")
        assert study_settings.count_signatures(session, study.id, text_hash=new) == 0
        with pytest.raises(ConflictError, match="changed meanwhile"):
            studies.sign_consent(session, person, signed_name="Grace", text_hash=old)
        signed = studies.consent_of(session, person)
        assert signed is not None
        assert (signed.text, signed.text_hash) == (CONSENT, old)
        studies.sign_consent(session, person, signed_name="Grace", text_hash=new)
        assert study_settings.count_signatures(session, study.id, text_hash=new) == 1
        assert study_settings.count_signatures(session, study.id, text_hash=old) == 1


def test_a_closed_study_opens_to_nobody_and_stays_readable(database: Database) -> None:
    with database.session() as session:
        study = make_study(session)
        made = studies.invite(session, study_id=study.id)
        study_settings.close_study(session, study.id)
        since = study.closed_at
        study_settings.close_study(session, study.id)
        assert study.closed_at == since
        with pytest.raises(InvitationError, match="has ended"):
            studies.participant_of_invitation(session, made.token)
        for refused in (
            lambda: studies.invite(session, study_id=study.id),
            lambda: studies.renew_invitation(session, made.participant),
        ):
            with pytest.raises(ConflictError, match="closed"):
                refused()
        assert [one.code for one in studies.overview(session, study.id)] == ["P-0001"]
        study_settings.reopen_study(session, study.id)
        assert studies.participant_of_invitation(session, made.token) is made.participant


def test_the_last_member_who_can_sign_in_stays(database: Database) -> None:
    with database.session() as session:
        ada, bob = make_user(session), make_user(session, "bob@example.org")
        study = make_study(session, owner_id=ada.id)
        with pytest.raises(ConflictError, match="last member"):
            study_settings.remove_member(session, study_id=study.id, user_id=ada.id)
        studies.add_member(session, study_id=study.id, user_id=bob.id)
        bob.disabled_at = now()
        session.flush()
        with pytest.raises(ConflictError, match="last member"):
            study_settings.remove_member(session, study_id=study.id, user_id=ada.id)
        bob.disabled_at = None
        session.flush()
        study_settings.remove_member(session, study_id=study.id, user_id=ada.id)
        assert [user.id for user in studies.members_of(session, study.id)] == [bob.id]
        with pytest.raises(NotFoundError):
            study_settings.remove_member(session, study_id=study.id, user_id=ada.id)


def test_a_note_is_removed_by_its_author_only(database: Database) -> None:
    with database.session() as session:
        study = make_study(session)
        ada, bob = studies.members_of(session, study.id)[0], make_user(session, "bob@example.org")
        person = make_participant(session, study)
        note = studies.add_note(session, person, user_id=ada.id, text="Leans left")
        with pytest.raises(NotFoundError):
            studies.remove_note(session, person, note_id=note.id, user_id=bob.id)
        assert studies.remove_note(session, person, note_id=note.id, user_id=ada.id) == "Leans left"
        assert studies.notes_of(session, person) == []


def test_retention_can_be_set_and_applied_at_once_whether_or_not_it_ran_today(database: Database) -> None:
    today = now().date()
    with database.session() as session:
        study = make_study(session)
        visit = recordings.open_visit(session, make_participant(session, study))
        recording = record(session, visit, Exercise.WALK)
        visit.started_at = visit.finished_at = now() - timedelta(days=8)
        assert deletion.last_retention(session) is None
        assert deletion.apply_retention(session, today=today, videos=None) == []
        found = deletion.last_retention(session)
        assert found is not None
        assert found.day == today
        with pytest.raises(FieldsError, match="retention_days"):
            study_settings.set_retention(session, study.id, retention_days=0)
        assert study_settings.set_retention(session, study.id, retention_days=7)
        assert not study_settings.set_retention(session, study.id, retention_days=7)
        assert deletion.apply_retention(session, today=today, videos=None) == []
        (proof,) = deletion.delete_expired(session, today=today, videos=None, actor="user:x").deletions
        assert proof.counts == {"videos": 0, "landmark_chunks": 1}
        with pytest.raises(NotFoundError):
            recordings.load_track(session, recording.id)
        (line,) = housekeeping.study_lines(session)
        assert (line.n_participants, line.retention_days, line.n_expired) == (1, 7, 1)
        assert line.members == ("Ada",)
    with database.session(read_only=True) as session:
        assert [entry.actor for entry in audit.entries(session, limit=5)] == ["user:x"]
