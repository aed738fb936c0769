"""Stand-ins for the ports, so that the whole road runs without an engine."""

from collections.abc import Callable, Iterator, Sequence

import numpy as np

from backsight.domain.assessment import IndexCurve, ModelCard
from backsight.domain.movement import JudgedMovement, Movement
from backsight.domain.recording import SourceInfo
from backsight.domain.sequences import FeatureSequence, Frame, PoseObservation, PoseSequence
from backsight.domain.validation import FloatArray
from tests.clips import textured_picture


class FakeSource:
    """Textured grey frames at given times."""

    def __init__(
        self, timestamps_s: Sequence[float], *, size: tuple[int, int] = (320, 180), is_live: bool = False
    ) -> None:
        self._timestamps_s = list(timestamps_s)
        self._size = size
        span = self._timestamps_s[-1] - self._timestamps_s[0] if len(self._timestamps_s) > 1 else float("nan")
        self.info = SourceInfo(
            name="fake.mp4",
            width=size[0],
            height=size[1],
            fps=(len(self._timestamps_s) - 1) / span if span == span else float("nan"),
            duration_s=span,
            n_frames=len(self._timestamps_s),
            is_live=is_live,
            analysed_size=size,
        )

    def frames(self) -> Iterator[Frame]:
        width, height = self._size
        texture = textured_picture((width, height))
        for index, timestamp_s in enumerate(self._timestamps_s):
            yield Frame(image=texture, timestamp_s=timestamp_s, index=index)


class FakePoseEstimator:
    """Replays a pose sequence, frame by frame."""

    def __init__(
        self, pose: PoseSequence, *, n_people: int | None = 1, before_frame: Callable[[int], None] | None = None
    ) -> None:
        self._pose = pose
        self._n_people = n_people
        self._before_frame = before_frame
        self.is_closed = False

    def estimate(self, frame: Frame) -> PoseObservation:
        if self._before_frame:
            self._before_frame(frame.index)
        return PoseObservation(
            image_px=self._pose.image_px[frame.index],
            world_m=self._pose.world_m[frame.index],
            visibility=self._pose.visibility[frame.index],
            presence=self._pose.presence[frame.index],
            n_people=self._n_people,
        )

    def close(self) -> None:
        self.is_closed = True


FAKE_CARD = ModelCard(
    name="fake",
    version="1",
    headline="A stand-in for tests; knows nothing.",
    training_data="none",
    interval_half_width=0.2,
    text="# Fake\n",
)


class FakePredictor:
    """An index that climbs in a straight line to `final`."""

    def __init__(self, final: float = 0.3) -> None:
        self._final = final
        self.card = FAKE_CARD
        self.seen: list[FeatureSequence] = []

    def predict(self, features: FeatureSequence) -> IndexCurve:
        self.seen.append(features)
        return IndexCurve(
            timestamps_s=features.timestamps_s, raw=np.linspace(0.0, self._final, len(features.timestamps_s))
        )

    def judge(self, movement: Movement) -> JudgedMovement:
        return JudgedMovement(self.predict(movement.features), self.unfamiliar_share(movement.features))

    def stream(self) -> "FakeStream":
        return FakeStream(self._final)

    def unfamiliar_share(self, features: FeatureSequence) -> float:
        return 0.0


class FakeStream:
    def __init__(self, value: float) -> None:
        self._value = value

    def step(self, values: FloatArray) -> float:
        return self._value
