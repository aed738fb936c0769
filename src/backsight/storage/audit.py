"""The audit log: who did what to whose data, as a chain of hashes that shows every later change. Knows no user.

An entry's hash covers its content and the hash before it. Rows changed, removed or put between others break the chain
at that place (`verify`). Entries cut off at the end leave a whole, shorter chain: keep `head` somewhere else to notice.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import event, select, text
from sqlalchemy.orm import Session, SessionTransaction

from backsight.errors import InvalidValueError
from backsight.storage.tables import AuditEntry, now

FIRST_PREVIOUS_HASH = "0" * 64
"""What the first entry has for the hash before it."""
_LIMITS = {"actor": 80, "action": 60, "study_id": 32, "object_id": 100}
"""Most characters, as the columns have it; SQLite would not check."""
_APPEND_LOCK = 0x61756469
"""Number of the PostgreSQL advisory lock that lets one transaction append at a time: "audi" in ASCII."""
_PENDING = "pending_audit_entries"
_AT_ONCE = 500
"""Entries held in memory while the chain is checked."""


@dataclass(frozen=True, eq=False)
class _Pending:
    """Entries that wait for the commit of their transaction."""

    transaction: SessionTransaction
    entries: list[AuditEntry]


@dataclass(frozen=True)
class Head:
    """The end of the chain."""

    number: int
    """Of the last entry; 0 = there is none."""
    hash: str


def append(
    session: Session,
    *,
    actor: str,
    action: str,
    study_id: str | None = None,
    object_id: str | None = None,
    detail: Mapping[str, Any] | None = None,
) -> None:
    """Add an entry to the log, in the session's transaction: it is kept if, and only if, the transaction is.

    The entry joins the chain as the last thing before the commit. Until then no other transaction waits for this one,
    and none can wait for it crosswise.

    Parameters
    ----------
    actor
        `user:ID`, `participant:ID`, `token:ID`, `command-line` or `system`.
    action
        A verb and a noun, as `read participant`.
    study_id, object_id
        Which study, and what of it.
    detail
        Whatever else tells what happened, ready for JSON; never health data, names or tokens, as entries outlive what
        they speak of.

    Raises
    ------
    InvalidValueError
        When a field is empty, too long or not ready for JSON.
    """
    fields = {"actor": actor, "action": action, "study_id": study_id, "object_id": object_id}
    for name, value in fields.items():
        if value is not None and (not 1 <= len(value) <= _LIMITS[name] or "\x00" in value):
            raise InvalidValueError(
                f"`{name}` of an audit entry must be 1 to {_LIMITS[name]} characters of text, got {len(value)}"
            )
    entry = AuditEntry(**fields, detail=_plain(detail or {}), at=now())
    transaction = session.get_transaction() or session.begin()
    pending: _Pending | None = session.info.get(_PENDING)
    if pending is None:
        event.listen(session, "before_commit", _write_before_commit)
    if pending is None or pending.transaction is not transaction:
        pending = session.info[_PENDING] = _Pending(transaction, [])
    pending.entries.append(entry)


def verify(session: Session) -> int | None:
    """Return the number of the first entry that does not fit the chain; None = the chain is whole."""
    _write(session)
    previous_hash, expected_number = FIRST_PREVIOUS_HASH, 1
    query = select(AuditEntry).order_by(AuditEntry.number).execution_options(yield_per=_AT_ONCE, populate_existing=True)
    # Closed at the first broken entry too: PostgreSQL keeps a cursor open behind it.
    with closing(session.scalars(query)) as found:
        for entry in found:
            is_next = entry.number == expected_number and entry.previous_hash == previous_hash
            if not is_next or entry.hash != _hash_of(entry):
                return entry.number
            previous_hash, expected_number = entry.hash, entry.number + 1
    return None


def head(session: Session) -> Head:
    """Return the end of the chain, to be kept where whoever can write to the database cannot."""
    _write(session)
    return _head(session)


def entries(
    session: Session, *, limit: int, before: int | None = None, study_id: str | None = None
) -> Sequence[AuditEntry]:
    """Return the latest entries, newest first.

    Parameters
    ----------
    limit
        At most so many.
    before
        Only entries of a lower number than this, for the next page.
    study_id
        Only entries of this study.
    """
    _write(session)
    query = select(AuditEntry).order_by(AuditEntry.number.desc()).limit(limit)
    if before is not None:
        query = query.where(AuditEntry.number < before)
    if study_id is not None:
        query = query.where(AuditEntry.study_id == study_id)
    return session.scalars(query).all()


def _write_before_commit(session: Session) -> None:
    # A savepoint's commit is none yet: whoever holds the lock from there on makes all others wait.
    if not session.in_nested_transaction():
        _write(session)


def _write(session: Session) -> None:
    """Give the pending entries their places in the chain."""
    pending: _Pending | None = session.info.get(_PENDING)
    # What a rolled back transaction had pending is gone with it.
    if pending is None or not pending.entries or pending.transaction is not session.get_transaction():
        return
    # Everything else first, so that the lock is the last thing this transaction waits for.
    session.flush()
    if session.connection().dialect.name == "postgresql":
        session.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _APPEND_LOCK})
    last = _head(session)
    number, previous_hash = last.number, last.hash
    for entry in pending.entries:
        number += 1
        entry.number, entry.previous_hash = number, previous_hash
        entry.hash = previous_hash = _hash_of(entry)
    session.add_all(pending.entries)
    session.flush()
    pending.entries.clear()


def _head(session: Session) -> Head:
    last = session.execute(
        select(AuditEntry.number, AuditEntry.hash).order_by(AuditEntry.number.desc()).limit(1)
    ).first()
    return Head(number=last.number, hash=last.hash) if last else Head(number=0, hash=FIRST_PREVIOUS_HASH)


def _hash_of(entry: AuditEntry) -> str:
    content = {
        "number": entry.number,
        "at": _instant(entry.at),
        "actor": entry.actor,
        "action": entry.action,
        "study_id": entry.study_id,
        "object_id": entry.object_id,
        "detail": entry.detail,
        "previous_hash": entry.previous_hash,
    }
    written = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(written.encode("ascii")).hexdigest()


def _instant(at: datetime) -> str:
    """Return a moment as text, the same whatever zone the database answers in."""
    return at.astimezone(UTC).isoformat(timespec="microseconds")


def _plain(detail: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the database will give back, so that the hash covers that."""
    try:
        plain: dict[str, Any] = json.loads(json.dumps(dict(detail), allow_nan=False))
    except (TypeError, ValueError) as error:
        raise InvalidValueError(f"`detail` of an audit entry must be ready for JSON: {error}") from error
    return plain
