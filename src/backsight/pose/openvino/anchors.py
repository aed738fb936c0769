"""Lay out the anchors that BlazePose's person detector predicts boxes around. Knows no image and no network."""

from __future__ import annotations

import numpy as np

from backsight.domain.validation import FloatArray

DETECTOR_SIZE_PX = 224
"""Side of the detector's square input."""
_LAYERS = ((8, 2), (16, 2), (32, 6))
"""(stride in pixels, anchors a cell). The published graph names strides 8, 16, 32, 32, 32 with two anchors each: layers
of one stride share their cells."""
_CENTRE = 0.5
"""An anchor stands in the middle of its cell; all have the input's size, so that only their centres matter."""


def lay_out_anchors() -> FloatArray:
    """Return the anchors' centres in the network's order: (x, y) in pixels of the detector's input, shape (2254, 2)."""
    layers = []
    for stride_px, n_a_cell in _LAYERS:
        middles_px = (np.arange(DETECTOR_SIZE_PX // stride_px) + _CENTRE) * stride_px
        x_px, y_px = np.meshgrid(middles_px, middles_px)
        cells = np.stack([x_px.ravel(), y_px.ravel()], axis=1)
        layers.append(np.repeat(cells, n_a_cell, axis=0))
    return np.concatenate(layers)
