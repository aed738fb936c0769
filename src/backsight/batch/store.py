"""Lay results out in a folder: landmarks a file a clip, tables a row a clip, measure, check and session.

What is written depends on the results alone: not on when, in which order or by how many workers they were made.
Knows nothing of videos.
"""

from __future__ import annotations

import hashlib
import json
import math
import os
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from backsight.batch.facts import ClipFacts
from backsight.batch.ledger import Item, Ledger
from backsight.batch.options import Task
from backsight.batch.sessions import judge_sessions
from backsight.domain.assessment import NO_DIAGNOSIS, ModelCard, QualityVerdict
from backsight.exports.folder import output_error

RESULTS_VERSION = "1.1"
RUN_VERSION = "1.1"
MANIFEST_NAME = "manifest.json"
RUN_NAME = "run.json"
_ROWS_AT_ONCE = 1024
_PREFIX_LENGTH = 2
"""Landmarks lie in 256 folders, by the first two digits of their key."""

_TEXT, _REAL, _WHOLE = pa.string(), pa.float64(), pa.int64()


def _fields(kind: pa.DataType, *names: str, nullable: bool = True) -> list[pa.Field[Any]]:
    return [pa.field(name, kind, nullable=nullable) for name in names]


_WHO = _fields(_TEXT, "subject", "session", "exercise")
_CLIP = [*_fields(_TEXT, "clip"), *_WHO]
_KEPT_SHARES = ("unfamiliar_share", "removed_share", "filled_share")
_KEPT_INDEX = ("index", "index_raw", "index_low", "index_high")
_KEPT_COUNTS = ("n_frames", "n_with_person")
_KEPT_TIMES = ("first_timestamp_s", "duration_s", "fps")
_KEPT_SIZES = ("width_px", "height_px", "analysed_width_px", "analysed_height_px")
_KEPT = (*_KEPT_INDEX, *_KEPT_SHARES, *_KEPT_COUNTS, *_KEPT_TIMES, *_KEPT_SIZES, "codec")
"""Columns of clips.parquet that are fields of `ClipFacts`."""
CLIPS_SCHEMA = pa.schema(
    [
        *_CLIP,
        *_fields(_TEXT, "file", nullable=False),
        *_fields(_TEXT, "start", "end", "crop"),
        *_fields(_REAL, "height_m"),
        *_fields(_TEXT, "status", nullable=False),
        *_fields(_TEXT, "reason", "quality", "quality_findings"),
        *_fields(_REAL, *_KEPT_INDEX, *_KEPT_SHARES),
        *_fields(_WHOLE, *_KEPT_COUNTS),
        *_fields(_REAL, *_KEPT_TIMES),
        *_fields(_WHOLE, *_KEPT_SIZES),
        *_fields(_TEXT, "codec", "landmarks_file", "landmarks_sha256"),
    ]
)
MEASURES_SCHEMA = pa.schema(
    [
        *_CLIP,
        *_fields(_TEXT, "kind", "name", "label", nullable=False),
        *_fields(_REAL, "value", "low", "high"),
        *_fields(_TEXT, "unit", "verdict", "note"),
    ]
)
QUALITY_SCHEMA = pa.schema(
    [
        *_CLIP,
        *_fields(_TEXT, "name", "label", "verdict", nullable=False),
        *_fields(_REAL, "value"),
        *_fields(_TEXT, "unit", "finding", "tip"),
    ]
)
SESSIONS_SCHEMA = pa.schema(
    [
        *_WHO[:2],
        *_fields(_TEXT, "status", nullable=False),
        *_fields(_REAL, "index", "index_low", "index_high"),
        *_fields(_TEXT, "verdict", "reason", "quality"),
        *_fields(pa.list_(_TEXT), "exercises", "failed", "notes"),
    ]
)


@dataclass(frozen=True)
class Tally:
    """How many clips of a results folder stand where; all but `n_unusable` add up to all clips."""

    n_done: int
    n_unusable: int
    """Of those that are done: seen, but too poor for any number."""
    n_failed: int
    n_waiting: int

    @property
    def n_clips(self) -> int:
        """All clips that the source names."""
        return self.n_done + self.n_failed + self.n_waiting


