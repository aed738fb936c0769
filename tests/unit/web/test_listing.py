"""A study's list of participants: chosen, sorted, cut into pages."""

from __future__ import annotations

from datetime import timedelta

import pytest

from backsight.domain.assessment import IndexVerdict, QualityVerdict
from backsight.storage.overview import ParticipantOverview
from backsight.storage.tables import ParticipantState, RecordingState, now
from backsight.web.listing import PEOPLE_ON_PAGE, Show, SortBy, list_people

NOW = now()


def person(code: str, **changes: object) -> ParticipantOverview:
    given: dict[str, object] = {
        "participant_id": code,
        "code": code,
        "label": "",
        "state": ParticipantState.INVITED,
        "is_flagged": False,
        "is_excluded": False,
        "exclusion_reason": "",
        "n_visits": 0,
        "last_visit_at": None,
    }
    return ParticipantOverview(**(given | changes))  # type: ignore[arg-type]


FINISHED = ParticipantState.FINISHED
PEOPLE = [
    person("A"),
    person(
        "B",
        state=FINISHED,
        last_visit_at=NOW - timedelta(days=3),
        quality=QualityVerdict.GOOD,
        index=0.2,
        verdict=IndexVerdict.NO_RED_FLAG,
    ),
    person(
        "C",
        state=FINISHED,
        last_visit_at=NOW,
        quality=QualityVerdict.POOR,
        index=0.8,
        verdict=IndexVerdict.RED_FLAG,
        is_excluded=True,
    ),
    person(
        "D", state=ParticipantState.RECORDING, last_visit_at=NOW - timedelta(days=9), quality=QualityVerdict.UNUSABLE
    ),
    person("E", state=ParticipantState.CONSENTED, recordings={RecordingState.FAILED: 1}),
]


@pytest.mark.parametrize(
    ("show", "codes"),
    [
        (Show.ALL, "ABCDE"),
        (Show.ATTENTION, "DE"),
        (Show.RED_FLAG, "C"),
        (Show.UNFINISHED, "ADE"),
        (Show.FINISHED, "BC"),
        (Show.POOR, "CD"),
        (Show.EXCLUDED, "C"),
    ],
)
def test_who_is_shown(show: Show, codes: str) -> None:
    assert "".join(one.code for one in list_people(PEOPLE, show=show, sort=SortBy.CODE).people) == codes


@pytest.mark.parametrize(
    ("sort", "codes"),
    [
        (SortBy.ATTENTION, "DEABC"),
        (SortBy.CODE, "ABCDE"),
        (SortBy.STATE, "AEDBC"),
        (SortBy.LAST_VISIT, "CBDAE"),
        (SortBy.QUALITY, "DCBAE"),
        (SortBy.INDEX, "CBADE"),
    ],
)
def test_the_order(sort: SortBy, codes: str) -> None:
    assert "".join(one.code for one in list_people(PEOPLE[::-1], sort=sort).people) == codes


def test_pages_hold_everybody_once_and_beyond_the_last_is_the_last() -> None:
    people = [person(f"P-{number:04d}") for number in range(2 * PEOPLE_ON_PAGE + 1)]
    pages = [list_people(people, page=page) for page in (1, 2, 3, 99)]
    assert [one.code for page in pages[:3] for one in page.people] == [one.code for one in people]
    assert [(page.first, page.n_pages) for page in pages] == [(1, 3), (51, 3), (101, 3), (101, 3)]
    assert pages[3].people == pages[2].people
    assert pages[0].address(page=2) == "?show=all&sort=to-look-at&page=2#people"


def test_an_empty_list_is_one_empty_page() -> None:
    listing = list_people([])
    assert (listing.people, listing.page, listing.n_pages, listing.first) == ((), 1, 1, 0)
