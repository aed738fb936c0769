"""What an interrupted training goes on from, kept without pickle. Knows nothing of examples."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

from backsight.errors import CheckpointError, OutputError

_NETWORK, _BEST, _OPTIMIZER = "network/", "best/", "optimizer/"


@dataclass(frozen=True)
class EpochRecord:
    """One pass over the training fold."""

    train_loss: float
    """Mean over the pass, while the weights were changing."""
    validation_loss: float
    """After the pass."""


@dataclass(frozen=True, eq=False)
class Progress:
    """How far training has come."""

    history: tuple[EpochRecord, ...]
    best_weights: Mapping[str, Tensor] = field(repr=False)
    """The network's weights after `best_epoch`; empty before the first epoch."""

    @property
    def best_epoch(self) -> int:
        """The epoch with the lowest validation loss, the first of equals, counted from 0; -1 before the first."""
        losses = [record.validation_loss for record in self.history]
        return losses.index(min(losses)) if losses else -1

    def is_finished(self, *, n_epochs: int, patience: int) -> bool:
        """Whether all epochs are done, or the last `patience` of them brought nothing better."""
        n_done = len(self.history)
        return n_done >= n_epochs or n_done - 1 - self.best_epoch >= patience

    def after(self, record: EpochRecord, network: nn.Module) -> Progress:
        """Return the progress after one more epoch, which left `network` as it is."""
        lowest = min((past.validation_loss for past in self.history), default=math.inf)
        weights = self.best_weights
        if record.validation_loss < lowest:
            weights = {name: value.detach().clone() for name, value in network.state_dict().items()}
        return Progress(history=(*self.history, record), best_weights=weights)


def save_progress(path: Path, progress: Progress, *, network: nn.Module, optimizer: torch.optim.Optimizer) -> None:
    """Note the progress, whole or not at all.

    Raises
    ------
    OutputError
        When the file cannot be written.
    """
    tensors = {f"{_NETWORK}{name}": value for name, value in network.state_dict().items()}
    tensors |= {f"{_BEST}{name}": value for name, value in progress.best_weights.items()}
    for position, moments in optimizer.state_dict()["state"].items():
        tensors |= {f"{_OPTIMIZER}{position}/{name}": value for name, value in moments.items()}
    history = json.dumps([asdict(record) for record in progress.history])
    part = path.with_name(f".{path.name}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        save_file(
            {name: value.detach().clone().contiguous() for name, value in tensors.items()}, part, {"history": history}
        )
        part.replace(path)
    except (OSError, SafetensorError) as error:
        raise OutputError(f"{path}: progress of the training cannot be kept ({error})") from error


def load_progress(path: Path, *, network: nn.Module, optimizer: torch.optim.Optimizer) -> Progress | None:
    """Bring `network` and `optimizer` to where training was left; None when it has not begun.

    Raises
    ------
    CheckpointError
        When the file is damaged.
    """
    if not path.exists():
        return None
    try:
        with safe_open(path, framework="pt") as file:
            history = json.loads(file.metadata()["history"])
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118  no mapping
        network.load_state_dict(_under(_NETWORK, tensors))
        moments: dict[int, dict[str, Tensor]] = {}
        for name, value in _under(_OPTIMIZER, tensors).items():
            position, _, moment = name.partition("/")
            moments.setdefault(int(position), {})[moment] = value
        optimizer.load_state_dict({"state": moments, "param_groups": optimizer.state_dict()["param_groups"]})
        return Progress(history=tuple(EpochRecord(**record) for record in history), best_weights=_under(_BEST, tensors))
    except (OSError, SafetensorError, KeyError, TypeError, ValueError, RuntimeError) as error:
        raise CheckpointError(
            f"{path}: noted progress of the training is damaged ({error}); delete the file and train from the start"
        ) from error


def forget_progress(paths: Iterable[Path | None]) -> None:
    """Delete noted progress that is needed no more; None = none was noted.

    Raises
    ------
    OutputError
        When a file cannot be deleted.
    """
    for path in paths:
        try:
            if path is not None:
                path.unlink(missing_ok=True)
        except OSError as error:
            raise OutputError(f"{path}: progress of a finished training cannot be deleted ({error})") from error


def _under(prefix: str, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {name.removeprefix(prefix): value for name, value in tensors.items() if name.startswith(prefix)}
