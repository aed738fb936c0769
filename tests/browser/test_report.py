"""The report in a real browser: quiet, self-sufficient, one playhead for video, curves and heat map."""

from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from backsight.domain.recording import Exercise
from backsight.domain.sequences import FeatureSequence
from backsight.reporting.report import write_report
from tests.assessments import every_variant, make_assessment, make_exercise, write_clip

pytestmark = pytest.mark.browser
playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")

TRUNK = "[data-exercise=touch-toes] [data-plot=trunk_flexion_deg]"


@dataclass
class Opened:
    """A page and everything it complained about or asked for."""

    page: "playwright.Page"
    complaints: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)

    def video_time(self) -> float:
        return float(self.page.evaluate("document.querySelector('video').currentTime"))

    def shown_frame(self) -> int:
        return int(self.page.locator("[data-exercise=touch-toes] .seek").input_value())

    def playhead_share(self) -> float:
        """Where the playhead of the trunk's curve stands, as a share of the curve's width."""
        head = self.page.locator(f"{TRUNK} .playhead").bounding_box()
        over = self.page.locator(f"{TRUNK} .u-over").bounding_box()
        return float((head["x"] + head["width"] / 2 - over["x"]) / over["width"])


@pytest.fixture(scope="module")
def report_path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("report")
    session = every_variant()["session"]
    overlays = {part.exercise: write_clip(folder / f"{part.exercise}.mp4", part.pose) for part in session.exercises}
    write_report(folder / "report.html", session, overlays=overlays, stills={})
    return folder / "report.html"


def _wait_until(page: "playwright.Page", condition: str) -> None:
    """Wait for a JavaScript condition; Playwright's own waiting needs `eval`, which the report's policy forbids."""
    page.evaluate(
        f"new Promise(done => {{ const look = () => {condition} ? done() : requestAnimationFrame(look); look(); }})"
    )


def _open(browser: "playwright.Browser", path: Path, **options: object) -> Opened:
    page = browser.new_page(**{"viewport": {"width": 1280, "height": 900}} | options)
    page.set_default_timeout(15_000)
    opened = Opened(page)
    page.on("console", lambda message: opened.complaints.append(message.text))
    page.on("pageerror", lambda error: opened.complaints.append(str(error)))
    page.on("request", lambda request: opened.requests.append(request.url))
    page.goto(path.as_uri())
    if options.get("java_script_enabled", True):
        _wait_until(page, "[...document.querySelectorAll('video')].every(video => video.readyState >= 2)")
    return opened


def test_it_is_quiet_and_asks_nothing_of_the_network(browser: "playwright.Browser", report_path: Path) -> None:
    opened = _open(browser, report_path)

    assert opened.complaints == []
    assert opened.requests[0] == report_path.as_uri()
    assert {url.split(":")[0] for url in opened.requests[1:]} <= {"data", "blob"}
    opened.page.close()


def test_a_click_on_a_curve_moves_the_video_there(browser: "playwright.Browser", report_path: Path) -> None:
    opened = _open(browser, report_path)
    over = opened.page.locator(f"{TRUNK} .u-over")
    over.scroll_into_view_if_needed()
    box = over.bounding_box()

    over.click(position={"x": 0.4 * box["width"], "y": 0.5 * box["height"]})
    _wait_until(opened.page, "!document.querySelector('video').seeking")

    # 0.4 of 149 / 30 s is 1.987 s; the nearest frame is 60, at 2.000 s.
    assert opened.shown_frame() == 60
    assert 60 / 30 <= opened.video_time() < 61 / 30
    assert opened.playhead_share() == pytest.approx(60 / 149, abs=0.01)
    opened.page.close()


def test_a_drag_over_the_heat_map_takes_curves_and_video_along(
    browser: "playwright.Browser", report_path: Path
) -> None:
    opened = _open(browser, report_path)
    heat = opened.page.locator(".heat[data-exercise=touch-toes] .heat-pictures")
    heat.scroll_into_view_if_needed()
    box = heat.bounding_box()

    opened.page.mouse.move(box["x"] + 0.1 * box["width"], box["y"] + 60)
    opened.page.mouse.down()
    opened.page.mouse.move(box["x"] + 0.8 * box["width"], box["y"] + 60, steps=8)
    opened.page.mouse.up()

    # 0.8 of 149 frame intervals is 119.2; the mouse stands on whole pixels, so a frame more or less.
    assert opened.shown_frame() == pytest.approx(119, abs=1)
    assert opened.playhead_share() == pytest.approx(0.8, abs=0.02)
    _wait_until(opened.page, "Math.abs(document.querySelector('video').currentTime - 119 / 30) < 2 / 30")
    opened.page.close()


def test_playing_moves_the_playhead(browser: "playwright.Browser", report_path: Path) -> None:
    opened = _open(browser, report_path)
    play = opened.page.locator("[data-exercise=touch-toes] .play")
    assert opened.playhead_share() == pytest.approx(0.0, abs=0.01)

    # At a quarter of its speed the clip lasts 20 s: it has not ended when a busy machine comes to the second click.
    opened.page.locator("[data-exercise=touch-toes] .speed select").select_option("0.25")
    play.click()
    assert play.text_content() == "Pause"
    _wait_until(opened.page, "document.querySelector('video').currentTime > 0.5")
    play.click()

    assert play.text_content() == "Play"
    assert opened.shown_frame() >= 10
    assert opened.playhead_share() == pytest.approx(opened.shown_frame() / 149, abs=0.02)
    opened.page.close()


