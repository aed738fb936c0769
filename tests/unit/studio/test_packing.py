"""What BlazePose saw survives packing to within the steps, missing values and landmarks far outside included."""

import io
import zipfile

import numpy as np
import pytest

from backsight.domain.recording import Exercise
from backsight.domain.sequences import ImageStatistics, PoseSequence, PoseTrack
from backsight.simulation.cohort import simulate_recording
from backsight.studio.packing import CONFIDENCE_STEP, IMAGE_STEP_PX, TIME_STEP_S, WORLD_STEP_M, pack_track, unpack_track


def track_of(pose: PoseSequence) -> PoseTrack:
    n = pose.n_frames
    return PoseTrack(
        pose=pose,
        n_people=np.where(np.arange(n) % 15 == 0, 1.0, np.nan),
        changed_person=np.arange(n) == 7,
        images=ImageStatistics(*(np.linspace(0.0, 100.0, 9) + part for part in range(5))),
        n_dropped=2,
    )


@pytest.fixture(scope="module")
def track() -> PoseTrack:
    pose = simulate_recording(2, Exercise.WALK, seed=1, fps=30.0).pose
    image, world, visibility = pose.image_px.copy(), pose.world_m.copy(), pose.visibility.copy()
    image[20:23], world[20:23], visibility[20:23] = np.nan, np.nan, 0.0
    image[30, 4] = (-9000.0, 12345.6, 4000.1)
    return track_of(
        PoseSequence(image, world, visibility, pose.presence, pose.timestamps_s, frame_size=pose.frame_size)
    )


def test_everything_comes_back_to_within_half_a_step(track: PoseTrack) -> None:
    back = unpack_track(pack_track(track), frame_size=track.pose.frame_size, n_dropped=2)

    for name, step in (
        ("image_px", IMAGE_STEP_PX),
        ("world_m", WORLD_STEP_M),
        ("visibility", CONFIDENCE_STEP),
        ("presence", CONFIDENCE_STEP),
        ("timestamps_s", TIME_STEP_S),
    ):
        before, after = getattr(track.pose, name), getattr(back.pose, name)
        np.testing.assert_allclose(after, before, atol=0.5001 * step, rtol=0.0, err_msg=name)
    np.testing.assert_array_equal(back.n_people, track.n_people)
    np.testing.assert_array_equal(back.changed_person, track.changed_person)
    np.testing.assert_allclose(back.images.camera_shift, track.images.camera_shift, rtol=1e-6)
    assert (back.pose.frame_size, back.n_dropped) == (track.pose.frame_size, 2)


def test_full_confidence_and_none_stay_exactly_that() -> None:
    ones = np.ones((3, 33))
    pose = PoseSequence(np.zeros((3, 33, 3)), np.zeros((3, 33, 3)), ones, 0.0 * ones, np.arange(3.0), (4, 4))
    back = unpack_track(pack_track(track_of(pose)), frame_size=(4, 4), n_dropped=0).pose
    assert (back.visibility == 1.0).all()
    assert (back.presence == 0.0).all()


def test_a_model_s_look_at_a_recording_takes_less_than_a_third_of_float32(track: PoseTrack) -> None:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_LZMA) as archive:
        for name, values in pack_track(track).items():
            archive.writestr(name, values.tobytes())
    assert len(file.getvalue()) < track.pose.n_frames * 33 * 8 * 4 / 3
