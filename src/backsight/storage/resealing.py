"""Encrypt all that is kept anew with the first of the keys, so that an old key can be given up. Knows no page."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import select

from backsight.errors import NotFoundError
from backsight.storage import audit
from backsight.storage.database import Database, seal_of
from backsight.storage.tables import Consent, LandmarkChunk, Note, Participant, Recording
from backsight.storage.videos import VideoStore

_AT_ONCE = 50
"""Rows in a transaction: on SQLite whoever records meanwhile waits for it."""


@dataclass(frozen=True)
class Resealed:
    """What was encrypted anew."""

    n_landmark_chunks: int
    n_texts: int
    """Labels, signed names and notes."""
    n_videos: int


def reseal(database: Database, videos: VideoStore) -> Resealed:
    """Open every sealed value with whichever key fits and seal it with the first; what was plain is sealed, too.

    The server may run, if it has the same keys. Broken off, it can be begun again.

    Raises
    ------
    StorageError
        When no key fits a value, or the database or the videos cannot be reached.
    """
    n_texts = sum(_reseal_texts(database, model, name) for model, name in _TEXTS)
    n_chunks = _reseal_landmarks(database)
    n_videos = _reseal_videos(database, videos)
    with database.session() as session:
        detail = {"landmark_chunks": n_chunks, "texts": n_texts, "videos": n_videos}
        audit.append(session, actor="command-line", action="encrypt anew", detail=detail)
    # The old values must not stay behind in the write-ahead log.
    database.sweep()
    return Resealed(n_landmark_chunks=n_chunks, n_texts=n_texts, n_videos=n_videos)


_TEXTS: tuple[tuple[type[Participant] | type[Consent] | type[Note], str], ...] = (
    (Participant, "label"),
    (Consent, "signed_name"),
    (Note, "text"),
)


def _reseal_texts(database: Database, model: type[Participant] | type[Consent] | type[Note], name: str) -> int:
    with database.session(read_only=True) as session:
        ids: Sequence[str] = session.scalars(select(model.id)).all()
    n_done = 0
    for start in range(0, len(ids), _AT_ONCE):
        with database.session() as session:
            seal = seal_of(session)
            query = select(model).where(model.id.in_(ids[start : start + _AT_ONCE])).with_for_update()
            for row in session.scalars(query):
                # Nothing was written there: an empty text says no more than its length would.
                if text := getattr(row, name):
                    setattr(row, name, seal.seal_text(seal.open_text(text)))
                    n_done += 1
    return n_done


def _reseal_landmarks(database: Database) -> int:
    with database.session(read_only=True) as session:
        ids = session.scalars(select(LandmarkChunk.recording_id).distinct()).all()
    n_done = 0
    for recording_id in ids:
        with database.session() as session:
            seal = seal_of(session)
            query = select(LandmarkChunk).where(LandmarkChunk.recording_id == recording_id).with_for_update()
            for chunk in session.scalars(query):
                chunk.payload = seal.seal(seal.open(chunk.payload))
                n_done += 1
    return n_done


def _reseal_videos(database: Database, videos: VideoStore) -> int:
    with database.session(read_only=True) as session:
        keys = session.scalars(select(Recording.video_key).where(Recording.video_key.is_not(None))).all()
    n_done = 0
    for key in filter(None, keys):
        try:
            with videos.open_local(key) as path:
                videos.put(key, path)
        except NotFoundError:
            # Withdrawn or thrown away meanwhile.
            continue
        n_done += 1
    return n_done
