"""Boxes decoded and merged, checked by hand, and the detector on a network that says what we want."""

import numpy as np
import pytest

from backsight.pose.openvino.detector import PersonDetector, decode_boxes, merge_overlapping
from backsight.pose.openvino.networks import Network


def box(left: float, top: float, right: float, bottom: float, *, tag: float = 0.0) -> np.ndarray:
    return np.array([left, top, right, bottom, tag])


def test_a_box_is_decoded_relative_to_its_anchor() -> None:
    raw = np.array([[1, -2, 10, 20, 3, 4, 5, 6, 7, 8, 9, 10]], dtype=np.float32)
    decoded = decode_boxes(raw, np.array([[100.0, 50.0]]))
    # Centre (101, 48), half of 10 x 20 on each side; points shifted by the anchor.
    np.testing.assert_allclose(decoded, [[96, 38, 106, 58, 103, 54, 105, 56, 107, 58, 109, 60]])


def test_no_boxes_are_decoded_into_none() -> None:
    assert decode_boxes(np.empty((0, 12), np.float32), np.empty((0, 2))).shape == (0, 12)


class TestMerging:
    def test_overlapping_boxes_become_their_mean_weighted_by_score(self) -> None:
        boxes = np.stack([box(0, 0, 10, 10, tag=1.0), box(0, 0, 10, 8, tag=5.0)])
        (merged,) = merge_overlapping(boxes, np.array([0.6, 0.9]))
        # (10 * 0.6 + 8 * 0.9) / 1.5, (1 * 0.6 + 5 * 0.9) / 1.5
        np.testing.assert_allclose(merged, [0, 0, 10, 8.8, 3.4])

    def test_boxes_that_share_little_stay_apart_the_surest_first(self) -> None:
        """They share 3 of 17 columns: 0.18 of the union."""
        boxes = np.stack([box(0, 0, 10, 10), box(7, 0, 17, 10)])
        merged = merge_overlapping(boxes, np.array([0.6, 0.9]))
        np.testing.assert_array_equal(merged, boxes[::-1])

    @pytest.mark.parametrize(("width", "n_people"), [(2.9, 2), (3.1, 1)])
    def test_the_bar_is_three_tenths_of_the_union(self, width: float, n_people: int) -> None:
        boxes = np.stack([box(0, 0, 10, 10), box(0, 0, width, 10)])
        assert len(merge_overlapping(boxes, np.array([0.9, 0.8]))) == n_people

    def test_a_box_is_merged_with_the_surest_only_even_if_it_overlaps_another(self) -> None:
        """The middle one joins the first; the last one then overlaps nobody who is left."""
        boxes = np.stack([box(0, 0, 10, 10), box(4, 0, 14, 10), box(8, 0, 18, 10)])
        merged = merge_overlapping(boxes, np.array([0.9, 0.6, 0.8]))
        np.testing.assert_allclose(merged[0][:4], [1.6, 0, 11.6, 10])
        np.testing.assert_array_equal(merged[1], boxes[2])

    def test_a_box_without_area_is_still_one(self) -> None:
        assert len(merge_overlapping(np.stack([box(5, 5, 5, 5)]), np.array([0.9]))) == 1

    def test_nothing_is_merged_into_nothing(self) -> None:
        assert merge_overlapping(np.empty((0, 5)), np.empty(0)) == []


class FakeRequest:
    """Stands in for openvino's request: what it answers is ours."""

    def __init__(self, raw: np.ndarray, logits: np.ndarray) -> None:
        self._outputs = {"boxes": raw[np.newaxis], "scores": logits[np.newaxis, :, np.newaxis]}
        self._picture = np.zeros((1, 224, 224, 3), np.uint8)

    def infer(self) -> None:
        pass

    def get_input_tensor(self) -> "Held":
        return Held(self._picture)

    def get_tensor(self, name: str) -> "Held":
        return Held(self._outputs[name])


class Held:
    def __init__(self, data: np.ndarray) -> None:
        self.data = data


def detector(raw: np.ndarray, logits: np.ndarray) -> PersonDetector:
    return PersonDetector(Network(FakeRequest(raw, logits), ["boxes", "scores"]))


class TestPersonDetector:
    def answers(self) -> tuple[np.ndarray, np.ndarray]:
        raw, logits = np.zeros((2254, 12), np.float32), np.full(2254, -200.0, np.float32)
        # Anchor 0 stands at (4, 4): hips at (112, 112), rim 28 above.
        raw[0] = [108, 108, 40, 60, 108, 108, 108, 80, 0, 0, 0, 0]
        logits[0] = 200.0
        return raw, logits

    def test_the_region_is_in_pixels_of_the_image_not_of_the_letterbox(self) -> None:
        """A picture of 448 x 224 is shrunk by 2, with 56 black rows above and below."""
        (region,) = detector(*self.answers()).find(np.zeros((224, 448, 3), np.uint8), min_score=0.5, limit=1)
        assert (region.x_px, region.y_px) == pytest.approx((224, 112))
        assert region.side_px == pytest.approx(2 * 1.25 * 28 * 2)
        assert region.turn_rad == pytest.approx(0)

    def test_nobody_below_the_score(self) -> None:
        raw, logits = self.answers()
        logits[0] = 0.0  # a probability of one half
        image = np.zeros((224, 224, 3), np.uint8)
        assert detector(raw, logits).find(image, min_score=0.51, limit=1) == []
        assert len(detector(raw, logits).find(image, min_score=0.5, limit=1)) == 1

    def test_no_more_people_than_asked_for(self) -> None:
        raw, logits = self.answers()
        raw[1] = [8, 8, 10, 10, 8, 8, 8, 0, 0, 0, 0, 0]
        logits[1] = 3.0
        image = np.zeros((224, 224, 3), np.uint8)
        assert len(detector(raw, logits).find(image, min_score=0.5, limit=3)) == 2
        (surest,) = detector(raw, logits).find(image, min_score=0.5, limit=1)
        assert surest.x_px == pytest.approx(112)
