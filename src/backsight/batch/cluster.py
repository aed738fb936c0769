"""The same work on a Ray cluster; ray's only door.

Recordings, weights and network travel through Ray's object store, so that nodes need neither the files nor a bucket's
credentials: all recordings pass through the machine that runs the command. Nodes need Backsight installed, in the same
version. Ray's dashboard and usage statistics stay off, because health data stays where it is.
"""

from __future__ import annotations

import atexit
import logging
import os
import shutil
import tempfile
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from backsight.batch.options import file_sha256
from backsight.batch.processes import DIED, JOBS_A_WORKER, Failure, Outcome, attempt
from backsight.batch.work import ClipResult, Equipment, Job, do_clip
from backsight.errors import BatchError, MissingDependencyError

Work = Callable[..., ClipResult]
"""Called with a job and `equipment`; a function of a module that nodes have."""

LOOPBACK = "127.0.0.1"
LOCAL = "local"
"""An address that means a cluster of this machine alone, which lives as long as the run."""


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

    Raises
    ------
    MissingDependencyError
        When ray is not installed.
    BatchError
        When the cluster is not there.
    """

    def __init__(
        self, equipment: Equipment, *, address: str = "auto", n_workers: int | None = None, work: Work = do_clip
    ) -> None:
        prepare_environment(address)
        try:
            import ray
        except ImportError as error:
            raise MissingDependencyError(
                "a cluster needs ray, which is not installed: pip install 'backsight[cluster]'"
            ) from error
        self._ray: Any = ray
        _connect(ray, address, n_workers)
        cores = int(self._ray.cluster_resources().get("CPU", 1))
        self._n_workers = min(n_workers or cores, cores)
        self._equipment = equipment
        self._files = [(file_sha256(path), ray.put(path.read_bytes())) for path in (equipment.bundle, equipment.model)]
        self._task = ray.remote(num_cpus=1, max_retries=0)(_do_on_node)
        self._work = work
        self._running: dict[Any, Job] = {}

    @property
    def n_outstanding(self) -> int:
        """Jobs that have been handed in and not come back."""
        return len(self._running)

    @property
    def capacity(self) -> int:
        """Jobs that may be outstanding without one waiting for long."""
        return JOBS_A_WORKER * self._n_workers

    def submit(self, job: Job) -> None:
        """Hand in a job."""
        recording = self._ray.put(job.path.read_bytes())
        # In lists references stay references, so that a node fetches weights only when it has none yet.
        task = self._task.remote(job, [recording], self._files, self._equipment, self._work)
        self._running[task] = job

    def collect(self, *, timeout_s: float) -> list[tuple[Job, Outcome]]:
        """Wait until a job has come back, at most that long, and return those that have."""
        tasks = list(self._running)
        if not tasks:
            return []
        ready, _ = self._ray.wait(tasks, num_returns=1, timeout=timeout_s)
        done = []
        for task in ready:
            job = self._running.pop(task)
            done.append((job, self._outcome(task, job)))
        return done

    def close(self) -> None:
        """Give up what is being worked on and leave the cluster."""
        for task in self._running:
            self._ray.cancel(task, force=True)
        self._running.clear()
        self._ray.shutdown()

    def _outcome(self, task: Any, job: Job) -> Outcome:
        try:
            outcome: Outcome = self._ray.get(task)
        except self._ray.exceptions.RayTaskError as error:
            return Failure(f"{job.path.name}: {' '.join(str(error.cause or error).split())}"[:500])
        except self._ray.exceptions.RayError:
            # Its process, or the whole node, is gone.
            return Failure(f"{job.path.name}: {DIED}", process_died=True)
        return outcome


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


def _connect(ray: Any, address: str, n_workers: int | None) -> None:
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


def _do_on_node(
    job: Job, recording: list[Any], files: list[tuple[str, Any]], equipment: Equipment, work: Work
) -> Outcome:
    """Do a job in a process of a node: put the bytes into files, then do what every worker does."""
    import ray

    bundle, model = (_kept_file(sha256, reference) for sha256, reference in files)
    with tempfile.TemporaryDirectory(prefix="backsight-") as folder:
        # Its own name, which errors repeat.
        path = Path(folder) / job.path.name
        path.write_bytes(ray.get(recording[0]))
        here = replace(equipment, bundle=bundle, model=model)
        return attempt(partial(work, equipment=here), replace(job, path=path))


_kept: dict[str, Path] = {}
"""Files of this process by their content, so that weights are fetched once a process and not once a clip."""


def _kept_file(sha256: str, reference: Any) -> Path:
    if sha256 not in _kept:
        import ray

        folder = tempfile.mkdtemp(prefix="backsight-")
        atexit.register(shutil.rmtree, folder, ignore_errors=True)
        path = Path(folder) / sha256
        path.write_bytes(ray.get(reference))
        _kept[sha256] = path
    return _kept[sha256]
