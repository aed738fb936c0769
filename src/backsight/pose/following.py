"""Keep to one person: whom to take up, whether a box is still theirs, when to look for others. Knows no model or image.

A pose tracker follows one person and may jump to another. Here every box that it reports is held against the place
where the followed person was last seen; a box that they cannot have reached is somebody else's and is refused.

Two people who swap places while their boxes overlap cannot be told apart by boxes.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np

from backsight.domain.landmarks import Landmark
from backsight.domain.sequences import PoseObservation

LOOK_INTERVAL_S = 0.5
"""How often other people are looked for while somebody is followed."""
PATIENCE_S = 1.0
"""How long a lost person is waited for before somebody else may be taken up."""
REACH_SIZES = 0.2
"""How far a person's middle may shift from one frame to the next whatever the time between them, in body sizes: the
tracker's own noise. Measured on six real clips, motion included: at most 0.20, as it settles on a person."""
SPEED_SIZES_PER_S = 3.0
"""How fast a person's middle may move, in body sizes a second: a sprint or a fall, about 5 m/s."""
REACH_TIME_S = 0.4
"""The reach of somebody lost stops growing after this time; beyond it, anybody in the frame would be within reach."""
SAME_PLACE_SIZES = 0.5
"""Somebody lost for longer than `PATIENCE_S` is taken for the same person only within this distance, in body sizes."""
SIZE_RATIO = 2.5
"""The followed person does not become so many times larger or smaller; crouching is a factor of 2."""
EDGE_PENALTY = 0.5
"""Somebody in a corner counts as this share smaller than they are."""
SAME_PERSON_OVERLAP = 0.5
"""Two boxes of which the smaller is covered so far show one person."""
_TORSO = (Landmark.LEFT_SHOULDER, Landmark.RIGHT_SHOULDER, Landmark.LEFT_HIP, Landmark.RIGHT_HIP)


@dataclass(frozen=True)
class PersonBox:
    """Where a person is in a frame, in pixels."""

    left: float
    top: float
    right: float
    bottom: float
    middle: tuple[float, float]
    """The middle of the torso, which waving arms do not move."""
    visibility: float = 1.0
    """Mean visibility of the landmarks: how sure it is that this is a person."""

    @classmethod
    def around(cls, seen: PoseObservation) -> Self:
        """Return the box of an observation with a person."""
        left, top = seen.image_px[:, :2].min(axis=0)
        right, bottom = seen.image_px[:, :2].max(axis=0)
        x, y = seen.image_px[_TORSO, :2].mean(axis=0)
        middle = (float(x), float(y))
        return cls(float(left), float(top), float(right), float(bottom), middle, float(np.mean(seen.visibility)))

    @property
    def size(self) -> float:
        """The longer side: about the body height of somebody who stands or lies."""
        return max(self.right - self.left, self.bottom - self.top, 1.0)

    def distance_to(self, other: PersonBox) -> float:
        """Distance of the two middles, in sizes of the larger box."""
        return math.dist(self.middle, other.middle) / max(self.size, other.size)

    def shows_same_person_as(self, other: PersonBox) -> bool:
        """Say whether the two boxes of one frame cover each other so far that they show one person."""
        width = min(self.right, other.right) - max(self.left, other.left)
        height = min(self.bottom, other.bottom) - max(self.top, other.top)
        smaller = min((box.right - box.left) * (box.bottom - box.top) for box in (self, other))
        return width > 0 and height > 0 and width * height > SAME_PERSON_OVERLAP * smaller


@dataclass(frozen=True)
class FollowStep:
    """What one frame means for the person followed."""

    is_followed: bool
    """True when the box found is the followed person's."""
    n_people: int | None
    """People seen in this frame; None = not looked for more than one."""
    changed_person: bool = False
    """True where a person is taken up who may not be the one followed before."""


