"""Write the pages of `docs` that are made from code and measured figures."""

import json
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from learning_page import learning_page
from measures_page import agreement_section, figure_table, made_by, number, virtual_section
from speed_page import speed_page

from backsight.benchmarks.index_table import curve_lines, index_lines
from backsight.features.schema import FEATURE_NAMES, KINEMATIC_DEFINITIONS, LANDMARK_FEATURE_NAMES
from backsight.openers import model_path

DOCS = Path(__file__).parents[1] / "docs"
MADE = "<!-- Made by scripts/write_docs.py; edit there. -->\n"

EXPLANATIONS = {
    "road_over_bare_wall": "Whole road (decode, pose, quality, features, index) over a plain loop of the same decoder "
    "and MediaPipe's `detect_for_video`, wall time",
    "road_over_bare_cpu": "The same in CPU time",
    "road_wall_per_frame": "Whole road, wall time a frame",
    "bare_wall_per_frame": "Plain loop, wall time a frame",
    "clip_frames": "Frames of the clip",
    "index_from_150_frames": "Index of a 5 s recording from its features, one thread (paper: 11 ms)",
    "index_streamed_frame": "Index after one more frame, one thread",
    "peak_memory_60s_over_5s": "Peak memory of a 60 s recording over that of a 5 s one",
    "peak_memory_60s": "Peak memory of the 60 s recording",
    "import_backsight": "`import backsight` in a fresh interpreter",
    "backsight_help": "`backsight --help`",
}


def features_page() -> str:
    """List the columns that the network reads."""
    rows = "\n".join(f"| `{name}` | {text} |" for name, text in KINEMATIC_DEFINITIONS.items())
    return (
        f"# The {len(FEATURE_NAMES)} features\n\n{MADE}\n"
        f"The network reads {len(FEATURE_NAMES)} values a frame at 30 frames a second (paper, section III-A). "
        f"{len(LANDMARK_FEATURE_NAMES)} are the 33 landmarks' x, y, z, visibility and presence; the positions are "
        "BlazePose's world landmarks relative to the middle of the hips, divided by the person's own height, so that "
        "neither distance nor place nor size leaks in. The paper does not derive the number; the other "
        f"{len(KINEMATIC_DEFINITIONS)} are ours:\n\n| Column | What it is |\n|---|---|\n{rows}\n\n"
        "The features of a frame know the whole recording: body size and the middle of the travel are medians over it, "
        "and velocities look 0.1 s ahead. The network reads frame after frame, so the index builds up along the "
        "report's time axis, but a live view could not have shown it so.\n\n"
        "Units are the ending of a name: `deg`, `bh` (body heights), `per_s`. A value that cannot be known is NaN, "
        "never 0; the network then sees the training mean.\n"
    )


def benchmarks_page() -> str:
    """Show the measured figures beside their bars."""
    result = json.loads((DOCS / "figures/road.json").read_text(encoding="utf-8"))
    rows = []
    for figure in result["figures"]:
        sign = "<=" if figure["better"] == "lower" else ">="
        bar = "" if figure["bar"] is None else f"{sign} {figure['bar']:g}"
        met = {True: "yes", False: "**no**", None: ""}[figure["met"]]
        rows.append(
            f"| `{figure['name']}` | {figure['value']:.4g} | {figure['unit']} | {figure['n']} | {bar} | {met} "
            f"| {EXPLANATIONS[figure['name']]} |"
        )
    table = "\n".join(rows)
    return (
        f"# Benchmarks\n\n{MADE}\n"
        f"{made_by(result)} (`make bench`), all ratios within one run. Machine: {result['machine']}.\n\n"
        f"| Figure | Value | Unit | n | Bar | Met | What it is |\n|---|---|---|---|---|---|---|\n{table}\n"
        + _section("study", "A study's server", explained=SERVERS_EXPLAINED)
        + _section("rendering", "Drawing virtual volunteers")
    )


SERVERS_EXPLAINED = (
    ": `study` is `backsight serve`, `bare` a FastAPI endpoint that writes the same bytes to a database of the same "
    "kind."
)


