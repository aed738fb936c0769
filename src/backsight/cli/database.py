"""`backsight database`: brings the database up to date, backs it up, restores it, changes its key. Knows no table."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from backsight.cli.serve import check_extra
from backsight.errors import InputError

if TYPE_CHECKING:
    from backsight.storage.database import Database
    from backsight.storage.sealing import Seal
    from backsight.storage.videos import VideoStore

app = typer.Typer(help="Bring the database up to date, back it up, restore it.", no_args_is_help=True)
DATABASE = typer.Option(metavar="URL", help="The database; also BACKSIGHT_DATABASE_URL.")
VIDEOS = typer.Option(metavar="DIR", help="Folder of videos; also BACKSIGHT_VIDEOS.")


@app.command("upgrade")
def upgrade(database: Annotated[str | None, DATABASE] = None) -> None:
    """Bring the tables up to date with this version; `backsight serve` does so when it starts."""
    with _opened(database) as opened:
        opened.upgrade()
        typer.echo(f"{opened.name} is up to date.")


@app.command("backup")
def backup(
    out: Annotated[Path, typer.Argument(metavar="OUT", help="Folder to write.")],
    database: Annotated[str | None, DATABASE] = None,
    videos: Annotated[str | None, VIDEOS] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace an earlier backup there.")] = False,
) -> None:
    """Copy a SQLite database and its videos into a folder; the server may run meanwhile."""
    with _opened(database) as opened:
        from backsight.storage.backup import back_up

        opened.check_made()
        made = back_up(opened, _video_store(videos), out=out, overwrite=overwrite)
    typer.echo(f"{out}: the database up to entry {made.audit_number} of its audit log, and {made.n_videos} videos.")
    typer.echo(f"Keep with it, elsewhere: {made.audit_hash}")
    if not made.has_videos:
        typer.echo("The videos are in a bucket and were not copied: back the bucket up by its own means.")


@app.command("restore")
def restore(
    source: Annotated[Path, typer.Argument(metavar="BACKUP", help="Folder that `backsight database backup` wrote.")],
    database: Annotated[str | None, DATABASE] = None,
    videos: Annotated[str | None, VIDEOS] = None,
) -> None:
    """Put a backup back where there is no database; the server must not run."""
    check_extra()
    from backsight.storage.backup import restore as put_back
    from backsight.storage.database import default_database_url

    made = put_back(source, database_url=database or default_database_url(), videos=_video_store(videos))
    typer.echo(
        f"Restored what was backed up at {made.made_at}, with {made.n_videos} videos. Its audit log is whole up to"
    )
    typer.echo(f"entry {made.audit_number}: {made.audit_hash}")
    typer.echo("Everybody signs in anew and makes new tokens for the API. Users who were disabled after that, and")
    typer.echo("passwords and links that were changed, are as they were then: disable and change them again.")
    typer.echo("Who withdrew after that is there again: delete them with `backsight forget`.")


@app.command("reseal")
def reseal(database: Annotated[str | None, DATABASE] = None, videos: Annotated[str | None, VIDEOS] = None) -> None:
    """Encrypt all that is kept with the first key of BACKSIGHT_ENCRYPTION_KEY, what was not encrypted as well."""
    check_extra()
    from backsight.storage.resealing import reseal as seal_anew
    from backsight.storage.sealing import KEY_VARIABLE, Seal

    seal = Seal.from_key(os.environ.get(KEY_VARIABLE))
    if not seal.is_sealing:
        raise InputError(f"{KEY_VARIABLE} must hold the key to encrypt with, got nothing")
    with _opened(database, seal=seal) as opened:
        opened.check_made()
        done = seal_anew(opened, _video_store(videos, seal=seal))
    typer.echo(
        f"Encrypted with the first key: {done.n_landmark_chunks} chunks of landmarks, {done.n_texts} texts, "
        f"{done.n_videos} videos. Keys behind it are needed for backups only."
    )


@contextmanager
def _opened(database: str | None, *, seal: Seal | None = None) -> Iterator[Database]:
    """Open the database that the option, or the environment, names, and that is there already."""
    check_extra()
    from backsight.storage.database import Database, default_database_url

    opened = Database(database or default_database_url(), seal=seal, may_create=False)
    try:
        yield opened
    finally:
        opened.close()


def _video_store(videos: str | None, *, seal: Seal | None = None) -> VideoStore:
    from backsight.storage.videos import VIDEOS_VARIABLE, VideoStore, default_videos_url

    return VideoStore(videos or os.environ.get(VIDEOS_VARIABLE) or default_videos_url(), seal=seal)
