"""On a cluster of this machine alone, which takes some seconds to start."""

import tempfile
import time
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest

from backsight.batch.cluster import RayPool, why_silent
from backsight.batch.limits import TimeLimit
from backsight.batch.options import ClipOptions, RunOptions, Task, how_nodes_differ
from backsight.batch.processes import Failure, Outcome
from backsight.batch.work import ClipResult, Equipment, Job
from backsight.errors import BatchError
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


def hang_over_one(job: Job, **_: object) -> ClipResult:
    return wait_long(job) if job.path.name == "hangs.mp4" else echo(job)


def test_a_clip_that_hangs_is_given_up_and_its_core_works_on(tmp_path: Path) -> None:
    pool = RayPool(equipment(tmp_path), address="local", n_workers=1, work=hang_over_one, time_limit=TimeLimit(1.0))
    # Both wait for the one core; only the time on the core counts.
    for name in ("hangs.mp4", "a.mp4"):
        (tmp_path / name).write_bytes(b"one")
        pool.submit(Job(str(tmp_path / f"{name}.mark"), tmp_path / name, ClipOptions()))
    outcomes: dict[str, Outcome] = {}
    while pool.n_outstanding:
        outcomes |= {job.path.name: outcome for job, outcome in pool.collect(timeout_s=0.2)}
    pool.close()
    hung = outcomes["hangs.mp4"]
    assert isinstance(hung, Failure)
    assert "given up after 1 s" in hung.reason
    assert not hung.process_died
    assert isinstance(outcomes["a.mp4"], ClipResult)


def test_nodes_with_other_software_are_refused_before_anything_is_done(tmp_path: Path) -> None:
    with pytest.raises(BatchError, match=r"[\d.]+ \(\w+\) has Backsight .* instead of 99\.0; install the same"):
        RayPool(equipment(tmp_path), address="local", n_workers=1, work=echo, needed={"Backsight": "99.0"})
    assert not ray.is_initialized()


def test_nodes_are_asked_for_learners_where_the_model_is_of_a_study(tmp_path: Path) -> None:
    own = tmp_path / "own.backsight"
    with zipfile.ZipFile(own, "w") as archive:
        archive.writestr("fitted.json", "{}")
    asked = replace(equipment(tmp_path), options=RunOptions(Task.ASSESS, model=str(own)))
    with pytest.raises(BatchError, match=r"has Backsight's learners [0-9a-f]{16} instead of others; install the same"):
        RayPool(asked, address="local", n_workers=1, work=echo, needed={"Backsight's learners": "others"})


def test_each_node_that_differs_is_named_with_what_differs() -> None:
    needed = {"Backsight": "1.0", "av": "18"}
    found = {"a": {"Backsight": "1.0", "av": "18"}, "b": {"Backsight": "1.0", "av": "17"}}
    assert how_nodes_differ(needed, found) == "b has av 17 instead of 18"
    assert how_nodes_differ(needed, {"a": needed}) == ""


def of_import(last_line: str) -> Exception:
    """What Ray raises for a function that could not be unpacked on a node."""
    said = f"The remote function failed to import on the worker. This may be ...:\n\nTraceback ...\n{last_line}\n"
    return ray.exceptions.RayTaskError("software", "Traceback ...", RuntimeError(said), "ray", 1, "127.0.0.1")


@pytest.mark.parametrize(
    ("error", "says"),
    [
        (ray.exceptions.GetTimeoutError("late"), "did not answer within 120 s"),
        (of_import("ModuleNotFoundError: No module named 'backsight'"), "has no Backsight, or an older one"),
        (
            of_import("AttributeError: Can't get attribute 'software' on <module 'backsight.batch.options' from ...>"),
            "has no Backsight, or an older one",
        ),
        (
            of_import("ModuleNotFoundError: No module named 'numpy'"),
            "cannot load Backsight (ModuleNotFoundError: No module named 'numpy')",
        ),
        (of_import("TimeoutError: [Errno 110] timed out"), "cannot load Backsight (TimeoutError: [Errno 110] timed"),
        (
            ray.exceptions.RayTaskError("f", "Traceback ...", MemoryError("none left"), "ray", 1, "127.0.0.1"),
            "cannot load Backsight (MemoryError: none left)",
        ),
        (ray.exceptions.WorkerCrashedError(), "lost the process that was to answer"),
        (ray.exceptions.RaySystemError("gone"), "is gone (RaySystemError)"),
    ],
)
def test_a_node_that_is_silent_is_told_apart_from_one_without_backsight(error: Exception, says: str) -> None:
    assert why_silent(error).startswith(says)