def _section(name: str, title: str, *, explained: str = ".") -> str:
    """Show all figures of a benchmark under a title; empty where it was not run."""
    result = _figures_of(name)
    if result is None:
        return ""
    return (
        f"\n## {title}\n\n{made_by(result)}{explained} {' '.join(result['notes'])} "
        f"Machine: {result['machine']}.\n\n{figure_table(result)}\n"
    )


LEARNING = ("kimore", "uiprmd", "tables", "raw-image", "training", "shipped", "index", "index-lstm-paper")
"""Runs that the page on learners tells of."""
PEOPLE_COUNTED = (
    "\n*n* counts judgements, not people: each person once for each of BlazePose's two models, lite and full, in each "
    "of the three divisions into folds.\n"
)


SECOND_LOOK = (
    "\nThis is a second look at these volunteers. After a first run (bend duration off by 0.145 s, 87.5 % of spoilt "
    "ones caught) rules on stops in the bend, on shaking and on views with few people were changed: on other people, "
    "but by people who knew that run. A first look takes volunteers from 78 on (`--from 78`).\n"
)


def measures_page() -> str:
    """Show how far every measure is off, on virtual volunteers and against motion capture; only what was measured."""
    parts = [f"# What the measures are worth\n\n{MADE}\n{_calibration_section()}"]
    virtual, agreement = (_figures_of(name) for name in ("measures", "agreement"))
    if virtual is not None:
        parts.append(virtual_section(virtual, images=DOCS / "images"))
        parts.append(SECOND_LOOK)
    if agreement is not None:
        parts.append(agreement_section(agreement, images=DOCS / "images"))
    parts += _index_sections()
    return "\n".join(parts)


def _index_sections() -> list[str]:
    """Show how far the index itself is off on filmed volunteers, also of a network that was tried and does not ship."""
    tried = {
        "index": "## The index\n\nThe model that ships judges people whom it has not seen, filmed and looked at by "
        "BlazePose itself. That a measure of halting was missing was seen on these very people; what measures it, and "
        "how, was chosen on others (seed 7001), and that dysfunction makes bends halting is an assumption of the "
        "simulation: no source at hand says how much it does.",
        "index-lstm-paper": "### The paper's network\n\nThe same people, judged by `--model lstm-paper`: a "
        "network that learnt from simulated landmarks.",
        "index-filmed": "### A network that learnt from films, too\n\nTrained on the films of 55 other volunteers as "
        "well (`backsight train --virtual 4000 --filmed FOLDER --seed 2026`), judged on earlier films of these people: "
        "on its own test fold it was not clearly better than giving everybody the median. It does not ship.",
    }
    results = {name: _figures_of(name) for name in tried}
    return [
        f"\n{text} {made_by(found)}. {' '.join(found['notes'])}\n\n{_index_table(found)}\n{_near_the_floor(found)}"
        + _index_curve(found)
        for name, text in tried.items()
        if (found := results[name]) is not None
    ]


def _index_curve(found: dict[str, Any]) -> str:
    """Return what learning from fewer people does, as a table; nothing where that was not asked."""
    rows = found.get("rows", ())
    lines = curve_lines(rows)
    return "\n" + "\n".join((*lines, "", _told_from_curve(rows))) + "\n" if lines else ""


def _told_from_curve(rows: Sequence[Mapping[str, Any]]) -> str:
    """Say what more people to learn from do to the error of a session."""
    fewest, *_, most = [row["mean_error"] for row in rows if row["kind"] == "curve"]
    change = f"From the fewest to all the error goes from {number(fewest['value'])} to {number(most['value'])}"
    if most["low"] <= fewest["value"] <= most["high"]:
        return f"{change}, within its interval: more such people alone would hardly bring it to the floor."
    return f"{change}{': more such people would help' if most['value'] < fewest['value'] else ''}."


