"""What can be said of an exercise while it goes on: hints, index so far, sub-indices. Knows no camera and no window.

Everything here is a preview. The result is what the road makes of the recording once it is saved.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass

from backsight.domain.assessment import RED_FLAG_ABOVE, IndexVerdict, Interval, ModelCard, QualityVerdict, SubIndex
from backsight.domain.movement import Movement
from backsight.domain.recording import EXERCISE_LIMIT_S, Exercise
from backsight.domain.sequences import Frame, PoseObservation, PoseSequence
from backsight.errors import InvalidValueError
from backsight.kinematics.body import measure_body
from backsight.live.hints import Hint, RecentFrames
from backsight.live.running import RunningIndex
from backsight.pipeline import prepare, while_present
from backsight.ports import IndexPredictor
from backsight.pose.quality_movement import check_movement, trunk_upright
from backsight.pose.quality_recording import NEEDED_S
from backsight.scoring.assess import index_interval
from backsight.scoring.measure import measure_exercise
from backsight.scoring.sub_indices import sub_indices

LEARNED_FROM_S = 1.0
"""In training the network's output was judged after every frame past the first second (model card)."""
MEASURE_EVERY_S = 1.0
"""Measures look at the whole exercise so far, which costs more the longer it is ..."""
MEASURE_SHARE = 0.15
"""... and may take this share of a core, because pose estimation needs the rest."""
UPRIGHT_SHARE = 0.95
"""A trunk that has this share of its height in the picture leans by 18 degrees or less (its cosine)."""
UPRIGHT_FOR_S = 0.3
"""So long the person is upright again before the movement counts as done."""


@dataclass(frozen=True)
class Preview:
    """What is known so far."""

    hints: tuple[Hint, ...] = ()
    """What to change in front of the camera, worst first."""
    index: float = float("nan")
    """The index so far, 0 best to 1 worst; NaN = nothing read yet."""
    interval: Interval | None = None
    verdict: IndexVerdict = IndexVerdict.CANNOT_TELL
    reason: str = ""
    """Why the verdict is what it is, in a few words."""
    seen_s: float = 0.0
    """Seconds of the person that the network has read."""
    since_s: float = float("nan")
    """Time of the first frame that index and sub-indices know; NaN = there is none yet."""
    unfamiliar_share: float = float("nan")
    """Share of the values outside the range seen in training."""
    sub_indices: tuple[SubIndex, ...] = ()
    """Of the exercise so far; empty while nothing can be measured."""
    is_running: bool = False
    """Whether an exercise is under way or was just done, so that index and sub-indices belong to it."""
    is_watching: bool = False
    """Whether pictures come, so that no hint means a good picture."""


