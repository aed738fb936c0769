"""Say how long the rest takes from how fast the last clips went. Knows nothing of clips but their size."""

from __future__ import annotations

from collections import deque

FEWEST = 3
"""From fewer finished clips nothing can be foretold."""


class TimeLeft:
    """Counts work in bytes, because clips differ in length, and its speed over the last clips, because machines do.

    Parameters
    ----------
    n_bytes
        Of all clips whose size is known.
    n_unknown
        Clips of unknown size; each counts as the mean of those that are done.
    window
        How many clips back the speed is taken from.
    """

    def __init__(self, n_bytes: int, *, n_unknown: int = 0, window: int = 32) -> None:
        self._left_bytes = n_bytes
        self._n_unknown = n_unknown
        self._recent: deque[tuple[float, int]] = deque(maxlen=window + 1)
        self._n_done, self._done_bytes = 0, 0

    def begin(self, now_s: float) -> None:
        """Start the clock when the first clip is handed out, not before: starting up is no speed."""
        if not self._recent:
            self._recent.append((now_s, 0))

    def skip(self, size_bytes: int | None) -> None:
        """Take a clip off that needed no work."""
        self._take_off(size_bytes)

    def finish(self, size_bytes: int | None, *, actual_bytes: int, now_s: float) -> None:
        """Take a clip off that has been worked on until now."""
        self._take_off(size_bytes)
        self._recent.append((now_s, actual_bytes))
        self._n_done += 1
        self._done_bytes += actual_bytes

    def remaining_s(self, now_s: float) -> float | None:
        """Return the seconds that the rest takes at the speed of the last clips; None = cannot be said yet.

        While clips that are being worked on take longer than those before, the answer grows: the time since the last
        one counts.
        """
        if self._n_done < FEWEST:
            return None
        left = self._left_bytes + self._n_unknown * self._done_bytes / self._n_done
        begun_s = self._recent[0][0]
        done = sum(size for _, size in list(self._recent)[1:])
        return left * (now_s - begun_s) / done if done else None

    def _take_off(self, size_bytes: int | None) -> None:
        if size_bytes is None:
            self._n_unknown -= 1
        else:
            self._left_bytes -= size_bytes
