"""Bring the clips of one person's session together as `backsight assess` does. Knows nothing of files or processes."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from backsight.batch.facts import ClipFacts
from backsight.batch.ledger import Item
from backsight.domain.assessment import ModelCard, QualityCheck, QualityReport, QualityVerdict
from backsight.domain.recording import Exercise
from backsight.scoring.assess import SessionVerdict, assess_session


@dataclass(frozen=True)
class SessionRow:
    """One session with what it amounts to."""

    subject: str
    session: str
    status: str
    """`done`, `failed` (no recording that can be read shows a person) or `waiting` (one has not been looked at yet)."""
    judged: SessionVerdict | None
    """None unless done."""
    quality: QualityVerdict | None
    exercises: tuple[str, ...]
    """That gave an index."""
    failed: tuple[str, ...]
    """Whose recording could not be read."""
    reason: str
    """Of the verdict or of the failure."""


@dataclass(frozen=True)
class _Unreadable:
    """Stands for a recording that could not be read, so that the session says that it does not count."""

    exercise: Exercise
    failure: str
    index: float | None = None
    unfamiliar_share: float = math.nan

    @property
    def quality(self) -> QualityReport:
        check = QualityCheck(
            name="readable",
            label="Recording can be read",
            verdict=QualityVerdict.UNUSABLE,
            value=math.nan,
            unit="",
            finding=self.failure.rstrip("."),
        )
        return QualityReport((check,))


@dataclass(frozen=True)
class _Seen:
    """A recording that was seen."""

    exercise: Exercise
    facts: ClipFacts

    @property
    def quality(self) -> QualityReport:
        return self.facts.quality

    @property
    def index(self) -> float | None:
        return self.facts.index

    @property
    def unfamiliar_share(self) -> float:
        return self.facts.unfamiliar_share


def judge_sessions(items: Iterable[Item], *, card: ModelCard) -> Iterator[SessionRow]:
    """Yield the sessions of items that come ordered by subject and session."""
    for (subject, session), group in itertools.groupby(items, key=lambda item: (item.subject, item.session)):
        yield _judge(subject, session, list(group), card=card)


def _judge(subject: str, session: str, items: Sequence[Item], *, card: ModelCard) -> SessionRow:
    parts = sorted(_parts(items), key=lambda part: list(Exercise).index(part.exercise))
    seen = [part for part in parts if isinstance(part, _Seen)]
    failed = tuple(part.exercise.value for part in parts if isinstance(part, _Unreadable))
    is_waiting = len(parts) < len(items)
    judged = None
    if is_waiting:
        status, reason = "waiting", ""
    elif not any(part.facts.n_with_person for part in seen):
        status, reason = "failed", "; ".join(map(_why_nothing, parts))
    else:
        judged = assess_session(parts, card=card)
        status, reason = "done", judged.reason
    return SessionRow(
        subject=subject,
        session=session,
        status=status,
        judged=judged,
        quality=_quality(parts) if judged else None,
        exercises=tuple(part.exercise.value for part in parts if part.index is not None),
        failed=failed,
        reason=reason,
    )


def _quality(parts: Sequence[_Seen | _Unreadable]) -> QualityVerdict:
    """Return the worst quality among the exercises that count, as `Assessment.quality` does."""
    counted = [part.quality.verdict for part in parts if part.index is not None]
    return max(counted, key=lambda verdict: verdict.severity, default=QualityVerdict.UNUSABLE)


def _why_nothing(part: _Seen | _Unreadable) -> str:
    return part.failure if isinstance(part, _Unreadable) else f"`{part.exercise.label}`: no person was found"


def _parts(items: Sequence[Item]) -> Iterator[_Seen | _Unreadable]:
    for item in items:
        exercise = item.clip.exercise
        if exercise is None:
            continue
        if item.facts is not None:
            yield _Seen(exercise, ClipFacts.from_json(item.facts))
        elif item.failure is not None:
            yield _Unreadable(exercise, item.failure)
