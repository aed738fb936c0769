"""`backsight serve`: starts the site. Knows its settings and no page."""

from __future__ import annotations

import importlib.util
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from backsight.errors import InputError, MissingDependencyError

if TYPE_CHECKING:
    from backsight.web.settings import WebSettings

DEFAULT_PORT = 8731
_MODULES_OF_THE_EXTRA = ("fastapi", "uvicorn", "sqlalchemy", "alembic", "argon2", "cryptography")


def serve(
    host: Annotated[str, typer.Option(help="Address to listen on; 0.0.0.0 = all of this machine's.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=1, max=65535, help="Port to listen on.")] = DEFAULT_PORT,
    database: Annotated[
        str | None, typer.Option(metavar="URL", help="sqlite:///PATH or postgresql://...; also BACKSIGHT_DATABASE_URL.")
    ] = None,
    videos: Annotated[
        str | None, typer.Option(metavar="DIR", help="Folder or bucket of videos; also BACKSIGHT_VIDEOS.")
    ] = None,
    workers: Annotated[int, typer.Option(min=1, max=64, help="Processes that answer.")] = 1,
    trust_proxy: Annotated[
        str, typer.Option(metavar="ADDRESSES", help="Reverse proxies whose X-Forwarded headers count, or *.")
    ] = "127.0.0.1",
) -> None:
    """Serve studies in the browser: invite people, who record themselves, and see their results.

    Needs no configuration: a SQLite database in your data folder is made on the first start.
    """
    check_extra()
    # Workers are processes of their own and read the environment.
    os.environ.update(
        {
            name: value
            for name, value in (("BACKSIGHT_DATABASE_URL", database), ("BACKSIGHT_VIDEOS", videos))
            if value is not None
        }
    )
    from backsight.web.settings import WebSettings

    settings = WebSettings.from_environment()
    _check_port(host, port)
    has_users = _prepare(settings)
    _say_where(settings, host=host, port=port, has_users=has_users)
    import uvicorn

    from backsight.web.routes.stream import MAX_MESSAGE_BYTES

    with _shared_metrics(workers):
        uvicorn.run(
            "backsight.web.app:create_app_from_environment",
            factory=True,
            host=host,
            port=port,
            workers=workers,
            # Requests are logged by the site itself, without addresses that hold identifiers.
            access_log=False,
            log_config=None,
            server_header=False,
            forwarded_allow_ips=trust_proxy,
            # Refused while it comes in, before all of it is held in memory.
            ws_max_size=MAX_MESSAGE_BYTES,
        )


def check_extra() -> None:
    """Say in one line what to install when the site's libraries are missing."""
    missing = [name for name in _MODULES_OF_THE_EXTRA if importlib.util.find_spec(name) is None]
    if missing:
        raise MissingDependencyError(f"this needs {', '.join(missing)}: pip install 'backsight[web]'")


def _prepare(settings: WebSettings) -> bool:
    """Bring the database up to date, before any worker starts, and tell whether anybody can sign in."""
    from backsight.storage.accounts import users
    from backsight.storage.database import Database

    opened = Database(settings.database_url)
    try:
        opened.upgrade()
        with opened.session(read_only=True) as session:
            return any(user.disabled_at is None for user in users(session))
    finally:
        opened.close()


def _say_where(settings: WebSettings, *, host: str, port: int, has_users: bool) -> None:
    from backsight.storage.database import Database
    from backsight.web import pose_runtime

    opened = Database(settings.database_url)
    name = opened.name
    opened.close()
    shown = f"[{host}]" if ":" in host else host
    typer.echo(f"Backsight on {settings.public_url or f'http://{shown}:{port}'} (stop with Ctrl-C)")
    typer.echo(f"Database: {name}")
    if not pose_runtime.is_built():
        typer.echo("Nobody can be recorded: the browser's pose runtime was not built. Stop, and run `make web-assets`.")
    if settings.encryption_key is None:
        typer.echo("Landmarks and videos are not encrypted at rest: BACKSIGHT_ENCRYPTION_KEY is not set.")
    if not has_users:
        typer.echo("Nobody can sign in yet. Add the first user in another terminal:")
        typer.echo('  backsight user add you@example.org --name "Your Name" --role researcher')


def _check_port(host: str, port: int) -> None:
    """Refuse a port that is taken in one line: several workers would fail one by one and be started again."""
    import socket

    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind, protocol) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
    except OSError as error:
        raise InputError(
            f"cannot listen on {host} port {port}: {error.strerror or error}; choose another --port"
        ) from error


@contextmanager
def _shared_metrics(workers: int) -> Iterator[None]:
    """Give several workers a folder in which they count together."""
    if workers == 1:
        yield
        return
    folder = Path(tempfile.mkdtemp(prefix="backsight-metrics-"))
    os.environ["PROMETHEUS_MULTIPROC_DIR"] = str(folder)
    try:
        yield
    finally:
        shutil.rmtree(folder, ignore_errors=True)
