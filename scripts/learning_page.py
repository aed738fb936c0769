"""Write `docs/learning.md` from what the learning benchmarks measured. Knows nothing of how they measure."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from measures_page import figure_table, made_by, number

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
NAMES = (
    (
        "`kinematic`",
        "a learner: `train`, `evaluate`, `tune`, the tables below",
        "Summary measures of a movement, and support vector regression with a kernel over them "
        "(`src/backsight/training/kinematic.py`). It learns any study's exercises.",
    ),
    (
        "`kinematic`",
        "a model: `backsight assess`, its default",
        "A sum of named measures of the paper's three exercises, by ridge regression, learnt from virtual people "
        "(`src/backsight/network/kinematic.py`). Its learner is called `measures` below.",
    ),
    (
        "`kinematic-ensemble`",
        "a learner",
        "Kernel ridge, support vectors and extra trees on the summary measures; the mean of what they say. Where "
        "scores are right or wrong, both kernels are kernel ridge, in `kinematic`, too.",
    ),
    (
        "`best`",
        "a learner: the default of `train` and `evaluate`",
        "The learner `kinematic` or `kinematic-ensemble`: whichever is nearer to the scores of training people whom it "
        "was fitted without, in three inner folds; where scores are right or wrong, by Brier's score.",
    ),
    (
        "`lstm`",
        "a learner",
        "LSTM, dense block and activations of the paper, but sizes, scaling and pooling over time of our own, and five "
        "networks that judge together. It is **not** the paper's network; the table `steps` of the paper's comparisons "
        "leads from one to the other.",
    ),
    (
        "`lstm-paper`",
        "a model: `backsight assess --model lstm-paper`",
        "The paper's network as far as the paper tells it, read at the last frame, learnt from virtual people "
        "([paper-map.md](paper-map.md), row 8).",
    ),
)
IN_SIGHT = """\
One thing no fold can mend: what the kinematic learners are made of (which measures, which kernels, how they are scaled
and pooled) was designed in sight of results on these same 62 people of KIMORE. The choices inside `fit` are blind to
the held-out people; those of the design are not. The figures on KIMORE lean to the good side for that, by an amount
that only people whom nobody has seen can tell. That `best` may take `kinematic-ensemble`, and how wide its trees look
for a split, was decided when its figures here were known. The settings of the networks were chosen on the same people,
too. `lstm`, `gru` and `rnn`, and what is made of them, learn to foresee frames first: taken up because it helped here,
and not tried with `tcn`, `transformer` and `graph`, so that these differ from them in two things.
"""
COLUMNS = """\
*mad*: mean absolute difference in points of the total score, 0 to 50. *rho*: Spearman's rank correlation. *person_*: of
the means over a person's clips. *icc*: ICC(2,1), absolute agreement. *calibration_slope*: of the score over the
prediction, below 1 where predictions are spread too widely. *n* is the number of scored clips behind a figure.
"""
POOLED_RHO = (
    "*rho* ranks the people of all folds among each other. That is biased downwards: a fold whose people score high "
    "leaves people with low scores to learn from, so that whoever gives each fold one number ranks the folds the wrong "
    "way round. A negative rho of `median` comes from this and tells nothing of movements."
)
WITHIN_FOLDS = (
    " *rho_within_folds*, the mean over the folds of the rank correlation in each, is free of it; there is none where "
    "every fold is given one number."
)


def learning_page(results: Mapping[str, Mapping[str, Any]], *, made: str) -> str:
    """Return the page; `results` are the benchmarks' JSON by name, as far as runs are published."""
    sections: dict[str, Callable[[Mapping[str, Any]], str]] = {
        "kimore": _kimore_section,
        "uiprmd": _uiprmd_section,
        "tables": _tables_section,
        "raw-image": _raw_image_section,
        "training": _training_section,
        "shipped": lambda result: _shipped_section(result, _sessions_held_out(results)),
    }
    found = [section(results[name]) for name, section in sections.items() if name in results]
    parts = [f"# What learners are worth on new people\n\n{made}\n{PROTOCOL}", _names_section()]
    return "\n".join([*parts, *(found or ["No run is published yet.\n"])])


def _names_section() -> str:
    lines = "\n".join(f"| {' | '.join(row)} |" for row in NAMES)
    return f"## Names that look alike\n\n| Name | Where | What it is |\n|---|---|---|\n{lines}\n\n{IN_SIGHT}"


def _kimore_section(result: Mapping[str, Any]) -> str:
    rows = result["rows"]
    main = _kind(rows, "fifth")[0]["learner"]
    blocks = [
        _head("KIMORE: the clinicians' total score", result),
        "\n".join(learner_lines(rows)),
        COLUMNS,
        _about_rho(rows),
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
        "*n* is the number of repetitions behind a figure." if _barred(result)["figures"] else "",
        figure_table(_barred(result)) if _barred(result)["figures"] else "",
        f"### `{parts[0]['learner']}` by movement\n\n"
        "| Movement | Balanced accuracy | AUC | Clips |\n|---|---|---|---|\n" + "\n".join(lines),
    ]
    return "\n\n".join(block.strip() for block in blocks if block) + "\n"


