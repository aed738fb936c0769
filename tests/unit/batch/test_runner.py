import json
import time
from collections.abc import Callable
from contextlib import closing
from functools import partial
from pathlib import Path

import fsspec
import pyarrow.parquet as pq
import pytest

from backsight.batch import processes
from backsight.batch.ledger import Counts, NewItem, open_ledger
from backsight.batch.options import ClipOptions, Task
from backsight.batch.processes import Pool, ProcessPool, Work, _Worker
from backsight.batch.runner import Progress, Runner
from backsight.batch.sources import Found, find_recordings
from backsight.batch.store import Store
from backsight.batch.work import Job
from backsight.domain.recording import Exercise
from backsight.errors import BatchError, OutputError
from tests.unit.batch.pools import InlinePool
from tests.unit.batch.works import ShortForWhatHangs, cannot_load, die_once_loading, echo, mark_process


def clips(folder: Path, contents: dict[str, bytes]) -> Path:
    folder.mkdir(exist_ok=True)
    for name, content in contents.items():
        (folder / name).write_bytes(content)
    return folder


def go(
    source: Path | str,
    out: Path,
    pool: Pool,
    *,
    run: str = "v1",
    items: list[NewItem] | None = None,
    on_progress: Callable[[Progress], None] | None = None,
) -> Counts:
    """What `run.run_wide` does, without weights."""
    ledger = open_ledger(out)
    try:
        found = items or [
            NewItem(row, one, ClipOptions()) for row, one in enumerate(find_recordings(str(source)), start=1)
        ]
        ledger.add_items(found)
        store = Store(out)
        try:
            return Runner(ledger, store, folder=out, run=run).run(pool, on_progress=on_progress)
        finally:
            store.write_tables(ledger, task=Task.EXTRACT, about={"software": {"name": "of a test"}}, card=None)
    finally:
        ledger.close()
        pool.close()


def tree(out: Path) -> dict[str, bytes]:
    """Every result by name; the ledger is bookkeeping."""
    return {
        str(path.relative_to(out)): path.read_bytes()
        for path in sorted(out.rglob("*"))
        if path.is_file() and not path.name.startswith(".ledger")
    }


def rows(out: Path) -> list[dict[str, object]]:
    return pq.read_table(out / "clips.parquet").to_pylist()


def test_every_clip_is_a_row_and_a_file_of_landmarks(tmp_path: Path) -> None:
    source = clips(tmp_path / "in", {"a.mp4": b"one", "b.mp4": b"four"})
    assert go(source, tmp_path / "out", InlinePool()) == Counts(n_items=2, n_done=2, n_failed=0)
    first, second = rows(tmp_path / "out")
    assert (first["file"], first["status"], first["n_frames"], first["quality"]) == ("a.mp4", "done", 3, "good")
    assert second["n_frames"] == 4
    landmarks = tmp_path / "out" / str(first["landmarks_file"])
    assert landmarks.read_bytes() == f"{first['clip']} one".encode()
    assert landmarks.parent.name == f"part={str(first['clip'])[:2]}"


def test_what_fails_is_a_row_with_its_reason_and_stops_nothing(tmp_path: Path) -> None:
    contents = {f"{n:03d}.mp4": b"corrupt" if n % 10 == 0 else f"clip {n}".encode() for n in range(100)}
    source = clips(tmp_path / "in", contents)
    assert go(source, tmp_path / "out", InlinePool()) == Counts(n_items=100, n_done=90, n_failed=10)
    failed = [row for row in rows(tmp_path / "out") if row["status"] == "failed"]
    assert [row["file"] for row in failed] == [f"{n:03d}.mp4" for n in range(0, 100, 10)]
    # All ten hold the same bytes, and each reason names its own file.
    assert [row["reason"] for row in failed] == [f"{n:03d}.mp4: the video is damaged" for n in range(0, 100, 10)]


