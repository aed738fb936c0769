"""Learn scores from summary measures with a kernel that pools a person's exercises. Knows no sensor and no file.

The score is taken to be the exercise's mean plus a smooth function of three things, each with its own share: how the
movement compares with others' of the same exercise, how it compares whatever the exercise, and how the person compares
over all exercises shown. That is kernel ridge regression, or a Gaussian process' mean, with a sum of three kernels.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar
from weakref import WeakKeyDictionary

import numpy as np

from backsight.domain.sequences import PoseSequence
from backsight.domain.study import ScoreScale, StudyClip
from backsight.domain.validation import FloatArray
from backsight.errors import InvalidValueError
from backsight.evaluation.nested import mean_miss, within
from backsight.features.summary import Summary, summarize
from backsight.training.kinematic_kernel import (
    KernelShares,
    KernelTerms,
    fit_coefficients,
    fit_support,
    leave_one_person_out,
)
from backsight.training.kinematic_scaling import ExerciseScalers

SHARES: tuple[KernelShares, ...] = tuple(
    KernelShares(exercise=0.5, shared=0.15, person=person, reach=reach, noise=noise)
    for person in (0.5, 0.0)
    for reach in (1.0, 1.3)
    for noise in (0.15, 0.35)
)
"""What is chosen among by leaving each training person out in turn. They are few because the optimum is flat, and a
choice among many costs more than it gains. Those without a person's share serve studies in which a person's movements
have nothing in common, as right and wrong repetitions. Which is chosen is told by kernel ridge, which leaves people out
in closed form; support vectors then fit with the kernel chosen and do not read its noise.
"""
FEWEST_PEOPLE = 2

_summaries: WeakKeyDictionary[PoseSequence, Summary] = WeakKeyDictionary()


def summary_of(clip: StudyClip) -> Summary:
    """Return a clip's summary, worked out once for as long as its landmarks live."""
    found = _summaries.get(clip.pose)
    if found is None:
        found = summarize(clip.pose)
        _summaries[clip.pose] = found
    return found


def summaries_of(clips: Sequence[StudyClip]) -> FloatArray:
    """Return the clips' summaries; shape (n_clips, n_features), NaN = could not be told."""
    return np.array([summary_of(clip).values for clip in clips])


def check_learnable(clips: Sequence[StudyClip]) -> None:
    """Raise `InvalidValueError` unless the clips are scored and show two people or more."""
    n_people = len({clip.subject for clip in clips})
    if n_people < FEWEST_PEOPLE:
        raise InvalidValueError(f"`clips` must show {FEWEST_PEOPLE} people or more to learn from, got {n_people}")
    unscored = [clip.name or clip.exercise for clip in clips if not clip.is_scored]
    if unscored:
        raise InvalidValueError(
            f"`clips` must be scored to learn from, got {unscored[0]} without a score; leave it out"
        )


@dataclass(frozen=True)
class KinematicLearner:
    """One explainable model of about 480 summary measures; `backsight benchmark kimore` says what it is worth.

    The person's mean over exercises has a kernel of its own, because a back is bad in all exercises. No gain on
    KIMORE: weighting measures by their correlation with the score (better inside the training people, not on others),
    ranks instead of clipped values, transformed scores, correlations between signals, shares by marginal likelihood.
    """

    name: str = "kinematic"
    choices: tuple[KernelShares, ...] = SHARES
    robust: bool = True
    """Whether misses count by their size (support vectors) and not by their square (kernel ridge), where scores are not
    just right or wrong. Nested folds prefer it slightly: clinicians' scores have long tails."""

    def counts_misses_by_size(self, scale: ScoreScale) -> bool:
        """Whether support vectors fit the scores of such a scale."""
        return self.robust and not scale.is_binary

    def fit(self, clips: Sequence[StudyClip], *, scale: ScoreScale, seed: int) -> FittedKinematic:
        """Scale measures, choose the kernel's shares and solve; nothing is drawn, so `seed` changes nothing.

        Raises
        ------
        InvalidValueError
            When there are fewer than two people, or a clip is not scored.
        """
        del seed
        check_learnable(clips)
        scalers = ExerciseScalers.fit(summaries_of(clips), [clip.exercise for clip in clips])
        terms = summary_terms(clips, scalers)
        scores = np.array([clip.score for clip in clips])
        means = exercise_means(clips)
        centred = scores - exercise_levels(clips, means)
        spread = float(centred.std()) or 1.0
        people = np.unique([clip.subject for clip in clips], return_inverse=True)[1]
        kernels = terms.against(terms)
        target = centred / spread
        errors = [
            mean_miss(spread * (leave_one_person_out(kernels, shares, people, target) - target), scale)
            for shares in self.choices
        ]
        chosen = self.choices[int(np.argmin(errors))]
        if self.counts_misses_by_size(scale):
            coefficients, level = fit_support(kernels, chosen, target)
        else:
            coefficients, level = fit_coefficients(kernels, chosen, people, target), 0.0
        return FittedKinematic(
            scale=scale,
            shares=chosen,
            scalers=scalers,
            terms=terms,
            coefficients=spread * coefficients,
            levels={exercise: mean + spread * level for exercise, mean in means.items()},
        )


