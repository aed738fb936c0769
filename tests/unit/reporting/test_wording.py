"""Values, norms and verdicts in words."""

import math
from dataclasses import replace

import pytest

from backsight.domain.assessment import IndexVerdict, Interval, Norm, NormKind, QualityVerdict
from backsight.domain.recording import Exercise
from backsight.domain.study import ScoreScale
from backsight.reporting import wording
from tests.assessments import every_variant, make_assessment, make_exercise


@pytest.mark.parametrize(
    ("value", "unit", "expected"),
    [
        (95.24, "deg", "95.2°"),
        (-3.04, "deg", "−3.0°"),
        (-0.04, "deg", "0.0°"),
        (1.123, "m/s", "1.12 m/s"),
        (14.0, "cm", "14.0 cm"),
        (7.4, "%", "7 %"),
        (95.6, "1/min", "96 steps/min"),
        (math.nan, "cm", "–"),
        (3.0, "", "3.00"),
    ],
)
def test_values_read_as_people_write_them(value: float, unit: str, expected: str) -> None:
    assert wording.format_value(value, unit) == expected


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [(93.0, 128.0, "93.0 to 128.0°"), (-math.inf, 3.0, "up to 3.0°"), (1.0, math.inf, "from 1.0°")],
)
def test_open_norms_say_which_end_matters(low: float, high: float, expected: str) -> None:
    assert wording.format_norm(Norm(2.0, low, high, "source", NormKind.CUT_OFF), "deg") == expected


def test_a_value_on_the_edge_is_within() -> None:
    norm = Norm(2.0, 1.0, 3.0, "source", NormKind.CUT_OFF)

    assert [wording.compare(value, norm, error=0.0) for value in (0.99, 1.0, 3.0, 3.01, math.nan)] == [
        "below",
        "within",
        "within",
        "above",
        "",
    ]


@pytest.mark.parametrize(
    ("value", "expected"),
    [(0.4, "below"), (0.6, "unsure"), (1.4, "unsure"), (2.0, "within"), (3.4, "unsure"), (3.6, "above")],
)
def test_a_value_within_its_error_of_an_end_is_left_open(value: float, expected: str) -> None:
    norm = Norm(2.0, 1.0, 3.0, "source", NormKind.CUT_OFF)

    assert wording.compare(value, norm, error=0.5) == expected


def test_without_a_known_error_nothing_is_said_to_be_within_or_outside() -> None:
    norm = Norm(2.0, 1.0, 3.0, "source", NormKind.CUT_OFF)

    assert [wording.compare(value, norm, error=math.nan) for value in (-50.0, 2.0, 50.0)] == ["unsure"] * 3
    assert wording.COMPARISONS["unsure"][0] == "cannot tell"


@pytest.mark.parametrize(
    ("value", "error", "unit", "expected"),
    [
        (95.24, 7.0, "deg", "88.2 to 102.2°"),
        (-1.0, 3.0, "ms", "−4 to 2 ms"),
        (1.1, math.nan, "deg", ""),
        (math.nan, 2.0, "deg", ""),
    ],
)
def test_the_interval_is_written_from_end_to_end(value: float, error: float, unit: str, expected: str) -> None:
    assert wording.format_span(value, unit, error=error) == expected


def test_readers_are_spared_the_command_line() -> None:
    tip = "Record alone, or cut the others away (--crop, --start, --end); the `largest` (in view) counts (--so)."

    assert wording.for_readers(tip) == "Record alone, or cut the others away; the “largest” (in view) counts."


def test_what_lengths_rest_on_is_said_either_way() -> None:
    assert "given, 1.72 m" in wording.describe_scale(1.72)
    assert "not given" in wording.describe_scale(None)


@pytest.mark.parametrize(
    ("value", "error", "expected"),
    [(95.24, 7.0, "95.2 ± 7.0°"), (1.1, math.nan, "1.1°"), (math.nan, 2.0, "–")],
)
def test_an_error_stands_beside_its_value_where_it_is_known(value: float, error: float, expected: str) -> None:
    assert wording.format_measured(value, "deg", error=error) == expected


