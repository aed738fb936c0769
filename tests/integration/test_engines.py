"""OpenVINO against MediaPipe on real clips: the same landmarks, the same people, and nothing of MediaPipe loaded.

Single pictures must agree to a fraction of a pixel. Over time BlazePose amplifies rounding: after some frames MediaPipe
differs as much from itself when a thousandth of the pixels are one grey value off. That is what bounds the rest.
"""

import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from itertools import islice
from pathlib import Path

import numpy as np
import pytest

from backsight.benchmarks.parity import Parity
from backsight.benchmarks.pose import PARITY_BARS, run_scene
from backsight.benchmarks.pose_scenes import Scene, add_company, make_scenes
from backsight.domain.sequences import Frame
from backsight.inputs import parse_clip
from backsight.openers import pose_estimator
from backsight.pose.blazepose import MediaPipeTracker
from backsight.pose.engines import PoseEngine
from backsight.pose.estimator import Tracker
from backsight.pose.openvino.tracker import load_tracker
from backsight.pose.weights import PoseModel, bundle_state
from backsight.settings import Settings

WALK = "#t=48f,182f&xywh=0,470,1560,524"
"""The woman of the demo's clip, alone, walking side-on."""
CLOSE = "#t=110f,150f&xywh=400,470,700,524"
"""The same, nearer."""


def bundle(model: PoseModel) -> Path:
    folder = Settings.from_environment().models_dir
    if bundle_state(model, folder=folder) != "ok":
        pytest.skip(f"BlazePose {model} is not here: run `backsight models fetch {model}`")
    return folder / model.file_name


def frames(clip: Path, *, count: int, fragment: str = "") -> list[Frame]:
    return list(islice(parse_clip(f"{clip}{fragment}").open().frames(), count))


@pytest.fixture
def trackers(demo_clip: Path) -> Iterator[tuple[Tracker, Tracker]]:
    mediapipe = MediaPipeTracker(bundle(PoseModel.LITE))
    yield mediapipe, load_tracker(bundle(PoseModel.LITE))
    mediapipe.close()


def test_single_pictures_give_the_same_people_with_the_same_landmarks(
    trackers: tuple[Tracker, Tracker], demo_clip: Path
) -> None:
    pictures = [frame.image for frame in frames(demo_clip, count=137)[76::20]]
    pictures += [add_company(frame.image) for frame in frames(demo_clip, count=31, fragment=CLOSE)[::15]]
    mediapipe, openvino = ([tracker.look(picture) for picture in pictures] for tracker in trackers)
    assert [len(people) for people in openvino] == [len(people) for people in mediapipe]
    assert max(len(people) for people in openvino) >= 2
    flat = [[person for people in engine for person in people] for engine in (mediapipe, openvino)]
    found = Parity.between(*flat).summary()
    assert found["image_median_px"] < 0.05
    assert found["image_p95_px"] < 0.5
    assert found["world_median_mm"] < 0.5
    assert found["visibility_median"] < 0.001


def test_smoothing_over_time_is_the_same_while_rounding_is_still_small(
    trackers: tuple[Tracker, Tracker], demo_clip: Path
) -> None:
    """A stranger's time steps, so that the filters' memory counts: 2 ms, 100 ms and 5 s."""
    walk = frames(demo_clip, count=36, fragment=WALK)[20::5]
    times_ms = (1000, 1002, 1102, 6102)
    mediapipe, openvino = (
        [tracker.track(frame.image, timestamp_ms=time) for frame, time in zip(walk, times_ms, strict=True)]
        for tracker in trackers
    )
    found = Parity.between(mediapipe, openvino).summary()
    assert found["agreement"] == 1.0
    assert found["image_median_px"] < 0.3
    assert found["world_median_mm"] < 3.0
    assert found["visibility_median"] < 0.002


def test_a_walk_is_followed_as_mediapipe_follows_it(demo_clip: Path) -> None:
    run = run_scene(bundle(PoseModel.LITE), Scene("walk", frames(demo_clip, count=60, fragment=WALK)))
    found, itself = run.parity.summary(), run.floor.summary()
    assert found["agreement"] >= 0.98
    assert found["visibility_median"] <= 0.05
    for name in ("image_median_px", "image_p95_px", "world_median_mm"):
        assert found[name] <= max(PARITY_BARS[name], 1.5 * itself[name]), name


@pytest.mark.slow
@pytest.mark.parametrize("model", list(PoseModel))
def test_hard_scenes_are_followed_as_mediapipe_follows_them(demo_clip: Path, model: PoseModel) -> None:
    walk = Scene("walk", frames(demo_clip, count=100, fragment=WALK))
    runs = [run_scene(bundle(model), scene) for scene in (walk, *make_scenes(walk))]
    found = Parity.pooled([run.parity for run in runs]).summary()
    itself = Parity.pooled([run.floor for run in runs]).summary()
    assert found["agreement"] >= 0.98
    assert found["visibility_median"] <= 0.05
    for name in ("image_median_px", "image_p95_px", "world_median_mm"):
        assert found[name] <= max(PARITY_BARS[name], 1.25 * itself[name]), name


def test_other_people_are_counted_alike(demo_clip: Path) -> None:
    """Half a second apart, so that they are looked for in every frame."""
    recording = [
        replace(frame, image=add_company(frame.image), timestamp_s=0.5 * number)
        for number, frame in enumerate(frames(demo_clip, count=31, fragment=CLOSE)[::6])
    ]
    counts = {}
    for engine in (PoseEngine.MEDIAPIPE, PoseEngine.OPENVINO):
        with pose_estimator(bundle(PoseModel.LITE), engine=engine) as estimator:
            assert estimator.engine == engine
            counts[engine] = [estimator.estimate(frame).n_people for frame in recording]
    assert counts[PoseEngine.OPENVINO] == counts[PoseEngine.MEDIAPIPE]
    assert 2 in counts[PoseEngine.OPENVINO]


def test_auto_is_openvino_where_it_is_and_mediapipe_where_it_is_not(
    lite_bundle: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pose_estimator(bundle(PoseModel.LITE)) as estimator:
        assert estimator.engine is PoseEngine.OPENVINO
    monkeypatch.setitem(sys.modules, "openvino", None)
    with pose_estimator(bundle(PoseModel.LITE)) as estimator:
        assert estimator.engine is PoseEngine.MEDIAPIPE


def test_an_empty_picture_has_nobody_and_is_handed_back_as_it_was(trackers: tuple[Tracker, Tracker]) -> None:
    image = np.full((90, 160, 3), 128, dtype=np.uint8)
    image.flags.writeable = False
    _, openvino = trackers
    assert openvino.track(image, timestamp_ms=0) is None
    assert list(openvino.look(image)) == []


def test_openvino_runs_in_one_thread_without_mediapipe_and_says_nothing(demo_clip: Path) -> None:
    """In a process of its own, because libraries stay loaded and speak once a process."""
    program = f"""
import sys, time
from itertools import islice
from pathlib import Path
from backsight.openers import pose_estimator
from backsight.inputs import parse_clip
frames = list(islice(parse_clip({f"{demo_clip}{WALK}"!r}).open(n_threads=1).frames(), 12))
with pose_estimator(Path({str(bundle(PoseModel.LITE))!r})) as estimator:
    estimator.estimate(frames[0])
    process, thread = time.process_time(), time.thread_time()
    assert any(estimator.estimate(frame).has_person for frame in frames[1:])
    process, thread = time.process_time() - process, time.thread_time() - thread
print(estimator.engine, thread >= 0.9 * process, "mediapipe" in sys.modules)
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "openvino True False\n", "")
