"""Judge recordings with a learner that was fitted to a study. Knows no learner by name.

The study's score becomes an index, 0 best to 1 worst, by the study's own scale: the best score is 0, the worst 1, so
the red flag stands at the middle of the scale.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol, runtime_checkable

import numpy as np

from backsight.domain.assessment import Contribution, Explanation, IndexCurve, ModelCard
from backsight.domain.movement import JudgedMovement, Movement
from backsight.domain.recording import Exercise
from backsight.domain.sequences import FeatureSequence
from backsight.domain.study import StudyClip
from backsight.domain.validation import FloatArray
from backsight.errors import InvalidValueError
from backsight.evaluation.blinding import as_asked, ask
from backsight.training.fitted_file import FittedFile
from backsight.training.kinematic import summary_of
from backsight.training.searched import LEANS, is_tuned
from backsight.training.study_landmarks import StudyLandmarks

NO_VERDICT = (
    "On people whom it had not seen, the model is not better than giving everybody the median by more than chance in "
    "who took part explains."
)
NOT_COMPARED = "Its file does not say whether the model is better than giving everybody the median: train it again."
_SOMEBODY = "somebody"
"""A new person: no learner knows anybody by that name."""


@runtime_checkable
class ExplainsItself(Protocol):
    """A fitted learner on summary measures that says what moved a score; see `kinematic.FittedKinematic`."""

    @property
    def how(self) -> str:
        """How `points` are found, for readers of a report."""

    def unbounded(self, clips: Sequence[StudyClip]) -> FloatArray:
        """Return scores that may lie beyond the scale; shape (n_clips,)."""

    def points(self, clip: StudyClip) -> FloatArray:
        """Return by how much each measure moves a clip's score from a typical one's; shape (n_features,)."""

    def usual(self, exercise: str) -> tuple[FloatArray, FloatArray]:
        """Return the 10th and 90th centile of each measure in the exercise's training clips."""


class FittedPredictor:
    """A `ports.IndexPredictor` around a fitted learner.

    Parameters
    ----------
    content
        What `backsight train STUDY` wrote.
    names
        What the study calls each exercise that it has; movements of others are refused.
    pose_model
        BlazePose model that finds the landmarks of what is judged; empty = not known.
    """

    def __init__(self, content: FittedFile, *, names: Mapping[Exercise, str], pose_model: str = "") -> None:
        self._content, self._names = content, dict(names)
        self._card = card_of(content, pose_model=pose_model)

    @property
    def card(self) -> ModelCard:
        """Where the model comes from."""
        return self._card

    @property
    def exercises(self) -> frozenset[Exercise]:
        """What the model has learnt from."""
        return frozenset(self._names)

    def judge(self, movement: Movement) -> JudgedMovement:
        """Return the index of a whole recording, and what moved it where the learner can say.

        The curve holds one value, at the end. Whether the movement is like those learnt from is not known.

        Raises
        ------
        InvalidValueError
            When the study does not have the exercise, or the recording is empty.
        """
        if movement.exercise not in self._names:
            raise InvalidValueError(
                f"`exercise` must be one that the model has learnt ({', '.join(self._content.study.exercises)}), got "
                f"{movement.exercise}"
            )
        if not movement.pose.n_frames:
            raise InvalidValueError("`pose` must hold at least one frame, got none")
        clip = StudyClip(
            subject=_SOMEBODY,
            exercise=self._names[movement.exercise],
            # Studies hold landmarks as `backsight extract` finds them, and learners filter for themselves.
            pose=movement.pose if movement.raw is None else movement.raw,
            score=float("nan"),
        )
        explanation = _explain(self._content, clip)
        if explanation is None:
            raw = self._content.scale.to_index(float(ask(self._content.fitted, [clip]).predicted[0]))
        else:
            raw = explanation.typical + sum(one.points for one in explanation.contributions)
        curve = IndexCurve(timestamps_s=movement.pose.timestamps_s[-1:], raw=np.array([raw]))
        return JudgedMovement(curve, float("nan"), explanation)

    def stream(self) -> None:
        """Return nothing: there is no index before the movement is over."""
        return

    def unfamiliar_share(self, features: FeatureSequence) -> float:
        """Return NaN: it is not known what is unlike the study's movements."""
        del features
        return float("nan")