def test_same_bytes_that_fail_are_tried_once_and_told_alike_however_many_work_at_once(tmp_path: Path) -> None:
    source = clips(tmp_path / "in", {f"{n}.mp4": b"corrupt" if n % 2 else bytes([65 + n]) for n in range(8)})
    for capacity in (1, 2, 8):
        pool = InlinePool(capacity=capacity)
        assert go(source, tmp_path / f"{capacity}", pool) == Counts(8, 4, 4)
        assert len([name for name in pool.done if int(name[0]) % 2]) == 1
    assert tree(tmp_path / "1") == tree(tmp_path / "2") == tree(tmp_path / "8")


def test_a_full_disk_ends_the_run_in_one_line(tmp_path: Path) -> None:
    source, out = clips(tmp_path / "in", {f"{n}.mp4": f"{n}".encode() for n in range(200)}), tmp_path / "out"
    ledger = open_ledger(out)
    ledger.add_items([NewItem(1, found, ClipOptions()) for found in find_recordings(str(source))])
    ledger._connection.execute("PRAGMA max_page_count=1")
    with pytest.raises(OutputError, match="full; free some space"):
        Runner(ledger, Store(out), folder=out, run="v1").run(InlinePool())
    assert ledger.counts().n_failed == 0
    ledger.close()


def test_a_defect_of_ours_costs_one_clip(tmp_path: Path) -> None:
    source = clips(tmp_path / "in", {"a.mp4": b"defect", "b.mp4": b"good"})
    assert go(source, tmp_path / "out", InlinePool()) == Counts(2, 1, 1)
    assert rows(tmp_path / "out")[0]["reason"] == "a.mp4: ZeroDivisionError: by a defect of ours"


def test_what_every_clip_would_meet_ends_the_run(tmp_path: Path) -> None:
    source = clips(tmp_path / "in", {"a.mp4": b"good", "b.mp4": b"weights", "c.mp4": b"never"})
    pool = InlinePool(capacity=1)
    with pytest.raises(BatchError, match="the bundle is missing"):
        go(source, tmp_path / "out", pool)
    assert pool.done == ["a.mp4", "b.mp4"]


def test_finished_clips_are_skipped_by_content_whatever_their_name(tmp_path: Path) -> None:
    source, out = clips(tmp_path / "in", {"a.mp4": b"one", "b.mp4": b"two"}), tmp_path / "out"
    go(source, out, InlinePool())
    (source / "a.mp4").rename(source / "renamed.mp4")
    (source / "b.mp4").write_bytes(b"changed")
    pool = InlinePool()
    assert go(source, out, pool) == Counts(2, 2, 0)
    assert pool.done == ["b.mp4"]
    assert [row["file"] for row in rows(out)] == ["b.mp4", "renamed.mp4"]


def test_other_options_or_other_code_make_results_anew(tmp_path: Path) -> None:
    source, out = clips(tmp_path / "in", {"a.mp4": b"one"}), tmp_path / "out"
    go(source, out, InlinePool())
    found = Found(str(source / "a.mp4"), "a.mp4")
    for run, clip, expected in (
        ("v1", ClipOptions(), []),
        ("v1", ClipOptions(start="1"), ["a.mp4"]),
        ("v1", ClipOptions(Exercise.WALK), ["a.mp4"]),
        ("v2", ClipOptions(), ["a.mp4"]),
        ("v1", ClipOptions(), []),
    ):
        pool = InlinePool()
        go(source, out, pool, run=run, items=[NewItem(1, found, clip)])
        assert pool.done == expected, (run, clip)


def test_a_lost_landmarks_file_is_made_again(tmp_path: Path) -> None:
    source, out = clips(tmp_path / "in", {"a.mp4": b"one", "b.mp4": b"two"}), tmp_path / "out"
    go(source, out, InlinePool())
    before = tree(out)
    (out / str(rows(out)[0]["landmarks_file"])).unlink()
    pool = InlinePool()
    go(source, out, pool)
    assert pool.done == ["a.mp4"]
    assert tree(out) == before


