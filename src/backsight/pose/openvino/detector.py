"""Find people in an image with BlazePose's detector. Knows nothing of landmarks, tracking or other frames."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from backsight.domain.validation import FloatArray
from backsight.pose.openvino.anchors import DETECTOR_SIZE_PX, lay_out_anchors
from backsight.pose.openvino.networks import Network
from backsight.pose.openvino.region import Region, Sampler, region_around, whole_image

OVERLAP = 0.3
"""Boxes that share more than this of their union show one person."""
_SCORE_LIMIT = 100.0
"""Scores are cut off here before the logistic function, as in MediaPipe's graph."""
_MIDDLE, _RIM = slice(4, 6), slice(6, 8)
"""Columns with the middle of the hips and a point of the circle around the whole body; after (left, top, right,
bottom). Two more points, of the upper body, are not used."""


class PersonDetector:
    """BlazePose's person detector.

    Parameters
    ----------
    network
        Gives a box of 12 values and a score for every anchor.
    """

    def __init__(self, network: Network) -> None:
        self._network = network
        self._anchors_px = lay_out_anchors()
        self._sampler = Sampler(network.picture, fills_with_black=True)

    def find(
        self, image: NDArray[np.uint8], *, min_score: float, limit: int, within: Region | None = None
    ) -> list[Region]:
        """Return the regions of up to `limit` people in the image's pixels, the surest first.

        Parameters
        ----------
        image
            RGB, shape (height, width, 3).
        min_score
            Probability of a person from which one is reported.
        within
            An upright square to look in; None = the whole image.
        """
        square = within or whole_image(image)
        self._sampler.sample(image, square)
        raw, logits = self._network.run()
        scores = 1.0 / (1.0 + np.exp(-np.clip(logits[:, 0], -_SCORE_LIMIT, _SCORE_LIMIT).astype(np.float64)))
        found = np.flatnonzero(scores >= min_score)
        boxes = decode_boxes(raw[found], self._anchors_px[found])
        people = merge_overlapping(boxes, scores[found])[:limit]
        regions = []
        for box in people:
            middle, rim = square.to_image(np.stack([box[_MIDDLE], box[_RIM]]) / DETECTOR_SIZE_PX)
            regions.append(region_around(middle, rim))
        return regions


def decode_boxes(raw: NDArray[np.float32], anchors_px: FloatArray) -> FloatArray:
    """Turn the network's boxes into corners and points in pixels of its input.

    Parameters
    ----------
    raw
        Centre and size of the box, then four points, all but the size relative to the anchor; shape (n, 12), pixels.
    anchors_px
        The anchors' centres; shape (n, 2).

    Returns
    -------
    FloatArray
        (left, top, right, bottom, x and y of four points); shape (n, 12).
    """
    boxes = raw.astype(np.float64)
    centres, halves = boxes[:, :2] + anchors_px, boxes[:, 2:4] / 2
    points = boxes[:, 4:].reshape(len(boxes), 4, 2) + anchors_px[:, np.newaxis]
    return np.concatenate([centres - halves, centres + halves, points.reshape(len(boxes), 8)], axis=1)


def merge_overlapping(boxes: FloatArray, scores: FloatArray) -> list[FloatArray]:
    """Merge boxes of one person into their mean, weighted by score: non-maximum suppression that wastes nothing.

    Parameters
    ----------
    boxes
        (left, top, right, bottom, ...); shape (n, at least 4).
    scores
        Shape (n,).

    Returns
    -------
    list of FloatArray
        One box a person, the surest first.
    """
    merged = []
    order = np.argsort(-scores, kind="stable")
    while len(order):
        covers = _overlap(boxes[order[0]], boxes[order]) > OVERLAP
        # A box without area overlaps nothing, not even itself.
        covers[0] = True
        same = order[covers]
        merged.append(np.average(boxes[same], axis=0, weights=scores[same]))
        order = order[~covers]
    return merged


def _overlap(box: FloatArray, others: FloatArray) -> FloatArray:
    """Return the area that a box shares with each of the others, as a share of their union; shape (n,)."""
    sides = np.minimum(box[2:4], others[:, 2:4]) - np.maximum(box[:2], others[:, :2])
    shared = np.prod(np.maximum(sides, 0.0), axis=1)
    area, areas = np.prod(box[2:4] - box[:2]), np.prod(others[:, 2:4] - others[:, :2], axis=1)
    union = area + areas - shared
    return np.asarray(np.divide(shared, union, out=np.zeros_like(shared), where=union > 0))
