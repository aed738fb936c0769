"""Light, exposure, shadow, shake and noise have the size they say."""

from dataclasses import replace

import numpy as np
import pytest

from backsight.rendering.light import Light, set_up_light, to_codes, to_linear
from backsight.rendering.sensor import SHIFT_M_PER_DEG, SensorNoise, Shake, vignette
from backsight.rendering.shadow import SHRINK, FloorShadow
from backsight.simulation.camera import aim_camera

SUN = Light(0.0, 45.0, np.inf, 0.6, 0.0, 5500.0, 5500.0, 5500.0)
SIGHT = np.array([0.0, 0.0, -1.0])
UP = np.array([[0.0, 1.0, 0.0]])


def test_picture_codes_come_back_from_linear_light() -> None:
    codes = np.arange(0, 226, dtype=np.uint8)
    assert np.abs(to_codes(to_linear(codes)).astype(int) - codes).max() <= 1


def test_more_light_is_never_darker_and_the_brightest_is_white() -> None:
    codes = to_codes(np.linspace(0.0, 8.0, 2000, dtype=np.float32))
    assert (np.diff(codes.astype(int)) >= 0).all()
    assert codes[0] == 0
    assert codes[-1] == 255


def test_a_stop_of_exposure_doubles_the_light() -> None:
    right = set_up_light(SUN, centre_m=np.zeros(3), sight=SIGHT)
    bright = set_up_light(replace(SUN, exposure_ev=1.0), centre_m=np.zeros(3), sight=SIGHT)
    where = np.zeros((1, 3))
    assert bright.irradiance(where, UP) == pytest.approx(2.0 * right.irradiance(where, UP), rel=1e-5)


@pytest.mark.parametrize(("azimuth_deg", "normal"), [(0.0, (0, 0, 1)), (90.0, (1, 0, 0)), (180.0, (0, 0, -1))])
def test_the_main_light_comes_from_its_side(azimuth_deg: float, normal: tuple[float, ...]) -> None:
    # The camera looks along -z, so that the image's right is +x and the camera stands at +z.
    light = replace(SUN, azimuth_deg=azimuth_deg, elevation_deg=0.0)
    lighting = set_up_light(light, centre_m=np.zeros(3), sight=SIGHT)
    assert lighting.towards_m == pytest.approx(normal, abs=1e-9)
    lit, unlit = lighting.irradiance(np.zeros((2, 3)), np.array([normal, [-value for value in normal]]))
    assert lit.mean() > 2.0 * unlit.mean()


def test_a_lamp_colours_the_picture_by_what_the_balance_leaves() -> None:
    neutral = set_up_light(SUN, centre_m=np.zeros(3), sight=SIGHT).irradiance(np.zeros((1, 3)), UP)[0]
    warm = replace(SUN, key_kelvin=3000.0, fill_kelvin=3000.0)
    red, green, blue = set_up_light(warm, centre_m=np.zeros(3), sight=SIGHT).irradiance(np.zeros((1, 3)), UP)[0]
    assert neutral == pytest.approx(neutral[0], rel=1e-5)
    assert red > green > blue


def test_noise_has_the_strength_asked_for_and_changes_from_picture_to_picture() -> None:
    rng = np.random.default_rng(3)
    noise = SensorNoise(5.0, frame_size=(320, 180), rng=rng)
    grey = np.full((180, 320, 3), 128, dtype=np.uint8)
    first, second = (noise.add(grey, rng).astype(float) - 128.0 for _ in range(2))
    assert first.std() == pytest.approx(5.0, rel=0.08)
    assert abs(first.mean()) < 0.2
    assert abs(np.corrcoef(first.ravel(), second.ravel())[0, 1]) < 0.05
    white = noise.add(np.full_like(grey, 235), rng).astype(float)
    assert white.std() < 0.9 * first.std()


def test_no_noise_leaves_a_picture_as_it_is() -> None:
    rng = np.random.default_rng(3)
    picture = rng.integers(0, 255, (180, 320, 3)).astype(np.uint8)
    assert (SensorNoise(0.0, frame_size=(320, 180), rng=rng).add(picture, rng) == picture).all()


