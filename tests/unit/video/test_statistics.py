"""Light, sharpness and camera shift of pictures made by formula."""

import numpy as np
import pytest
from numpy.typing import NDArray

from backsight.domain.sequences import Frame, ImageStatistics
from backsight.video.statistics import ImageStatisticsCollector
from tests.clips import textured_picture

SIZE = (640, 360)


def _collect(pictures: list[NDArray[np.uint8]], *, fps: float = 5.0) -> ImageStatistics:
    collector = ImageStatisticsCollector()
    for index, picture in enumerate(pictures):
        collector.add(Frame(image=picture, timestamp_s=index / fps, index=index))
    return collector.result()


def _plain(level: int) -> NDArray[np.uint8]:
    return np.full((SIZE[1], SIZE[0], 3), level, np.uint8)


@pytest.mark.parametrize(("fps", "n_frames"), [(30.0, 150), (60.0, 300), (20.0, 100), (29.97, 150)])
def test_five_samples_a_second(fps: float, n_frames: int) -> None:
    assert len(_collect([_plain(9)] * n_frames, fps=fps).timestamps_s) == pytest.approx(25, abs=1)


def test_slow_recording_gives_every_frame() -> None:
    assert len(_collect([_plain(9)] * 7, fps=2.0).timestamps_s) == 7


def test_nothing_seen_gives_empty_arrays() -> None:
    assert len(ImageStatisticsCollector().result().timestamps_s) == 0


def test_brightness_is_luma_and_plain_pictures_have_no_contrast() -> None:
    green = np.zeros((SIZE[1], SIZE[0], 3), np.uint8)
    green[..., 1] = 200
    seen = _collect([_plain(80), green])
    assert seen.brightness == pytest.approx([80.0, 0.587 * 200.0], abs=0.01)
    assert seen.contrast == pytest.approx([0.0, 0.0], abs=0.01)


def test_contrast_of_half_black_half_white() -> None:
    picture = _plain(0)
    picture[:, SIZE[0] // 2 :] = 255
    assert _collect([picture]).contrast == pytest.approx([127.5], abs=0.01)


def test_sharpness_of_a_checkerboard_by_hand() -> None:
    # After averaging 2 x 2 blocks the board has fields of one pixel, 0 and 100: the Laplacian is +-400.
    board = (np.indices((SIZE[1] // 2, SIZE[0] // 2)).sum(axis=0) % 2 * 100).astype(np.uint8)
    picture = np.repeat(np.kron(board, np.ones((2, 2), np.uint8))[..., None], 3, axis=2)
    assert _collect([picture]).sharpness == pytest.approx([400.0**2], rel=1e-3)


def test_blur_lowers_sharpness() -> None:
    sharp = textured_picture(SIZE)
    blurred = np.mean([np.roll(sharp, step, axis=1) for step in range(-8, 9)], axis=0).astype(np.uint8)
    seen = _collect([sharp, blurred])
    assert seen.sharpness[1] < 0.5 * seen.sharpness[0]


def _window(scene: NDArray[np.uint8], x: int, y: int) -> NDArray[np.uint8]:
    return scene[y : y + SIZE[1], x : x + SIZE[0]]


@pytest.mark.parametrize(("dx", "dy"), [(6, 0), (0, 8), (-6, 8), (20, -12)])
def test_camera_that_moved_shows_its_shift(dx: int, dy: int) -> None:
    scene = textured_picture((SIZE[0] + 100, SIZE[1] + 100))
    seen = _collect([_window(scene, 50, 50), _window(scene, 50 + dx, 50 + dy)])
    assert seen.camera_shift == pytest.approx([0.0, np.hypot(dx, dy) / SIZE[0]], abs=0.001)


def test_slow_pan_is_followed_beyond_what_one_comparison_can_see() -> None:
    scene = textured_picture((SIZE[0] + 400, SIZE[1]))
    seen = _collect([_window(scene, 20 * step, 0) for step in range(20)])
    assert seen.camera_shift == pytest.approx([20 * step / SIZE[0] for step in range(20)], rel=0.03, abs=0.001)


def test_moving_person_before_a_still_background_is_no_shift() -> None:
    pictures = []
    for step in range(10):
        picture = textured_picture(SIZE).copy()
        left = 40 + 45 * step
        picture[60:340, left : left + 120] = textured_picture((120, 280), seed=1)
        pictures.append(picture)
    assert _collect(pictures).camera_shift == pytest.approx(np.zeros(10), abs=0.001)


def test_bare_wall_tells_no_shift() -> None:
    seen = _collect([_plain(100), _plain(101)])
    assert seen.camera_shift[0] == 0.0
    assert np.isnan(seen.camera_shift[1])


def test_cut_to_another_scene_tells_no_shift() -> None:
    assert np.isnan(_collect([textured_picture(SIZE), textured_picture(SIZE, seed=5)]).camera_shift[1])


def test_tiny_pictures_do_no_harm() -> None:
    seen = _collect([np.full((2, 2, 3), 7, np.uint8)] * 2)
    assert seen.brightness == pytest.approx([7.0, 7.0], abs=0.01)
    assert np.isnan(seen.sharpness).all()
