"""Which words somebody typed: to refuse an option that would do nothing, and to tell others of a command."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Collection

import typer

from backsight.domain.address import without_folders


def given_options(context: typer.Context, *, also: Collection[str] = ()) -> dict[str, str]:
    """Return what stands on the command line: {parameter: how the help calls it}.

    Parameters
    ----------
    also
        Parameters that are returned even if they do not stand there.
    """
    given = {}
    for parameter in context.command.params:
        source = context.get_parameter_source(parameter.name or "")
        if parameter.name in also or (source is not None and source.name == "COMMANDLINE"):
            is_option = parameter.param_type_name == "option"
            given[parameter.name or ""] = max(parameter.opts, key=len) if is_option else (parameter.name or "").upper()
    return given


def refuse(context: typer.Context, unused: Collection[str], why: str) -> None:
    """Raise when one of the parameters stands on the command line; the message names them, then says why.

    Raises
    ------
    typer.BadParameter
        Exit code 2.
    """
    found = [option for name, option in given_options(context).items() if name in unused]
    if found:
        raise typer.BadParameter(f"{', '.join(found)}: {why}")


def command_for_others(words: Collection[str] | None = None) -> str:
    """Return the command as it was typed, of every path the last part only: folders can name people.

    Parameters
    ----------
    words
        What follows the program's name; None = what was typed.
    """
    typed = sys.argv[1:] if words is None else words
    return f"backsight {shlex.join(without_folders(word) for word in typed)}"
