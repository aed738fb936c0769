"""A film has the performance's times and size, is the same whenever it is read, and shows what its setting says."""

from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("pyvista", reason="filming needs the extra `simulate`")

from backsight.domain.recording import Exercise
from backsight.errors import InvalidValueError
from backsight.rendering.company import invite
from backsight.rendering.film import Film, write_film
from backsight.rendering.floor_plan import plan_floor
from backsight.rendering.looks import sample_looks
from backsight.rendering.setting import Company, Setting, dim, sample_setting
from backsight.simulation.cohort import simulate_performance
from backsight.simulation.performance import Performance
from backsight.simulation.skeleton import Figure, Motion
from backsight.video.reader import VideoFile

SMALL = (320, 180)
PLAIN = sample_setting(np.random.default_rng(0), plain=True)


def first_frames(performance: Performance, n: int) -> Performance:
    """The same performance, cut off."""
    motion, figure = performance.motion, performance.figure
    cut_motion = Motion(
        **{name: value[:n] if isinstance(value, np.ndarray) else value for name, value in vars(motion).items()}
    )
    cut_figure = Figure(
        **{
            name: value[:n] if isinstance(value, np.ndarray) else {key: part[:n] for key, part in value.items()}
            for name, value in vars(figure).items()
        }
    )
    return replace(performance, motion=cut_motion, figure=cut_figure)


PERFORMANCE = first_frames(simulate_performance(0, Exercise.TOUCH_TOES, seed=21, fps=25.0), 4)
LOOKS = sample_looks(np.random.default_rng(0), PERFORMANCE.volunteer.body)


@cache
def film_of(setting: Setting, frame_size: tuple[int, int] = SMALL) -> Film:
    return Film(PERFORMANCE, LOOKS, setting, frame_size)


@pytest.fixture(scope="module")
def plain_frames() -> list[np.ndarray]:
    return [frame.image for frame in film_of(PLAIN).frames()]


def away_from_person(film: Film) -> np.ndarray:
    """True where neither the person nor their shadow can be."""
    flat = film.camera.project(PERFORMANCE.figure.landmarks_m)
    mask = np.ones(SMALL[::-1], dtype=bool)
    (left, _), (right, _) = flat.min(axis=(0, 1)) - 60, flat.max(axis=(0, 1)) + 60
    mask[:, max(int(left), 0) : int(right)] = False
    return mask


def test_a_film_has_the_times_and_the_size_of_what_it_shows(plain_frames: list[np.ndarray]) -> None:
    film = film_of(PLAIN)
    frames = list(film.frames())
    assert [frame.timestamp_s for frame in frames] == list(PERFORMANCE.motion.timestamps_s)
    assert [frame.index for frame in frames] == [0, 1, 2, 3]
    assert all(frame.image.shape == (180, 320, 3) and frame.image.dtype == np.uint8 for frame in frames)
    info = film.info
    assert (info.width, info.height, info.n_frames, info.analysed_size) == (320, 180, 4, SMALL)
    assert info.fps == pytest.approx(25.0)
    assert info.duration_s == pytest.approx(4 / 25.0)
    assert all((a.image == b).all() for a, b in zip(frames, plain_frames, strict=True))


def test_a_busy_film_is_the_same_each_time_it_is_read_and_however_far_it_was_read_before() -> None:
    busy = replace(
        sample_setting(np.random.default_rng(3)), shake_deg=0.4, shutter_s=0.02, noise_codes=3.0, company=None
    )
    film = film_of(busy)
    next(film.frames())
    first, second = ([frame.image for frame in film.frames()] for _ in range(2))
    assert all((a == b).all() for a, b in zip(first, second, strict=True))
    assert (next(Film(PERFORMANCE, LOOKS, busy, SMALL).frames()).image == first[0]).all()


def test_the_person_is_where_the_landmarks_are(plain_frames: list[np.ndarray]) -> None:
    # Against the empty room, the outline's box holds all landmarks and is no more than clothes and hair larger.
    film = film_of(PLAIN)
    empty = film._backdrop.astype(int)
    for frame, image in enumerate(plain_frames):
        changed = np.abs(image.astype(int) - empty).max(axis=2) > 40
        rows, columns = np.where(changed.sum(axis=1) > 1)[0], np.where(changed.sum(axis=0) > 1)[0]
        marks = film.camera.project(PERFORMANCE.figure.landmarks_m[frame])
        tall = np.ptp(marks[:, 1])
        assert marks[:, 1].max() - 0.06 * tall < rows[-1] < marks[:, 1].max() + 0.08 * tall
        assert marks[:, 1].min() - 0.16 * tall < rows[0] < marks[:, 1].min()
        assert columns[0] - 0.05 * tall < marks[:, 0].min()
        assert marks[:, 0].max() < columns[-1] + 0.05 * tall


