"""Teach a network's layers how people move before it sees a score: foresee the next frames. Knows nothing of scores."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from backsight.network.sequence import UNKNOWN_EXERCISE, SequenceNetwork

FRAMES_AHEAD = 3
"""How far is looked ahead: the next frame alone is foretold well by repeating the present one."""
_LEARNING_RATE = 2e-3


def foresee(
    network: SequenceNetwork,
    foresight: nn.Linear,
    values: Tensor,
    n_frames: Tensor,
    *,
    n_epochs: int,
    batch_size: int,
    seed: int,
) -> tuple[float, ...]:
    """Fit the layers that read frames, and a reading of theirs, to the frames `FRAMES_AHEAD` later.

    Parameters
    ----------
    foresight
        Reads the coming frame off the layers' output; changed in place, like the network.
    values
        Scaled features of training people, padded at the end; shape (n_people, longest, n_features).
    n_frames
        Without padding; shape (n_people,).

    Returns
    -------
    tuple of float
        Mean error of each pass.
    """
    optimizer = torch.optim.AdamW([*network.parameters(), *foresight.parameters()], lr=_LEARNING_RATE, foreach=False)
    generator = torch.Generator().manual_seed(seed)
    errors = []
    network.train()
    for _ in range(n_epochs):
        total = 0.0
        order = torch.randperm(len(values), generator=generator).to(values.device)
        for chosen in torch.split(order, batch_size):
            optimizer.zero_grad()
            loss = foresight_loss(network, foresight, values[chosen], n_frames[chosen])
            loss.backward()  # type: ignore[no-untyped-call]
            optimizer.step()
            total += float(loss.detach()) * len(chosen)
        errors.append(total / len(values))
    return tuple(errors)


def foresight_loss(network: SequenceNetwork, foresight: nn.Linear, values: Tensor, n_frames: Tensor) -> Tensor:
    """Return the mean error of the foretold change of each column over `FRAMES_AHEAD` frames, padding left out."""
    nobody = torch.full((len(values),), UNKNOWN_EXERCISE, device=values.device)
    told = foresight(network.read_frames(values, nobody)[:, :-FRAMES_AHEAD])
    change = values[:, FRAMES_AHEAD:] - values[:, :-FRAMES_AHEAD]
    is_frame = torch.arange(change.shape[1], device=values.device)[None, :] < (n_frames - FRAMES_AHEAD)[:, None]
    off = functional.smooth_l1_loss(told, change, reduction="none").mean(dim=2)
    return (off * is_frame).sum() / is_frame.sum().clamp(min=1)
