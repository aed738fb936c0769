"""From a source to a results folder: what `backsight extract` and `backsight batch` do. Knows no engine."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, closing, suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any

from backsight.batch.ledger import Counts, Ledger, NewItem, open_ledger
from backsight.batch.limits import TimeLimit
from backsight.batch.manifest import Manifest
from backsight.batch.options import (
    ClipOptions,
    RunOptions,
    Task,
    file_sha256,
    installed_libraries,
    is_of_a_study,
    run_identity,
)
from backsight.batch.processes import Pool, ProcessPool, Work
from backsight.batch.runner import OnProgress, Runner
from backsight.batch.sources import find_recordings, is_manifest
from backsight.batch.store import Store, Tally
from backsight.batch.work import Equipment, do_clip, load
from backsight.domain.address import shown
from backsight.domain.assessment import ModelCard
from backsight.errors import BacksightError, InputError, OutputError
from backsight.openers import index_predictor, model_path, pose_bundle, pose_estimator

MOST_FAILURES_TOLD = 10


@dataclass(frozen=True)
class Summary:
    """What a run came to."""

    counts: Counts
    n_already_there: int
    """Of those that are done: by an earlier run."""
    n_repeated: int
    """Of those that are done: by this run, but only once for several names of the same recording."""
    n_unusable: int
    """Of those that are done: seen, but too poor for any number."""
    failures: tuple[tuple[str, str], ...]
    """(file, reason) of the first few."""

    @property
    def n_done_now(self) -> int:
        """Clips that this run worked on and that are done."""
        return self.counts.n_done - self.n_already_there - self.n_repeated


def default_workers() -> int:
    """Return how many clips are worked on at once when nobody says: one a core that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else (os.cpu_count() or 1)


def run_wide(
    source: str,
    out: Path,
    *,
    options: RunOptions,
    n_workers: int | None = None,
    cluster: str | None = None,
    work: Work | None = None,
    time_limit: TimeLimit | None = None,
    on_note: Callable[[str], object] | None = None,
    on_progress: OnProgress | None = None,
) -> Summary:
    """Take every recording of a source down the road, each once, and lay the results out in `out`.

    Parameters
    ----------
    source
        A manifest (`.csv`, `.parquet`); to extract also a folder, a glob or a single recording. Each a path or a URL
        that fsspec knows.
    out
        The results folder, made or gone on with; see `store` for what it holds.
    n_workers
        Clips at once; None = one a core.
    cluster
        Address of a Ray cluster, see `cluster.RayPool`; None = processes of this machine.
    work
        Stands in for `work.do_clip` on this machine, for measuring.
    time_limit
        How long one clip may take; None = generously by its length.
    on_note
        Told before the first clip what should be known of how the manifest was read: what was guessed, and which
        columns mean nothing.
    on_progress
        Called several times a second.

    Raises
    ------
    BacksightError
        When nothing can be done at all, and then nothing stays, or what would meet every clip ends the run; the tables
        are written where that is possible. A clip that fails is a row with its reason instead.
    KeyboardInterrupt, SystemExit
        When asked to stop; the tables are written first, and another call goes on.
    """
    equipment, card = equip(options)
    model_sha256 = file_sha256(equipment.model)
    settings = equipment.options.settings(model_sha256=model_sha256)
    manifest = Manifest(source, needs_subject=options.task is Task.ASSESS) if is_manifest(source) else None
    if manifest is None and options.task is Task.ASSESS:
        raise InputError(
            f"{shown(source)}: expected a manifest (.csv, .parquet) with columns subject, exercise and path, because "
            "nothing else says who does what in a recording; to find landmarks alone, use `backsight extract`"
        )
    begun_s = time.monotonic()
    with closing(open_ledger(out)) as ledger, ExitStack() as until_run:
        try:
            ledger.agree(settings)
            n_bytes, n_unknown = _list(source, manifest, ledger)
            if manifest is not None and on_note is not None:
                for note in manifest.notes:
                    on_note(note)
            pool = _pool(equipment, n_workers, cluster, work, time_limit or TimeLimit())
            until_run.callback(pool.close)
            pool.start(max(0, ledger.counts().n_items - ledger.n_results()))
            # Takes most of a second, in which the workers load.
            bundle_sha256 = file_sha256(equipment.bundle)
            run = run_identity(equipment.options, bundle_sha256=bundle_sha256, model_sha256=model_sha256)
        except BaseException:
            ledger.give_up()
            raise
        store = Store(out)
        runner = Runner(ledger, store, folder=out, run=run, n_bytes=n_bytes, n_unknown=n_unknown)

        def write_tables() -> Tally:
            about = _about(equipment.options, settings, run=run)
            tally = store.write_tables(ledger, task=options.task, about=about, card=card)
            seconds = time.monotonic() - begun_s
            store.write_run(_run_log(about, tally, runner=runner, pool=pool, seconds=seconds))
            return tally

        try:
            with until_run:
                counts = runner.run(pool, on_progress=on_progress)
        except (KeyboardInterrupt, SystemExit):
            # What is done is complete, so the tables that name it are, too.
            write_tables()
            raise
        except BacksightError:
            # Why the run ended matters more than that its tables, on a full disk, cannot be written either.
            with suppress(OutputError):
                write_tables()
            raise
        tally = write_tables()
        # After the tables: they never name a file that is not there.
        store.remove_unnamed(ledger)
        return Summary(
            counts=counts,
            n_already_there=runner.n_already_there,
            n_repeated=runner.n_repeated,
            n_unusable=tally.n_unusable,
            failures=ledger.failures(limit=MOST_FAILURES_TOLD),
        )


