"""Write `docs/learning.md` from what the learning benchmarks measured. Knows nothing of how they measure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from measures_page import figure_table, number

from backsight.benchmarks.learning_tables import learner_lines
from backsight.benchmarks.paper_tables import table_lines
from backsight.benchmarks.shipped import shipped_lines

Row = Mapping[str, Any]

PROTOCOL = """\
People are divided into folds by name alone; a learner is fitted on the people of the other folds and predicts those of
one. All that is fitted or chosen (weights, scaler, features, hyperparameters, when to stop, what `best` is) happens in
`fit`, which sees training people only. A held-out person's clips come without score, group and name, under a pseudonym,
in an order of their own and without the other held-out people; `tests/unit/evaluation/test_leakage.py` holds this with
a learner that spies. The folds are drawn anew with every seed; figures are means over the seeds, and their intervals
(95 %) come from drawing people, not clips, with replacement.

The column *if people leaked* is no result. It says what the same learner would have claimed if a person's clips had
been on both sides of the split. `knows-people` is a learner that looks at nothing but who somebody is.
"""
COLUMNS = """\
*mad*: mean absolute difference in points of the total score, 0 to 50. *rho*: Spearman's rank correlation. *person_*: of
the means over a person's clips. *icc*: ICC(2,1), absolute agreement. *calibration_slope*: of the score over the
prediction, below 1 where predictions are spread too widely.
"""


def learning_page(results: Mapping[str, Mapping[str, Any]], *, made: str) -> str:
    """Return the page; `results` are the benchmarks' JSON by name, as far as runs are published."""
    parts = [f"# What learners are worth on new people\n\n{made}\n{PROTOCOL}"]
    if "kimore" in results:
        parts.append(_kimore_section(results["kimore"]))
    if "uiprmd" in results:
        parts.append(_uiprmd_section(results["uiprmd"]))
    if "raw-image" in results:
        parts.append(_raw_image_section(results["raw-image"]))
    if "shipped" in results:
        parts.append(_shipped_section(results["shipped"]))
    if "tables" in results:
        parts.append(_tables_section(results["tables"]))
    if len(parts) == 1:
        parts.append("No run is published yet.\n")
    return "\n".join(parts)


def _kimore_section(result: Mapping[str, Any]) -> str:
    rows = result["rows"]
    main = _kind(rows, "fifth")[0]["learner"]
    blocks = [
        _head("KIMORE: the clinicians' total score", result),
        "\n".join(learner_lines(rows)),
        COLUMNS,
        figure_table(_barred(result)) if _barred(result)["figures"] else "",
        _leak_sentence(rows),
        f"### Where `{main}` misses\n\n*bias*: prediction minus score.",
        _residual_table(rows, "exercise"),
        _residual_table(rows, "group"),
        _residual_table(rows, "fifth", head="fifth of the score, lowest first"),
        _intervals(rows),
        _curve(rows),
    ]
    return "\n\n".join(block.strip() for block in blocks if block) + "\n"


def _uiprmd_section(result: Mapping[str, Any]) -> str:
    rows = result["rows"]
    parts = [row for row in rows if row["kind"] in ("exercise", "alone")]
    lines = [
        f"| {row.get('exercise', 'all, one clip shown at a time')} | {number(row['balanced_accuracy']['value'])} "
        f"| {number(row['auc']['value'])} | {row['clips']} |"
        for row in parts
    ]
    blocks = [
        _head("UI-PRMD: correct against incorrect", result),
        "\n".join(learner_lines(rows)),
        figure_table(_barred(result)) if _barred(result)["figures"] else "",
        f"### `{parts[0]['learner']}` by movement\n\n"
        "| Movement | Balanced accuracy | AUC | Clips |\n|---|---|---|---|\n" + "\n".join(lines),
    ]
    return "\n\n".join(block.strip() for block in blocks if block) + "\n"


def _raw_image_section(result: Mapping[str, Any]) -> str:
    lines = [
        f"| {row['learner']} | {_span(row['mad'])} | {_span(row['rho'])} | {_span(row['accuracy'])} "
        f"| {_span(row['balanced_accuracy'])} |"
        for row in _kind(result["rows"], "learner")
    ]
    times = {**result, "figures": [one for one in result["figures"] if one["name"].startswith("time/")]}
    blocks = [
        _head("Pictures against landmarks", result),
        "Of the paper's older method, 643 ms an iteration and 74.3 %, neither network nor data is known. This asks on "
        "drawn volunteers what its comparison asks.",
        "| Learner | Error of the index | rho | Red flags told right | Mean of both kinds |\n|---|---|---|---|---|\n"
        + "\n".join(lines),
        f"{_percent(result['rows'][0]['flagged'])} of the clips are red flags; flagging none is right in the rest.",
        figure_table(times),
    ]
    return "\n\n".join(block.strip() for block in blocks) + "\n"


