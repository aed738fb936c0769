"""Who was recorded doing what: exercises, source properties, the rating scale. Knows nothing of pixels or files."""

from dataclasses import dataclass
from enum import StrEnum

from backsight.errors import InvalidValueError

CAMERA_PREFIX = "camera:"
"""What a name that means a camera and not a file begins with."""
EXERCISE_LIMIT_S = 60.0
"""Every exercise is to be completed within 60 seconds (paper, section III-B)."""
HEIGHT_RANGE_M = (1.00, 2.30)
"""Standing heights that a user can give: wide enough for children of school age, too narrow for a slip of the unit."""


class Exercise(StrEnum):
    """The paper's three exercises (section III-B)."""

    TOUCH_TOES = "touch-toes"
    WALK = "walk"
    JUMP = "jump"

    @property
    def label(self) -> str:
        """The exercise as shown to people."""
        return {"touch-toes": "Touch your toes", "walk": "Walk 2 metres", "jump": "Jump as high as you can"}[self.value]


def index_from_rating(rating: float) -> float:
    """Turn a rating of one's back, 0 worst to 100 best, into an index, 0 best to 1 worst.

    The one place where the polarity of the two scales is stated (paper, section III-B).

    Raises
    ------
    InvalidValueError
        When the rating is not within 0 to 100.
    """
    if not 0.0 <= rating <= 100.0:
        raise InvalidValueError(f"`rating` must lie within 0 (most pain or stress) and 100 (least), got {rating}")
    return 1.0 - rating / 100.0


@dataclass(frozen=True)
class SourceInfo:
    """What is known of a recording before its frames are looked at."""

    name: str
    """File name or camera name; never a whole path, because reports are passed on."""
    width: int
    """Frame width in pixels as recorded, after the rotation tag is honoured."""
    height: int
    """Frame height in pixels as recorded, after the rotation tag is honoured."""
    fps: float
    """Mean frames a second; NaN when the container does not say."""
    duration_s: float
    """Length of the selected part in seconds; NaN when unknown or live."""
    n_frames: int = 0
    """Frames that will be handed on; 0 when unknown or live."""
    codec: str = ""
    rotation_deg: int = 0
    is_live: bool = False
    crop: tuple[int, int, int, int] | None = None
    """(x, y, width, height) in pixels of the displayed picture, where only a part of it was looked at."""
    analysed_size: tuple[int, int] = (0, 0)
    """(width, height) of the frames handed on: cropped, then fitted into the paper's 1280 x 720 without distortion."""


@dataclass(frozen=True)
class Recording:
    """One person's one go at one exercise, with the rating they gave their back afterwards."""

    subject_id: str
    exercise: Exercise
    rating: float | None = None
    """0 (most back pain or stress) to 100 (least); None when not asked."""

    def __post_init__(self) -> None:
        if self.rating is not None:
            index_from_rating(self.rating)
