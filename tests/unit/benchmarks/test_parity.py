"""Differences between two engines, worked out by hand."""

import math

import numpy as np
import pytest

from backsight.benchmarks.parity import Parity
from backsight.domain.sequences import PoseObservation


def seen(x_px: float = 0.0, y_px: float = 0.0, *, z_m: float = 0.0, visibility: float = 0.9) -> PoseObservation:
    return PoseObservation(
        image_px=np.tile([x_px, y_px, 7 * x_px], (33, 1)),
        world_m=np.tile([0.0, 0.0, z_m], (33, 1)),
        visibility=np.full(33, visibility),
        presence=np.ones(33),
    )


def test_distances_are_straight_lines_in_the_image_without_depth_and_millimetres_in_the_world() -> None:
    found = Parity.between([seen()], [seen(3.0, 4.0, z_m=0.002, visibility=0.8)]).summary()
    assert found["image_median_px"] == found["image_p95_px"] == 5.0
    assert found["world_median_mm"] == pytest.approx(2.0)
    assert found["visibility_median"] == pytest.approx(0.1)


def test_landmarks_that_one_engine_hardly_sees_do_not_count_but_their_visibility_does() -> None:
    found = Parity.between([seen(), seen()], [seen(1.0), seen(100.0, visibility=0.59)])
    assert found.image_px.tolist() == [1.0] * 33
    assert len(found.visibility) == 66


def test_agreement_is_the_share_of_frames_with_the_same_decision() -> None:
    one = [None, None, seen(), seen()]
    other = [None, seen(), None, seen()]
    assert Parity.between(one, other).summary()["agreement"] == 0.5


def test_nobody_anywhere_is_agreement_without_distances() -> None:
    found = Parity.between([None], [None]).summary()
    assert found["agreement"] == 1.0
    assert math.isnan(found["image_median_px"])


def test_recordings_are_pooled_by_landmark_not_by_recording() -> None:
    short = Parity.between([seen()], [seen(9.0)])
    long = Parity.between([seen()] * 3, [seen(1.0)] * 3)
    assert Parity.pooled([short, long]).summary()["image_median_px"] == 1.0
