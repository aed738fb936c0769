from dataclasses import replace

import numpy as np
import pytest

from backsight.domain.assessment import (
    LEAST_WEIGHT,
    ExerciseAssessment,
    IndexCurve,
    IndexVerdict,
    ModelCard,
    QualityCheck,
    QualityReport,
    QualityVerdict,
)
from backsight.domain.recording import Exercise, SourceInfo
from backsight.domain.sequences import FeatureSequence
from backsight.scoring.assess import assess_session, index_interval
from tests.unit.kinematics.skeletons import make_pose

CARD = ModelCard("test", "1", "Made up.", "nothing", interval_half_width=0.1, text="")
GOOD, POOR, UNUSABLE = QualityVerdict.GOOD, QualityVerdict.POOR, QualityVerdict.UNUSABLE


def part(index, exercise=Exercise.WALK, *, quality=GOOD, unfamiliar=0.02):
    curve = None if index is None else IndexCurve(timestamps_s=[0.0, 0.1], raw=[0.5, index])
    return ExerciseAssessment(
        exercise=exercise,
        source=SourceInfo("clip.mp4", 1280, 720, 30.0, 1.0),
        pose=make_pose(n_frames=2),
        features=FeatureSequence(values=np.zeros((2, 1)), names=("a",), timestamps_s=[0.0, 0.1]),
        quality=QualityReport((QualityCheck("light", "Light", quality, 1.0, "", "too dark", "Switch a light on."),)),
        removed_share=0.0,
        filled_share=0.0,
        curve=curve,
        unfamiliar_share=unfamiliar,
    )


def three(walk, toes, jump):
    return [part(toes, Exercise.TOUCH_TOES), part(walk, Exercise.WALK), part(jump, Exercise.JUMP)]


def test_a_model_that_is_not_to_be_used_gives_an_index_and_no_verdict():
    told = replace(CARD, no_verdict="The model is no better than the median.")
    sure = part(0.05)
    assert assess_session([sure], card=CARD).verdict is IndexVerdict.NO_RED_FLAG
    session = assess_session([sure], card=told)
    assert (session.index, session.verdict) == (pytest.approx(0.05), IndexVerdict.CANNOT_TELL)
    assert session.reason == "The model is no better than the median."
    # Without an index there is a nearer reason.
    assert "No recording was good enough" in assess_session([part(None)], card=told).reason


def test_the_index_is_the_mean_and_the_interval_as_wide_as_for_one():
    session = assess_session(three(0.2, 0.3, 0.1), card=CARD)
    assert session.index == pytest.approx(0.2)
    assert (session.interval.low, session.interval.high) == (pytest.approx(0.1), pytest.approx(0.3))
    assert session.interval.level == 0.9
    assert session.verdict is IndexVerdict.NO_RED_FLAG
    assert any("as wide as that of one exercise" in note for note in session.notes)


@pytest.mark.parametrize(
    ("index", "verdict"),
    [
        (0.05, IndexVerdict.NO_RED_FLAG),
        (0.39, IndexVerdict.NO_RED_FLAG),
        (0.41, IndexVerdict.NO_RED_FLAG),
        (0.43, IndexVerdict.CANNOT_TELL),
        (0.5, IndexVerdict.CANNOT_TELL),
        (0.57, IndexVerdict.CANNOT_TELL),
        (0.59, IndexVerdict.RED_FLAG),
        (0.61, IndexVerdict.RED_FLAG),
        (1.4, IndexVerdict.RED_FLAG),
    ],
)
def test_a_verdict_only_when_at_most_a_tenth_of_the_interval_lies_beyond_a_half(index, verdict):
    session = assess_session([part(index)], card=CARD)
    assert session.verdict is verdict
    assert session.reason.endswith(".")
    if verdict is IndexVerdict.CANNOT_TELL:
        assert "reaches too far across 0.5" in session.reason


def test_without_a_known_error_there_is_an_index_and_no_verdict():
    session = assess_session(three(0.05, 0.05, 0.05), card=replace(CARD, interval_half_width=float("nan")))
    assert session.index == pytest.approx(0.05)
    assert session.interval is None
    assert session.verdict is IndexVerdict.CANNOT_TELL
    assert session.reason.startswith("How far the index of 0.05 may be off is not known: the model was never judged")
    assert session.notes == ()