class LivePreview:
    """Gathers frames cheaply and, when asked, works out the preview.

    Parameters
    ----------
    predictor
        The network.
    pose_model
        BlazePose model that finds the landmarks, whose errors the measures carry.
    frame_size
        (width, height) in pixels of the frames observed.
    clock
        Seconds, for the cost of measuring; replaced in tests.
    """

    def __init__(
        self,
        predictor: IndexPredictor,
        *,
        pose_model: str,
        frame_size: tuple[int, int],
        clock: Callable[[], float] = time.perf_counter,
    ) -> None:
        self._predictor = predictor
        self._pose_model = pose_model
        self._frame_size = frame_size
        self._clock = clock
        self._recent = RecentFrames(frame_size)
        self._exercise: Exercise | None = None
        self._index: RunningIndex | None = None
        self._observations: list[PoseObservation] = []
        self._times_s: list[float] = []
        self._measure_at_s = 0.0
        self._sub_indices: tuple[SubIndex, ...] = ()
        self._is_over = False
        self._goes_on = False

    def begin(self, exercise: Exercise | None, *, goes_on: bool = False) -> None:
        """Forget what was before and begin an exercise with the next frame.

        Parameters
        ----------
        exercise
            None = some movement, without measures.
        goes_on
            Nobody will end it: begin again, by itself, whenever it is as long as a recording may be. Otherwise memory
            and the work of showing the network everything again would grow as long as the camera runs.
        """
        self._exercise, self._goes_on = exercise, goes_on
        self._index = RunningIndex(self._predictor, frame_size=self._frame_size)
        self._observations, self._times_s, self._sub_indices = [], [], ()
        self._measure_at_s, self._is_over = MEASURE_EVERY_S, False

    def end(self) -> None:
        """Close the exercise: frames that follow do not belong to it, and its index is that of the road."""
        if self._index is not None and not self._is_over:
            self._index.finish()
            self._is_over = True
            self._measure(self._index)

    def push(self, seen: PoseObservation, *, timestamp_s: float) -> None:
        """Take the next frame's landmarks; costs next to nothing."""
        self._recent.push(seen, timestamp_s=timestamp_s)
        if self._goes_on and self._times_s and timestamp_s - self._times_s[0] >= EXERCISE_LIMIT_S:
            self.begin(self._exercise, goes_on=True)
        if self._index is not None and not self._is_over:
            self._index.push(seen, timestamp_s=timestamp_s)
            self._observations.append(seen)
            self._times_s.append(timestamp_s)

    def look_at(self, frame: Frame) -> None:
        """Look at a picture itself; five a second are enough."""
        self._recent.look_at(frame)

    def read(self, *, shown: Exercise = Exercise.TOUCH_TOES) -> Preview:
        """Work out what is known now; takes some milliseconds.

        Parameters
        ----------
        shown
            The exercise that is about to be done, for the hints before it has begun.
        """
        hints = self._recent.hints(exercise=self._exercise or shown)
        if self._index is None:
            return Preview(hints=hints, reason="starts with the exercise", is_watching=True)
        if not self._is_over:
            self._index.advance()
            if self._times_s and self._times_s[-1] - self._times_s[0] >= self._measure_at_s:
                cost_s = self._measure(self._index)
                wait_s = max(MEASURE_EVERY_S, cost_s / MEASURE_SHARE)
                self._measure_at_s = self._times_s[-1] - self._times_s[0] + wait_s
        index = self._index
        interval = None if math.isnan(index.value) else self._interval(index.value)
        verdict, reason = judge_preview(
            interval,
            seen_s=index.seen_s,
            needed_s=LEARNED_FROM_S if self._exercise is None else NEEDED_S[self._exercise],
            unfamiliar=index.unfamiliar_share > self._predictor.card.unfamiliar_above,
            forbidden=_forbidden(self._predictor.card, self._exercise),
            waits_for_the_movement=index.waits_for_the_movement,
            has_index=not math.isnan(index.value),
            hints=hints,
        )
        return Preview(
            hints=hints,
            index=index.value,
            interval=interval,
            verdict=verdict,
            reason=reason,
            seen_s=index.seen_s,
            since_s=self._times_s[0] if self._times_s else math.nan,
            unfamiliar_share=index.unfamiliar_share,
            sub_indices=self._sub_indices,
            is_running=True,
            is_watching=True,
        )

    def _interval(self, index: float) -> Interval | None:
        exercises = () if self._exercise is None else (self._exercise,)
        return index_interval(index, self._predictor.card, exercises=exercises)

    def _measure(self, index: RunningIndex) -> float:
        """Take the measures of the exercise so far, and what a model says that reads them; return the cost in s."""
        if self._exercise is None or len(self._times_s) < 2:
            return 0.0
        began_s = self._clock()
        pose = PoseSequence.from_observations(self._observations, self._times_s, frame_size=self._frame_size)
        if pose.has_person.any():
            self._look_at(pose, exercise=self._exercise, index=index)
        return self._clock() - began_s

    def _look_at(self, pose: PoseSequence, *, exercise: Exercise, index: RunningIndex) -> None:
        prepared = prepare(pose)
        if not (self._is_over or is_done(prepared.filtered, exercise=exercise)):
            return
        try:
            measured = measure_exercise(prepared.filtered, exercise=exercise, pose_model=self._pose_model)
            self._sub_indices = sub_indices(measured, exercise=exercise)
            if index.waits_for_the_movement:
                movement = Movement(exercise, while_present(prepared.filtered), prepared.features, measured, raw=pose)
                index.settle(self._predictor.judge(movement))
        except InvalidValueError:
            # Too little of a movement yet for one of the measures; the next look has more.
            self._sub_indices = ()
            index.settle(None)


