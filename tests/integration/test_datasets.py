"""Known movements of the published data sets go where they should: axes and sides are those of a pose sequence."""

import os
from pathlib import Path

import numpy as np
import pytest

from backsight.datasets.keraal import KeraalSensor, read_keraal, read_keraal_study
from backsight.datasets.kimore import read_kimore
from backsight.datasets.open import open_study
from backsight.datasets.uiprmd import read_uiprmd
from backsight.domain.landmarks import Landmark
from backsight.kinematics import angles

DATA = Path(os.environ.get("BACKSIGHT_TEST_DATA", Path(__file__).parents[3] / "shared" / "data"))


def folder_of(name: str) -> Path:
    if not (DATA / name).is_dir():
        pytest.skip(f"{DATA / name} is not here")
    return DATA / name


@pytest.fixture(scope="module")
def kimore():
    return read_kimore(folder_of("kimore"))


@pytest.fixture(scope="module")
def uiprmd():
    return read_uiprmd(folder_of("uiprmd"))


def of(study, exercise):
    return [clip for clip in study.clips if clip.exercise == exercise]


def share(flags) -> float:
    return float(np.mean(list(flags)))


def height_above_shoulder_m(clip, side):
    world = clip.pose.world_m
    return world[:, Landmark[f"{side}_SHOULDER"], 1] - world[:, Landmark[f"{side}_WRIST"], 1]


@pytest.mark.parametrize("name", ["kimore", "uiprmd"])
def test_everybody_faces_the_camera(name, request):
    for clip in request.getfixturevalue(name).clips:
        image, world = clip.pose.image_px[::10], clip.pose.world_m[::10]
        frame = angles.body_frame(world)
        # An inline lunge is done at a slant.
        assert np.nanmedian(-frame.forward[:, 2]) > 0.3, clip.name
        # Seen from the front, somebody's left is on the picture's right; shoulders are above hips, hips above ankles.
        assert np.nanmedian(image[:, Landmark.LEFT_SHOULDER, 0] - image[:, Landmark.RIGHT_SHOULDER, 0]) > 0, clip.name
        assert np.nanmedian(world[:, Landmark.LEFT_SHOULDER, 1]) < 0 < np.nanmedian(world[:, Landmark.LEFT_ANKLE, 1])
        assert np.nanmedian(image[:, Landmark.NOSE, 1]) < np.nanmedian(image[:, Landmark.LEFT_HIP, 1]), clip.name


@pytest.mark.parametrize("name", ["kimore", "uiprmd"])
def test_toes_point_to_the_camera(name, request):
    # Sensors confuse a foot with the floor now and then; a mirrored or reversed axis would turn nearly all round.
    towards = [
        np.nanmedian(
            clip.pose.world_m[:, Landmark[f"{side}_FOOT_INDEX"], 2] - clip.pose.world_m[:, Landmark[f"{side}_ANKLE"], 2]
        )
        for clip in request.getfixturevalue(name).clips
        for side in ("LEFT", "RIGHT")
    ]
    assert share(np.array(towards) < 0) > 0.9


def test_in_kimore_both_arms_rise_together(kimore):
    clips = of(kimore, "Es1")
    above_m = [np.stack([height_above_shoulder_m(clip, side) for side in ("LEFT", "RIGHT")]) for clip in clips]
    # Arms hang half a metre below the shoulders; two patients get them hardly above.
    assert all(np.nanmin(both) < -0.35 for both in above_m)
    assert share(np.nanmax(both.min(axis=0)) > 0.2 for both in above_m) > 0.95


def test_in_kimore_the_trunk_tilts_to_either_side(kimore):
    leans = []
    for clip in of(kimore, "Es2"):
        frame = angles.body_frame(clip.pose.world_m)
        lean = angles.trunk_lateral_lean_deg(clip.pose.world_m, frame)
        leans.append(np.nanquantile(lean, [0.02, 0.98]))
    # A tenth of them, most with Parkinson's disease, hardly lean at all.
    assert share(low < -8 and high > 8 for low, high in leans) > 0.85


def test_in_kimore_the_trunk_turns_to_either_side(kimore):
    turns = [np.nanquantile(angles.axial_rotation_deg(clip.pose.world_m), [0.02, 0.98]) for clip in of(kimore, "Es3")]
    assert share(low < -10 and high > 10 for low, high in turns) > 0.9


@pytest.mark.parametrize(("name", "exercise"), [("kimore", "Es5"), ("uiprmd", "m01")])
def test_a_squat_lowers_the_hips_in_the_picture_and_bends_the_knees(name, exercise, request):
    for clip in of(request.getfixturevalue(name), exercise):
        hips_px = clip.pose.image_px[:, [Landmark.LEFT_HIP, Landmark.RIGHT_HIP], 1].mean(axis=1)
        down = np.nanargmax(hips_px)
        # 30 px are 10 cm at 2.4 m, and some patients hardly get down.
        assert hips_px[down] - np.nanquantile(hips_px, 0.1) > 30, clip.name
        for knee_deg in angles.knee_flexion_deg(clip.pose.world_m):
            assert np.nanmax(knee_deg) - np.nanquantile(knee_deg, 0.1) > 30, clip.name


