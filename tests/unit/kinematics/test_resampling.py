import numpy as np
import pytest

from backsight.domain.landmarks import Landmark
from backsight.errors import InvalidValueError
from backsight.kinematics.resampling import resample
from tests.unit.kinematics.skeletons import make_pose, without

KNEE = Landmark.LEFT_KNEE


def test_a_straight_line_at_uneven_times_stays_straight():
    times = np.cumsum([2.0, 0.031, 0.05, 0.012, 0.04, 0.033, 0.061, 0.02])
    pose = make_pose(timestamps_s=times, hip_px=(100.0 + 50.0 * times, 300.0))
    even = resample(pose)
    assert even.timestamps_s == pytest.approx(2.0 + np.arange(even.n_frames) / 30.0)
    assert times[-1] - 1 / 30 < even.timestamps_s[-1] <= times[-1]
    hips = 0.5 * (even.image_px[:, Landmark.LEFT_HIP, 0] + even.image_px[:, Landmark.RIGHT_HIP, 0])
    assert hips == pytest.approx(100.0 + 50.0 * even.timestamps_s)


def test_the_grid_of_the_recording_itself_changes_nothing():
    pose = without(make_pose(n_frames=90), KNEE, frames=slice(10, 20))
    even = resample(pose)
    assert even.n_frames == 90
    np.testing.assert_array_equal(np.isnan(even.world_m), np.isnan(pose.world_m))
    np.testing.assert_allclose(even.world_m, pose.world_m, atol=1e-12)


def test_sixty_frames_a_second_keeps_every_other_frame_even_beside_missing_ones():
    pose = without(make_pose(n_frames=61, fps=60.0), KNEE, frames=slice(1, None, 2))
    even = resample(pose)
    assert even.n_frames == 31
    assert np.isfinite(even.world_m[:, KNEE]).all()


def test_between_a_known_and_a_missing_sample_is_missing():
    pose = without(make_pose(n_frames=11, fps=20.0), KNEE, frames=slice(4, 5))
    even = resample(pose)
    # Missing at 0.20 s only, so every grid point strictly between 0.15 and 0.25 s is missing: 5/30, 6/30 and 7/30 s.
    assert np.flatnonzero(np.isnan(even.world_m[:, KNEE, 0])).tolist() == [5, 6, 7]
    assert np.isfinite(even.world_m[:, Landmark.NOSE]).all()


def test_a_long_pause_between_frames_is_not_bridged():
    pose = make_pose(timestamps_s=[0.0, 0.1, 0.2, 0.7, 0.8])
    even = resample(pose, fps=10.0)
    assert np.flatnonzero(np.isnan(even.world_m[:, KNEE, 0])).tolist() == [3, 4, 5, 6]
    assert np.isfinite(even.visibility).all()


def test_one_frame_stays_one_frame():
    assert resample(make_pose(n_frames=1)).n_frames == 1


def test_a_rate_of_zero_is_refused():
    with pytest.raises(InvalidValueError, match="`fps` must be above 0, got 0"):
        resample(make_pose(n_frames=3), fps=0)
