"""A changed movement is still one of a body: by hand-made cases."""

import math

import numpy as np
import pytest

from backsight.domain.landmarks import SKELETON, Landmark
from backsight.domain.sequences import PoseSequence
from backsight.errors import InvalidValueError
from backsight.features.extract import extract_features
from backsight.training.augment import (
    Augmentation,
    add_noise,
    drop_landmarks,
    make_variant,
    mirror,
    turn_about_vertical,
    warp_time,
)


def someone(n_frames: int = 12) -> PoseSequence:
    """A made-up body, every landmark somewhere else and moving, hips around the origin, drawn at 200 px a metre."""
    rng = np.random.default_rng(3)
    world = rng.normal(0.0, 0.4, (33, 3)) + np.linspace(0.0, 0.2, n_frames)[:, None, None] * rng.normal(0, 1, (33, 3))
    world[:, Landmark.LEFT_HIP], world[:, Landmark.RIGHT_HIP] = (0.15, 0.0, 0.02), (-0.15, 0.0, -0.02)
    image = world * 200.0 + (640.0, 360.0, 0.0)
    visibility = np.broadcast_to(rng.uniform(0.6, 1.0, 33), (n_frames, 33))
    return PoseSequence(
        image_px=image,
        world_m=world,
        visibility=visibility,
        presence=visibility,
        timestamps_s=np.arange(n_frames) / 10.0,
        frame_size=(1280, 720),
    )


def bones_m(pose: PoseSequence) -> np.ndarray:
    pairs = np.array(SKELETON)
    return np.linalg.norm(pose.world_m[:, pairs[:, 0]] - pose.world_m[:, pairs[:, 1]], axis=2)


class TestMirror:
    def test_twice_is_the_same(self) -> None:
        pose = someone()
        twice = mirror(mirror(pose))
        for name in ("image_px", "world_m", "visibility", "presence"):
            np.testing.assert_allclose(getattr(twice, name), getattr(pose, name), atol=1e-12)

    def test_left_becomes_right_on_the_other_side(self) -> None:
        pose = someone()
        mirrored = mirror(pose)
        x, y, z = pose.world_m[4, Landmark.LEFT_WRIST]
        np.testing.assert_allclose(mirrored.world_m[4, Landmark.RIGHT_WRIST], (-x, y, z))
        assert mirrored.image_px[4, Landmark.RIGHT_WRIST, 0] == 1280 - pose.image_px[4, Landmark.LEFT_WRIST, 0]
        assert mirrored.visibility[4, Landmark.RIGHT_WRIST] == pose.visibility[4, Landmark.LEFT_WRIST]

    def test_features_change_side_and_sign(self) -> None:
        pose = someone()
        before, after = extract_features(pose), extract_features(mirror(pose))
        for left in ("knee_flexion_deg", "elbow_flexion_deg"):
            np.testing.assert_allclose(after.column(f"right_{left}"), before.column(f"left_{left}"), atol=1e-6)
        for turned in ("trunk_lateral_lean_deg", "axial_rotation_deg", "mid_hip_travel_horizontal_bh"):
            np.testing.assert_allclose(after.column(turned), -before.column(turned), atol=1e-6)
        np.testing.assert_allclose(after.column("trunk_flexion_deg"), before.column("trunk_flexion_deg"), atol=1e-6)


class TestTurn:
    def test_bones_and_heights_stay(self) -> None:
        pose = someone()
        turned = turn_about_vertical(pose, 37.0)
        np.testing.assert_allclose(bones_m(turned), bones_m(pose), atol=1e-12)
        np.testing.assert_array_equal(turned.world_m[..., 1], pose.world_m[..., 1])

    def test_a_quarter_takes_right_to_away(self) -> None:
        pose = someone()
        turned = turn_about_vertical(pose, 90.0)
        np.testing.assert_allclose(turned.world_m[..., 2], pose.world_m[..., 0], atol=1e-12)
        np.testing.assert_allclose(turned.world_m[..., 0], -pose.world_m[..., 2], atol=1e-12)

    def test_there_and_back_is_the_same(self) -> None:
        pose = someone()
        back = turn_about_vertical(turn_about_vertical(pose, 20.0), -20.0)
        np.testing.assert_allclose(back.world_m, pose.world_m, atol=1e-12)

    def test_the_picture_shows_the_turned_body_where_it_was(self) -> None:
        pose = someone()
        turned = turn_about_vertical(pose, 30.0)
        drawn = turned.world_m[..., 0] * 200.0 + 640.0
        np.testing.assert_allclose(turned.image_px[..., 0], drawn, atol=1e-6)


class TestWarp:
    def test_ends_stay_and_time_runs_on(self) -> None:
        pose = someone(50)
        warped = warp_time(pose, 0.6, n_waves=2, phase_rad=1.0)
        assert warped.timestamps_s[0] == pose.timestamps_s[0]
        assert warped.timestamps_s[-1] == pytest.approx(pose.timestamps_s[-1])
        assert (np.diff(warped.timestamps_s) > 0).all()

    def test_a_step_is_stretched_by_the_strength(self) -> None:
        warped = warp_time(someone(1001), 0.3)
        steps = np.diff(warped.timestamps_s) / 0.1
        assert steps.max() == pytest.approx(1.3, abs=1e-3)
        assert steps.min() == pytest.approx(0.7, abs=1e-3)

    def test_time_may_not_run_backwards(self) -> None:
        with pytest.raises(InvalidValueError, match="`strength` of a time warp must be from 0 up to 1, got 1"):
            warp_time(someone(), 1.0)


def test_noise_has_its_size_and_leaves_missing_missing() -> None:
    pose = drop_landmarks(someone(400), [Landmark.NOSE])
    noisy = add_noise(pose, 0.02, rng=np.random.default_rng(0))
    added = (noisy.world_m - pose.world_m)[:, Landmark.LEFT_SHOULDER :]
    assert np.std(added) == pytest.approx(0.02, rel=0.02)
    assert np.isnan(noisy.world_m[:, Landmark.NOSE]).all()


def test_a_dropped_landmark_takes_its_angles_along() -> None:
    pose = someone()
    dropped = drop_landmarks(pose, [Landmark.LEFT_ELBOW])
    features = extract_features(dropped)
    assert np.isnan(features.column("left_elbow_flexion_deg")).all()
    np.testing.assert_array_equal(
        features.column("right_elbow_flexion_deg"), extract_features(pose).column("right_elbow_flexion_deg")
    )
    assert (features.column("left_elbow_visibility") == 0.0).all()


def test_no_change_asked_for_is_none() -> None:
    pose = someone()
    nothing = Augmentation(mirror_share=0.0, largest_turn_deg=0.0, largest_warp=0.0, noise_m=0.0, dropped_landmarks=0)
    same = make_variant(pose, augmentation=nothing, rng=np.random.default_rng(0))
    np.testing.assert_array_equal(same.world_m, pose.world_m)
    np.testing.assert_array_equal(same.timestamps_s, pose.timestamps_s)


def test_the_same_draw_gives_the_same_variant_and_another_another() -> None:
    pose = someone()
    first, again, other = (
        make_variant(pose, augmentation=Augmentation(), rng=np.random.default_rng(seed)) for seed in (5, 5, 6)
    )
    np.testing.assert_array_equal(first.world_m, again.world_m)
    assert not np.allclose(first.timestamps_s, other.timestamps_s)
    assert math.isclose(first.duration_s, pose.duration_s)
