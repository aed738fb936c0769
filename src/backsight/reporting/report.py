"""Write an assessment as one HTML file that needs nothing else. Knows nothing of how the results came about."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from backsight.domain.assessment import NO_DIAGNOSIS, Assessment
from backsight.domain.recording import Exercise
from backsight.errors import OutputError
from backsight.reporting import wording
from backsight.reporting.heat_map import colour_bar
from backsight.reporting.model_card import render_card
from backsight.reporting.view import StillLike, data_url, view_report

_TEMPLATES = Path(__file__).with_name("templates")
_VENDOR = Path(__file__).with_name("vendor")


def write_report(
    path: Path,
    assessment: Assessment,
    *,
    overlays: Mapping[Exercise, Path],
    stills: Mapping[Exercise, Sequence[StillLike]],
) -> None:
    """Write the report for people: verdict, evidence, video beside plots, model card.

    Parameters
    ----------
    path
        The HTML file to write.
    assessment
        What to report.
    overlays
        For each exercise the video with the drawn skeleton; its first frame is the first of the pose. May be empty.
    stills
        For each exercise pictures of some moments, shown below the video and in its place when printed. May be empty.

    Raises
    ------
    OutputError
        When an overlay cannot be read or the report cannot be written.
    """
    try:
        path.write_text(render_report(assessment, overlays=overlays, stills=stills), encoding="utf-8")
    except OSError as error:
        raise OutputError(
            f"cannot write {path}: {error.strerror or error} ({error.filename or path}); "
            "free some space or choose a folder of your own"
        ) from error


def render_report(
    assessment: Assessment,
    *,
    overlays: Mapping[Exercise, Path],
    stills: Mapping[Exercise, Sequence[StillLike]],
    way_back: tuple[str, str] | None = None,
) -> str:
    """Return the page that `write_report` writes.

    Parameters
    ----------
    way_back
        (address, words) of the page that a served report is opened from; the page is then not called a file.
    """
    environment = Environment(
        loader=FileSystemLoader(_TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    report = view_report(assessment, overlays=overlays, stills=stills)
    style, script = _style(), _script()
    return environment.get_template("report.html").render(
        report=report,
        way_back=way_back,
        assessment=assessment,
        landmarks=wording.describe_landmarks(assessment),
        model=assessment.model,
        model_card=render_card(assessment.model.text),
        no_diagnosis=NO_DIAGNOSIS,
        index_meaning=wording.INDEX_MEANING,
        see_someone_now=wording.SEE_SOMEONE_NOW,
        usual_meaning=wording.USUAL_MEANING,
        interval_meaning=wording.INTERVAL_MEANING,
        colour_bar_url=data_url(colour_bar(), media_type="image/png"),
        data=_inline_json([part.script_data for part in report.exercises]),
        policy=_content_policy(style=style, script=script),
        style=Markup(style),  # noqa: S704 - files of this package, not input
        script=Markup(script),  # noqa: S704 - files of this package, not input
    )


def content_policy() -> str:
    """Return the Content-Security-Policy that every report carries, for a server to send it as a header, too."""
    return _content_policy(style=_style(), script=_script())


def _style() -> str:
    return _read(_VENDOR / "uPlot.min.css") + _read(_TEMPLATES / "report.css")


def _script() -> str:
    return _read(_VENDOR / "uPlot.iife.min.js") + _read(_TEMPLATES / "report.js")


def _read(path: Path) -> str:
    return path.read_text(encoding="utf-8")


def _inline_json(value: object) -> Markup:
    """Return JSON that cannot end the script element it stands in."""
    text = json.dumps(value, allow_nan=False, separators=(",", ":"), ensure_ascii=True)
    return Markup(text.replace("<", "\\u003c"))  # noqa: S704 - every `<` is escaped


def _content_policy(*, style: str, script: str) -> str:
    """Allow exactly this style and this script, embedded pictures and video, and no request to anywhere."""
    return "; ".join(
        (
            "default-src 'none'",
            "img-src data:",
            "media-src data: blob:",
            f"style-src '{_digest(style)}'",
            f"script-src '{_digest(script)}'",
            "base-uri 'none'",
            "form-action 'none'",
        )
    )


def _digest(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode("ascii")
