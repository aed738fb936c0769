"""Read the rows of a study's table and say what is wrong with them by row and column. Knows nothing of landmarks."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TypeVar

from backsight.datasets.table import Line, Table
from backsight.domain.recording import HEIGHT_RANGE_M
from backsight.domain.study import RATING_SCALE, ScoreScale
from backsight.errors import InputError, InvalidValueError

COLUMNS: Mapping[str, str] = {
    "subject": "who; every spelling is another person",
    "exercise": "what was done; any name",
    "landmarks": "file of landmarks that Backsight wrote, relative to the manifest",
    "recording": "video whose landmarks are found with `backsight extract`, relative to the manifest",
    "rating": "how the person rated their own back afterwards, 0 worst to 100 best; empty = not asked",
    "score": "what somebody else scored, on a scale of its own; empty = not scored",
    "score_best": "score of the healthiest movement; the same in every row",
    "score_worst": "score of the least healthy movement; the same in every row",
    "score_unit": "what the score counts, for tables; the same in every row",
    "score_binary": "yes = a score is either the best or the worst; the same in every row",
    "group": "diagnosis or another grouping, by which results are told apart",
    "view": "where the camera stood",
    "session": "which of the subject's sessions",
    "height_cm": "standing height, 100 to 230",
    "name": "what messages call the clip",
    "exclude": "reason to leave the row out; empty, no, false or 0 = it is used",
    "source": "citation and licence of the data; the same in every row",
}
"""What each column holds."""
_CONSTANT = ("score_best", "score_worst", "score_unit", "score_binary", "source")
_NO, _YES = frozenset({"", "no", "false", "0"}), frozenset({"yes", "true", "1"})
_MISSING = frozenset({"na", "n/a", "nan", "null", "none", "-"})
"""What programs and people write in place of a number that is not there."""
_DECIMAL_COMMA = re.compile(r"[+-]?\d+,\d+")
_Value = TypeVar("_Value")


@dataclass(frozen=True)
class ScaleHint:
    """What is known of the scale besides the table; the table's own columns come first."""

    best: float | None = None
    worst: float | None = None
    unit: str | None = None
    is_binary: bool = False


@dataclass(frozen=True)
class StudyRow:
    """A clip of a manifest."""

    number: int
    subject: str
    exercise: str
    landmarks: str
    recording: str
    score: float
    """NaN = nobody scored it."""
    group: str
    view: str
    session: str
    name: str


@dataclass(eq=False)
class StudyRows:
    """A study's table, and everything that is wrong with it."""

    rows: list[StudyRow] = field(default_factory=list)
    """Those that are used and can be read."""
    mistakes: list[str] = field(default_factory=list)
    scale: ScoreScale = RATING_SCALE
    source: str = ""
    n_excluded: int = 0
    unknown_columns: tuple[str, ...] = ()
    """Columns that mean nothing here."""

    @property
    def score_column(self) -> str:
        """The column that holds the scores."""
        return "rating" if self.scale is RATING_SCALE else "score"


def read_rows(table: Table, *, required: tuple[str, ...], hint: ScaleHint) -> StudyRows:
    """Read a study's table.

    Parameters
    ----------
    required
        Columns that must be there; besides these either `rating` or `score` must.
    hint
        The scale, where the table does not tell it.

    Raises
    ------
    InputError
        When columns are missing or the table is damaged; mistakes in rows are collected instead.
    """
    _check_columns(table, required)
    lines, found = list(table), StudyRows(unknown_columns=tuple(name for name in table.columns if name not in COLUMNS))
    used = [line for line in lines if line.values.get("exclude", "").lower() in _NO]
    found.n_excluded = len(lines) - len(used)
    if not used:
        raise InputError(
            f"{table.name}: expected a row a clip below the header, got "
            f"{f'{len(lines)}, all excluded' if lines else 'none'}"
        )
    constants = {name: _constant(name, used, found.mistakes) for name in _CONSTANT}
    found.source = constants["source"]
    found.scale = RATING_SCALE if "rating" in table.columns else _scale(table.name, constants, hint, found.mistakes)
    for line in used:
        parser = _RowParser(line, scale=found.scale, score_column=found.score_column)
        row = parser.parse(required)
        found.mistakes += (*line.mistakes, *parser.mistakes)
        if not (line.mistakes or parser.mistakes):
            found.rows.append(row)
    for column in ("subject", "exercise"):
        found.mistakes += _spelt_twice(column, used)
    return found


def _check_columns(table: Table, required: tuple[str, ...]) -> None:
    names, wanted = table.columns, ", ".join(required)
    missing = [name for name in required if name not in names]
    if not {"rating", "score"} & set(names):
        missing.append("rating or score")
    if missing:
        raise InputError(
            f"{table.name}, row 1: expected columns {wanted} and either rating or score; missing: "
            f"{', '.join(missing)}; got: {', '.join(names) or 'none'}"
        )
    if {"rating", "score"} <= set(names):
        raise InputError(
            f"{table.name}, row 1: expected either `rating` or `score`, got both; remove or rename the one that is not "
            "to be learnt"
        )


