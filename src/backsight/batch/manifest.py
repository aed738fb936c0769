"""Read a manifest, a row a recording, and say what is wrong with it by row and column. Knows nothing of videos.

People spell names and numbers in several ways; what cannot be mistaken is read.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from backsight.batch.options import ClipOptions
from backsight.batch.sources import Found, open_file_system, why_unreadable
from backsight.datasets.table import PART_BEHIND_NAME, Table, raise_mistakes
from backsight.domain.address import URL_MARK, shown, without_query
from backsight.domain.recording import HEIGHT_RANGE_M, Exercise
from backsight.errors import BacksightError, InputError, InvalidValueError
from backsight.inputs import parse_exercise
from backsight.video.selection import Position, parse_crop, parse_position

COLUMNS = ("subject", "session", "exercise", "path", "start", "end", "crop", "height_cm")


@dataclass(frozen=True)
class Row:
    """A recording of a manifest."""

    number: int
    """As a spreadsheet counts: the header of a CSV file is row 1. Rows of a Parquet file count from 1."""
    found: Found
    subject: str
    session: str
    clip: ClipOptions


class Manifest:
    """A table of recordings: CSV (comma, semicolon or tab) or Parquet; read anew each time it is iterated.

    Parameters
    ----------
    source
        A path or URL; recordings in it are named relative to its folder, absolutely, or by URL.
    needs_subject
        True = columns `subject` and `exercise` are required, not only `path`.

    Raises
    ------
    InputError
        When the table cannot be read or lacks a column.
    """

    def __init__(self, source: str, *, needs_subject: bool) -> None:
        self.name = PurePosixPath(shown(source)).name
        self._source = source
        self._required = ("subject", "exercise", "path") if needs_subject else ("path",)
        is_parquet = shown(source).lower().endswith(".parquet")
        self._table = Table(self.name, self._open, is_parquet=is_parquet, known_columns=COLUMNS)
        names = self._table.columns
        missing = [column for column in self._required if column not in names]
        if missing:
            raise InputError(
                f"{self.name}, row 1: expected columns {', '.join(self._required)} and, where needed, "
                f"{', '.join(column for column in COLUMNS if column not in self._required)}; "
                f"missing: {', '.join(missing)}; got: {', '.join(names) or 'none'}"
            )
        ignored = ", ".join(name for name in names if name not in COLUMNS)
        self.notes = (
            *self._table.notes,
            *([f"columns of {self.name} that mean nothing here: {ignored}"] * bool(ignored)),
        )
        """What was guessed while it was read, and what was not read."""

    def __iter__(self) -> Iterator[Row]:
        """Yield the rows in their order.

        Raises
        ------
        InputError
            After the last row, when any of them is wrong; it names the first ten mistakes.
        """
        errors: list[str] = []
        n_rows = 0
        for line in self._table:
            n_rows += 1
            errors += line.mistakes
            parser = _RowParser(line.number, line.values, required=self._required)
            row = parser.parse(self._locate)
            errors += parser.errors
            if not errors:
                yield row
        if n_rows == 0:
            raise InputError(f"{self.name}: expected a row a recording below the header, got none")
        raise_mistakes(self.name, errors)

    def _locate(self, path: str) -> Found:
        """Return where a recording is; relative to the manifest's folder when it is no absolute path and no URL."""
        if URL_MARK in path or Path(path).is_absolute():
            return Found(location=path, name=PurePosixPath(shown(path)).name)
        base = without_query(self._source).rpartition("/")[0]
        if URL_MARK in self._source:
            # A name may be followed by a signature of its own.
            return Found(location=f"{base}/{path}", name=shown(f"{base}/{path}").removeprefix(f"{shown(base)}/"))
        local = Path(self._source).absolute().parent / path
        try:
            return Found(location=str(local), name=path, size_bytes=local.stat().st_size)
        except OSError:
            # A recording that is not there is one clip's failure, found and said when its turn comes.
            return Found(location=str(local), name=path)

    def _open(self) -> Any:
        try:
            if URL_MARK not in self._source:
                return Path(self._source).open("rb")
            system, path = open_file_system(self._source)
            return system.open(path, "rb")
        except BacksightError:
            raise
        except Exception as error:  # buckets and servers raise errors of their own
            raise InputError(
                f"{self.name}: the manifest cannot be read: {why_unreadable(error)}; check the name and who may read it"
            ) from error


class _RowParser:
    """Reads one row, and collects everything that is wrong with it."""

    def __init__(self, number: int, values: Mapping[str, str], *, required: tuple[str, ...]) -> None:
        self.errors: list[str] = []
        self._number = number
        self._values = values
        self._required = required

    def parse(self, locate: Callable[[str], Found]) -> Row:
        for column in self._required:
            if not self._values.get(column):
                self._wrong(column, "a value", "nothing")
        return Row(
            number=self._number,
            found=self._found(locate),
            subject=self._values.get("subject") or "",
            session=self._values.get("session") or "",
            clip=ClipOptions(
                exercise=self._read("exercise", self._exercise),
                start=self._read("start", lambda text: _position_text(parse_position(_with_point(text)))),
                end=self._read("end", lambda text: _position_text(parse_position(_with_point(text)))),
                crop=self._read("crop", lambda text: str(parse_crop(text))),
                height_m=self._read("height_cm", _height_m),
            ),
        )

    def _found(self, locate: Callable[[str], Found]) -> Found:
        path = self._values.get("path") or ""
        found = locate(path)
        part = PART_BEHIND_NAME.search(path)
        # A file whose own name ends so is that file.
        if part and found.size_bytes is None:
            expected = "a recording's name, and its part in the columns `start`, `end` and `crop`"
            self._wrong("path", expected, f"`{part[0]}` behind the name")
        return found

    def _exercise(self, text: str) -> Exercise:
        try:
            return parse_exercise(text)
        except InputError as error:
            if "exercise" in self._required:
                raise
            raise InputError(
                f"{error}; leave it empty for any other movement, and name that in a study's manifest"
            ) from error

    def _read(self, column: str, read: Callable[[str], Any]) -> Any:
        text = self._values.get(column)
        if not text:
            return None
        try:
            return read(text)
        except (InputError, InvalidValueError) as error:
            self.errors.append(f"row {self._number}, column `{column}`: {error}")
            return None

    def _wrong(self, column: str, expected: str, got: str) -> None:
        self.errors.append(f"row {self._number}, column `{column}`: expected {expected}, got {got}")


def _height_m(text: str) -> float:
    shortest_cm, tallest_cm = (100 * limit for limit in HEIGHT_RANGE_M)
    try:
        height_cm = float(_with_point(text))
    except ValueError:
        height_cm = math.nan
    # Written so that NaN is refused as well.
    if not shortest_cm <= height_cm <= tallest_cm:
        raise InvalidValueError(f"expected centimetres from {shortest_cm:.0f} to {tallest_cm:.0f}, got `{text}`")
    return height_cm / 100


def _with_point(text: str) -> str:
    """Return a number with a decimal comma, which many spreadsheets write, with a point."""
    return text.replace(",", ".") if text.count(",") == 1 else text


def _position_text(position: Position) -> str:
    """Return a position in one spelling, so that `1:02` and `62` are the same options."""
    if position.frame is not None:
        return f"{position.frame}f"
    return f"{position.seconds:.6f}".rstrip("0").rstrip(".")
