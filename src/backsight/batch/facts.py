"""What is kept of one clip besides its landmarks, as plain values that JSON holds exactly. Knows nothing of files."""

from __future__ import annotations

import json
import math
from dataclasses import asdict, dataclass
from typing import Any

from backsight.domain.assessment import (
    ExerciseAssessment,
    Measurement,
    QualityCheck,
    QualityReport,
    QualityVerdict,
    SubIndex,
)
from backsight.domain.recording import Exercise, SourceInfo
from backsight.domain.sequences import PoseSequence
from backsight.pipeline import ExtractedRecording


@dataclass(frozen=True)
class Measured:
    """A measurement or sub-index, without the words that are the same for every clip."""

    kind: str
    """`measurement` or `sub-index`."""
    name: str
    label: str
    value: float
    unit: str
    """Empty for a sub-index, which runs 0 best to 1 worst."""
    low: float
    """Lower end of the 90 % interval; NaN = not known."""
    high: float
    verdict: str
    """Of a sub-index; else empty."""
    note: str


@dataclass(frozen=True)
class ClipFacts:
    """What is known of a clip that was seen; NaN = not known. A `scoring.assess.JudgedExercise` where it has one."""

    exercise: Exercise | None
    checks: tuple[QualityCheck, ...]
    width_px: int
    height_px: int
    analysed_width_px: int
    analysed_height_px: int
    codec: str
    n_frames: int
    n_with_person: int
    first_timestamp_s: float
    duration_s: float
    fps: float
    removed_share: float
    filled_share: float = math.nan
    unfamiliar_share: float = math.nan
    index: float | None = None
    index_raw: float = math.nan
    index_low: float = math.nan
    index_high: float = math.nan
    measured: tuple[Measured, ...] = ()

    @property
    def quality(self) -> QualityReport:
        """The verdict on the recording."""
        return QualityReport(self.checks)

    @classmethod
    def of_assessment(cls, part: ExerciseAssessment) -> ClipFacts:
        """Keep what an assessment of one exercise says."""
        return cls(
            exercise=part.exercise,
            checks=part.quality.checks,
            **_recording(part.source, part.pose),
            removed_share=part.removed_share,
            filled_share=part.filled_share,
            unfamiliar_share=part.unfamiliar_share,
            index=part.index,
            index_raw=math.nan if part.curve is None else float(part.curve.raw[-1]),
            index_low=math.nan if part.interval is None else part.interval.low,
            index_high=math.nan if part.interval is None else part.interval.high,
            measured=(*map(_measurement, part.measurements), *map(_sub_index, part.sub_indices)),
        )

    @classmethod
    def of_extract(cls, extracted: ExtractedRecording, *, exercise: Exercise | None, source: SourceInfo) -> ClipFacts:
        """Keep what extracting says."""
        return cls(
            exercise=exercise,
            checks=extracted.quality.checks,
            **_recording(source, extracted.pose),
            removed_share=extracted.removed_share,
        )

    def to_json(self) -> str:
        """Return the facts as text; floats keep every bit."""
        return json.dumps(asdict(self), sort_keys=True)

    @classmethod
    def from_json(cls, text: str) -> ClipFacts:
        """Read what `to_json` wrote."""
        fields: dict[str, Any] = json.loads(text)
        exercise = fields.pop("exercise")
        checks = tuple(
            QualityCheck(**{**check, "verdict": QualityVerdict(check["verdict"])}) for check in fields.pop("checks")
        )
        measured = tuple(Measured(**item) for item in fields.pop("measured"))
        return cls(
            exercise=None if exercise is None else Exercise(exercise), checks=checks, measured=measured, **fields
        )


def _recording(source: SourceInfo, pose: PoseSequence) -> dict[str, Any]:
    analysed_width, analysed_height = source.analysed_size
    return {
        "width_px": source.width,
        "height_px": source.height,
        "analysed_width_px": analysed_width,
        "analysed_height_px": analysed_height,
        "codec": source.codec,
        "n_frames": pose.n_frames,
        "n_with_person": int(pose.has_person.sum()),
        "first_timestamp_s": float(pose.timestamps_s[0]),
        "duration_s": pose.duration_s,
        "fps": pose.fps,
    }


def _measurement(item: Measurement) -> Measured:
    return Measured(
        kind="measurement",
        name=item.name,
        label=item.label,
        value=float(item.value),
        unit=item.unit,
        low=float(item.value - item.error),
        high=float(item.value + item.error),
        verdict="",
        note=item.note,
    )


def _sub_index(item: SubIndex) -> Measured:
    return Measured(
        kind="sub-index",
        name=item.name,
        label=item.label,
        value=float(item.value),
        unit="",
        low=math.nan if item.interval is None else float(item.interval.low),
        high=math.nan if item.interval is None else float(item.interval.high),
        verdict=item.verdict.value,
        note=item.measurement.note,
    )
