"""One person's sessions over time, and whether they changed by more than measurement error. Changes nothing.

Two sessions are compared by the interval of their difference, made of the two intervals: the difference d of two
estimates x with intervals (l, u) runs from d - sqrt((x2 - l2)^2 + (u1 - x1)^2) to d + sqrt((u2 - x2)^2 + (x1 - l1)^2)
(Zou and Donner 2008, Statistics in Medicine 27:1693, doi:10.1002/sim.3095). A change is larger than measurement error
when that interval does not hold 0. Where both intervals have the half width e this is the minimal detectable change,
sqrt(2) e = 1.64 sqrt(2) SEM at 90 % (Weir 2005, Journal of Strength and Conditioning Research 19:231; de Vet et al.
2006, Health and Quality of Life Outcomes 4:54). The sides that face each other count, so that the rule holds where an
interval was cut at 0 or 1.

It takes the errors of the two sessions to be independent. What a camera or model gets wrong about one person in the
same way every time cancels in a difference, so the rule rather misses a change than claims one.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from backsight.domain.assessment import NO_DIAGNOSIS
from backsight.errors import NotFoundError
from backsight.storage.tables import AssessmentRow, Participant, Recording, RecordingState, Study, Visit

LEVEL = 0.9
"""Probability of the intervals that are compared."""
RULE = (
    "A change counts as larger than measurement error when the 90 % interval of the difference does not hold 0. That "
    "interval is made of both sessions' 90 % intervals, whose errors add up as squares (Zou and Donner 2008); with "
    "equal intervals it is the minimal detectable change, the square root of 2 times half their width (Weir 2005; de "
    "Vet et al. 2006). Errors that are the same in both sessions cancel, so the rule rather misses a change than "
    "claims one. Of values that did not change, up to one in ten is called changed by chance."
)
INDEX_NAME = "index"
"""Name under which an exercise's own index stands among its measures; compared only where one model gave both."""
HISTORY_SCHEMA = "backsight.history"
HISTORY_SCHEMA_VERSION = "1.0"


@dataclass(frozen=True)
class Estimate:
    """A value with its 90 % interval."""

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class Change:
    """How much a value differs from an earlier session's."""

    since: datetime
    """When that session began."""
    difference: float
    """Later minus earlier; of the index: below 0 = better."""
    low: float
    """Lower end of the difference's 90 % interval; NaN = the two cannot be compared."""
    high: float
    exceeds_error: bool | None
    """Whether it is larger than measurement error; None = the two cannot be compared."""
    why_not: str = ""
    """Why they cannot be compared."""


@dataclass(frozen=True)
class MeasureChange:
    """One measure in one session."""

    exercise: str
    name: str
    label: str
    unit: str
    estimate: Estimate
    since_first: Change | None
    """None = this is the first session that measured it."""
    since_previous: Change | None


@dataclass(frozen=True)
class SessionRecord:
    """One session of a person."""

    visit_id: str
    started_at: datetime
    exercises: tuple[str, ...]
    """That were assessed, in the paper's order."""
    indexed: tuple[str, ...]
    """That gave an index."""
    quality: str
    verdict: str
    index: Estimate | None
    """0 best to 1 worst; None = no recording was usable."""
    since_first: Change | None
    """Change of the index; None = no earlier session has one, or this one has not."""
    since_previous: Change | None
    model: str
    pose_model: str
    pose_engine: str
    ratings: dict[str, float]
    """{exercise: how the person rated their back after it, 0 worst to 100 best}."""
    measures: tuple[MeasureChange, ...]
    """Those that carry an interval, with each exercise's own index first."""

    @property
    def n_compared(self) -> int:
        """Measures that were compared with the session before."""
        return sum(item.since_previous is not None for item in self.measures)


