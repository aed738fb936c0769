"""The window's only door: OpenCV's highgui. Knows nothing of what is shown."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from backsight.errors import OutputError

TITLE = "Backsight"
_PROBE = f"import cv2; cv2.namedWindow({TITLE!r}, cv2.WINDOW_NORMAL); cv2.pollKey(); cv2.destroyAllWindows()"
_PROBE_LIMIT_S = 20.0
_ESCAPE = 27
_NO_WINDOW = "run it on a machine with a screen, or without a window: backsight live --no-window --json"


class Screen(Protocol):
    """Where pictures are shown and keys come from."""

    def show(self, image: NDArray[np.uint8]) -> None:
        """Show an RGB picture."""
        ...

    def poll(self) -> str:
        """Return the key pressed since the last call, lower case; empty = none. Lets the window paint itself."""
        ...

    @property
    def is_open(self) -> bool:
        """False once the user has closed the window."""
        ...


def load_toolkit() -> None:
    """Load OpenCV before PyAV is imported by anything.

    Both wheels bring an X library of their own; when PyAV's is loaded first, opening OpenCV's window never returns.
    """
    # Qt's own fonts are not used; without a folder of them it complains on the terminal.
    os.environ.setdefault("QT_LOGGING_RULES", "*.warning=false")
    import cv2  # noqa: F401


def check_display() -> None:
    """Try a window in a process of its own, because the toolkit ends the whole process where there is no display.

    Raises
    ------
    OutputError
        When no window can be opened.
    """
    is_x11 = sys.platform.startswith("linux") or "bsd" in sys.platform
    if is_x11 and not (os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")):
        raise OutputError(f"no display: neither DISPLAY nor WAYLAND_DISPLAY is set; {_NO_WINDOW}")
    try:
        tried = subprocess.run([sys.executable, "-c", _PROBE], capture_output=True, timeout=_PROBE_LIMIT_S, check=False)
    except subprocess.TimeoutExpired as error:
        raise OutputError(f"the display does not answer within {_PROBE_LIMIT_S:.0f} s; {_NO_WINDOW}") from error
    if tried.returncode != 0:
        raise OutputError(f"no window can be opened on this display; {_NO_WINDOW}")


class Window:
    """A window on the screen, which keeps the picture's shape when it is resized. Use it from the main thread.

    Call `load_toolkit` and `check_display` first.

    Parameters
    ----------
    size
        (width, height) in pixels at first.
    """

    def __init__(self, size: tuple[int, int]) -> None:
        import cv2

        self._cv2 = cv2
        self._image: NDArray[np.uint8] | None = None
        cv2.namedWindow(TITLE, cv2.WINDOW_NORMAL | cv2.WINDOW_KEEPRATIO | cv2.WINDOW_GUI_NORMAL)
        cv2.resizeWindow(TITLE, *size)

    def show(self, image: NDArray[np.uint8]) -> None:
        """Show an RGB picture."""
        self._cv2.imshow(TITLE, self._cv2.cvtColor(image, self._cv2.COLOR_RGB2BGR))

    def poll(self) -> str:
        """Return the key pressed since the last call, lower case; empty = none. Lets the window paint itself."""
        code = self._cv2.pollKey() & 0xFF
        if code == _ESCAPE:
            return "q"
        return chr(code).lower() if 32 <= code < 127 else ""

    @property
    def is_open(self) -> bool:
        """False once the user has closed the window."""
        return bool(self._cv2.getWindowProperty(TITLE, self._cv2.WND_PROP_VISIBLE) >= 1)

    def close(self) -> None:
        """Take the window away."""
        self._cv2.destroyAllWindows()
        self._cv2.pollKey()