def exercise_means(clips: Sequence[StudyClip]) -> dict[str, float]:
    """Return the mean score of each exercise."""
    return {
        exercise: float(np.mean([clip.score for clip in clips if clip.exercise == exercise]))
        for exercise in dict.fromkeys(clip.exercise for clip in clips)
    }


def exercise_levels(clips: Sequence[StudyClip], levels: Mapping[str, float]) -> FloatArray:
    """Return the level of each clip's exercise, or the mean of all where it is new; shape (n_clips,)."""
    overall = float(np.mean(list(levels.values())))
    return np.array([levels.get(clip.exercise, overall) for clip in clips])


def summary_terms(clips: Sequence[StudyClip], scalers: ExerciseScalers) -> KernelTerms:
    """Return what is compared of clips: their scaled summaries and their people's means."""
    exercises = [clip.exercise for clip in clips]
    return KernelTerms.of(
        scalers.scale(summaries_of(clips), exercises), exercises=exercises, people=[clip.subject for clip in clips]
    )


def with_first(clip: StudyClip, among: Sequence[StudyClip]) -> list[StudyClip]:
    """Return a clip and then a person's other clips."""
    return [clip, *(other for other in among if other is not clip)]


@dataclass(frozen=True, eq=False)
class FittedKinematic:
    """The kernel model after its training people."""

    kind: ClassVar[str] = "kinematic"
    """As learners are named, for whoever had several to choose from."""

    scale: ScoreScale
    shares: KernelShares
    scalers: ExerciseScalers
    terms: KernelTerms
    """Of the training clips."""
    coefficients: FloatArray
    """One a training clip, in points."""
    levels: Mapping[str, float]
    """Score of each exercise from which the kernels' sum counts."""

    def predict(self, clips: Sequence[StudyClip]) -> FloatArray:
        """Return scores within the scale, a person's clips pooled; shape (n_clips,).

        An exercise never learnt from starts from the mean of all; a clip that shows nothing counts as typical.
        """
        return within(self.unbounded(clips), self.scale)

    def unbounded(self, clips: Sequence[StudyClip]) -> FloatArray:
        """Return scores that may lie beyond the scale, a person's clips pooled; shape (n_clips,)."""
        if not clips:
            return np.empty(0)
        asked = summary_terms(clips, self.scalers)
        raw: FloatArray = asked.against(self.terms).mix(self.shares) @ self.coefficients
        return raw + exercise_levels(clips, self.levels)

    @property
    def how(self) -> str:
        """How `points` are found, for readers of a report."""
        return (
            "The shares are found along the way from a typical movement to this one (integrated gradients), because "
            "the model's measures act together."
        )

    def points(self, clip: StudyClip, *, among: Sequence[StudyClip] = ()) -> FloatArray:
        """Return by how much each measure of a clip moves its score from that of a typical person.

        Integrated gradients from the typical summary of the exercise (Sundararajan et al. 2017, arXiv:1703.01365): they
        add up to the score, before it is brought into the scale, less that of somebody typical in everything.

        Parameters
        ----------
        among
            Other clips of the same person, which are pooled with this one and held as they are.

        Returns
        -------
        numpy.ndarray
            In points of the score; shape (n_features,), in the order of the clip's summary.
        """
        asked = summary_terms(with_first(clip, among), self.scalers)
        return asked.integrated_gradients(self.terms, self.shares, self.coefficients)

    def usual(self, exercise: str) -> tuple[FloatArray, FloatArray]:
        """Return the 10th and the 90th centile of each measure in the exercise's training clips.

        Shape (n_features,) both; NaN where a measure did not vary. A measure that was missing counts as typical.
        """
        scaler = self.scalers.by_exercise.get(exercise, self.scalers.overall)
        scaled = self.terms.movement[self.terms.exercises == exercise]
        ends = np.percentile(scaled, [10.0, 90.0], axis=0)
        with np.errstate(invalid="ignore"):
            low, high = scaler.middle + scaler.spread * (ends * scaler.sd + scaler.mean)
        return low, high