def test_only_centiles_are_said_to_be_centiles() -> None:
    def described(kind: NormKind, high: float) -> str:
        return wording.describe_norm(Norm(2.0, 1.0, high, "source", kind))

    assert "one healthy adult in ten lies beyond" in described(NormKind.DERIVED_CENTILES, math.inf)
    assert "one healthy adult in five lies outside" in described(NormKind.DERIVED_CENTILES, 3.0)
    for kind in set(NormKind) - {NormKind.DERIVED_CENTILES}:
        assert "healthy adult in" not in described(kind, 3.0)
    assert described(NormKind.REMEMBERED_RANGE, 3.0).startswith("Provisional")


def test_moments_keep_their_offset() -> None:
    assert wording.format_moment("2026-11-02T09:05:07+01:00") == "2 November 2026, 09:05 (UTC+01:00)"
    assert wording.format_moment("2026-11-02T09:05:07-05:30") == "2 November 2026, 09:05 (UTC-05:30)"


def test_shares_do_not_round_something_to_nothing() -> None:
    assert [wording.format_share(share) for share in (0.0, 0.004, 0.061, 1.0, math.nan)] == [
        "0 %",
        "under 1 %",
        "6 %",
        "100 %",
        "–",
    ]


def test_interval_names_its_level() -> None:
    assert wording.format_interval(Interval(0.448, 0.812)) == "0.45 to 0.81 (90 % interval)"
    assert wording.format_interval(None) == ""


def test_a_score_is_told_in_the_unit_of_the_study_and_with_its_own_ends() -> None:
    points, pain = ScoreScale(best=50.0, worst=0.0), ScoreScale(best=-5.0, worst=5.0, unit="of pain")
    assert wording.format_score(0.25, Interval(0.1, 0.5), points) == (
        "37.5 points (25 to 45) on the study’s scale from 0 (worst) to 50 (best)"
    )
    assert wording.format_score(0.25, None, pain) == "−2.5 of pain on the study’s scale from 5 (worst) to −5 (best)"
    assert wording.format_score(0.25, Interval(0.1, 0.5), None) == ""


def test_no_index_is_said_in_other_words_than_an_uncertain_one() -> None:
    variants = every_variant()

    assert wording.verdict_words(variants["unusable"]).title == "Recording not usable"
    assert wording.verdict_words(variants["cannot tell"]).title == "Cannot tell"


def test_tips_are_only_promised_where_there_are_some() -> None:
    good = make_assessment([make_exercise()], verdict=IndexVerdict.CANNOT_TELL)

    assert "tips below" in wording.verdict_words(every_variant()["cannot tell"]).advice
    assert "tips below" not in wording.verdict_words(good).advice


def test_a_session_with_an_unusable_recording_has_something_to_mend() -> None:
    session = make_assessment(
        [make_exercise(Exercise.WALK), make_exercise(Exercise.JUMP, index=None)], verdict=IndexVerdict.CANNOT_TELL
    )

    assert session.quality is QualityVerdict.GOOD
    assert "tips below" in wording.verdict_words(session).advice


def test_readers_get_a_true_minus_sign_before_numbers_only() -> None:
    said = wording.for_readers("Own standing of -3 degrees; 10-20 cm, camera-0, 2019-11, re-read `a-1` (-4).")

    assert said == "Own standing of −3 degrees; 10-20 cm, camera-0, 2019-11, re-read “a-1” (−4)."


@pytest.mark.parametrize(
    ("model", "engine", "expected"),
    [("lite", "openvino", "BlazePose lite on OpenVINO"), ("full", "", "BlazePose full"), ("", "", "BlazePose")],
)
def test_what_found_the_landmarks_is_named(model: str, engine: str, expected: str) -> None:
    named = replace(make_assessment([make_exercise()]), pose_model=model, pose_engine=engine)

    assert wording.describe_landmarks(named) == expected


@pytest.mark.parametrize("verdict", list(IndexVerdict))
def test_every_verdict_sends_a_worried_person_to_a_professional(verdict: IndexVerdict) -> None:
    words = wording.verdict_words(make_assessment([make_exercise()], verdict=verdict))

    assert "doctor or physiotherapist" in words.advice
