"""Domain types check once, at the boundary, and keep missing values missing."""

import numpy as np
import pytest

from backsight.domain.landmarks import LANDMARK_NAMES, MIRRORED, N_LANDMARKS, SKELETON, Landmark
from backsight.domain.recording import Recording, index_from_rating
from backsight.domain.sequences import FeatureSequence, MinMaxScaler, PoseObservation, PoseSequence
from backsight.errors import InvalidValueError


def pose(**changes: object) -> PoseSequence:
    fields: dict[str, object] = {
        "image_px": np.zeros((3, N_LANDMARKS, 3)),
        "world_m": np.zeros((3, N_LANDMARKS, 3)),
        "visibility": np.ones((3, N_LANDMARKS)),
        "presence": np.ones((3, N_LANDMARKS)),
        "timestamps_s": [0.0, 0.5, 1.5],
        "frame_size": (1280, 720),
    }
    return PoseSequence(**(fields | changes))  # type: ignore[arg-type]


def test_wrong_landmark_count_names_field_expected_and_got() -> None:
    with pytest.raises(InvalidValueError, match=r"`world_m` must have shape \(n_frames, 33, 3\), got \(3, 32, 3\)"):
        pose(world_m=np.zeros((3, 32, 3)))


def test_unequal_lengths_are_refused() -> None:
    with pytest.raises(InvalidValueError, match="visibility has 2"):
        pose(visibility=np.ones((2, N_LANDMARKS)))


@pytest.mark.parametrize("times", [[0.0, 0.5, 0.5], [0.0, 1.0, 0.9]])
def test_clock_that_stands_still_or_runs_backwards_names_the_frame(times: list[float]) -> None:
    with pytest.raises(InvalidValueError, match="frame 2 is at"):
        pose(timestamps_s=times)


def test_nan_clock_is_refused() -> None:
    with pytest.raises(InvalidValueError, match="finite"):
        pose(timestamps_s=[0.0, float("nan"), 1.0])


def test_fps_is_the_mean_rate_of_uneven_frames() -> None:
    assert pose().fps == pytest.approx(2 / 1.5)
    assert pose().duration_s == pytest.approx(1.5)


def test_arrays_cannot_be_changed_behind_the_types_back() -> None:
    with pytest.raises(ValueError, match="read-only"):
        pose().image_px[0, 0, 0] = 1.0


def test_nobody_is_missing_and_not_at_the_origin() -> None:
    nobody = PoseObservation.nobody()
    assert np.isnan(nobody.image_px).all()
    assert not nobody.has_person
    sequence = PoseSequence.from_observations([nobody, nobody], [0.0, 0.1], frame_size=(10, 10))
    assert not sequence.has_person.any()


def test_xarray_has_the_layout_of_movement() -> None:
    dataset = pose().to_xarray()
    assert dataset.position.dims == ("time", "space", "keypoints", "individuals")
    assert dataset.position.shape == (3, 3, N_LANDMARKS, 1)
    assert list(dataset.keypoints.values) == list(LANDMARK_NAMES)
    assert dataset.confidence.dims == ("time", "keypoints", "individuals")


def test_mirroring_twice_gives_the_same_landmark() -> None:
    assert [MIRRORED[MIRRORED[k]] for k in range(N_LANDMARKS)] == list(range(N_LANDMARKS))
    assert MIRRORED[Landmark.LEFT_HEEL] == Landmark.RIGHT_HEEL
    assert MIRRORED[Landmark.NOSE] == Landmark.NOSE


def test_skeleton_is_the_same_on_both_sides() -> None:
    lines = {frozenset(line) for line in SKELETON}
    assert {frozenset(MIRRORED[end] for end in line) for line in lines} == lines


def test_scaler_maps_training_range_to_unit_clips_overshoot_and_fills_missing() -> None:
    scaler = MinMaxScaler(minimum=[0.0, 10.0, 5.0], maximum=[4.0, 20.0, 5.0], fill=[0.25, 0.5, 0.0], overshoot=0.5)
    scaled = scaler.scale(np.array([[2.0, 40.0, 5.0], [np.nan, 10.0, 5.2]]))
    # 40 lies 2 spans above the minimum and is held at 1.5; a constant column is only shifted.
    np.testing.assert_allclose(scaled, [[0.5, 1.5, 0.0], [0.25, 0.0, 0.2]])


def test_scaler_without_finite_limits_is_refused() -> None:
    with pytest.raises(InvalidValueError, match="`maximum`"):
        MinMaxScaler(minimum=[0.0], maximum=[np.inf], fill=[0.0])


def test_column_is_found_by_name() -> None:
    features = FeatureSequence(values=[[1.0, 2.0], [3.0, 4.0]], names=("a", "b"), timestamps_s=[0.0, 1.0])
    np.testing.assert_array_equal(features.column("b"), [2.0, 4.0])


@pytest.mark.parametrize(("rating", "index"), [(0, 1.0), (100, 0.0), (30, 0.7)])
def test_best_rating_is_the_lowest_index(rating: float, index: float) -> None:
    assert index_from_rating(rating) == pytest.approx(index)


@pytest.mark.parametrize("rating", [-1, 101, float("nan")])
def test_rating_outside_its_scale_is_refused(rating: float) -> None:
    with pytest.raises(InvalidValueError, match="`rating`"):
        Recording(subject_id="a", exercise="walk", rating=rating)  # type: ignore[arg-type]
