"""Pictures and landmarks are of the same moments, kept for the next run, and judged on the same folds."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from backsight.benchmarks import stills
from backsight.benchmarks.iteration_time import _median_ms, _picture_times
from backsight.benchmarks.raw_image import digest_pictures, judge_both
from backsight.benchmarks.stills import StillSize, draw_stills, stills_of, thin_out
from backsight.domain.recording import Exercise
from backsight.domain.study import RATING_SCALE, Study
from backsight.evaluation.baselines import Median
from backsight.evaluation.protocol import Protocol
from backsight.evaluation.store import FoldStore
from backsight.studio.filmed import Shot
from backsight.training.image_learner import ImageLearner
from tests.unit.training.test_image_learner import SMALL, filmed

TINY = StillSize(n_frames=4, frame_size=(64, 36))
JUMP, WALK = (Shot(0, exercise, 9001, fps=10.0) for exercise in (Exercise.JUMP, Exercise.WALK))


def test_moments_are_spread_over_the_whole_performance_and_keep_their_times() -> None:
    whole = JUMP.perform()
    thin = thin_out(whole, n_frames=3)
    rows = [0, round((len(whole.motion.timestamps_s) - 1) / 2), len(whole.motion.timestamps_s) - 1]
    np.testing.assert_array_equal(thin.motion.timestamps_s, whole.motion.timestamps_s[rows])
    np.testing.assert_array_equal(thin.figure.landmarks_m, whole.figure.landmarks_m[rows])
    for name, turned in whole.figure.rotations.items():
        np.testing.assert_array_equal(thin.figure.rotations[name], turned[rows])
    assert thin.motion.events == whole.motion.events


def test_pictures_are_drawn_once_and_a_damaged_file_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    drawn: list[Exercise] = []

    def draw(shot: Shot, *, n_frames: int) -> stills.Pictures:
        drawn.append(shot.exercise)
        width, height = shot.frame_size
        return np.full((n_frames, height, width, 3), len(drawn), dtype=np.uint8)

    monkeypatch.setattr(stills, "draw_stills", draw)
    first = stills_of([JUMP, WALK], TINY, folder=tmp_path)
    next(tmp_path.glob("*-walk-*")).write_bytes(b"PK")
    again = stills_of([JUMP, WALK], TINY, folder=tmp_path)
    assert drawn == [Exercise.JUMP, Exercise.WALK, Exercise.WALK]
    np.testing.assert_array_equal(first[0], again[0])
    assert not list(tmp_path.glob("*.part"))
    stills_of([JUMP], StillSize(n_frames=5, frame_size=(64, 36)), folder=tmp_path)
    assert len(drawn) == 4


@pytest.mark.slow
def test_two_clips_are_drawn_in_the_size_asked_for_and_somebody_moves_in_them() -> None:
    pytest.importorskip("pyvista", reason="the extra `simulate` is not installed")
    for shot in (JUMP, WALK):
        small = Shot(shot.subject_index, shot.exercise, shot.seed, fps=shot.fps, frame_size=TINY.frame_size)
        pictures = draw_stills(small, n_frames=TINY.n_frames)
        assert pictures.shape == (4, 36, 64, 3)
        # Noise changes every pixel a little; a person who moves changes some a lot.
        assert np.ptp(pictures.astype(int), axis=0).max() > 40


def test_folds_of_other_pictures_are_not_taken() -> None:
    drawn = [np.zeros((2, 4, 6, 3), np.uint8), np.ones((2, 4, 6, 3), np.uint8)]
    other = [drawn[0], drawn[1].copy()]
    assert digest_pictures(other) == digest_pictures(drawn)
    other[1][1, 3, 5, 2] = 2
    assert digest_pictures(other) != digest_pictures(drawn)
    assert digest_pictures(drawn[::-1]) != digest_pictures(drawn)


def test_accuracy_counts_red_flags_told_right(tmp_path: Path) -> None:
    clips, pictures = filmed(9)
    study = Study("tiny", tuple(clips), RATING_SCALE)
    learners = (Median(), ImageLearner(pictures, "test", SMALL))
    rows, figures = judge_both(
        study, learners, protocol=Protocol(n_folds=3, n_seeds=1), store=FoldStore(tmp_path, "test"), n_draws=10
    )
    assert [row["learner"] for row in rows] == ["median", "image-lstm"]
    ratings = np.array([clip.score for clip in clips])
    assert rows[0]["flagged"] == pytest.approx((ratings < 50.0).mean(), rel=1e-3)
    assert {figure.name for figure in figures} == {
        f"{name}/{key}" for name in ("median", "image-lstm") for key in ("mad", "rho", "accuracy")
    }
    # Errors are told of the index: never more than 1, and here not of rating points.
    assert 0.0 < rows[0]["mad"]["value"] < 0.5


def test_times_are_in_milliseconds_of_the_processor() -> None:
    assert _median_ms(lambda: sum(range(10_000)), repeats=5) < 100.0


@pytest.mark.slow
def test_the_paper_s_length_and_size_are_timed_beside_what_is_learnt_from() -> None:
    times = _picture_times(TINY, repeats=1)
    assert set(times) == {
        "image-lstm/forward_4_pictures",
        "image-lstm/forward_150_frames",
        "image-lstm/forward_150_frames_of_1280x720",
        "image-lstm/train_step_8_clips_of_4_pictures",
    }
    assert times["image-lstm/forward_150_frames_of_1280x720"] > times["image-lstm/forward_150_frames"]