@dataclass(frozen=True)
class History:
    """All assessed sessions of a person, the oldest first."""

    participant_id: str
    code: str
    study_name: str
    sessions: tuple[SessionRecord, ...]
    rule: str = RULE

    def to_dict(self) -> dict[str, Any]:
        """Return it as plain dicts, lists, strings, numbers and None."""
        return {
            "schema": HISTORY_SCHEMA,
            "schema_version": HISTORY_SCHEMA_VERSION,
            "statement": NO_DIAGNOSIS,
            "subject": self.code,
            "study": self.study_name,
            "rule": self.rule,
            "level": LEVEL,
            "sessions": [_session_to_dict(item) for item in self.sessions],
        }


def compare(before: Estimate, after: Estimate, *, since: datetime) -> Change:
    """Say whether a value changed by more than measurement error; see the head of this module."""
    difference = after.value - before.value
    low = difference - math.hypot(after.value - after.low, before.high - before.value)
    high = difference + math.hypot(after.high - after.value, before.value - before.low)
    return Change(since=since, difference=difference, low=low, high=high, exceeds_error=low > 0.0 or high < 0.0)


def history(session: Session, participant_id: str) -> History:
    """Return a person's assessed sessions over time.

    Indices are compared only between sessions that were made alike: the same exercises gave an index, by the same model
    on landmarks of the same BlazePose model. Measures are compared wherever both carry an interval, because each
    interval was found for its own view and model.

    Raises
    ------
    NotFoundError
        When there is no such participant.
    """
    person = session.get(Participant, participant_id)
    if person is None:
        raise NotFoundError(f"there is no participant {participant_id!r}; they may have withdrawn")
    study = session.get(Study, person.study_id)
    rows = session.execute(
        select(Visit.started_at, AssessmentRow)
        .join(Visit, AssessmentRow.visit_id == Visit.id)
        .where(Visit.participant_id == participant_id, AssessmentRow.recording_id.is_(None))
        .order_by(Visit.started_at, Visit.id)
    )
    ratings = _ratings(session, participant_id)
    sessions: list[SessionRecord] = []
    for started_at, row in rows:
        sessions.append(_record(row, started_at, earlier=sessions, ratings=ratings.get(row.visit_id, {})))
    return History(
        participant_id=participant_id,
        code=person.code,
        study_name="" if study is None else study.name,
        sessions=tuple(sessions),
    )


def _ratings(session: Session, participant_id: str) -> dict[str, dict[str, float]]:
    rows = session.execute(
        select(Recording.visit_id, Recording.exercise, Recording.rating)
        .join(Visit, Visit.id == Recording.visit_id)
        .where(
            Visit.participant_id == participant_id,
            Recording.state != RecordingState.DISCARDED,
        )
    )
    found: dict[str, dict[str, float]] = {}
    for visit_id, exercise, rating in rows:
        if rating is not None:
            found.setdefault(visit_id, {})[exercise] = rating
    return found


def _record(
    row: AssessmentRow, started_at: datetime, *, earlier: Sequence[SessionRecord], ratings: dict[str, float]
) -> SessionRecord:
    content = row.content
    parts = content["exercises"]
    indexed = tuple(part["exercise"] for part in parts if part["index"] is not None)
    settings = content["settings"]
    index = None
    if row.index is not None and row.index_low is not None and row.index_high is not None:
        index = Estimate(row.index, row.index_low, row.index_high)
    made_by = (row.model_name, settings["pose_model"])
    alike = [item for item in earlier if (item.model, item.pose_model) == made_by]
    with_index = [item for item in earlier if item.index is not None]
    return SessionRecord(
        visit_id=row.visit_id,
        started_at=started_at,
        exercises=tuple(part["exercise"] for part in parts),
        indexed=indexed,
        quality=row.quality,
        verdict=row.verdict,
        index=index,
        since_first=_index_change(with_index[:1], index, (*made_by, indexed)),
        since_previous=_index_change(with_index[-1:], index, (*made_by, indexed)),
        model=row.model_name,
        pose_model=settings["pose_model"],
        pose_engine=settings["pose_engine"],
        ratings=ratings,
        measures=tuple(
            _measure(part["exercise"], item, earlier if item["name"] != INDEX_NAME else alike)
            for part in parts
            for item in (_index_as_measure(part), *part["measurements"])
            if item["value"] is not None and item["interval"] is not None
        ),
    )


