"""A drawn body is where its skeleton is, whatever it wears and however it bends."""

from dataclasses import replace
from functools import cache

import numpy as np
import pytest

pytest.importorskip("pyvista", reason="drawing bodies needs the extra `simulate`")

from backsight.domain.landmarks import Landmark
from backsight.rendering.looks import Beard, Bottom, Hair, Looks, Pattern, Shoes, Top, sample_looks
from backsight.rendering.rest import rest_pose
from backsight.rendering.shape import BodyMesh, build_body
from backsight.simulation.body import Body, make_body
from backsight.simulation.skeleton import Figure, Motion, about_y, pose_body

L = Landmark
PLAIN = Looks(
    skin=(200, 150, 120), lips=(170, 90, 90), eyes=(70, 50, 30), hair=Hair.SHORT, hair_colour=(40, 30, 20),
    brow_colour=(30, 25, 20), beard=Beard.NONE, has_glasses=False, fullness=0.0, muscle=0.0, top=Top.T_SHIRT,
    top_colour=(20, 40, 200), accent_colour=(250, 250, 0), pattern=Pattern.PLAIN, stripe_m=0.05,
    bottom=Bottom.LEGGINGS, bottom_colour=(30, 120, 40), bottom_length=1.0, shoes=Shoes.BAREFOOT,
    shoe_colour=(0, 0, 0), sole_colour=(255, 255, 255),
)  # fmt: skip
MAN = make_body(sex="male", age_years=40.0, height_m=1.80)


@cache
def plain_mesh() -> BodyMesh:
    return build_body(MAN, PLAIN)


def pose(body: Body, **changes: np.ndarray) -> Figure:
    """One frame of standing straight, with changes."""
    x = body.hip_half_m
    fields: dict[str, np.ndarray] = {
        "timestamps_s": np.zeros(1),
        "root_m": np.array([[0.0, body.ankle_height_m + 0.999 * body.leg_m, 0.0]]),
        "spine_rad": np.zeros((1, 4, 3)),
        "neck_rad": np.zeros((1, 2, 3)),
        "girdle_rad": np.zeros((1, 2)),
        "shoulder_rad": np.full((1, 2, 3), [0.0, 0.15, 0.0]),
        "elbow_rad": np.full((1, 2), 0.2),
        "wrist_rad": np.zeros((1, 2)),
        "ankle_m": np.array([[[x, body.ankle_height_m, 0.0], [-x, body.ankle_height_m, 0.0]]]),
        "foot_rad": np.zeros((1, 2, 2)),
    }
    return pose_body(body, Motion(**{**fields, **changes}))


def bent(body: Body) -> Figure:
    """A forward bend by 105 degrees, 60 of them at the hips, arms reaching down."""
    spine = np.zeros((1, 4, 3))
    spine[0, :, 0] = np.radians([60.0, 20.0, 15.0, 10.0])
    shoulder = np.full((1, 2, 3), [np.radians(100.0), 0.1, 0.0])
    return pose(body, spine_rad=spine, shoulder_rad=shoulder)


def crouched(body: Body) -> Figure:
    """Knees bent by about 100 degrees, elbows by 120."""
    root = np.array([[0.0, body.ankle_height_m + 0.64 * body.leg_m, -0.1]])
    return pose(body, root_m=root, elbow_rad=np.full((1, 2), np.radians(120.0)))


def thickness_m(points: np.ndarray, faces: np.ndarray, start: np.ndarray, direction: np.ndarray) -> float:
    """Distance from a point to the nearest triangle that a ray meets; infinite when it meets none."""
    a, b, c = (points[faces[:, corner]].astype(float) for corner in range(3))
    across = np.cross(direction, c - a)
    scale = ((b - a) * across).sum(axis=1)
    scale[np.abs(scale) < 1e-14] = np.inf
    off = start - a
    u = (off * across).sum(axis=1) / scale
    turned = np.cross(off, b - a)
    v = (turned @ direction) / scale
    distance = ((c - a) * turned).sum(axis=1) / scale
    hit = (u >= 0.0) & (v >= 0.0) & (u + v <= 1.0) & (distance > 0.0)
    return float(distance[hit].min(initial=np.inf))


@pytest.mark.parametrize("take", [pose, bent, crouched])
@pytest.mark.parametrize(
    ("landmark", "thinnest_m", "thickest_m"),
    [
        (L.LEFT_SHOULDER, 0.025, 0.12), (L.RIGHT_SHOULDER, 0.025, 0.12),
        (L.LEFT_ELBOW, 0.02, 0.09), (L.RIGHT_ELBOW, 0.02, 0.09),
        (L.LEFT_WRIST, 0.012, 0.05), (L.RIGHT_WRIST, 0.012, 0.05),
        (L.LEFT_KNEE, 0.03, 0.12), (L.RIGHT_KNEE, 0.03, 0.12),
        (L.LEFT_ANKLE, 0.015, 0.07), (L.RIGHT_ANKLE, 0.015, 0.07),
    ],
)  # fmt: skip
def test_flesh_lies_round_each_joint_in_every_pose(
    take, landmark: Landmark, thinnest_m: float, thickest_m: float
) -> None:
    figure = take(MAN)
    points = plain_mesh().place(figure, 0)
    joint = figure.landmarks_m[0, landmark]
    away = np.linalg.norm(points - joint, axis=1)
    assert away.min() == pytest.approx((thinnest_m + thickest_m) / 2, abs=(thickest_m - thinnest_m) / 2)
    # Sideways there is skin near by: the joint has not come out of the limb. Inward of a shoulder is the trunk.
    across = figure.rotations["left_thigh" if landmark >= L.LEFT_HIP else "high_thorax"][0][:, 0]
    outward = across if landmark % 2 else -across
    for direction in (outward,) if landmark in {L.LEFT_SHOULDER, L.RIGHT_SHOULDER} else (outward, -outward):
        assert thickness_m(points, plain_mesh().faces, joint, direction) < 2.5 * thickest_m


