"""The paper's tables: each row changes one thing, and accuracy is told by hand."""

from dataclasses import fields, replace

import numpy as np
import pytest

from backsight.benchmarks.paper_tables import above_median, paper_config, variants
from tests.unit.evaluation.studies import make_study
from tests.unit.studying.test_comparing import predictions


def test_each_ablation_changes_one_setting():
    basis = paper_config(100)
    for variant in variants((100, 500)):
        if variant.table != "ablation":
            continue
        config = variant.learner.config
        changed = [f.name for f in fields(config) if getattr(config, f.name) != getattr(basis, f.name)]
        changed += [
            f.name
            for f in fields(config.features)
            if getattr(config.features, f.name) != getattr(basis.features, f.name)
        ]
        assert len([name for name in changed if name != "features"]) == (0 if variant.name == "as the paper" else 1)


def test_table_two_has_both_networks_at_both_lengths():
    found = {
        (v.learner.config.kind, v.learner.config.features.n_frames)
        for v in variants((100, 500))
        if v.table == "table-2"
    }
    assert found == {("lstm", 100), ("lstm", 500), ("rnn", 100), ("rnn", 500)}


def test_accuracy_at_the_median_by_hand():
    # Scores 10, 11, 12, 13; the study's median is 11.5; everybody is said 2 too much: 10 and 11 are told wrongly.
    study = make_study(4, ("squat",), score=lambda person, _: 10.0 + person)
    told = predictions([2.0, 2.0, 2.0, 2.0], n_clips=1)
    assert above_median(told, study, n_draws=0).value == pytest.approx(0.5)
    right = replace(told, predicted=np.array([10.0, 11.4, 11.5, 13.0]))
    assert above_median(right, study, n_draws=0).value == 1.0
