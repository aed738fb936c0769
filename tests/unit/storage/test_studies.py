"""Studies, invitations, consent, profiles, notes: on SQLite and PostgreSQL."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import select, text

from backsight.domain.recording import Exercise
from backsight.errors import ConflictError, FieldsError, InvitationError, NotFoundError
from backsight.storage import deletion, recordings, studies
from backsight.storage.database import Database
from backsight.storage.sealing import Seal
from backsight.storage.tables import Consent, Participant, ParticipantState, RecordingState, now
from tests.unit.storage.people import CONSENT, assess, make_participant, make_study, make_user, record


def test_a_study_is_seen_by_its_members_only(database: Database) -> None:
    with database.session() as session:
        study = make_study(session)
        owner, other = studies.members_of(session, study.id)[0], make_user(session, "bob@example.org")
        assert studies.studies_of(session, owner) == [study]
        assert studies.studies_of(session, other) == []
        studies.add_member(session, study_id=study.id, user_id=other.id)
        studies.add_member(session, study_id=study.id, user_id=other.id)
        assert studies.studies_of(session, other) == [study]


def test_every_wrong_field_of_a_study_is_named(sqlite_database: Database) -> None:
    with sqlite_database.session() as session, pytest.raises(FieldsError) as caught:
        make_study(
            session, name=" ", exercises=["walk", "walk"], consent_text="", privacy_mode="cloud", retention_days=0
        )
    assert set(caught.value.fields) == {"name", "exercises", "consent_text", "privacy_mode", "retention_days"}


def test_codes_count_up_in_each_study_and_are_never_given_twice(database: Database) -> None:
    with database.session() as session:
        study, other = make_study(session), None
        other = make_study(session, name="Other", owner_id=studies.members_of(session, study.id)[0].id)
        first, second = (studies.invite(session, study_id=study.id).participant for _ in range(2))
        assert (first.code, second.code) == ("P-0001", "P-0002")
        assert studies.invite(session, study_id=other.id).participant.code == "P-0001"
        deletion.withdraw(session, second, videos=None)
        assert studies.invite(session, study_id=study.id).participant.code == "P-0003"


def test_an_invitation_opens_until_it_expires_and_its_secret_is_kept_nowhere(database: Database) -> None:
    with database.session() as session:
        study = make_study(session)
        invitation = studies.invite(session, study_id=study.id, lifetime_days=2)
        assert studies.participant_of_invitation(session, invitation.token) is invitation.participant
        stored = session.execute(text("SELECT * FROM participant")).all()
        assert invitation.token not in str(stored)
        with pytest.raises(InvitationError, match="not known"):
            studies.participant_of_invitation(session, invitation.token + "x")
        renewed = studies.renew_invitation(session, invitation.participant)
        with pytest.raises(InvitationError, match="not known"):
            studies.participant_of_invitation(session, invitation.token)
        invitation.participant.invitation_expires_at = now() - timedelta(seconds=1)
        with pytest.raises(InvitationError, match="expired"):
            studies.participant_of_invitation(session, renewed.token)


def test_a_closed_study_lets_nobody_in(sqlite_database: Database) -> None:
    with sqlite_database.session() as session:
        study = make_study(session)
        invitation = studies.invite(session, study_id=study.id)
        study.closed_at = now()
        with pytest.raises(InvitationError, match="ended"):
            studies.participant_of_invitation(session, invitation.token)
        with pytest.raises(ConflictError, match="closed"):
            studies.invite(session, study_id=study.id)


def test_consent_keeps_the_text_that_was_shown_and_is_signed_once(database: Database) -> None:
    with database.session() as session:
        study = make_study(session)
        participant = studies.invite(session, study_id=study.id).participant
        shown = studies.consent_hash(CONSENT)
        first = studies.sign_consent(session, participant, signed_name=" Grace ", text_hash=shown)
        again = studies.sign_consent(session, participant, signed_name="Somebody else", text_hash=shown)
        assert again is first
        assert (first.text, studies.signed_name_of(session, first)) == (CONSENT, "Grace")
        assert participant.state is ParticipantState.CONSENTED
        study.consent_text = "Another text."
        with pytest.raises(ConflictError, match="changed meanwhile"):
            studies.sign_consent(session, participant, signed_name="Grace", text_hash=shown)
        studies.sign_consent(session, participant, signed_name="Grace", text_hash=studies.consent_hash("Another text."))
        assert session.scalars(select(Consent.text).order_by(Consent.signed_at)).all() == [CONSENT, "Another text."]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("birth_year", now().year - 4),
        ("birth_year", 1850),
        ("height_cm", 99.9),
        ("height_cm", float("nan")),
        ("mass_kg", 401.0),
        ("sex", "m"),
        ("back_history", {"pain": object()}),
        ("back_history", {str(number): "yes" for number in range(41)}),
    ],
)
def test_a_profile_names_what_cannot_be_and_keeps_nothing_of_it(
    sqlite_database: Database, field: str, value: object
) -> None:
    good = {"birth_year": 1980, "sex": "female", "height_cm": 170.0, "mass_kg": 70.0, "back_history": {"pain": "no"}}
    with sqlite_database.session() as session:
        participant = make_participant(session, make_study(session))
        with pytest.raises(FieldsError) as caught:
            studies.save_profile(session, participant, **{**good, field: value})  # type: ignore[arg-type]
        assert [name.split(".")[0] for name in caught.value.fields] == [field]
        assert (participant.birth_year, participant.height_cm) == (None, None)
        studies.save_profile(session, participant, **good)  # type: ignore[arg-type]
        assert (participant.birth_year, participant.back_history) == (1980, {"pain": "no"})


def test_labels_names_and_notes_are_sealed_at_rest_and_read_back(sqlite_url: str, tmp_path: Path) -> None:
    database = Database(sqlite_url, seal=Seal.from_key(Seal.new_key()))
    long_name = "Mr Söderström " * 14
    with database.session() as session:
        study = make_study(session)
        participant = studies.invite(session, study_id=study.id, label=long_name).participant
        consent = studies.sign_consent(
            session, participant, signed_name="Ingrid Söderström", text_hash=studies.consent_hash(CONSENT)
        )
        studies.add_note(session, participant, user_id=None, text="Söderström limps.")
        assert studies.label_of(session, participant) == long_name.strip()
        assert studies.signed_name_of(session, consent) == "Ingrid Söderström"
        assert [note.text for note in studies.notes_of(session, participant)] == ["Söderström limps."]
        assert studies.overview(session, study.id)[0].label == long_name.strip()
    database.sweep()
    database.close()
    found = b"".join(path.read_bytes() for path in tmp_path.glob("backsight.sqlite3*"))
    assert "Söderström".encode() not in found
    assert b"P-0001" in found


def test_the_overview_says_how_far_everybody_is(database: Database) -> None:
    with database.session() as session:
        study = make_study(session)
        people = [make_participant(session, study) for _ in range(3)]
        studies.set_flag(session, people[2], is_flagged=True)
        studies.exclude(session, people[2], reason="Wrong shoes")
        visit = recordings.open_visit(session, people[0])
        recording = record(session, visit, Exercise.WALK)
        record(session, visit, Exercise.JUMP)
        recordings.save_assessment(session, recording.id, assess(Exercise.WALK, index=0.3))
        first, second, third = studies.overview(session, study.id)
        assert (first.code, first.n_visits, first.index, first.quality) == ("P-0001", 1, 0.3, "good")
        assert first.recordings == {RecordingState.DONE: 1, RecordingState.QUEUED: 1}
        assert (second.n_visits, second.index, second.quality, second.needs_attention) == (0, None, None, False)
        assert (third.is_flagged, third.is_excluded, third.needs_attention) == (True, True, True)
        studies.include(session, people[2])
        assert not studies.overview(session, study.id)[2].is_excluded


def test_somebody_elses_participant_is_not_found(sqlite_database: Database) -> None:
    with sqlite_database.session() as session:
        study = make_study(session)
        other = make_study(session, owner_id=studies.members_of(session, study.id)[0].id)
        participant = studies.invite(session, study_id=study.id).participant
        assert studies.find_participant(session, study_id=study.id, participant_id=participant.id) is participant
        for study_id, participant_id in ((other.id, participant.id), (study.id, "0" * 32)):
            with pytest.raises(NotFoundError, match="no participant"):
                studies.find_participant(session, study_id=study_id, participant_id=participant_id)
        assert session.scalar(select(Participant.code)) == "P-0001"
