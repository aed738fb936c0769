"""What the road asks of the outside world: frames, landmarks, an index. Knows no library that answers."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

from backsight.domain.assessment import ModelCard
from backsight.domain.movement import JudgedMovement, Movement
from backsight.domain.recording import SourceInfo
from backsight.domain.sequences import FeatureSequence, Frame, PoseObservation
from backsight.domain.validation import FloatArray


class FrameSource(Protocol):
    """A video file or a camera."""

    @property
    def info(self) -> SourceInfo:
        """What is known before decoding."""
        ...

    def frames(self) -> Iterator[Frame]:
        """Yield the selected frames in order of time; a file can be read again, a camera cannot."""
        ...


class PoseEstimator(Protocol):
    """Finds one person's landmarks in frames that follow each other."""

    def estimate(self, frame: Frame) -> PoseObservation:
        """Return what is seen in the next frame of the recording."""
        ...

    def close(self) -> None:
        """Release the engine."""
        ...


class IndexStream(Protocol):
    """An index that is fed one frame at a time."""

    def step(self, values: FloatArray) -> float:
        """Take one frame's features, shape (n_features,), NaN = missing; return the raw output so far."""
        ...


class IndexPredictor(Protocol):
    """Turns a movement into the spinal health index."""

    @property
    def card(self) -> ModelCard:
        """Where the model comes from."""
        ...

    def judge(self, movement: Movement) -> JudgedMovement:
        """Return the index of a whole recording, and what the model knows besides."""
        ...

    def stream(self) -> IndexStream | None:
        """Start a new person, frame by frame; None where the model reads whole movements only."""
        ...

    def unfamiliar_share(self, features: FeatureSequence) -> float:
        """Share of the known feature values outside the range seen in training; NaN = not known."""
        ...
