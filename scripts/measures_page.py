"""Write `docs/measures.md` from what the benchmarks measured. Knows nothing of how they measure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

POSE_MODEL = "full"

Row = Mapping[str, Any]
Figures = Mapping[str, Mapping[str, Any]]

VOLUNTEERS = (
    "The volunteers are drawn people: bodies of published proportions, clothed, in furnished rooms, moving as "
    "`src/backsight/simulation` says and filmed by `src/backsight/rendering` through a lens, a sensor and H.264. The "
    "bends differ in how they go over time (smooth reaches of least jerk, skewed, abrupt and halting ones), so that no "
    "fit is judged on its own assumption alone. Those judged are of seed 8001, which nothing is fitted to, and from "
    "number 18 on, because the ones before were looked at while rules were chosen. Real people may differ by more."
)
BARELY = 0.8
"""A mean error above this share of what one number for everybody would be off by counts as barely better."""
PROMISED = 0.9
"""Share of the intervals that is to hold the truth."""


def made_by(result: Row) -> str:
    """Say by which command a run was made, as it was typed; earlier runs kept no command."""
    if result.get("command"):
        return f"Made by `{result['command']}`"
    return f"Made by `backsight benchmark {result['name']}`, whose options this run has not kept"


def virtual_section(result: Mapping[str, Any], *, images: Path) -> str:
    """Return the section on virtual volunteers: bars, tables, the quality gate and plots."""
    figures = {figure["name"]: figure for figure in result["figures"]}
    plots = "\n".join(
        f"![Bland-Altman plots, {path.stem.removeprefix('measures-')}](images/{path.name})\n"
        for path in sorted(images.glob("measures-*.svg"))
    )
    return (
        f"\n## Virtual volunteers\n\n{VOLUNTEERS}\n\n{made_by(result)}, "
        f"seeds {', '.join(str(seed) for seed in result['seeds'])}, on {result['machine']}.\n\n"
        f"{_list(result['notes'])}\n\n"
        f"### Bars\n\n{_bars_table(figures)}\n\n{_missed_section(figures)}"
        f"### By view and distance\n\n{_view_tables(result['rows'])}\n\n"
        f"### What is given, and how often its interval holds\n\n{_held_table(result['rows'], figures)}\n\n"
        f"### Quality gate\n\n{_gate_section(figures)}\n\n"
        f"### Bland-Altman plots\n\nDifference from the truth over the mean of both, BlazePose {POSE_MODEL}, all views "
        f"that give a value.\n\n{plots or 'None are drawn yet.'}\n"
    )


def _bars_table(figures: Figures) -> str:
    lines = []
    for bar in _bar_names(figures):
        figure, near = figures[f"{bar}/mean_error"], figures[f"{bar}/mean_error/to_4_m"]
        given, perfect = figures[f"{bar}/given"], figures[f"{bar}/perfectly_seen"]
        lines.append(
            f"| `{bar}` | <= {figure['bar']:g} {figure['unit']} | {number(figure['value'])}{_span(figure)} "
            f"| {figure['n']} | {percent(given['value'])} of {given['n']} | {met(figure)} "
            f"| {number(near['value'])}{_span(near)} | {near['n']} | {met(near)} "
            f"| {number(perfect['value'])} ({perfect['n']}) "
            f"| {number(figures[f'{bar}/always_the_average']['value'])} |"
        )
    pooled = [
        f"| `{name}` | {bar_text(figure)} | {number(figure['value'])}{_span(figure)} | {figure['n']} | {met(figure)} |"
        for name, figure in figures.items()
        if figure["bar"] is not None and "/mean_error" not in name and not name.endswith("/held")
    ]
    return (
        f"Mean absolute errors with BlazePose {POSE_MODEL}, at all distances and up to 4 m; of lengths with the "
        "person's height given. In brackets after a value: where chance leaves it in 95 % of such runs. Given: "
        "recordings with a value and an interval, of all that are not spoilt on purpose, refused ones too. Seen "
        "perfectly: mean error on those given if BlazePose made none (recordings that could be measured so). One "
        "number: mean error of telling everybody the median of the same recordings' true values.\n\n"
        "| Figure | Bar | Value | n | Given | Met | To 4 m | n | Met | Seen perfectly | One number |\n"
        f"|{'---|' * 11}\n" + "\n".join(lines) + f"\n\n{_beside_one_number(figures)}\n\n"
        "Shares of recordings and of intervals; each measure's own are further down.\n\n"
        f"| Figure | Bar | Value | n | Met |\n|{'---|' * 5}\n" + "\n".join(pooled)
    )


def _bar_names(figures: Figures) -> list[str]:
    return [name.removesuffix("/mean_error") for name in figures if name.endswith("/mean_error")]


def _beside_one_number(figures: Figures) -> str:
    """Return which bars need no camera, and which measures are hardly better than none."""
    met_too, barely = [], []
    for bar in _bar_names(figures):
        figure, one = figures[f"{bar}/mean_error"], figures[f"{bar}/always_the_average"]["value"]
        if one is None:
            continue
        if one <= figure["bar"]:
            met_too.append(f"`{bar}`")
        if figure["value"] > BARELY * one:
            barely.append(f"`{bar}` ({number(figure['value'])} against {number(one)} {figure['unit']})")
    return (
        f"Bars that one number for everybody meets, too: {', '.join(met_too) or 'none'}. There a bar that is met says "
        f"little. Errors of more than {100 * BARELY:g} % of what that number is off by, so that the camera adds little "
        f"to it: {', '.join(barely) or 'none'}."
    )


def _missed_section(figures: Figures) -> str:
    items = [
        f"`{name}`: {_told(figure)} {_beside(name, figures)}".rstrip()
        for name, figure in figures.items()
        if figure["met"] is False
    ]
    return f"### Bars that are not met\n\n{_list(items)}\n\n" if items else ""


def _told(figure: Mapping[str, Any]) -> str:
    if figure["value"] is None:
        return "no recording got a value."
    return f"{number(figure['value'])} {figure['unit']}{_span(figure)} of {figure['n']} against {bar_text(figure)}."


def _beside(name: str, figures: Figures) -> str:
    """Return the figures that stand beside one that misses its bar, without a verdict."""
    if name.endswith("/mean_error"):
        bar = name.removesuffix("/mean_error")
        perfect, one = figures[f"{bar}/perfectly_seen"], figures[f"{bar}/always_the_average"]
        told = [
            f"{words} {number(item['value'])} {item['unit']}{of}."
            for words, item, of in (
                ("Seen perfectly, uncalibrated:", perfect, f" of {perfect['n']}"),
                ("One number for everybody:", one, ""),
            )
            if item["value"] is not None
        ]
        return " ".join(told)
    if name.endswith("/held") and "interval" in figures[name]:
        low, high = figures[name]["interval"]
        negation = "" if low <= PROMISED <= high else "not "
        return f"The {100 * PROMISED:g} % promised are {negation}within what chance leaves."
    if name.startswith("spoilt_caught/"):
        passed = {
            kind.removeprefix(f"{name}/"): round((1.0 - item["value"]) * item["n"])
            for kind, item in figures.items()
            if kind.startswith(f"{name}/")
        }
        worst = sorted((kind for kind in passed if passed[kind]), key=lambda kind: -passed[kind])
        kinds = ", ".join(f"{kind} {passed[kind]} of {figures[f'{name}/{kind}']['n']}" for kind in worst)
        return f"Neither flagged nor refused: {kinds}." if worst else ""
    return ""


def _span(figure: Mapping[str, Any]) -> str:
    """Return where chance leaves a value; empty where that is not told."""
    return f" ({' to '.join(number(end) for end in figure['interval'])})" if "interval" in figure else ""


VIEWS = ("front", "30 deg", "60 deg", "side")
DISTANCES = ("under 3 m", "3 to 4 m", "over 4 m")


def _view_tables(rows: Sequence[Row]) -> str:
    parts = []
    for model in dict.fromkeys(row["pose_model"] for row in rows):
        found = {
            (row["measure"], row["scale"], row["view"], row["distance"]): row
            for row in rows
            if row["pose_model"] == model and row["frame_rate"] == "all"
        }
        lines = []
        for whole in _wholes(rows, model):
            of_measure = whole["measure"], whole["scale"]
            cells = [found.get((*of_measure, view, "all")) for view in VIEWS]
            cells += [found.get((*of_measure, "all", distance)) for distance in DISTANCES]
            lines.append(f"| `{whole['measure']}`{_scale(whole)} | {' | '.join(map(_cell, cells))} | {whole['unit']} |")
        columns = (*VIEWS, *DISTANCES)
        parts.append(
            f"BlazePose {model}:\n\n| Measure | {' | '.join(columns)} | Unit |\n|---|{'---|' * len(columns)}---|\n"
            + "\n".join(lines)
        )
    return (
        "Mean absolute error and, in brackets, how many recordings got a value, of those that hold the truth; by view "
        "at all distances, then by distance in all views. `docs/figures/measures.json` has each view at each distance."
        "\n\n" + "\n\n".join(parts)
    )


def _cell(row: Row | None) -> str:
    return "" if row is None else f"{number(row['mean_error'])} ({row['n_given']}/{row['n']})".lstrip()


def _wholes(rows: Sequence[Row], model: str) -> list[Row]:
    return [
        row
        for row in rows
        if row["pose_model"] == model and row["view"] == row["distance"] == row["frame_rate"] == "all"
    ]


def _held_table(rows: Sequence[Row], figures: Figures) -> str:
    lines = [
        f"| `{row['measure']}`{_scale(row)} | {row['pose_model']} | {row['n_given']} of {row['n']} "
        f"| {percent(row['n_given'] / row['n'] if row['n'] else None)} "
        f"| {percent(row['coverage'])}{_held_span(row, figures)} "
        f"| {number(row['half_width'])} | {number(row['bias'])} | {row['unit']} |"
        for model in dict.fromkeys(row["pose_model"] for row in rows)
        for row in _wholes(rows, model)
    ]
    return (
        f"{_never_given(rows)}All views and distances. Held: share of the 90 % intervals that hold the truth and, in "
        "brackets, where chance in who was judged leaves it in 95 % of such runs (Wilson); chance in who was "
        "calibrated on comes on top. Half width: median of the intervals.\n\n"
        "| Measure | BlazePose | Given | Share | Held | Half width | Bias | Unit |\n|---|---|---|---|---|---|---|---|\n"
        + "\n".join(lines)
    )


def _held_span(row: Row, figures: Figures) -> str:
    """Return where chance leaves a measure's share; only the pose model with bars has that figure."""
    suffix = "/no_height" if row["scale"] == "height not given" else ""
    figure = figures.get(f"{row['measure']}{suffix}/held")
    if row["pose_model"] != POSE_MODEL or figure is None or "interval" not in figure:
        return ""
    return f" ({' to '.join(percent(end) for end in figure['interval'])})"


