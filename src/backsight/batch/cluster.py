"""The same work on a Ray cluster; ray's only door.

Recordings, weights and network travel through Ray's object store, so that nodes need neither the files nor a bucket's
credentials: all recordings pass through the machine that runs the command. Nodes need Backsight and the libraries that
decide results installed in the same versions, which is checked before anything is done. What a node needs as files lies
in one folder a run among its temporary files, removed at the end, also of an interrupted run. Ray's dashboard and usage
statistics stay off, because health data stays where it is.
"""

from __future__ import annotations

import atexit
import itertools
import logging
import os
import re
import secrets
import shutil
import tempfile
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import lru_cache, partial
from pathlib import Path
from typing import Any

from backsight.batch.limits import Deadlines, TimeLimit
from backsight.batch.options import Task, file_sha256, how_nodes_differ, is_of_a_study, software
from backsight.batch.processes import DIED, JOBS_A_WORKER, Failure, Outcome, attempt, reason_without_name
from backsight.batch.work import ClipResult, Equipment, Job, do_clip
from backsight.errors import BatchError, MissingDependencyError

Work = Callable[..., ClipResult]
"""Called with a job and `equipment`; a function of a module that nodes have."""

LOOPBACK = "127.0.0.1"
LOCAL = "local"
"""An address that means a cluster of this machine alone, which lives as long as the run."""
_STOP_LIMIT_S = 5.0
_ANSWER_LIMIT_S = 5.0
"""For what a node answers at once, or not at all."""
_START_LIMIT_S = 120.0
"""For a node's first process, which loads Backsight from a cold disk."""
_FAILED_TO_IMPORT = "remote function failed to import"
"""Ray's words where a function cannot be unpacked on a node; Python's own stand at their end."""
_NOT_THERE = re.compile(r"(ModuleNotFoundError|ImportError|AttributeError)\b.*\bbacksight\b")
"""What Python says where Backsight, or a part of it, is missing; what Backsight needs in turn has another name."""


@dataclass(frozen=True)
class _Luggage:
    """What every task of a run needs on its node."""

    equipment: Equipment
    files: tuple[tuple[str, Any], ...]
    """SHA-256 and reference of bundle and model. Within an object references stay references, so that a node fetches
    weights only when it has none yet."""
    folder: str
    """Name of the folder for the run's files on each node."""
    time_limit: TimeLimit
    clock: Any
    """The `_Clock` actor."""
    software: Mapping[str, str]
    """Of the machine that runs the command."""
    of_a_study: bool
    """Whether the model was fitted to a study, which its name does not tell a node."""


