"""A forest of regression trees as plain arrays: written without pickle, and taken apart by column. Knows no study."""

from __future__ import annotations

from dataclasses import dataclass
from math import comb
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

    def shapley(self, shown: FloatArray, reference: FloatArray, *, groups: NDArray[np.intp]) -> FloatArray:
        """Return what each group of columns adds on the way from one row to another, whichever group goes first.

        Shapley values of the game in which a group is taken from `shown` or from `reference` (interventional, with one
        reference; Lundberg et al. 2020, doi:10.1038/s42256-019-0138-9): exact, and they add up to the difference of
        the two predictions. Written here because the `shap` package has no groups of columns.

        Parameters
        ----------
        shown, reference
            Rows without NaN; shape (n_columns,).
        groups
            Group of each column, from 0; shape (n_columns,).

        Returns
        -------
        numpy.ndarray
            Shape (n_groups,), in the target's unit.
        """
        node_groups = groups[self.feature].tolist()
        to_shown, to_reference = self._next(shown), self._next(reference)
        values = self.value.tolist()
        points = np.zeros(int(groups.max()) + 1)
        # Which groups must be `shown` and which `reference` for a way through the tree to lead to a node.
        ways: list[tuple[int, frozenset[int], frozenset[int]]] = [
            (root, frozenset(), frozenset()) for root in self.roots.tolist()
        ]
        while ways:
            node, taken, left_out = ways.pop()
            here, there = to_shown[node], to_reference[node]
            if here == there == node:
                _share_leaf(points, values[node], taken, left_out)
                continue
            group = node_groups[node]
            if here == there:
                ways.append((here, taken, left_out))
            else:
                if group not in left_out:
                    ways.append((here, taken | {group}, left_out))
                if group not in taken:
                    ways.append((there, taken, left_out | {group}))
        return points / len(self.roots)

    def _next(self, row: FloatArray) -> list[int]:
        """Return to which node each node sends a row."""
        asked = row.astype(np.float32)
        ways: list[int] = np.where(asked[self.feature] <= self.threshold, self.left, self.right).tolist()
        return ways


def _share_leaf(points: FloatArray, value: float, taken: frozenset[int], left_out: frozenset[int]) -> None:
    """Share a leaf out: to those who must be in for it to be reached, and from those who must not."""
    n_orders = comb(len(taken) + len(left_out), len(taken))
    if taken:
        points[list(taken)] += value / (len(taken) * n_orders)
    if left_out:
        points[list(left_out)] -= value / (len(left_out) * n_orders)
