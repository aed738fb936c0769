"""A search goes on to what it would have found at one go, and asks those who judge when it is done."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from backsight.errors import InputError, InvalidValueError, OutputError
from backsight.training import tuning
from backsight.training.kinematic import KinematicLearner
from backsight.training.tuning import Search, Tuned, Unfinished, check_storage, tune
from tests.unit.studying.moving import moving_study

N_TRIALS = 14
"""More than the ten that are drawn blindly, so that some rest on those before them."""


def trials_of(storage: Path) -> list[tuple[dict[str, float], str]]:
    """What was tried, in order, but for what was interrupted."""
    optuna = pytest.importorskip("optuna", reason="Optuna is in the extra `train`")
    (study,) = optuna.get_all_study_summaries(f"sqlite:///{storage}")
    found = optuna.load_study(study_name=study.study_name, storage=f"sqlite:///{storage}").trials
    return [(one.params, one.state.name) for one in found if one.state.name in ("COMPLETE", "PRUNED")]


def search(n_trials: int, **others: float) -> Search:
    return Search(n_trials=n_trials, n_folds=3, seed=7, **others)


def test_a_search_in_pieces_is_the_search_at_one_go(tmp_path, monkeypatch) -> None:
    study, learner = moving_study(), KinematicLearner()
    whole = tune(study, learner, storage=tmp_path / "whole.sqlite", search=search(N_TRIALS))

    pieces = tmp_path / "pieces.sqlite"
    judge = tuning.InnerFolds.__call__
    n_judged = 0

    def pull_the_plug(self, fold):
        nonlocal n_judged
        n_judged += 1
        if n_judged == 13:
            raise KeyboardInterrupt
        return judge(self, fold)

    with monkeypatch.context() as patched:
        patched.setattr(tuning.InnerFolds, "__call__", pull_the_plug)
        with pytest.raises(KeyboardInterrupt):
            tune(study, learner, storage=pieces, search=search(N_TRIALS))
    n_before = len(trials_of(pieces))
    assert 0 < n_before < N_TRIALS
    resumed = tune(study, learner, storage=pieces, search=search(N_TRIALS))

    assert trials_of(pieces) == trials_of(tmp_path / "whole.sqlite")
    assert isinstance(whole, Tuned)
    assert isinstance(resumed, Tuned)
    assert resumed.parameters == whole.parameters
    assert resumed.tuned.predicted.tolist() == whole.tuned.predicted.tolist()
    assert resumed.times_judged == 1


def test_nobody_judges_before_all_trials_are_done(tmp_path, monkeypatch) -> None:
    study, storage = moving_study(), tmp_path / "t.sqlite"
    clock = iter(range(0, 100, 4))
    with monkeypatch.context() as patched:
        patched.setattr(tuning.time, "monotonic", lambda: next(clock))
        patched.setattr(tuning, "_judge", lambda *_, **__: pytest.fail("those who judge were asked"))
        # Begun at 0 s; asked at 4 and 8 s, and at 12 s time is up.
        found = tune(study, KinematicLearner(), storage=storage, search=search(3, timeout_s=10.0))
    assert found == Unfinished(n_done=2, n_trials=3)

    done = tune(study, KinematicLearner(), storage=storage, search=search(3))
    assert isinstance(done, Tuned)
    assert (done.n_finished + done.n_given_up, done.times_judged) == (3, 1)


def test_trials_of_other_code_are_not_taken_up(tmp_path, monkeypatch) -> None:
    study, storage = moving_study(), tmp_path / "t.sqlite"
    for version in ("old", "new"):
        monkeypatch.setattr(tuning, "code_version", lambda version=version: version)
        found = tune(study, KinematicLearner(), storage=storage, search=search(2))
        assert isinstance(found, Tuned)
        assert (found.n_finished, found.times_judged) == (2, 1)


def test_impossible_settings_are_given_up_and_the_search_goes_on(tmp_path, monkeypatch) -> None:
    n_asked = 0

    def refuse_each_second(_learner):
        nonlocal n_asked
        n_asked += 1
        if n_asked % 2:
            raise InvalidValueError("not possible")

    monkeypatch.setattr(tuning, "check_possible", refuse_each_second)
    found = tune(moving_study(), KinematicLearner(), storage=tmp_path / "t.sqlite", search=search(4))
    assert isinstance(found, Tuned)
    assert (found.n_finished, found.n_given_up) == (2, 2)

    monkeypatch.setattr(tuning, "check_possible", lambda _: refuse_each_second(refuse_each_second(None)))
    with pytest.raises(InvalidValueError, match="none of 2 settings is possible"):
        tune(moving_study(), KinematicLearner(), storage=tmp_path / "none.sqlite", search=search(2))


def test_an_interruption_that_trips_optuna_is_an_interruption_still(tmp_path, monkeypatch):
    optuna = pytest.importorskip("optuna", reason="Optuna is in the extra `train`")

    def optimize(*_args, **_kwargs):
        try:
            raise KeyboardInterrupt
        finally:
            raise UnboundLocalError("cannot access local variable 'updated_state'")

    monkeypatch.setattr(optuna.Study, "optimize", optimize)
    with pytest.raises(KeyboardInterrupt):
        tune(moving_study(), KinematicLearner(), storage=tmp_path / "t.sqlite", search=Search(n_trials=1, n_folds=3))


def test_storage_that_can_be_written_leaves_nothing_and_changes_nothing(tmp_path):
    check_storage(tmp_path / "new.sqlite")
    assert list(tmp_path.iterdir()) == []
    earlier = tmp_path / "t.sqlite"
    tune(moving_study(), KinematicLearner(), storage=earlier, search=search(1))
    before = earlier.read_bytes()
    check_storage(earlier)
    assert earlier.read_bytes() == before


@pytest.mark.parametrize(
    "typed", ["postgresql://anna:secret@host/trials", "sqlite:///t.sqlite", "nowhere/t.sqlite", "."]
)
def test_storage_that_is_no_file_is_refused_and_nothing_is_made(tmp_path, monkeypatch, typed):
    monkeypatch.chdir(tmp_path)
    with pytest.raises((InputError, OutputError)) as refused:
        check_storage(Path(typed))
    said = {"nowhere/t.sqlite": "create it first", ".": "name a file"}.get(typed, "got a URL")
    assert said in str(refused.value)
    assert "secret" not in str(refused.value)
    assert list(tmp_path.iterdir()) == []


def test_a_file_of_something_else_is_refused_and_stays_as_it_is(tmp_path):
    text, people = tmp_path / "notes.txt", tmp_path / "people.db"
    text.write_text("not a database, and longer than its header would be: " * 9, encoding="utf-8")
    with closing(sqlite3.connect(people)) as database:
        # A study's browser pages keep a table of this name, too.
        database.execute("CREATE TABLE studies (name TEXT)")
        database.execute("CREATE TABLE people (name TEXT)")
    for path in (text, people):
        before = path.read_bytes()
        with pytest.raises(InputError, match="expected a file of earlier trials or none"):
            check_storage(path)
        assert path.read_bytes() == before


def test_storage_that_another_process_holds_is_refused(tmp_path, monkeypatch):
    held = tmp_path / "t.sqlite"
    connect = sqlite3.connect
    with closing(connect(held)) as database:
        database.execute("BEGIN EXCLUSIVE")
        monkeypatch.setattr(sqlite3, "connect", lambda path: connect(path, timeout=0))
        with pytest.raises(OutputError, match="database is locked"):
            check_storage(held)
