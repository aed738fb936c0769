"""What the environment says about this machine. Read when asked for, never on import."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

MODELS_DIR_VARIABLE = "BACKSIGHT_MODELS_DIR"


@dataclass(frozen=True)
class Settings:
    """Where things are kept on this machine."""

    models_dir: Path
    """Folder of the BlazePose bundles."""
    may_fetch: bool
    """Whether a missing bundle may be fetched from the npm registry."""

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] | None = None) -> "Settings":
        """Read the settings.

        `BACKSIGHT_MODELS_DIR` names a folder of finished bundles and turns fetching off: it serves machines that must
        not or cannot reach the network. Without it bundles live in the user's cache folder, fetched when missing.
        """
        given = (os.environ if environment is None else environment).get(MODELS_DIR_VARIABLE, "")
        if given:
            # Not expanduser(), which fails on a user who does not exist: the shell has expanded what it knows.
            return cls(models_dir=Path(given), may_fetch=False)
        from platformdirs import user_cache_path

        return cls(models_dir=user_cache_path("backsight") / "models", may_fetch=True)


def demo_clip_path() -> Path:
    """Return where `make demo` keeps the demo's video; the file need not be there yet."""
    from platformdirs import user_cache_path

    return user_cache_path("backsight") / "demo" / "sports2d-0.8.34-demo.mp4"