def test_a_damaged_landmarks_file_is_made_again(tmp_path: Path) -> None:
    source, out = clips(tmp_path / "in", {"a.mp4": b"one", "b.mp4": b"two", "c.mp4": b"six"}), tmp_path / "out"
    go(source, out, InlinePool())
    before = tree(out)
    empty, changed, _ = (out / str(row["landmarks_file"]) for row in rows(out))
    empty.write_bytes(b"")
    changed.write_bytes(changed.read_bytes()[:-1] + b"?")
    pool = InlinePool()
    go(source, out, pool)
    assert pool.done == ["a.mp4", "b.mp4"]
    assert tree(out) == before


def test_who_is_withdrawn_is_gone_from_files_and_ledger(tmp_path: Path) -> None:
    source, out = clips(tmp_path / "in", {"a.mp4": b"one", "b.mp4": b"two"}), tmp_path / "out"
    go(source, out, InlinePool())
    _, withdrawn = rows(out)
    (source / "b.mp4").unlink()
    go(source, out, InlinePool())
    gone = NewItem(2, Found(str(source / "b.mp4"), "b.mp4"), ClipOptions())
    kept = NewItem(1, Found(str(source / "a.mp4"), "a.mp4"), ClipOptions())
    for items, is_there in (([kept, gone], True), ([kept], False)):
        ledger = open_ledger(out)
        ledger.add_items(items)
        Runner(ledger, Store(out), folder=out, run="v1").run(InlinePool())
        Store(out).remove_unnamed(ledger)
        assert (out / str(withdrawn["landmarks_file"])).is_file() == is_there
        assert (ledger.landmarks_sha256(str(withdrawn["clip"])) is not None) == is_there
        ledger.close()
    assert (out / str(rows(out)[0]["landmarks_file"])).is_file()


def test_the_ledger_of_a_finished_run_holds_no_location(tmp_path: Path) -> None:
    fsspec.filesystem("memory").pipe("/bucket-with-anna/a.mp4", b"one")
    go("memory://bucket-with-anna", tmp_path / "out", InlinePool())
    assert not [path for path in (tmp_path / "out").rglob("*") if path.is_file() and b"with-anna" in path.read_bytes()]


def test_the_same_recording_named_twice_is_worked_on_once(tmp_path: Path) -> None:
    source = clips(tmp_path / "in", {"a.mp4": b"same", "b.mp4": b"same"})
    pool = InlinePool()
    assert go(source, tmp_path / "out", pool) == Counts(2, 2, 0)
    assert pool.done == ["a.mp4"]
    first, second = rows(tmp_path / "out")
    assert first["clip"] == second["clip"]


def counted(source: Path, out: Path, pool: Pool) -> tuple[int, int, int]:
    """Run, and return (done, already there, repeated)."""
    with closing(open_ledger(out)) as ledger:
        ledger.add_items([NewItem(1, found, ClipOptions()) for found in find_recordings(str(source))])
        runner = Runner(ledger, Store(out), folder=out, run="v1")
        return runner.run(pool).n_done, runner.n_already_there, runner.n_repeated


@pytest.mark.parametrize("capacity", [1, 4])
def test_copies_of_this_run_are_not_what_an_earlier_one_left(tmp_path: Path, capacity: int) -> None:
    source, out = clips(tmp_path / "in", {"a.mp4": b"same", "b.mp4": b"same", "c.mp4": b"other"}), tmp_path / "out"
    # With one at a time the copy comes when its twin is done, with four while it is worked on.
    assert counted(source, out, InlinePool(capacity=capacity)) == (3, 0, 1)
    clips(source, {"d.mp4": b"same", "e.mp4": b"new", "f.mp4": b"new"})
    assert counted(source, out, InlinePool(capacity=capacity)) == (6, 4, 1)
    assert counted(source, out, InlinePool(capacity=capacity)) == (6, 6, 0)


def test_a_copy_of_what_was_lost_and_made_again_was_not_already_there(tmp_path: Path) -> None:
    source, out = clips(tmp_path / "in", {"a.mp4": b"same", "b.mp4": b"same"}), tmp_path / "out"
    counted(source, out, InlinePool())
    for landmarks in out.glob("landmarks/*/*"):
        landmarks.unlink()
    assert counted(source, out, InlinePool(capacity=1)) == (2, 0, 1)


