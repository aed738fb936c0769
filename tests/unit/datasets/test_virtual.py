"""Virtual volunteers as studies: as filmed, without error, and never filmed."""

from dataclasses import replace

import numpy as np
import pytest

from backsight.datasets.virtual import (
    ideal_virtual_study,
    load_virtual_cohort,
    name_view,
    read_virtual_cohort,
    simulate_virtual_study,
)
from backsight.domain.recording import Exercise
from backsight.domain.study import RATING_SCALE
from backsight.errors import InputError
from backsight.simulation.cohort import simulate_recording
from backsight.simulation.seeds import HELD_OUT_SEED
from backsight.studio.cache import save_filmed
from backsight.studio.filmed import Shot, film_recording
from backsight.studio.fingerprint import Fingerprint
from backsight.studio.spoiling import Spoil
from tests.unit.studio.fakes import BUNDLES, EQUIPMENT

NOW = Fingerprint.of_package()
SHOT = Shot(3, Exercise.JUMP, 5, fps=10.0, yaw_deg=-90.0)


@pytest.fixture(scope="module")
def films():
    return [
        film_recording(shot, bundles=BUNDLES, equipment=EQUIPMENT) for shot in (SHOT, replace(SHOT, spoil=Spoil.DARK))
    ]


def save(folder, *films):
    for filmed in films:
        save_filmed(folder, filmed, fingerprint=NOW)
    return folder


def test_films_are_clips_with_ratings_and_the_truth_lies_beside_them(tmp_path, films):
    cohort = load_virtual_cohort(save(tmp_path, *films), model="lite")
    (clip,) = cohort.study.clips  # the spoilt film is left out
    assert (clip.subject, clip.exercise, clip.view) == ("virtual-5-00003", "jump", "side")
    assert clip.score == films[0].recording.rating
    assert cohort.study.scale == RATING_SCALE
    assert cohort.study.may_ship
    np.testing.assert_allclose(cohort.true_index, [films[0].index])
    np.testing.assert_allclose(cohort.true_scores(), [100.0 - 100.0 * films[0].index])
    np.testing.assert_allclose(cohort.yaw_deg, [-90.0])
    np.testing.assert_allclose(cohort.distance_m, [films[0].distance_m])
    assert 0.0 < cohort.brightness[0] < 255.0
    # The pretended model has everybody at x = 10, the other one at 20.
    assert np.nanmedian(clip.pose.image_px[..., 0]) == pytest.approx(10.0, abs=1 / 32)
    (full,) = read_virtual_cohort(tmp_path, model="full").clips
    assert np.nanmedian(full.pose.image_px[..., 0]) == pytest.approx(20.0, abs=1 / 32)
    assert (str(clip.found_by), str(full.found_by)) == ("BlazePose lite", "BlazePose full")


def test_the_ideal_study_has_the_same_clips_as_the_camera_would_see_them_without_error(tmp_path, films):
    cohort = load_virtual_cohort(save(tmp_path, films[0]))
    (seen,), (ideal,) = cohort.study.clips, ideal_virtual_study(cohort).clips
    assert (ideal.subject, ideal.score, ideal.view, ideal.name) == (seen.subject, seen.score, seen.view, seen.name)
    performance = SHOT.perform()
    expected_px = performance.camera.project(performance.figure.landmarks_m)
    np.testing.assert_allclose(ideal.pose.image_px[..., :2], expected_px)
    assert (ideal.pose.visibility == 1.0).all()
    assert (str(seen.found_by), str(ideal.found_by)) == ("BlazePose full", "not known")
    assert ideal.pose.n_frames == seen.pose.n_frames


def test_people_held_out_for_judging_are_read_only_on_purpose(tmp_path, films):
    held_out = film_recording(replace(SHOT, seed=HELD_OUT_SEED), bundles=BUNDLES, equipment=EQUIPMENT)
    save(tmp_path, held_out)
    with pytest.raises(InputError, match=f"volunteers of seed {HELD_OUT_SEED}, on whom benchmarks judge"):
        read_virtual_cohort(tmp_path)
    assert len(read_virtual_cohort(tmp_path, allow_held_out=True).clips) == 1


def test_a_folder_without_such_films_is_one_message(tmp_path, films):
    with pytest.raises(InputError, match="expected filmed recordings"):
        read_virtual_cohort(tmp_path)
    save(tmp_path, films[1])
    with pytest.raises(InputError, match="expected films in which somebody is seen, got none"):
        read_virtual_cohort(tmp_path)
    with pytest.raises(InputError, match="BlazePose's heavy model looked at, got full, lite"):
        read_virtual_cohort(tmp_path, model="heavy")


def test_simulated_people_are_those_of_the_cohort_with_and_without_error():
    noisy, truth = simulate_virtual_study(1, seed=5)
    ideal, same_truth = simulate_virtual_study(1, seed=5, is_ideal=True)
    assert [clip.exercise for clip in noisy.clips] == ["touch-toes", "walk", "jump"]
    np.testing.assert_array_equal(truth, same_truth)
    one = simulate_recording(0, Exercise.WALK, seed=5)
    np.testing.assert_array_equal(noisy.clips[1].pose.image_px, one.pose.image_px)
    np.testing.assert_array_equal(ideal.clips[1].pose.image_px, one.ideal.image_px)
    assert truth[1] == one.index
    assert ideal.clips[1].score == one.recording.rating


@pytest.mark.parametrize(
    ("yaw_deg", "view"),
    [
        *((0, "front"), (25, "front"), (26, "oblique"), (-59, "oblique"), (60, "side"), (-90, "side"), (270, "side")),
        *((120, "side"), (121, "oblique"), (180, "back"), (-156, "back"), (360, "front")),
    ],
)
def test_views_have_names(yaw_deg, view):
    assert name_view(yaw_deg) == view
