"""Who is followed where windows show somebody, with a tracker that reports what we want; 1000 x 500 pixels."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from backsight.domain.sequences import Frame, PoseObservation
from backsight.pose.engines import PoseEngine
from backsight.pose.estimator import FollowingEstimator

IMAGE = np.full((500, 1000, 3), 200, np.uint8)


def person(x: float, *, height: float = 100.0) -> PoseObservation:
    """Somebody around (x, 250)."""
    along = np.linspace(-0.5, 0.5, 33)
    return PoseObservation(
        image_px=np.stack([x + along * height / 2, 250 + along * height, along], axis=1),
        world_m=np.zeros((33, 3)),
        visibility=np.ones(33),
        presence=np.ones(33),
    )


def x_of(seen: PoseObservation) -> float | None:
    return float(seen.image_px[:, 0].mean().round(3)) if seen.has_person else None


class StagedTracker:
    """Reports what it is told, from the whole frame or close up, and keeps what it was shown."""

    engine = PoseEngine.MEDIAPIPE

    def __init__(self) -> None:
        self.found: PoseObservation | None = None
        self.is_close_up = False
        self.in_view: Sequence[PoseObservation] = ()
        self.shown: list[tuple[NDArray[np.uint8], NDArray[np.uint8] | None]] = []
        self.n_looks = 0

    def track(
        self, image: NDArray[np.uint8], *, timestamp_ms: int, close_up: NDArray[np.uint8] | None = None
    ) -> PoseObservation | None:
        self.shown.append((image, close_up))
        return self.found

    def look(self, image: NDArray[np.uint8]) -> Sequence[PoseObservation]:
        self.n_looks += 1
        return self.in_view

    def close(self) -> None:
        pass


class Recording:
    def __init__(self) -> None:
        self.tracker = StagedTracker()
        self._estimator = FollowingEstimator(self.tracker)
        self._index = 0

    def show(
        self, found: PoseObservation | None, *, close_up: bool = False, in_view: Sequence[PoseObservation] = ()
    ) -> PoseObservation:
        self.tracker.found, self.tracker.is_close_up, self.tracker.in_view = found, close_up, in_view
        seen = self._estimator.estimate(Frame(image=IMAGE, timestamp_s=self._index / 30, index=self._index))
        self._index += 1
        return seen


def test_somebody_in_a_window_only_is_followed_and_others_are_counted() -> None:
    recording = Recording()
    first = recording.show(person(500), close_up=True, in_view=[person(200)])
    assert (x_of(first), first.n_people, first.changed_person) == (500.0, 2, False)
    later = [recording.show(person(500), close_up=True) for _ in range(20)]
    assert {x_of(seen) for seen in later} == {500.0}
    assert {seen.n_people for seen in later} == {None, 1}


def test_who_comes_nearer_is_the_same_person() -> None:
    recording = Recording()
    recording.show(person(500, height=100), close_up=True)
    nearer = recording.show(person(505, height=105))
    assert (x_of(nearer), nearer.changed_person) == (505.0, False)


def test_somebody_else_in_the_whole_frame_must_surely_be_there_and_is_then_marked() -> None:
    recording = Recording()
    recording.show(person(500), close_up=True)
    doubtful = [recording.show(person(900, height=300), in_view=[]) for _ in range(15)]
    assert {x_of(seen) for seen in doubtful} == {None}
    sure = recording.show(person(900, height=300), in_view=[person(905, height=300)])
    assert (x_of(sure), sure.changed_person) == (900.0, True)


def test_a_window_does_not_replace_somebody_followed_in_the_whole_frame() -> None:
    """Not even when they have been away for so long that the whole frame could."""
    recording = Recording()
    recording.show(person(500, height=200))
    for _ in range(45):
        recording.show(None)
    assert x_of(recording.show(person(900), close_up=True)) is None
    # Windows are then kept from seeing them again; the whole frame is shown as it is.
    recording.show(None)
    whole, windows = recording.tracker.shown[-1]
    assert whole is IMAGE
    assert windows is not None
    assert not windows[250, 900].any()
    assert x_of(recording.show(person(520, height=190), close_up=True)) == 520.0


def test_without_windows_nothing_is_asked_and_nothing_painted_over() -> None:
    recording = Recording()
    recording.show(person(500))
    for _ in range(10):
        recording.show(person(500))
    assert recording.tracker.n_looks == 1
    assert all(whole is IMAGE and windows is IMAGE for whole, windows in recording.tracker.shown)


CHAIR = person(900, height=300)
FPS = 32
"""Times of frames are exact in binary."""


class ChairTracker(StagedTracker):
    """Takes a chair in the whole frame for a person, and finds somebody small in windows only, as far as both show."""

    someone: PoseObservation | None = person(500)

    def track(
        self, image: NDArray[np.uint8], *, timestamp_ms: int, close_up: NDArray[np.uint8] | None = None
    ) -> PoseObservation | None:
        self.found, self.is_close_up = None, False
        windows = image if close_up is None else close_up
        if timestamp_ms > 0 and image[250, 900].any():
            self.found = CHAIR
        elif self.someone is not None and windows[250, 500].any():
            self.found, self.is_close_up = self.someone, True
        return super().track(image, timestamp_ms=timestamp_ms, close_up=close_up)


def film(tracker: StagedTracker, *, frames: range) -> list[PoseObservation]:
    estimator = FollowingEstimator(tracker)
    return [estimator.estimate(Frame(image=IMAGE, timestamp_s=n / FPS, index=n)) for n in frames]


def test_a_doubtful_find_does_not_keep_the_person_from_being_followed_close_up() -> None:
    """Three seconds beside a chair: it is looked at when it is first seen, and anew after `DOUBT_S`."""
    tracker = ChairTracker()
    seen = film(tracker, frames=range(3 * FPS))
    assert sum(one.has_person for one in seen) == 3 * FPS - 2
    assert {x_of(one) for one in seen if one.has_person} == {500.0}
    assert not any(one.changed_person for one in seen)
    # Two looks at the chair; the others count the people, twice a second.
    assert tracker.n_looks == 2 + 6


def test_windows_go_on_showing_where_somebody_was_doubted() -> None:
    """Who is followed close up may stand there, too."""
    tracker = ChairTracker()
    film(tracker, frames=range(3))
    whole, windows = tracker.shown[-1]
    assert not whole[250, 900].any()
    assert windows is not None
    assert windows.all()


def test_a_tracker_that_does_not_let_go_of_a_doubtful_find_is_not_looked_after_in_every_frame() -> None:
    recording = Recording()
    recording.show(person(500), close_up=True)
    for _ in range(90):
        assert x_of(recording.show(person(900, height=300))) is None
    # One look to count the people, then one for every half second.
    assert recording.tracker.n_looks == 1 + 6


def test_who_was_doubted_is_shown_again_and_taken_up_once_they_are_surely_there() -> None:
    tracker = ChairTracker()
    estimator = FollowingEstimator(tracker)
    seen = []
    for index in range(75):
        if index == 20:
            tracker.someone, tracker.in_view = None, [CHAIR]
        seen.append(estimator.estimate(Frame(image=IMAGE, timestamp_s=index / FPS, index=index)))
    taken_up = [index for index, one in enumerate(seen) if x_of(one) == 900.0]
    # Doubted in frame 1, and blanked for 2 s.
    assert taken_up == list(range(65, 75))
    assert [index for index, one in enumerate(seen) if one.changed_person] == [65]
