"""What is said of a judged study, in lines of Markdown. Knows no file and no learner."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from backsight.domain.study import ScoreScale
from backsight.evaluation.conformal import fewest_people
from backsight.reporting.markdown_table import as_cell
from backsight.studying.comparing import compare_pair, comparison_lines
from backsight.studying.judging import LEVEL, RESEARCH, Judged, better_than_baselines
from backsight.training.searched import LEANS, is_tuned, tuned_name
from backsight.training.tuning import Tuned, error_of

FEWEST_FOR_A_SPREAD = 5
"""People: with fewer, drawing them again shows hardly more than who they are. A choice."""
_PARTS = ("exercise", "group", "view")


def figure_lines(judged: Judged) -> tuple[str, ...]:
    """Return the learners side by side, then each learner by parts; in brackets the 95 % interval over people."""
    protocol, study = judged.protocol, judged.study
    n_people = len({clip.subject for clip in study.scored()})
    head = (
        f"{study.name}: {len(study.scored())} scored clips of {n_people} people; {protocol.n_folds} folds by person, "
        f"drawn {protocol.n_seeds} time{'s' if protocol.n_seeds > 1 else ''}. {errors_told(study.scale)}"
    )
    lines = [head, "", *row_lines(judged.rows)]
    for name in judged.learners:
        lines += part_lines([row for row in judged.rows if row["learner"] == name], title=name)
    return tuple(lines)


def errors_told(scale: ScoreScale) -> str:
    """Return in a sentence what the errors in the tables are errors of."""
    if scale.is_binary:
        return f"MAD and RMSE of scores that are {scale.worst:g} or {scale.best:g}."
    return f"MAD and RMSE in {scale.unit}."


def row_lines(rows: Sequence[Mapping[str, Any]], *, in_folds: bool = True) -> tuple[str, ...]:
    """Return a line for each learner over all clips, and pooled for a person.

    Parameters
    ----------
    in_folds
        False = learnt from other people than any of these.
    """
    is_binary = any("balanced_accuracy" in row for row in rows)
    leaky = {row["learner"]: row["mad"]["value"] for row in rows if row["kind"] == "leaky"}
    sure = {row["learner"]: row for row in rows if row["kind"] == "intervals"}
    people = {row["learner"]: row for row in rows if row["kind"] == "person"}
    titles = ["learner", "MAD", "rho", "RMSE", "slope", "90 % holds", "a person's MAD", "a person's rho"]
    titles += ["balanced accuracy"] if is_binary else []
    titles += ["MAD if people leaked"] if leaky else []
    lines = [f"| {' | '.join(titles)} |", f"|{'---|' * len(titles)}"]
    for row in rows:
        if row["kind"] != "learner":
            continue
        name = row["learner"]
        held = sure[name]["coverage"]["value"] if name in sure else None
        cells = [name, spread(row["mad"]), spread(row["rho"]), cell(row["rmse"]), cell(row["calibration_slope"])]
        cells += [_held(held, row["people"]), spread(people[name]["mad"]), spread(people[name]["rho"])]
        cells += [spread(row["balanced_accuracy"])] if is_binary else []
        cells += [cell(leaky.get(name))] if leaky else []
        lines.append(f"| {' | '.join(cells)} |")
    lines += _dash_lines(rows, in_folds=in_folds)
    if "knows-people" in leaky:
        lines += [
            "",
            f"Leaked: clips of one person on both sides, never a result. Knowing nothing but who people are gives "
            f"{cell(leaky['knows-people'])} there.",
        ]
    return tuple(lines)


def part_lines(rows: Sequence[Mapping[str, Any]], *, title: str) -> tuple[str, ...]:
    """Return a line for each exercise, group and view of one learner's rows."""
    parts = [row for row in rows if row["kind"] in _PARTS]
    if len(parts) < 2:
        return ()
    lines = [
        "",
        f"`{title}` by part:",
        "",
        "| part | clips | people | MAD | rho | bias | 90 % holds |",
        f"|{'---|' * 7}",
    ]
    for row in parts:
        n_people = row["people"]
        rho = "-" if n_people < FEWEST_FOR_A_SPREAD else spread(row["rho"])
        lines.append(
            f"| {row['kind']} {as_cell(row[row['kind']])} | {row['clips']} | {n_people} | "
            f"{spread(row['mad'], n_people)} | {rho} | {cell(row['bias'])} | {_held(row.get('coverage'), n_people)} |"
        )
    if any(row["people"] < FEWEST_FOR_A_SPREAD for row in parts):
        lines += ["", f"No interval and no rho in parts of fewer than {FEWEST_FOR_A_SPREAD} people."]
    return tuple(lines)