class RayPool:
    """Tasks of one core each on a Ray cluster; a `processes.Pool`.

    Parameters
    ----------
    equipment
        What a clip needs; its files are read here and sent along.
    address
        `auto` = the cluster that runs on this machine, `local` = one of this machine alone, or `HOST:PORT`.
    n_workers
        Clips at once; None = the cluster's cores.
    work
        What is done with a clip.
    time_limit
        How long a clip may take.
    needed
        Software that nodes must have; None = that of this machine.

    Raises
    ------
    MissingDependencyError
        When ray is not installed.
    BatchError
        When the cluster is not there, or a node has other software.
    """

    def __init__(
        self,
        equipment: Equipment,
        *,
        address: str = "auto",
        n_workers: int | None = None,
        work: Work = do_clip,
        time_limit: TimeLimit | None = None,
        needed: Mapping[str, str] | None = None,
    ) -> None:
        prepare_environment(address)
        try:
            import ray
        except ImportError as error:
            raise MissingDependencyError(
                "a cluster needs ray, which is not installed: pip install 'backsight[cluster]'"
            ) from error
        self._ray: Any = ray
        connect(ray, address, n_workers)
        task, of_a_study = equipment.options.task, is_of_a_study(equipment.options)
        needed = needed or software(task, of_a_study)
        try:
            self._check_nodes(task, of_a_study, needed)
        except BaseException:
            ray.shutdown()
            raise
        cores = int(self._ray.cluster_resources().get("CPU", 1))
        self._n_workers = min(n_workers or cores, cores)
        self._folder = f"backsight-{secrets.token_hex(8)}"
        paths = (equipment.bundle, equipment.model)
        files = tuple((file_sha256(path), ray.put(path.read_bytes())) for path in paths)
        clock: Any = ray.remote(num_cpus=0, max_restarts=-1)(_Clock)
        self._clock = clock.remote()
        self._time_limit = time_limit or TimeLimit()
        self._luggage = _Luggage(equipment, files, self._folder, self._time_limit, self._clock, needed, of_a_study)
        self._deadlines = Deadlines()
        self._attempts = itertools.count()
        self._task = ray.remote(num_cpus=1, max_retries=0)(_do_on_node)
        self._work = work
        self._running: dict[Any, tuple[str, Job]] = {}
        """By Ray's reference: the attempt's tag, and what is attempted."""
        self._unread: list[tuple[Job, Outcome]] = []

    @property
    def n_workers(self) -> int:
        """How many jobs are worked on at once."""
        return self._n_workers

    @property
    def n_outstanding(self) -> int:
        """Jobs that have been handed in and not come back."""
        return len(self._running) + len(self._unread)

    @property
    def capacity(self) -> int:
        """Jobs that may be outstanding without one waiting for long."""
        return JOBS_A_WORKER * self._n_workers

    def start(self, n_jobs: int) -> None:
        """Do nothing: the cluster starts a process when a task comes to it."""

    def submit(self, job: Job) -> None:
        """Hand in a job."""
        try:
            recording = self._ray.put(job.path.read_bytes())
        except OSError as error:
            self._unread.append((job, Failure(f"cannot be read: {error.strerror or type(error).__name__}")))
            return
        tag = f"{next(self._attempts)}:{job.key}"
        self._deadlines.expect(tag)
        # In a list it stays a reference: the task fetches it itself, once its folder is there.
        task = self._task.remote(job, tag, [recording], self._luggage, self._work)
        self._running[task] = (tag, job)

    def collect(self, *, timeout_s: float) -> list[tuple[Job, Outcome]]:
        """Wait until a job has come back, at most that long, and return those that have."""
        done, self._unread = self._unread, []
        tasks = list(self._running)
        if done or not tasks:
            return done
        ready, _ = self._ray.wait(tasks, num_returns=1, timeout=timeout_s)
        for task in ready:
            tag, job = self._running.pop(task)
            self._deadlines.forget(tag)
            done.append((job, self._outcome(task, job)))
        return done + self._give_up_overdue()

    def _give_up_overdue(self) -> list[tuple[Job, Outcome]]:
        """End tasks that take longer than they may; Ray starts a new process in place of theirs."""
        # Where the clock does not answer, its node is going down, and Ray starts it anew elsewhere.
        with suppress(self._ray.exceptions.RayError):
            begun: list[tuple[str, float]] = self._ray.get(self._clock.take.remote(), timeout=_ANSWER_LIMIT_S)
            self._deadlines.hear(begun, now_s=time.monotonic())
        limits_s = dict(self._deadlines.overdue(now_s=time.monotonic()))
        given: list[tuple[Job, Outcome]] = []
        for task, (tag, job) in list(self._running.items()):
            if tag not in limits_s:
                continue
            del self._running[task]
            self._deadlines.forget(tag)
            self._ray.cancel(task, force=True)
            given.append((job, Failure(self._time_limit.why_given_up(limits_s[tag]))))
        return given

    def close(self) -> None:
        """Give up what is being worked on, remove the run's files from all nodes and leave the cluster."""
        tasks = list(self._running)
        self._running.clear()
        try:
            # A cluster that is gone has nothing left to stop.
            with suppress(self._ray.exceptions.RayError, ConnectionError):
                self._stop(tasks)
                self._clean_nodes()
        finally:
            self._ray.shutdown()
            _remove_folder(self._folder)

    def _stop(self, tasks: list[Any]) -> None:
        """Ask tasks to end, so that they remove their recordings, and end those that do not."""
        if not tasks:
            return
        for task in tasks:
            self._ray.cancel(task, force=False)
        _, left = self._ray.wait(tasks, num_returns=len(tasks), timeout=_STOP_LIMIT_S)
        for task in left:
            self._ray.cancel(task, force=True)

    def _check_nodes(self, task: Task, of_a_study: bool, needed: Mapping[str, str]) -> None:
        """Refuse nodes that would give other bytes.

        Raises
        ------
        BatchError
            When a node has other software, or does not say what it has.
        """
        found: dict[str, Mapping[str, str]] = {}
        silent: list[str] = []
        for name, answer in self._on_each_node(software, task, of_a_study).items():
            try:
                found[name] = self._ray.get(answer, timeout=_START_LIMIT_S)
            except self._ray.exceptions.RayError as error:
                silent.append(f"{name} {why_silent(error)}")
        if silent:
            raise BatchError(f"nodes of the cluster do not say what they have: {'; '.join(silent)}")
        if differing := how_nodes_differ(needed, found):
            raise BatchError(
                f"nodes of the cluster would give other results: {differing}; install the same Backsight, with the "
                "same libraries, on every node"
            )

    def _on_each_node(self, function: Callable[..., Any], *values: object) -> dict[str, Any]:
        """Call a function on every node; returns what Ray gives for its results, by the nodes' addresses."""
        from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

        remote = self._ray.remote(num_cpus=0, max_retries=0)(function)
        return {
            f"{node['NodeManagerAddress']} ({node['NodeID'][:6]})": remote.options(
                scheduling_strategy=NodeAffinitySchedulingStrategy(node["NodeID"], soft=False)
            ).remote(*values)
            for node in self._ray.nodes()
            if node["Alive"]
        }

    def _clean_nodes(self) -> None:
        tasks = list(self._on_each_node(_remove_folder, self._folder).values())
        if tasks:
            self._ray.wait(tasks, num_returns=len(tasks), timeout=_STOP_LIMIT_S)

    def _outcome(self, task: Any, job: Job) -> Outcome:
        try:
            outcome: Outcome = self._ray.get(task)
        except self._ray.exceptions.RayTaskError as error:
            if _FAILED_TO_IMPORT in str(error.cause):
                # Nothing of ours has run: the clip is not at fault, and another node may do it.
                return Failure(f"a node of the cluster {why_silent(error)}", process_died=True)
            return Failure(reason_without_name(error.cause or error, job.path)[:500])
        except self._ray.exceptions.RayError:
            # Its process, or the whole node, is gone.
            return Failure(DIED, process_died=True)
        return outcome