def _raw_image_section(result: Mapping[str, Any]) -> str:
    learners = _kind(result["rows"], "learner")
    keys = ["mad", "rho", *(["rho_within_folds"] if "rho_within_folds" in learners[0] else [])]
    lines = [
        f"| {row['learner']} | {' | '.join(_span(row[key]) for key in (*keys, 'accuracy', 'balanced_accuracy'))} |"
        for row in learners
    ]
    times = {**result, "figures": [one for one in result["figures"] if one["name"].startswith("time/")]}
    blocks = [
        _head("Pictures against landmarks", result),
        "Of the paper's older method, 643 ms an iteration and 74.3 %, neither network nor data is known. This asks on "
        "drawn volunteers what its comparison asks.",
        f"| Learner | Error of the index | {' | '.join(keys[1:])} | Red flags told right | Mean of both kinds |\n"
        f"|{'---|' * (len(keys) + 3)}\n" + "\n".join(lines),
        _about_rho(learners),
        f"{_percent(result['rows'][0]['flagged'])} of the clips are red flags; flagging none is right in the rest. "
        "Below, *n* is how often each was timed.",
        figure_table(times),
    ]
    return "\n\n".join(block.strip() for block in blocks) + "\n"


def _shipped_section(result: Mapping[str, Any], held_out: Mapping[str, Row]) -> str:
    times = next((row["times_chosen"] for row in result["rows"] if "times_chosen" in row), {})
    told = ", ".join(f"`{name}` {n}" for name, n in times.items() if n)
    blocks = [
        _head("Which model ships", result),
        "\n".join(shipped_lines(result["rows"])),
        f"In how many folds each was chosen: {told}." if told else "",
        _about_rho(result["rows"]),
        _what_the_choice_shows(result, held_out),
    ]
    return "\n\n".join(block.strip() for block in blocks if block) + "\n"


def _what_the_choice_shows(result: Mapping[str, Any], held_out: Mapping[str, Row]) -> str:
    """Say how little the figures decide between the model that ships, the median and the paper's network."""
    rows = {row["learner"]: row for row in result["rows"]}
    parts = [
        "**What this does not show.** `measures` learns from the 100 simulated people who ship with the package, too; "
        "the others learn from filmed people alone. `lstm` is not the paper's network: that ships as `lstm-paper`, was "
        "taught by thousands of simulated people and took no part here."
    ]
    gain = rows.get("median", {}).get("gain_of_shipped")
    if gain is not None:
        parts.append(
            f"Over giving everybody the median `measures` gains {_signed(gain)} of the index in MAE true: "
            + ("more than chance explains." if gain["low"] > 0.0 else "chance explains that.")
        )
    if {"kinematic", "lstm-paper"} <= set(held_out):
        told = "; ".join(
            f"`{name}` is off by {_span(row['mean_error'])}, with a rho of {_span(row['rank_correlation'])} and an AUC "
            f"of red flags of {_span(row['red_flag_auc'])}"
            for name, row in held_out.items()
        )
        parts.append(
            f"On the sessions of {held_out['kinematic']['people']} volunteers who took no part in the choice {told} "
            "([measures.md](measures.md#the-index))"
            + (
                ": their intervals overlap, and their errors were not compared person by person. `kinematic` ships "
                "because what it says can be taken apart."
                if _overlap(held_out["kinematic"], held_out["lstm-paper"])
                else "."
            )
        )
    return " ".join(parts)


def _sessions_held_out(results: Mapping[str, Mapping[str, Any]]) -> dict[str, Row]:
    """Return, for each model that `benchmark index` judged, what it found of whole sessions."""
    names = {"kinematic": "index", "lstm-paper": "index-lstm-paper"}
    return {
        model: next(row for row in results[name]["rows"] if row["kind"] == "session")
        for model, name in names.items()
        if name in results
    }


def _overlap(one: Row, other: Row) -> bool:
    """Whether the intervals overlap in each figure that both are told by."""
    keys = ("mean_error", "rank_correlation", "red_flag_auc")
    return all(one[key]["low"] <= other[key]["high"] and other[key]["low"] <= one[key]["high"] for key in keys)


def _training_section(result: Mapping[str, Any]) -> str:
    return f"{_head('How fast networks are trained', result)}\n\n{figure_table(result)}\n"


def _tables_section(result: Mapping[str, Any]) -> str:
    blocks = [_head("The paper's comparisons", result), "\n".join(table_lines(result["rows"]))]
    return "\n\n".join(block.strip() for block in blocks) + "\n"


def _about_rho(rows: Sequence[Row]) -> str:
    return POOLED_RHO + (WITHIN_FOLDS if "rho_within_folds" in rows[0] else "")


def _signed(found: Mapping[str, float]) -> str:
    return f"{found['value']:+.3f} ({found['low']:+.3f} to {found['high']:+.3f})"


def _span(found: Mapping[str, float | None] | float | None) -> str:
    """Return a value with its interval over people; a dash where there is none, as the rank of a constant."""
    if not isinstance(found, Mapping):
        return number(found)
    return (
        "-"
        if found["value"] is None
        else f"{number(found['value'])} ({number(found['low'])} to {number(found['high'])})"
    )


def _head(title: str, result: Mapping[str, Any]) -> str:
    notes = "\n".join(f"- {note}" for note in result["notes"])
    return (
        f"## {title}\n\n{made_by(result)}, seeds "
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
