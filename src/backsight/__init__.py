"""Estimate the risk of spinal dysfunction from a video of a person moving.

>>> import backsight
>>> assessment = backsight.assess(walk="walk.mp4")  # doctest: +SKIP
>>> assessment.index, assessment.verdict  # doctest: +SKIP

Importing is light: each name below is loaded when it is first used. Nothing here is a diagnosis.
"""

# Importing `typing` takes as long as all else up to the moment from which the command line minds Ctrl-C.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from backsight.composition import assess, assess_to_folder
    from backsight.domain.assessment import Assessment
    from backsight.domain.recording import Exercise
    from backsight.domain.sequences import FeatureSequence, PoseSequence
    from backsight.errors import BacksightError

__all__ = ["Assessment", "BacksightError", "Exercise", "FeatureSequence", "PoseSequence", "assess", "assess_to_folder"]

_HOME = {
    "Assessment": "backsight.domain.assessment",
    "BacksightError": "backsight.errors",
    "Exercise": "backsight.domain.recording",
    "FeatureSequence": "backsight.domain.sequences",
    "PoseSequence": "backsight.domain.sequences",
    "assess": "backsight.composition",
    "assess_to_folder": "backsight.composition",
}


def __getattr__(name: str) -> "Any":
    if name not in _HOME:
        raise AttributeError(f"module 'backsight' has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(_HOME[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)
