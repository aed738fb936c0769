"""What a participant's pages tell their scripts, and how each exercise is explained. Knows no table and no request."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from backsight.domain.landmarks import SKELETON, Landmark
from backsight.domain.recording import Exercise
from backsight.errors import ModelFileError
from backsight.pose import quality_body as body
from backsight.pose import quality_person as person
from backsight.pose import quality_recording as picture
from backsight.storage.progress import ExerciseProgress, ExerciseState
from backsight.storage.tables import PrivacyMode, Study
from backsight.web import pose_runtime
from backsight.web.templating import STATIC_DIR, static_url

HOME = "/take-part"
"""Where a participant's own pages are, and where what comes next is found."""
TOO_NEAR_SHARE = 0.9
"""As in `live.hints`: a body that fills this share of the picture's height has no room to lift an arm or to jump."""
CHECKED: Mapping[str, str] = {
    "body": "Your whole body in the picture",
    "distance": "Distance",
    "light": "Light",
    "alone": "Nobody else in the picture",
    "still": "Camera held still",
}
"""What the camera check looks at, in the order shown."""
DELAYS_S = (3, 10)
"""Countdowns: with somebody at the device, and alone, with time to walk to one's place."""
LENGTHS_S = (15, 30, 60)
"""After how long a recording ends by itself; the paper allows 60 s."""

UPLOADER = "vendor/tus-js-client/tus.min.js"
"""Sends a video in pieces; `scripts/build_web.py` puts it there."""

BODY_PARTS: Mapping[str, tuple[Landmark, ...]] = {
    "head": (Landmark.NOSE, Landmark.LEFT_EAR, Landmark.RIGHT_EAR),
    "hips": (Landmark.LEFT_HIP, Landmark.RIGHT_HIP),
    "knees": (Landmark.LEFT_KNEE, Landmark.RIGHT_KNEE),
    "ankles": (Landmark.LEFT_ANKLE, Landmark.RIGHT_ANKLE),
    "feet": (Landmark.LEFT_HEEL, Landmark.RIGHT_HEEL, Landmark.LEFT_FOOT_INDEX, Landmark.RIGHT_FOOT_INDEX),
}
"""What must be in the picture, as `pose.quality_person` judges it; a test compares the two."""
HANDS = (Landmark.LEFT_WRIST, Landmark.RIGHT_WRIST)


@dataclass(frozen=True)
class Explanation:
    """How an exercise is done, in plain words."""

    title: str
    steps: tuple[str, ...]
    camera: str
    """How to stand to the camera."""
    figure: str
    """What the drawing shows, for who cannot see it."""


EXPLANATIONS: Mapping[Exercise, Explanation] = {
    Exercise.TOUCH_TOES: Explanation(
        "Touch your toes",
        (
            "Stand upright with your feet a little apart, and wait a moment.",
            "Bend forward slowly and reach for your toes. Keep your knees straight if you can.",
            "Go only as far as it feels all right, then come up slowly and stand still again.",
        ),
        "Stand sideways to the camera.",
        "A person seen from the side bends forward from the hips, reaches for the toes and stands up again.",
    ),
    Exercise.WALK: Explanation(
        "Walk 2 metres",
        (
            "Stand at one side of the picture.",
            "Walk about 2 metres to the other side, three or four steps, as fast as you usually walk.",
            "Stop there and stand still.",
        ),
        "Walk across the picture, so that the camera sees you from the side.",
        "A person seen from the side walks with arms and legs swinging.",
    ),
    Exercise.JUMP: Explanation(
        "Jump as high as you can",
        (
            "Stand upright with your feet a little apart, and wait a moment.",
            "Bend your knees and jump straight up once, as high as feels all right.",
            "Land on both feet, and stand still again.",
        ),
        "Face the camera.",
        "A person facing the camera bends the knees, jumps straight up and lands on both feet.",
    ),
}


def page_settings(exercise: Exercise | None = None) -> dict[str, Any]:
    """Return what the scripts need to show a live skeleton and hints, ready for JSON.

    The thresholds are those of the quality checks that will judge the recording.

    Parameters
    ----------
    exercise
        What will be recorded; None = not known yet, so hands must be seen as well.

    Raises
    ------
    ModelFileError
        When the pose runtime or the model is not there.
    """
    parts = {name: [int(mark) for mark in marks] for name, marks in BODY_PARTS.items()}
    if exercise in (None, Exercise.TOUCH_TOES):
        parts["hands"] = [int(mark) for mark in HANDS]
    return {
        "runtime": asdict(pose_runtime.runtime_addresses()),
        "engine": pose_runtime.ENGINE,
        "poseModel": pose_runtime.MODEL.value,
        # Two are looked for, so that somebody else is noticed.
        "people": 2,
        "skeleton": [[int(first), int(second)] for first, second in SKELETON],
        "parts": parts,
        "limits": {
            "foundShare": person.FOUND_GOOD,
            "foundUsable": person.FOUND_USABLE,
            "partSeen": person.PART_SEEN_FROM,
            "wholeShare": person.WHOLE_GOOD,
            "heightPx": person.HEIGHT_GOOD_PX,
            "heightShare": person.HEIGHT_GOOD_SHARE,
            "tooNearShare": TOO_NEAR_SHARE,
            "crowdedShare": person.CROWDED_UNUSABLE,
            "noseToAnkle": body.NOSE_TO_ANKLE_PER_HEIGHT,
            "luma": list(picture.BRIGHTNESS_GOOD),
            "contrast": picture.CONTRAST_GOOD_FROM,
            "fps": picture.FPS_USABLE,
        },
    }


def exercise_settings(one: ExerciseProgress, study: Study) -> dict[str, Any]:
    """Return what the script of an exercise's page needs, ready for JSON.

    Raises
    ------
    ModelFileError
        When the pose runtime, the model or what sends videos is not there.
    """
    return page_settings(one.exercise) | {
        "exercise": one.exercise.value,
        "shortestS": picture.NEEDED_S[one.exercise],
        "mode": study.privacy_mode.value,
        "showsIndex": study.show_live_index,
        "unrated": one.recording_id if one.state is ExerciseState.UNRATED else None,
        "unfinished": one.unfinished_id,
        "uploader": _uploader() if study.privacy_mode is PrivacyMode.VIDEO else None,
    }


def _uploader() -> str:
    if not (STATIC_DIR / UPLOADER).is_file():
        raise ModelFileError(
            f"{STATIC_DIR / UPLOADER} is missing: what sends videos was not built; run `make web-assets` (it needs npm)"
        )
    return static_url(UPLOADER)
