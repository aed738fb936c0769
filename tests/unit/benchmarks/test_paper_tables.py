"""The paper's tables: each row changes one thing, and accuracy is told by hand."""

from dataclasses import fields, is_dataclass, replace
from itertools import pairwise

import numpy as np
import pytest

from backsight.benchmarks.paper_tables import above_median, paper_config, run_tables, steps, variants
from backsight.errors import InputError
from backsight.training.learners import make_learner
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


def changed_settings(one, other, prefix=""):
    """Names of the settings in which two configs differ, with those of the configs in them."""
    names = []
    for field in fields(one):
        before, after = getattr(one, field.name), getattr(other, field.name)
        if is_dataclass(before):
            names += changed_settings(before, after, f"{field.name}.")
        elif before != after:
            names.append(f"{prefix}{field.name}")
    return names


def test_steps_lead_from_the_paper_s_reading_to_the_registered_lstm_one_thing_a_row():
    rows = list(steps((100, 500)))
    assert rows[0].learner.config == paper_config(100)
    kept = [row for row in rows if not row.name.startswith("left out")]
    changes = [changed_settings(before.learner.config, after.learner.config) for before, after in pairwise(kept)]
    sizes = ["embedding_size", "hidden_size", "n_layers", "fit.n_epochs", "fit.patience"]
    assert [set(names) for names in changes] == [
        {"scaling"},
        {"pooling"},
        {"features.fps", "features.n_frames", *sizes},
        {"landmark_weight"},
        {"features.n_variants"},
        {"fit.n_pretrain_epochs"},
        {"pools_session"},
        {"n_members"},
        {"features.columns"},
    ]
    assert [row.learner for row in rows[-2:]] == [make_learner("lstm"), make_learner("lstm-28")]


def test_what_a_step_left_out_is_added_to_the_last_kept_one():
    rows = {row.name: row.learner.config for row in steps((100,))}
    basis = rows["+ augmented copies"]
    assert changed_settings(basis, rows["left out: running and memory tasks"]) == [
        "fit.running_weight",
        "fit.memory_weight",
    ]


def test_tables_are_chosen_by_name_and_a_wrong_one_is_told_before_anything_is_read(tmp_path):
    assert {variant.table for variant in variants((100,), tables=("steps",))} == {"baseline", "steps"}
    assert {variant.table for variant in variants((100,))} == {"baseline", "table-2", "ablation", "steps"}
    with pytest.raises(InputError, match=r"--table: expected one of table-2, ablation, steps, got table-3"):
        run_tables(tmp_path / "nowhere", tables=("table-3",))


def test_the_same_row_of_two_tables_is_judged_once():
    named = {}
    for variant in variants((100, 500)):
        if variant.table != "baseline":
            named.setdefault(repr(variant.learner.config), set()).add(variant.learner.name)
    assert all(len(names) == 1 for names in named.values())


def test_accuracy_at_the_median_by_hand():
    # Scores 10, 11, 12, 13; the study's median is 11.5; everybody is said 2 too much: 10 and 11 are told wrongly.
    study = make_study(4, ("squat",), score=lambda person, _: 10.0 + person)
    told = predictions([2.0, 2.0, 2.0, 2.0], n_clips=1)
    assert above_median(told, study, n_draws=0).value == pytest.approx(0.5)
    right = replace(told, predicted=np.array([10.0, 11.4, 11.5, 13.0]))
    assert above_median(right, study, n_draws=0).value == 1.0
