"""What the quality gate does with good and with spoilt recordings, as figures. Knows nothing of how it judges."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from backsight.benchmarks.figures import Figure
from backsight.benchmarks.measures_table import wilson_interval
from backsight.domain.assessment import QualityVerdict

if TYPE_CHECKING:
    from backsight.benchmarks.filmed import GateVerdict

LEAST_ACCEPTED, LEAST_CAUGHT = 0.97, 0.95
NEAR_M = 4.0
"""The bars of issue 3 hold at 2 to 4 m, which is as far as BlazePose's model card goes."""
GATE_NOTES = (
    "good_accepted: share of the recordings with nothing wrong that the quality gate does not refuse (good or poor). "
    "good_unflagged: share of the same that it does not even flag (good). spoilt_caught: share of the spoilt ones that "
    "it refuses or flags (poor or unusable). spoilt_refused: share of these that it refuses (unusable). Accepted and "
    "caught thus rest on different thresholds, as a poor recording counts for both; unflagged and caught rest on one.",
    "Recordings that chance gave a bystander or something before the lens count neither as good nor as spoilt: either "
    "answer may be right.",
)


def gate_figures(verdicts: Iterable[GateVerdict], model: str, *, barred: bool) -> tuple[Figure, ...]:
    """Return what became of one pose model's recordings, all together, near and far, and by kind of fault.

    Kinds of which there is no recording have no figures, so that a run without them misses no bar.
    """
    from backsight.benchmarks.filmed import BYSTANDER, OCCLUDER

    by_kind: dict[str | None, list[GateVerdict]] = defaultdict(list)
    for verdict in verdicts:
        if verdict.pose_model == model:
            by_kind[verdict.spoil].append(verdict)
    good = by_kind.pop(None, [])
    near = [item for item in good if item.distance_m <= NEAR_M]
    by_chance = {kind: by_kind.pop(kind) for kind in (BYSTANDER, OCCLUDER) if kind in by_kind}
    spoilt = [item for items in by_kind.values() for item in items]
    accepted, caught = (LEAST_ACCEPTED, LEAST_CAUGHT) if barred else (None, None)
    figures = (
        _share(f"good_accepted/{model}", _not_refused(good), bar=accepted),
        _share(f"good_accepted/{model}/to_4_m", _not_refused(near), bar=accepted),
        _share(f"good_unflagged/{model}", _not_flagged(good)),
        _share(f"good_unflagged/{model}/to_4_m", _not_flagged(near)),
        _share(f"spoilt_caught/{model}", _flagged(spoilt), bar=caught),
        _share(f"spoilt_refused/{model}", _refused(spoilt)),
    )
    return (
        *(figure for figure in figures if figure.n),
        *_by_kind("spoilt", by_kind, model),
        *_by_kind("chance", by_chance, model),
    )


def _by_kind(
    what: str, kinds: dict[str | None, list[GateVerdict]] | dict[str, list[GateVerdict]], model: str
) -> list[Figure]:
    figures = []
    for kind, items in sorted((str(kind), items) for kind, items in kinds.items()):
        figures.append(_share(f"{what}_caught/{model}/{kind}", _flagged(items)))
        figures.append(_share(f"{what}_refused/{model}/{kind}", _refused(items)))
    return figures


def _not_flagged(verdicts: Sequence[GateVerdict]) -> list[bool]:
    return [item.verdict is QualityVerdict.GOOD for item in verdicts]


def _flagged(verdicts: Sequence[GateVerdict]) -> list[bool]:
    return [item.verdict is not QualityVerdict.GOOD for item in verdicts]


def _refused(verdicts: Sequence[GateVerdict]) -> list[bool]:
    return [item.verdict is QualityVerdict.UNUSABLE for item in verdicts]


def _not_refused(verdicts: Sequence[GateVerdict]) -> list[bool]:
    return [item.verdict is not QualityVerdict.UNUSABLE for item in verdicts]


def _share(name: str, items: Sequence[bool], *, bar: float | None = None) -> Figure:
    value = sum(items) / len(items) if items else float("nan")
    interval = wilson_interval(sum(items), len(items))
    return Figure(name, value, "share", len(items), bar=bar, better="higher", interval=interval)
