"""A person's sessions over time as the JSON API answers them, typed; from `storage.history`. Knows no table."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from pydantic import BaseModel, Field

from backsight.domain.assessment import IndexVerdict, QualityVerdict
from backsight.domain.recording import Exercise


class Change(BaseModel):
    """How much a value differs from an earlier session's."""

    since: datetime = Field(description="When that session began.")
    difference: float = Field(description="Later minus earlier, in the value's unit; of the index: below 0 = better.")
    low: float | None = Field(description="Lower end of the difference's 90 % interval; null = not comparable.")
    high: float | None = Field(description="Upper end of the difference's 90 % interval; null = not comparable.")
    exceeds_error: bool | None = Field(
        description="Whether it changed by more than measurement error; null = the two cannot be compared."
    )
    why_not: str = Field(description="Why they cannot be compared; empty otherwise.")


class HistoryEstimate(BaseModel):
    """The index with its 90 % interval."""

    value: float = Field(description="Spinal health index, 0 best to 1 worst.", examples=[0.3])
    low: float = Field(description="Lower end of the 90 % interval.", examples=[0.12])
    high: float = Field(description="Upper end of the 90 % interval.", examples=[0.48])


class HistoryMeasure(BaseModel):
    """One measure of one session, with its 90 % interval, in `unit`."""

    exercise: Exercise
    name: str = Field(description="Stable identifier, with its unit.", examples=["trunk_flexion_deg"])
    label: str = Field(description="As shown to people.", examples=["Trunk flexion"])
    unit: str = Field(description="Of value, interval and changes; empty = none.", examples=["°"])
    value: float = Field(description="In `unit`.")
    low: float = Field(description="Lower end of the 90 % interval, in `unit`.")
    high: float = Field(description="Upper end of the 90 % interval, in `unit`.")
    since_first: Change | None = Field(description="Null = this is the first session that measured it.")
    since_previous: Change | None = Field(description="Null = this is the first session that measured it.")


class HistorySession(BaseModel):
    """One assessed session."""

    started_at: datetime = Field(description="When it began.")
    exercises: list[Exercise] = Field(description="That were assessed.")
    exercises_with_index: list[Exercise] = Field(description="That gave an index.")
    quality: QualityVerdict
    verdict: IndexVerdict
    index: HistoryEstimate | None = Field(description="Null = no recording was usable.")
    since_first: Change | None = Field(description="Of the index; null = no earlier session has one.")
    since_previous: Change | None = Field(description="Of the index; null = no earlier session has one.")
    model: str = Field(description="That gave the index; indices of different models are not compared.")
    pose_model: str = Field(description="BlazePose model that found the landmarks.", examples=["full"])
    pose_engine: str = Field(description="What ran it.", examples=["tasks-vision"])
    ratings: dict[Exercise, float] = Field(
        description="{exercise: how the person rated their back after it, 0 worst to 100 best}."
    )
    measures: list[HistoryMeasure] = Field(description="Those that carry an interval.")


class History(BaseModel):
    """A person's assessed sessions, and whether they changed by more than measurement error."""

    schema_: Literal["backsight.history"] = Field(alias="schema", description="What this document is.")
    schema_version: str = Field(
        description="Its first part rises when an old reader would fail or be misled.", examples=["1.0"]
    )
    statement: str = Field(description="That this is no diagnosis; to be shown with every number.")
    subject: str = Field(description="The participant's code.", examples=["P-0007"])
    study: str = Field(description="The study's name.", examples=["Backs in Ulm"])
    rule: str = Field(description="When a change counts as larger than measurement error.")
    level: float = Field(description="Probability of the intervals.", examples=[0.9])
    sessions: list[HistorySession] = Field(description="The oldest first.")