def _near_the_floor(found: dict[str, Any]) -> str:
    """Say whether a session's error is near that of people's own ratings, as the bar for the index asks."""
    sessions = [row for row in found.get("rows", ()) if row["kind"] == "session"]
    if not sessions:
        return ""
    error, floor = sessions[0]["mean_error"], sessions[0]["rating_noise"]
    reached = error["low"] <= floor["high"]
    return (
        "\nThe bar is an error of a session near the floor, which is the error of the people's own ratings. It is "
        f"{'reached as far as chance can tell' if reached else '**missed**'}: {number(error['value'])} "
        f"({number(error['low'])} to {number(error['high'])}) against {number(floor['value'])} "
        f"({number(floor['low'])} to {number(floor['high'])}). Giving everybody the same index is off by "
        f"{number(sessions[0]['same_for_all']['value'])}. {_told_from_habits(found['rows'])}\n"
    )


def _told_from_habits(rows: Sequence[Mapping[str, Any]]) -> str:
    """Say how near the dysfunction could be told by somebody who knows every habit; nothing where it was not asked."""
    told = [row for row in rows if row["kind"] == "habits"]
    if not told:
        return ""
    errors = [
        f"{number(row['mean_error']['value'])} ({number(row['mean_error']['low'])} to "
        f"{number(row['mean_error']['high'])}) with {row['group'].removesuffix(' known')} known"
        for row in told
    ]
    return (
        "Somebody who sees no film, but is told what these people were made with, would be off by "
        f"{' and by '.join(errors)}, at least: so much is hidden by how people differ, and the rest of the way to the "
        "floor is what films, measures and the number of people learnt from still cost."
    )


def _index_table(found: dict[str, Any]) -> str:
    return "\n".join(index_lines(found["rows"])) if "rows" in found else figure_table(found)


def _figures_of(name: str) -> dict[str, Any] | None:
    path = DOCS / f"figures/{name}.json"
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else None


def _calibration_section() -> str:
    stored = json.loads((DOCS.parent / "src/backsight/scoring/calibration.json").read_text(encoding="utf-8"))
    made, people = stored["provenance"], [cell["n_people"] for cell in stored["cells"]]
    fewest, most = min(people), max(people)
    return (
        "\n## Where the intervals come from\n\n"
        f"The 90 % intervals in reports were found on {made['recordings']} films of {made['volunteers']} virtual "
        f"volunteers, seen by BlazePose lite and full, by {made['method']}. Command: `{made['command']}`; "
        f"{made['stale']} of the films were made by code that has changed since. An interval rests on {fewest} to "
        f"{most} people, so that by chance in who they are its true coverage differs from 90 % by some "
        f"{_chance(most):.0%} to {_chance(fewest):.0%} (one standard deviation). It is meant for people like these; "
        "real people may differ. Values are given only where they go with the truth; of the conditions said to, 5 % at "
        "most are expected to be so by chance (Benjamini and Hochberg). How intervals fare on volunteers held "
        "out of calibration is measured by `backsight benchmark measures`; "
        + ("see below.\n" if (DOCS / "figures/measures.json").exists() else "no run of it is published yet.\n")
    )


def _chance(n_people: int) -> float:
    """Return the standard deviation of the coverage of a 90 % conformal interval from so many people (Vovk 2012)."""
    return float((0.9 * 0.1 / (n_people + 2)) ** 0.5)


def learning_results() -> dict[str, dict[str, Any]]:
    """Return the published runs of the learning benchmarks by name."""
    found = {name: _figures_of(name) for name in LEARNING}
    return {name: result for name, result in found.items() if result is not None}


def model_card(name: str) -> str:
    """Return the card that a model that ships carries."""
    with zipfile.ZipFile(model_path(name)) as archive:
        return archive.read("MODEL_CARD.md").decode()


def pages() -> dict[str, str]:
    """Return every page of `docs` that is made here, by its file's name."""
    speed = {name: _figures_of(name) for name in ("pose", "live", "batch")}
    return {
        "model-card.md": model_card("kinematic") + PEOPLE_COUNTED,
        "model-card-lstm-paper.md": model_card("lstm-paper"),
        "learning.md": learning_page(learning_results(), made=MADE),
        "speed.md": speed_page(speed, made=MADE),
        "features.md": features_page(),
        "measures.md": measures_page(),
        "benchmarks.md": benchmarks_page(),
    }


if __name__ == "__main__":
    for name, text in pages().items():
        (DOCS / name).write_text(text, encoding="utf-8")
