"""How long a clip may take."""

from pathlib import Path

import pytest

from backsight.batch import limits
from backsight.batch.limits import LIMIT_PER_SECOND, SHORTEST_LIMIT_S, TimeLimit
from backsight.batch.options import ClipOptions
from backsight.batch.work import Job
from tests.clips import write_clip


def job(path: Path) -> Job:
    return Job("key", path, ClipOptions())


def test_what_the_user_says_holds_for_every_clip(tmp_path: Path) -> None:
    limit = TimeLimit(7.0)
    assert (limit(job(tmp_path / "absent.mp4")), limit.until_known_s) == (7.0, 7.0)


def test_what_is_no_video_gets_the_shortest(tmp_path: Path) -> None:
    (tmp_path / "text.mp4").write_bytes(b"no video")
    for name in ("text.mp4", "absent.mp4"):
        assert TimeLimit()(job(tmp_path / name)) == SHORTEST_LIMIT_S


def test_it_grows_with_what_the_header_tells_but_not_beyond_what_the_bytes_can_hold(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clip = tmp_path / "two seconds.mp4"
    write_clip(clip, times_s=[n / 30 for n in range(60)])
    # A picture that stands still takes few bytes.
    monkeypatch.setattr(limits, "_FEWEST_BYTES_PER_S", 1)
    assert TimeLimit()(job(clip)) == pytest.approx(SHORTEST_LIMIT_S + 2.0 * LIMIT_PER_SECOND, abs=2.0)
    # As if a camera could not write fewer bytes a second than this file has: one second is believed.
    monkeypatch.setattr(limits, "_FEWEST_BYTES_PER_S", clip.stat().st_size)
    assert TimeLimit()(job(clip)) == pytest.approx(SHORTEST_LIMIT_S + LIMIT_PER_SECOND)
