"""The road's features and index while the recording still goes on. Knows nothing of cameras, windows or threads.

The road looks at a whole recording: it bridges gaps from both sides, takes speeds over a span centred on each frame,
and compares with medians over everything. Here a frame's features follow `LAG_S` later, when gaps and speeds can no
longer change, with the medians of what has been seen so far. As these settle the network is shown the recording again
from its beginning, each time that it has grown by a tenth and once more at its end; then the index is the road's.
"""

from __future__ import annotations

import math

import numpy as np

from backsight.domain.movement import JudgedMovement
from backsight.domain.sequences import FeatureSequence, PoseObservation, PoseSequence
from backsight.features.extract import extract_features
from backsight.features.running import RunningReference
from backsight.features.schema import FEATURE_NAMES
from backsight.kinematics.resampling import resample
from backsight.pipeline import MODEL_FPS
from backsight.ports import IndexPredictor, IndexStream
from backsight.pose.filtering import MAX_GAP_S, VISIBILITY_THRESHOLD, fill_short_gaps, filter_by_visibility

SPEED_REACH = 3
"""Grid steps on either side of a frame that its speeds look at: `rate_of_change` over 0.2 s at 30 fps."""
LAG_S = MAX_GAP_S + (SPEED_REACH + 1) / MODEL_FPS
"""After this long a frame's features are final: a gap that begins in its neighbourhood is bridged or is none."""
_KEPT_BEFORE_S = 2 * MAX_GAP_S + (SPEED_REACH + 1) / MODEL_FPS
"""Frames that far before the next row may still decide on it; cameras slower than 4 frames a second are not watched."""
_EPSILON_S = 1e-6
REPLAY_GROWTH = 1.1
"""The network is shown everything again when there is a tenth more: eleven times the work of one pass in all."""


class RunningFeatures:
    """Turns observations into the rows that the road would make of them, each `LAG_S` later.

    Parameters
    ----------
    frame_size
        (width, height) in pixels of the frames observed.
    """

    def __init__(self, frame_size: tuple[int, int]) -> None:
        self._frame_size = frame_size
        self._observations: list[PoseObservation] = []
        self._times_s: list[float] = []
        self._reference = RunningReference()
        self._first_s: float | None = None
        self._last_seen_s = -math.inf
        self._n_rows = 0
        self._grid: list[PoseSequence] = []

    def push(self, seen: PoseObservation, *, timestamp_s: float) -> None:
        """Take the next frame."""
        if _is_seen(seen):
            self._first_s = timestamp_s if self._first_s is None else self._first_s
            self._last_seen_s = timestamp_s
        # As on the road, rows begin with the frame in which the person is first seen.
        if self._first_s is not None:
            self._observations.append(seen)
            self._times_s.append(timestamp_s)

    def advance(self) -> FeatureSequence:
        """Return the rows that have become final, shape (n_rows, n_features).

        Where the person is lost they wait until the person is seen again: the road cuts what follows the last sight.
        """
        if self._first_s is None:
            return _no_rows()
        rows = self._rows_until(min(self._times_s[-1] - LAG_S, self._last_seen_s))
        self._forget()
        return rows

    def finish(self) -> FeatureSequence:
        """Return the rows up to the frame in which the person was last seen."""
        return _no_rows() if self._first_s is None else self._rows_until(self._last_seen_s)

    def again(self) -> FeatureSequence:
        """Return all rows so far, compared with the medians of now; after `finish` they are the road's."""
        if not self._grid:
            return _no_rows()
        self._grid = [_joined_poses(self._grid)]
        return extract_features(self._grid[0], reference=self._reference.so_far())

    def _grid_s(self, row: int) -> float:
        assert self._first_s is not None  # noqa: S101  (nobody asks before the person is seen)
        return self._first_s + row / MODEL_FPS

    def _rows_until(self, time_s: float) -> FeatureSequence:
        n_new = math.floor((time_s - self._grid_s(self._n_rows) + _EPSILON_S) * MODEL_FPS) + 1
        if n_new < 1:
            return _no_rows()
        n_before = min(SPEED_REACH, self._n_rows)
        pose = PoseSequence.from_observations(self._observations, self._times_s, frame_size=self._frame_size)
        known = _until(fill_short_gaps(filter_by_visibility(pose)), self._last_seen_s)
        grid = resample(known, fps=MODEL_FPS, start_s=self._grid_s(self._n_rows - n_before))
        new = slice(n_before, n_before + n_new)
        self._grid.append(_part(grid, new))
        self._reference.add(self._grid[-1])
        looked_at = _part(grid, slice(0, new.stop + SPEED_REACH))
        features = extract_features(looked_at, reference=self._reference.so_far())
        self._n_rows += n_new
        return FeatureSequence(
            values=features.values[new], names=features.names, timestamps_s=features.timestamps_s[new]
        )

    def _forget(self) -> None:
        oldest_s = self._grid_s(self._n_rows) - _KEPT_BEFORE_S
        n_old = sum(1 for time_s in self._times_s if time_s < oldest_s)
        del self._observations[:n_old], self._times_s[:n_old]


