"""The index benchmark's rows as a table for the docs. Knows nothing of how they were measured."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

_COLUMNS = {
    "mean_error": "error of the index",
    "red_flag_auc": "AUC of red flags",
    "rank_correlation": "rho",
    "same_for_all": "error of one index for all",
    "rating_noise": "error of their own ratings",
    "mean_error_ideal": "error from landmarks without error",
    "lost_to_rendering": "lost to rendering",
    "held": "held by the interval",
}


def index_lines(rows: Sequence[Mapping[str, Any]]) -> tuple[str, ...]:
    """Return exercises, sessions, views, distances and lights as a table in Markdown; in brackets the interval."""
    lines = [f"| group | recordings | people | {' | '.join(_COLUMNS.values())} |", f"|{'---|' * (len(_COLUMNS) + 3)}"]
    for row in rows:
        if row["kind"] == "curve":
            continue
        cells = [_span(row.get(name)) for name in _COLUMNS]
        lines.append(f"| {row['group']} | {row['recordings']} | {row['people']} | {' | '.join(cells)} |")
    return tuple(lines)


def curve_lines(rows: Sequence[Mapping[str, Any]]) -> tuple[str, ...]:
    """Return what learning from fewer people does, as a table in Markdown; nothing where that was not asked."""
    found = [row for row in rows if row["kind"] == "curve"]
    if not found:
        return ()
    head = ("| session, by the model | error of the index | AUC of red flags |", "|---|---|---|")
    return (
        *head,
        *(f"| {row['group']} | {_span(row['mean_error'])} | {_span(row['red_flag_auc'])} |" for row in found),
    )


def _span(found: Mapping[str, float | None] | None) -> str:
    if found is None or found["value"] is None:
        return "-"
    ends = f" ({found['low']:.2f} to {found['high']:.2f})" if "low" in found else ""
    return f"{found['value']:.3f}{ends}"