def _never_given(rows: Sequence[Row]) -> str:
    """Return the measures of which no judged recording got a value, whatever the view and scale."""
    given: dict[str, int] = {}
    for row in _wholes(rows, POSE_MODEL):
        given[row["measure"]] = given.get(row["measure"], 0) + row["n_given"]
    never = ", ".join(f"`{measure}`" for measure, n in given.items() if n == 0)
    return f"Never given on the volunteers judged, with BlazePose {POSE_MODEL}: {never}.\n\n" if never else ""


def _gate_section(figures: Figures) -> str:
    lines = []
    for name, figure in figures.items():
        what, _, rest = name.partition("/")
        if what == "good_accepted" and figure["n"]:
            unflagged = figures[f"good_unflagged/{rest}"]["value"]
            counts = (unflagged, figure["value"] - unflagged, 1.0 - figure["value"])
        elif what in ("spoilt_caught", "chance_caught") and figure["n"]:
            refused = figures[f"{what.replace('caught', 'refused')}/{rest}"]["value"]
            counts = (1.0 - figure["value"], figure["value"] - refused, refused)
        else:
            continue
        model, _, kind = rest.partition("/")
        label = {"good_accepted": "nothing", "spoilt_caught": "on purpose", "chance_caught": "by chance"}[what]
        told = {"": "", "to_4_m": ", up to 4 m"}.get(kind, f": {kind}")
        shares = " | ".join(str(round(share * figure["n"])) for share in counts)
        lines.append(f"| {label}{told} | {model} | {figure['n']} | {shares} |")
    return (
        "What became of recordings, by what was wrong with them: the gate passes them (good), flags them (poor) or "
        "refuses them (unusable). Accepted, in the bars above, is passed or flagged; caught is flagged or refused.\n\n"
        "| Wrong | BlazePose | Recordings | Passed | Flagged | Refused |\n|---|---|---|---|---|---|\n"
        + "\n".join(lines)
    )


