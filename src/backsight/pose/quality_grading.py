"""Grade one measured value as good, poor or unusable. Knows nothing of what is measured."""

from __future__ import annotations

import math

from backsight.domain.assessment import QualityCheck, QualityVerdict


def grade_at_least(value: float, *, good: float, usable: float = -math.inf) -> QualityVerdict:
    """Grade a value that should be large: good from `good` on, poor from `usable` on, unusable below.

    A NaN could not be measured and fails nothing: the finding has to say so.
    """
    if math.isnan(value) or value >= good:
        return QualityVerdict.GOOD
    return QualityVerdict.POOR if value >= usable else QualityVerdict.UNUSABLE


def grade_at_most(value: float, *, good: float, usable: float = math.inf) -> QualityVerdict:
    """Grade a value that should be small: good up to `good`, poor up to `usable`, unusable above."""
    return grade_at_least(-value, good=-good, usable=-usable)


def worst_of(*verdicts: QualityVerdict) -> QualityVerdict:
    """Return the worst of some verdicts."""
    return max(verdicts, key=lambda verdict: verdict.severity)


def build_check(
    name: str, label: str, verdict: QualityVerdict, *, value: float, unit: str, finding: str, tip: str
) -> QualityCheck:
    """Return the check; the tip is kept only where something failed."""
    kept = "" if verdict is QualityVerdict.GOOD else tip
    return QualityCheck(
        name=name, label=label, verdict=verdict, value=float(value), unit=unit, finding=finding, tip=kept
    )


def percent(share: float) -> str:
    """Return a share as shown to people, e.g. `62 %`; never rounded up to everything nor down to nothing."""
    if math.isnan(share):
        return "an unknown share"
    shown = round(100 * share)
    if shown == 0 and share > 0:
        return "under 1 %"
    if shown == 100 and share < 1:
        return "over 99 %"
    return f"{shown} %"
