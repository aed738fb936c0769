"""Read a manifest, a row a recording, and say what is wrong with it by row and column. Knows nothing of videos.

Spreadsheets write tables in several ways, and people spell names in several ways; what cannot be mistaken is read, and
what is a guess is told.
"""

from __future__ import annotations

import codecs
import csv
import io
import math
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from backsight.batch.options import ClipOptions
from backsight.batch.sources import BLOCK_BYTES, Found, open_file_system, shown, why_unreadable, without_query
from backsight.domain.recording import HEIGHT_RANGE_M, Exercise
from backsight.errors import BacksightError, InputError, InvalidValueError
from backsight.video.selection import Position, parse_crop, parse_position

COLUMNS = ("subject", "session", "exercise", "path", "start", "end", "crop", "height_cm")
MANY_ERRORS = 10
"""So many are named; a manifest with more is wrong as a whole, and a longer list helps nobody."""
_DELIMITERS = ",;\t"
_ENCODING_MARKS = ((b"\xef\xbb\xbf", "utf-8-sig"), (b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16"))
"""What programs put before a text to tell its encoding (Unicode 16, section 23.8)."""
_OLD_ENCODING = "cp1252"
"""What spreadsheets of western Europe and America write where they do not write UTF-8; it includes Latin-1."""
_SEPARATOR_LINE = re.compile(r"sep=(.)\s*", re.IGNORECASE)
"""A first line by which a file tells Excel its delimiter."""
_ROWS_AT_ONCE = 1024


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
        self.notes: tuple[str, ...] = ()
        """What was guessed while it was read."""
        self._encoding = "" if self._is_parquet() else self._find_encoding()
        self._required = ("subject", "exercise", "path") if needs_subject else ("path",)
        names = self._columns()
        missing = [column for column in self._required if column not in names]
        if missing:
            raise InputError(
                f"{self.name}, row 1: expected columns {', '.join(self._required)} and, where needed, "
                f"{', '.join(column for column in COLUMNS if column not in self._required)}; "
                f"missing: {', '.join(missing)}; got: {', '.join(names) or 'none'}"
            )
        twice = sorted({name for name in names if name and names.count(name) > 1})
        if twice:
            raise InputError(
                f"{self.name}, row 1: expected each column once, got `{'`, `'.join(twice)}` several times; remove or "
                "rename all but one"
            )
        self.ignored = tuple(name for name in names if name not in COLUMNS)
        """Columns that mean nothing here."""

    def __iter__(self) -> Iterator[Row]:
        """Yield the rows in their order.

        Raises
        ------
        InputError
            After the last row, when any of them is wrong; it names the first ten mistakes.
        """
        errors: list[str] = []
        n_rows = 0
        for number, values, mistakes in self._records():
            n_rows += 1
            errors += mistakes
            parser = _RowParser(number, values, required=self._required)
            row = parser.parse(self._locate)
            errors += parser.errors
            if not errors:
                yield row
        if n_rows == 0:
            raise InputError(f"{self.name}: expected a row a recording below the header, got none")
        if errors:
            more = f"; and {len(errors) - MANY_ERRORS} more" if len(errors) > MANY_ERRORS else ""
            raise InputError(f"{self.name}: {'; '.join(errors[:MANY_ERRORS])}{more}")

    def _locate(self, path: str) -> Found:
        """Return where a recording is; relative to the manifest's folder when it is no absolute path and no URL."""
        if "://" in path or Path(path).is_absolute():
            return Found(location=path, name=PurePosixPath(shown(path)).name)
        base = without_query(self._source).rpartition("/")[0]
        if "://" in self._source:
            return Found(location=f"{base}/{path}", name=path)
        local = Path(self._source).absolute().parent / path
        try:
            return Found(location=str(local), name=path, size_bytes=local.stat().st_size)
        except OSError:
            # A recording that is not there is one clip's failure, found and said when its turn comes.
            return Found(location=str(local), name=path)

    def _columns(self) -> list[str]:
        if self._is_parquet():
            import pyarrow.parquet as pq

            with self._open() as file, _readable(self.name):
                return [_column_name(name) for name in pq.ParquetFile(file).schema_arrow.names]
        with self._open_text() as file, _readable(self.name):
            return _csv_header(file)[0]

    def _records(self) -> Iterator[tuple[int, Mapping[str, str], list[str]]]:
        """Yield each row's number, its values, and what is wrong with its shape."""
        if self._is_parquet():
            import pyarrow.parquet as pq

            with self._open() as file, _readable(self.name):
                number = 0
                for batch in pq.ParquetFile(file).iter_batches(batch_size=_ROWS_AT_ONCE):
                    for record in batch.to_pylist():
                        number += 1
                        yield number, {_column_name(name): _as_text(value) for name, value in record.items()}, []
            return
        with self._open_text() as file, _readable(self.name):
            names, lines = _csv_header(file)
            for line in lines:
                cells = [cell.strip() for cell in line]
                if any(cells):
                    mistakes = _surplus(lines.line_num, cells, n_columns=len(names))
                    # A row that ends early leaves its last columns empty.
                    yield lines.line_num, dict(zip(names, cells, strict=False)), mistakes

    def _is_parquet(self) -> bool:
        return shown(self._source).lower().endswith(".parquet")

    def _open(self) -> Any:
        try:
            if "://" not in self._source:
                return Path(self._source).open("rb")
            system, path = open_file_system(self._source)
            return system.open(path, "rb")
        except BacksightError:
            raise
        except Exception as error:  # buckets and servers raise errors of their own
            raise InputError(
                f"{self.name}: the manifest cannot be read: {why_unreadable(error)}; check the name and who may read it"
            ) from error

    def _open_text(self) -> io.TextIOWrapper:
        return io.TextIOWrapper(self._open(), encoding=self._encoding, newline="")

    def _find_encoding(self) -> str:
        """Return how the text is encoded, and note it where that is a guess."""
        decoder = codecs.getincrementaldecoder("utf-8")()
        with self._open() as file:
            block = file.read(BLOCK_BYTES)
            for mark, encoding in _ENCODING_MARKS:
                if block.startswith(mark):
                    return encoding
            if b"\0" in block:
                kind = "an Excel workbook" if block.startswith(b"PK") else "no text"
                raise InputError(
                    f"{self.name}: expected a table as text, got {kind}; save it as CSV (UTF-8) or as Parquet"
                )
            try:
                while block:
                    decoder.decode(block)
                    block = file.read(BLOCK_BYTES)
                decoder.decode(b"", final=True)
            except UnicodeDecodeError:
                self.notes = (
                    f"{self.name} is not UTF-8 and was read as Windows-1252 (Latin-1): see whether names with accents "
                    "are right, or save it as CSV UTF-8",
                )
                return _OLD_ENCODING
        return "utf-8"


class _readable:  # noqa: N801  (reads as a clause of a `with` statement)
    """Turn what a damaged table raises into one line."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: object, error: BaseException | None, traceback: object) -> None:
        import pyarrow

        if isinstance(error, UnicodeError):
            raise InputError(
                f"{self._name}: expected text in UTF-8 or Windows-1252, got bytes that are neither; save the table as "
                "CSV UTF-8"
            ) from error
        if isinstance(error, csv.Error | pyarrow.ArrowInvalid):
            raise InputError(f"{self._name}: expected a table (UTF-8 CSV or Parquet), got: {error}") from error


def _csv_header(text: io.TextIOWrapper) -> tuple[list[str], _Lines]:
    header, n_before = text.readline(), 0
    told = _SEPARATOR_LINE.fullmatch(header)
    if told:
        header, n_before = text.readline(), 1
    delimiter = told[1] if told else max(_DELIMITERS, key=header.count)
    names = [_column_name(name) for name in next(csv.reader([header], delimiter=delimiter), [])]
    return names, _Lines(csv.reader(text, delimiter=delimiter, strict=True), n_before=n_before + 1)


def _column_name(text: str) -> str:
    """Return a column's name in our spelling: ` Height cm` is `height_cm`; of others' columns their own."""
    name = re.sub(r"[\s_-]+", "_", text.strip().casefold())
    return name if name in COLUMNS else text.strip()


def _surplus(number: int, cells: list[str], *, n_columns: int) -> list[str]:
    """Say that a row has values beyond the last column; empty cells there are a spreadsheet's habit."""
    if not any(cells[n_columns:]):
        return []
    return [
        f"row {number}: expected {n_columns} cells as in the header, got {len(cells)}; quote values with a delimiter"
    ]


class _Lines:
    """A CSV reader whose line numbers count the lines above: the header and what stands before it."""

    def __init__(self, reader: Any, *, n_before: int) -> None:
        self._reader = reader
        self._n_before = n_before

    @property
    def line_num(self) -> int:
        return int(self._reader.line_num) + self._n_before

    def __iter__(self) -> Iterator[list[str]]:
        yield from self._reader


def _as_text(value: object) -> str:
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return ""
    return str(value).strip()


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
            found=locate(self._values.get("path") or ""),
            subject=self._values.get("subject") or "",
            session=self._values.get("session") or "",
            clip=ClipOptions(
                exercise=self._read("exercise", _exercise),
                start=self._read("start", lambda text: _position_text(parse_position(_with_point(text)))),
                end=self._read("end", lambda text: _position_text(parse_position(_with_point(text)))),
                crop=self._read("crop", lambda text: str(parse_crop(text))),
                height_m=self._read("height_cm", _height_m),
            ),
        )

    def _read(self, column: str, read: Callable[[str], Any]) -> Any:
        text = self._values.get(column)
        if not text:
            return None
        try:
            return read(text)
        except InvalidValueError as error:
            self.errors.append(f"row {self._number}, column `{column}`: {error}")
            return None

    def _wrong(self, column: str, expected: str, got: str) -> None:
        self.errors.append(f"row {self._number}, column `{column}`: expected {expected}, got {got}")


def _exercise(text: str) -> Exercise:
    """Read an exercise by its name or label, whatever its case, with spaces or underscores for hyphens."""
    wanted = _spelt_alike(text)
    for exercise in Exercise:
        if wanted in (exercise.value, _spelt_alike(exercise.label)):
            return exercise
    raise InvalidValueError(f"expected {', '.join(Exercise)}, got `{text}`")


def _spelt_alike(text: str) -> str:
    return re.sub(r"[\s_-]+", "-", text.strip().casefold())


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
