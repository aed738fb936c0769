"""Call one function with many items on a Ray cluster: folds of a study, of a search. Knows no study.

What the function holds, a study's landmarks among it, travels through Ray's object store once, and stays in the memory
of the nodes' processes. Nodes need the same code of Backsight, and the libraries that learn in the same versions.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator, Mapping, Sequence
from importlib.metadata import version
from typing import Any, Self

from backsight.batch.cluster import connect, prepare_environment, why_silent
from backsight.batch.options import how_nodes_differ
from backsight.errors import BacksightError, BatchError, MissingDependencyError
from backsight.training.code_version import LIBRARIES, installed_versions, own_code_version

_ANSWER_LIMIT_S = 120.0
"""For a node's first process, which loads Backsight from a cold disk."""
_N_RETRIES = 2
"""Of an item whose process died: the same item gives the same result."""


class RaySpread:
    """A context in which calls are spread over a cluster, one core each; an `evaluation.protocol.Spread`.

    Parameters
    ----------
    address
        `auto` = the cluster that runs on this machine, `local` = one of this machine alone, or `HOST:PORT`.
    n_workers
        Cores of a `local` cluster; None = all.

    Raises
    ------
    MissingDependencyError
        When ray is not installed.
    BatchError
        When the cluster is not there, or a node has other software.
    """

    def __init__(self, *, address: str = "auto", n_workers: int | None = None) -> None:
        self._address, self._n_workers = address, n_workers
        self._ray: Any = None

    def __enter__(self) -> Self:
        """Join the cluster."""
        prepare_environment(self._address)
        try:
            import ray
        except ImportError as error:
            raise MissingDependencyError(
                "a cluster needs ray, which is not installed: pip install 'backsight[cluster]'"
            ) from error
        connect(ray, self._address, self._n_workers)
        self._ray = ray
        try:
            self._check_nodes()
        except BaseException:
            ray.shutdown()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        """Leave the cluster; one of this machine alone ends."""
        self._ray.shutdown()

    def __call__(self, function: Callable[[Any], Any], items: Sequence[Any]) -> Iterator[tuple[int, Any]]:
        """Yield each item's place and result, as they are done.

        Raises
        ------
        BacksightError
            What the function itself raises.
        BatchError
            When a node is lost again and again, or anything else goes wrong there.
        """
        ray = self._ray
        # In a list it stays a reference, so that a process fetches it once and not for every item.
        shared, name = [ray.put(function)], secrets.token_hex(8)
        call = ray.remote(num_cpus=1, max_retries=_N_RETRIES)(_call)
        running = {call.remote(shared, name, item): place for place, item in enumerate(items)}
        try:
            while running:
                ready, _ = ray.wait(list(running), num_returns=1)
                yield running.pop(ready[0]), self._result(ready[0])
        finally:
            for left in running:
                ray.cancel(left, force=True)

    def _result(self, task: Any) -> Any:
        try:
            return self._ray.get(task)
        except self._ray.exceptions.RayTaskError as error:
            if isinstance(error.cause, BacksightError):
                raise error.cause from None
            raise BatchError(f"the cluster could not do a part of it: {error.cause or error}") from error
        except self._ray.exceptions.RayError as error:
            raise BatchError(f"a node of the cluster {why_silent(error)}") from error

    def _check_nodes(self) -> None:
        from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

        ask = self._ray.remote(num_cpus=0, max_retries=0)(learning_software)
        found: dict[str, Mapping[str, str]] = {}
        for node in self._ray.nodes():
            if not node["Alive"]:
                continue
            place = NodeAffinitySchedulingStrategy(node["NodeID"], soft=False)
            try:
                answer = ask.options(scheduling_strategy=place).remote()
                found[node["NodeManagerAddress"]] = self._ray.get(answer, timeout=_ANSWER_LIMIT_S)
            except self._ray.exceptions.RayError as error:
                raise BatchError(f"{node['NodeManagerAddress']} {why_silent(error)}") from error
        if differing := how_nodes_differ(learning_software(), found):
            raise BatchError(
                f"nodes of the cluster would learn otherwise: {differing}; install the same Backsight, with the same "
                "libraries, on every node"
            )


def learning_software() -> dict[str, str]:
    """Return this machine's versions of what decides what is learnt."""
    return {
        "Backsight": version("backsight"),
        "Backsight's code": own_code_version(),
        **{name: found or "none" for name, found in installed_versions(LIBRARIES).items()},
    }


_kept: dict[str, Callable[[Any], Any]] = {}
"""The last function that this process was sent, by its name."""


def _call(shared: list[Any], name: str, item: Any) -> Any:
    import ray

    if name not in _kept:
        _kept.clear()
        _kept[name] = ray.get(shared[0])
    return _kept[name](item)
