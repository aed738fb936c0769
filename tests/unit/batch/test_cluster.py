"""On a cluster of this machine alone, which takes some seconds to start."""

import tempfile
import time
from pathlib import Path

import pytest

from backsight.batch.cluster import RayPool
from backsight.batch.options import ClipOptions, RunOptions, Task
from backsight.batch.processes import Failure, Outcome
from backsight.batch.work import ClipResult, Equipment, Job
from tests.unit.batch.works import echo

ray = pytest.importorskip("ray", reason="the extra `cluster` is not installed")

pytestmark = [
    pytest.mark.slow,
    # Of ray itself, while it starts and stops.
    pytest.mark.filterwarnings("ignore::FutureWarning", "ignore::ResourceWarning", "ignore::DeprecationWarning"),
]


def wait_long(job: Job, **_: object) -> ClipResult:
    """Says where its recording is, then works until it is stopped."""
    Path(job.key).write_text(str(job.path), encoding="utf-8")
    while True:
        time.sleep(0.05)


def equipment(folder: Path) -> Equipment:
    for name in ("bundle", "model"):
        (folder / name).write_bytes(name.encode())
    return Equipment(RunOptions(Task.EXTRACT), folder / "bundle", folder / "model")


def run_folder(pool: RayPool) -> Path:
    return Path(tempfile.gettempdir()) / pool._folder


def test_nothing_stays_among_temporary_files_and_what_cannot_be_read_is_one_failure(tmp_path: Path) -> None:
    pool = RayPool(equipment(tmp_path), address="local", n_workers=1, work=echo)
    (tmp_path / "a.mp4").write_bytes(b"one")
    for name in ("a.mp4", "gone.mp4"):
        pool.submit(Job(name, tmp_path / name, ClipOptions()))
    outcomes: dict[str, Outcome] = {}
    while pool.n_outstanding:
        outcomes |= {job.key: outcome for job, outcome in pool.collect(timeout_s=1.0)}
    assert isinstance(outcomes["a.mp4"], ClipResult)
    assert outcomes["gone.mp4"] == Failure("cannot be read: No such file or directory")
    assert run_folder(pool).is_dir()
    pool.close()
    assert not run_folder(pool).exists()


def test_an_interrupted_run_leaves_no_recording(tmp_path: Path) -> None:
    pool = RayPool(equipment(tmp_path), address="local", n_workers=1, work=wait_long)
    (tmp_path / "a.mp4").write_bytes(b"one")
    mark = tmp_path / "mark"
    pool.submit(Job(str(mark), tmp_path / "a.mp4", ClipOptions()))
    while not (mark.exists() and mark.read_text()):
        assert pool.collect(timeout_s=0.1) == []
    recording = Path(mark.read_text())
    assert recording.is_file()
    pool.close()
    assert not recording.exists()
    assert not run_folder(pool).exists()
