"""Read a table, CSV or Parquet, a row at a time as text, and collect what is wrong with it. Knows no column.

Spreadsheets write tables in several ways; what cannot be mistaken is read, and what is a guess is told.
"""

from __future__ import annotations

import codecs
import csv
import io
import math
import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from backsight.errors import InputError

MANY_MISTAKES = 10
"""So many are named; a table with more is wrong as a whole, and a longer list helps nobody."""
PART_BEHIND_NAME = re.compile(r"#(?:t|xywh)=[^#]*$")
"""How `assess` is told a recording's part (`inputs.parse_clip`); no cell of a table is read so."""
_DELIMITERS = {",": "commas", ";": "semicolons", "\t": "tabs"}
_ENCODING_MARKS = ((b"\xef\xbb\xbf", "utf-8-sig"), (b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16"))
"""What programs put before a text to tell its encoding (Unicode 16, section 23.8)."""
_OLD_ENCODING = "cp1252"
"""What spreadsheets of western Europe and America write where they do not write UTF-8; it includes Latin-1."""
_SEPARATOR_LINE = re.compile(r"sep=(.)\s*", re.IGNORECASE)
"""A first line by which a file tells Excel its delimiter."""
_BLOCK_BYTES = 1 << 20
_ROWS_AT_ONCE = 1024


@dataclass(frozen=True)
class Line:
    """A row of a table."""

    number: int
    """As a spreadsheet counts: the header is row 1, in a Parquet file, too."""
    values: Mapping[str, str]
    """By column, without surrounding spaces; empty or absent = nothing there."""
    mistakes: tuple[str, ...] = ()
    """What is wrong with the row's shape."""


class Table:
    """A table: CSV (comma, semicolon or tab; UTF-8, UTF-16 or, as a guess, Windows-1252) or Parquet.

    Read anew each time it is iterated.

    Parameters
    ----------
    name
        What messages call it.
    open_file
        Opens it for reading bytes; raises `InputError` where that fails.
    is_parquet
        False = CSV.
    known_columns
        Columns that are found however they are spelt: ` Height cm` is `height_cm`.

    Raises
    ------
    InputError
        When the table cannot be read or has a column twice.
    """

    def __init__(
        self,
        name: str,
        open_file: Callable[[], IO[bytes]],
        *,
        is_parquet: bool,
        known_columns: Collection[str] = (),
    ) -> None:
        self.name = name
        self._open = open_file
        self._is_parquet = is_parquet
        self._known_columns = known_columns
        self.notes: tuple[str, ...] = ()
        """What was guessed while it was read."""
        self._encoding = "" if is_parquet else self._find_encoding()
        self.columns = self._read_columns()
        """Names in their order."""
        twice = sorted({name for name in self.columns if name and self.columns.count(name) > 1})
        if twice:
            raise InputError(
                f"{self.name}, row 1: expected each column once, got `{'`, `'.join(twice)}` several times; remove or "
                "rename all but one"
            )

    @classmethod
    def of_file(cls, path: Path, *, known_columns: Collection[str] = ()) -> Table:
        """Open a table on this machine; Parquet by its suffix.

        Raises
        ------
        InputError
            As the class says, and when there is no such file.
        """

        def open_file() -> IO[bytes]:
            try:
                return path.open("rb")
            except OSError as error:
                raise InputError(f"{path}: cannot be read: {error.strerror or error}") from error

        is_parquet = path.suffix.lower() == ".parquet"
        return cls(path.name, open_file, is_parquet=is_parquet, known_columns=known_columns)

    def __iter__(self) -> Iterator[Line]:
        """Yield the rows in their order; empty ones are passed over.

        Raises
        ------
        InputError
            When the table is damaged.
        """
        return self._parquet_lines() if self._is_parquet else self._csv_lines()

    def _read_columns(self) -> tuple[str, ...]:
        if self._is_parquet:
            import pyarrow.parquet as pq

            with self._open() as file, _readable(self.name):
                return tuple(self._column(name) for name in pq.ParquetFile(file).schema_arrow.names)
        with self._open_text() as file, _readable(self.name):
            names, _, doubt = _csv_header(file)
            if doubt:
                self.notes += (f"{self.name} {doubt}",)
            return tuple(self._column(name) for name in names)

    def _column(self, text: str) -> str:
        """Return a column's name in our spelling; of others' columns their own."""
        name = re.sub(r"[\s_-]+", "_", text.strip().casefold())
        return name if name in self._known_columns else text.strip()

    def _open_text(self) -> io.TextIOWrapper:
        return io.TextIOWrapper(self._open(), encoding=self._encoding, newline="")

    def _find_encoding(self) -> str:
        """Return how the text is encoded, and note it where that is a guess."""
        decoder = codecs.getincrementaldecoder("utf-8")()
        with self._open() as file:
            block = file.read(_BLOCK_BYTES)
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
                    block = file.read(_BLOCK_BYTES)
                decoder.decode(b"", final=True)
            except UnicodeDecodeError:
                self.notes = (
                    f"{self.name} is not UTF-8 and was read as Windows-1252 (Latin-1): see whether names with accents "
                    "are right, or save it as CSV UTF-8",
                )
                return _OLD_ENCODING
        return "utf-8"

    def _parquet_lines(self) -> Iterator[Line]:
        import pyarrow.parquet as pq

        with self._open() as file, _readable(self.name):
            number = 1
            for batch in pq.ParquetFile(file).iter_batches(batch_size=_ROWS_AT_ONCE):
                for record in batch.to_pylist():
                    number += 1
                    yield Line(number, {self._column(name): as_text(value) for name, value in record.items()})

    def _csv_lines(self) -> Iterator[Line]:
        with self._open_text() as file, _readable(self.name):
            names, lines, _ = _csv_header(file)
            names = [self._column(name) for name in names]
            for line in lines:
                cells = [cell.strip() for cell in line]
                if any(cells):
                    mistakes = _surplus(lines.line_num, cells, n_columns=len(names))
                    # A row that ends early leaves its last columns empty.
                    yield Line(lines.line_num, dict(zip(names, cells, strict=False)), mistakes)


def raise_mistakes(name: str, mistakes: Sequence[str]) -> None:
    """Raise `InputError` when there are mistakes; it names the first `MANY_MISTAKES` in the order of rows."""
    if mistakes:
        mistakes = sorted(mistakes, key=_row_of)
        more = f"; and {len(mistakes) - MANY_MISTAKES} more" if len(mistakes) > MANY_MISTAKES else ""
        raise InputError(f"{name}: {'; '.join(mistakes[:MANY_MISTAKES])}{more}")


def _row_of(mistake: str) -> int:
    found = re.match(r"row (\d+)", mistake)
    return int(found[1]) if found else 0


def as_text(value: object) -> str:
    """Return a cell as text; missing is empty, and a whole number has no decimals."""
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return ""
    # A column of whole numbers with one cell missing is one of floats for many a writer.
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value).strip()


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
        # What Parquet's reader says of damaged bytes has no number, other than what the machine says.
        is_damaged = isinstance(error, OSError) and error.errno is None
        if is_damaged or isinstance(error, csv.Error | pyarrow.ArrowException):
            raise InputError(f"{self._name}: expected a table (UTF-8 CSV or Parquet), got: {error}") from error


def _csv_header(text: io.TextIOWrapper) -> tuple[list[str], _Lines, str]:
    """Return (names of the columns, what follows, why the delimiter is a guess or nothing)."""
    header, n_before = text.readline(), 0
    told = _SEPARATOR_LINE.fullmatch(header)
    if told:
        header, n_before = text.readline(), 1
    delimiter = told[1] if told else max(_DELIMITERS, key=header.count)
    names = next(csv.reader([header], delimiter=delimiter), [])
    others = [] if told else [name for mark, name in _DELIMITERS.items() if mark in header and mark != delimiter]
    doubt = ""
    if others:
        doubt = (
            f"was read with {_DELIMITERS[delimiter]} between columns, but has {' and '.join(others)} in its header, too"
        )
    return names, _Lines(csv.reader(text, delimiter=delimiter, strict=True), n_before=n_before + 1), doubt


def _surplus(number: int, cells: list[str], *, n_columns: int) -> tuple[str, ...]:
    """Say that a row has values beyond the last column; empty cells there are a spreadsheet's habit."""
    if not any(cells[n_columns:]):
        return ()
    return (
        f"row {number}: expected {n_columns} cells as in the header, got {len(cells)}; quote values with a delimiter",
    )


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
