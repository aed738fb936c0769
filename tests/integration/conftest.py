"""Real clips and real weights, or a skip that says what is missing."""

import os
from pathlib import Path

import pytest

from backsight.pose.weights import PoseModel, bundle_state
from backsight.settings import Settings, demo_clip_path

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="session")
def lite_bundle() -> None:
    """Skip unless BlazePose lite is on this machine."""
    if bundle_state(PoseModel.LITE, folder=Settings.from_environment().models_dir) != "ok":
        pytest.skip("BlazePose lite is not here: run `backsight models fetch lite`")


@pytest.fixture(scope="session")
def demo_clip(lite_bundle: None) -> Path:
    """The real clip of `make demo`: two people, one of them walking side-on."""
    if not demo_clip_path().exists():
        pytest.skip("the demo's clip is not here: run `make demo` once")
    return demo_clip_path()


@pytest.fixture(scope="session")
def test_videos() -> Path:
    """The folder of real clips that are not part of the project."""
    folder = Path(os.environ.get("BACKSIGHT_TEST_DATA", ROOT.parent / "shared/data")) / "video"
    if not folder.is_dir():
        pytest.skip(f"no real clips in {folder}: set BACKSIGHT_TEST_DATA")
    return folder