def test_an_interval_has_the_level_of_the_card():
    session = assess_session([part(0.1)], card=replace(CARD, interval_level=0.8))
    assert session.interval.level == 0.8
    assert session.reason.endswith("so does its whole 80 % interval.")


def test_an_interval_stays_on_the_scale():
    interval = index_interval(0.97, CARD)
    assert (interval.low, interval.high) == (pytest.approx(0.87), 1.0)
    assert index_interval(0.02, CARD).low == 0.0


def test_no_usable_recording_cannot_tell():
    session = assess_session([part(None, quality=UNUSABLE)], card=CARD)
    assert (session.index, session.interval, session.verdict) == (None, None, IndexVerdict.CANNOT_TELL)
    assert session.reason == "No recording was good enough for an index. `Walk 2 metres`: too dark. Switch a light on."
    assert assess_session([], card=CARD).verdict is IndexVerdict.CANNOT_TELL


def test_an_unusable_recording_does_not_count_and_is_named():
    session = assess_session([part(0.2), part(None, Exercise.JUMP, quality=UNUSABLE)], card=CARD)
    assert session.index == pytest.approx(0.2)
    assert session.verdict is IndexVerdict.NO_RED_FLAG
    assert "The recording of `Jump as high as you can` gave no index and does not count." in session.notes
    assert "`Touch your toes` was not recorded." in session.notes
    assert "The index rests on `Walk 2 metres` alone, 1 of 3 exercises." in session.notes


def test_missing_exercises_are_listed_together():
    session = assess_session([part(0.2)], card=CARD)
    assert "`Touch your toes` and `Jump as high as you can` were not recorded." in session.notes


@pytest.mark.parametrize(("index", "verdict"), [(0.38, IndexVerdict.CANNOT_TELL), (0.3, IndexVerdict.NO_RED_FLAG)])
def test_a_poor_recording_needs_one_and_a_half_half_widths(index, verdict):
    session = assess_session([part(index, quality=POOR)], card=CARD)
    assert session.verdict is verdict
    assert ("is poor" in session.reason) == (verdict is IndexVerdict.CANNOT_TELL)


@pytest.mark.parametrize(
    ("share", "verdict"),
    [
        (CARD.unfamiliar_above, IndexVerdict.RED_FLAG),
        (CARD.unfamiliar_above + 0.01, IndexVerdict.CANNOT_TELL),
        (np.nan, IndexVerdict.RED_FLAG),
    ],
)
def test_a_movement_unlike_the_training_cannot_be_judged(share, verdict):
    session = assess_session([part(0.9, unfamiliar=share), part(0.9, Exercise.JUMP)], card=CARD)
    assert session.verdict is verdict
    if verdict is IndexVerdict.CANNOT_TELL:
        assert "`Walk 2 metres` is unlike what the model was trained on: 21%" in session.reason


def test_a_session_is_calibrated_and_weighed_as_its_exercises():
    card = replace(
        CARD,
        session_half_widths=(("touch-toes", 0.2), ("touch-toes+walk", 0.05)),
        exercise_weights=(("touch-toes", 0.3), ("walk", 0.1)),
    )
    session = assess_session([part(0.2), part(0.4, Exercise.TOUCH_TOES)], card=card)
    assert session.index == pytest.approx(0.35)  # (0.2 * 0.1 + 0.4 * 0.3) / 0.4
    assert (session.interval.low, session.interval.high) == (pytest.approx(0.3), pytest.approx(0.4))
    assert not any("as wide as" in note for note in session.notes)


def test_exercises_that_told_nothing_get_no_verdict_alone():
    card = replace(CARD, exercise_weights=(("touch-toes", 0.3), ("walk", LEAST_WEIGHT), ("jump", LEAST_WEIGHT)))
    alone = assess_session([part(0.1), part(0.1, Exercise.JUMP)], card=card)
    assert alone.verdict is IndexVerdict.CANNOT_TELL
    assert "alone told nothing" in alone.reason
    assert "record `Touch your toes`" in alone.reason
    assert assess_session([part(0.1), part(0.1, Exercise.TOUCH_TOES)], card=card).verdict is IndexVerdict.NO_RED_FLAG
