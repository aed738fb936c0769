"""What a model says of recordings whose landmarks were, or were not, found as its study's were."""

import pytest

from backsight.domain.study import NOT_KNOWN, FoundBy
from backsight.training.study_landmarks import NOT_TOLD, StudyLandmarks

FULL = ((FoundBy("full", "openvino"), 6), (FoundBy("full", "mediapipe"), 2))
MIXED = ((FoundBy("full"), 6), (FoundBy("lite"), 2))
PARTLY = ((FoundBy("full"), 6), (NOT_KNOWN, 1))
KINECT = ((FoundBy(sensor="Kinect v2"), 8),)
WITHOUT_LITE = ((FoundBy("heavy", "openvino"), 4), (FoundBy("full"), 5), (FoundBy("heavy", "mediapipe"), 2))
WITH_KINECT = ((FoundBy(sensor="Kinect v2"), 8), (FoundBy("full"), 2))
UNKNOWN_NAME = ((FoundBy("Jane Roe, Bern"), 8),)


@pytest.mark.parametrize(
    ("counted", "pose_model", "is_refused"),
    [
        (FULL, "full", False),
        (FULL, "lite", True),
        (MIXED, "lite", False),
        (MIXED, "heavy", True),
        (PARTLY, "full", False),
        # Most are known, and none of those is heavy's.
        (PARTLY, "heavy", True),
        (KINECT, "full", True),
        # Nothing is known of one side or the other.
        ((), "full", False),
        (((NOT_KNOWN, 8),), "full", False),
        (FULL, "", False),
    ],
)
def test_no_verdict_rests_on_landmarks_of_which_the_study_is_known_to_have_none(counted, pose_model, is_refused):
    landmarks = StudyLandmarks(counted)
    assert bool(landmarks.no_verdict(pose_model)) is is_refused
    if is_refused:
        assert landmarks.told_beside(pose_model) == ""


def test_the_refusal_names_both_and_the_remedy():
    assert StudyLandmarks(FULL).no_verdict("lite") == (
        "BlazePose lite finds the landmarks here, but the study's were found by BlazePose full: each finds others for "
        "the same movement, so how far the index may be off is not known; assess with `--pose-model full`, or train on "
        "landmarks that BlazePose lite found."
    )
    mixed = StudyLandmarks(MIXED).no_verdict("heavy")
    assert "found by BlazePose full (6 clips), BlazePose lite (2 clips): each" in mixed
    assert "assess with `--pose-model full` or `--pose-model lite`, or train" in mixed
    # No option asks for a sensor.
    assert StudyLandmarks(KINECT).no_verdict("full").endswith("known; train on landmarks that BlazePose full found.")


def test_equal_landmarks_are_named_without_hedging():
    assert StudyLandmarks(FULL).told_beside("full") == (
        "The study's landmarks were found by BlazePose full, as this recording's were."
    )


@pytest.mark.parametrize(("counted", "pose_model"), [(MIXED, "lite"), (PARTLY, "full")])
def test_of_a_mixture_figures_need_not_hold_for_a_part(counted, pose_model):
    assert f"need not hold for BlazePose {pose_model} alone" in StudyLandmarks(counted).told_beside(pose_model)


@pytest.mark.parametrize("counted", [(), ((NOT_KNOWN, 8),)])
def test_what_is_not_known_is_hedged(counted):
    landmarks = StudyLandmarks(counted)
    assert landmarks.told() == "What found the study's landmarks is not known: their files do not say."
    assert landmarks.told_beside("full") == landmarks.told_beside("") == NOT_TOLD


def test_the_model_s_card_names_engines_and_the_option():
    assert StudyLandmarks(FULL).told() == (
        "The study's landmarks were found by BlazePose full on openvino (6 clips), BlazePose full on mediapipe "
        "(2 clips). Each BlazePose model finds other landmarks for the same movement, so `assess` takes "
        "`--pose-model full` by itself; with another one there is no interval and no verdict."
    )
    assert "all 8 clips together, and need not hold" in StudyLandmarks(MIXED).told()
    assert (
        "so `assess` takes `--pose-model full` by itself, and `--pose-model lite` when told so; with another one there"
        in StudyLandmarks(MIXED).told()
    )
    assert "so `assess` takes `--pose-model full` by itself; with another" in StudyLandmarks(WITH_KINECT).told()


@pytest.mark.parametrize(
    ("counted", "looks"),
    [
        (FULL, "full"),
        (PARTLY, "full"),
        (MIXED, "full"),
        # Six by heavy on two engines, five by full.
        (WITHOUT_LITE, "heavy"),
        (WITH_KINECT, "full"),
        ((*UNKNOWN_NAME, (FoundBy("lite"), 1)), "lite"),
        (UNKNOWN_NAME, ""),
        (KINECT, ""),
        ((), ""),
        (((NOT_KNOWN, 2),), ""),
    ],
)
def test_assess_can_look_with_the_blazepose_that_found_most_of_the_study_s_landmarks(counted, looks):
    landmarks = StudyLandmarks(counted)
    assert landmarks.pose_model == looks
    assert not landmarks.no_verdict(looks)


def test_no_option_asks_for_a_blazepose_that_there_is_not():
    landmarks = StudyLandmarks(UNKNOWN_NAME)
    assert "--pose-model" not in landmarks.told()
    assert landmarks.no_verdict("lite").endswith("known; train on landmarks that BlazePose lite found.")


def test_the_card_of_a_depth_sensor_s_study_has_its_own_end():
    assert StudyLandmarks(KINECT).told() == (
        "The study's landmarks were found by Kinect v2 (8 clips). BlazePose, with which `assess` looks, finds other "
        "landmarks for the same movement, so `assess` gives no interval and no verdict."
    )


def test_landmarks_that_nobody_can_place_are_counted_as_such_and_not_called_a_finder():
    assert StudyLandmarks(PARTLY).told() == (
        "The study's landmarks were found by BlazePose full (6 clips) and, in 1 clip, by something that its file does "
        "not name. Figures and interval are of all 7 clips together, and need not hold for landmarks of one kind "
        "alone. Each BlazePose model finds other landmarks for the same movement, so `assess` takes "
        "`--pose-model full` by itself; with another one there is no interval and no verdict."
    )
    # A file may name what ran BlazePose and not which BlazePose it was.
    unnamed = StudyLandmarks((*FULL, (FoundBy(engine="openvino"), 2), (NOT_KNOWN, 1)))
    assert unnamed.told().count("and, in 3 clips, by something that their files do not name. Figures") == 1
    for said in (unnamed.told(), unnamed.told_beside("full"), unnamed.no_verdict("heavy")):
        assert "in 3 clips" in said
        assert "not known (" not in said
