"""The curve that the tests' people bend along, from its polynomial."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def least_jerk(share_of_time: NDArray[np.float64]) -> NDArray[np.float64]:
    """10 x^3 - 15 x^4 + 6 x^5, 0 before and 1 after (Flash and Hogan 1985)."""
    x = np.clip(share_of_time, 0.0, 1.0)
    return 10.0 * x**3 - 15.0 * x**4 + 6.0 * x**5
