"""A real person made so small that the whole frame does not show them to BlazePose, and one who is large enough."""

from __future__ import annotations

from itertools import islice
from pathlib import Path

import cv2
import mediapipe
import numpy as np
import pytest
from mediapipe.tasks.python import BaseOptions, vision

from backsight.domain.landmarks import Landmark
from backsight.domain.sequences import Frame, PoseObservation
from backsight.inputs import parse_clip
from backsight.openers import pose_bundle, pose_estimator
from backsight.pose.blazepose import MediaPipeTracker, _CloseUp
from backsight.pose.closer import Window
from tests.clips import textured_picture

ENGINES = ("mediapipe", "openvino")
FRAME_SIZE = (1280, 720)
SHARE = 0.15
"""Height of the pasted person with raised arms as a share of the frame's longer side: 0.27 of a window's."""
TORSO = [Landmark.LEFT_SHOULDER, Landmark.RIGHT_SHOULDER, Landmark.LEFT_HIP, Landmark.RIGHT_HIP]


def estimate(images: list[np.ndarray], *, engine: str) -> list[PoseObservation]:
    if engine == "openvino":
        pytest.importorskip("openvino")
    with pose_estimator(pose_bundle("lite"), engine=engine) as estimator:
        return [
            estimator.estimate(Frame(image=image, timestamp_s=index / 30, index=index))
            for index, image in enumerate(images)
        ]


@pytest.fixture(scope="module")
def jacks(lite_bundle: None, test_videos: Path) -> list[np.ndarray]:
    clip = parse_clip(str(test_videos / "sports2d_jacks_crop.mp4"))
    return [frame.image for frame in islice(clip.open().frames(), 24)]


def shrink(pictures: list[np.ndarray], *, at: tuple[int, int], scale: float) -> list[np.ndarray]:
    """Paste the pictures, made small, into a grey frame."""
    made = []
    for picture in pictures:
        small = cv2.resize(picture, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
        frame = np.full((FRAME_SIZE[1], FRAME_SIZE[0], 3), 128, np.uint8)
        frame[at[1] : at[1] + small.shape[0], at[0] : at[0] + small.shape[1]] = small
        made.append(frame)
    return made


@pytest.mark.parametrize("engine", ENGINES)
def test_somebody_too_small_for_the_whole_frame_is_followed_where_they_are(
    jacks: list[np.ndarray], engine: str
) -> None:
    near = estimate(jacks, engine=engine)
    height_px = float(np.median([np.ptp(seen.image_px[:, 1]) for seen in near if seen.has_person]))
    scale = SHARE * FRAME_SIZE[0] / height_px
    at = (300, 250)
    far = estimate(shrink(jacks, at=at, scale=scale), engine=engine)
    assert sum(seen.has_person for seen in far) >= 20
    assert {seen.n_people for seen in far if seen.has_person} <= {1, None}
    assert not any(seen.changed_person for seen in far)
    both = [(one, other) for one, other in zip(near, far, strict=True) if one.has_person and other.has_person]
    apart = [
        np.linalg.norm(one.image_px[TORSO, :2] * scale + at - other.image_px[TORSO, :2], axis=1).mean()
        for one, other in both
    ]
    assert np.median(apart) < 0.05 * SHARE * FRAME_SIZE[0]


@pytest.mark.parametrize("engine", ENGINES)
def test_a_room_without_anybody_stays_empty(lite_bundle: None, engine: str) -> None:
    room = textured_picture(FRAME_SIZE)
    assert not any(seen.has_person for seen in estimate([room] * 35, engine=engine))


def test_a_landmarker_of_mediapipe_may_look_again_into_a_frame_in_which_it_lost_somebody(
    jacks: list[np.ndarray],
) -> None:
    window = Window(280, 0, 720)
    images = shrink(jacks[:6], at=(500, 250), scale=0.5)
    close_up = _CloseUp(pose_bundle("lite"))
    close_up.window = window
    followed = [close_up.track(image, 40 * index) is not None for index, image in enumerate(images[:5])]
    assert all(followed)
    assert close_up.track(np.full_like(images[0], 128), 200) is None
    assert close_up.window == window
    found_again = close_up.track(images[5], 200)
    close_up.close()
    assert found_again is not None


def test_whoever_the_whole_frame_shows_is_reported_bit_by_bit(jacks: list[np.ndarray]) -> None:
    """Beside a bare landmarker of MediaPipe; for some frames she is away, so that windows are looked into."""
    away = np.full_like(jacks[0], 128)
    images = [*jacks[:8], away, away, away, *jacks[8:]]
    bundle = pose_bundle("lite")
    tracker = MediaPipeTracker(bundle)
    options = vision.PoseLandmarkerOptions(
        base_options=BaseOptions(model_asset_path=str(bundle)), running_mode=vision.RunningMode.VIDEO, num_poses=1
    )
    n_compared = 0
    with vision.PoseLandmarker.create_from_options(options) as bare:
        for index, image in enumerate(images):
            seen = tracker.track(image, timestamp_ms=33 * index)
            picture = mediapipe.Image(image_format=mediapipe.ImageFormat.SRGB, data=np.ascontiguousarray(image))
            expected = bare.detect_for_video(picture, 33 * index).pose_landmarks
            if expected:
                height, width = image.shape[:2]
                assert seen is not None
                marks = np.array([(mark.x, mark.y, mark.z) for mark in expected[0]]) * (width, height, width)
                np.testing.assert_array_equal(seen.image_px, marks)
                n_compared += 1
    tracker.close()
    assert n_compared >= 20
