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
REASONS = {
    "trunk_flexion_deg/60 deg": "The trunk leans half towards the camera, and BlazePose's depth is what has to tell by "
    "how much.",
    "trunk_flexion_deg/30 deg": "The trunk bends nearly along the line of sight: what tells its angle is BlazePose's "
    "depth, which errs by more than volunteers differ. The report then says that it cannot tell.",
    "pelvic_obliquity_deg/front": "BlazePose's hips are guesses below clothes; the tilt between them errs by about as "
    "much as people differ, so that it is given only where that is not so.",
    "axial_rotation_range_deg": "The turn of thorax against pelvis in walking, some 10 degrees, is read from "
    "differences of a few centimetres in BlazePose's depth, which it smooths and guesses.",
    "bend_duration_s": "A bend has no edges: it creeps into motion and out of it. When it begins is a matter of the "
    "definition and of how the person moves.",
    "good_accepted": "On the volunteers of the calibration, every good recording that the gate refuses is one in which "
    "BlazePose's own search for a person finds nobody, or loses them for more than half the frames: it looks at a "
    "picture of 224 pixels, and its model card ends at 4 m. No threshold of the gate can mend that: where a person is "
    "found in under half the frames, hardly a measure can be taken.",
    "held_at_least": "The intervals promise more than they hold: the volunteers judged differ from those calibrated "
    "on, or these were too few.",
    "held_at_most": "The intervals are wider than they need to be, mostly where few volunteers could be calibrated on.",
}
"""Why a bar may be missed, by the beginning of the figure's name, longest first; shown only where it is."""


def virtual_section(result: Mapping[str, Any], *, images: Path) -> str:
    """Return the section on virtual volunteers: bars, tables, the quality gate and plots."""
    figures = {figure["name"]: figure for figure in result["figures"]}
    plots = "\n".join(
        f"![Bland-Altman plots, {path.stem.removeprefix('measures-')}](images/{path.name})\n"
        for path in sorted(images.glob("measures-*.svg"))
    )
    return (
        f"\n## Virtual volunteers\n\n{VOLUNTEERS}\n\nMade by `backsight benchmark measures` (`make calibration`), "
        f"seeds {', '.join(str(seed) for seed in result['seeds'])}, on {result['machine']}.\n\n"
        f"{_list(result['notes'])}\n\n"
        f"### Bars\n\n{_bars_table(figures)}\n\n{_missed_section(figures)}"
        f"### By view and distance\n\n{_view_tables(result['rows'])}\n\n"
        f"### What is given, and how often its interval holds\n\n{_held_table(result['rows'])}\n\n"
        f"### Quality gate\n\n{_gate_section(figures)}\n\n"
        f"### Bland-Altman plots\n\nDifference from the truth over the mean of both, BlazePose {POSE_MODEL}, all views "
        f"that give a value.\n\n{plots or 'None are drawn yet.'}\n"
    )


def _bars_table(figures: Figures) -> str:
    lines = []
    for name, figure in figures.items():
        bar, is_error, place = name.partition("/mean_error")
        if is_error and not place:
            near, given = figures[f"{name}/to_4_m"], figures[f"{bar}/given"]
            perfect = figures[f"{bar}/perfectly_seen"]
            lines.append(
                f"| `{bar}` | <= {figure['bar']:g} {figure['unit']} | {number(figure['value'])} | {figure['n']} "
                f"| {percent(given['value'])} of {given['n']} | {met(figure)} | {number(near['value'])} ({near['n']}) "
                f"| {number(perfect['value'])} ({perfect['n']}) |"
            )
    pooled = [
        f"| `{name}` | {bar_text(figure)} | {number(figure['value'])} | {figure['n']} | | {met(figure)} | | |"
        for name, figure in figures.items()
        if figure["bar"] is not None and "/mean_error" not in name
    ]
    return (
        f"Mean absolute errors with BlazePose {POSE_MODEL}, at all distances; of lengths with the person's height "
        "given. Given: recordings with a value and an interval. To 4 m and seen perfectly: mean error (recordings).\n\n"
        "| Figure | Bar | Value | n | Given | Met | To 4 m | Seen perfectly |\n|---|---|---|---|---|---|---|---|\n"
        + "\n".join([*lines, *pooled])
    )


def _missed_section(figures: Figures) -> str:
    missed = [name for name, figure in figures.items() if figure["met"] is False and not name.endswith("/to_4_m")]
    if not missed:
        return ""
    items = [f"`{name}`: {_told(figures[name])} {_reason(name)} {_blame(name, figures)}".rstrip() for name in missed]
    return f"### Bars that are not met\n\n{_list(items)}\n\n"


def _told(figure: Mapping[str, Any]) -> str:
    if figure["value"] is None:
        return "no recording got a value."
    return f"{number(figure['value'])} {figure['unit']} against {bar_text(figure)}."


def _reason(name: str) -> str:
    fitting = [start for start in REASONS if name.startswith(start)]
    return REASONS[max(fitting, key=len)] if fitting else "No reason is known."


def _blame(name: str, figures: Figures) -> str:
    """Return what perfect landmarks would leave of an error, and what follows."""
    bar, is_error, _ = name.partition("/mean_error")
    if not is_error:
        near = figures.get(f"{name}/to_4_m")
        return "" if near is None else f"Up to 4 m it is {number(near['value'])} of {near['n']}."
    perfect, limit = figures[f"{bar}/perfectly_seen"], figures[name]["bar"]
    if perfect["value"] is None:
        return "Even if seen perfectly it could not be measured: geometry is to blame."
    culprit = (
        "BlazePose's landmarks are" if perfect["value"] <= limit else "the measure's own geometry or definition is"
    )
    return f"Seen perfectly it would be off by {number(perfect['value'])} {perfect['unit']}: {culprit} to blame."


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


def _held_table(rows: Sequence[Row]) -> str:
    lines = [
        f"| `{row['measure']}`{_scale(row)} | {row['pose_model']} | {row['n_given']} of {row['n']} "
        f"| {percent(row['n_given'] / row['n'] if row['n'] else None)} | {percent(row['coverage'])} "
        f"| {number(row['half_width'])} | {number(row['bias'])} | {row['unit']} |"
        for model in dict.fromkeys(row["pose_model"] for row in rows)
        for row in _wholes(rows, model)
    ]
    return (
        "All views and distances. Held: share of the 90 % intervals that hold the truth; of 60 intervals, chance alone "
        "makes that differ by 4 % from one measure to the next. Half width: median of the intervals.\n\n"
        "| Measure | BlazePose | Given | Share | Held | Half width | Bias | Unit |\n|---|---|---|---|---|---|---|---|\n"
        + "\n".join(lines)
    )


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
        f"\n## Motion capture\n\n{AGREEMENT_NOTE} Made by `backsight benchmark agreement`.\n\n{_caveats(figures)}\n\n"
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
