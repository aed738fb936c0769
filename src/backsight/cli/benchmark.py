"""`backsight benchmark`: measure this machine and print a table of figures."""

from __future__ import annotations

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
    from backsight.benchmarks.figures import check_writable, print_table, write_figures
    from backsight.benchmarks.road import run_road

    if json_file is not None:
        check_writable(json_file)
    result = {Benchmark.ROAD: run_road}[name](clip, repeats=repeats)
    print_table(result)
    if json_file is not None:
        write_figures(json_file, result)
    if any(figure.met is False for figure in result.figures):
        raise typer.Exit(ExitCode.BAR_MISSED)
