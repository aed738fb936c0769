"""Bring the exercises of a session together into one verdict. Knows nothing of poses or networks.

The rules, in the order in which they are asked:

1. No recording with an index: cannot tell.
2. The model's card says that no verdict may rest on it: cannot tell.
3. In a recording more of the values lie outside the training range than the model's card allows: cannot tell.
4. The recorded exercises told nothing of people that the model was tried on, as its card says: cannot tell.
5. It is not known how far the model is off: cannot tell.
6. The interval spans 0.5 by more than `CANNOT_TELL_SHARE` of itself on the smaller side: cannot tell.
7. A recording behind the index is of poor quality, and the index lies within `POOR_WIDENING` times the interval's half
   width of 0.5: cannot tell.
8. Otherwise red flag above 0.5, no red flag at or below it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from backsight.domain.assessment import (
    RED_FLAG_ABOVE,
    IndexVerdict,
    Interval,
    ModelCard,
    QualityReport,
    QualityVerdict,
)
from backsight.domain.recording import Exercise

POOR_WIDENING = 1.5
"""A poor recording carries a verdict only this many half widths away from 0.5: a choice, not a measured figure."""


class JudgedExercise(Protocol):
    """What a session is judged by: an `ExerciseAssessment`, or what has been kept of one."""

    @property
    def exercise(self) -> Exercise:
        """What the person was asked to do."""
        ...

    @property
    def quality(self) -> QualityReport:
        """The verdict on the recording."""
        ...

    @property
    def index(self) -> float | None:
        """0 best to 1 worst; None when the recording is unusable."""
        ...

    @property
    def unfamiliar_share(self) -> float:
        """Share of the feature values outside the range seen in training; NaN = not known."""
        ...


@dataclass(frozen=True)
class SessionVerdict:
    """What a session of one to three exercises amounts to."""

    index: float | None
    """Mean of the exercises' indices, weighted as the card says, 0 best to 1 worst; None = no recording is usable."""
    interval: Interval | None
    verdict: IndexVerdict
    reason: str
    """Why, in one plain sentence."""
    notes: tuple[str, ...]
    """What else the reader should know, one sentence each."""


def index_interval(index: float, card: ModelCard, *, exercises: Sequence[Exercise] = ()) -> Interval | None:
    """Return the interval of an index, cut to 0 best to 1 worst; None where the card knows no width.

    The width is the model card's for the exercises that the index rests on, from people held out of training. A card
    that knows one width only gives the mean over several exercises no credit: their errors go together.
    """
    half = card.half_width_of(exercises)
    if np.isnan(half):
        return None
    return Interval(low=max(0.0, index - half), high=min(1.0, index + half), level=card.interval_level)


def assess_session(parts: Sequence[JudgedExercise], *, card: ModelCard) -> SessionVerdict:
    """Judge a session.

    Parameters
    ----------
    parts
        The exercises that were recorded, usable or not; missing ones are named in the notes.
    card
        The model's, for the width of the interval.
    """
    usable = [(part, part.index) for part in parts if part.index is not None and np.isfinite(part.index)]
    notes = _notes(parts, usable=[part for part, _ in usable], card=card)
    if not usable:
        return SessionVerdict(
            index=None,
            interval=None,
            verdict=IndexVerdict.CANNOT_TELL,
            reason=" ".join(("No recording was good enough for an index.", *map(_why_unusable, parts))),
            notes=notes,
        )
    done = tuple(part.exercise for part, _ in usable)
    index = float(np.average([value for _, value in usable], weights=[card.weight_of(exercise) for exercise in done]))
    interval = index_interval(index, card, exercises=done)
    doubt = card.no_verdict or _doubt([part for part, _ in usable], index=index, interval=interval, card=card)
    if doubt or interval is None:
        verdict, reason = IndexVerdict.CANNOT_TELL, doubt
    elif index > RED_FLAG_ABOVE:
        verdict = IndexVerdict.RED_FLAG
        share = "its whole" if interval.low > RED_FLAG_ABOVE else "most of its"
        reason = f"The index of {index:.2f} lies above {RED_FLAG_ABOVE}, and so does {share} {_named(interval)}."
    else:
        verdict = IndexVerdict.NO_RED_FLAG
        share = "its whole" if interval.high < RED_FLAG_ABOVE else "most of its"
        reason = f"The index of {index:.2f} lies below {RED_FLAG_ABOVE}, and so does {share} {_named(interval)}."
    return SessionVerdict(index=index, interval=interval, verdict=verdict, reason=reason, notes=notes)


