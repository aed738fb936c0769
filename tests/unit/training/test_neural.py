"""Networks learn from the training people alone, the same way every time."""

from __future__ import annotations

import gc
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from backsight.domain.landmarks import Landmark
from backsight.domain.sequences import PoseSequence
from backsight.domain.study import ScoreScale, StudyClip
from backsight.errors import InvalidValueError
from backsight.features.schema import FEATURE_NAMES
from backsight.training import neural, neural_features, neural_fit
from backsight.training.neural import FittedNeural, NeuralConfig, NeuralLearner, inner_folds, pool_sessions
from backsight.training.neural_features import ColumnScaler, FeatureRecipe, features_of, stretch
from backsight.training.neural_fit import FitConfig, running_summaries

SCALE = ScoreScale(best=50.0, worst=0.0)
SMALL = NeuralConfig(
    features=FeatureRecipe(columns="kinematic", n_frames=8),
    embedding_size=8,
    hidden_size=8,
    n_layers=1,
    fit=FitConfig(n_epochs=3, patience=3, batch_size=8, n_warm_up_steps=1),
    n_inner_folds=3,
    n_members=2,
)


def someone(depth: float, *, seed: int = 0, n_frames: int = 30) -> PoseSequence:
    """A body of straight limbs whose elbows bend by up to `depth` radians."""
    rng = np.random.default_rng(seed)
    world = np.full((n_frames, 33, 3), np.nan)
    bend = depth * np.sin(np.linspace(0.0, np.pi, n_frames))
    for side, sign in (("LEFT", 1.0), ("RIGHT", -1.0)):
        for name, height in (("SHOULDER", -0.5), ("ELBOW", -0.2), ("HIP", 0.0), ("KNEE", 0.4), ("ANKLE", 0.8)):
            world[:, Landmark[f"{side}_{name}"]] = (0.15 * sign, height, 0.0)
        elbow = world[:, Landmark[f"{side}_ELBOW"]]
        forearm = 0.25 * np.stack((np.zeros(n_frames), np.cos(bend), -np.sin(bend)), axis=1)
        world[:, Landmark[f"{side}_WRIST"]] = elbow + forearm
    world += rng.normal(0.0, 0.002, world.shape)
    seen = np.isfinite(world[..., 0]).astype(float)
    return PoseSequence(
        image_px=world * 200.0 + (640.0, 360.0, 0.0),
        world_m=world,
        visibility=seen,
        presence=seen,
        timestamps_s=np.arange(n_frames) / 10.0,
        frame_size=(1280, 720),
    )


def cohort(n_people: int, *, seed: int = 0) -> list[StudyClip]:
    """Who bends the elbow further scores better; two exercises a person."""
    rng = np.random.default_rng(seed)
    clips = []
    for person in range(n_people):
        goodness = rng.uniform(0.1, 0.9)
        pose = someone(2.0 * goodness, seed=1000 * seed + person)
        clips += [StudyClip(f"p{person:02d}", name, pose, 50.0 * goodness) for name in ("curl", "hold")]
    return clips


def weights(fitted: FittedNeural) -> list[torch.Tensor]:
    return [value for member in fitted.members for value in member.network.state_dict().values()]


