"""What the window's panel says of an index, read from what is drawn."""

from __future__ import annotations

import math

import cv2
import pytest

from backsight.domain.assessment import IndexVerdict, Interval
from backsight.live.picture import Painter, Status
from backsight.live.preview import Preview
from backsight.live.session import Session


def drawn(preview: Preview, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return the texts that the window shows, in the order in which they are drawn."""
    texts: list[str] = []
    put_text = cv2.putText

    def noting(canvas, text, *how):
        texts.append(text)
        return put_text(canvas, text, *how)

    monkeypatch.setattr(cv2, "putText", noting)
    Painter().draw(None, guidance=Session().guidance(now_s=0.0), preview=preview, status=Status())
    return texts


@pytest.mark.parametrize(("level", "said"), [(0.9, "90 % range 0.20 to 0.40"), (0.8, "80 % range 0.20 to 0.40")])
def test_the_range_is_named_by_its_own_level(level: float, said: str, monkeypatch: pytest.MonkeyPatch) -> None:
    preview = Preview(index=0.3, interval=Interval(0.2, 0.4, level=level), is_running=True)
    assert [text for text in drawn(preview, monkeypatch) if "range" in text] == [said]


def test_without_an_interval_no_range_is_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    assert not [text for text in drawn(Preview(index=math.nan, is_running=True), monkeypatch) if "range" in text]


@pytest.mark.parametrize("reason", ["its model card allows no verdict", "this exercise alone tells nothing"])
def test_what_the_card_says_is_shown_whole(reason: str, monkeypatch: pytest.MonkeyPatch) -> None:
    preview = Preview(index=0.3, verdict=IndexVerdict.CANNOT_TELL, reason=reason, is_running=True)
    assert reason in " ".join(drawn(preview, monkeypatch))