def card_of(content: FittedFile, *, pose_model: str = "") -> ModelCard:
    """Return the model's card with half-width and figures as an index has them.

    Parameters
    ----------
    pose_model
        BlazePose model that finds the landmarks of what is judged; empty = not known. Where the study's were found by
        others only, there is no interval and no verdict: both were found with the study's.
    """
    study, scale, landmarks = content.study, content.scale, StudyLandmarks(content.study.found_by)
    other_landmarks = landmarks.no_verdict(pose_model)
    half_width = float("nan") if other_landmarks else content.half_width
    no_verdict = " ".join(filter(None, (other_landmarks, _no_verdict(content.figures))))
    headline = (
        f"Fitted to the study “{study.name}” ({study.n_clips} recordings of {study.n_people} people), whose scores run "
        f"from {scale.worst:g} (worst) to {scale.best:g} (best) {scale.unit}. {_worth(content)} Research, no diagnosis."
    )
    if no_verdict:
        headline = f"{headline} {no_verdict}"
    lines = [
        headline,
        "",
        f"The index is the study's score on a scale from 0 (best) to 1 (worst); the red flag stands at its middle, "
        f"{scale.to_score(0.5):g} {scale.unit}, whatever that means in the study. Whether a movement is like those of "
        "the study is not checked.",
    ]
    if beside := landmarks.told_beside(pose_model):
        lines += ["", beside]
    if study.n_clips > study.n_people and np.isfinite(half_width):
        lines += [
            "",
            "The interval was found on people whose recordings were judged together. Here each recording is judged by "
            "itself, so that the interval may hold less often.",
        ]
    return ModelCard(
        name=f"{content.learner} of {study.name}",
        version=f"{content.version}+{study.fingerprint[:8]}",
        headline=headline,
        training_data=(
            f"{study.n_clips} scored recordings of {study.n_people} people: {', '.join(study.exercises)}"
            + (f"; {study.source}" if study.source else "")
        ),
        interval_half_width=half_width / scale.span,
        interval_level=content.level,
        score_scale=scale,
        no_verdict=no_verdict,
        text="\n".join([*lines, "", content.card]),
    )


def _no_verdict(figures: Mapping[str, Any]) -> str:
    """Return why no verdict may rest on the model; empty where one may, and where nothing was judged.

    A model that was not judged has no interval, and so no verdict either.
    """
    if "beats_median" not in figures:
        return NOT_COMPARED if figures.get("rows") else ""
    return "" if figures["beats_median"] else NO_VERDICT


def _worth(content: FittedFile) -> str:
    """Return in a sentence how far the model was off on people whom it had not seen, and how far a guess is."""
    off = {
        row["learner"]: row["mad"]["value"] for row in content.figures.get("rows", ()) if row.get("kind") == "learner"
    }
    if content.learner not in off:
        return "It was not judged on people whom it had not seen."
    guess = f"; giving everybody the median is off by {off['median']:.3g}" if "median" in off else ""
    told = f"On people whom it had not seen it was off by {off[content.learner]:.3g} {content.scale.error_unit}{guess}."
    # Reports show a headline as it is; in the card the sentence is Markdown.
    verdict = str(content.figures.get("verdict", "")).replace("`", "")
    return " ".join(filter(None, (told, verdict, LEANS if is_tuned(content.learner) else "")))


def _explain(content: FittedFile, clip: StudyClip) -> Explanation | None:
    """Return what each measure did to the index; None where the learner cannot say."""
    fitted, scale = content.fitted, content.scale
    if not isinstance(fitted, ExplainsItself):
        return None
    shown = as_asked(clip)
    low, high = fitted.usual(clip.exercise)
    summary, moved = summary_of(shown), fitted.points(shown)
    told = [
        Contribution(
            name=feature.name,
            label=feature.name[:1].upper() + feature.name[1:],
            body_part=feature.body_part,
            unit=feature.unit,
            value=float(value),
            usual_low=float(lowest),
            usual_high=float(highest),
            # A better score is a smaller index.
            points=-float(points) / (scale.best - scale.worst),
        )
        for feature, value, lowest, highest, points in zip(
            summary.features, summary.values, low, high, moved, strict=True
        )
        if np.isfinite(value) and np.isfinite(lowest)
    ]
    told.sort(key=lambda one: -abs(one.points))
    index = scale.to_index(float(fitted.unbounded([shown])[0]))
    return Explanation(
        typical=index - sum(one.points for one in told),
        contributions=tuple(told),
        n_missing=int((~np.isfinite(summary.values)).sum()),
        how=fitted.how,
    )