class TestNeuralLearner:
    def test_learns_what_can_be_seen(self) -> None:
        config = replace(SMALL, fit=FitConfig(n_epochs=25, patience=25, batch_size=4, learning_rate=0.02), n_members=1)
        new = cohort(10, seed=9)
        fitted = NeuralLearner(config).fit(cohort(16), scale=SCALE, seed=0)
        scores = np.array([clip.score for clip in new])
        error = np.abs(fitted.predict(new) - scores).mean()
        assert error < 0.7 * np.abs(scores - np.median(scores)).mean()

    def test_same_seed_same_weights_and_another_seed_others(self) -> None:
        clips = cohort(6)
        first, again, other = (NeuralLearner(SMALL).fit(clips, scale=SCALE, seed=seed) for seed in (1, 1, 2))
        assert all(torch.equal(a, b) for a, b in zip(weights(first), weights(again), strict=True))
        assert not all(torch.equal(a, b) for a, b in zip(weights(first), weights(other), strict=True))

    def test_chance_elsewhere_is_left_alone(self) -> None:
        torch.manual_seed(7)
        expected = torch.rand(3)
        torch.manual_seed(7)
        NeuralLearner(SMALL).fit(cohort(6), scale=SCALE, seed=0)
        assert torch.equal(torch.rand(3), expected)

    def test_an_interrupted_training_ends_with_the_same_weights(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        clips = cohort(6)
        config = replace(
            SMALL,
            dropout=0.2,
            features=replace(SMALL.features, n_variants=2),
            fit=replace(SMALL.fit, noise=0.1, memory_weight=0.1, n_pretrain_epochs=1),
        )
        whole = NeuralLearner(config).fit(clips, scale=SCALE, seed=4)
        kept, n_kept = neural_fit.save_progress, 0

        def pull_the_plug(*args: object, **kwargs: object) -> None:
            nonlocal n_kept
            kept(*args, **kwargs)  # type: ignore[arg-type]
            n_kept += 1
            if n_kept == 2:
                raise KeyboardInterrupt

        monkeypatch.setattr(neural_fit, "save_progress", pull_the_plug)
        learner = NeuralLearner(config, work_folder=tmp_path)
        with pytest.raises(KeyboardInterrupt):
            learner.fit(clips, scale=SCALE, seed=4)
        assert len(list(tmp_path.iterdir())) == 1
        resumed = learner.fit(clips, scale=SCALE, seed=4)
        # 2 members of 3 epochs make 6; 2 were done before the interruption, so 4 came after it.
        assert n_kept == 6
        assert all(torch.equal(a, b) for a, b in zip(weights(whole), weights(resumed), strict=True))
        # A finished training leaves nothing that a later one could take for its own.
        assert not list(tmp_path.iterdir())

    def test_progress_under_other_code_is_not_taken_up(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        taken_up = []
        load = neural_fit.load_progress

        def spied(path: Path, **kwargs: object) -> object:
            taken_up.append(path.exists())
            return load(path, **kwargs)  # type: ignore[arg-type]

        monkeypatch.setattr(neural_fit, "load_progress", spied)
        learner = NeuralLearner(replace(SMALL, n_members=1), work_folder=tmp_path)
        for version, expected in (("old", False), ("old", True), ("new", False)):
            monkeypatch.setattr(neural_fit, "code_version", lambda version=version: version)
            with monkeypatch.context() as patched:
                # What a fit leaves that was interrupted when its networks were finished.
                patched.setattr(neural, "forget_progress", lambda paths: None)
                learner.fit(cohort(6), scale=SCALE, seed=4)
            assert taken_up.pop() is expected

    def test_scores_of_those_who_say_when_to_stop_do_not_reach_the_scaler(self) -> None:
        clips = cohort(6)
        stopping = inner_folds([f"p{n:02d}" for n in range(6)], n_folds=3, seed=0, number=0)
        wild = [replace(clip, pose=someone(3.0)) if clip.subject in stopping else clip for clip in clips]
        config = replace(SMALL, n_members=1)
        before = NeuralLearner(config).fit(clips, scale=SCALE, seed=0)
        after = NeuralLearner(config).fit(wild, scale=SCALE, seed=0)
        np.testing.assert_array_equal(before.members[0].reader.scaler.offset, after.members[0].reader.scaler.offset)
        np.testing.assert_array_equal(before.members[0].reader.scaler.spread, after.members[0].reader.scaler.spread)

    def test_nobody_elses_clips_change_a_prediction(self) -> None:
        fitted = NeuralLearner(SMALL).fit(cohort(6), scale=SCALE, seed=0)
        new = cohort(3, seed=5)
        blank = [replace(clip, score=float("nan"), group="changed") for clip in new[:2]]
        np.testing.assert_allclose(fitted.predict(new)[:2], fitted.predict(blank), rtol=1e-5)

    def test_an_unknown_exercise_is_judged_all_the_same(self) -> None:
        fitted = NeuralLearner(SMALL).fit(cohort(6), scale=SCALE, seed=0)
        unheard = [replace(clip, exercise="somersault") for clip in cohort(2, seed=5)]
        scores = fitted.predict(unheard)
        assert np.isfinite(scores).all()
        assert not np.allclose(scores, fitted.predict(cohort(2, seed=5)))

    def test_unscored_clips_are_not_learnt_from(self) -> None:
        clips = cohort(6)
        unscored = StudyClip("p99", "curl", someone(1.0), float("nan"))
        with_it = NeuralLearner(SMALL).fit([*clips, unscored], scale=SCALE, seed=0)
        without = NeuralLearner(SMALL).fit(clips, scale=SCALE, seed=0)
        assert all(torch.equal(a, b) for a, b in zip(weights(with_it), weights(without), strict=True))

    def test_too_few_people(self) -> None:
        with pytest.raises(InvalidValueError, match="at least 4 people with a score, got 3"):
            NeuralLearner(SMALL).fit(cohort(3), scale=SCALE, seed=0)

    def test_clips_of_unequal_length_are_judged_as_if_alone(self) -> None:
        config = replace(SMALL, features=replace(SMALL.features, n_frames=None))
        fitted = NeuralLearner(config).fit(cohort(6), scale=SCALE, seed=0)
        short, long = (StudyClip(name, "curl", someone(1.0, n_frames=n), 0.0) for name, n in (("a", 20), ("b", 45)))
        together = fitted.predict([short, long])
        np.testing.assert_allclose(together, [fitted.predict([short])[0], fitted.predict([long])[0]], rtol=1e-5)


def test_inner_folds_leave_nobody_out_and_share_nobody() -> None:
    people = [f"p{n}" for n in range(11)]
    folds = [inner_folds(people, n_folds=4, seed=3, number=number) for number in range(4)]
    assert sorted(person for fold in folds for person in fold) == sorted(people)
    assert inner_folds(people, n_folds=4, seed=3, number=4) != folds[0]


def test_pooling_draws_to_the_mean_of_the_same_person_only() -> None:
    pose = someone(1.0)
    clips = [StudyClip(who, "curl", pose, 0.0) for who in ("a", "a", "b", "b")]
    pooled = pool_sessions(np.array([0.2, 0.6, 0.9, np.nan]), clips, weight=0.5)
    np.testing.assert_allclose(pooled, [0.3, 0.5, 0.9, np.nan])


class TestFeatures:
    def test_are_worked_out_once_and_forgotten_with_their_clip(self) -> None:
        clip = StudyClip("a", "curl", someone(1.0), 0.0)
        recipe = FeatureRecipe(n_frames=8, n_variants=1)
        first = features_of(clip, recipe)
        again = features_of(replace(clip, score=1.0), recipe)
        assert all(np.shares_memory(one, other) for one, other in zip(first, again, strict=True))
        n_kept = len(neural_features._KEPT)
        del clip, first, again
        gc.collect()
        assert len(neural_features._KEPT) == n_kept - 1

    def test_variants_are_the_same_for_the_same_movement(self) -> None:
        recipe = FeatureRecipe(n_frames=8, n_variants=2)
        one, two = (features_of(StudyClip(who, "curl", someone(1.0), 0.0), recipe) for who in "ab")
        for first, second in zip(one, two, strict=True):
            np.testing.assert_array_equal(first, second)
        assert not np.allclose(one[1], one[2], equal_nan=True)

    @pytest.mark.parametrize(("columns", "n_columns"), [("all", 193), ("landmarks", 165), ("kinematic", 28)])
    def test_columns_can_be_chosen(self, columns: str, n_columns: int) -> None:
        clip = StudyClip("a", "curl", someone(1.0), 0.0)
        recipe = FeatureRecipe(columns=columns, n_frames=8)  # type: ignore[arg-type]
        whole = features_of(clip, FeatureRecipe(n_frames=8))[0]
        part = features_of(clip, recipe)[0]
        assert part.shape == (8, n_columns)
        kept = [FEATURE_NAMES.index(name) for name in recipe.names]
        np.testing.assert_array_equal(part, whole[:, kept])

    def test_weights_tell_landmarks_from_the_rest(self) -> None:
        weight = FeatureRecipe().weight(0.25)
        assert weight[:165].tolist() == [0.25] * 165
        assert weight[165:].tolist() == [1.0] * 28

    def test_the_visibility_filter_can_be_left_off(self) -> None:
        pose = someone(1.0)
        dim = replace(pose, visibility=pose.visibility * 0.5)
        clip = StudyClip("a", "curl", dim, 0.0)
        column = FEATURE_NAMES.index("left_elbow_flexion_deg")
        on = features_of(clip, FeatureRecipe(n_frames=8))[0]
        off = features_of(clip, FeatureRecipe(n_frames=8, visibility_threshold=0.0))[0]
        assert np.isnan(on[:, column]).all()
        assert np.isfinite(off[:, column]).all()


class TestStretch:
    def test_fewer_frames_are_means_of_what_is_known(self) -> None:
        values = np.array([[1.0], [3.0], [np.nan], [7.0], [np.nan], [np.nan]])
        np.testing.assert_array_equal(stretch(values, 3), [[2.0], [7.0], [np.nan]])

    def test_more_frames_lie_between(self) -> None:
        values = np.array([[0.0], [2.0], [np.nan]])
        np.testing.assert_array_equal(stretch(values, 5), [[0.0], [1.0], [2.0], [np.nan], [np.nan]])

    def test_one_frame_is_repeated(self) -> None:
        np.testing.assert_array_equal(stretch(np.array([[4.0]]), 3), [[4.0], [4.0], [4.0]])


class TestColumnScaler:
    ROWS = np.array([[0.0, 5.0, np.nan], [10.0, 5.0, np.nan], [np.nan, 5.0, np.nan]], dtype=np.float32)

    def test_min_max_runs_from_0_to_1_and_missing_is_the_mean(self) -> None:
        scaled = ColumnScaler.fit([self.ROWS], scaling="min_max", weight=np.ones(3)).scale(self.ROWS)
        np.testing.assert_allclose(scaled, [[0.0, 0.0, 0.0], [1.0, 0.0, 0.0], [0.5, 0.0, 0.0]])

    def test_standard_has_mean_0_and_deviation_1(self) -> None:
        scaled = ColumnScaler.fit([self.ROWS], scaling="standard", weight=np.ones(3)).scale(self.ROWS)
        np.testing.assert_allclose(scaled, [[-1.0, 0.0, 0.0], [1.0, 0.0, 0.0], [0.0, 0.0, 0.0]])

    def test_none_only_fills(self) -> None:
        scaled = ColumnScaler.fit([self.ROWS], scaling="none", weight=np.ones(3)).scale(self.ROWS)
        np.testing.assert_allclose(scaled, [[0.0, 5.0, 0.0], [10.0, 5.0, 0.0], [5.0, 5.0, 0.0]])

    def test_a_weight_comes_last(self) -> None:
        scaler = ColumnScaler.fit([self.ROWS], scaling="standard", weight=np.array([0.5, 1.0, 1.0]))
        np.testing.assert_allclose(scaler.scale(self.ROWS)[:, 0], [-0.5, 0.5, 0.0])

    def test_one_wild_value_is_held_back(self) -> None:
        scaler = ColumnScaler.fit([self.ROWS], scaling="standard", weight=np.ones(3))
        wild = np.array([[1e6, 5.0, 0.0]], dtype=np.float32)
        assert scaler.scale(wild)[0, 0] == 4.0


def test_running_summaries_by_hand() -> None:
    values = torch.tensor([[[2.0], [-1.0], [5.0]]])
    expected = torch.tensor([[[2.0, 2.0, 2.0], [2.0, -1.0, 0.5], [5.0, -1.0, 2.0]]])
    torch.testing.assert_close(running_summaries(values), expected)