def _index_change(
    before: Sequence[SessionRecord], index: Estimate | None, alike: tuple[str, str, tuple[str, ...]]
) -> Change | None:
    if not before or index is None:
        return None
    (other,) = before
    was = other.index
    if was is None:
        return None
    model, pose_model, indexed = alike
    differs = [
        words
        for words, is_same in (
            (f"other exercises gave the index then ({', '.join(other.indexed)})", other.indexed == indexed),
            (f"another model gave the index then ({other.model})", other.model == model),
            (f"another BlazePose model found the landmarks then ({other.pose_model})", other.pose_model == pose_model),
        )
        if not is_same
    ]
    if not differs:
        return compare(was, index, since=other.started_at)
    return Change(
        since=other.started_at,
        difference=index.value - was.value,
        low=math.nan,
        high=math.nan,
        exceeds_error=None,
        why_not="; ".join(differs),
    )


def _index_as_measure(part: dict[str, Any]) -> dict[str, Any]:
    """Return an exercise's own index, so that sessions of other exercises can be compared in those they share."""
    return {
        "name": INDEX_NAME,
        "label": "Index of this exercise",
        "unit": "",
        "value": part["index"],
        "interval": part["interval"],
    }


def _measure(exercise: str, item: dict[str, Any], earlier: Sequence[SessionRecord]) -> MeasureChange:
    estimate = Estimate(item["value"], item["interval"]["low"], item["interval"]["high"])
    before = [
        (record.started_at, measure.estimate)
        for record in earlier
        for measure in record.measures
        if (measure.exercise, measure.name, measure.unit) == (exercise, item["name"], item["unit"])
    ]
    return MeasureChange(
        exercise=exercise,
        name=item["name"],
        label=item["label"],
        unit=item["unit"],
        estimate=estimate,
        since_first=compare(before[0][1], estimate, since=before[0][0]) if before else None,
        since_previous=compare(before[-1][1], estimate, since=before[-1][0]) if before else None,
    )


def _session_to_dict(item: SessionRecord) -> dict[str, Any]:
    return {
        "started_at": item.started_at.isoformat(timespec="seconds"),
        "exercises": list(item.exercises),
        "exercises_with_index": list(item.indexed),
        "quality": item.quality,
        "verdict": item.verdict,
        "index": _estimate_to_dict(item.index),
        "since_first": _change_to_dict(item.since_first),
        "since_previous": _change_to_dict(item.since_previous),
        "model": item.model,
        "pose_model": item.pose_model,
        "pose_engine": item.pose_engine,
        "ratings": item.ratings,
        "measures": [
            {
                "exercise": measure.exercise,
                "name": measure.name,
                "label": measure.label,
                "unit": measure.unit,
                **(_estimate_to_dict(measure.estimate) or {}),
                "since_first": _change_to_dict(measure.since_first),
                "since_previous": _change_to_dict(measure.since_previous),
            }
            for measure in item.measures
        ],
    }


def _estimate_to_dict(estimate: Estimate | None) -> dict[str, float] | None:
    if estimate is None:
        return None
    return {"value": round(estimate.value, 6), "low": round(estimate.low, 6), "high": round(estimate.high, 6)}


def _change_to_dict(change: Change | None) -> dict[str, Any] | None:
    if change is None:
        return None
    return {
        "since": change.since.isoformat(timespec="seconds"),
        "difference": round(change.difference, 6),
        "low": None if math.isnan(change.low) else round(change.low, 6),
        "high": None if math.isnan(change.high) else round(change.high, 6),
        "exceeds_error": change.exceeds_error,
        "why_not": change.why_not,
    }
