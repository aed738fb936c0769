"""Boxes drawn by hand in a frame of 1000 x 500 pixels, at 30 frames a second; a person is 200 pixels tall."""

from collections.abc import Sequence

import numpy as np
import pytest

from backsight.domain.sequences import PoseObservation
from backsight.pose.following import Follower, FollowStep, PersonBox

FRAME_S = 1 / 30


def person(x: float, y: float = 250.0, *, height: float = 200.0, visibility: float = 1.0) -> PersonBox:
    half = height / 2
    return PersonBox(x - half / 2, y - half, x + half / 2, y + half, (x, y), visibility)


class Recording:
    """Feeds a follower frame by frame and counts how often it looked for others."""

    def __init__(self) -> None:
        self.follower = Follower((1000, 500))
        self.frame = 0
        self.n_looks = 0

    def show(self, found: PersonBox | None, others: Sequence[PersonBox] = ()) -> FollowStep:
        def look() -> Sequence[PersonBox]:
            self.n_looks += 1
            return others

        step = self.follower.step(self.frame * FRAME_S, found, look=look)
        self.frame += 1
        return step

    def show_many(self, n_frames: int, found: PersonBox | None, others: Sequence[PersonBox] = ()) -> list[FollowStep]:
        return [self.show(found, others) for _ in range(n_frames)]


@pytest.fixture
def recording() -> Recording:
    return Recording()


def test_nobody_and_then_somebody(recording: Recording) -> None:
    assert {step.n_people for step in recording.show_many(40, None)} == {0}
    assert recording.n_looks == 0
    step = recording.show(person(500))
    assert step == FollowStep(is_followed=True, n_people=1, changed_person=False)


@pytest.mark.parametrize(
    ("tracked", "other"),
    [
        (person(100), person(500)),  # as tall, but more central
        (person(500, height=100), person(400, height=180)),  # about as central, but taller
        (person(500, visibility=0.5), person(400)),  # perhaps no person at all
    ],
)
def test_the_largest_and_most_central_is_chosen(recording: Recording, tracked: PersonBox, other: PersonBox) -> None:
    step = recording.show(tracked, [other])
    assert not step.is_followed
    assert step.n_people == 2
    # The tracker is kept from the one it had, and finds the chosen one.
    assert recording.follower.refused == (tracked,)
    step = recording.show(other)
    assert step.is_followed
    assert not step.changed_person
    assert recording.follower.refused == ()


def test_whom_the_tracker_has_is_kept_when_more_prominent(recording: Recording) -> None:
    assert recording.show(person(500), [person(100)]).is_followed


def test_a_chosen_one_whom_the_tracker_never_finds_is_given_up(recording: Recording) -> None:
    tracked, ghost = person(100), person(500)
    steps = recording.show_many(40, tracked, [ghost])
    first = next(number for number, step in enumerate(steps) if step.is_followed)
    assert first == 30
    assert all(step.is_followed for step in steps[first:])
    assert not any(step.changed_person for step in steps)


def test_continuity_beats_size(recording: Recording) -> None:
    recording.show(person(500))
    large = person(700, height=400)
    step = recording.show(large)
    assert not step.is_followed
    assert step.n_people == 1
    assert recording.follower.refused == (large,)
    assert recording.show(person(505)).is_followed


def test_a_jump_in_place_to_another_size_is_somebody_else(recording: Recording) -> None:
    recording.show(person(500))
    assert not recording.show(person(500, height=70)).is_followed


@pytest.mark.parametrize("speed_sizes_per_s", [0.0, 1.0, 2.9])
def test_a_fast_mover_is_kept(recording: Recording, speed_sizes_per_s: float) -> None:
    step_px = speed_sizes_per_s * 200 * FRAME_S
    assert all(recording.show(person(100 + step_px * number)).is_followed for number in range(30))


def test_crossing_refuses_the_other_and_finds_back(recording: Recording) -> None:
    """The followed one walks right, the other left; as they meet, the tracker is lost and comes back on the other."""
    for number in range(10):
        assert recording.show(person(400 + 5 * number)).is_followed
    recording.show_many(3, None)
    for number in range(5):
        assert not recording.show(person(150 - 5 * number)).is_followed
    step = recording.show(person(490))
    assert step.is_followed
    assert not step.changed_person


def test_lost_and_found_at_the_same_place_is_the_same_person(recording: Recording) -> None:
    recording.show(person(500))
    recording.show_many(150, None)
    step = recording.show(person(560))
    assert step.is_followed
    assert not step.changed_person


def test_reentry_elsewhere_is_waited_for_and_marked_once(recording: Recording) -> None:
    recording.show(person(900))
    elsewhere = person(100)
    steps = recording.show_many(60, elsewhere)
    first = next(number for number, step in enumerate(steps) if step.is_followed)
    # The person was seen at frame 0 and is waited for during one second.
    assert first + 1 == 30
    assert [number for number, step in enumerate(steps) if step.changed_person] == [first]
    assert all(step.is_followed for step in steps[first:])


def test_reentry_of_somebody_else_than_tracked_is_marked_when_found(recording: Recording) -> None:
    recording.show(person(900))
    recording.show_many(40, None)
    step = recording.show(person(100), [person(500)])
    assert (step.is_followed, step.changed_person, step.n_people) == (False, False, 2)
    step = recording.show(person(500))
    assert (step.is_followed, step.changed_person) == (True, True)


def test_after_a_refusal_nobody_means_not_looked_until_patience_ends(recording: Recording) -> None:
    recording.show(person(500))
    recording.show(person(900))
    assert recording.show(None).n_people is None
    recording.show_many(40, None)
    assert recording.follower.refused == ()
    assert recording.show(None).n_people == 0


def test_others_are_looked_for_twice_a_second(recording: Recording) -> None:
    steps = recording.show_many(61, person(500), [person(100), person(900)])
    assert recording.n_looks == 5
    assert [number for number, step in enumerate(steps) if step.n_people == 3] == [0, 15, 30, 45, 60]
    assert {step.n_people for step in steps} == {3, None}


def test_one_person_seen_twice_counts_once(recording: Recording) -> None:
    others = [person(505), person(100), person(110), person(900)]
    assert recording.show(person(500), others).n_people == 3


def test_a_box_is_drawn_around_landmarks_and_its_middle_is_the_torso() -> None:
    image_px = np.full((33, 3), 50.0)
    image_px[[11, 12, 23, 24], 0] = [40.0, 60.0, 40.0, 60.0]
    image_px[[11, 12, 23, 24], 1] = [20.0, 20.0, 80.0, 80.0]
    image_px[16, :2] = [150.0, 10.0]
    seen = PoseObservation(image_px=image_px, world_m=image_px, visibility=np.full(33, 0.25), presence=np.ones(33))
    assert PersonBox.around(seen) == PersonBox(40.0, 10.0, 150.0, 80.0, (50.0, 50.0), 0.25)
    assert PersonBox.around(seen).size == 110.0