def meaning_lines(judged: Judged, learner: str) -> tuple[str, ...]:
    """Return what a learner's figures mean, and whether it beats the baselines."""
    row, unit = judged.row(learner), judged.study.scale.error_unit
    _, verdict = better_than_baselines(judged, learner)
    lines = [
        f"On people whom it had not seen, `{learner}` is off by {row['mad']['value']:.3g} {unit} on average (MAD); "
        f"giving everybody the median of the exercise is off by {judged.row('median')['mad']['value']:.3g}. It ranks "
        f"clips with a correlation of {cell(row['rho']['value'])} (rho: 1 = as the scores do, 0 = by chance).",
        verdict,
        *([LEANS] if is_tuned(learner) else []),
    ]
    slope = row["calibration_slope"]
    if slope is not None and slope < 0.0:
        lines.append(
            f"Its predictions run the wrong way round (slope {slope:.2g}, ideally 1): whom it scores higher was scored "
            f"lower. Among {row['people']} people that comes about by chance easily where little is learnt."
        )
    elif slope is not None and slope < 0.7:
        lines.append(
            f"Its predictions are spread too widely (slope {slope:.2g}, ideally 1): differences between people are "
            "overstated."
        )
    return (*lines, RESEARCH)


def stranger_lines(
    rows: Sequence[Mapping[str, Any]], known: Sequence[Mapping[str, Any]], *, learner: str, unit: str
) -> tuple[str, ...]:
    """Return what the figures of a fitted model on other people mean beside those of its own study.

    Parameters
    ----------
    rows
        On the other people.
    known
        What its file tells of people of its study whom it had not seen; empty = it was not judged.
    """
    here = next(row["mad"]["value"] for row in rows if row["kind"] == "learner")
    there = {row["learner"]: row["mad"]["value"] for row in known if row["kind"] == "learner"}
    lines = [f"On these people `{learner}` is off by {cell(here)} {unit} on average (MAD)."]
    if learner in there:
        others = ", ".join(f"`{name}` {cell(mad)}" for name, mad in there.items() if name != learner)
        lines.append(
            f"In its own study, on people whom it had not seen, it was off by {cell(there[learner])}; the baselines "
            f"there by: {others}. Other people, so the two do not compare by themselves."
        )
    else:
        lines.append("It was not judged in its own study (`--no-evaluate`): there is nothing to hold this beside.")
    lines.append(
        "Whether it does better here than baselines is said by `backsight evaluate` on this study without --model."
    )
    return tuple(lines)


def search_lines(found: Tuned, name: str, *, unit: str) -> tuple[str, ...]:
    """Return what a search of the settings of the learner `name` found."""
    compared = compare_pair(found.untuned, found.tuned)
    again = (
        f"These people have now judged {found.times_judged} times: what was chosen after the first time was chosen in "
        "sight of them, and the figure leans to the good side. Take another --seed for new ones.",
    )
    return (
        f"{found.n_finished} trials ended, {found.n_given_up} were given up early. Best settings of `{name}`:",
        *(
            f"  {setting} = {value:.4g}" if isinstance(value, float) else f"  {setting} = {value}"
            for setting, value in found.parameters.items()
        ),
        f"MAD on the inner folds that chose them: {found.inner_error:.3g} {unit}; too small a figure, since they were "
        "chosen for it.",
        f"MAD on {compared.n_people} people who took no part: {error_of(found.tuned):.3g} tuned, "
        f"{error_of(found.untuned):.3g} as it was.",
        *comparison_lines(name, {tuned_name(name): compared}, unit=unit)[1:],
        *(again if found.times_judged > 1 else ()),
    )


def _held(share: float | None, n_people: int) -> str:
    return "-" if share is None or n_people < fewest_people(LEVEL) else f"{share:.0%}"


def _dash_lines(rows: Sequence[Mapping[str, Any]], *, in_folds: bool) -> list[str]:
    """Say why it is not known how often a learner's 90 % interval holds."""
    learners = [row for row in rows if row["kind"] == "learner"]
    sure = {row["learner"] for row in rows if row["kind"] == "intervals"}
    if all(row["learner"] in sure and row["people"] >= fewest_people(LEVEL) for row in learners):
        return []
    if not in_folds and any(row["people"] < fewest_people(LEVEL) for row in learners):
        return ["", f"90 % holds: - because fewer than {fewest_people(LEVEL)} people are too few to say."]
    if not in_folds:
        return ["", "90 % holds: - because the model has no interval."]
    return [
        "",
        f"90 % holds: - where there is no such interval: it takes {fewest_people(LEVEL)} people whom the learner "
        "had not seen besides the fold that is judged.",
    ]


def spread(found: Mapping[str, float | None], n_people: int | None = None) -> str:
    """Return an estimate with its interval, where it rests on enough people for one.

    Parameters
    ----------
    n_people
        On whom the estimate rests; None = enough.
    """
    if n_people is not None and n_people < FEWEST_FOR_A_SPREAD:
        return cell(found["value"])
    ends = "" if found["low"] is None else f" ({cell(found['low'])} to {cell(found['high'])})"
    return f"{cell(found['value'])}{ends}"


def cell(value: float | None) -> str:
    """Return a number of three figures, or a dash."""
    return "-" if value is None else f"{value:.3g}"
