"""Frames, landmarks over time and features over time. Missing is NaN, never 0."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from backsight.domain.landmarks import LANDMARK_NAMES, N_LANDMARKS
from backsight.domain.validation import FloatArray, as_float_array, check_same_length, check_timestamps
from backsight.errors import InvalidValueError

if TYPE_CHECKING:
    import xarray


@dataclass(frozen=True, eq=False)
class Frame:
    """One picture and when it was taken."""

    image: NDArray[np.uint8]
    """RGB, shape (height, width, 3), rows from the top."""
    timestamp_s: float
    """Seconds since the first frame of the recording, from the container's own clock."""
    index: int
    """Position in the recording, counted from 0 before any trimming."""
    captured_s: float = math.nan
    """When a live source took it, by `time.monotonic()`; NaN = from a file."""


@dataclass(frozen=True, eq=False)
class PoseObservation:
    """What a pose estimator saw in one frame: one person's landmarks, and how many people it could see."""

    image_px: FloatArray
    """Positions in pixels of the frame handed in: x right, y down, z away from the camera, hip-centred; shape (33, 3);
    NaN = no person. z is only roughly in x's scale: on real clips BlazePose lite gives 3.4 to 4 times too much."""
    world_m: FloatArray
    """Positions in metres, hip-centred: x to the image's right, y down, z away from the camera; shape (33, 3);
    NaN = no person."""
    visibility: FloatArray
    """Probability that a landmark is in view and not hidden; shape (33,); 0 = no person."""
    presence: FloatArray
    """Probability that a landmark lies inside the frame; shape (33,); 0 = no person."""
    n_people: int | None = None
    """People seen in this frame; None where the estimator did not look for more than the one it follows."""
    changed_person: bool = False
    """True where the person followed was lost and taken up anew, so continuity is not assured."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "image_px", as_float_array("image_px", self.image_px, (N_LANDMARKS, 3)))
        object.__setattr__(self, "world_m", as_float_array("world_m", self.world_m, (N_LANDMARKS, 3)))
        object.__setattr__(self, "visibility", as_float_array("visibility", self.visibility, (N_LANDMARKS,)))
        object.__setattr__(self, "presence", as_float_array("presence", self.presence, (N_LANDMARKS,)))

    @classmethod
    def nobody(cls, *, n_people: int | None = 0) -> PoseObservation:
        """Return the observation of a frame without a person."""
        missing, never = np.full((N_LANDMARKS, 3), np.nan), np.zeros(N_LANDMARKS)
        return cls(image_px=missing, world_m=missing, visibility=never, presence=never, n_people=n_people)

    @property
    def has_person(self) -> bool:
        """True when a person was found in the frame."""
        return bool(np.isfinite(self.image_px[:, :2]).any())


@dataclass(frozen=True, eq=False)
class PoseSequence:
    """One person's 33 landmarks over time."""

    image_px: FloatArray
    """Positions in pixels of the analysed frame: x right, y down, z away from the camera, hip-centred and only roughly
    in x's scale; shape (n_frames, 33, 3); NaN = missing."""
    world_m: FloatArray
    """Positions in metres, hip-centred: x to the image's right, y down, z away from the camera;
    shape (n_frames, 33, 3); NaN = missing."""
    visibility: FloatArray
    """Probability that a landmark is in view and not hidden; shape (n_frames, 33); 0 where no person was found."""
    presence: FloatArray
    """Probability that a landmark lies inside the frame; shape (n_frames, 33); 0 where no person was found."""
    timestamps_s: FloatArray
    """Seconds since the recording's first frame, strictly increasing; shape (n_frames,)."""
    frame_size: tuple[int, int]
    """(width, height) in pixels of the frames that `image_px` refers to."""

    def __post_init__(self) -> None:
        for name in ("image_px", "world_m"):
            object.__setattr__(self, name, as_float_array(name, getattr(self, name), ("n_frames", N_LANDMARKS, 3)))
        for name in ("visibility", "presence"):
            object.__setattr__(self, name, as_float_array(name, getattr(self, name), ("n_frames", N_LANDMARKS)))
        object.__setattr__(self, "timestamps_s", as_float_array("timestamps_s", self.timestamps_s, ("n_frames",)))
        check_same_length(
            image_px=self.image_px,
            world_m=self.world_m,
            visibility=self.visibility,
            presence=self.presence,
            timestamps_s=self.timestamps_s,
        )
        check_timestamps(self.timestamps_s)
        if len(self.frame_size) != 2 or min(self.frame_size) <= 0:
            raise InvalidValueError(f"`frame_size` must be (width, height) in pixels, got {self.frame_size}")

    @classmethod
    def from_observations(
        cls, observations: Sequence[PoseObservation], timestamps_s: Sequence[float], *, frame_size: tuple[int, int]
    ) -> PoseSequence:
        """Stack the observations of consecutive frames."""
        if not observations:
            raise InvalidValueError("`observations` must hold at least one frame, got none")
        return cls(
            image_px=np.stack([seen.image_px for seen in observations]),
            world_m=np.stack([seen.world_m for seen in observations]),
            visibility=np.stack([seen.visibility for seen in observations]),
            presence=np.stack([seen.presence for seen in observations]),
            timestamps_s=np.asarray(timestamps_s, dtype=np.float64),
            frame_size=frame_size,
        )

    @property
    def n_frames(self) -> int:
        """Number of frames."""
        return len(self.timestamps_s)

    @property
    def duration_s(self) -> float:
        """Seconds from the first frame to the last; 0 for a single frame."""
        return float(self.timestamps_s[-1] - self.timestamps_s[0]) if self.n_frames else 0.0

    @property
    def fps(self) -> float:
        """Mean frames a second; NaN for fewer than two frames."""
        return (self.n_frames - 1) / self.duration_s if self.n_frames > 1 else float("nan")

    @property
    def has_person(self) -> NDArray[np.bool_]:
        """For each frame whether any landmark is known; shape (n_frames,)."""
        return np.asarray(np.isfinite(self.image_px[:, :, 0]).any(axis=1), dtype=np.bool_)

    def to_xarray(self) -> xarray.Dataset:
        """Return the poses layout of the `movement` package: position (time, space, keypoints, individuals).

        Image positions in pixels are `position`, visibility is `confidence`; world positions in metres are
        `position_world`.

        Raises
        ------
        MissingDependencyError
            When xarray is not installed.
        """
        try:
            import xarray
        except ImportError as error:
            from backsight.errors import MissingDependencyError

            raise MissingDependencyError("to_xarray() needs xarray: pip install xarray") from error

        def spatial(positions: FloatArray) -> tuple[tuple[str, ...], NDArray[Any]]:
            return ("time", "space", "keypoints", "individuals"), positions.transpose(0, 2, 1)[..., np.newaxis]

        return xarray.Dataset(
            data_vars={
                "position": spatial(self.image_px),
                "position_world": spatial(self.world_m),
                "confidence": (("time", "keypoints", "individuals"), self.visibility[..., np.newaxis]),
            },
            coords={
                "time": self.timestamps_s,
                "space": ["x", "y", "z"],
                "keypoints": list(LANDMARK_NAMES),
                "individuals": ["person"],
            },
            attrs={"fps": self.fps, "time_unit": "seconds", "source_software": "Backsight", "ds_type": "poses"},
        )


