"""Anchors where the published graph puts them: the middles of cells 8, 16 and 32 pixels wide."""

import numpy as np

from backsight.pose.openvino.anchors import lay_out_anchors


def test_there_is_an_anchor_for_every_box_that_the_network_gives() -> None:
    """28 x 28 cells of two, 14 x 14 of two, 7 x 7 of three times two."""
    assert lay_out_anchors().shape == (28 * 28 * 2 + 14 * 14 * 2 + 7 * 7 * 6, 2) == (2254, 2)


def test_anchors_run_along_rows_and_share_their_cell() -> None:
    anchors_px = lay_out_anchors()
    np.testing.assert_array_equal(anchors_px[:4], [[4, 4], [4, 4], [12, 4], [12, 4]])
    np.testing.assert_array_equal(anchors_px[2 * 28], [4, 12])
    second, third = 2 * 28**2, 2 * 28**2 + 2 * 14**2
    np.testing.assert_array_equal(anchors_px[[second, second + 2]], [[8, 8], [24, 8]])
    np.testing.assert_array_equal(anchors_px[third : third + 7], [[16, 16]] * 6 + [[48, 16]])
    np.testing.assert_array_equal(anchors_px[-1], [208, 208])
