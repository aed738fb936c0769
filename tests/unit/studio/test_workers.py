"""Jobs on several processes: every outcome arrives, errors stay with their job, and leaving early stops the rest."""

from pathlib import Path

import pytest

from backsight.errors import FilmingError
from backsight.studio.workers import run_jobs
from tests.unit.studio.fakes import square, touch_until_stopped


@pytest.mark.parametrize("n_workers", [1, 2])
def test_every_job_has_an_outcome_and_an_error_stays_with_its_job(n_workers: int) -> None:
    counts: list[int] = []
    results, failed = {}, []
    for outcome in run_jobs([2, 13, 3], square, n_workers=n_workers, on_count=counts.append):
        try:
            results[outcome.job] = outcome.result()
        except ValueError:
            failed.append(outcome.job)
    assert (results, failed) == ({2: 4, 3: 9}, [13])
    assert counts == sorted(counts)
    assert counts[-1] == 2  # Two jobs counted one each before they ended, the third stumbled first.


def test_a_process_that_dies_is_told_and_not_waited_for() -> None:
    outcomes = run_jobs([2, 99], square, n_workers=2)
    with pytest.raises(FilmingError, match=r"a worker process has died.*fewer --workers"):
        [outcome.result() for outcome in outcomes]


def test_leaving_early_unwinds_running_jobs_and_starts_no_others(tmp_path: Path) -> None:
    jobs = [tmp_path / str(number) for number in range(6)]

    def leave_when_both_run(_count: int) -> None:
        if jobs[0].exists() and jobs[1].exists():
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        list(run_jobs(jobs, touch_until_stopped, n_workers=2, on_count=leave_when_both_run))

    begun = {path for path in jobs if path.exists()}
    unwound = {path for path in jobs if path.with_suffix(".unwound").exists()}
    assert begun == unwound
    # The pool hands a process its next job a little ahead; whatever was handed over stops at its first count.
    assert jobs[0] in begun
    assert jobs[1] in begun
    assert jobs[5] not in begun
