"""Turn what storage found into the JSON API's typed answers. Knows no query and no request."""

from __future__ import annotations

from collections.abc import Sequence

from backsight.domain.assessment import IndexVerdict, QualityVerdict
from backsight.domain.recording import Exercise
from backsight.storage import studies, tables
from backsight.storage.overview import ParticipantOverview
from backsight.storage.visits import KEPT, RecordingResult, VisitResult
from backsight.web import api_models as models
from backsight.web.routes.studies import Progress


def study_summary(study: tables.Study) -> models.StudySummary:
    """Return one line of the list of studies."""
    return models.StudySummary(
        id=study.id,
        name=study.name,
        exercises=[Exercise(name) for name in study.exercises],
        privacy_mode=study.privacy_mode,
        created_at=study.created_at,
        closed_at=study.closed_at,
    )


def study_in_full(study: tables.Study, *, members: Sequence[tables.User], progress: Progress) -> models.Study:
    """Return a study with who works on it and how far it is."""
    return models.Study(
        **dict(study_summary(study)),
        consent_text=study.consent_text,
        retention_days=study.retention_days,
        show_live_index=study.show_live_index,
        members=[models.Member(id=one.id, name=one.name, role=one.role) for one in members],
        progress=models.StudyProgress(
            n_participants=progress.n_people,
            states=progress.states,
            qualities=progress.qualities,
            n_waiting=progress.n_waiting,
            n_failed=progress.n_failed,
            n_attention=progress.n_attention,
            n_red_flags=progress.n_red_flags,
            n_excluded=progress.n_excluded,
        ),
    )


def participant_summary(one: ParticipantOverview) -> models.ParticipantSummary:
    """Return one line of a study's list of participants."""
    return models.ParticipantSummary(
        id=one.participant_id,
        code=one.code,
        label=one.label,
        state=one.state,
        is_flagged=one.is_flagged,
        is_excluded=one.is_excluded,
        needs_attention=one.needs_attention,
        n_visits=one.n_visits,
        last_visit_at=one.last_visit_at,
        recordings=one.recordings,
        quality=one.quality,
        index=one.index,
        interval=_interval(one.index_low, one.index_high),
        verdict=IndexVerdict(one.verdict) if one.verdict else None,
    )


def participant_in_full(
    person: tables.Participant, *, label: str, consent: tables.Consent | None, visits: Sequence[VisitResult]
) -> models.Participant:
    """Return a participant with what they said and signed, and their visits."""
    return models.Participant(
        **dict(standing(person)),
        id=person.id,
        code=person.code,
        label=label,
        state=person.state,
        created_at=person.created_at,
        invitation_expires_at=person.invitation_expires_at,
        consent_signed_at=None if consent is None else consent.signed_at,
        profile=models.Profile(
            birth_year=person.birth_year,
            age_years=None if person.birth_year is None else tables.now().year - person.birth_year,
            sex=person.sex,
            height_cm=person.height_cm,
            mass_kg=person.mass_kg,
            back_history=person.back_history,
        ),
        visits=[_visit(one) for one in visits],
    )


def standing(person: tables.Participant) -> models.Standing:
    """Return how the people of the study marked a participant."""
    excluded_at = person.excluded_at
    return models.Standing(
        is_flagged=person.is_flagged,
        exclusion=None if excluded_at is None else models.Exclusion(at=excluded_at, reason=person.exclusion_reason),
    )


def recording(one: RecordingResult) -> models.Recording:
    """Return a recording with what it was found to show."""
    row = one.recording
    return models.Recording(
        id=row.id,
        visit_id=row.visit_id,
        exercise=Exercise(row.exercise),
        mode=row.mode,
        state=row.state,
        reason=row.reason,
        created_at=row.created_at,
        rating=row.rating,
        rated_at=row.rated_at,
        width_px=row.width,
        height_px=row.height,
        pose_model=row.pose_model,
        pose_engine=row.pose_engine,
        has_landmarks=row.state in KEPT and row.n_chunks is not None,
        has_video=row.video_key is not None,
        quality=_quality(one.result),
        index=None if one.result is None else one.result.index,
        interval=None if one.result is None else _interval(one.result.index_low, one.result.index_high),
        verdict=_verdict(one.result),
    )


def note(found: studies.NoteText) -> models.Note:
    """Return a note."""
    return models.Note(id=found.id, text=found.text, author_id=found.user_id, created_at=found.created_at)


def _visit(one: VisitResult) -> models.Visit:
    return models.Visit(
        id=one.visit.id,
        started_at=one.visit.started_at,
        finished_at=one.visit.finished_at,
        quality=_quality(one.result),
        index=None if one.result is None else one.result.index,
        interval=None if one.result is None else _interval(one.result.index_low, one.result.index_high),
        verdict=_verdict(one.result),
        recordings=[recording(part) for part in one.recordings],
    )


def _quality(result: tables.AssessmentRow | None) -> QualityVerdict | None:
    return None if result is None else QualityVerdict(result.quality)


def _verdict(result: tables.AssessmentRow | None) -> IndexVerdict | None:
    return None if result is None else IndexVerdict(result.verdict)


def _interval(low: float | None, high: float | None) -> models.Interval | None:
    return None if low is None or high is None else models.Interval(low=low, high=high)
