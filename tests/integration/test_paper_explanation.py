"""What `lstm-paper` names as having moved its index does so, more than what it does not name: tried by deletion."""

from __future__ import annotations

import numpy as np
import pytest

from backsight.domain.assessment import Contribution
from backsight.domain.recording import Exercise
from backsight.domain.sequences import FeatureSequence
from backsight.network.occlusion import body_part_of
from backsight.openers import index_predictor
from backsight.pipeline import prepare
from backsight.simulation.cohort import simulate_recording

SEED = 2028
"""People whom no model that ships has seen."""


@pytest.fixture(scope="module")
def recordings() -> list[FeatureSequence]:
    return [
        prepare(simulate_recording(person, exercise, seed=SEED, fps=30.0).pose).features
        for person in range(4)
        for exercise in Exercise
    ]


def without(features: FeatureSequence, cells: list[Contribution]) -> FeatureSequence:
    values = features.values.copy()
    parts = np.array([body_part_of(name) for name in features.names])
    for cell in cells:
        is_last = cell.to_s == features.timestamps_s[-1]
        until = np.inf if is_last else cell.to_s
        during = (features.timestamps_s >= cell.from_s) & (features.timestamps_s < until)
        values[np.ix_(during, parts == cell.body_part)] = np.nan
    return FeatureSequence(values, features.names, features.timestamps_s)


def test_deleting_what_is_named_moves_the_index_more_than_deleting_what_is_not(
    recordings: list[FeatureSequence],
) -> None:
    predictor = index_predictor("lstm-paper")
    named, unnamed, drawn = [], [], []
    for number, features in enumerate(recordings):
        curve = predictor.predict(features)
        told = predictor.explain(features, curve=curve)
        raw = float(curve.raw[-1])
        assert told.typical + sum(one.points for one in told.contributions) == pytest.approx(raw, abs=1e-5)

        def moved(cells: list[Contribution], features: FeatureSequence = features, raw: float = raw) -> float:
            return abs(float(predictor.predict(without(features, cells)).raw[-1]) - raw)

        one_way = [one for one in told.contributions if one.points > 0.0]
        other_way = [one for one in told.contributions if one.points <= 0.0]
        strongest = max((one_way, other_way), key=lambda side: sum(abs(one.points) for one in side))
        chosen = np.random.default_rng(number).permutation(len(told.contributions))[:3]
        named.append(moved(strongest[:3]))
        unnamed.append(moved(list(told.contributions[-3:])))
        drawn.append(moved([told.contributions[at] for at in chosen]))
    assert np.mean(named) > 3.0 * np.mean(unnamed)
    assert np.mean(named) > 1.5 * np.mean(drawn)
    assert np.mean(np.array(named) > np.array(unnamed)) >= 0.9
