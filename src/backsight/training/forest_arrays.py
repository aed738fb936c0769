"""A forest of regression trees as plain arrays, which can be written without pickle. Knows no study."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from backsight.domain.validation import FloatArray


@dataclass(frozen=True, eq=False)
class ForestArrays:
    """Trees one after the other, node by node; predicts what the scikit-learn forest predicts that it is of."""

    left: NDArray[np.int64]
    """Node to go to where the feature is not above the threshold, counted over all trees; of a leaf, the leaf itself;
    shape (n_nodes,)."""
    right: NDArray[np.int64]
    """Node to go to elsewhere; shape (n_nodes,)."""
    feature: NDArray[np.int64]
    """Column that a node asks for; 0 at leaves; shape (n_nodes,)."""
    threshold: FloatArray
    """Shape (n_nodes,)."""
    value: FloatArray
    """Mean target of the training rows that came to a node; shape (n_nodes,)."""
    roots: NDArray[np.int64]
    """First node of each tree; shape (n_trees,)."""
    deepest: int
    """Steps from a root to the deepest leaf."""

    @classmethod
    def of(cls, forest: Any) -> ForestArrays:
        """Take the trees of a fitted scikit-learn forest of one target."""
        trees = [one.tree_ for one in forest.estimators_]
        roots = np.cumsum([0, *(tree.node_count for tree in trees)])[:-1]

        def joined(sides: list[NDArray[Any]]) -> NDArray[np.int64]:
            """Count nodes over all trees, and let leaves lead to themselves."""
            return np.concatenate(
                [
                    np.where(side < 0, np.arange(len(side)), side) + root
                    for side, root in zip(sides, roots.tolist(), strict=True)
                ]
            ).astype(np.int64)

        return cls(
            left=joined([tree.children_left for tree in trees]),
            right=joined([tree.children_right for tree in trees]),
            feature=np.concatenate([np.maximum(tree.feature, 0) for tree in trees]).astype(np.int64),
            threshold=np.concatenate([tree.threshold for tree in trees]),
            value=np.concatenate([tree.value[:, 0, 0] for tree in trees]),
            roots=roots.astype(np.int64),
            deepest=max(tree.max_depth for tree in trees),
        )

    def predict(self, columns: FloatArray) -> FloatArray:
        """Return the mean over the trees; (n_rows, n_columns) without NaN -> (n_rows,)."""
        # scikit-learn compares in single precision, too.
        asked = columns.astype(np.float32)
        rows = np.arange(len(asked))[:, np.newaxis]
        at = np.broadcast_to(self.roots, (len(asked), len(self.roots)))
        for _ in range(self.deepest):
            at = np.where(asked[rows, self.feature[at]] <= self.threshold[at], self.left[at], self.right[at])
        return np.asarray(self.value[at].mean(axis=1))
