"""A network on pictures learns from the training people's pictures alone, the same way every time."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from backsight.domain.sequences import PoseSequence
from backsight.domain.study import RATING_SCALE, StudyClip
from backsight.errors import InvalidValueError
from backsight.evaluation.blinding import as_asked
from backsight.network.config import NetworkConfig
from backsight.network.image_lstm import ImageLstm
from backsight.training.image_learner import FittedImages, ImageConfig, ImageLearner, PictureReader
from backsight.training.neural import inner_folds
from backsight.training.neural_fit import FitConfig

SMALL = ImageConfig(
    picture_size=8, embedding_size=8, hidden_size=8, fit=FitConfig(n_epochs=2, batch_size=4), n_inner_folds=3
)


def nobody(n_frames: int = 4) -> PoseSequence:
    """A pose in which nobody is seen: what is learnt cannot come from it."""
    nothing = np.full((n_frames, 33, 3), np.nan)
    unseen = np.zeros((n_frames, 33))
    return PoseSequence(nothing, nothing, unseen, unseen, np.arange(n_frames) / 10.0, (1280, 720))


def filmed(n_people: int, *, seed: int = 0) -> tuple[list[StudyClip], dict[PoseSequence, np.ndarray]]:
    """The redder the lower half of a person's pictures, the better the score."""
    rng = np.random.default_rng(seed)
    clips, pictures = [], {}
    for person in range(n_people):
        goodness = rng.uniform(0.1, 0.9)
        seen = rng.integers(90, 110, (4, 18, 32, 3)).astype(np.uint8)
        seen[:, 9:, :, 0] = round(250 * goodness)
        clip = StudyClip(f"p{person:02d}", "walk", nobody(), 100.0 * goodness)
        clips.append(clip)
        pictures[clip.pose] = seen
    return clips, pictures


def learn(n_people: int, config: ImageConfig = SMALL, *, seed: int = 0) -> tuple[FittedImages, list[StudyClip]]:
    clips, pictures = filmed(n_people)
    return ImageLearner(pictures, "test", config).fit(clips, scale=RATING_SCALE, seed=seed), clips


def test_learns_what_can_be_seen_of_people_under_pseudonyms() -> None:
    config = replace(SMALL, fit=FitConfig(n_epochs=30, patience=30, batch_size=4, learning_rate=0.01))
    clips, pictures = filmed(16)
    new, of_new = filmed(10, seed=9)
    fitted = ImageLearner({**pictures, **of_new}, "test", config).fit(clips, scale=RATING_SCALE, seed=0)
    scores = np.array([clip.score for clip in new])
    error = np.abs(fitted.predict([as_asked(clip) for clip in new]) - scores).mean()
    assert error < 0.7 * np.abs(scores - np.median(scores)).mean()


def test_same_seed_same_weights_and_another_seed_others() -> None:
    first, again, other = (learn(6, seed=seed)[0].network.state_dict() for seed in (1, 1, 2))
    assert all(torch.equal(value, again[name]) for name, value in first.items())
    assert not all(torch.equal(value, other[name]) for name, value in first.items())


def test_colours_of_those_who_say_when_to_stop_do_not_reach_the_scaler() -> None:
    clips, pictures = filmed(6)
    stopping = inner_folds([clip.subject for clip in clips], n_folds=3, seed=0, number=0)
    wild = {clip.pose: pictures[clip.pose] // (3 if clip.subject in stopping else 1) for clip in clips}
    before, after = (
        ImageLearner(seen, "test", SMALL).fit(clips, scale=RATING_SCALE, seed=0).reader for seen in (pictures, wild)
    )
    np.testing.assert_array_equal(before.centre, after.centre)
    np.testing.assert_array_equal(before.spread, after.spread)


def test_nobody_elses_clips_change_a_prediction() -> None:
    fitted, clips = learn(6)
    np.testing.assert_allclose(fitted.predict(clips)[:2], fitted.predict(clips[:2]), rtol=1e-5)


def test_a_clip_without_pictures_is_named() -> None:
    fitted, _ = learn(6)
    with pytest.raises(InvalidValueError, match="stranger: expected pictures beside the landmarks"):
        fitted.predict([StudyClip("s", "walk", nobody(), 0.0, name="stranger")])


def test_too_few_people() -> None:
    with pytest.raises(InvalidValueError, match="at least 4 people with a score, got 3"):
        learn(3)


def test_colours_are_scaled_to_mean_0_and_spread_1() -> None:
    pictures = np.zeros((2, 2, 2, 3), dtype=np.uint8)
    pictures[0] = 255  # Half of the values are 1, half 0: mean and standard deviation are 0.5.
    scaled = PictureReader.fit([pictures], removes_background=False).read(pictures)
    assert scaled.shape == (2, 3, 2, 2)
    assert torch.equal(scaled[0], torch.ones(3, 2, 2))
    assert torch.equal(scaled[1], -torch.ones(3, 2, 2))


def test_what_never_moves_disappears_with_the_background() -> None:
    pictures = np.full((3, 2, 2, 3), 70, dtype=np.uint8)
    pictures[1, 0, 0] = 200
    scaled = PictureReader.fit([pictures], removes_background=True).read(pictures)
    is_moving = (scaled != scaled[0, 0, 1, 1]).any(dim=1)
    assert is_moving.nonzero().tolist() == [[1, 0, 0]]


def test_any_size_and_number_of_pictures_gives_one_score_a_clip() -> None:
    network = ImageLstm(NetworkConfig("lstm", n_features=8, n_exercises=2, hidden_size=8, n_layers=1)).eval()
    for shape in ((2, 4, 3, 18, 32), (1, 9, 3, 72, 128)):
        assert network(torch.zeros(shape), torch.ones(shape[0], dtype=torch.long)).shape == (shape[0],)


def test_the_order_of_the_pictures_matters() -> None:
    torch.manual_seed(0)
    network = ImageLstm(NetworkConfig("lstm", n_features=8, n_exercises=2, hidden_size=8, n_layers=1)).eval()
    pictures, exercise = torch.randn(1, 6, 3, 18, 32), torch.ones(1, dtype=torch.long)
    assert not torch.allclose(network(pictures, exercise), network(pictures.flip(1), exercise))
