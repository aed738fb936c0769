"""What the page says of why an index is what it is: the parts told add up, and times are those of the overlay."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from backsight.domain.assessment import Contribution, Explanation
from backsight.reporting.explanation import N_SHOWN, view_explanation


def one(name: str, points: float, *, part: str = "trunk", from_s: float = float("nan"), to_s: float = float("nan")):
    return Contribution(name, name.title(), part, "deg", 12.34, 5.0, 10.0, points, from_s, to_s)


def view(*contributions: Contribution, n_missing: int = 0, start_s: float = 0.0):
    found = view_explanation(Explanation(0.3, contributions, n_missing=n_missing), start_s=start_s)
    assert found is not None
    return found


def points_in(text: str) -> list[float]:
    return [float(found.replace("−", "-")) for found in re.findall(r"[+−]\d\.\d\d", text)]


def test_nothing_is_told_where_the_model_cannot_say() -> None:
    assert view_explanation(None) is None


def test_a_measure_is_told_with_value_usual_range_and_effect() -> None:
    told = view(one("bend", 0.2, from_s=2.0, to_s=3.5), start_s=1.5)
    assert told.start == "Somebody typical in every measure would get 0.30."
    assert told.effects == (
        "Bend (trunk, from 0.5 to 2.0 s): 12.3 deg, 8 of 10 of the people trained on 5 to 10 deg: +0.20.",
    )


def test_what_is_too_unsure_to_be_told_by_itself_is_told_to_have_been_weighed() -> None:
    unsure = replace(one("bend", 0.2), value=float("nan"))
    assert view(unsure).effects == ("Bend (trunk): too unsure to be told by itself, weighed all the same: +0.20.",)


def test_for_the_better_has_a_minus() -> None:
    assert points_in(view(one("bend", -0.2)).effects[0]) == [-0.2]


def test_all_that_is_told_adds_up_to_the_whole() -> None:
    many = [one(f"m{number}", points) for number, points in enumerate([0.30, -0.20, 0.10, 0.09, 0.08, 0.07, -0.02])]
    told = view(*many)
    assert len(told.effects) == N_SHOWN + 1
    assert told.effects[-1] == "All other measures together: +0.05."
    assert sum(points_in(" ".join(told.effects))) == pytest.approx(0.42)


def test_effects_that_round_to_nothing_are_not_told_one_by_one() -> None:
    told = view(one("bend", 0.004), one("lean", -0.003))
    assert told.effects == ("No single measure moved it by 0.005 or more; Bend (trunk) did most.",)
    assert (told.body_parts, told.times) == ("", "")


def test_many_small_effects_are_told_together_and_not_as_others_of_nothing() -> None:
    told = view(*(one(f"m{number}", -0.004) for number in range(10)))
    assert told.effects == (
        "No single measure moved it by 0.005 or more; M0 (trunk) did most.",
        "All measures together: −0.04.",
    )
    assert view().effects == ("No measure moved the index from that.",)


def test_body_parts_are_summed_largest_first() -> None:
    told = view(one("a", 0.05), one("b", 0.2, part="hips"), one("c", 0.05), one("d", 0.001, part="knees"))
    assert told.body_parts == "By body part: hips +0.20, trunk +0.10."


def test_times_are_summed_and_measures_of_no_part_are_of_the_whole_recording() -> None:
    told = view(
        one("a", 0.05),
        one("b", 0.1, from_s=2.0, to_s=3.0),
        one("c", 0.1, from_s=2.0, to_s=3.0),
        one("d", -0.3, from_s=3.0, to_s=4.0),
        start_s=1.0,
    )
    assert told.times == "By time: 2.0 to 3.0 s −0.30, 1.0 to 2.0 s +0.20, the whole recording +0.05."


def test_without_times_nothing_is_said_of_them() -> None:
    assert view(one("a", 0.5)).times == ""


def test_parts_without_a_measure_are_told_by_body_part_with_their_strongest_time() -> None:
    def cell(part: str, points: float, from_s: float) -> Contribution:
        nan = float("nan")
        return Contribution(f"{part}_{from_s}", part.title(), part, "", nan, nan, nan, points, from_s, from_s + 1.0)

    told = view_explanation(
        Explanation(
            0.3,
            (cell("knees", 0.2, 1.0), cell("arms", -0.3, 1.0), cell("knees", 0.15, 2.0), cell("arms", 0.05, 2.0)),
            n_missing=0,
            how="Found by trying.",
        ),
        start_s=1.0,
    )
    assert told is not None
    assert told.start == "A recording of nothing but typical values would get 0.30."
    assert told.effects == (
        "Knees: +0.35, most of all from 0.0 to 1.0 s (+0.20).",
        "Arms: −0.25, most of all from 0.0 to 1.0 s (−0.30).",
    )
    assert told.body_parts == ""
    assert told.times == "By time: 1.0 to 2.0 s +0.20, 0.0 to 1.0 s −0.10."
    assert told.how == "Found by trying. This says what moved the model, not what causes pain."


def test_values_below_zero_have_true_minus_signs() -> None:
    told = view(Contribution("lean", "Lean", "trunk", "deg", -2.0, -5.0, -1.0, 0.1))
    assert told.effects == ("Lean (trunk): −2 deg, 8 of 10 of the people trained on −5 to −1 deg: +0.10.",)


def test_measures_that_could_not_be_taken_are_counted() -> None:
    assert (
        view(one("a", 0.5), n_missing=3).gaps
        == "Read by the model, could not be taken and count as typical: 3 measures."
    )
    assert view(one("a", 0.5)).gaps == ""