def _why_unusable(part: JudgedExercise) -> str:
    """Return the worst thing found in a recording and what to do about it, as two sentences."""
    worst = part.quality.problems[:1]
    return " ".join(f"`{part.exercise.label}`: {problem.finding}. {problem.tip}" for problem in worst)


def _named(interval: Interval) -> str:
    return f"{100.0 * interval.level:.0f} % interval"


def _doubt(parts: Sequence[JudgedExercise], *, index: float, interval: Interval | None, card: ModelCard) -> str:
    """Return the first reason to withhold a verdict, as one sentence; empty when there is none."""
    strangest = max(parts, key=lambda part: -1.0 if np.isnan(part.unfamiliar_share) else part.unfamiliar_share)
    if strangest.unfamiliar_share > card.unfamiliar_above:
        return (
            f"The movement in `{strangest.exercise.label}` is unlike what the model was trained on: "
            f"{strangest.unfamiliar_share:.0%} {card.unfamiliar_meaning}."
        )
    if all(card.is_mute(part.exercise) for part in parts):
        told = _listed([exercise.label for exercise in Exercise if not card.is_mute(exercise)])
        return (
            f"{_listed([part.exercise.label for part in parts])} alone told nothing of a back in the people that the "
            f"model was tried on; record {told}."
        )
    if interval is None:
        return (
            f"How far the index of {index:.2f} may be off is not known: the model was never judged on people whom it "
            "had not seen, or on too few of them for an interval."
        )
    if interval.is_undecided:
        return (
            f"The index of {index:.2f} is not certain enough: its {_named(interval)}, {interval.low:.2f} to "
            f"{interval.high:.2f}, reaches too far across {RED_FLAG_ABOVE}."
        )
    poor = [part for part in parts if part.quality.verdict is not QualityVerdict.GOOD]
    if poor and abs(index - RED_FLAG_ABOVE) < POOR_WIDENING * card.half_width_of([part.exercise for part in parts]):
        return (
            f"The recording of `{poor[0].exercise.label}` is poor, "
            f"and the index of {index:.2f} is not far enough from {RED_FLAG_ABOVE} to make up for it."
        )
    return ""


def _notes(parts: Sequence[JudgedExercise], *, usable: Sequence[JudgedExercise], card: ModelCard) -> tuple[str, ...]:
    recorded = {part.exercise for part in parts}
    missing = [exercise.label for exercise in Exercise if exercise not in recorded]
    notes = []
    if missing:
        verb = "was" if len(missing) == 1 else "were"
        notes.append(f"{_listed(missing)} {verb} not recorded.")
    notes += [
        f"The recording of `{part.exercise.label}` gave no index and does not count."
        for part in parts
        if not any(part is counted for counted in usable)
    ]
    if 0 < len(usable) < len(Exercise):
        labels = _listed([part.exercise.label for part in usable])
        notes.append(f"The index rests on {labels} alone, {len(usable)} of {len(Exercise)} exercises.")
    if len(usable) > 1 and not card.session_half_widths and not np.isnan(card.interval_half_width):
        notes.append("The interval of the mean is as wide as that of one exercise, because their errors go together.")
    return tuple(notes)


def _listed(labels: Sequence[str]) -> str:
    quoted = [f"`{label}`" for label in labels]
    return quoted[0] if len(quoted) == 1 else ", ".join(quoted[:-1]) + " and " + quoted[-1]
