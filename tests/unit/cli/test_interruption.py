"""Ctrl-C ends a command that keeps what is finished, even where a library has swallowed it."""

from __future__ import annotations

import contextlib
import signal
import sys
import threading
import weakref

import pytest
from typer.testing import CliRunner

from backsight.cli.interruption import Interruption, OnProgress, noticing, reading_tables, resumable
from backsight.cli.main import app

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


@pytest.mark.parametrize(
    ("works", "words"),
    [
        ("backsight.composition.assess_to_folder", ["assess", "walk.mp4", "--exercise", "walk"]),
        ("backsight.composition.assess_to_folder", ["assess", "walk.mp4", "--exercise", "walk", "--quiet"]),
        ("backsight.composition.assess_to_folder", ["demo"]),
        ("backsight.laboratory.simulate_volunteer", ["simulate", "volunteer", "--out", "volunteer"]),
        ("backsight.laboratory.simulate_cohort", ["simulate", "cohort", "2", "--out", "cohort"]),
        ("backsight.laboratory.draw_contact_sheet", ["simulate", "contact-sheet", "--out", "sheet.png"]),
        ("backsight.pose.weights.fetch_bundles", ["models", "fetch", "lite"]),
    ],
    ids=lambda given: " ".join(given) if isinstance(given, list) else given.rpartition(".")[2],
)
def test_a_command_that_shows_progress_ends_where_a_library_has_lost_one(works, words, monkeypatch) -> None:
    def lose_one(*_given, on_progress, **_options) -> None:
        press_and_lose()
        on_progress("frames", 1, 9)
        pytest.fail("went on")

    monkeypatch.setattr(works, lose_one)
    done = CliRunner().invoke(app, words)
    assert (done.exit_code, done.stdout) == (130, "")


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


class Thing:
    """What a weak reference can point to."""


def press_where_no_exception_leaves() -> None:
    thing = Thing()
    told = weakref.ref(thing, lambda _: signal.raise_signal(signal.SIGINT))
    del thing
    assert told() is None


def lose_one_in_a_callback() -> None:
    with noticing():
        press_where_no_exception_leaves()
        threading.Event().wait(20)
        pytest.fail("went on")


def test_one_that_is_lost_in_a_callback_comes_again_and_shows_no_traceback(capsys) -> None:
    usual = sys.unraisablehook
    with pytest.raises(KeyboardInterrupt):
        lose_one_in_a_callback()
    assert capsys.readouterr().err == ""
    assert sys.unraisablehook is usual


def test_what_else_goes_wrong_in_a_callback_is_told_as_usual(monkeypatch) -> None:
    told: list[object] = []
    monkeypatch.setattr(sys, "unraisablehook", lambda lost: told.append(lost.exc_type))
    with noticing():
        thing = Thing()
        kept = weakref.ref(thing, lambda _: int("bad"))
        del thing
    assert (told, kept()) == ([ValueError], None)


def test_one_that_was_lost_outside_ends_the_block_within_at_its_next_step(capsys) -> None:
    def lose_one_and_go_on() -> None:
        with noticing() as outer:
            press_and_lose()
            with resumable() as inner:
                assert inner is outer
                inner.watching(None)("folds", 0, 2)
                pytest.fail("went on")

    with pytest.raises(KeyboardInterrupt):
        lose_one_and_go_on()
    assert capsys.readouterr().err == HOW_TO_GO_ON


def test_whoever_minded_ctrl_c_before_does_so_again() -> None:
    pressed: list[int] = []
    signal.signal(signal.SIGINT, lambda signum, _: pressed.append(signum))
    with noticing() as interruption:
        assert isinstance(interruption, Interruption)
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
    signal.raise_signal(signal.SIGINT)
    assert pressed == [signal.SIGINT]


def test_one_that_is_lost_while_tables_are_read_ends_the_command_when_they_are() -> None:
    steps = []

    def lose_one_while_reading() -> None:
        with reading_tables():
            press_and_lose()
            steps.append("read")
        pytest.fail("went on")

    with pytest.raises(KeyboardInterrupt):
        lose_one_while_reading()
    assert steps == ["read"]


def test_tables_are_read_where_pandas_is_not_installed(monkeypatch) -> None:
    monkeypatch.setitem(sys.modules, "pandas", None)
    steps = []
    with reading_tables():
        steps.append("read")
    assert steps == ["read"]