def test_a_tripod_keeps_the_background_still_and_a_hand_does_not(plain_frames: list[np.ndarray]) -> None:
    mask = away_from_person(film_of(PLAIN))
    assert mask.sum() > 5000
    assert all((image[mask] == plain_frames[0][mask]).all() for image in plain_frames)
    shaken = [frame.image for frame in film_of(replace(PLAIN, shake_deg=1.5)).frames()]
    assert any((image[mask] != shaken[0][mask]).any() for image in shaken)


def test_three_stops_less_are_dark(plain_frames: list[np.ndarray]) -> None:
    dark = next(film_of(dim(PLAIN, stops=3.0, noise=0.0)).frames()).image
    # An eighth of the light is 0.39 of the picture code.
    assert dark.mean() == pytest.approx(plain_frames[0].mean() * 8.0 ** (-1.0 / 2.2), rel=0.1)


def test_noise_is_added_to_the_picture(plain_frames: list[np.ndarray]) -> None:
    noisy = next(film_of(replace(PLAIN, noise_codes=4.0)).frames()).image
    mask = away_from_person(film_of(PLAIN))
    difference = (noisy.astype(float) - plain_frames[0].astype(float))[mask]
    assert 3.0 < difference.std() < 4.5


def test_the_shaken_camera_is_the_one_that_draws_the_person() -> None:
    film = film_of(replace(PLAIN, shake_deg=1.0))
    moved = [film.camera_at(float(time_s)) for time_s in PERFORMANCE.motion.timestamps_s]
    assert any(np.linalg.norm(one.axes - film.camera.axes) > 1e-3 for one in moved)
    assert film_of(PLAIN).camera_at(0.1) is not None
    assert (film_of(PLAIN).camera_at(0.1).axes == film.camera.axes).all()


def test_another_frame_size_shows_the_same_view() -> None:
    camera, wide = PERFORMANCE.camera, film_of(PLAIN, (640, 200)).camera
    point = PERFORMANCE.figure.landmarks_m[0, 0]
    zoom = 200 / camera.frame_size[1]
    middle = np.array(camera.frame_size) / 2.0
    assert wide.project(point) == pytest.approx((camera.project(point) - middle) * zoom + [320.0, 100.0])


@pytest.mark.parametrize("size", [(8, 100), (100, 0)])
def test_a_frame_too_small_is_refused(size: tuple[int, int]) -> None:
    with pytest.raises(InvalidValueError, match="`frame_size`"):
        film_of(PLAIN, size)


def test_a_single_frame_is_no_film() -> None:
    with pytest.raises(InvalidValueError, match="2 frames or more"):
        Film(first_frames(PERFORMANCE, 1), LOOKS, PLAIN, SMALL)


def test_a_written_film_is_read_back_at_its_times(tmp_path: Path, plain_frames: list[np.ndarray]) -> None:
    done: list[tuple[int, int]] = []
    path = tmp_path / "film.mp4"
    write_film(path, film_of(PLAIN), lambda *counts: done.append(counts))
    read = list(VideoFile(path).frames())
    assert [frame.timestamp_s for frame in read] == pytest.approx(list(PERFORMANCE.motion.timestamps_s), abs=1e-4)
    assert done == [(1, 4), (2, 4), (3, 4), (4, 4)]
    # The reader fits pictures into 1280 x 720, and these are smaller: they come as they are.
    assert np.abs(read[0].image.astype(float) - plain_frames[0]).mean() < 3.0


@pytest.mark.parametrize("kind", list(Company))
def test_company_keeps_its_distance_and_stays_in_the_room(kind: Company) -> None:
    setting = replace(PLAIN, company=kind, behind_m=1.3, beside_m=(0.9, 0.9))
    marks, camera = PERFORMANCE.figure.landmarks_m, PERFORMANCE.camera
    plan = plan_floor(setting, landmarks_m=marks, camera=camera)
    times_s = np.arange(0.0, 12.0, 0.04)
    other = invite(setting, plan, exercise=Exercise.TOUCH_TOES, timestamps_s=times_s)
    person = plan.locate(marks)
    # Neither mirrored nor inside out: the volume that the outside encloses is positive.
    a, b, c = (other.points_m(0.0)[other.faces[:, corner]].astype(np.float64) for corner in range(3))
    assert np.einsum("ij,ij->", a, np.cross(b, c)) > 0.0
    for moment in (0.0, 100.0, 200.0, 298.0):
        points = plan.locate(other.points_m(moment).astype(np.float64))
        assert plan.left_m < points[:, 0].min()
        assert points[:, 0].max() < plan.right_m
        assert points[:, 2].max() < plan.back_m
        assert -0.06 < points[:, 1].min() < 0.06
        if kind is Company.BESIDE:
            gap = max(points[:, 0].min() - person[..., 0].max(), person[..., 0].min() - points[:, 0].max())
            assert 0.1 < gap < 1.0
        else:
            assert points[:, 2].min() > person[..., 2].max()
