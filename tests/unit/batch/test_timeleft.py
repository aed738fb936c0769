import pytest

from backsight.batch.timeleft import TimeLeft


def test_work_counts_in_bytes_and_not_in_clips() -> None:
    left = TimeLeft(1000)
    left.begin(0.0)
    assert left.remaining_s(0.0) is None
    for end_s in (1.0, 2.0, 3.0):
        left.finish(100, actual_bytes=100, now_s=end_s)
    # 300 bytes took 3 s, so the other 700 take 7 s, however many clips they are.
    assert left.remaining_s(3.0) == pytest.approx(7.0)


def test_what_was_there_already_is_no_speed() -> None:
    left = TimeLeft(1000)
    left.skip(400)
    left.begin(0.0)
    for end_s in (1.0, 2.0, 3.0):
        left.finish(100, actual_bytes=100, now_s=end_s)
    assert left.remaining_s(3.0) == pytest.approx(3.0)


def test_the_speed_is_that_of_the_last_clips() -> None:
    left = TimeLeft(1000, window=3)
    left.begin(0.0)
    for end_s in (1.0, 2.0, 3.0, 13.0, 23.0, 33.0):
        left.finish(100, actual_bytes=100, now_s=end_s)
    # The last three took 10 s each; four are left.
    assert left.remaining_s(33.0) == pytest.approx(40.0)


def test_a_clip_that_hangs_makes_the_answer_grow() -> None:
    left = TimeLeft(400)
    left.begin(0.0)
    for end_s in (1.0, 2.0, 3.0):
        left.finish(100, actual_bytes=100, now_s=end_s)
    assert left.remaining_s(9.0) == pytest.approx(3.0)


def test_clips_of_unknown_size_count_as_the_mean_of_the_others() -> None:
    left = TimeLeft(0, n_unknown=5)
    left.begin(0.0)
    for end_s, size in ((1.0, 50), (2.0, 100), (3.0, 150)):
        left.finish(None, actual_bytes=size, now_s=end_s)
    # Two are left, of 100 bytes each, at 100 bytes a second.
    assert left.remaining_s(3.0) == pytest.approx(2.0)
