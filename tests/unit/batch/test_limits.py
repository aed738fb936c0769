"""How long a clip may take."""

from pathlib import Path

import pytest

from backsight.batch.limits import LIMIT_PER_SECOND, SHORTEST_LIMIT_S, Deadlines, TimeLimit
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


def test_it_grows_with_what_the_header_tells_but_not_beyond_what_the_bytes_can_hold(tmp_path: Path) -> None:
    clip = tmp_path / "two seconds.mp4"
    write_clip(clip, times_s=[n / 30 for n in range(60)])
    # A picture that stands still takes few bytes.
    lenient = TimeLimit(fewest_bytes_per_s=1)
    assert lenient(job(clip)) == pytest.approx(SHORTEST_LIMIT_S + 2.0 * LIMIT_PER_SECOND, abs=2.0)
    # As if a camera could not write fewer bytes a second than this file has: one second is believed.
    strict = TimeLimit(fewest_bytes_per_s=clip.stat().st_size)
    assert strict(job(clip)) == pytest.approx(SHORTEST_LIMIT_S + LIMIT_PER_SECOND)


def test_the_reason_says_whose_limit_it_was() -> None:
    assert TimeLimit(7.0).why_given_up(7.0).startswith("given up after 7 s, the time that --clip-timeout allows: ")
    assert TimeLimit().why_given_up(640.0).startswith("given up after 640 s, longer than a clip of its length should")


def test_a_task_is_overdue_its_limit_after_it_was_heard_to_begin() -> None:
    deadlines = Deadlines()
    deadlines.expect("0:a")
    assert list(deadlines.overdue(now_s=1e9)) == []
    deadlines.hear([("0:a", 600.0), ("0:a", 7.0)], now_s=100.0)
    # What is said last counts: the length is known by then.
    assert list(deadlines.overdue(now_s=106.9)) == []
    assert list(deadlines.overdue(now_s=107.0)) == [("0:a", 7.0)]


def test_what_is_heard_late_of_an_earlier_attempt_does_not_count() -> None:
    deadlines = Deadlines()
    deadlines.expect("0:a")
    deadlines.forget("0:a")
    deadlines.expect("1:a")
    deadlines.hear([("0:a", 7.0), ("5:nobody's", 7.0)], now_s=0.0)
    assert list(deadlines.overdue(now_s=1e9)) == []
    deadlines.hear([("1:a", 7.0)], now_s=50.0)
    assert list(deadlines.overdue(now_s=57.0)) == [("1:a", 7.0)]
