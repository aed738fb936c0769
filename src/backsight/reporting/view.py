"""Turn an assessment into what the report's template prints, word by word. Knows nothing of HTML."""

from __future__ import annotations

import base64
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np

from backsight.domain.assessment import (
    RED_FLAG_ABOVE,
    Assessment,
    ExerciseAssessment,
    IndexVerdict,
    Interval,
    QualityCheck,
    SubIndex,
    verdict_of,
)
from backsight.domain.recording import Exercise, SourceInfo
from backsight.domain.study import ScoreScale
from backsight.reporting import wording
from backsight.reporting.explanation import ExplanationView, view_explanation
from backsight.reporting.heat_map import GROUPS, HeatMap, LandmarkGroup, draw_heat_map
from backsight.reporting.measured import MeasurementGroup, MeasurementRow, describe_source, group_rows, make_row
from backsight.reporting.moments import Moment, MomentKind, find_moments
from backsight.reporting.plots import Plot, make_plots, plots_as_json


class StillLike(Protocol):
    """A picture of one moment."""

    @property
    def timestamp_s(self) -> float:
        """Seconds since the recording's first frame."""
        ...

    @property
    def jpeg(self) -> bytes:
        """The picture."""
        ...


@dataclass(frozen=True)
class Scale:
    """The index on its scale from 0 to 1, everything in per cent of the scale's width."""

    value: float
    value_text: str
    low: float | None
    high: float | None
    threshold: float
    tone: str
    description: str


@dataclass(frozen=True)
class SubIndexView:
    """One intermediate index and the measurement behind it."""

    label: str
    tone: str
    verdict: str
    scale: Scale
    row: MeasurementRow


@dataclass(frozen=True)
class CheckView:
    """One quality check."""

    label: str
    tone: str
    verdict: str
    finding: str
    tip: str


@dataclass(frozen=True)
class StillView:
    """A picture of one moment, ready to embed."""

    time_s: float
    label: str
    data_url: str


@dataclass(frozen=True, eq=False)
class ExerciseView:
    """One exercise as the page shows it."""

    key: str
    label: str
    index_text: str
    interval_text: str
    score_text: str
    """The index in the unit of the study that the model was fitted to; empty where the model knows none."""
    scale: Scale | None
    quality_tone: str
    quality_text: str
    problems: tuple[CheckView, ...]
    checks: tuple[CheckView, ...]
    video_url: str
    frame_size: tuple[int, int]
    stills: tuple[StillView, ...]
    plots: tuple[Plot, ...]
    moments: tuple[Moment, ...]
    moment_kinds: tuple[MomentKind, ...]
    duration_s: float
    duration_text: str
    explanation: ExplanationView | None
    heat_map: HeatMap
    heat_groups: tuple[tuple[LandmarkGroup, str], ...]
    heat_summary: str
    sub_indices: tuple[SubIndexView, ...]
    untold: tuple[tuple[str, str], ...]
    """Intermediate indices that could not be told, and why."""
    measurements: tuple[MeasurementGroup, ...]
    unmeasured: tuple[tuple[str, str], ...]
    """What could not be measured, and why."""
    sources: tuple[str, ...]
    """Where the norms come from, each once."""
    facts: tuple[tuple[str, str], ...]
    notes: tuple[str, ...]
    script_data: dict[str, object]


@dataclass(frozen=True, eq=False)
class ReportView:
    """The whole page."""

    moment: str
    created_at: str
    exercise_list: str
    verdict: wording.VerdictWords
    reason: str
    scale: Scale | None
    interval_text: str
    score_text: str
    """As of an exercise."""
    scale_of_lengths: str
    """What lengths and speeds rest on, in one sentence."""
    exercises: tuple[ExerciseView, ...]
    notes: tuple[str, ...]
    files: tuple[tuple[str, str], ...]


def view_report(
    assessment: Assessment, *, overlays: Mapping[Exercise, Path], stills: Mapping[Exercise, Sequence[StillLike]]
) -> ReportView:
    """Prepare everything that the template shows."""
    words = wording.verdict_words(assessment)
    parts = tuple(
        view_exercise(
            part,
            overlay=overlays.get(part.exercise),
            stills=stills.get(part.exercise, ()),
            score_scale=assessment.model.score_scale,
        )
        for part in assessment.exercises
    )
    return ReportView(
        moment=wording.format_moment(assessment.created_at),
        created_at=assessment.created_at,
        exercise_list=" · ".join(part.label for part in parts),
        verdict=words,
        reason=wording.for_readers(assessment.reason),
        scale=None if assessment.index is None else _scale(assessment.index, assessment.interval, tone=words.tone),
        interval_text=wording.format_interval(assessment.interval),
        score_text=_score_text(assessment.index, assessment.interval, assessment.model.score_scale),
        scale_of_lengths=wording.describe_scale(assessment.height_m),
        exercises=parts,
        notes=_session_notes(assessment),
        files=_files(overlays),
    )


