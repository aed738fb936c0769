"""Bland-Altman plots: the difference of two measurements over their mean. Knows nothing of what was measured.

Bland and Altman 1986, Lancet 327:307: bias and limits of agreement, bias +- 1.96 standard deviations.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Mapping
from importlib.util import find_spec
from math import ceil
from pathlib import Path

import numpy as np

from backsight.benchmarks.figures import Plot
from backsight.domain.validation import FloatArray
from backsight.errors import MissingDependencyError
from backsight.exports.folder import output_error

_LIMIT_SDS = 1.96
_COLUMNS = 3
_MATPLOTLIB_MISSING = "plots need matplotlib: pip install 'backsight[simulate]'"


def check_drawable(folder: Path) -> None:
    """Raise before hours of measuring when plots cannot be drawn into `folder` afterwards; makes the folder.

    Raises
    ------
    MissingDependencyError
        When matplotlib is not installed.
    OutputError
        When the folder cannot be made or written.
    """
    if find_spec("matplotlib") is None:
        raise MissingDependencyError(_MATPLOTLIB_MISSING)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise output_error(folder, error) from error


def draw_plots(folder: Path, plots: Iterable[Plot]) -> None:
    """Draw each page into `folder` as an SVG; errors as of `draw_bland_altman`."""
    for plot in plots:
        draw_bland_altman(folder / f"{plot.name}.svg", plot.panels, title=plot.title, unit=plot.units)


def draw_bland_altman(
    path: Path, pairs: Mapping[str, tuple[FloatArray, FloatArray]], *, title: str, unit: str | Mapping[str, str]
) -> None:
    """Draw one panel for each pair of (measured, true) values; the ending of `path` says the format.

    Parameters
    ----------
    pairs
        By panel title: measured and true values, both of shape (n,), without NaN.
    unit
        Of the values, or one for each panel.

    Raises
    ------
    MissingDependencyError
        When matplotlib is not installed.
    OutputError
        When the file cannot be written.
    """
    try:
        from matplotlib import rc_context
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
    except ImportError as error:
        raise MissingDependencyError(_MATPLOTLIB_MISSING) from error
    columns = min(_COLUMNS, len(pairs))
    rows = ceil(len(pairs) / columns)
    figure = Figure(figsize=(4.6 * columns, 3.4 * rows + 0.5), layout="constrained")
    FigureCanvasAgg(figure)
    figure.suptitle(title)
    for number, (name, (measured, true)) in enumerate(pairs.items(), start=1):
        of_panel = unit if isinstance(unit, str) else unit[name]
        axes = figure.add_subplot(rows, columns, number)
        difference, mean = measured - true, 0.5 * (measured + true)
        bias, spread = limits_of_agreement(measured, true)
        axes.scatter(mean, difference, s=9, alpha=0.5, linewidths=0, color="#1f5a96")
        for level, style in ((bias, "-"), (bias - spread, "--"), (bias + spread, "--")):
            axes.axhline(level, linestyle=style, linewidth=1, color="#222222")
        axes.set_title(f"{name}\nbias {bias:+.2g}, limits ±{spread:.2g} {of_panel}, n = {len(true)}", fontsize=9)
        axes.set_xlabel(f"mean of both ({of_panel})", fontsize=8)
        axes.set_ylabel(f"measured - true ({of_panel})", fontsize=8)
        axes.tick_params(labelsize=8)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        # The salt and the date would make every drawing another file.
        with rc_context({"svg.hashsalt": "backsight"}):
            figure.savefig(path, metadata={"Date": None} if path.suffix == ".svg" else None)
    except OSError as error:
        raise output_error(path, error) from error


def limits_of_agreement(measured: FloatArray, true: FloatArray) -> tuple[float, float]:
    """Return (bias, half distance between the limits of agreement)."""
    difference = measured - true
    spread = float(np.std(difference, ddof=1)) if len(difference) > 1 else float("nan")
    return float(difference.mean()), _LIMIT_SDS * spread