@pytest.mark.parametrize(
    ("landmark", "limit_m"),
    [(L.NOSE, 0.012), (L.LEFT_EYE, 0.008), (L.RIGHT_EYE, 0.008), (L.LEFT_EAR, 0.015), (L.RIGHT_EAR, 0.015),
     (L.MOUTH_LEFT, 0.012), (L.MOUTH_RIGHT, 0.012), (L.LEFT_HEEL, 0.012), (L.RIGHT_FOOT_INDEX, 0.012),
     (L.LEFT_INDEX, 0.02), (L.RIGHT_PINKY, 0.02), (L.LEFT_THUMB, 0.02)],
)  # fmt: skip
def test_surface_landmarks_lie_on_the_surface_even_when_bent(landmark: Landmark, limit_m: float) -> None:
    figure = bent(MAN)
    points = plain_mesh().place(figure, 0)
    assert np.linalg.norm(points - figure.landmarks_m[0, landmark], axis=1).min() < limit_m


def test_fingers_reach_to_the_fingertip() -> None:
    figure = bent(MAN)
    points = plain_mesh().place(figure, 0)
    tip, hand = figure.joints_m["left_fingertip"][0], figure.rotations["left_hand"][0]
    reach = (points[np.linalg.norm(points - tip, axis=1) < 0.05] - tip) @ -hand[:, 1]
    assert reach.max() == pytest.approx(0.0, abs=0.006)


@pytest.mark.parametrize("shoes", list(Shoes))
def test_soles_stand_on_the_floor(shoes: Shoes) -> None:
    mesh = build_body(MAN, replace(PLAIN, shoes=shoes))
    points = mesh.place(pose(MAN), 0)
    for side in (points[:, 0] > 0.0, points[:, 0] < 0.0):
        assert points[side, 1].min() == pytest.approx(0.0, abs=0.005)
        flat = points[side & (points[:, 1] < 0.01)]
        assert np.ptp(flat[:, 2]) == pytest.approx(MAN.heel_m + MAN.toe_m, abs=0.04)


def test_height_of_the_drawn_body_is_the_body_s_own() -> None:
    for height_m in (1.50, 1.95):
        body = make_body(sex="female", age_years=30.0, height_m=height_m)
        points = build_body(body, replace(PLAIN, hair=Hair.BALD)).place(pose(body), 0)
        assert np.ptp(points[:, 1]) == pytest.approx(height_m, rel=0.02)


def test_broader_and_fuller_people_are_broader() -> None:
    def waist_m(build: float, fullness: float) -> float:
        body = make_body(sex="male", age_years=40.0, height_m=1.80, build=build)
        points = build_body(body, replace(PLAIN, fullness=fullness, top=Top.TANK_TOP)).place(pose(body), 0)
        level = pose(body).joints_m["lumbar"][0, 1] + 0.03
        return float(np.ptp(points[np.abs(points[:, 1] - level) < 0.02][:, 2]))

    assert waist_m(0.85, -0.8) < 0.9 * waist_m(1.0, 0.0) < 0.8 * waist_m(1.2, 1.4)


def test_sexes_differ_in_chest_and_hips() -> None:
    def breadth_m(sex: str, joint: str) -> float:
        body = make_body(sex="male" if sex == "male" else "female", age_years=30.0, height_m=1.75)
        figure = pose(body, shoulder_rad=np.full((1, 2, 3), [0.0, 1.5, 0.0]))
        points = build_body(body, replace(PLAIN, top=Top.TANK_TOP)).place(figure, 0)
        level = figure.joints_m[joint][0, 1]
        return float(np.ptp(points[np.abs(points[:, 1] - level) < 0.02][:, 0]))

    assert breadth_m("female", "root") > breadth_m("male", "root") + 0.01
    assert breadth_m("male", "low_thorax") > breadth_m("female", "low_thorax") + 0.01


def test_the_whole_body_turns_and_moves_with_its_figure() -> None:
    figure = bent(MAN)
    turn, shift = about_y(np.array([0.7]))[0], np.array([0.4, 0.1, -2.0])
    moved = Figure(
        landmarks_m=figure.landmarks_m @ turn.T + shift,
        rotations={name: turn @ rotation for name, rotation in figure.rotations.items()},
        joints_m={name: joint @ turn.T + shift for name, joint in figure.joints_m.items()},
        hip_flexion_rad=figure.hip_flexion_rad,
        knee_flexion_rad=figure.knee_flexion_rad,
    )
    expected = plain_mesh().place(figure, 0) @ turn.T + shift
    assert plain_mesh().place(moved, 0) == pytest.approx(expected, abs=2e-5)