AGREEMENT_NOTE = (
    "Keraal (Nguyen et al. 2024) filmed one healthy subject beside motion capture: seated, 20 frames a second, 960 x "
    "540, some 190 pixels tall. The turn of the camera's shoulder line is set against that of motion capture's chest "
    "target and, beside it, of the line between its shoulder targets, which turns further as the arms reach."
)


def agreement_section(result: Mapping[str, Any], *, images: Path) -> str:
    """Return the section on motion capture, with what speaks against its figures first."""
    figures = {figure["name"]: figure for figure in result["figures"]}
    plot = "agreement-trunk-rotation.svg"
    shown = f"\n![Bland-Altman plots, turn of the trunk](images/{plot})\n" if (images / plot).exists() else ""
    return (
        f"\n## Motion capture\n\n{AGREEMENT_NOTE} {made_by(result)}.\n\n{_caveats(figures)}\n\n"
        f"{_list(result['notes'])}\n\n{figure_table(result)}\n{shown}"
    )


def _caveats(figures: Figures) -> str:
    parts = [
        "These are development clips: how the turn is estimated was chosen with them in view, so they show that it can "
        "agree, not that it does on films never seen."
    ]
    for clip in dict.fromkeys(name.partition("/")[0] for name in figures):
        start = f"{clip}/{POSE_MODEL}/"
        found = {name.removeprefix(start): item["value"] for name, item in figures.items() if name.startswith(start)}
        if not found:
            continue
        ours, plain = found["chest_error_as_cut"], found["plain_error"]
        better = "better" if ours < plain else "worse"
        if "chest_r_as_cut" in found:
            parts.append(
                f"On `{clip}` the delay of {number(found['delay'])} s is fitted. As cut, without it, ours stands at r "
                f"{found['chest_r_as_cut']:.3f} and {number(ours)} deg, a plain difference of BlazePose's world "
                f"shoulders at r {found['plain_r']:.3f} and {number(plain)} deg: ours is {better} by "
                f"{abs(plain - ours):.2f} deg, on one clip."
            )
        else:
            parts.append(
                f"On `{clip}`, where the chest turns over {number(found['chest_range'])} deg only, ours is {better} "
                f"than the plain difference: {number(ours)} against {number(plain)} deg."
            )
    return " ".join(parts)


