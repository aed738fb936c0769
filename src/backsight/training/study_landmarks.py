"""Tell whether a recording's landmarks are like those that a model has learnt from. Knows no learner and no file."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from backsight.domain.study import NOT_KNOWN, FoundBy, describe_finders, whatever_ran_it
from backsight.pose.weights import PoseModel

NOT_TOLD = (
    "Which BlazePose found the study's landmarks is not known here, and each finds others: `backsight assess` with the "
    "same `--pose-model` that `backsight extract` was given. With another one figures and interval need not hold."
)


@dataclass(frozen=True)
class StudyLandmarks:
    """What found the landmarks that a model has learnt from."""

    counted: tuple[tuple[FoundBy, int], ...]
    """As `count_finders` gives it; empty = not known."""

    @property
    def known(self) -> tuple[FoundBy, ...]:
        """What is known to have found some of them, whatever ran it, the commonest first."""
        return tuple(one for one, _ in whatever_ran_it(self.counted) if one != NOT_KNOWN)

    @property
    def pose_model(self) -> str:
        """The BlazePose model that found most of them, whatever else found others; empty = none did, or not known."""
        return next(iter(self._pose_models), "")

    @property
    def listed(self) -> str:
        """What found them, to be put after "found by"; with the number of clips where it was not one for all."""
        together = whatever_ran_it(self.counted)
        return str(together[0][0]) if len(together) == 1 else _list_finders(together)

    def has_only_others_than(self, found_by: FoundBy) -> bool:
        """Whether both are known and none of the study's landmarks was found by it, whatever ran it."""
        own = FoundBy(pose_model=found_by.pose_model, sensor=found_by.sensor)
        return own != NOT_KNOWN and bool(self.known) and own not in self.known

    def told(self) -> str:
        """Return for the model's card what found them, and what that asks of a recording to be judged."""
        if not self.known:
            return "What found the study's landmarks is not known: their files do not say."
        words = [f"The study's landmarks were found by {_list_finders(self.counted)}."]
        if len(whatever_ran_it(self.counted)) > 1:
            words.append(
                f"Figures and interval are of all {sum(n for _, n in self.counted)} clips together, and need not hold "
                "for landmarks of one kind alone."
            )
        if options := self._options:
            also = f", and {' or '.join(options[1:])} when told so" if options[1:] else ""
            words.append(
                f"Each BlazePose model finds other landmarks for the same movement, so `assess` takes {options[0]} by "
                f"itself{also}; with another one there is no interval and no verdict."
            )
        else:
            words.append(
                "BlazePose, with which `assess` looks, finds other landmarks for the same movement, so `assess` gives "
                "no interval and no verdict."
            )
        return " ".join(words)

    def told_beside(self, pose_model: str) -> str:
        """Return for a recording's report how far figures and interval hold for it; empty where other words say it.

        Parameters
        ----------
        pose_model
            BlazePose model that found the recording's landmarks; empty = there is no recording yet.
        """
        own = FoundBy(pose_model=pose_model)
        if not self.known:
            return NOT_TOLD
        if own == NOT_KNOWN or self.has_only_others_than(own):
            return ""
        if len(whatever_ran_it(self.counted)) == 1:
            return f"The study's landmarks were found by {own}, as this recording's were."
        return (
            f"The study's landmarks were found by {self.listed}. Each finds other landmarks for the same movement, so "
            f"figures and interval, which are of all clips together, need not hold for {own} alone."
        )

    def no_verdict(self, pose_model: str) -> str:
        """Return why no verdict may rest on what a BlazePose model finds, and what to do; empty where one may.

        Parameters
        ----------
        pose_model
            As in `told_beside`.
        """
        own = FoundBy(pose_model=pose_model)
        if not self.has_only_others_than(own):
            return ""
        options = " or ".join(self._options)
        return (
            f"{own} finds the landmarks here, but the study's were found by {self.listed}: each finds others for the "
            "same movement, so how far the index may be off is not known; "
            f"{f'assess with {options}, or ' if options else ''}train on landmarks that {own} found."
        )

    @property
    def _pose_models(self) -> tuple[str, ...]:
        """The BlazePose models that found some of them, the commonest first."""
        # Any text may stand in a file of landmarks.
        return tuple(one.pose_model for one in self.known if one.pose_model in set(PoseModel))

    @property
    def _options(self) -> tuple[str, ...]:
        """The options that ask for those."""
        return tuple(f"`--pose-model {name}`" for name in self._pose_models)


def _list_finders(counted: Sequence[tuple[FoundBy, int]]) -> str:
    """Return what found some of the landmarks, and in how many clips nobody knows."""
    known = [(one, n) for one, n in counted if one.pose_model or one.sensor]
    n_unknown = sum(n for _, n in counted) - sum(n for _, n in known)
    if not n_unknown:
        return describe_finders(known)
    clips, files = ("clip", "its file does") if n_unknown == 1 else ("clips", "their files do")
    return f"{describe_finders(known)} and, in {n_unknown} {clips}, by something that {files} not name"
