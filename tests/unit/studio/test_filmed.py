"""A shot decides everything; a film goes through a real clip and every model sees the same frames."""

from dataclasses import replace

import numpy as np
import pytest

from backsight.domain.recording import Exercise
from backsight.errors import InvalidValueError
from backsight.studio.filmed import Shot, film_recording, plan_shots
from backsight.studio.spoiling import Spoil
from tests.unit.studio.fakes import BUNDLES, EQUIPMENT, NOBODY_IN, SMALL

SHOT = Shot(3, Exercise.JUMP, 5, fps=30.0, yaw_deg=60.0)


def test_both_models_see_every_frame_at_its_own_time_beside_the_truth() -> None:
    ticks: list[tuple[int, int]] = []

    filmed = film_recording(
        SHOT, bundles=BUNDLES, equipment=EQUIPMENT, on_tick=lambda done, total: ticks.append((done, total))
    )

    performance = SHOT.perform()
    n_frames = len(performance.motion.timestamps_s)
    assert set(filmed.tracks) == {"lite", "full"}
    for track, x in ((filmed.tracks["lite"], 10.0), (filmed.tracks["full"], 20.0)):
        # The clip's clock ticks 90,000 times a second.
        np.testing.assert_allclose(track.pose.timestamps_s, performance.motion.timestamps_s, atol=1 / 90_000)
        assert track.pose.frame_size == SMALL
        assert list(np.flatnonzero(~track.pose.has_person)) == [NOBODY_IN]
        assert track.pose.image_px[10, 0].tolist() == [x, 10.0, x]
        assert len(track.images.timestamps_s) > 5
    assert ticks == [(done + 1, 3 * n_frames) for done in range(3 * n_frames)]
    assert filmed.recording.subject_id == "virtual-5-00003"
    assert (filmed.exercise, filmed.number, filmed.seed) == (Exercise.JUMP, 3, 5)
    assert (filmed.fps, filmed.view_yaw_deg) == (30.0, 60.0)
    assert filmed.height_m == performance.volunteer.body.height_m
    assert filmed.truth.values["jump_flight_height_cm"] > 0.0
    assert filmed.source.codec == "h264"


def test_every_value_of_a_shot_is_in_its_name() -> None:
    others = [
        replace(SHOT, subject_index=4),
        replace(SHOT, exercise=Exercise.WALK),
        replace(SHOT, seed=6),
        replace(SHOT, fps=None),
        replace(SHOT, yaw_deg=60.5),
        replace(SHOT, distance_m=3.0),
        replace(SHOT, frame_size=(640, 360)),
        replace(SHOT, spoil=Spoil.DARK),
    ]
    assert len({shot.name for shot in (SHOT, *others)}) == 1 + len(others)
    assert replace(SHOT).name == SHOT.name


def test_a_persons_own_draws_are_the_same_in_all_recordings_and_a_recordings_are_not() -> None:
    walk = replace(SHOT, exercise=Exercise.WALK)
    assert SHOT.rng(7, of_person=True).random() == walk.rng(7, of_person=True).random()
    draws = [SHOT.rng(7), walk.rng(7), SHOT.rng(8), replace(SHOT, subject_index=4).rng(7), replace(SHOT, seed=6).rng(7)]
    assert len({rng.random() for rng in draws}) == len(draws)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"frame_size": (641, 360)}, "two even numbers"),
        ({"subject_index": -1}, "0 or more"),
        ({"seed": -1}, "0 or more"),
    ],
)
def test_a_shot_that_cannot_be_filmed_is_refused(values: dict[str, object], message: str) -> None:
    with pytest.raises(InvalidValueError, match=message):
        replace(SHOT, **values)


def test_every_view_meets_every_exercise() -> None:
    shots = plan_shots(range(4), seed=1, yaws_deg=(0.0, 30.0, 60.0, 90.0))
    assert len(shots) == 12
    assert {(shot.exercise, shot.yaw_deg) for shot in shots} == {
        (exercise, yaw) for exercise in Exercise for yaw in (0.0, 30.0, 60.0, 90.0)
    }