def _about(options: RunOptions, settings: Mapping[str, str], *, run: str) -> dict[str, Any]:
    """Return what made the results, without anything that leaves them as they are: workers, order, machine, time."""
    return {
        "command": f"backsight {'extract' if options.task is Task.EXTRACT else 'batch'}",
        "software": {
            "name": "Backsight",
            "version": version("backsight"),
            "libraries": installed_libraries(of_a_study=is_of_a_study(options)),
        },
        "settings": dict(settings),
        "made_by": run,
    }


def _run_log(about: Mapping[str, Any], tally: Tally, *, runner: Runner, pool: Pool, seconds: float) -> dict[str, Any]:
    """Return what one run did: what `manifest.json` must not hold, so that it is the same for the same results."""
    return {
        "command": about["command"],
        "software": about["software"],
        "ended": f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}",
        "seconds": round(seconds, 1),
        "clips_at_once": pool.n_workers,
        "clips": {
            "done_now": tally.n_done - runner.n_already_there - runner.n_repeated,
            "repeated": runner.n_repeated,
            "already_there": runner.n_already_there,
            "unusable": tally.n_unusable,
            "failed": tally.n_failed,
            "waiting": tally.n_waiting,
        },
    }


def equip(options: RunOptions) -> tuple[Equipment, ModelCard | None]:
    """Find weights and network once, before the first clip, and settle which engine `auto` is."""
    bundle = pose_bundle(options.pose_model)
    with pose_estimator(bundle, engine=options.engine) as estimator:
        settled = replace(options, engine=str(estimator.engine))
    model = model_path(options.model)
    card = index_predictor(model, pose_model=options.pose_model).card if options.task is Task.ASSESS else None
    return Equipment(settled, bundle, model), card


def _pool(
    equipment: Equipment, n_workers: int | None, cluster: str | None, work: Work | None, time_limit: TimeLimit
) -> Pool:
    if cluster is not None:
        from backsight.batch.cluster import RayPool

        return RayPool(equipment, address=cluster, n_workers=n_workers, time_limit=time_limit)
    return ProcessPool(
        work or partial(do_clip, equipment=equipment),
        n_workers=n_workers or default_workers(),
        time_limit=time_limit,
        # Another function's needs are not known here.
        load=None if work else partial(load, equipment),
    )


def _list(source: str, manifest: Manifest | None, ledger: Ledger) -> tuple[int, int]:
    """Note all clips of a source; returns their size together, and of how many it is not known."""
    n_bytes = n_unknown = 0

    def items() -> Iterator[NewItem]:
        nonlocal n_bytes, n_unknown
        for item in _items(source, manifest):
            n_bytes += item.found.size_bytes or 0
            n_unknown += item.found.size_bytes is None
            yield item

    ledger.add_items(items())
    if manifest is not None and (twice := ledger.repeated_exercise()) is not None:
        first, last, subject, exercise = twice
        raise InputError(
            f"{manifest.name}, row {last}, column `exercise`: expected each exercise once a subject and session, got "
            f"`{exercise}` of `{subject}` again (first in row {first}); tell them apart with a column `session`"
        )
    return n_bytes, n_unknown


def _items(source: str, manifest: Manifest | None) -> Iterator[NewItem]:
    if manifest is None:
        for row, found in enumerate(find_recordings(source), start=1):
            yield NewItem(row, found, ClipOptions())
        return
    for line in manifest:
        yield NewItem(line.number, line.found, line.clip, subject=line.subject, session=line.session)
