"""`backsight user`: who may sign in to the site. Knows no page."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from backsight.cli.serve import check_extra
from backsight.errors import InputError, NotFoundError

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from backsight.storage.tables import User

app = typer.Typer(help="Add, list and disable the people who may sign in.", no_args_is_help=True)
EMAIL = typer.Argument(metavar="EMAIL", help="The address that they sign in with.")
PASSWORD_FROM_INPUT = typer.Option("--password-stdin", help="Read the password from standard input, one line.")
DATABASE = typer.Option(metavar="URL", help="The database; also BACKSIGHT_DATABASE_URL.")


class RoleName(StrEnum):
    """Roles as typed; those of `storage.tables.Role`, whose libraries may not be installed."""

    ADMIN = "admin"
    RESEARCHER = "researcher"
    CLINICIAN = "clinician"


@app.command("add")
def add(
    email: Annotated[str, EMAIL],
    name: Annotated[str | None, typer.Option(help="Their name, as colleagues see it; asked for when missing.")] = None,
    role: Annotated[RoleName, typer.Option(help="What they may do.")] = RoleName.RESEARCHER,
    password_stdin: Annotated[bool, PASSWORD_FROM_INPUT] = False,
    database: Annotated[str | None, DATABASE] = None,
) -> None:
    """Add somebody who may sign in. Asks for the password twice."""
    check_extra()
    if name is None:
        name = str(typer.prompt("Name", err=True))
    # Before the transaction: SQLite has one writer, who must not be kept waiting by somebody who types.
    chosen = _password(from_input=password_stdin)
    with _session(database, may_create=True) as session:
        from backsight.storage import accounts, audit
        from backsight.storage.tables import Role

        user = accounts.add_user(session, email=email, name=name, role=Role(role.value), password=chosen)
        audit.append(session, actor="command-line", action="add user", object_id=user.id, detail={"role": role.value})
        typer.echo(f"Added {user.email} as {role.value}.")


@app.command("list")
def list_users(database: Annotated[str | None, DATABASE] = None) -> None:
    """List everybody who may or might sign in."""
    from rich.console import Console
    from rich.table import Table

    with _session(database) as session:
        from backsight.storage import accounts

        table = Table("email", "name", "role", "since", "", box=None, pad_edge=False)
        for user in accounts.users(session):
            state = "" if user.disabled_at is None else "disabled"
            table.add_row(user.email, user.name, user.role.value, f"{user.created_at:%Y-%m-%d}", state)
    Console(highlight=False, markup=False).print(table if table.row_count else "Nobody yet: backsight user add EMAIL")


@app.command("disable")
def disable(email: Annotated[str, EMAIL], database: Annotated[str | None, DATABASE] = None) -> None:
    """Let somebody in no more; their notes and studies stay."""
    with _session(database) as session:
        from backsight.storage import accounts, audit

        user = _find(session, email)
        accounts.disable_user(session, user)
        audit.append(session, actor="command-line", action="disable user", object_id=user.id)
        typer.echo(f"{user.email} can sign in no more.")


@app.command("password")
def password(
    email: Annotated[str, EMAIL],
    password_stdin: Annotated[bool, PASSWORD_FROM_INPUT] = False,
    database: Annotated[str | None, DATABASE] = None,
) -> None:
    """Give somebody a new password; they are signed out everywhere."""
    check_extra()
    chosen = _password(from_input=password_stdin)
    with _session(database) as session:
        from backsight.storage import accounts, audit

        user = _find(session, email)
        accounts.set_password(session, user, password=chosen)
        audit.append(session, actor="command-line", action="set password", object_id=user.id)
        typer.echo(f"{user.email} has a new password.")


@contextmanager
def _session(database: str | None, *, may_create: bool = False) -> Iterator[Session]:
    """Open a transaction on the database that the option, or the environment, names; the first user may make it."""
    check_extra()
    if database is not None:
        os.environ["BACKSIGHT_DATABASE_URL"] = database
    from backsight.records import open_database

    with open_database(may_create=may_create) as opened, opened.session() as session:
        yield session


def _find(session: Session, email: str) -> User:
    from backsight.storage import accounts

    user = accounts.find_user(session, email=email)
    if user is None:
        raise NotFoundError(f"no user has the email {email}; `backsight user list` shows who is there")
    return user


def _password(*, from_input: bool) -> str:
    if from_input:
        return sys.stdin.readline().rstrip("\r\n")
    if not sys.stdin.isatty():
        raise InputError("a password is asked for in a terminal; pass --password-stdin to read it from standard input")
    return str(typer.prompt("Password (12 characters or more)", hide_input=True, confirmation_prompt=True, err=True))
