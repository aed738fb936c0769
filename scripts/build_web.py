"""Put what the pages take from npm into the package: pinned, checked by npm, nothing from anywhere else.

Run by `make web-assets`. `npm ci` checks every package against web-assets/package-lock.json; what is needed of them
goes into src/backsight/web/static/vendor/, which git ignores and the wheel includes.
"""

from __future__ import annotations

import argparse
import gzip
import re
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
ASSETS = ROOT / "web-assets"
VENDOR = ROOT / "src" / "backsight" / "web" / "static" / "vendor"
STAMP = VENDOR / ".built"

_REPORTS_HOME = re.compile(r'this\.o\.send\(\{url:"https://[^"]+/v1/log"')
"""Where tasks-vision sends its maker figures of its use. No recording of ours is anybody's usage figure, so the call is
replaced by one that does nothing; the pages' Content-Security-Policy would stop it as well."""
_SAYS_NOTHING = '(()=>{})({url:""'
_NOTICE = (
    "// @mediapipe/tasks-vision, Apache-2.0, Copyright The MediaPipe Authors.\n"
    "// Changed by Backsight's scripts/build_web.py: it no longer reports its use to its maker.\n"
)


class BuildError(Exception):
    """The packages are not what this script was written for."""


def main() -> int:
    """Build unless what is there is up to date."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--force", action="store_true", help="build even when it is up to date")
    if not parser.parse_args().force and _is_current():
        return 0
    try:
        build()
    except (BuildError, OSError, subprocess.CalledProcessError) as error:
        print(f"build_web: {error}; needs npm (Debian: npm) and the packages of {ASSETS}", file=sys.stderr)
        return 1
    print(f"web assets: {VENDOR.relative_to(ROOT)}")
    return 0


def build() -> None:
    """Fetch the pinned packages and copy what is needed."""
    # Their install scripts are not run: we need files, and no code of theirs on this machine.
    subprocess.run(
        ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"], cwd=ASSETS, check=True
    )
    shutil.rmtree(VENDOR, ignore_errors=True)
    _copy_pose_runtime(ASSETS / "node_modules" / "@mediapipe" / "tasks-vision", VENDOR / "tasks-vision")
    _copy_uploader(ASSETS / "node_modules" / "tus-js-client", VENDOR / "tus-js-client")
    STAMP.write_text(_wanted(), encoding="utf-8")


def _copy_pose_runtime(package: Path, to: Path) -> None:
    to.mkdir(parents=True)
    script = (package / "vision_bundle.mjs").read_text(encoding="utf-8")
    (to / "vision_bundle.mjs").write_text(_NOTICE + without_reports(script), encoding="utf-8")
    shutil.copy(package / "wasm" / "vision_wasm_internal.js", to)
    binary = (package / "wasm" / "vision_wasm_internal.wasm").read_bytes()
    # Without a time, so that the same package gives the same file.
    (to / "vision_wasm_internal.wasm.gz").write_bytes(gzip.compress(binary, compresslevel=9, mtime=0))


def _copy_uploader(package: Path, to: Path) -> None:
    to.mkdir(parents=True)
    script = (package / "dist" / "tus.min.js").read_text(encoding="utf-8")
    licence = (package / "LICENSE").read_text(encoding="utf-8").strip()
    (to / "tus.min.js").write_text(f"/*! tus-js-client\n{licence}\n*/\n{without_map(script)}", encoding="utf-8")


def without_map(script: str) -> str:
    """Return a script without the address of its map of sources, which is not shipped."""
    return re.sub(r"\n//# sourceMappingURL=\S+\s*$", "\n", script)


def without_reports(script: str) -> str:
    """Return tasks-vision's script without the call that reports its use.

    Raises
    ------
    BuildError
        When that call is not where it was: a new version must be looked at first.
    """
    changed, n_found = _REPORTS_HOME.subn(_SAYS_NOTHING, script)
    changed = without_map(changed)
    others = sorted({*re.findall(r"https?://[a-z0-9.-]*google[a-z0-9.-]*", changed)})
    if n_found != 1 or others:
        raise BuildError(
            f"tasks-vision must report its use in exactly one known place, got {n_found} and {others or 'no other'}; "
            "look at the new version's script before it is served"
        )
    return changed


def _is_current() -> bool:
    return STAMP.is_file() and STAMP.read_text(encoding="utf-8") == _wanted()


def _wanted() -> str:
    """Return what the assets are made from: the lock, and this script."""
    return (ASSETS / "package-lock.json").read_text(encoding="utf-8") + Path(__file__).read_text(encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
