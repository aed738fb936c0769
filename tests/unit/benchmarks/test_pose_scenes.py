"""Hard scenes are what their names say."""

import numpy as np
import pytest

from backsight.benchmarks.pose_scenes import Scene, add_company, change_imperceptibly, make_scenes
from backsight.domain.sequences import Frame


def clip(n_frames: int = 10) -> Scene:
    image = np.full((20, 40, 3), 100, np.uint8)
    return Scene("clip", [Frame(image=image, timestamp_s=number / 30, index=number) for number in range(n_frames)])


def test_every_scene_keeps_the_times_and_the_original_untouched() -> None:
    original = clip()
    for scene in make_scenes(original):
        assert [frame.timestamp_s for frame in scene.frames] == [frame.timestamp_s for frame in original.frames]
    assert all((frame.image == 100).all() for frame in original.frames)


@pytest.mark.parametrize(("shape", "together"), [((20, 40, 3), (40, 40, 3)), ((40, 20, 3), (40, 40, 3))])
def test_company_is_the_mirror_image_where_there_is_room(shape: tuple[int, ...], together: tuple[int, ...]) -> None:
    image = np.arange(np.prod(shape), dtype=np.uint8).reshape(shape)
    both = add_company(image)
    assert both.shape == together
    np.testing.assert_array_equal(both[-shape[0] :, -shape[1] :], image[:, ::-1])


def test_somebody_is_gone_for_a_fifth_of_the_frames() -> None:
    gone = make_scenes(clip())[2]
    assert [int(frame.image.max()) for frame in gone.frames] == [100] * 4 + [0] * 2 + [100] * 4


def test_the_bar_hides_its_columns_and_no_others() -> None:
    hidden = make_scenes(clip())[1].frames[0].image
    assert np.flatnonzero((hidden == 0).all(axis=(0, 2))).tolist() == list(range(18, 24))


def test_an_imperceptible_change_is_one_grey_value_in_few_pixels() -> None:
    image = np.full((100, 100, 3), 255, np.uint8)
    changed = change_imperceptibly(image, np.random.default_rng(1), share=0.01)
    differs = (changed != image).any(axis=2)
    assert 0 < differs.sum() <= 100
    assert np.abs(changed.astype(int) - image).max() == 1
    assert (image == 255).all()
