"""Figures with bars, the machine they were measured on, and their table. Knows nothing of what is measured."""

from __future__ import annotations

import json
import math
import os
import platform
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

from backsight.domain.validation import FloatArray
from backsight.exports.folder import output_error

_COLUMNS = 100
"""Of a table that does not go to a terminal."""


@dataclass(frozen=True)
class Figure:
    """One measured number and the bar that it has to clear."""

    name: str
    value: float
    unit: str
    n: int
    """How many measurements the value rests on."""
    bar: float | None = None
    """None = reported without a bar."""
    better: Literal["lower", "higher"] = "lower"
    interval: tuple[float, float] | None = None
    """From and to where chance leaves the value in 95 % of runs; None = not told."""

    @property
    def met(self) -> bool | None:
        """Whether the bar is cleared; None without a bar."""
        if self.bar is None:
            return None
        return self.value <= self.bar if self.better == "lower" else self.value >= self.bar


@dataclass(frozen=True, eq=False)
class Plot:
    """What a page of Bland-Altman plots shows."""

    name: str
    """The file's stem."""
    title: str
    panels: Mapping[str, tuple[FloatArray, FloatArray]]
    """By title: measured and true values, both of shape (n,), without NaN."""
    units: Mapping[str, str]
    """Of the values, by panel."""


@dataclass(frozen=True)
class BenchmarkResult:
    """All figures of one run."""

    name: str
    figures: tuple[Figure, ...]
    seeds: tuple[int, ...] = ()
    notes: tuple[str, ...] = ()
    """What could not be measured here, and why; what the figures mean where their names do not say it."""
    rows: tuple[Mapping[str, Any], ...] = ()
    """Finer results without bars, for the JSON file and the docs."""
    plots: tuple[Plot, ...] = field(default=(), compare=False)
    """What can be drawn of the run; not part of the JSON file."""
    command: str = ""
    """As it was typed, paths and URLs without their folders; empty = not known."""

    def to_dict(self) -> dict[str, Any]:
        """Return the documented layout of a benchmark's JSON file."""
        return {
            "name": self.name,
            "command": self.command,
            "machine": describe_machine(),
            "seeds": list(self.seeds),
            "notes": list(self.notes),
            "figures": [_figure_to_dict(figure) for figure in self.figures],
            **({"rows": [dict(row) for row in self.rows]} if self.rows else {}),
        }


def _figure_to_dict(figure: Figure) -> dict[str, Any]:
    values = asdict(figure)
    interval = values.pop("interval")
    # JSON knows no NaN.
    values |= {"value": figure.value if math.isfinite(figure.value) else None, "met": figure.met}
    return values if interval is None else values | {"interval": [float(f"{end:.3g}") for end in interval]}


def check_writable(path: Path) -> None:
    """Raise before minutes of measuring when the figures cannot be written to `path` afterwards.

    Raises
    ------
    OutputError
        When `path` is a folder, its folder does not exist, or writing is not allowed.
    """
    existed = path.exists()
    try:
        with path.open("a", encoding="utf-8"):
            pass
        if not existed:
            path.unlink()
    except OSError as error:
        raise output_error(path, error) from error


def write_figures(path: Path, result: BenchmarkResult) -> None:
    """Write a run as JSON.

    Raises
    ------
    OutputError
        When the file cannot be written.
    """
    try:
        path.write_text(json.dumps(result.to_dict(), indent=2) + "\n", encoding="utf-8")
    except OSError as error:
        raise output_error(path, error) from error


def describe_machine() -> str:
    """Return processor, cores, memory and Python version in one line."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
        processor = next(line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
        memory_gib = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
        memory = f", {memory_gib:.0f} GiB"
    except (OSError, StopIteration, ValueError, AttributeError):
        # Only Linux tells in this way; elsewhere the platform's own word has to do.
        processor, memory = platform.processor() or platform.machine(), ""
    return f"{processor}, {os.cpu_count()} cores{memory}, Python {platform.python_version()}, {platform.system()}"


def print_table(result: BenchmarkResult) -> None:
    """Print the figures with their bars on the terminal."""
    from rich.console import Console
    from rich.table import Table

    table = Table(title=f"backsight benchmark {result.name}", box=None, title_justify="left", padding=(0, 1, 0, 0))
    for column in ("figure", "value", "unit", "n", "bar", "met"):
        table.add_column(column, justify="left" if column in ("figure", "unit") else "right")
    for figure in result.figures:
        sign = "<=" if figure.better == "lower" else ">="
        bar = "" if figure.bar is None else f"{sign} {figure.bar:g}"
        met = {True: "yes", False: "NO", None: ""}[figure.met]
        table.add_row(figure.name, f"{figure.value:.4g}", figure.unit, str(figure.n), bar, met)
    console = Console(highlight=False)
    if not console.is_terminal:
        console.width = _COLUMNS
    console.print(table)
    for note in result.notes:
        console.print(note)
    console.print(describe_machine())