def test_arrow_keys_step_by_one_frame(browser: "playwright.Browser", report_path: Path) -> None:
    opened = _open(browser, report_path)
    opened.page.locator("[data-exercise=touch-toes] .plots").focus()

    for key, frame in (("ArrowRight", 1), ("ArrowRight", 2), ("ArrowLeft", 1), ("End", 149), ("Home", 0)):
        opened.page.keyboard.press(key)
        assert opened.shown_frame() == frame
    opened.page.close()


def test_a_gap_in_the_landmarks_is_no_reading(browser: "playwright.Browser", report_path: Path) -> None:
    opened = _open(browser, report_path)

    # The factory hides the person in frames 110 to 117; flexion is 95 deg times sin^2, largest in the middle.
    opened.page.locator("[data-exercise=touch-toes] .seek").fill("112")
    assert opened.page.locator(f"{TRUNK} .plot-value").text_content() == "no reading"
    opened.page.locator("[data-exercise=touch-toes] .seek").fill("74")
    assert opened.page.locator(f"{TRUNK} .plot-value").text_content() == "95.0°"
    opened.page.close()


def test_a_moment_in_the_legend_leads_there_by_mouse_and_by_keyboard(
    browser: "playwright.Browser", report_path: Path
) -> None:
    opened = _open(browser, report_path)

    # 2.483 s lies between frame 74, at 2.467 s, and 75, at 2.500 s; 4.37 s is nearest to frame 131, at 4.367 s.
    opened.page.get_by_role("button", name="Go to Deepest at 2.48 s").click()
    assert opened.shown_frame() == 74
    opened.page.get_by_role("button", name="Go to Upright again at 4.37 s").focus()
    opened.page.keyboard.press("Space")
    assert opened.shown_frame() == 131
    assert opened.complaints == []
    opened.page.close()


def test_how_a_value_is_measured_unfolds_by_keyboard(browser: "playwright.Browser", report_path: Path) -> None:
    opened = _open(browser, report_path)
    words = opened.page.locator("#touch-toes .measurements").get_by_text("Line from hips to shoulders, beyond")

    assert not words.is_visible()
    opened.page.locator("#touch-toes .measurements summary").first.focus()
    opened.page.keyboard.press("Enter")
    assert words.is_visible()
    opened.page.close()


@pytest.mark.parametrize("width", [360, 390, 768, 1280])
def test_nothing_overflows(browser: "playwright.Browser", report_path: Path, width: int) -> None:
    opened = _open(browser, report_path, viewport={"width": width, "height": 780})
    opened.page.evaluate("for (const part of document.querySelectorAll('details')) part.open = true")

    assert opened.page.evaluate("document.documentElement.scrollWidth") == width
    opened.page.close()


def test_print_has_pages_and_no_video(browser: "playwright.Browser", report_path: Path) -> None:
    opened = _open(browser, report_path)
    opened.page.emulate_media(media="print")

    assert not opened.page.locator("video").first.is_visible()
    assert opened.page.locator(f"{TRUNK} .drawing").is_visible()
    pdf = opened.page.pdf(prefer_css_page_size=True)
    assert pdf.startswith(b"%PDF")
    assert pdf.count(b"/Type /Page\n") >= 4
    opened.page.close()


def test_without_script_text_video_and_curves_are_there(browser: "playwright.Browser", report_path: Path) -> None:
    opened = _open(browser, report_path, java_script_enabled=False)

    assert opened.page.locator("video").first.is_visible()
    assert opened.page.locator(f"{TRUNK} .drawing path").is_visible()
    assert not opened.page.locator(".controls").first.is_visible()
    assert opened.page.get_by_role("heading", name="No diagnosis").is_visible()
    opened.page.close()


def test_the_session_holds_a_player_for_each_exercise(browser: "playwright.Browser", report_path: Path) -> None:
    opened = _open(browser, report_path)

    for exercise in Exercise:
        opened.page.locator(f"[data-exercise={exercise}] .step-on").click()
        assert opened.page.locator(f"[data-exercise={exercise}] .seek").input_value() == "1"
    opened.page.close()


def test_no_reading_is_shown_before_the_person_comes(browser: "playwright.Browser", tmp_path: Path) -> None:
    part = make_exercise()
    features = part.features
    late = FeatureSequence(values=features.values[30:], names=features.names, timestamps_s=features.timestamps_s[30:])
    overlay = write_clip(tmp_path / "clip.mp4", part.pose)
    session = make_assessment([replace(part, features=late)])
    write_report(tmp_path / "report.html", session, overlays={part.exercise: overlay}, stills={})
    opened = _open(browser, tmp_path / "report.html")
    readout = opened.page.locator(f"{TRUNK} .plot-value")

    assert readout.inner_text() == "no reading"
    opened.page.locator(".step-on").focus()
    for _ in range(30):
        opened.page.keyboard.press("Enter")
    # Frame 30 is the first with features.
    assert readout.inner_text().endswith("°")
    opened.page.close()