def test_in_ui_prmd_one_foot_steps_over_the_hurdle(uiprmd):
    correct = [clip for clip in of(uiprmd, "m02") if clip.score == 1.0]
    for clip in correct:
        ankles_px = clip.pose.image_px[:, [Landmark.LEFT_ANKLE, Landmark.RIGHT_ANKLE], 1]
        rises_px = ankles_px[0] - np.nanmin(ankles_px, axis=0)
        # 60 px are 20 cm at 2.4 m.
        assert rises_px.max() > 60 > 25 > rises_px.min(), clip.name


def test_kimore_has_the_counts_that_were_published(kimore):
    assert kimore.exercises == ("Es1", "Es2", "Es3", "Es4", "Es5")
    assert {clip.group for clip in kimore.clips} == {"Expert", "NotExpert", "BackPain", "Parkinson", "Stroke"}
    clip = next(clip for clip in kimore.clips if clip.name == "E_ID1 Es1")
    assert (clip.pose.n_frames, clip.group) == (1134, "Expert")
    assert clip.score == pytest.approx(48.3333, abs=1e-4)
    assert clip.pose.fps == pytest.approx(30.0)
    # The dubious label counts, since the figures are those of all labelled clips, and is named.
    assert all(clip.is_scored for clip in kimore.clips if clip.subject == "NE_ID2")
    assert "NE_ID2" in kimore.source
    assert not kimore.may_ship


def test_most_of_what_kinect_saw_outlives_the_quality_filter(kimore):
    has_joint = [Landmark.LEFT_SHOULDER, Landmark.LEFT_ELBOW, Landmark.LEFT_WRIST, Landmark.LEFT_ANKLE]
    kept = [(clip.pose.visibility[:, has_joint] >= 0.6).mean() for clip in of(kimore, "Es3")]
    assert min(kept) > 0.99


def test_ui_prmd_is_half_correct_for_every_subject(uiprmd):
    assert len(uiprmd.subjects) == 10
    for subject in uiprmd.subjects:
        scores = [clip.score for clip in uiprmd.clips if clip.subject == subject and clip.exercise == "m03"]
        assert sorted(scores) == [0.0] * 10 + [1.0] * 10
    assert uiprmd.scale.is_binary
    # Before the body there is room in the picture on every side.
    shown = np.concatenate([clip.pose.presence[:, [0, 11, 12, 15, 16, 31, 32]].ravel() for clip in uiprmd.clips])
    assert shown.mean() > 0.999


def test_in_keraal_kinect_and_blazepose_see_the_same_person_at_the_same_place():
    # Both looked at the same films: this checks the camera's focal length, its axes and which side is left.
    kinect = read_keraal_study(folder_of("keraal"))
    blazepose = read_keraal_study(DATA / "keraal", sensor=KeraalSensor.BLAZEPOSE)
    marks = [
        Landmark.LEFT_SHOULDER,
        Landmark.RIGHT_SHOULDER,
        Landmark.LEFT_ELBOW,
        Landmark.RIGHT_WRIST,
        Landmark.LEFT_KNEE,
    ]
    for one, other in zip(kinect.clips, blazepose.clips, strict=True):
        assert one.name == other.name
        n = min(one.pose.n_frames, other.pose.n_frames)
        wide = np.array(one.pose.frame_size) / np.array(other.pose.frame_size)
        apart_px = one.pose.image_px[:n, marks, :2] - other.pose.image_px[:n, marks, :2] * wide
        # The shoulders are some 80 px apart.
        assert np.median(np.linalg.norm(apart_px, axis=2)) < 25, one.name


def test_in_keraal_a_turn_to_the_right_is_positive_as_in_motion_capture():
    videos = folder_of("video")
    captured = {clip.key: clip for clip in read_keraal(folder_of("keraal"), videos=videos)}
    clips = {clip.name.partition(" ")[2]: clip for clip in read_keraal_study(DATA / "keraal").clips}
    key = "RTK_Error1Bodypart3_0"
    world = clips[key].pose.world_m
    line = world[:, Landmark.RIGHT_SHOULDER] - world[:, Landmark.LEFT_SHOULDER]
    # The right shoulder is on the picture's left and moves away from the camera as the person turns to the right.
    turned_deg = np.degrees(np.arctan2(line[:, 2], -line[:, 0]))
    truth = captured[key].shoulder_line_deg
    at = np.linspace(0.0, 1.0, len(turned_deg))
    expected = np.interp(at, np.linspace(0.0, 1.0, len(truth)), truth)
    assert np.corrcoef(turned_deg, expected)[0, 1] > 0.95


def test_every_data_set_opens_by_its_name():
    assert len(open_study(str(folder_of("keraal")), data_set="keraal").clips) == 57
    assert open_study(str(folder_of("uiprmd").parent), data_set="uiprmd").name == "uiprmd"
