"""BlazePose lite on real clips: one person is found, told left from right, and kept to among two."""

import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import av
import numpy as np
import pytest

from backsight.domain.landmarks import Landmark
from backsight.domain.sequences import Frame, PoseObservation
from backsight.errors import InvalidValueError, WeightsError
from backsight.pose.blazepose import BlazePose
from backsight.pose.weights import PoseModel, bundle_state
from backsight.settings import Settings

HIPS = [Landmark.LEFT_HIP, Landmark.RIGHT_HIP]


@pytest.fixture(scope="module")
def bundle(lite_bundle: None) -> Path:
    folder = Settings.from_environment().models_dir
    assert bundle_state(PoseModel.LITE, folder=folder) == "ok"
    return folder / PoseModel.LITE.file_name


def read_frames(
    path: Path, *, first: int = 0, count: int = 1000, size: tuple[int, int] | None = None
) -> Iterator[Frame]:
    """Decode without the project's own reader, so that a fault there cannot hide one here."""
    width, height = size or (None, None)
    with av.open(path) as container:
        for index, picture in enumerate(container.decode(video=0)):
            if index >= first + count:
                return
            if index >= first:
                image = picture.to_ndarray(format="rgb24", width=width, height=height)
                yield Frame(image=image, timestamp_s=float(picture.time or 0.0), index=index)


def estimate(bundle: Path, frames: Iterator[Frame]) -> list[PoseObservation]:
    with BlazePose(bundle) as engine:
        return [engine.estimate(frame) for frame in frames]


def test_the_walker_is_found_with_left_and_right(bundle: Path, test_videos: Path) -> None:
    """She walks to the left: her left side is the one towards the camera, her face is at smaller x than her ears."""
    clip = test_videos / "sports2d_walk_single_crop.mp4"
    seen = [
        observation for observation in estimate(bundle, read_frames(clip, first=20, count=80)) if observation.has_person
    ]
    assert len(seen) >= 0.95 * 80
    visibility = np.mean([observation.visibility for observation in seen], axis=0)
    world_m = np.mean([observation.world_m for observation in seen], axis=0)
    image_px = np.mean([observation.image_px for observation in seen], axis=0)
    assert image_px[Landmark.NOSE, 0] < image_px[[Landmark.LEFT_EAR, Landmark.RIGHT_EAR], 0].min()
    for left, right in [
        (Landmark.LEFT_SHOULDER, Landmark.RIGHT_SHOULDER),
        (Landmark.LEFT_HIP, Landmark.RIGHT_HIP),
        (Landmark.LEFT_ELBOW, Landmark.RIGHT_ELBOW),
    ]:
        assert world_m[left, 2] < world_m[right, 2]
        assert image_px[left, 2] < image_px[right, 2]
        assert visibility[left] >= visibility[right]
    # Upright: head above hips above ankles, y running down, in both frames of reference.
    order = [Landmark.NOSE, Landmark.LEFT_HIP, Landmark.LEFT_ANKLE]
    assert np.all(np.diff(image_px[order, 1]) > 0)
    assert np.all(np.diff(world_m[order, 1]) > 0)
    # A grown woman: nose to ankle between 1.2 and 1.8 m.
    assert 1.2 < world_m[Landmark.LEFT_ANKLE, 1] - world_m[Landmark.NOSE, 1] < 1.8


def test_the_jumper_from_the_front_has_the_left_at_larger_x(bundle: Path, test_videos: Path) -> None:
    clip = test_videos / "sports2d_jacks_crop.mp4"
    seen = [observation for observation in estimate(bundle, read_frames(clip, count=30)) if observation.has_person]
    assert len(seen) >= 0.95 * 30
    image_px = np.mean([observation.image_px for observation in seen], axis=0)
    assert image_px[Landmark.LEFT_SHOULDER, 0] > image_px[Landmark.RIGHT_SHOULDER, 0]
    assert image_px[Landmark.LEFT_HIP, 0] > image_px[Landmark.RIGHT_HIP, 0]
    assert {observation.n_people for observation in seen} == {1, None}


def test_among_two_people_one_is_kept_to(bundle: Path, test_videos: Path) -> None:
    """While the man on the wall leaps into the sun, the bare tracker jumps to the woman who walks to the left."""
    clip = test_videos / "sports2d_demo.mp4"
    observations = estimate(bundle, read_frames(clip, first=40, count=145, size=(1280, 720)))
    assert max(observation.n_people or 0 for observation in observations) >= 2
    hips = np.array([observation.image_px[HIPS, :2].mean(axis=0) for observation in observations])
    assert np.isfinite(hips[5:120]).all()
    # The man stands at 460 and leaps to the right; the woman passes below him and on to the left.
    assert np.nanmin(hips[:, 0]) > 440
    followed = [frame for frame, hip in enumerate(hips) if np.isfinite(hip).all()]
    height_px = 260.0
    for before, after in pairwise(followed):
        if not observations[after].changed_person:
            elapsed_s = (after - before) / 30
            assert np.linalg.norm(hips[after] - hips[before]) < height_px * (0.2 + 3.0 * min(elapsed_s, 0.4))


def test_frames_of_one_time_are_taken_and_frames_backwards_refused(bundle: Path, test_videos: Path) -> None:
    frame = next(read_frames(test_videos / "sports2d_jacks_crop.mp4"))
    with BlazePose(bundle) as engine:
        for timestamp_s in (1.0, 1.0, 1.0002, 1.0004, 1.001):
            assert engine.estimate(replace(frame, timestamp_s=timestamp_s)).has_person
        with pytest.raises(InvalidValueError, match="order of time"):
            engine.estimate(replace(frame, timestamp_s=0.5))
    with pytest.raises(InvalidValueError, match="closed"):
        engine.estimate(replace(frame, timestamp_s=2.0))


def test_an_empty_picture_has_nobody_and_is_handed_back_as_it_was(bundle: Path) -> None:
    image = np.full((90, 160, 3), 128, dtype=np.uint8)
    image.flags.writeable = False
    with BlazePose(bundle) as engine:
        observation = engine.estimate(Frame(image=image, timestamp_s=0.0, index=0))
    assert not observation.has_person
    assert observation.n_people == 0
    assert np.all(observation.visibility == 0)


@pytest.mark.parametrize("content", [b"", b"no zip", None])
def test_a_bundle_that_cannot_be_loaded_is_said_in_one_line(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "pose_landmarker_lite.task"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(WeightsError, match=r"pose_landmarker_lite\.task .*models fetch") as caught:
        BlazePose(path)
    assert "\n" not in str(caught.value)


def test_the_terminal_stays_clean(bundle: Path, test_videos: Path) -> None:
    """In a process of its own, because the C++ libraries speak once a process."""
    program = f"""
import sys, av
from pathlib import Path
from backsight.domain.sequences import Frame
from backsight.pose.blazepose import BlazePose
with BlazePose(Path({str(bundle)!r})) as engine, av.open({str(test_videos / "sports2d_jacks_crop.mp4")!r}) as clip:
    image = next(clip.decode(video=0)).to_ndarray(format="rgb24")
    assert engine.estimate(Frame(image=image, timestamp_s=0.0, index=0)).has_person
    assert engine.estimate(Frame(image=image, timestamp_s=0.1, index=1)).has_person
print("our own error", file=sys.stderr)
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "our own error\n")