class RunningIndex:
    """The index so far: the network's state, carried from row to row.

    For a model that reads whole movements only no rows are made: it has measures of its own.

    Parameters
    ----------
    predictor
        The network; its output after each row is that of `predict` on the same rows.
    frame_size
        (width, height) in pixels of the frames observed.
    """

    def __init__(self, predictor: IndexPredictor, *, frame_size: tuple[int, int]) -> None:
        self._predictor = predictor
        self._stream = predictor.stream()
        self._features = RunningFeatures(frame_size)
        self._raw = float("nan")
        self._n_rows = 0
        self._replay_at = MODEL_FPS
        self._first_seen_s = self._last_seen_s = float("nan")
        self._unfamiliar_share = float("nan")

    def push(self, seen: PoseObservation, *, timestamp_s: float) -> None:
        """Take the next frame; costs next to nothing."""
        if self._stream is not None:
            self._features.push(seen, timestamp_s=timestamp_s)
        elif _is_seen(seen):
            self._first_seen_s = timestamp_s if math.isnan(self._first_seen_s) else self._first_seen_s
            self._last_seen_s = timestamp_s

    def advance(self) -> None:
        """Let the network read what has become final since the last time."""
        if self._stream is None:
            return
        self._take(self._stream, self._features.advance())
        if self._n_rows >= self._replay_at:
            self._replay()
            self._replay_at = REPLAY_GROWTH * self._n_rows

    def settle(self, judged: JudgedMovement | None) -> None:
        """Take what a model that reads whole movements says of the movement so far; None = it can say nothing."""
        if self.waits_for_the_movement:
            self._raw = math.nan if judged is None else float(judged.curve.raw[-1])
            self._unfamiliar_share = math.nan if judged is None else judged.unfamiliar_share

    @property
    def waits_for_the_movement(self) -> bool:
        """Whether the model reads whole movements only, so that there is no index before one is done."""
        return self._stream is None

    def finish(self) -> None:
        """Take the rows that were still waiting for later frames: the recording is over."""
        if self._stream is None:
            return
        self._take(self._stream, self._features.finish())
        self._replay()

    @property
    def value(self) -> float:
        """The index so far, 0 best to 1 worst; NaN before the first row."""
        return float(np.clip(self._raw, 0.0, 1.0))

    @property
    def seen_s(self) -> float:
        """Seconds of the person that the model has read, or has before it."""
        if self._stream is not None:
            return self._n_rows / MODEL_FPS
        return 0.0 if math.isnan(self._first_seen_s) else self._last_seen_s - self._first_seen_s

    @property
    def unfamiliar_share(self) -> float:
        """Share of the values outside the range seen in training, when last looked at; NaN when none was known."""
        return self._unfamiliar_share

    def _take(self, stream: IndexStream, rows: FeatureSequence) -> None:
        for values in rows.values:
            self._raw = stream.step(values)
        self._n_rows += len(rows.values)

    def _replay(self) -> None:
        rows = self._features.again()
        stream = self._predictor.stream()
        if stream is None or not len(rows.values):
            return
        self._stream, self._n_rows = stream, 0
        self._take(stream, rows)
        self._unfamiliar_share = self._predictor.unfamiliar_share(rows)


def _is_seen(seen: PoseObservation) -> bool:
    """Return whether any landmark passes the visibility filter."""
    visible = seen.visibility >= VISIBILITY_THRESHOLD
    return bool(np.isfinite(seen.image_px[visible]).all(axis=1).any())


def _part(pose: PoseSequence, part: slice) -> PoseSequence:
    return PoseSequence(
        image_px=pose.image_px[part],
        world_m=pose.world_m[part],
        visibility=pose.visibility[part],
        presence=pose.presence[part],
        timestamps_s=pose.timestamps_s[part],
        frame_size=pose.frame_size,
    )


def _until(pose: PoseSequence, last_s: float) -> PoseSequence:
    return _part(pose, slice(0, int(np.searchsorted(pose.timestamps_s, last_s, side="right"))))


def _no_rows() -> FeatureSequence:
    return FeatureSequence(values=np.empty((0, len(FEATURE_NAMES))), names=FEATURE_NAMES, timestamps_s=np.empty(0))


def _joined_poses(parts: list[PoseSequence]) -> PoseSequence:
    return PoseSequence(
        image_px=np.concatenate([part.image_px for part in parts]),
        world_m=np.concatenate([part.world_m for part in parts]),
        visibility=np.concatenate([part.visibility for part in parts]),
        presence=np.concatenate([part.presence for part in parts]),
        timestamps_s=np.concatenate([part.timestamps_s for part in parts]),
        frame_size=parts[0].frame_size,
    )