def view_exercise(
    part: ExerciseAssessment,
    *,
    overlay: Path | None,
    stills: Sequence[StillLike],
    score_scale: ScoreScale | None = None,
) -> ExerciseView:
    """Prepare one exercise; `score_scale` is the model's."""
    start_s = float(part.pose.timestamps_s[0])
    plots = make_plots(part)
    moments, moment_kinds = find_moments(part.events, start_s=start_s, duration_s=part.pose.duration_s)
    heat_map = draw_heat_map(part.pose)
    checks = tuple(_check(check) for check in part.quality.checks)
    told = [item for item in part.sub_indices if not math.isnan(item.value)]
    shown = (*(item.measurement for item in told), *part.measurements)
    sources = tuple(
        dict.fromkeys(describe_source(item.norm) for item in shown if item.norm and not math.isnan(item.value))
    )
    return ExerciseView(
        key=part.exercise.value,
        label=part.exercise.label,
        index_text="" if part.index is None else f"{part.index:.2f}",
        interval_text=wording.format_interval(part.interval),
        score_text=_score_text(part.index, part.interval, score_scale),
        scale=None if part.index is None else _scale(part.index, part.interval, tone=_index_tone(part)),
        quality_tone=wording.QUALITY_TONES[part.quality.verdict],
        quality_text=wording.QUALITY_WORDS[part.quality.verdict],
        problems=tuple(_check(check) for check in part.quality.problems),
        checks=checks,
        video_url="" if overlay is None else data_url(overlay.read_bytes(), media_type="video/mp4"),
        frame_size=part.pose.frame_size,
        stills=tuple(_still(still, start_s=start_s) for still in stills),
        plots=plots,
        moments=moments,
        moment_kinds=moment_kinds,
        duration_s=part.pose.duration_s,
        duration_text=f"{part.pose.duration_s:.1f} s",
        explanation=view_explanation(part.explanation, start_s=start_s),
        heat_map=heat_map,
        heat_groups=tuple(
            (group, data_url(picture, media_type="image/png"))
            for group, picture in zip(GROUPS, heat_map.pictures, strict=True)
        ),
        heat_summary=_heat_summary(heat_map),
        sub_indices=tuple(_sub_index(item, sources=sources) for item in told),
        untold=tuple(
            (item.label, wording.for_readers(item.measurement.note))
            for item in part.sub_indices
            if math.isnan(item.value)
        ),
        measurements=group_rows(part.measurements, title=part.exercise.label, sources=sources),
        unmeasured=tuple(
            (item.label, wording.for_readers(item.note)) for item in part.measurements if math.isnan(item.value)
        ),
        sources=sources,
        facts=_facts(part),
        notes=tuple(wording.for_readers(note) for note in part.notes),
        script_data={
            "exercise": part.exercise.value,
            "duration": round(part.pose.duration_s, 4),
            "opening": int(np.argmax(part.pose.has_person)),
            "frames": [round(second - start_s, 4) for second in part.pose.timestamps_s.tolist()],
            "moments": [[round(moment.time_s, 4), moment.symbol] for moment in moments],
            **plots_as_json(plots),
        },
    )


def data_url(content: bytes, *, media_type: str) -> str:
    """Return the content as a `data:` URL, so that the page needs no other file."""
    return f"data:{media_type};base64,{base64.b64encode(content).decode('ascii')}"


def _score_text(index: float | None, interval: Interval | None, scale: ScoreScale | None) -> str:
    return "" if index is None else wording.format_score(index, interval, scale)


def _index_tone(part: ExerciseAssessment) -> str:
    """Return the tone of one exercise's index; unsure where its interval spans the threshold or is not known."""
    if part.index is None:
        return wording.VERDICT_TONES[IndexVerdict.CANNOT_TELL]
    return wording.VERDICT_TONES[verdict_of(part.index, part.interval)]


