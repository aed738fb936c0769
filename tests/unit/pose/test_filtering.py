"""Filtering by visibility and bridging of gaps, on sequences small enough to count by hand."""

from time import process_time

import numpy as np
import pytest
from numpy.typing import ArrayLike

from backsight.domain.landmarks import N_LANDMARKS, Landmark
from backsight.domain.sequences import PoseSequence
from backsight.errors import InvalidValueError
from backsight.pose.filtering import fill_short_gaps, filled_share, filter_by_visibility, removed_share


def moving_pose(timestamps_s: ArrayLike, *, visibility: ArrayLike = 1.0) -> PoseSequence:
    """Every landmark at (100 t, 200 t, 5 t) pixels and (t, 2 t, -t) metres: linear in time, so bridging is exact."""
    times = np.asarray(timestamps_s, dtype=float)
    line = np.ones((len(times), N_LANDMARKS, 1)) * times[:, np.newaxis, np.newaxis]
    return PoseSequence(
        image_px=line * [100.0, 200.0, 5.0],
        world_m=line * [1.0, 2.0, -1.0],
        visibility=np.broadcast_to(visibility, (len(times), N_LANDMARKS)),
        presence=np.full((len(times), N_LANDMARKS), 0.9),
        timestamps_s=times,
        frame_size=(1280, 720),
    )


def with_missing(pose: PoseSequence, frames: list[int], landmark: int = Landmark.NOSE) -> PoseSequence:
    """Blank one landmark in some frames, through the filter itself."""
    visibility = pose.visibility.copy()
    visibility[frames, landmark] = 0.1
    blanked = moving_pose(pose.timestamps_s, visibility=visibility)
    return filter_by_visibility(blanked)


class TestFilterByVisibility:
    def test_a_landmark_exactly_at_60_percent_is_kept_and_one_below_is_not(self) -> None:
        visibility = np.ones(N_LANDMARKS)
        visibility[[0, 1, 2]] = [0.6, np.nextafter(0.6, 0.0), np.float32(0.6)]
        filtered = filter_by_visibility(moving_pose([0.0, 0.1], visibility=visibility))

        for positions in (filtered.image_px, filtered.world_m):
            missing = np.isnan(positions).all(axis=2)
            assert missing[:, 1].all()
            assert missing.sum() == 2, "only the one landmark, in both frames"

    def test_visibility_and_presence_stay_as_they_are(self) -> None:
        pose = moving_pose([0.0, 0.1], visibility=np.linspace(0.0, 1.0, N_LANDMARKS))
        filtered = filter_by_visibility(pose)
        np.testing.assert_array_equal(filtered.visibility, pose.visibility)
        np.testing.assert_array_equal(filtered.presence, pose.presence)

    def test_unknown_visibility_and_infinite_positions_become_missing(self) -> None:
        visibility = np.ones(N_LANDMARKS)
        visibility[4] = np.nan
        pose = moving_pose([0.0, 0.1], visibility=visibility)
        image_px = pose.image_px.copy()
        image_px[1, 5, 2] = np.inf
        broken = PoseSequence(
            image_px, pose.world_m, pose.visibility, pose.presence, pose.timestamps_s, pose.frame_size
        )
        filtered = filter_by_visibility(broken)
        assert np.isnan(filtered.image_px[:, 4]).all()
        assert np.isnan(filtered.world_m[:, 4]).all()
        assert np.isnan(filtered.image_px[1, 5]).all()
        assert np.isfinite(filtered.world_m[1, 5]).all()

    @pytest.mark.parametrize("threshold", [-0.1, 1.1, float("nan"), 60.0])
    def test_a_threshold_that_is_no_probability_is_refused(self, threshold: float) -> None:
        with pytest.raises(InvalidValueError, match="threshold"):
            filter_by_visibility(moving_pose([0.0, 0.1]), threshold=threshold)


class TestRemovedShare:
    def test_counts_landmarks_among_the_known_ones(self) -> None:
        visibility = np.ones(N_LANDMARKS)
        visibility[:11] = 0.3
        pose = moving_pose([0.0, 0.1, 0.2], visibility=visibility)
        assert removed_share(pose, filter_by_visibility(pose)) == pytest.approx(11 / 33)

    def test_frames_without_a_person_do_not_count(self) -> None:
        visibility = np.ones((2, N_LANDMARKS))
        visibility[0, :11] = 0.3
        pose = moving_pose([0.0, 0.1], visibility=visibility)
        image_px, world_m = pose.image_px.copy(), pose.world_m.copy()
        image_px[1], world_m[1] = np.nan, np.nan
        half_empty = PoseSequence(image_px, world_m, visibility, pose.presence, pose.timestamps_s, pose.frame_size)
        assert removed_share(half_empty, filter_by_visibility(half_empty)) == pytest.approx(11 / 33)

    def test_nothing_known_gives_nan(self) -> None:
        empty = filter_by_visibility(moving_pose([0.0, 0.1], visibility=0.0))
        assert np.isnan(removed_share(empty, empty))


