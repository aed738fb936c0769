"""The `backsight` command: reads words, calls the composition root, prints. Knows no engine."""

from __future__ import annotations

import signal
import sys
from collections.abc import Callable
from types import FrameType
from typing import Annotated

import typer

from backsight.cli import (
    assess,
    benchmark,
    data,
    database,
    demo,
    doctor,
    evaluate,
    history,
    live,
    models,
    serve,
    simulate,
    train,
    tune,
    user,
    wide,
)
from backsight.cli.exit_codes import ExitCode
from backsight.cli.interruption import noticing
from backsight.cli.wording import PlainGroup
from backsight.domain.address import without_secrets
from backsight.errors import BacksightError

app = typer.Typer(
    name="backsight",
    cls=PlainGroup,
    help="Watch a person move on an ordinary camera and estimate the risk of spinal dysfunction. Not a diagnosis.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
app.command("assess")(assess.assess)
app.command("live")(live.live)
app.command("demo")(demo.demo)
app.command("extract", short_help="Find the landmarks in many recordings.")(wide.extract)
app.command("batch", short_help="Assess many people from a table of recordings.")(wide.batch)
app.add_typer(models.app, name="models")
app.add_typer(data.app, name="data")
app.command("train", short_help="Learn from a study, or from virtual volunteers.")(train.train)
app.command("evaluate", short_help="Judge learners on people they have never seen.")(evaluate.evaluate)
app.command("compare", short_help="Say which of several runs is better, or cannot.")(evaluate.compare)
app.command("tune", short_help="Search a learner's settings on a study.")(tune.tune)
app.command("runs", short_help="List the runs that were kept.")(evaluate.list_kept)
app.add_typer(simulate.app, name="simulate")
app.command("benchmark", short_help="Measure; exit with 4 when a bar is missed.")(benchmark.benchmark)
app.command("doctor")(doctor.doctor)
app.command("history", short_help="Show a person over time.")(history.history)
app.command("forget", short_help="Delete everything kept of a person.")(history.forget)
app.command("serve", short_help="Serve studies in the browser.")(serve.serve)
app.add_typer(user.app, name="user")
app.add_typer(database.app, name="database")
app.command("schema", short_help="Print the JSON Schema of assessment.json.")(assess.schema)


def _print_version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        typer.echo(f"backsight {version('backsight')}")
        raise typer.Exit


@app.callback()
def _root(
    _version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and stop.")
    ] = False,
) -> None:
    pass


def _terminate(signum: int, _frame: FrameType | None) -> None:
    raise SystemExit(128 + signum)


def run() -> None:
    """Run the command line; every error that a user can cause ends here in one line and an exit code."""
    # Leaving at once is for what loads: from here on there is something to unwind.
    _on_ctrl_c(signal.default_int_handler)
    # A polite kill and a closed terminal must clean up like Ctrl-C does: unwinding removes the half-written folder.
    for name in ("SIGTERM", "SIGHUP"):
        if hasattr(signal, name):  # Windows has no SIGHUP
            signal.signal(getattr(signal, name), _terminate)
    try:
        with noticing():
            app()
    except BacksightError as error:
        typer.echo(f"backsight: {' '.join(str(error).split())}", err=True)
        sys.exit(ExitCode.FAILED)
    except OSError as error:
        # What no adapter has put into better words: a file that vanished, a disk that failed.
        where = f"{error.filename}: " if error.filename else ""
        typer.echo(f"backsight: {without_secrets(f'{where}{error.strerror or error}')}", err=True)
        sys.exit(ExitCode.FAILED)
    except KeyboardInterrupt:
        _say_interrupted()
        sys.exit(ExitCode.INTERRUPTED)
    except SystemExit as stop:
        # Typer has turned Ctrl-C into this code and unwound everything, so nothing half-written is left.
        if stop.code == ExitCode.INTERRUPTED:
            _say_interrupted()
        raise
    finally:
        _on_ctrl_c(_let_python_finish)


def _on_ctrl_c(handler: Callable[[int, FrameType | None], object]) -> None:
    # A shell's background job is told to ignore Ctrl-C.
    if callable(signal.getsignal(signal.SIGINT)):
        signal.signal(signal.SIGINT, handler)


def _let_python_finish(signum: int, _frame: FrameType | None) -> None:
    """Pass over one Ctrl-C: the command has ended, and Python's shutdown removes temporary folders.

    Another one breaks off whatever the shutdown waits for, such as a thread that hangs.
    """
    signal.signal(signum, signal.default_int_handler)


def _say_interrupted() -> None:
    typer.echo("backsight: interrupted", err=True)