def _scale(index: float, interval: Interval | None, *, tone: str) -> Scale:
    described = f"Index {index:.2f} on a scale from 0, best, to 1, worst; red flag above {RED_FLAG_ABOVE}"
    if interval is not None:
        described += f"; {wording.format_interval(interval)}"
    return Scale(
        value=100.0 * index,
        value_text=f"{index:.2f}",
        low=None if interval is None else 100.0 * min(max(interval.low, 0.0), 1.0),
        high=None if interval is None else 100.0 * min(max(interval.high, 0.0), 1.0),
        threshold=100.0 * RED_FLAG_ABOVE,
        tone=tone,
        description=described,
    )


def _sub_index(item: SubIndex, *, sources: Sequence[str]) -> SubIndexView:
    tone = wording.VERDICT_TONES[item.verdict]
    verdict = {
        IndexVerdict.NO_RED_FLAG: "Within the usual",
        IndexVerdict.RED_FLAG: "Outside the usual",
        IndexVerdict.CANNOT_TELL: "Cannot tell",
    }[item.verdict]
    scale = _scale(item.value, item.interval, tone=tone)
    return SubIndexView(item.label, tone, verdict, scale, make_row(item.measurement, sources=sources))


def _check(check: QualityCheck) -> CheckView:
    return CheckView(
        label=check.label,
        tone=wording.QUALITY_TONES[check.verdict],
        verdict=wording.QUALITY_WORDS[check.verdict],
        finding=wording.for_readers(check.finding),
        tip=wording.for_readers(check.tip),
    )


def _still(still: StillLike, *, start_s: float) -> StillView:
    time_s = max(still.timestamp_s - start_s, 0.0)
    return StillView(time_s, f"{time_s:.1f} s", data_url(still.jpeg, media_type="image/jpeg"))


def _heat_summary(heat_map: HeatMap) -> str:
    missing = f"{wording.format_share(heat_map.missing_share)} of the readings are missing."
    if heat_map.fastest is None:
        return missing
    group, name, speed_cm_s = heat_map.fastest
    return f"Fastest: {group.lower()}, {name}, up to about {round(speed_cm_s, -1):.0f} cm/s. {missing}"


def _session_notes(assessment: Assessment) -> tuple[str, ...]:
    """Return the session's notes, led by the exercises that are missing unless a note names them already."""
    notes = tuple(wording.for_readers(note) for note in assessment.notes)
    unnamed = [item.label for item in assessment.missing if not any(item.label in note for note in notes)]
    if not unnamed:
        return notes
    return (f"Not recorded in this session: {' and '.join(f'“{label}”' for label in unnamed)}.", *notes)


def _facts(part: ExerciseAssessment) -> tuple[tuple[str, str], ...]:
    pose = part.pose
    return (
        ("Recording", part.source.name or "–"),
        ("Format", _format(part.source)),
        (
            "Analysed",
            f"{pose.n_frames} frames from {pose.timestamps_s[0]:.2f} to {pose.timestamps_s[-1]:.2f} s, "
            f"{pose.frame_size[0]} × {pose.frame_size[1]} px",
        ),
        ("Part of the picture", _crop(part.source)),
        ("Frames with a person", f"{int(pose.has_person.sum())} of {pose.n_frames}"),
        ("Readings removed for low visibility (below 0.6)", wording.format_share(part.removed_share)),
        ("Readings filled across short gaps", wording.format_share(part.filled_share)),
        ("Unlike the recordings that the model was trained on", wording.format_share(part.unfamiliar_share)),
    )


def _crop(source: SourceInfo) -> str:
    if source.crop is None:
        return "all of it"
    x, y, width, height = source.crop
    return f"{width} × {height} px from {x}, {y}"


def _format(source: SourceInfo) -> str:
    facts = [f"{source.width} × {source.height} px"]
    if math.isfinite(source.fps):
        facts.append(f"{source.fps:.2f} frames a second")
    if source.codec:
        facts.append(source.codec)
    if source.rotation_deg:
        facts.append(f"rotated by {source.rotation_deg}°")
    if source.is_live:
        facts.append("live camera")
    return ", ".join(facts)


def _files(overlays: Mapping[Exercise, Path]) -> tuple[tuple[str, str], ...]:
    return (
        ("report.html", "this page, complete in one file"),
        *((path.name, f"the video with the skeleton drawn: {exercise.label}") for exercise, path in overlays.items()),
        ("assessment.json", "every number on this page, for machines; described by a JSON Schema"),
        ("landmarks.parquet", "the 33 landmarks in every frame, in pixels and metres"),
    )
