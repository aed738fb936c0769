"""Which parts of a recording moved an index: shares of models whose answer is known, and what deletion says of them."""

from __future__ import annotations

import math

import numpy as np
import pytest

from backsight.domain.sequences import FeatureSequence
from backsight.features.schema import FEATURE_NAMES
from backsight.network.occlusion import (
    BODY_PARTS,
    HOW,
    UNSEEN,
    UNSEEN_HOW,
    WHOLE_BODY,
    body_part_of,
    explain_by_occlusion,
)
from backsight.network.predictor import CONFIDENCE_SUFFIXES
from backsight.reporting.explanation import view_explanation

NAMES = ("trunk_flexion_deg", "left_knee_flexion_deg", "left_knee_visibility")
EVIDENCE = np.array([0, 1])


def features(values: np.ndarray) -> FeatureSequence:
    return FeatureSequence(values=values, names=NAMES, timestamps_s=10.0 + np.arange(len(values)) / 10.0)


def explain(run, values: np.ndarray):
    return explain_by_occlusion(run, features(values), final=run(values), evidence=EVIDENCE)


def known_sum(values: np.ndarray, columns: list[int], frames: slice) -> float:
    return float(np.nansum(values[frames][:, columns]))


def test_a_sum_is_told_cell_by_cell_with_its_time() -> None:
    def run(values: np.ndarray) -> float:
        return 0.4 + 0.01 * known_sum(values, [0], slice(2, 4)) - 0.02 * known_sum(values, [1], slice(6, 8))

    told = explain(run, np.ones((8, 3)))

    assert told.typical == pytest.approx(0.4)
    assert told.n_missing == 0
    knee, trunk, *rest = told.contributions
    assert (knee.body_part, trunk.body_part) == ("knees", "trunk")
    assert (knee.points, trunk.points) == pytest.approx((-0.04, 0.02))
    assert (trunk.from_s, trunk.to_s) == pytest.approx((10.2, 10.4))
    assert (knee.from_s, knee.to_s) == pytest.approx((10.6, 10.7))
    assert all(one.points == pytest.approx(0.0, abs=1e-12) for one in rest)
    assert math.isnan(trunk.value)


def test_what_two_parts_do_only_together_is_halved() -> None:
    def run(values: np.ndarray) -> float:
        both = np.isfinite(values[0, 0]) and np.isfinite(values[-1, 1])
        return 0.3 + 0.2 * both

    points = {(one.body_part, one.from_s): one.points for one in explain(run, np.ones((8, 3))).contributions}

    assert points["trunk", 10.0] == pytest.approx(0.1)
    assert points["knees", 10.6] == pytest.approx(0.1)


def test_shares_add_up_whatever_the_model_does() -> None:
    rng = np.random.default_rng(1)
    weights = rng.normal(size=(8, 3))

    def run(values: np.ndarray) -> float:
        return float(np.tanh(np.nansum(weights * values)) ** 3 + np.nanmax(np.append(values, 0.0)))

    values = rng.normal(size=(8, 3))
    told = explain(run, values)

    assert told.typical + sum(one.points for one in told.contributions) == pytest.approx(run(values))


def test_what_nobody_saw_has_a_share_of_its_own_and_is_counted() -> None:
    values = np.ones((8, 3))
    values[:, 1] = np.nan
    values[:4, 0] = np.nan

    def run(shown: np.ndarray) -> float:
        """Add 0.1 for each frame with an angle and 0.02 for each with a visibility, twice that in the last quarter."""
        angles, visibilities = np.isfinite(shown[:, :2]).any(axis=1), np.isfinite(shown[:, 2])
        weights = np.array([1, 1, 1, 1, 1, 1, 2, 2])
        return 0.3 + float(weights @ (0.1 * angles + 0.02 * visibilities))

    told = explain(run, values)

    # Two frames a quarter: the trunk is seen in the last two quarters, a knee in none, and it has the visibilities.
    points = {(one.body_part, round(one.from_s, 1)): one.points for one in told.contributions}
    assert points == pytest.approx(
        {
            ("trunk", 10.4): 0.2,
            ("trunk", 10.6): 0.4,
            (UNSEEN, 10.0): 0.04,
            (UNSEEN, 10.2): 0.04,
            (UNSEEN, 10.4): 0.04,
            (UNSEEN, 10.6): 0.08,
        }
    )
    assert told.typical == pytest.approx(0.3)
    assert told.n_missing == 1
    assert told.how == f"{HOW} {UNSEEN_HOW}"
    sentences = view_explanation(told, start_s=10.0)
    assert sentences is not None
    assert sentences.effects == (
        "Trunk: +0.60, most of all from 0.6 to 0.7 s (+0.40).",
        "What was not seen: +0.20, most of all from 0.6 to 0.7 s (+0.08).",
    )


def test_what_was_not_seen_is_not_named_where_nothing_is_known_of_it() -> None:
    values = np.ones((8, 3))
    values[:, 1:] = np.nan

    told = explain(lambda shown: float(np.isfinite(shown).sum()), values)

    assert {one.body_part for one in told.contributions} == {"trunk"}
    assert [one.points for one in told.contributions] == pytest.approx([2.0] * 4)
    assert told.how == HOW


def test_it_asks_the_model_at_most_56_times() -> None:
    asked = []
    evidence = np.flatnonzero([not name.endswith(CONFIDENCE_SUFFIXES) for name in FEATURE_NAMES])
    everything = FeatureSequence(np.ones((120, len(FEATURE_NAMES))), FEATURE_NAMES, np.arange(120) / 30.0)

    def run(values: np.ndarray) -> float:
        asked.append(1)
        return float(np.nansum(values))

    told = explain_by_occlusion(run, everything, final=float(everything.values.sum()), evidence=evidence)

    assert len(told.contributions) == 28
    assert len(asked) <= 56


def test_a_recording_of_a_single_frame_has_shares() -> None:
    assert [one.points for one in explain(lambda shown: float(np.nansum(shown)), np.ones((1, 3))).contributions]


def test_every_column_belongs_to_a_body_part() -> None:
    parts = {name: body_part_of(name) for name in FEATURE_NAMES}
    assert set(parts.values()) == {*BODY_PARTS, WHOLE_BODY}
    assert parts["left_foot_index_x"] == "feet"
    assert parts["left_index_x"] == "arms"
    assert parts["right_shoulder_z"] == "trunk"
    assert parts["right_shoulder_elevation_deg"] == "arms"
    assert parts["mid_hip_travel_vertical_bh"] == WHOLE_BODY
    assert all(part == WHOLE_BODY for name, part in parts.items() if name.startswith(("facing", "mid_hip", "apparent")))
