"""Ctrl-C ends a command that keeps what is finished, even where a library has swallowed it."""

from __future__ import annotations

import contextlib
import signal
import threading

import pytest

from backsight.cli.interruption import OnProgress, resumable

HOW_TO_GO_ON = "What is finished is kept; run the same command again to go on.\n"


@pytest.fixture(autouse=True)
def _usual_handler():
    # Tests that a shell runs in the background ignore Ctrl-C.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def press_and_lose() -> None:
    with contextlib.suppress(KeyboardInterrupt):
        signal.raise_signal(signal.SIGINT)


def lose_one_between_two_steps(on_progress: OnProgress | None) -> None:
    with resumable() as interruption:
        show = interruption.watching(on_progress)
        show("trials", 0, 9)
        press_and_lose()
        show("trials", 1, 9)
        pytest.fail("went on")


def trip_over_one() -> None:
    with resumable():
        press_and_lose()
        raise UnboundLocalError("updated_state")


def test_a_lost_interruption_ends_the_command_at_its_next_step(capsys) -> None:
    steps: list[tuple[str, int, int]] = []
    with pytest.raises(KeyboardInterrupt):
        lose_one_between_two_steps(lambda *told: steps.append(told))
    assert steps == [("trials", 0, 9)]
    assert capsys.readouterr().err == HOW_TO_GO_ON


def test_a_quiet_command_ends_at_its_next_step_too() -> None:
    with pytest.raises(KeyboardInterrupt):
        lose_one_between_two_steps(None)


def test_an_interruption_lost_when_everything_is_done_says_nothing_of_going_on(capsys) -> None:
    with resumable() as interruption:
        interruption.watching(None)("trials", 9, 9)
        press_and_lose()
    assert capsys.readouterr().err == ""


def test_an_error_that_a_library_made_of_an_interruption_is_one() -> None:
    with pytest.raises(KeyboardInterrupt) as ended:
        trip_over_one()
    assert isinstance(ended.value.__cause__, UnboundLocalError)


def test_an_error_of_its_own_stays_what_it_is(capsys) -> None:
    with pytest.raises(ValueError, match="bad row"), resumable():
        raise ValueError("bad row")
    assert capsys.readouterr().err == ""


def test_what_becomes_of_ctrl_c_is_left_as_it_was_found() -> None:
    with resumable():
        assert signal.getsignal(signal.SIGINT) is not signal.default_int_handler
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with resumable():
        signal.raise_signal(signal.SIGINT)
    assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN


def test_outside_the_main_thread_nothing_is_handled() -> None:
    ended = []

    def work() -> None:
        with resumable():
            ended.append("well")

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert ended == ["well"]
