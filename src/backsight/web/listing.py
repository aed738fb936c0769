"""Choose, sort and cut into pages a study's list of participants. Knows no request and no table.

Nothing is searched for by name: an address with a name in it would stay in histories and logs.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any
from urllib.parse import urlencode

from backsight.domain.assessment import IndexVerdict, QualityVerdict
from backsight.storage.overview import ParticipantOverview
from backsight.storage.tables import ParticipantState

PEOPLE_ON_PAGE = 50
_LONG_AGO = datetime(1, 1, 1, tzinfo=UTC)


class Show(StrEnum):
    """Who is listed."""

    ALL = "all"
    ATTENTION = "to-look-at"
    RED_FLAG = "red-flag"
    UNFINISHED = "unfinished"
    FINISHED = "finished"
    POOR = "poor-quality"
    EXCLUDED = "excluded"

    @property
    def label(self) -> str:
        """As it stands in the form."""
        return {
            "all": "Everybody",
            "to-look-at": "To look at",
            "red-flag": "Red flag",
            "unfinished": "Not finished",
            "finished": "Finished",
            "poor-quality": "Poor or unusable quality",
            "excluded": "Excluded",
        }[self.value]


class SortBy(StrEnum):
    """What the list is sorted by; the code decides between equals."""

    ATTENTION = "to-look-at"
    CODE = "code"
    STATE = "state"
    LAST_VISIT = "last-visit"
    QUALITY = "quality"
    INDEX = "index"

    @property
    def label(self) -> str:
        """As it stands in the form."""
        return {
            "to-look-at": "To look at first",
            "code": "Code",
            "state": "State",
            "last-visit": "Latest visit first",
            "quality": "Worst quality first",
            "index": "Highest index first",
        }[self.value]


_SHOWN: dict[Show, Callable[[ParticipantOverview], bool]] = {
    Show.ALL: lambda _: True,
    Show.ATTENTION: lambda one: one.needs_attention,
    Show.RED_FLAG: lambda one: one.verdict == IndexVerdict.RED_FLAG,
    Show.UNFINISHED: lambda one: one.state is not ParticipantState.FINISHED,
    Show.FINISHED: lambda one: one.state is ParticipantState.FINISHED,
    Show.POOR: lambda one: one.quality in (QualityVerdict.POOR, QualityVerdict.UNUSABLE),
    Show.EXCLUDED: lambda one: one.is_excluded,
}
_KEYS: dict[SortBy, Callable[[ParticipantOverview], Any]] = {
    SortBy.ATTENTION: lambda one: not one.needs_attention,
    SortBy.CODE: lambda _: 0,
    SortBy.STATE: lambda one: list(ParticipantState).index(one.state),
    SortBy.LAST_VISIT: lambda one: -((one.last_visit_at or _LONG_AGO) - _LONG_AGO).total_seconds(),
    # Who has none comes last.
    SortBy.QUALITY: lambda one: 1 if one.quality is None else -one.quality.severity,
    SortBy.INDEX: lambda one: 1.0 if one.index is None else -one.index,
}


@dataclass(frozen=True)
class Listing:
    """One page of a list of participants."""

    people: tuple[ParticipantOverview, ...]
    show: Show
    sort: SortBy
    page: int
    """Counted from 1."""
    n_pages: int
    n_shown: int
    """On all pages."""
    n_all: int

    @property
    def first(self) -> int:
        """Place of the first on this page, counted from 1; 0 = there is nobody."""
        return min((self.page - 1) * PEOPLE_ON_PAGE + 1, self.n_shown)

    def address(self, *, page: int) -> str:
        """Return the query of another page of the same list."""
        return "?" + urlencode({"show": self.show.value, "sort": self.sort.value, "page": page}) + "#people"


def list_people(
    people: Sequence[ParticipantOverview],
    *,
    show: Show = Show.ALL,
    sort: SortBy = SortBy.ATTENTION,
    page: int = 1,
) -> Listing:
    """Return a page of the list; beyond the last page the last one."""
    chosen = sorted((one for one in people if _SHOWN[show](one)), key=lambda one: (_KEYS[sort](one), one.code))
    n_pages = max(1, -(-len(chosen) // PEOPLE_ON_PAGE))
    page = min(max(page, 1), n_pages)
    return Listing(
        people=tuple(chosen[(page - 1) * PEOPLE_ON_PAGE : page * PEOPLE_ON_PAGE]),
        show=show,
        sort=sort,
        page=page,
        n_pages=n_pages,
        n_shown=len(chosen),
        n_all=len(people),
    )