class Follower:
    """Follows one person through one recording.

    At the start the largest and most central person is chosen. Afterwards a box must lie within reach of the last one.
    When the person has been lost for `PATIENCE_S`, the largest and most central one is chosen anew; unless that is
    where the lost one was, the change is marked.

    Parameters
    ----------
    frame_size
        (width, height) in pixels.
    """

    def __init__(self, frame_size: tuple[int, int]) -> None:
        self._frame_size = frame_size
        self._target: PersonBox | None = None
        self._seen_at_s = -math.inf
        self._looked_at_s = -math.inf
        self._refused: tuple[PersonBox, ...] = ()
        self._awaits_choice = False
        self._change_is_due = False

    @property
    def refused(self) -> tuple[PersonBox, ...]:
        """Boxes of people who are not followed: the tracker should be kept from seeing them in the next frame."""
        return self._refused

    def step(
        self, timestamp_s: float, found: PersonBox | None, *, look: Callable[[], Sequence[PersonBox]]
    ) -> FollowStep:
        """Judge the box that the tracker reports for the next frame.

        Parameters
        ----------
        timestamp_s
            Time of the frame; not before the last frame's.
        found
            The tracker's box, None = it sees nobody.
        look
            Returns the boxes of the other people in this frame; called only when needed, because it is dear.
        """
        patience_is_over = timestamp_s - self._seen_at_s >= PATIENCE_S
        if found is None:
            n_people = None if self._refused else 0
            self._refused = () if patience_is_over else self._refused
            return FollowStep(is_followed=False, n_people=n_people)
        if self._target is not None and self._is_within_reach(self._target, found, timestamp_s):
            is_due = timestamp_s - self._looked_at_s >= LOOK_INTERVAL_S
            n_people = 1 + len(self._look(found, timestamp_s, look)) if is_due else None
            return self._accept(found, timestamp_s, n_people=n_people)
        if patience_is_over:
            return self._choose(found, timestamp_s, look)
        self._refused = (*(box for box in self._refused if not box.shows_same_person_as(found)), found)
        return FollowStep(is_followed=False, n_people=1)

    @property
    def has_followed(self) -> bool:
        """Whether anybody has been taken up so far."""
        return self._target is not None

    def takes_for_other(self, found: PersonBox, timestamp_s: float) -> bool:
        """Say whether a box is where the person followed so far cannot be; False where nobody has been."""
        return self._target is not None and not self._is_within_reach(self._target, found, timestamp_s)

    def _is_within_reach(self, target: PersonBox, found: PersonBox, timestamp_s: float) -> bool:
        """Say whether the person last seen at `target` can be at `found` by now."""
        ratio = found.size / target.size
        elapsed_s = timestamp_s - self._seen_at_s
        reach = REACH_SIZES + SPEED_SIZES_PER_S * min(elapsed_s, REACH_TIME_S)
        if elapsed_s >= PATIENCE_S:
            reach = SAME_PLACE_SIZES
        return 1 / SIZE_RATIO <= ratio <= SIZE_RATIO and found.distance_to(target) <= reach

    def _accept(self, found: PersonBox, timestamp_s: float, *, n_people: int | None) -> FollowStep:
        changed = self._change_is_due
        self._target, self._seen_at_s = found, timestamp_s
        self._refused, self._awaits_choice, self._change_is_due = (), False, False
        return FollowStep(is_followed=True, n_people=n_people, changed_person=changed)

    def _choose(self, found: PersonBox, timestamp_s: float, look: Callable[[], Sequence[PersonBox]]) -> FollowStep:
        """Take up the largest and most central person in view; where that is not `found`, wait for the tracker."""
        others = self._look(found, timestamp_s, look)
        n_people = 1 + len(others)
        self._change_is_due = self._change_is_due or (self._target is not None and not self._awaits_choice)
        best = max((found, *others), key=self._prominence)
        # Somebody chosen whom the tracker then could not find was perhaps nobody: this time take whom it has.
        if best is found or self._awaits_choice:
            return self._accept(found, timestamp_s, n_people=n_people)
        self._target, self._seen_at_s = best, timestamp_s
        self._refused, self._awaits_choice = (found,), True
        return FollowStep(is_followed=False, n_people=n_people)

    def _look(self, found: PersonBox, timestamp_s: float, look: Callable[[], Sequence[PersonBox]]) -> list[PersonBox]:
        """Return the other people, each once."""
        self._looked_at_s = timestamp_s
        others: list[PersonBox] = []
        for box in look():
            if not any(box.shows_same_person_as(known) for known in (found, *others)):
                others.append(box)
        return others

    def _prominence(self, box: PersonBox) -> float:
        """Size, weighed by how central and how surely a person it is."""
        width, height = self._frame_size
        off_centre = math.dist(box.middle, (width / 2, height / 2)) / (math.hypot(width, height) / 2)
        return box.size * (1.0 - EDGE_PENALTY * min(off_centre, 1.0)) * box.visibility