def is_done(filtered: PoseSequence, *, exercise: Exercise) -> bool:
    """Return whether the exercise is seen and the person upright again.

    Half a bend would count as a stiff one; and where its end is missing, its times fit so loosely that looking for them
    costs seconds.
    """
    if check_movement(filtered, exercise=exercise).verdict is QualityVerdict.UNUSABLE:
        return False
    lately = filtered.timestamps_s > filtered.timestamps_s[-1] - UPRIGHT_FOR_S
    upright = trunk_upright(filtered, measure_body(filtered))[lately]
    return bool((upright > UPRIGHT_SHARE).all())


def _forbidden(card: ModelCard, exercise: Exercise | None) -> str:
    """Return why a card allows no verdict on an exercise, in a few words; empty where it allows one.

    The window has room for no more; the card's first line, which it shows too, says the rest.
    """
    if card.no_verdict:
        return "its model card allows no verdict"
    if exercise is not None and card.is_mute(exercise):
        return "this exercise alone tells nothing"
    return ""


def judge_preview(
    interval: Interval | None,
    *,
    seen_s: float,
    needed_s: float,
    unfamiliar: bool,
    forbidden: str,
    hints: tuple[Hint, ...],
    waits_for_the_movement: bool = False,
    has_index: bool = False,
) -> tuple[IndexVerdict, str]:
    """Return what an index so far means, and why in a few words; cannot tell unless everything speaks for it.

    Parameters
    ----------
    interval
        The index's; None before the first row, and where the model has none.
    seen_s
        Seconds of the person that the network has read.
    needed_s
        Shortest time in which the exercise can be done.
    unfamiliar
        Whether the movement is unlike those that the model was trained on.
    forbidden
        Why the model's card allows no verdict, in a few words; empty where it allows one.
    hints
        What is wrong with the picture now.
    waits_for_the_movement
        Whether the model reads whole movements only.
    has_index
        Whether there is an index already.
    """
    unusable = [hint for hint in hints if hint.severity is QualityVerdict.UNUSABLE]
    doubt = ""
    if forbidden and (has_index or interval is not None):
        doubt = forbidden
    elif interval is None and has_index:
        doubt = "how far the model may be off is not known"
    elif interval is None and waits_for_the_movement:
        doubt = "told when the movement is done"
    elif interval is None or seen_s < LEARNED_FROM_S:
        doubt = "warming up: the first second tells nothing"
    elif seen_s < needed_s:
        doubt = "too short yet for this exercise"
    elif unusable:
        doubt = "the picture does not allow it"
    elif unfamiliar:
        doubt = "unlike the movements that it was trained on"
    elif interval.is_undecided:
        doubt = f"its range spans {RED_FLAG_ABOVE}"
    if doubt or interval is None:
        return IndexVerdict.CANNOT_TELL, doubt
    is_above = interval.low + interval.high > 2.0 * RED_FLAG_ABOVE
    verdict = IndexVerdict.RED_FLAG if is_above else IndexVerdict.NO_RED_FLAG
    share = "most of its" if interval.verdict is IndexVerdict.CANNOT_TELL else "its whole"
    return verdict, f"{share} range lies {'above' if is_above else 'below'} {RED_FLAG_ABOVE}"
