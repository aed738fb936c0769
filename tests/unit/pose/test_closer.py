"""Windows of a frame of 1280 x 720 pixels, by hand: squares of 720 that begin at 0, 280 and 560."""

from dataclasses import replace

import numpy as np
import pytest

from backsight.domain.sequences import PoseObservation
from backsight.pose.closer import Window, WindowSearch, join_sightings, lay_out_windows
from backsight.pose.following import PersonBox

FRAME = (1280, 720)
MIDDLE, LEFT, RIGHT = Window(280, 0, 720), Window(0, 0, 720), Window(560, 0, 720)


def box(left: float, top: float, right: float, bottom: float) -> PersonBox:
    return PersonBox(left, top, right, bottom, ((left + right) / 2, (top + bottom) / 2))


def person_at(x: float, y: float, *, size: float = 100.0) -> PoseObservation:
    """Landmarks on the diagonal of a square around a point."""
    along = np.linspace(-size / 2, size / 2, 33)
    return PoseObservation(
        image_px=np.stack([x + along, y + along, along], axis=1),
        world_m=np.zeros((33, 3)),
        visibility=np.ones(33),
        presence=np.ones(33),
    )


class TestLayout:
    def test_a_wide_frame_has_three_the_middle_first(self) -> None:
        assert lay_out_windows(FRAME) == (MIDDLE, LEFT, RIGHT)

    def test_an_upright_frame_has_them_one_above_the_other(self) -> None:
        assert lay_out_windows((720, 1280)) == (Window(0, 280, 720), Window(0, 0, 720), Window(0, 560, 720))

    @pytest.mark.parametrize("size", [(1280, 720), (640, 480), (720, 720), (1280, 430), (1768, 994), (721, 1283)])
    def test_they_cover_the_frame_and_overlap(self, size: tuple[int, int]) -> None:
        windows = lay_out_windows(size)
        seen = np.zeros(size, dtype=bool)
        for window in windows:
            right, bottom = window.left_px + window.side_px, window.top_px + window.side_px
            assert 0 <= window.left_px < right <= size[0]
            assert 0 <= window.top_px < bottom <= size[1]
            seen[window.left_px : right, window.top_px : bottom] = True
        assert seen.all()
        for begins in ({window.left_px for window in windows}, {window.top_px for window in windows}):
            assert np.diff(sorted(begins)).max(initial=0) <= 0.7 * windows[0].side_px + 1

    @pytest.mark.parametrize("size", [(320, 180), (160, 90), (390, 223)])
    def test_a_frame_hardly_larger_than_the_detectors_input_has_none(self, size: tuple[int, int]) -> None:
        assert lay_out_windows(size) == ()
        assert WindowSearch(size).next_window(0.0) is None


class TestSearch:
    def test_a_round_takes_a_frame_a_window_and_begins_once_a_second(self) -> None:
        search = WindowSearch(FRAME)
        shown = [search.next_window(frame / 30) for frame in range(33)]
        assert shown == [MIDDLE, LEFT, RIGHT, *[None] * 27, MIDDLE, LEFT, RIGHT]

    def test_between_rounds_somebody_lost_is_looked_for_where_they_were_for_a_second(self) -> None:
        search = WindowSearch(FRAME)
        for time_s in (0.0, 0.1, 0.2):
            search.next_window(time_s)
        search.note_lost((700.0, 300.0), 0.3)
        assert search.next_window(0.4) == Window(340, 0, 720)
        # A round comes first.
        assert [search.next_window(time_s) for time_s in (1.0, 1.1, 1.2)] == [MIDDLE, LEFT, RIGHT]
        assert search.next_window(1.29) == Window(340, 0, 720)
        assert search.next_window(1.31) is None


class TestWindow:
    def test_it_is_cut_out_in_memory_of_its_own(self) -> None:
        image = np.arange(6 * 8 * 3, dtype=np.uint8).reshape(6, 8, 3)
        cut = Window(2, 1, 4).cut(image)
        np.testing.assert_array_equal(cut, image[1:5, 2:6])
        assert cut.flags.c_contiguous
        assert not np.shares_memory(cut, image)

    def test_landmarks_go_back_to_the_frame_with_their_depth(self) -> None:
        seen = person_at(100.0, 200.0)
        moved = Window(280, 7, 500).to_frame(seen)
        np.testing.assert_allclose(moved.image_px - seen.image_px, np.tile([280.0, 7.0, 0.0], (33, 1)))
        np.testing.assert_array_equal(moved.world_m, seen.world_m)

    def test_it_stays_while_the_person_is_a_tenth_of_a_side_inside(self) -> None:
        assert MIDDLE.following(box(352, 200, 400, 400), frame_size=FRAME) is MIDDLE

    def test_it_moves_to_have_a_person_near_its_edge_in_the_middle_and_then_stays(self) -> None:
        near_edge = box(340, 200, 400, 400)
        moved = MIDDLE.following(near_edge, frame_size=FRAME)
        # Middle (370, 300): 360 to the left of it is 10; up and down there is no room.
        assert moved == Window(10, 0, 720)
        assert moved.following(near_edge, frame_size=FRAME) is moved

    def test_at_the_frames_edge_there_is_nowhere_to_move(self) -> None:
        assert LEFT.following(box(0, 200, 60, 400), frame_size=FRAME) is LEFT

    def test_somebody_who_fills_it_does_not_move_it(self) -> None:
        assert MIDDLE.following(box(300, 10, 1010, 700), frame_size=FRAME) is MIDDLE


def test_somebody_whom_two_windows_show_counts_once() -> None:
    first, again, other = person_at(300, 300), person_at(310, 305), person_at(600, 300)
    assert join_sightings([], [first, again, other], limit=3) == [first, other]
    assert join_sightings([first], [again, other], limit=3) == [first, other]
    assert join_sightings([first], [again, other], limit=1) == [first]


@pytest.mark.parametrize(("visibility", "n_people"), [(0.79, 1), (0.81, 2)])
def test_others_in_windows_must_be_well_seen_and_in_the_whole_frame_need_not(visibility: float, n_people: int) -> None:
    doubtful = replace(person_at(600, 300), visibility=np.full(33, visibility))
    assert len(join_sightings([person_at(300, 300)], [doubtful], limit=3)) == n_people
    assert len(join_sightings([person_at(300, 300), doubtful], [], limit=3)) == 2
