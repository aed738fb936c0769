"""`backsight models`: the BlazePose weights on this machine, and the models that turn landmarks into an index."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from backsight.cli.interruption import noticing
from backsight.cli.progress import progress_bar
from backsight.errors import CheckpointError, InputError, MissingDependencyError
from backsight.pose.weights import PoseModel
from backsight.settings import Settings

app = typer.Typer(
    help="The BlazePose weights and the models on this machine.", no_args_is_help=True, rich_markup_mode=None
)


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
    folder = Settings.from_environment().models_dir
    with noticing() as interruption, progress_bar(quiet=quiet) as show:
        paths = fetch_bundles(wanted, folder=folder, on_progress=interruption.watching(show))
    for model, path in paths.items():
        typer.echo(f"{model}: {path}")


@app.command("list")
def list_models(
    own: Annotated[
        Path | None,
        typer.Option("--folder", metavar="FOLDER", help="Also list the .backsight files of your own in it."),
    ] = None,
) -> None:
    """Say which models are here, and what they learnt from."""
    from backsight.pose.weights import bundle_state

    folder = Settings.from_environment().models_dir
    typer.echo(f"folder: {folder}")
    for model in PoseModel:
        typer.echo(f"{model}: {bundle_state(model, folder=folder)}")
    for line in (*_shipped_lines(), *(() if own is None else _own_lines(own))):
        typer.echo(line)


def _shipped_lines() -> list[str]:
    from backsight.network.checkpoint import SHIPPED
    from backsight.openers import DEFAULT_MODEL, model_path

    lines = ["", "index, --model NAME of `backsight assess`:"]
    for name in SHIPPED:
        mark = " (default)" if name == DEFAULT_MODEL else ""
        lines.append(f"{name}{mark}: {_told_of(model_path(name))}")
    return lines


def _own_lines(folder: Path) -> list[str]:
    if not folder.is_dir():
        raise InputError(f"--folder {folder}: expected a folder, got none; name one that exists")
    from backsight.network.checkpoint import is_fitted_to_study

    files = sorted(folder.glob("*.backsight"))
    lines = ["", f"your own in {folder}:"]
    for path in files:
        try:
            lines.append(f"{path}: {_told_of_fitted(path) if is_fitted_to_study(path) else _told_of(path)}")
        except CheckpointError as error:
            lines.append(f"{path}: cannot be used: {error}")
    return lines if files else [*lines, "none"]


def _told_of_fitted(path: Path) -> str:
    from backsight.training.fitted_file import read_fitted

    try:
        content = read_fitted(path)
    except MissingDependencyError as error:
        return f"fitted to a study; cannot be used: {error}"
    from backsight.training.fitted_predictor import card_of

    learnt = ", ".join(content.study.exercises)
    told = f"`{content.learner}`, fitted to {content.study.n_people} people of {content.study.name}: {learnt}"
    return f"{told}{_warned(card_of(content).no_verdict)}"


def _told_of(path: Path) -> str:
    """Return in one line what a model is and what it was trained on."""
    from backsight.network.checkpoint import read_archive

    manifest, _ = read_archive(path, needed=())
    return f"version {manifest['version']}, trained on {manifest['training_data']}{_warned(manifest.get('no_verdict'))}"


def _warned(no_verdict: str | None) -> str:
    return f". No verdict: {no_verdict}" if no_verdict else ""
