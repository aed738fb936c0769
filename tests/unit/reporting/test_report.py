"""The report: one safe file that says the essential things in every variant."""

import base64
import hashlib
import json
import re
from dataclasses import dataclass, replace
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path

import pytest

from backsight import reporting
from backsight.domain.assessment import (
    NO_DIAGNOSIS,
    Assessment,
    Measurement,
    Norm,
    NormKind,
    QualityCheck,
    QualityReport,
    QualityVerdict,
)
from backsight.domain.recording import Exercise
from backsight.errors import OutputError
from backsight.reporting.measured import describe_source, make_row
from backsight.reporting.report import render_report, write_report
from backsight.reporting.view import ExerciseView, view_exercise
from tests.assessments import CARD, every_variant, make_assessment, make_exercise, make_pose

VARIANTS = [pytest.param(value, id=name) for name, value in every_variant().items()]
_VOID = {"meta", "input", "img", "br", "circle", "rect", "line", "path"}


@dataclass(frozen=True)
class FakeStill:
    timestamp_s: float
    jpeg: bytes = b"\xff\xd8\xff\xd9"


class _Page(HTMLParser):
    """Collects elements and text, and notices tags that do not match."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.words: list[str] = []
        self.blocks: dict[str, list[str]] = {"style": [], "script": []}
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in _VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] in self.blocks:
            self.blocks[self.open[-1]].append(data)
        else:
            self.words.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.words).split())

    def attributes(self, name: str) -> list[str]:
        return [attrs[name] or "" for _, attrs in self.elements if name in attrs]


def _page(assessment: Assessment, **files: object) -> _Page:
    options = {"overlays": {}, "stills": {}} | files
    return _Page(render_report(assessment, **options))  # type: ignore[arg-type]


@pytest.mark.parametrize("assessment", VARIANTS)
def test_every_variant_is_well_formed_and_says_what_it_is_not(assessment: Assessment) -> None:
    page = _page(assessment)

    assert page.open == []
    assert NO_DIAGNOSIS in page.text
    assert CARD.headline in page.text
    assert assessment.reason in page.text
    ids = page.attributes("id")
    assert len(ids) == len(set(ids))
    assert set(page.attributes("aria-labelledby")) <= set(ids)
    assert not re.search(r"\b(nan|inf|None|Undefined)\b", page.text)


@pytest.mark.parametrize("assessment", VARIANTS)
def test_headings_descend_without_gaps(assessment: Assessment) -> None:
    levels = [int(tag[1]) for tag, _ in _page(assessment).elements if re.fullmatch(r"h[1-6]", tag)]

    assert levels.count(1) == 1
    assert all(after <= before + 1 for before, after in pairwise(levels))


@pytest.mark.parametrize("assessment", VARIANTS)
def test_every_picture_has_words(assessment: Assessment) -> None:
    page = _page(assessment, stills={part.exercise: [FakeStill(0.5)] for part in assessment.exercises})

    assert all(attrs.get("alt") for tag, attrs in page.elements if tag == "img")
    assert all(attrs.get("aria-label") for tag, attrs in page.elements if tag == "svg" and attrs.get("role") == "img")
    assert all(
        attrs.get("role") == "img" or attrs.get("aria-hidden") == "true" for tag, attrs in page.elements if tag == "svg"
    )


def test_the_page_loads_nothing_from_anywhere(tmp_path: Path) -> None:
    (tmp_path / "overlay.mp4").write_bytes(b"video")
    page = _page(
        make_assessment(),
        overlays={Exercise.TOUCH_TOES: tmp_path / "overlay.mp4"},
        stills={Exercise.TOUCH_TOES: [FakeStill(1.0)]},
    )

    sources = page.attributes("src")
    assert "data:video/mp4;base64," + base64.b64encode(b"video").decode() in sources
    assert all(source.startswith("data:") for source in sources)
    assert {target.removeprefix("#") for target in page.attributes("href")} <= set(page.attributes("id"))
    assert not any("url(" in style or "@import" in style for style in page.blocks["style"])


def test_the_policy_allows_exactly_this_style_and_this_script() -> None:
    page = _page(make_assessment())
    policy = next(
        attrs["content"] or "" for _, attrs in page.elements if attrs.get("http-equiv") == "Content-Security-Policy"
    )

    def digest(text: str) -> str:
        return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"

    data, script = page.blocks["script"]
    assert json.loads(data)
    assert f"script-src {digest(script)};" in policy
    assert f"style-src {digest(page.blocks['style'][0])};" in policy
    assert policy.startswith("default-src 'none';")
    assert "unsafe" not in policy
    # The policy would block them silently.
    assert page.attributes("style") == []
    assert not [name for _, attrs in page.elements for name in attrs if name.startswith("on")]


def test_nothing_that_a_user_named_becomes_markup() -> None:
    evil = "</script><script>alert(1)</script>"
    part = make_exercise(notes=(evil,))
    part = replace(part, source=replace(part.source, name=evil))
    assessment = make_assessment([part], reason=evil, notes=(evil,))

    html = render_report(assessment, overlays={}, stills={})

    assert "<script>alert" not in html
    assert html.count("<script") == 2
    assert evil in _Page(html).text


def test_a_red_flag_is_said_in_words_with_index_threshold_and_interval() -> None:
    page = _page(make_assessment())

    assert "Red flag" in page.text
    assert "0.63" in page.text
    assert "0.48 to 0.78 (90 % interval)" in page.text
    assert "Above 0.5 it is called a red flag" in page.text
    assert any(label.startswith("Index 0.63 on a scale") for label in page.attributes("aria-label"))


def test_an_unusable_recording_gets_reasons_and_tips_and_no_number() -> None:
    page = _page(every_variant()["unusable"])

    assert "Recording not usable" in page.text
    assert "feet out of frame in 62 % of the frames" in page.text
    assert "Step back until head and feet stay in the picture" in page.text
    assert not re.search(r"Index 0\.\d", page.text)
    assert not any(label.startswith("Index") for label in page.attributes("aria-label"))


def test_missing_exercises_are_named_and_complete_sessions_are_not_nagged() -> None:
    assert (
        "Not recorded in this session: “Walk 2 metres” and “Jump as high as you can”" in _page(make_assessment()).text
    )
    assert "Not recorded" not in _page(every_variant()["session"]).text


def test_missing_exercises_are_named_once() -> None:
    notes = ("`Walk 2 metres` and `Jump as high as you can` were not recorded.",)

    page = _page(make_assessment(notes=notes))

    assert page.text.count("Walk 2 metres") == 1
    assert "“Walk 2 metres” and “Jump as high as you can” were not recorded." in page.text


def test_measurements_stand_beside_norm_and_source() -> None:
    page = _page(every_variant()["session"])

    assert "93.0 to 128.0°" in page.text
    assert (
        "Laird 2019, n = 126. Healthy 10th or 90th centile, derived: one healthy adult in five lies outside. "
        "Assumed: normal distribution."
    ) in page.text
    assert "from 1.05 m/s" in page.text
    assert any(label == "Gait speed 1.12 m/s, usual from 1.05 m/s" for label in page.attributes("aria-label"))


def test_every_value_stands_with_its_interval_and_how_it_was_found() -> None:
    page = _page(make_assessment())
    labels = page.attributes("aria-label")

    assert "Trunk flexion 95.2°, 90 % interval 88.2 to 102.2°, usual 93.0 to 128.0°" in labels
    assert "95.2° 90 %: 88.2 to 102.2°" in page.text
    assert "3.40 s interval not known" in page.text
    assert "Defined as Line from hips to shoulders, beyond the person's own standing." in page.text
    assert "Interval from 96 virtual volunteers seen from the side, BlazePose full" in page.text


def test_an_interval_across_the_norms_limit_cannot_tell() -> None:
    page = _page(make_assessment())

    # 95.2 lies 2.2 above the lower end of 93, with an error of 7.
    flexion = next(row for group in _bend().measurements for row in group.rows if row.label == "Trunk flexion")
    assert flexion.comparison == "cannot tell"
    assert any("0.60 to 1.00 (90 % interval)" in label for label in page.attributes("aria-label"))
    assert re.search(r"Reduced axial rotation 0.00 Cannot tell", page.text)
    assert "Shoulder unevenness Not measured" in page.text


def _bend() -> ExerciseView:
    return view_exercise(make_exercise(), overlay=None, stills=())


def test_posture_stands_apart_from_the_exercise_and_what_is_missing_apart_from_both() -> None:
    part = _bend()

    assert [group.title for group in part.measurements] == ["Touch your toes", "Posture while upright"]
    assert [row.label for row in part.measurements[1].rows] == ["Lateral lean of the trunk"]
    assert part.unmeasured == (
        ("Lateral deviation while bending", "Not measured: seen from the side, film from the front."),
    )
    page = _page(every_variant()["session"])
    assert "two metres held only two steps" in page.text
    assert not any("symmetry" in label for label in page.attributes("aria-label") if "usual" in label)


def test_a_bar_keeps_value_and_band_in_sight_when_the_interval_is_huge() -> None:
    norm = Norm(0.0, -2.5, 2.5, "source", NormKind.CUT_OFF)
    row = make_row(Measurement("x_deg", "X", 1.0, "deg", norm, error=500.0), sources=[describe_source(norm)])

    assert row.bar is not None
    assert row.bar.band_width > 10.0
    assert row.bar.error_start == 0.0
    assert row.bar.error_width == 100.0


def test_moments_are_marked_on_every_curve_and_named_once() -> None:
    part = make_exercise(Exercise.WALK, index=0.3)
    page = _page(make_assessment([part]))
    lines = [attrs for tag, attrs in page.elements if tag == "line" and attrs.get("class") == "moment"]
    n_plots = sum(attrs.get("class") == "plot" for _, attrs in page.elements)

    assert len(lines) == len(part.events) * n_plots
    assert page.text.count("Left heel strike") == 1
    # 1.252 of 149 / 30 s on a drawing 1000 wide.
    assert lines[0]["x1"] == lines[0]["x2"] == "252.08"
    assert "Go to Left heel strike at 2.25 s" in page.attributes("aria-label")


def test_the_page_says_whether_the_height_was_given() -> None:
    given = _page(make_assessment([make_exercise(Exercise.WALK, index=0.3)], height_m=1.72)).text

    assert "rest on the standing height that was given, 1.72 m" in given
    assert "1.72 m, as given" in given
    assert "Standing height was not given" in _page(make_assessment()).text


def test_tips_and_reasons_name_no_options_of_the_command_line() -> None:
    crowded = QualityCheck(
        "only_one_person",
        "Only one person",
        QualityVerdict.UNUSABLE,
        0.5,
        "share",
        "two people",
        "Record alone, or cut the others away (--crop).",
    )
    part = replace(make_exercise(index=None), quality=QualityReport((crowded,)))
    page = _page(make_assessment([part], reason="No index. Record alone, or cut the others away (--crop)."))

    assert "--" not in page.text
    assert page.text.count("Record alone, or cut the others away.") == 2


def test_what_is_only_remembered_is_marked_and_has_no_median() -> None:
    page = _page(make_assessment([make_exercise(Exercise.JUMP, index=0.3)]))

    assert re.search(r"14\.0 to 38\.0 cm \d provisional", page.text)
    assert "Jump heights (remembered). Provisional: remembered, not looked up again." in page.text
    assert not [attrs for tag, attrs in page.elements if tag == "line" and attrs.get("class") == "middle"]
    laird = _page(make_assessment())
    assert len([attrs for tag, attrs in laird.elements if attrs.get("class") == "middle"]) == 2
    for word in ("median", "80 %"):
        assert word not in page.text.split("Where the usual ranges come from")[1]


@pytest.mark.parametrize(("index", "tone"), [(0.63, "unsure"), (0.8, "flag"), (0.1, "fine")])
def test_one_exercise_is_painted_by_its_interval(index: float, tone: str) -> None:
    # The factory's interval of one exercise is the index and 0.18 on either side.
    part = view_exercise(make_exercise(index=index), overlay=None, stills=())

    assert part.scale is not None
    assert part.scale.tone == tone


def test_everything_but_video_and_stills_stays_below_400_kb_for_three_full_minutes() -> None:
    parts = [make_exercise(exercise, pose=make_pose(exercise, n_frames=1800), index=0.4) for exercise in Exercise]

    html = render_report(make_assessment(parts), overlays={}, stills={})

    assert len(html.encode()) < 400_000


def test_an_overlay_that_is_gone_is_one_clear_line(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match=r"cannot write .*report.html.*gone.mp4"):
        write_report(
            tmp_path / "report.html",
            make_assessment(),
            overlays={Exercise.TOUCH_TOES: tmp_path / "gone.mp4"},
            stills={},
        )


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full")
def test_a_full_disk_is_one_clear_line() -> None:
    with pytest.raises(OutputError, match="free some space"):
        write_report(Path("/dev/full"), make_assessment(), overlays={}, stills={})


def test_the_vendored_library_is_the_one_whose_hash_is_written_beside_it() -> None:
    vendor = Path(reporting.__file__).with_name("vendor")
    listed = dict(
        reversed(line.split()) for line in (vendor / "README.md").read_text().splitlines() if line.startswith("    ")
    )

    assert set(listed) == {"uPlot.iife.min.js", "uPlot.min.css"}
    for name, digest in listed.items():
        assert hashlib.sha256((vendor / name).read_bytes()).hexdigest() == digest