def figure_table(result: Mapping[str, Any]) -> str:
    """Return all figures of a run as a table."""
    lines = [
        f"| `{figure['name']}` | {number(figure['value'])} | {figure['unit']} | {figure['n']} | {bar_text(figure)} "
        f"| {met(figure)} |"
        for figure in result["figures"]
    ]
    return "| Figure | Value | Unit | n | Bar | Met |\n|---|---|---|---|---|---|\n" + "\n".join(lines)


def bar_text(figure: Mapping[str, Any]) -> str:
    """Return a figure's bar with its sign; empty without one."""
    return "" if figure["bar"] is None else f"{'<=' if figure['better'] == 'lower' else '>='} {figure['bar']:g}"


def met(figure: Mapping[str, Any]) -> str:
    """Return whether the bar is met; empty without one."""
    return {True: "yes", False: "**no**", None: ""}[figure["met"]]


def number(value: float | None) -> str:
    """Return a value with three digits; empty where there is none."""
    return "" if value is None else f"{value:.3g}"


def percent(share: float | None) -> str:
    """Return a share in per cent; empty where there is none."""
    return "" if share is None else f"{share:.0%}"


def _scale(row: Row) -> str:
    return "" if row["scale"] == "all" else f", {row['scale']}"


def _list(items: Sequence[str]) -> str:
    return "\n".join(f"- {item}" for item in items)
