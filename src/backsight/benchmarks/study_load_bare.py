"""The least that could take the load of a study: an endpoint that writes a body as it comes. Knows no landmark.

One transaction a request, on a database of the same kind with the same promises of the disk as `storage.database`; no
account, no check, no audit log. uvicorn starts it in a process of its own.
"""

from __future__ import annotations

import os
from typing import Any

from fastapi import FastAPI
from sqlalchemy import Column, Integer, LargeBinary, MetaData, String, Table, create_engine, event, insert, make_url
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request

from backsight.benchmarks.study_load_servers import BARE_DATABASE_VARIABLE

_CHUNKS = Table(
    "bare_chunk",
    MetaData(),
    Column("sender", String(40), primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("body", LargeBinary),
)


def create_bare_app() -> FastAPI:
    """Return an application that keeps what is posted to `/SENDER/NUMBER`."""
    url = make_url(os.environ[BARE_DATABASE_VARIABLE])
    is_sqlite = url.get_backend_name() == "sqlite"
    engine = create_engine(url if is_sqlite else url.set(drivername="postgresql+psycopg"))
    if is_sqlite:
        event.listen(engine, "connect", _set_up_sqlite)
    _CHUNKS.metadata.create_all(engine)
    app = FastAPI()

    def write(sender: str, number: int, body: bytes) -> None:
        with engine.begin() as connection:
            connection.execute(insert(_CHUNKS).values(sender=sender, number=number, body=body))

    @app.get("/")
    def say_hello() -> str:
        return "here"

    @app.post("/{sender}/{number}")
    async def keep(sender: str, number: int, request: Request) -> int:
        await run_in_threadpool(write, sender, number, await request.body())
        return number

    return app


def _set_up_sqlite(connection: Any, record: object) -> None:  # noqa: ARG001
    for pragma in ("busy_timeout = 30000", "journal_mode = WAL", "synchronous = FULL"):
        connection.execute(f"PRAGMA {pragma}")
