"""Small studies whose clips hardly move, for tests in which only people and scores matter."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from backsight.domain.sequences import PoseSequence
from backsight.domain.study import ScoreScale, Study, StudyClip

SCALE = ScoreScale(best=50.0, worst=0.0)


def make_clip(
    subject: str, exercise: str = "squat", *, score: float = 25.0, group: str = "", duration_s: float = 1.0
) -> StudyClip:
    """Return a clip of three frames in which every landmark goes 1 m to the right, on a trunk of 0.5 m."""
    world = np.zeros((3, 33, 3))
    world[:, 11:13, 1] = -0.5
    world[:, :, 0] += np.array([0.0, 0.5, 1.0])[:, np.newaxis]
    pose = PoseSequence(
        image_px=world * 100.0,
        world_m=world,
        visibility=np.ones((3, 33)),
        presence=np.ones((3, 33)),
        timestamps_s=np.array([0.0, 0.5, 1.0]) * duration_s,
        frame_size=(640, 480),
    )
    return StudyClip(
        subject=subject, exercise=exercise, pose=pose, score=score, group=group, name=f"{subject} scored {score}"
    )


def make_study(
    n_people: int = 20,
    exercises: Sequence[str] = ("squat", "lean"),
    score: Callable[[int, str], float] = lambda person, _: 2.0 * person,
) -> Study:
    """Return a study in which every person does every exercise once; person 3 is called `B_03`, of group `B`."""
    clips = [
        make_clip(f"{'AB'[person % 2]}_{person:02d}", exercise, score=score(person, exercise), group="AB"[person % 2])
        for person in range(n_people)
        for exercise in exercises
    ]
    return Study(name="fake", clips=tuple(clips), scale=SCALE)


class Spy:
    """A learner that writes down what it is shown, and says the mean."""

    name = "spy"

    def __init__(self) -> None:
        self.fits: list[tuple[StudyClip, ...]] = []
        self.asked: list[tuple[int, tuple[StudyClip, ...]]] = []
        """After how many fits, and what."""

    def fit(self, clips: Sequence[StudyClip], *, scale: ScoreScale, seed: int) -> Spy.Fitted:
        self.fits.append(tuple(clips))
        return Spy.Fitted(self, len(self.fits) - 1, float(np.mean([clip.score for clip in clips])))

    class Fitted:
        def __init__(self, spy: Spy, fit: int, mean: float) -> None:
            self._spy, self._fit, self._mean = spy, fit, mean

        def predict(self, clips: Sequence[StudyClip]) -> np.ndarray:
            self._spy.asked.append((self._fit, tuple(clips)))
            return np.full(len(clips), self._mean)
