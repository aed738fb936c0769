"""`backsight benchmark`: measure this machine and print a table of figures."""

from __future__ import annotations

import json
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from backsight.cli.exit_codes import ExitCode


class Benchmark(StrEnum):
    """The benchmarks there are."""

    ROAD = "road"


def benchmark(
    name: Annotated[Benchmark, typer.Argument(help="Which benchmark to run.")],
    clip: Annotated[
        str | None, typer.Option(help="Recording to run on, #t= and &xywh= allowed; default the demo's walking clip.")
    ] = None,
    repeats: Annotated[int, typer.Option(min=1, help="How often each timing is taken; the ratios are of medians.")] = 5,
    json_file: Annotated[Path | None, typer.Option("--json", help="Also write the figures to this file.")] = None,
) -> None:
    """Measure, print a table, and exit with 4 when a bar is missed."""
    from backsight.benchmarks.figures import print_table
    from backsight.benchmarks.road import run_road

    if json_file is not None:
        # Opened before minutes of measuring, so that a place that cannot be written is found at once.
        json_file.touch()
    result = {Benchmark.ROAD: run_road}[name](clip, repeats=repeats)
    print_table(result)
    if json_file is not None:
        json_file.write_text(json.dumps(result.to_dict(), indent=2) + "\n", encoding="utf-8")
    if any(figure.met is False for figure in result.figures):
        raise typer.Exit(ExitCode.BAR_MISSED)
