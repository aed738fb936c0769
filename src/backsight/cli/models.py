"""`backsight models`: the BlazePose weights on this machine."""

from __future__ import annotations

from typing import Annotated

import typer

from backsight.cli.progress import progress_bar
from backsight.pose.weights import PoseModel
from backsight.settings import Settings

app = typer.Typer(help="The BlazePose weights on this machine.", no_args_is_help=True, rich_markup_mode=None)


@app.command()
def fetch(
    models: Annotated[
        list[PoseModel] | None, typer.Argument(help="Which models to fetch; all three when none is named.")
    ] = None,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No progress bar.")] = False,
) -> None:
    """Fetch BlazePose's weights and keep them here.

    They come from the npm registry and are verified. They go into BACKSIGHT_MODELS_DIR when it is set, else into your
    cache folder. Copy that folder to a machine without a network and point BACKSIGHT_MODELS_DIR at it there.
    """
    from backsight.pose.weights import fetch_bundles

    wanted = models or list(PoseModel)
    with progress_bar(quiet=quiet) as show:
        paths = fetch_bundles(wanted, folder=Settings.from_environment().models_dir, on_progress=show)
    for model, path in paths.items():
        typer.echo(f"{model}: {path}")


@app.command("list")
def list_models() -> None:
    """Say which BlazePose models are here and unaltered."""
    from backsight.pose.weights import bundle_state

    folder = Settings.from_environment().models_dir
    typer.echo(f"folder: {folder}")
    for model in PoseModel:
        typer.echo(f"{model}: {bundle_state(model, folder=folder)}")
