"""Options that `assess`, `batch` and `live` share. Knows no command."""

from __future__ import annotations

from typing import Annotated

import typer

from backsight.pose.weights import PoseModel

LooksWithOption = Annotated[
    PoseModel | None,
    typer.Option(
        "--pose-model",
        help="BlazePose model: lite is the fastest, heavy the most precise. Default: lite, or what found most of the "
        "landmarks of the study that --model was fitted to.",
    ),
]
ModelOption = Annotated[
    str,
    typer.Option(
        "--model", help="kinematic, which ships; lstm-paper, the paper's network; or a file of `backsight train`."
    ),
]
