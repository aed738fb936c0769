"""Read a table, CSV or Parquet, a row at a time as text, and collect what is wrong with it. Knows no column."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from backsight.errors import InputError

MANY_MISTAKES = 10
"""So many are named; a table with more is wrong as a whole, and a longer list helps nobody."""
_DELIMITERS = ",;\t"
_ROWS_AT_ONCE = 1024


@dataclass(frozen=True)
class Line:
    """A row of a table."""

    number: int
    """As a spreadsheet counts: the header of a CSV file is row 1. Rows of a Parquet file count from 1."""
    values: Mapping[str, str]
    """By column, without surrounding spaces; empty or absent = nothing there."""
    mistakes: tuple[str, ...] = ()
    """What is wrong with the row's shape."""


class Table:
    """A table: CSV (UTF-8; comma, semicolon or tab) or Parquet; read anew each time it is iterated.

    Parameters
    ----------
    name
        What messages call it.
    open_file
        Opens it for reading bytes; raises `InputError` where that fails.
    is_parquet
        False = CSV.

    Raises
    ------
    InputError
        When the table cannot be read or has a column twice.
    """

    def __init__(self, name: str, open_file: Callable[[], IO[bytes]], *, is_parquet: bool) -> None:
        self.name = name
        self._open = open_file
        self._is_parquet = is_parquet
        self.columns = self._read_columns()
        """Names in their order."""
        twice = sorted({name for name in self.columns if name and self.columns.count(name) > 1})
        if twice:
            raise InputError(
                f"{self.name}, row 1: expected each column once, got `{'`, `'.join(twice)}` several times; remove or "
                "rename all but one"
            )

    @classmethod
    def of_file(cls, path: Path) -> Table:
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

        return cls(path.name, open_file, is_parquet=path.suffix.lower() == ".parquet")

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
                return tuple(pq.ParquetFile(file).schema_arrow.names)
        with _as_text_file(self._open()) as file, _readable(self.name):
            return tuple(_csv_header(file)[0])

    def _parquet_lines(self) -> Iterator[Line]:
        import pyarrow.parquet as pq

        with self._open() as file, _readable(self.name):
            number = 0
            for batch in pq.ParquetFile(file).iter_batches(batch_size=_ROWS_AT_ONCE):
                for record in batch.to_pylist():
                    number += 1
                    yield Line(number, {name: as_text(value) for name, value in record.items()})

    def _csv_lines(self) -> Iterator[Line]:
        with _as_text_file(self._open()) as file, _readable(self.name):
            names, lines = _csv_header(file)
            for line in lines:
                cells = [cell.strip() for cell in line]
                if any(cells):
                    mistakes = _surplus(lines.line_num, cells, n_columns=len(names))
                    # A row that ends early leaves its last columns empty.
                    yield Line(lines.line_num, dict(zip(names, cells, strict=False)), mistakes)


def raise_mistakes(name: str, mistakes: Sequence[str]) -> None:
    """Raise `InputError` when there are mistakes; it names the first `MANY_MISTAKES`."""
    if mistakes:
        more = f"; and {len(mistakes) - MANY_MISTAKES} more" if len(mistakes) > MANY_MISTAKES else ""
        raise InputError(f"{name}: {'; '.join(mistakes[:MANY_MISTAKES])}{more}")


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

        # What Parquet's reader says of damaged bytes has no number, other than what the machine says.
        is_damaged = isinstance(error, OSError) and error.errno is None
        if is_damaged or isinstance(error, UnicodeDecodeError | csv.Error | pyarrow.ArrowException):
            raise InputError(f"{self._name}: expected a table (UTF-8 CSV or Parquet), got: {error}") from error


def _as_text_file(file: IO[bytes]) -> io.TextIOWrapper:
    return io.TextIOWrapper(file, encoding="utf-8-sig", newline="")


def _csv_header(text: io.TextIOWrapper) -> tuple[list[str], _Lines]:
    header = text.readline()
    delimiter = max(_DELIMITERS, key=header.count)
    names = [name.strip() for name in next(csv.reader([header], delimiter=delimiter), [])]
    return names, _Lines(csv.reader(text, delimiter=delimiter, strict=True))


def _surplus(number: int, cells: list[str], *, n_columns: int) -> tuple[str, ...]:
    """Say that a row has values beyond the last column; empty cells there are a spreadsheet's habit."""
    if not any(cells[n_columns:]):
        return ()
    return (
        f"row {number}: expected {n_columns} cells as in the header, got {len(cells)}; quote values with a delimiter",
    )


class _Lines:
    """A CSV reader whose line numbers count the header."""

    def __init__(self, reader: Any) -> None:
        self._reader = reader

    @property
    def line_num(self) -> int:
        return int(self._reader.line_num) + 1

    def __iter__(self) -> Iterator[list[str]]:
        yield from self._reader
