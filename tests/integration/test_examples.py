"""The examples do what their first line says."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_assess_a_walk(demo_clip: Path) -> None:
    clip = f"{demo_clip}#t=48f,182f&xywh=0,470,1560,524"
    command = [sys.executable, str(ROOT / "examples/assess_a_walk.py"), clip]
    result = subprocess.run(command, capture_output=True, text=True, check=True)
    assert result.stdout.startswith("quality: ")
    assert "simulated" in result.stdout