def test_a_failed_clip_is_tried_again_by_the_next_run(tmp_path: Path) -> None:
    source, out = clips(tmp_path / "in", {"a.mp4": b"corrupt"}), tmp_path / "out"
    go(source, out, InlinePool())
    (source / "a.mp4").write_bytes(b"mended")
    assert go(source, out, InlinePool()) == Counts(1, 1, 0)
    assert rows(out)[0]["reason"] is None


def test_a_recording_that_is_not_there_fails_without_telling_its_folder(tmp_path: Path) -> None:
    (tmp_path / "private").mkdir()
    found = Found(str(tmp_path / "private/gone.mp4"), "gone.mp4")
    go("", tmp_path / "out", InlinePool(), items=[NewItem(7, found, ClipOptions())])
    (row,) = rows(tmp_path / "out")
    assert (row["status"], row["reason"]) == ("failed", "gone.mp4: cannot be read: it is not there")
    assert b"private" not in b"".join(tree(tmp_path / "out").values())


def test_results_do_not_depend_on_order_or_on_how_many_work_at_once(tmp_path: Path) -> None:
    source = clips(tmp_path / "in", {f"{n}.mp4": b"corrupt" if n == 3 else bytes([65 + n]) * n for n in range(1, 9)})
    go(source, tmp_path / "first", InlinePool(capacity=1))
    go(source, tmp_path / "second", InlinePool(capacity=8, take=lambda n: n - 1))
    ordered = list(find_recordings(str(source)))
    backwards = [NewItem(row, found, ClipOptions()) for row, found in enumerate(reversed(ordered), start=1)]
    go(source, tmp_path / "third", InlinePool(), items=backwards)
    assert len(tree(tmp_path / "first")) == 7 + 3
    assert tree(tmp_path / "first") == tree(tmp_path / "second") == tree(tmp_path / "third")


def test_an_interrupted_run_leaves_whole_tables_and_is_gone_on_with(tmp_path: Path) -> None:
    source, out = clips(tmp_path / "in", {f"{n}.mp4": f"{n}".encode() for n in range(6)}), tmp_path / "out"

    def interrupt(progress: Progress) -> None:
        if progress.n_done == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        go(source, out, InlinePool(capacity=2), on_progress=interrupt)
    statuses = [row["status"] for row in rows(out)]
    assert statuses == ["done"] * 3 + ["waiting"] * 3
    pool = InlinePool()
    assert go(source, out, pool) == Counts(6, 6, 0)
    assert pool.done == ["3.mp4", "4.mp4", "5.mp4"]
    go(source, tmp_path / "at once", InlinePool())
    assert tree(out) == tree(tmp_path / "at once")


def test_a_bucket_is_read_once_and_its_copies_are_removed(tmp_path: Path) -> None:
    system = fsspec.filesystem("memory")
    system.pipe("/bucket-of-runner/a.mp4", b"one")
    out = tmp_path / "out"
    # What a run that was killed left behind is in nobody's way.
    (out / ".spool/00000001").mkdir(parents=True)
    (out / ".ledger.sqlite").touch()
    assert go("memory://bucket-of-runner", out, InlinePool()) == Counts(1, 1, 0)
    assert sorted(path.name for path in out.iterdir()) == [
        ".ledger.sqlite",
        "clips.parquet",
        "landmarks",
        "manifest.json",
        "quality.parquet",
    ]
    pool = InlinePool()
    go("memory://bucket-of-runner", out, pool)
    assert pool.done == []


def test_a_folder_that_cannot_be_written_ends_the_run(tmp_path: Path) -> None:
    source, out = clips(tmp_path / "in", {"a.mp4": b"one", "b.mp4": b"two"}), tmp_path / "out"
    ledger = open_ledger(out)
    ledger.add_items([NewItem(1, found, ClipOptions()) for found in find_recordings(str(source))])
    (out / "landmarks").touch()
    with pytest.raises(OutputError, match="landmarks"):
        Runner(ledger, Store(out), folder=out, run="v1").run(InlinePool())
    assert ledger.counts() == Counts(2, 0, 0)
    ledger.close()