def _constant(name: str, lines: list[Line], mistakes: list[str]) -> str:
    """Return the value that all rows share; empty cells share it, too."""
    first: Line | None = None
    for line in lines:
        value = line.values.get(name, "")
        if not value:
            continue
        if first is None:
            first = line
        elif value != first.values[name]:
            mistakes.append(_mistake(line.number, name, f"`{first.values[name]}` as in row {first.number}", value))
    return first.values[name] if first else ""


def _scale(name: str, constants: Mapping[str, str], hint: ScaleHint, mistakes: list[str]) -> ScoreScale:
    best = _number_or(constants["score_best"], hint.best, "score_best", mistakes)
    worst = _number_or(constants["score_worst"], hint.worst, "score_worst", mistakes)
    if best is None or worst is None:
        raise InputError(
            f"{name}: expected columns score_best and score_worst, which say what `score` means, got "
            f"{'neither' if best is None and worst is None else 'one of them'}; add them, the same in every row"
        )
    binary = constants["score_binary"].lower()
    if binary not in _NO | _YES:
        mistakes.append(f"column `score_binary`: expected yes or no, got `{constants['score_binary']}`")
    try:
        return ScoreScale(
            best=best,
            worst=worst,
            unit=constants["score_unit"] or hint.unit or "points",
            is_binary=binary in _YES or (not binary and hint.is_binary),
        )
    except InvalidValueError as error:
        raise InputError(f"{name}: columns score_best and score_worst: {error}") from error


def _number_or(text: str, default: float | None, column: str, mistakes: list[str]) -> float | None:
    if not text:
        return default
    try:
        return float(text)
    except ValueError:
        mistakes.append(f"column `{column}`: expected a number, got `{text}`")
        # Any number will do: the mistake ends the reading.
        return 1.0 if column == "score_best" else 0.0


def _spelt_twice(column: str, lines: list[Line]) -> list[str]:
    """Find names that differ in capitals or spaces only: one person as two would end up on both sides of a split."""
    first: dict[str, Line] = {}
    mistakes = []
    for line in lines:
        name = line.values.get(column, "")
        earlier = first.setdefault("".join(name.casefold().split()), line)
        if earlier.values.get(column, "") != name:
            mistakes.append(
                _mistake(line.number, column, f"`{earlier.values[column]}` as in row {earlier.number}", name)
            )
    return mistakes


def _mistake(number: int, column: str, expected: str, got: str) -> str:
    return f"row {number}, column `{column}`: expected {expected}, got {f'`{got}`' if got else 'nothing'}"


class _RowParser:
    """Reads one row, and collects everything that is wrong with it."""

    def __init__(self, line: Line, *, scale: ScoreScale, score_column: str) -> None:
        self.mistakes: list[str] = []
        self._line = line
        self._scale = scale
        self._score_column = score_column

    def parse(self, required: tuple[str, ...]) -> StudyRow:
        values = self._line.values
        for column in required:
            if not values.get(column):
                self._wrong(column, "a value")
        self._read("height_cm", _check_height)
        score = self._read(self._score_column, self._score)
        return StudyRow(
            number=self._line.number,
            score=math.nan if score is None else score,
            **{
                name: values.get(name, "")
                for name in ("subject", "exercise", "landmarks", "recording", "group", "view", "session", "name")
            },
        )

    def _score(self, text: str) -> float:
        best, worst = self._scale.best, self._scale.worst
        if text.casefold() in _MISSING:
            return math.nan
        try:
            score = float(text)
        except ValueError:
            score = math.inf
        if math.isnan(score):
            return score
        if _DECIMAL_COMMA.fullmatch(text):
            raise InvalidValueError(f"a decimal point, as {text.replace(',', '.')}")
        if self._scale.is_binary and score not in (best, worst):
            raise InvalidValueError(f"{worst:g} or {best:g}")
        if not min(best, worst) <= score <= max(best, worst):
            raise InvalidValueError(f"a number from {worst:g} (worst) to {best:g} (best)")
        return score

    def _read(self, column: str, read: Callable[[str], _Value]) -> _Value | None:
        text = self._line.values.get(column)
        if not text:
            return None
        try:
            return read(text)
        except InvalidValueError as error:
            self._wrong(column, str(error))
            return None

    def _wrong(self, column: str, expected: str) -> None:
        self.mistakes.append(_mistake(self._line.number, column, expected, self._line.values.get(column, "")))


def _check_height(text: str) -> None:
    shortest_cm, tallest_cm = (100 * limit for limit in HEIGHT_RANGE_M)
    try:
        height_cm = float(text)
    except ValueError:
        height_cm = math.nan
    # Written so that NaN is refused as well.
    if not shortest_cm <= height_cm <= tallest_cm:
        raise InvalidValueError(f"centimetres from {shortest_cm:.0f} to {tallest_cm:.0f}")