class TestFillShortGaps:
    def test_a_gap_is_filled_by_the_clock_and_not_by_the_frame_count(self) -> None:
        times = [0.0, 0.01, 0.11, 0.2, 0.21]
        pose = moving_pose(times)
        filled = fill_short_gaps(with_missing(pose, [1, 2]))
        np.testing.assert_allclose(filled.image_px, pose.image_px, atol=1e-12)
        np.testing.assert_allclose(filled.world_m, pose.world_m, atol=1e-12)

    @pytest.mark.parametrize(
        ("n_missing", "is_filled"), [(6, True), (7, False)], ids=["7/30 s between known frames", "8/30 s"]
    )
    def test_length_is_the_time_between_the_known_frames_around_it(self, n_missing: int, *, is_filled: bool) -> None:
        pose = moving_pose(np.arange(20) / 30.0)
        filled = fill_short_gaps(with_missing(pose, list(range(5, 5 + n_missing))))
        assert np.isfinite(filled.image_px[5 : 5 + n_missing, Landmark.NOSE]).all() == is_filled
        assert np.isfinite(filled.image_px).all() == is_filled

    @pytest.mark.parametrize("start_s", [0.0, 0.7, 59.3], ids=str)
    def test_exactly_a_quarter_of_a_second_is_filled_wherever_the_clock_rounds(self, start_s: float) -> None:
        pose = moving_pose(start_s + np.arange(10) / 20.0)
        filled = fill_short_gaps(with_missing(pose, [2, 3, 4, 5]))
        np.testing.assert_allclose(filled.image_px, pose.image_px, atol=1e-9)

    def test_gaps_at_the_ends_stay_missing(self) -> None:
        filled = fill_short_gaps(with_missing(moving_pose(np.arange(6) / 30.0), [0, 4, 5]))
        missing = np.isnan(filled.image_px[:, Landmark.NOSE, 0])
        np.testing.assert_array_equal(missing, [True, False, False, False, True, True])

    def test_each_landmark_on_its_own(self) -> None:
        times = np.arange(20) / 30.0
        visibility = np.ones((20, N_LANDMARKS))
        visibility[5:7, Landmark.LEFT_KNEE] = 0.0
        visibility[5:15, Landmark.RIGHT_KNEE] = 0.0
        filled = fill_short_gaps(filter_by_visibility(moving_pose(times, visibility=visibility)))
        assert np.isfinite(filled.image_px[:, Landmark.LEFT_KNEE]).all()
        assert np.isnan(filled.image_px[5:15, Landmark.RIGHT_KNEE]).all()

    def test_a_bridged_reading_keeps_its_low_visibility(self) -> None:
        filled = fill_short_gaps(with_missing(moving_pose(np.arange(4) / 30.0), [2]))
        assert filled.visibility[2, Landmark.NOSE] == 0.1

    def test_no_gap_returns_the_same_positions(self) -> None:
        pose = moving_pose(np.arange(4) / 30.0)
        np.testing.assert_array_equal(fill_short_gaps(pose).image_px, pose.image_px)

    @pytest.mark.parametrize("n_frames", [0, 1])
    def test_sequences_too_short_to_have_gaps(self, n_frames: int) -> None:
        pose = moving_pose(np.arange(n_frames) / 30.0, visibility=0.0)
        assert fill_short_gaps(filter_by_visibility(pose)).n_frames == n_frames

    @pytest.mark.parametrize("max_gap_s", [-0.1, float("nan")])
    def test_a_limit_that_is_no_duration_is_refused(self, max_gap_s: float) -> None:
        with pytest.raises(InvalidValueError, match="max_gap_s"):
            fill_short_gaps(moving_pose([0.0, 0.1]), max_gap_s=max_gap_s)

    def test_a_minute_at_30_fps_with_many_gaps_takes_less_than_50_ms(self) -> None:
        generator = np.random.default_rng(0)
        visibility = generator.uniform(0.0, 1.0, (1800, N_LANDMARKS))
        pose = moving_pose(np.arange(1800) / 30.0, visibility=visibility)

        def seconds() -> float:
            start = process_time()
            fill_short_gaps(filter_by_visibility(pose))
            return process_time() - start

        assert min(seconds() for _ in range(5)) < 0.05


class TestFilledShare:
    def test_counts_bridged_readings_among_the_known_ones(self) -> None:
        gappy = with_missing(moving_pose(np.arange(10) / 30.0), [3, 4, 9])
        filled = fill_short_gaps(gappy)
        assert filled_share(gappy, filled) == pytest.approx(2 / (10 * N_LANDMARKS - 1))

    def test_nothing_known_gives_nan(self) -> None:
        empty = filter_by_visibility(moving_pose([0.0, 0.1], visibility=0.0))
        assert np.isnan(filled_share(empty, fill_short_gaps(empty)))
