"""What a worker loads before its first clip is what the clip needs."""

import pickle
import subprocess
import sys
from dataclasses import replace

import pytest

from backsight.batch.options import ClipOptions, RunOptions, Task
from backsight.batch.run import equip
from backsight.batch.work import Job
from backsight.demo.session import session_clips
from backsight.domain.recording import Exercise
from backsight.errors import WeightsError

pytest.importorskip("openvino", reason="the extra `fast` is not installed")

PROGRAM = """
import pickle, sys
from backsight.batch.work import do_clip, load
equipment, job = pickle.loads(bytes.fromhex(sys.argv[1]))
load(equipment)
before = set(sys.modules)
result = do_clip(job, equipment)
later = set(sys.modules) - before
print(result.n_frames, *sorted(later & {"av", "cv2", "numpy", "onnxruntime", "openvino", "pyarrow", "scipy"}), sep="|")
print("pandas" in sys.modules)
"""


@pytest.mark.parametrize("task", list(Task))
def test_after_loading_a_clip_imports_no_large_library(task: Task) -> None:
    try:
        equipment, _ = equip(replace(RunOptions(Task.ASSESS), task=task, engine="openvino"))
    except WeightsError as error:
        pytest.skip(str(error))
    job = Job("0" * 32, session_clips()[Exercise.JUMP], ClipOptions(Exercise.JUMP, end="40f"))
    given = pickle.dumps((equipment, job)).hex()
    done = subprocess.run([sys.executable, "-c", PROGRAM, given], capture_output=True, text=True, check=False)
    # Landmarks become a table without pandas, which pyarrow imports wherever it is asked to convert something.
    assert (done.stdout, done.returncode) == ("40\nFalse\n", 0), done.stderr