@dataclass(frozen=True, eq=False)
class FeatureSequence:
    """Named values for each frame, as the network reads them before scaling."""

    values: FloatArray
    """Shape (n_frames, n_features); NaN = missing."""
    names: tuple[str, ...]
    """One name a column."""
    timestamps_s: FloatArray
    """Seconds since the recording's first frame, strictly increasing; shape (n_frames,)."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "values", as_float_array("values", self.values, ("n_frames", len(self.names))))
        object.__setattr__(self, "timestamps_s", as_float_array("timestamps_s", self.timestamps_s, ("n_frames",)))
        check_same_length(values=self.values, timestamps_s=self.timestamps_s)
        check_timestamps(self.timestamps_s)

    def column(self, name: str) -> FloatArray:
        """Return one column by name; shape (n_frames,)."""
        return self.values[:, self.names.index(name)]


@dataclass(frozen=True, eq=False)
class MinMaxScaler:
    """Each column's smallest and largest value in the training fold, and what stands in for a missing value.

    The paper's pre-processor scales by minimum and maximum (section III-A). Values outside the training range are
    clipped to `overshoot` beyond it, so that one wild landmark cannot swamp the network.
    """

    minimum: FloatArray
    """Shape (n_features,)."""
    maximum: FloatArray
    """Shape (n_features,)."""
    fill: FloatArray
    """Scaled value that replaces NaN: the training mean; shape (n_features,)."""
    overshoot: float = 0.5

    def __post_init__(self) -> None:
        n_features = len(np.atleast_1d(self.minimum))
        for name in ("minimum", "maximum", "fill"):
            values = as_float_array(name, getattr(self, name), (n_features,))
            if not np.all(np.isfinite(values)):
                raise InvalidValueError(f"`{name}` of the scaler must be finite, got NaN or infinity")
            object.__setattr__(self, name, values)

    def scale(self, values: FloatArray) -> FloatArray:
        """Scale (..., n_features) into about 0 to 1, with NaN replaced by `fill`."""
        span = np.where(self.maximum > self.minimum, self.maximum - self.minimum, 1.0)
        scaled = np.clip((values - self.minimum) / span, -self.overshoot, 1.0 + self.overshoot)
        return np.where(np.isnan(scaled), self.fill, scaled)


@dataclass(frozen=True, eq=False)
class ImageStatistics:
    """What the pictures themselves tell about the recording's quality, on a few frames a second."""

    timestamps_s: FloatArray = field(default_factory=lambda: np.empty(0))
    """Shape (n_samples,)."""
    brightness: FloatArray = field(default_factory=lambda: np.empty(0))
    """Mean luma, 0 black to 255 white; shape (n_samples,)."""
    contrast: FloatArray = field(default_factory=lambda: np.empty(0))
    """Standard deviation of luma, 0 to 127; shape (n_samples,)."""
    sharpness: FloatArray = field(default_factory=lambda: np.empty(0))
    """Variance of the Laplacian of luma at a fixed working width; shape (n_samples,)."""
    camera_shift: FloatArray = field(default_factory=lambda: np.empty(0))
    """Shift of the background since the first sample, as a share of the frame's width; shape (n_samples,); NaN = could
    not be measured."""

    def __post_init__(self) -> None:
        for name in ("timestamps_s", "brightness", "contrast", "sharpness", "camera_shift"):
            object.__setattr__(self, name, as_float_array(name, getattr(self, name), ("n_samples",)))
        check_same_length(
            timestamps_s=self.timestamps_s,
            brightness=self.brightness,
            contrast=self.contrast,
            sharpness=self.sharpness,
            camera_shift=self.camera_shift,
        )


@dataclass(frozen=True, eq=False)
class PoseTrack:
    """A whole recording as the pose estimator saw it, before any filtering."""

    pose: PoseSequence
    n_people: FloatArray
    """People seen in each frame; shape (n_frames,); NaN = not looked for in that frame."""
    changed_person: NDArray[np.bool_]
    """Frames at which the followed person was lost and taken up anew; shape (n_frames,)."""
    images: ImageStatistics
    n_dropped: int = 0
    """Frames that a live source lost because the model was too slow."""