def test_shake_has_the_size_asked_for_and_is_smooth() -> None:
    camera = aim_camera(at_m=np.zeros(3), yaw_deg=0.0, distance_m=3.0, height_m=1.0, pitch_deg=0.0, focal_px=700.0)
    # Over many hands: one hand's path of some seconds holds only a few slow waves.
    turns, shifts, steps = [], [], []
    for seed in range(30):
        shake = Shake(0.5, np.random.default_rng(seed))
        moved = [shake.move(camera, time_s) for time_s in np.arange(0.0, 20.0, 1.0 / 30.0)]
        sights = np.array([one.axes[2] for one in moved]) @ camera.axes.T
        turns.append(np.degrees(np.arctan(sights[:, :2])))
        shifts.append(np.array([one.position_m for one in moved]) - camera.position_m)
        steps.append(np.diff(turns[-1], axis=0))
        for one in moved[:3]:
            assert one.axes @ one.axes.T == pytest.approx(np.eye(3), abs=1e-9)
    assert np.sqrt(np.mean(np.square(turns))) == pytest.approx(0.5, rel=0.1)
    assert np.sqrt(np.mean(np.square(shifts))) == pytest.approx(0.5 * SHIFT_M_PER_DEG, rel=0.1)
    assert np.sqrt(np.mean(np.square(steps))) < 0.3 * 0.5


def test_a_tripod_does_not_move() -> None:
    camera = aim_camera(at_m=np.zeros(3), yaw_deg=0.0, distance_m=3.0, height_m=1.0, pitch_deg=0.0, focal_px=700.0)
    shake = Shake(0.0, np.random.default_rng(0))
    assert shake.is_still
    assert shake.move(camera, 1.7) is camera


def test_vignetting_takes_its_share_in_the_corners_only() -> None:
    places = np.array([[640.0, 360.0], [0.0, 0.0], [1280.0, 720.0]])
    assert vignette(places, frame_size=(1280, 720), loss=0.3) == pytest.approx([1.0, 0.7, 0.7])


def shadow_of(points_m: np.ndarray, light: Light, floor: float = 1.0) -> np.ndarray:
    camera = aim_camera(at_m=np.zeros(3), yaw_deg=0.0, distance_m=4.0, height_m=1.2, pitch_deg=10.0, focal_px=700.0)
    lighting = set_up_light(light, centre_m=np.zeros(3), sight=SIGHT)
    share = np.full((720 // SHRINK, 1280 // SHRINK), floor, dtype=np.float32)
    picture = np.full((720, 1280, 3), 200, dtype=np.uint8)
    FloorShadow(lighting, camera, floor_share=share, margin_px=0).darken(picture, points_m)
    return picture


def post(height_m: float = 1.0, thick_m: float = 0.04) -> np.ndarray:
    """A post at the origin."""
    half = thick_m / 2.0
    return np.random.default_rng(0).uniform([-half, 0.0, -half], [half, height_m, half], (4000, 3))


def test_a_shadow_lies_on_the_side_away_from_the_light() -> None:
    camera = aim_camera(at_m=np.zeros(3), yaw_deg=0.0, distance_m=4.0, height_m=1.2, pitch_deg=10.0, focal_px=700.0)
    # From the image's right at 45 degrees: a metre of post throws a metre of shadow to the left.
    dark = shadow_of(post(), replace(SUN, azimuth_deg=90.0))
    for x, is_dark in {-0.8: True, -0.5: True, 0.5: False, -1.5: False}.items():
        column, row = camera.project(np.array([x, 0.0, 0.0])).astype(int)
        assert (dark[row, column, 0] < 185) == is_dark


def test_a_body_in_the_air_has_no_contact_shadow_and_what_is_no_floor_has_none_at_all() -> None:
    from_above = replace(SUN, elevation_deg=90.0, key_share=0.05, softness=1.0)
    stool = post(0.3, thick_m=0.3)
    standing, jumping = shadow_of(stool, from_above), shadow_of(stool + np.array([0.0, 0.6, 0.0]), from_above)
    assert standing.min() < 150
    assert jumping.min() > 190
    assert (shadow_of(post(), SUN, floor=0.0) == 200).all()
