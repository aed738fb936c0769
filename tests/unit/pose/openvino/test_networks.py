"""The door to openvino: nothing is reported to its maker, and what cannot be loaded is said in one line."""

import subprocess
import sys
from pathlib import Path

import pytest

from backsight.errors import MissingDependencyError, WeightsError
from backsight.pose.openvino.networks import import_openvino, load_networks


def test_openvino_is_imported_without_its_telemetry() -> None:
    program = """
import sys
from backsight.pose.openvino.networks import import_openvino
import_openvino().Core()
print(*sorted(name for name in sys.modules if "telemetry" in name or name.startswith("openvino.tools")))

"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert (done.stdout, done.returncode) == ("\n", 0), done.stderr


def test_the_package_is_imported_without_openvino() -> None:
    program = "import backsight.pose.openvino.tracker, sys; print('openvino' in sys.modules)"
    output = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout
    assert output == "False\n"


def test_without_openvino_it_is_said_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "openvino", None)
    with pytest.raises(MissingDependencyError, match=r"pip install 'backsight\[fast\]'.*--engine mediapipe"):
        import_openvino()


@pytest.mark.parametrize("content", [b"", b"no zip", None])
def test_a_bundle_that_cannot_be_loaded_is_said_in_one_line(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "pose_landmarker_lite.task"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(WeightsError, match=r"pose_landmarker_lite\.task .*models fetch") as caught:
        load_networks(path)
    assert "\n" not in str(caught.value)