class _Clock:
    """Hears on the cluster which clips have been begun: until a core is free, Ray keeps them waiting."""

    def __init__(self) -> None:
        self._begun: list[tuple[str, float]] = []

    def begin(self, tag: str, limit_s: float) -> None:
        """Note that an attempt at a clip has been begun, and how long it may take from now on."""
        self._begun.append((tag, limit_s))

    def take(self) -> list[tuple[str, float]]:
        """Return what has been noted since the last call."""
        taken, self._begun = self._begun, []
        return taken


def why_silent(error: BaseException) -> str:
    """Say why a node does not tell what it has, as a clause with its remedy.

    Parameters
    ----------
    error
        What Ray raised in place of the answer; an error of the node's own is its cause.
    """
    from ray.exceptions import GetTimeoutError, RayTaskError, WorkerCrashedError

    if isinstance(error, GetTimeoutError):
        return (
            f"did not answer within {_START_LIMIT_S:.0f} s: it is busy, its disk is slow or the network is cut; try "
            "again, or take it out of the cluster"
        )
    if isinstance(error, RayTaskError):
        cause = error.cause or error
        said = (str(cause).strip().splitlines() or [""])[-1].strip()
        if _FAILED_TO_IMPORT not in str(cause):
            said = f"{type(cause).__name__}: {said}"
        if _NOT_THERE.match(said):
            return "has no Backsight, or an older one; install the same there, with the same libraries"
        return f"cannot load Backsight ({said[:200]}); run `backsight doctor` there"
    if isinstance(error, WorkerCrashedError):
        return "lost the process that was to answer; memory may be used up there"
    return f"is gone ({type(error).__name__}); take it out of the cluster, or mend it"