def _shipped_section(result: Mapping[str, Any]) -> str:
    times = next((row["times_chosen"] for row in result["rows"] if "times_chosen" in row), {})
    told = ", ".join(f"`{name}` {n}" for name, n in times.items() if n)
    blocks = [
        _head("Which model ships", result),
        "\n".join(shipped_lines(result["rows"])),
        f"In how many folds each was chosen: {told}." if told else "",
    ]
    return "\n\n".join(block.strip() for block in blocks if block) + "\n"


def _tables_section(result: Mapping[str, Any]) -> str:
    blocks = [_head("The paper's comparisons", result), "\n".join(table_lines(result["rows"]))]
    return "\n\n".join(block.strip() for block in blocks) + "\n"


def _span(found: Mapping[str, float | None]) -> str:
    """Return a value with its interval over people; a dash where there is none, as the rank of a constant."""
    return (
        "-"
        if found["value"] is None
        else f"{number(found['value'])} ({number(found['low'])} to {number(found['high'])})"
    )


def _head(title: str, result: Mapping[str, Any]) -> str:
    notes = "\n".join(f"- {note}" for note in result["notes"])
    return (
        f"## {title}\n\nMade by `backsight benchmark {result['name']}`, seeds "
        f"{', '.join(str(seed) for seed in result['seeds'])}, on {result['machine']}.\n\n{notes}"
    )


def _kind(rows: Sequence[Row], kind: str) -> list[Row]:
    return [row for row in rows if row["kind"] == kind]


def _barred(result: Mapping[str, Any]) -> dict[str, Any]:
    return {**result, "figures": [figure for figure in result["figures"] if figure["bar"] is not None]}


def _leak_sentence(rows: Sequence[Row]) -> str:
    leaky = {row["learner"]: row["mad"]["value"] for row in _kind(rows, "leaky")}
    honest = {row["learner"]: row["mad"]["value"] for row in _kind(rows, "learner")}
    return (
        "A learner that knows who somebody is, and nothing of how they move, is off by "
        f"{number(leaky['knows-people'])} points under a split by clip, the median by {number(leaky['median'])}. Under "
        f"the split by person both are off by {number(honest['median'])}. Figures from splits by clip or repetition "
        "therefore say little."
    )


def _residual_table(rows: Sequence[Row], kind: str, *, head: str = "") -> str:
    found = _kind(rows, kind)
    if not found:
        return ""
    lines = [
        f"| {row[kind]} | {row['people']} | {row['clips']} | {number(row['mean_score'])} | {number(row['mad'])} "
        f"| {number(row['bias'])} | {number(row['rho'])} | {number(row.get('coverage'))} |"
        for row in found
    ]
    return (
        f"| {head or kind} | People | Clips | Mean score | MAD | Bias | rho | Held by its interval |\n|{'---|' * 8}\n"
        + "\n".join(lines)
    )


def _intervals(rows: Sequence[Row]) -> str:
    found = _kind(rows, "intervals")
    if not found:
        return ""
    row = found[0]
    covered = row["coverage"]
    return (
        f"### Intervals\n\n90 % intervals held {_percent(covered['value'])} of held-out scores "
        f"({_percent(covered['low'])} to {_percent(covered['high'])} by chance in who the people are) and are "
        f"{number(row['width'])} points wide on average. A verdict on the middle of the scale is withheld where more "
        f"than {_percent(row['withheld_above'])} of the interval lies on its smaller side: in "
        f"{_percent(row['withheld'])} of the clips. Where it is given it is right in "
        f"{_percent(row['right_where_told'])}, against {_percent(row['right_if_all_told'])} if it were always given."
    )


def _percent(share: float | None) -> str:
    return "-" if share is None else f"{100 * share:.3g} %"


def _curve(rows: Sequence[Row]) -> str:
    found = _kind(rows, "curve")
    if not found:
        return ""
    lines = [
        f"| {row['learner']} | {row['training_people']} | {number(row['mad']['value'])} "
        f"({number(row['mad']['low'])} to {number(row['mad']['high'])}) | {number(row['rho']['value'])} |"
        for row in found
    ]
    return "### Learning from fewer people\n\n| Learner | People | MAD | rho |\n|---|---|---|---|\n" + "\n".join(lines)