class StillbornPool(ProcessPool):
    """Its process of that number is dead before it can answer."""

    def __init__(self, work: Work, *, n_workers: int, stillborn: int = 2) -> None:
        super().__init__(work, n_workers=n_workers)
        self.n_started = 0
        self._stillborn = stillborn

    def _start(self) -> _Worker:
        worker = super()._start()
        self.n_started += 1
        if self.n_started == self._stillborn:
            worker.process.kill()
            worker.process.join()
        return worker


def wait_until(is_so: Callable[[], object], *, limit_s: float = 60.0) -> None:
    end_s = time.monotonic() + limit_s
    while not is_so():
        assert time.monotonic() < end_s
        time.sleep(0.02)


class TestProcesses:
    def test_a_clip_whose_process_dies_is_tried_once_more(self, tmp_path: Path) -> None:
        contents = {f"{n}.mp4": f"{n}".encode() for n in range(6)}
        contents |= {"once.mp4": b"dies once:" + str(tmp_path / "mark").encode(), "always.mp4": b"dies"}
        source = clips(tmp_path / "in", contents)
        assert go(source, tmp_path / "out", ProcessPool(echo, n_workers=2)) == Counts(8, 7, 1)
        (failed,) = [row for row in rows(tmp_path / "out") if row["status"] == "failed"]
        assert failed["file"] == "always.mp4"
        assert "worker process died" in str(failed["reason"])
        assert (tmp_path / "mark").exists()

    def test_a_replacement_that_dies_while_starting_is_replaced(self, tmp_path: Path) -> None:
        contents = {f"{n}.mp4": f"{n}".encode() for n in range(4)}
        contents["once.mp4"] = b"dies once:" + str(tmp_path / "mark").encode()
        source = clips(tmp_path / "in", contents)
        pool = StillbornPool(echo, n_workers=1)
        assert go(source, tmp_path / "out", pool) == Counts(5, 5, 0)
        assert pool.n_started == 3

    def test_a_first_process_that_dies_while_starting_ends_the_run(self, tmp_path: Path) -> None:
        pool = StillbornPool(echo, n_workers=1, stillborn=1)
        with pytest.raises(BatchError, match="before its first clip"):
            go(clips(tmp_path / "in", {"a.mp4": b"one"}), tmp_path / "out", pool)

    def test_a_clip_that_hangs_is_given_up_and_holds_up_nobody(self, tmp_path: Path) -> None:
        contents = {f"{n}.mp4": f"{n}".encode() for n in range(5)} | {"2 hangs.mp4": b"hangs", "4 hangs.mp4": b"hangs"}
        source = clips(tmp_path / "in", contents)
        pool = ProcessPool(echo, n_workers=1, time_limit=ShortForWhatHangs())
        assert go(source, tmp_path / "out", pool) == Counts(7, 5, 2)
        failed = [row for row in rows(tmp_path / "out") if row["status"] == "failed"]
        # Both hold the same bytes: the second is not waited for again.
        assert [row["file"] for row in failed] == ["2 hangs.mp4", "4 hangs.mp4"]
        assert "given up after 0.3 s" in str(failed[0]["reason"])

    def test_processes_that_jobs_will_keep_busy_are_there_before_the_first_and_no_others(self, tmp_path: Path) -> None:
        pool = ProcessPool(echo, n_workers=3, load=partial(mark_process, tmp_path))
        pool.start(2)
        with closing(pool):
            assert len(pool._workers) == 2
            wait_until(lambda: len(list(tmp_path.iterdir())) == 2)
            (tmp_path / "in").mkdir()
            path = tmp_path / "in" / "a.mp4"
            path.write_bytes(b"one")
            pool.submit(Job("0" * 32, path, ClipOptions()))
            done = []
            wait_until(lambda: done.extend(pool.collect(timeout_s=0.1)) or done)
            # Those two did it.
            assert len(pool._workers) == 2

    def test_a_process_that_hangs_while_it_loads_ends_the_run_instead_of_holding_it_up(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(processes, "LOAD_LIMIT_S", 0.3)
        pool = ProcessPool(echo, n_workers=1, load=partial(time.sleep, 600))
        with pytest.raises(BatchError, match="before its first clip"):
            go(clips(tmp_path / "in", {"a.mp4": b"one"}), tmp_path / "out", pool)

    def test_one_of_two_that_dies_while_it_loads_is_replaced(self, tmp_path: Path) -> None:
        pool = ProcessPool(echo, n_workers=2, load=partial(die_once_loading, tmp_path / "mark"))
        source = clips(tmp_path / "in", {f"{n}.mp4": f"{n}".encode() for n in range(5)})
        pool.start(2)
        assert go(source, tmp_path / "out", pool) == Counts(5, 5, 0)
        assert (tmp_path / "mark").exists()

    def test_what_loading_meets_is_left_for_the_first_clip_to_tell(self, tmp_path: Path) -> None:
        pool = ProcessPool(echo, n_workers=1, load=cannot_load)
        assert go(clips(tmp_path / "in", {"a.mp4": b"one"}), tmp_path / "out", pool) == Counts(1, 1, 0)

    def test_one_process_and_three_write_the_same_bytes(self, tmp_path: Path) -> None:
        source = clips(tmp_path / "in", {f"{n}.mp4": b"corrupt" if n == 4 else b"x" * n for n in range(1, 12)})
        for n_workers in (1, 3):
            go(source, tmp_path / f"{n_workers}", ProcessPool(echo, n_workers=n_workers))
        assert tree(tmp_path / "1") == tree(tmp_path / "3")
        assert len(tree(tmp_path / "1")) == 10 + 3


def test_a_folder_that_is_not_ours_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").touch()
    with pytest.raises(OutputError, match="so no run began there"):
        open_ledger(tmp_path)
    with pytest.raises(OutputError, match="does not exist; create it first"):
        open_ledger(tmp_path / "no" / "such")


@pytest.mark.parametrize("was_there", [True, False])
def test_a_run_that_is_given_up_before_it_began_leaves_nothing(tmp_path: Path, was_there: bool) -> None:
    out = tmp_path / "out"
    if was_there:
        out.mkdir()
    open_ledger(out).give_up()
    assert out.exists() == was_there
    assert not was_there or not any(out.iterdir())


def test_giving_up_keeps_what_earlier_runs_made(tmp_path: Path) -> None:
    source, out = clips(tmp_path / "in", {"a.mp4": b"one"}), tmp_path / "out"
    go(source, out, InlinePool())
    open_ledger(out).give_up()
    pool = InlinePool()
    go(source, out, pool)
    assert pool.done == []


def test_the_manifest_counts_and_says_what_made_the_results(tmp_path: Path) -> None:
    source, out = clips(tmp_path / "in", {"a.mp4": b"one", "b.mp4": b"blurred", "c.mp4": b"corrupt"}), tmp_path / "out"
    go(source, out, InlinePool())
    manifest = json.loads((out / "manifest.json").read_text())
    assert manifest["clips"] == {"named": 3, "done": 2, "unusable": 1, "failed": 1, "waiting": 0}
    assert manifest["software"] == {"name": "of a test"}


def test_two_runs_in_one_folder_are_refused(tmp_path: Path) -> None:
    ledger = open_ledger(tmp_path / "out")
    try:
        with pytest.raises(OutputError, match="another run is at work there"):
            open_ledger(tmp_path / "out")
    finally:
        ledger.close()
    open_ledger(tmp_path / "out").close()


def test_a_folder_holds_results_of_one_kind(tmp_path: Path) -> None:
    ledger = open_ledger(tmp_path / "out")
    ledger.agree({"pose model": "lite"})
    ledger.agree({"pose model": "lite"})
    with pytest.raises(OutputError, match="holds results of pose model `lite`, not `full`"):
        ledger.agree({"pose model": "full"})
    ledger.close()
