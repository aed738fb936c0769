"""Settings are drawn as they say, and rooms stand round people without hiding them."""

from dataclasses import replace

import numpy as np
import pytest

pytest.importorskip("pyvista", reason="rooms are built for drawing, which needs the extra `simulate`")

from backsight.domain.recording import Exercise
from backsight.errors import InvalidValueError
from backsight.rendering.floor_plan import level_sight, plan_floor
from backsight.rendering.light import set_up_light
from backsight.rendering.room import build_room
from backsight.rendering.setting import Company, Occluder, Place, Setting, dim, sample_setting
from backsight.simulation.cohort import simulate_performance


def settings(n: int, exercise: Exercise | None = None) -> list[Setting]:
    rng = np.random.default_rng(5)
    return [sample_setting(rng, exercise=exercise) for _ in range(n)]


def test_the_same_random_state_gives_the_same_setting() -> None:
    assert sample_setting(np.random.default_rng(8)) == sample_setting(np.random.default_rng(8))
    assert sample_setting(np.random.default_rng(8)) != sample_setting(np.random.default_rng(9))


def test_settings_differ_in_everything_that_matters() -> None:
    drawn = settings(400)
    assert {one.place for one in drawn} == set(Place) - {Place.PLAIN}
    assert {one.company for one in drawn} == {None, Company.STANDING, Company.PASSING}
    assert {one.occluder for one in drawn} == {None, *Occluder}
    assert 0.1 < np.mean([one.shake_deg > 0.0 for one in drawn]) < 0.3
    assert 0.1 < np.mean([one.shutter_s > 0.0 for one in drawn]) < 0.45
    assert {one.crf for one in drawn} == set(range(18, 35))


def test_nobody_walks_into_what_stands_in_front() -> None:
    assert all(one.occluder is None for one in settings(300, Exercise.WALK))


def test_a_plain_setting_has_nothing_that_disturbs() -> None:
    plain = sample_setting(np.random.default_rng(1), plain=True)
    assert plain.place is Place.PLAIN
    assert plain.company is None
    assert plain.occluder is None
    assert plain.shake_deg == plain.shutter_s == plain.noise_codes == plain.vignetting == plain.n_furniture == 0


def test_dimming_darkens_by_stops_and_adds_noise() -> None:
    plain = sample_setting(np.random.default_rng(1), plain=True)
    dark = dim(plain, stops=3.0, noise=2.0)
    assert dark.light.exposure_ev == plain.light.exposure_ev - 3.0
    assert dark.noise_codes == 2.0


@pytest.mark.parametrize(("field", "value"), [("shake_deg", -0.1), ("noise_codes", float("nan")), ("crf", 52)])
def test_a_setting_refuses_what_cannot_be(field: str, value: float) -> None:
    with pytest.raises(InvalidValueError, match=f"`{field}`"):
        replace(sample_setting(np.random.default_rng(1)), **{field: value})


@pytest.mark.parametrize("exercise", list(Exercise))
@pytest.mark.parametrize("seed", range(4))
def test_walls_and_furniture_keep_clear_of_the_person_and_of_the_view(exercise: Exercise, seed: int) -> None:
    performance = simulate_performance(seed, exercise, seed=11)
    marks, camera = performance.figure.landmarks_m, performance.camera
    setting = replace(sample_setting(np.random.default_rng(seed)), occluder=None)
    plan = plan_floor(setting, landmarks_m=marks, camera=camera)
    own = plan.locate(marks)
    assert plan.left_m < own[..., 0].min() - 0.5
    assert plan.right_m > own[..., 0].max() + 0.5
    assert plan.back_m > own[..., 2].max() + 0.5
    assert plan.ceiling_m > own[..., 1].max() + 0.2
    assert plan.left_m < plan.camera_m[0] < plan.right_m
    assert plan.place(own) == pytest.approx(marks)
    lighting = set_up_light(setting.light, centre_m=plan.origin_m + plan.axes[1], sight=level_sight(camera))
    room = build_room(setting, plan, camera=camera, landmarks_m=marks, lighting=lighting)
    low, high = camera.project(marks).min(axis=(0, 1)), camera.project(marks).max(axis=(0, 1))
    furthest_m = camera.to_camera(marks)[..., 2].max()
    for mesh in room.meshes:
        flat = camera.project(mesh.points_m)
        if (flat.min(axis=0) < high).all() and (flat.max(axis=0) > low).all():
            assert camera.to_camera(mesh.points_m)[:, 2].min() > furthest_m
    assert room.in_front == ()


@pytest.mark.parametrize("occluder", list(Occluder))
def test_what_stands_in_front_hides_feet_and_not_the_face(occluder: Occluder) -> None:
    performance = simulate_performance(1, Exercise.TOUCH_TOES, seed=11)
    marks, camera = performance.figure.landmarks_m, performance.camera
    setting = replace(sample_setting(np.random.default_rng(2), plain=True), occluder=occluder)
    plan = plan_floor(setting, landmarks_m=marks, camera=camera)
    lighting = set_up_light(setting.light, centre_m=plan.origin_m, sight=level_sight(camera))
    (mesh,) = build_room(setting, plan, camera=camera, landmarks_m=marks, lighting=lighting).in_front
    depth = camera.to_camera(mesh.points_m)[:, 2]
    assert depth.max() < camera.to_camera(marks)[..., 2].min()
    top_px = camera.project(mesh.points_m)[:, 1].min()
    standing = camera.project(marks[0])
    assert standing[[11, 12, 23, 24], 1].max() < top_px < standing[[29, 30], 1].max()