class Store:
    """The files of a results folder.

    Parameters
    ----------
    folder
        An existing folder of this machine.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def landmarks_name(self, key: str) -> str:
        """Return where a clip's landmarks lie, relative to the folder."""
        return f"landmarks/part={key[:_PREFIX_LENGTH]}/{key}.parquet"

    def has_landmarks(self, key: str, *, sha256: str) -> bool:
        """Tell whether a clip's landmarks are there, whole."""
        try:
            with (self._folder / self.landmarks_name(key)).open("rb") as file:
                return hashlib.file_digest(file, "sha256").hexdigest() == sha256
        except OSError:
            return False

    def remove_unnamed(self, ledger: Ledger) -> None:
        """Remove landmarks that no clip of the ledger has, and their results: whoever is withdrawn is gone.

        Where a recording cannot be read, nothing is removed: its landmarks cannot be told from those of a withdrawn
        one.

        Raises
        ------
        OutputError
            When a file cannot be removed.
        """
        if not ledger.all_contents_known():
            return
        ledger.forget_unnamed()
        for part in (self._folder / "landmarks").glob("part=*/*"):
            if part.suffix == ".part" or (part.suffix == ".parquet" and not ledger.is_named(part.stem)):
                try:
                    part.unlink()
                except OSError as error:
                    raise output_error(part, error) from error
        for folder in (self._folder / "landmarks").glob("part=*"):
            # One that still holds files stays.
            with suppress(OSError):
                folder.rmdir()

    def write_landmarks(self, key: str, content: bytes) -> str:
        """Put a clip's landmarks in place, whole or not at all, and return their SHA-256.

        Raises
        ------
        OutputError
            When the file cannot be written.
        """
        path = self._folder / self.landmarks_name(key)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with _in_place(path) as part:
                part.write_bytes(content)
        except OSError as error:
            raise output_error(path, error) from error
        return hashlib.sha256(content).hexdigest()

    def write_tables(self, ledger: Ledger, *, task: Task, about: Mapping[str, Any], card: ModelCard | None) -> Tally:
        """Write all tables from the ledger, a few rows at a time, and then the manifest that names them.

        Parameters
        ----------
        about
            What the manifest says of how the results were made; the same for the same results, whoever made them.

        Raises
        ------
        OutputError
            When a file cannot be written.
        """
        count: Counter[str] = Counter()
        tables: dict[str, tuple[pa.Schema, Iterator[dict[str, Any]]]] = {
            "clips.parquet": (CLIPS_SCHEMA, _counted(map(self._clip_row, ledger.outcomes()), count)),
            "quality.parquet": (QUALITY_SCHEMA, _each(_check_rows, ledger.outcomes())),
        }
        if task is Task.ASSESS and card is not None:
            tables["measures.parquet"] = (MEASURES_SCHEMA, _each(_measure_rows, ledger.outcomes()))
            tables["sessions.parquet"] = (SESSIONS_SCHEMA, _session_rows(ledger, card))
        files = {name: self._write_table(name, schema, rows) for name, (schema, rows) in tables.items()}
        tally = Tally(
            n_done=count["done"],
            n_unusable=count[QualityVerdict.UNUSABLE],
            n_failed=count["failed"],
            n_waiting=count["waiting"],
        )
        document = {
            "schema": "backsight.batch",
            "schema_version": RESULTS_VERSION,
            "statement": NO_DIAGNOSIS,
            **about,
            "model": None if card is None else {"name": card.name, "version": card.version, "headline": card.headline},
            "clips": {
                "named": tally.n_clips,
                "done": tally.n_done,
                "unusable": tally.n_unusable,
                "failed": tally.n_failed,
                "waiting": tally.n_waiting,
            },
            "files": files,
        }
        self._write_json(MANIFEST_NAME, document)
        return tally

    def write_run(self, about: Mapping[str, Any]) -> None:
        """Write what the last run did: the one file that tells runs apart which give the same results.

        Raises
        ------
        OutputError
            When the file cannot be written.
        """
        self._write_json(RUN_NAME, {"schema": "backsight.batch-run", "schema_version": RUN_VERSION, **about})

    def _write_json(self, name: str, document: Mapping[str, Any]) -> None:
        path = self._folder / name
        try:
            with _in_place(path) as part:
                part.write_text(json.dumps(document, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
        except OSError as error:
            raise output_error(path, error) from error

    def _write_table(self, name: str, schema: pa.Schema, rows: Iterator[dict[str, Any]]) -> dict[str, Any]:
        path, n_rows = self._folder / name, 0
        described = schema.with_metadata({b"backsight": json.dumps({"statement": NO_DIAGNOSIS}).encode()})
        try:
            with _in_place(path) as part:
                with pq.ParquetWriter(part, described, compression="zstd") as writer:
                    for some in _in_batches(rows):
                        n_rows += len(some)
                        writer.write_table(pa.Table.from_pylist(some, schema=described))
                with part.open("rb") as file:
                    sha256 = hashlib.file_digest(file, "sha256").hexdigest()
        except OSError as error:
            raise output_error(path, error) from error
        return {"rows": n_rows, "sha256": sha256}

    def _clip_row(self, item: Item) -> dict[str, Any]:
        row: dict[str, Any] = {
            **_who(item),
            "file": item.found.name,
            "start": item.clip.start,
            "end": item.clip.end,
            "crop": item.clip.crop,
            "height_m": item.clip.height_m,
            "status": "waiting",
        }
        if item.facts is None or item.key is None:
            return row if item.failure is None else row | {"status": "failed", "reason": item.failure}
        facts = ClipFacts.from_json(item.facts)
        return (
            row
            | {name: _known(getattr(facts, name)) for name in _KEPT}
            | {
                "status": "done",
                "quality": facts.quality.verdict.value,
                "quality_findings": "; ".join(problem.finding for problem in facts.quality.problems),
                "landmarks_file": self.landmarks_name(item.key),
                "landmarks_sha256": item.landmarks_sha256,
            }
        )


def _counted(rows: Iterable[dict[str, Any]], count: Counter[str]) -> Iterator[dict[str, Any]]:
    """Hand rows of clips on, and count their status and quality."""
    for row in rows:
        count.update(str(row[name]) for name in ("status", "quality") if row.get(name))
        yield row


def _who(item: Item) -> dict[str, Any]:
    exercise = item.clip.exercise
    return {
        "clip": item.key,
        "subject": item.subject or None,
        "session": item.session or None,
        "exercise": None if exercise is None else exercise.value,
    }


def _check_rows(item: Item, facts: ClipFacts) -> Iterator[dict[str, Any]]:
    for check in facts.checks:
        yield _who(item) | {
            "name": check.name,
            "label": check.label,
            "verdict": check.verdict.value,
            "value": _known(float(check.value)),
            "unit": check.unit,
            "finding": check.finding,
            "tip": check.tip,
        }


def _measure_rows(item: Item, facts: ClipFacts) -> Iterator[dict[str, Any]]:
    for measured in facts.measured:
        yield _who(item) | {name: _known(value) for name, value in vars(measured).items()}


def _each(
    rows_of: Callable[[Item, ClipFacts], Iterator[dict[str, Any]]], items: Iterable[Item]
) -> Iterator[dict[str, Any]]:
    for item in items:
        if item.facts is not None:
            yield from rows_of(item, ClipFacts.from_json(item.facts))


def _session_rows(ledger: Ledger, card: ModelCard) -> Iterator[dict[str, Any]]:
    for row in judge_sessions(ledger.outcomes(), card=card):
        judged = row.judged
        interval = None if judged is None else judged.interval
        yield {
            "subject": row.subject,
            "session": row.session or None,
            "status": row.status,
            "index": None if judged is None else judged.index,
            "index_low": None if interval is None else interval.low,
            "index_high": None if interval is None else interval.high,
            "verdict": None if judged is None else judged.verdict.value,
            "reason": row.reason,
            "quality": None if row.quality is None else row.quality.value,
            "exercises": list(row.exercises),
            "failed": list(row.failed),
            "notes": [] if judged is None else list(judged.notes),
        }


def _known(value: Any) -> Any:
    """Return None for NaN and infinity, which mean missing here."""
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _in_batches(rows: Iterator[dict[str, Any]]) -> Iterator[list[dict[str, Any]]]:
    some: list[dict[str, Any]] = []
    for row in rows:
        some.append(row)
        if len(some) == _ROWS_AT_ONCE:
            yield some
            some = []
    if some:
        yield some


@contextmanager
def _in_place(path: Path) -> Iterator[Path]:
    """Yield a name beside `path` whose file takes its place at the end, or is removed on any error."""
    part = path.with_name(f".{path.name}.part")
    try:
        yield part
        # A power failure must not leave the name in place with the content missing.
        with part.open("rb+") as file:
            os.fsync(file.fileno())
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)
