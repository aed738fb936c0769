"""The state machine of a sitting: what each key and each moment leads to."""

import pytest

from backsight.domain.recording import Exercise
from backsight.errors import InvalidValueError
from backsight.live.session import COUNTDOWN_S, Command, Key, Phase, Session


def ready(**options: object) -> Session:
    session = Session(**options)  # type: ignore[arg-type]
    session.find_camera(now_s=0.0)
    return session


def record(session: Session, *, at_s: float) -> float:
    """Record the chosen exercise to its end; return when that is."""
    session.press(Key.RECORD, now_s=at_s)
    assert session.tick(now_s=at_s + COUNTDOWN_S) == (Command.BEGIN,)
    end_s = at_s + COUNTDOWN_S + session.exercise_s
    assert session.tick(now_s=end_s) == (Command.END,)
    session.keep(session.exercise_s, exercise=session.exercise)
    return end_s


def test_nothing_can_be_started_before_there_is_a_picture() -> None:
    session = Session()
    assert session.press(Key.RECORD, now_s=0.0) == ()
    assert session.phase is Phase.WAITING


def test_an_exercise_is_counted_down_and_ends_by_itself() -> None:
    session = ready(exercise_s=4.0)
    assert session.press(Key.START, now_s=10.0) == ()
    assert [session.guidance(now_s=10.0 + t).number for t in (0.0, 0.5, 3.9, 4.5)] == [5, 5, 2, 1]
    assert session.tick(now_s=14.9) == ()
    assert session.tick(now_s=15.0) == (Command.BEGIN,)
    assert not session.is_recording
    assert session.guidance(now_s=15.5).headline == "Stand still"
    assert session.guidance(now_s=16.6).headline == "Touch your toes"
    assert session.guidance(now_s=18.5).number == 1
    assert session.tick(now_s=19.0) == (Command.END,)
    assert session.phase is Phase.DONE


@pytest.mark.parametrize("key", [Key.START, Key.RECORD])
def test_either_key_stops_an_exercise_and_a_countdown(key: Key) -> None:
    session = ready()
    session.press(Key.RECORD, now_s=0.0)
    assert session.press(key, now_s=1.0) == ()
    assert session.phase is Phase.READY
    session.press(Key.RECORD, now_s=2.0)
    session.tick(now_s=2.0 + COUNTDOWN_S)
    assert session.press(key, now_s=9.0) == (Command.END,)


@pytest.mark.parametrize(
    ("key", "expected"),
    [(Key.NEXT, Exercise.WALK), (Key.JUMP, Exercise.JUMP), (Key.TOUCH_TOES, Exercise.TOUCH_TOES)],
)
def test_exercises_are_chosen(key: Key, expected: Exercise) -> None:
    session = ready()
    session.press(key, now_s=0.0)
    assert session.exercise is expected


def test_saving_needs_something_recorded() -> None:
    session = ready()
    assert session.press(Key.SAVE, now_s=0.0) == ()
    now_s = record(session, at_s=0.0)
    assert session.press(Key.SAVE, now_s=now_s) == (Command.SAVE,)
    assert session.press(Key.QUIT, now_s=now_s) == ()
    session.saved("index 0.3")
    assert session.guidance(now_s=now_s).detail == "index 0.3"
    assert session.press(Key.QUIT, now_s=now_s) == (Command.QUIT,)


def test_what_is_not_saved_is_asked_for_before_leaving() -> None:
    session = ready()
    now_s = record(session, at_s=0.0)
    assert session.press(Key.QUIT, now_s=now_s) == ()
    assert "throw away" in str(session.guidance(now_s=now_s).keys)
    # Any other key takes the question back.
    session.press(Key.NEXT, now_s=now_s)
    assert session.press(Key.QUIT, now_s=now_s) == ()
    assert session.press(Key.QUIT, now_s=now_s) == (Command.QUIT,)


def test_a_try_is_left_without_a_question() -> None:
    session = ready()
    session.press(Key.START, now_s=0.0)
    session.tick(now_s=COUNTDOWN_S)
    assert session.press(Key.QUIT, now_s=6.0) == (Command.QUIT,)


def test_a_camera_pulled_out_ends_the_exercise_and_keeps_what_was_recorded() -> None:
    session = ready()
    session.press(Key.RECORD, now_s=0.0)
    session.tick(now_s=COUNTDOWN_S)
    assert session.lose_camera("camera:0: the camera stopped", now_s=8.0) == (Command.END,)
    session.keep(3.0, exercise=session.exercise)
    shown = session.guidance(now_s=8.1)
    assert shown.tone == "trouble"
    assert shown.detail == "camera:0: the camera stopped; 3.0 s recorded, kept"
    assert ("c", "connect again") in shown.keys
    assert session.press(Key.CONNECT, now_s=9.0) == (Command.CONNECT,)
    session.await_camera(now_s=9.5)
    session.find_camera(now_s=10.0)
    assert session.phase is Phase.READY
    assert session.press(Key.SAVE, now_s=11.0) == (Command.SAVE,)


def test_a_failed_save_can_be_tried_again() -> None:
    session = ready()
    now_s = record(session, at_s=0.0)
    session.press(Key.SAVE, now_s=now_s)
    session.fail("the disk is full")
    assert session.guidance(now_s=now_s).detail == "the disk is full"
    assert session.press(Key.SAVE, now_s=now_s) == (Command.SAVE,)


@pytest.mark.parametrize("seconds", [0.5, 61.0, float("nan")])
def test_an_exercise_is_no_shorter_than_a_second_and_no_longer_than_the_papers_limit(seconds: float) -> None:
    with pytest.raises(InvalidValueError, match="exercise_s"):
        Session(exercise_s=seconds)


def test_a_camera_pulled_out_while_saving_is_told_afterwards() -> None:
    session = ready()
    now_s = record(session, at_s=0.0)
    session.press(Key.SAVE, now_s=now_s)
    assert session.lose_camera("The video is over", now_s=now_s) == ()
    assert session.phase is Phase.SAVING
    session.saved("index 0.3.")
    assert session.phase is Phase.NO_CAMERA
    assert session.guidance(now_s=now_s).detail == "Saved. index 0.3. The video is over"
    assert session.press(Key.CONNECT, now_s=now_s) == (Command.CONNECT,)
