"""What a learner is called whose settings were searched, and what its figures are worth. Knows no search."""

from __future__ import annotations

_MARK = "-tuned"
LEANS = (
    "Its settings were searched: where that was on people of the study that it is judged on, these figures lean to the "
    "good side."
)


def tuned_name(name: str) -> str:
    """Return what tables call a learner of that name with settings that were searched."""
    return f"{name}{_MARK}"


def usual_name(name: str) -> str:
    """Return the name under which a learner is asked for, whether its settings were searched or not."""
    return name.removesuffix(_MARK)


def is_tuned(name: str) -> bool:
    """Return whether a learner of that name has settings that were searched."""
    return name.endswith(_MARK)
