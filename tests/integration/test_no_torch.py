"""Assessing never loads torch, and importing Backsight loads next to nothing."""

import subprocess
import sys


def modules_after(statement: str) -> set[str]:
    program = f"{statement}; import sys; print(*sorted(sys.modules))"
    return set(
        subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout.split()
    )


def test_import_is_light() -> None:
    heavy = {"numpy", "av", "mediapipe", "onnxruntime", "torch", "typer", "rich", "pyarrow", "cv2"}
    assert modules_after("import backsight") & heavy == set()


def test_the_predictor_that_ships_runs_without_torch() -> None:
    assert "torch" not in modules_after("from backsight.openers import index_predictor; index_predictor()")


def test_the_whole_road_imports_without_torch() -> None:
    road = "import backsight.pipeline, backsight.pose.blazepose, backsight.video.overlay, backsight.reporting.report"
    assert "torch" not in modules_after(road)