def test_a_head_turns_as_one_piece() -> None:
    rest = rest_pose(MAN)
    neck = np.zeros((1, 2, 3))
    neck[0, 1] = np.radians([0.0, 0.0, 50.0])
    figure = pose(MAN, neck_rad=neck)
    mesh = plain_mesh()
    before, after = mesh.place(rest.figure, 0), mesh.place(figure, 0)
    crown = before[:, 1] > rest.joint_m("head")[1] + 0.06 * MAN.height_m
    expected = (before[crown] - rest.joint_m("head")) @ rest.figure.rotations["head"][0]
    actual = (after[crown] - figure.joints_m["head"][0]) @ figure.rotations["head"][0]
    assert crown.sum() > 100
    assert actual == pytest.approx(expected, abs=1e-4)


def test_bent_knees_keep_their_volume() -> None:
    def knee_breadth_m(figure: Figure) -> float:
        points, knee = plain_mesh().place(figure, 0), figure.landmarks_m[0, L.LEFT_KNEE]
        across = figure.rotations["left_thigh"][0][:, 0]
        return sum(thickness_m(points, plain_mesh().faces, knee, way) for way in (across, -across))

    assert knee_breadth_m(crouched(MAN)) == pytest.approx(knee_breadth_m(pose(MAN)), rel=0.15)


def test_triangles_look_outward_and_are_numbers() -> None:
    mesh = plain_mesh()
    points = mesh.place(pose(MAN), 0)
    assert points.dtype == np.float32
    assert np.isfinite(points).all()
    assert mesh.faces.min() == 0
    assert mesh.faces.max() == len(points) - 1
    assert mesh.colours.shape == points.shape
    assert mesh.colours.dtype == np.uint8
    normals = mesh.normals(points)
    used = np.linalg.norm(normals, axis=1) > 0.5
    assert used.mean() > 0.999
    head = points[:, 1] > pose(MAN).landmarks_m[0, L.LEFT_EYE, 1]
    outward = points[head] - points[head].mean(axis=0)
    assert ((normals[head] * outward).sum(axis=1) > 0.0).mean() > 0.9


def test_left_is_left() -> None:
    points = plain_mesh().place(pose(MAN), 0)
    thumbs = pose(MAN).landmarks_m[0, [L.LEFT_THUMB, L.RIGHT_THUMB]]
    assert thumbs[0, 0] > 0.0 > thumbs[1, 0]
    raised = pose(MAN, shoulder_rad=np.array([[[0.0, 1.5, 0.0], [0.0, 0.1, 0.0]]]))
    lifted = plain_mesh().place(raised, 0)
    assert lifted[:, 0].max() > points[:, 0].max() + 0.3
    assert lifted[:, 0].min() > points[:, 0].min() - 0.05


@pytest.mark.parametrize("top", list(Top))
@pytest.mark.parametrize("bottom", [Bottom.LEGGINGS, Bottom.SKIRT])
def test_every_outfit_covers_the_trunk_and_leaves_the_face(top: Top, bottom: Bottom) -> None:
    looks = replace(PLAIN, top=top, bottom=bottom)
    mesh = build_body(MAN, looks)
    figure = bent(MAN)
    points = mesh.place(figure, 0)
    for joint, dressed in (("low_thorax", True), ("head", False)):
        start, forward = figure.joints_m[joint][0], figure.rotations[joint][0][:, 2]
        reach = thickness_m(points, mesh.faces, start, forward)
        there = start + reach * forward
        colour = tuple(mesh.colours[np.linalg.norm(points - there, axis=1).argmin()])
        assert (colour == looks.top_colour) == dressed


def test_the_same_seed_gives_the_same_body_and_another_seed_another() -> None:
    first, second, other = (sample_looks(np.random.default_rng(seed), MAN) for seed in (3, 3, 4))
    assert first == second != other
    one, two = build_body(MAN, first), build_body(MAN, second)
    figure = bent(MAN)
    assert np.array_equal(one.faces, two.faces)
    assert np.array_equal(one.colours, two.colours)
    assert np.array_equal(one.place(figure, 0), two.place(figure, 0))


def test_looks_suit_the_body() -> None:
    def share_grey(age_years: float) -> float:
        body = make_body(sex="female", age_years=age_years, height_m=1.65)
        looks = [sample_looks(np.random.default_rng(seed), body) for seed in range(200)]
        assert all(look.beard is Beard.NONE for look in looks)
        return float(np.mean([min(look.hair_colour) > 90 for look in looks]))

    assert share_grey(20.0) < 0.1 < 0.6 < share_grey(78.0)
    men = [sample_looks(np.random.default_rng(seed), MAN) for seed in range(200)]
    assert {look.top for look in men} == set(Top) - {Top.DRESS}
    assert {look.shoes for look in men} == set(Shoes)
