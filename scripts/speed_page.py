"""Write `docs/speed.md` from what the benchmarks measured. Knows nothing of how they measure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from measures_page import figure_table, made_by, number

PAPER_SPEED = """\
| The paper says | Where |
|---|---|
| BlazePose lite 44 frames a second on a Pixel 3's CPU, 112 on its GPU | Table I |
| BlazePose full 18 frames a second on its CPU, 69 on its GPU | Table I |
| BlazePose is real-time, 60 frames a second or more | section II |
| At most 48 ms an image of 1920 x 1080, over 20,000 images | section II |
| 11 ms an iteration, against 643 ms on raw images | section IV; see [benchmarks.md](benchmarks.md) |
"""
PARITY_COLUMNS = ("image_median_px", "image_p95_px", "world_median_mm", "visibility_median", "agreement")
NOT_YET = "No run is published yet.\n"

Result = Mapping[str, Any]


def speed_page(results: Mapping[str, Result | None], *, made: str) -> str:
    """Return the page on what finding landmarks costs, live and in many clips; only what was measured.

    Parameters
    ----------
    results
        The published runs of `pose`, `live` and `batch` by name; None = none.
    made
        A line that says what makes the page.
    """
    pose, live, batch = (results[name] for name in ("pose", "live", "batch"))
    return (
        f"# What finding landmarks costs\n\n{made}\n"
        "BlazePose runs on MediaPipe or, with the same weights, on OpenVINO, in one thread and without the "
        "segmentation head. `backsight benchmark pose` takes both through the same frames, in turn; barred ratios are "
        "of medians of CPU time.\n\n"
        "BlazePose is chaotic: each region rests on the last landmarks, so that what nobody can see grows over some "
        "frames. MediaPipe is therefore compared with itself, too, on the same pictures with a thousandth of the "
        "pixels one grey value off (`of_mediapipe_itself`). Nearer than that no second engine can be told from it.\n\n"
        f"{_one_conversion(pose)}"
        f"{PAPER_SPEED}\n"
        f"{NOT_YET if pose is None else _engines(pose)}"
        "\n## Live\n\nA recording is played at a camera's pace.\n\n"
        f"{_run(live)}"
        f"\n## Many recordings\n\n{_run(batch)}"
    )


def _one_conversion(pose: Result | None) -> str:
    """Say why frames are converted whole, where its cost was measured."""
    figures = {figure["name"]: figure for figure in ([] if pose is None else pose["figures"])}
    if "frame_to_rgb" not in figures:
        return ""
    whole, from_rgb, from_planes = (
        figures[name]["value"] for name in ("frame_to_rgb", "crop_from_rgb", "crop_from_planes")
    )
    saved = whole + from_rgb - from_planes
    pays = (
        f"that would save {number(saved)} ms of what a frame costs"
        if saved > 0
        else f"that would cost {number(-saved)} ms more"
    )
    return (
        "Every frame is converted to RGB once, as a whole, although the networks read crops of it. Of a frame of "
        f"1280 x 720 pixels the conversion takes {number(whole)} ms of CPU time, a crop of 256 x 256 from RGB "
        f"{number(from_rgb)} ms and one from the decoder's three planes {number(from_planes)} ms (medians of "
        f"{figures['frame_to_rgb']['n']} frames): for one crop a frame {pays}. Overlay, picture statistics, looks at "
        "others and MediaPipe want RGB in any case.\n\n"
    )


def _engines(result: Result) -> str:
    costs = "\n".join(
        f"| {row['model']} | {row['engine']} | {row['wall_ms']:.3g} | {row['cpu_ms']:.3g} "
        f"| {row['frames_per_core_second']:.3g} |"
        for row in result["rows"]
        if row["kind"] == "cost"
    )
    scenes = "\n".join(
        f"| {row['model']} | {row['scene']} | "
        + " | ".join(
            f"{number(row['openvino'][name])} ({number(row['mediapipe_itself'][name])})" for name in PARITY_COLUMNS
        )
        + " |"
        for row in result["rows"]
        if row["kind"] == "parity"
    )
    return (
        f"{made_by(result)}. Machine: {result['machine']}.\n\n{figure_table(result)}\n\n"
        "## Cost a frame\n\n`network` is the bare landmark network on OpenVINO, without its segmentation head.\n\n"
        "| Model | Engine | Wall ms | CPU ms | Frames a core-second |\n|---|---|---|---|---|\n"
        f"{costs}\n\n## Agreement by scene\n\nIn brackets MediaPipe with itself. Landmarks that both see with "
        "visibility of 0.6 or more.\n\n"
        "| Model | Scene | Median px | 95th centile px | World median mm | Visibility | Frames decided alike |\n"
        f"|---|---|---|---|---|---|---|\n{scenes}\n"
    )


def _run(result: Result | None) -> str:
    if result is None:
        return NOT_YET
    notes = "\n".join(f"- {note}" for note in result["notes"])
    return f"{made_by(result)}. Machine: {result['machine']}.\n\n{notes}\n\n{figure_table(result)}\n"
