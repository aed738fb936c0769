"""The form of a study's settings, for a new study and for an old one. Knows no table beyond what a study can be."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Form

from backsight.errors import FieldsError
from backsight.storage.study_settings import StudySettings

_MAX_DIGITS = 9


@dataclass(frozen=True)
class StudyForm:
    """What was entered, as it was entered."""

    name: str
    exercises: list[str]
    consent_text: str
    privacy_mode: str
    retention_days: str
    """Digits, or empty = kept."""
    show_live_index: bool

    def settings(self) -> StudySettings:
        """Return what was entered as settings.

        Raises
        ------
        FieldsError
            When the days are no number.
        """
        return StudySettings(
            name=self.name,
            exercises=tuple(self.exercises),
            consent_text=self.consent_text,
            privacy_mode=self.privacy_mode,
            retention_days=days_of(self.retention_days),
            show_live_index=self.show_live_index,
        )


def form_of(settings: StudySettings) -> StudyForm:
    """Return the form filled in with settings."""
    return StudyForm(
        name=settings.name,
        exercises=[str(item) for item in settings.exercises],
        consent_text=settings.consent_text,
        privacy_mode=str(settings.privacy_mode),
        retention_days="" if settings.retention_days is None else str(settings.retention_days),
        show_live_index=settings.show_live_index,
    )


def days_of(text: str) -> int | None:
    """Return a number of days; empty = None.

    Raises
    ------
    FieldsError
        When it is no whole number.
    """
    if not text:
        return None
    if not text.isascii() or not text.isdigit() or len(text) > _MAX_DIGITS:
        raise FieldsError({"retention_days": f"must be a whole number of days or empty, got {text[:20]!r}"})
    return int(text)


def _read_form(
    *,
    name: Annotated[str, Form()] = "",
    exercises: Annotated[list[str] | None, Form()] = None,
    consent_text: Annotated[str, Form()] = "",
    privacy_mode: Annotated[str, Form()] = "",
    retention_days: Annotated[str, Form()] = "",
    show_live_index: Annotated[str, Form()] = "",
) -> StudyForm:
    return StudyForm(
        name=name,
        exercises=exercises or [],
        # Browsers send line ends as two characters; the signed text's hash must not depend on that.
        consent_text=consent_text.replace("\r\n", "\n"),
        privacy_mode=privacy_mode,
        retention_days=retention_days.strip(),
        show_live_index=show_live_index == "yes",
    )


GivenStudy = Annotated[StudyForm, Depends(_read_form)]
"""What a request entered."""