@lru_cache(maxsize=2)
def _software_here(task: Task, of_a_study: bool) -> Mapping[str, str]:
    return software(task, of_a_study)


def prepare_environment(address: str) -> None:
    """Tell ray to keep to itself; it reads this when it is imported."""
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    if _is_loopback(address):
        # Without this, which is meant for systems with a nosy firewall, ray takes the network's address instead of the
        # loopback one, also where the loopback one is asked for.
        os.environ["RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER"] = "0"


def _is_loopback(address: str) -> bool:
    """Tell whether all of a cluster is this machine; `auto` is what ray itself has noted last."""
    if address == "auto":
        note = Path(tempfile.gettempdir()) / "ray" / "ray_current_cluster"
        noted = note.read_text(encoding="utf-8") if note.is_file() else ""
        address = os.environ.get("RAY_ADDRESS") or noted
    return address == LOCAL or address.startswith((f"{LOOPBACK}:", "localhost:"))


def connect(ray: Any, address: str, n_workers: int | None) -> None:
    """Join a cluster, or start one of this machine alone; raises `BatchError` where there is none."""
    quiet = {"log_to_driver": False, "logging_level": logging.ERROR}
    try:
        if address == LOCAL:
            ray.init(address=LOCAL, num_cpus=n_workers, include_dashboard=False, _node_ip_address=LOOPBACK, **quiet)
        else:
            ray.init(address=address, **quiet)
    except (ConnectionError, ValueError, RuntimeError) as error:
        reason = (str(error).splitlines() or ["no reason given"])[0]
        raise BatchError(
            f"no Ray cluster at address `{address}` ({reason}); start one with `ray start --head "
            "--include-dashboard false --disable-usage-stats` (the user guide says how to keep it off the network), or "
            "pass --address local"
        ) from error


def _do_on_node(job: Job, tag: str, recording: list[Any], luggage: _Luggage, work: Work) -> Outcome:
    """Do a job in a process of a node: put the bytes into files, then do what every worker does."""
    import ray

    # A node may have joined since the run began.
    here = _software_here(luggage.equipment.options.task, luggage.of_a_study)
    if differing := how_nodes_differ(luggage.software, {"a node": here}):
        return Failure(f"{differing}; install the same Backsight on every node", ends_run=True)
    run_folder = _run_folder(luggage.folder)
    run_folder.mkdir(mode=0o700, exist_ok=True)
    bundle, model = (_kept_file(sha256, reference, run_folder) for sha256, reference in luggage.files)
    with tempfile.TemporaryDirectory(dir=run_folder) as folder:
        # Its own name, which is taken out of errors again.
        path = Path(folder) / job.path.name
        path.write_bytes(ray.get(recording[0]))
        equipment = replace(luggage.equipment, bundle=bundle, model=model)
        # What is found out about the length may hang as well.
        luggage.clock.begin.remote(tag, luggage.time_limit.until_known_s)
        job_here = replace(job, path=path)
        luggage.clock.begin.remote(tag, luggage.time_limit(job_here))
        return attempt(partial(work, equipment=equipment), job_here)


def _run_folder(name: str) -> Path:
    """Return where a run's files lie on this node; only the driver's random name tells it from other runs'."""
    return Path(tempfile.gettempdir()) / name


def _remove_folder(name: str) -> None:
    shutil.rmtree(_run_folder(name), ignore_errors=True)


_kept: dict[str, Path] = {}
"""Files of this process by their content, so that weights are fetched once a process and not once a clip."""


def _kept_file(sha256: str, reference: Any, run_folder: Path) -> Path:
    if sha256 not in _kept:
        import ray

        folder = tempfile.mkdtemp(dir=run_folder)
        atexit.register(shutil.rmtree, folder, ignore_errors=True)
        path = Path(folder) / sha256
        path.write_bytes(ray.get(reference))
        _kept[sha256] = path
    return _kept[sha256]
