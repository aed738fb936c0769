"""Tell whether a recording's landmarks are like those that a model has learnt from. Knows no learner and no file."""

from __future__ import annotations

from dataclasses import dataclass

from backsight.domain.study import NOT_KNOWN, FoundBy, describe_finders, whatever_ran_it

NOT_TOLD = (
    "Which BlazePose found the study's landmarks is not known here, and each finds others: `backsight assess` with the "
    "same `--pose-model` that `backsight extract` was given. With another one figures and interval need not hold."
)
_WITH_OTHERS = "each finds others for the same movement, and with others `assess` gives no interval and no verdict."


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
    def listed(self) -> str:
        """What found them, as words; with the number of clips where it was not one for all."""
        together = whatever_ran_it(self.counted)
        return str(together[0][0]) if len(together) == 1 else describe_finders(together)

    def has_only_others_than(self, found_by: FoundBy) -> bool:
        """Whether both are known and none of the study's landmarks was found by it, whatever ran it."""
        own = FoundBy(pose_model=found_by.pose_model, sensor=found_by.sensor)
        return own != NOT_KNOWN and bool(self.known) and own not in self.known

    def told(self) -> str:
        """Return for the model's card what found them, and what that asks of a recording to be judged."""
        if not self.known:
            return "What found the study's landmarks is not known: their files do not say."
        found = f"The study's landmarks were found by {describe_finders(self.counted)}"
        if len(whatever_ran_it(self.counted)) > 1:
            found = f"{found}; figures and interval are of all of them together"
        options = self._options()
        return f"{found}. Assess with {options}: {_WITH_OTHERS}" if options else f"{found}: {_WITH_OTHERS}"

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
            f"The study's landmarks were found by {self.listed}, and each finds others. Figures and interval are of "
            f"all of them together, and need not hold for {own} alone."
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
        options = self._options()
        return (
            f"{own} finds the landmarks here, but the study's were found by {self.listed}: each finds others for the "
            "same movement, so how far the index may be off is not known; "
            f"{f'assess with {options}, or ' if options else ''}train on landmarks that {own} found."
        )

    def _options(self) -> str:
        """Return the options that ask for the study's BlazePose models; empty = it was none of them."""
        return " or ".join(f"`--pose-model {one.pose_model}`" for one in self.known if one.pose_model)
