"""A researcher in a real browser: from signing in to a data set that `backsight train` takes, and out again."""

from __future__ import annotations

import re
import threading
import time
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
pytest.importorskip("fastapi", reason="the extra `web` is not installed")

import uvicorn
from playwright import sync_api as playwright
from typer.testing import CliRunner

from backsight.cli.main import app as command_line
from backsight.composition import assess_landmarks
from backsight.datasets.open import open_study
from backsight.domain.recording import Exercise
from backsight.storage import accounts, recordings, studies
from backsight.storage.database import Database
from backsight.storage.tables import Role
from backsight.web.app import create_app
from backsight.web.settings import WebSettings
from tests.assessments import make_pose
from tests.databases import cheap_hasher
from tests.unit.storage.people import record

pytestmark = pytest.mark.browser

ROOT = Path(__file__).parents[2]
AXE = ROOT / "web-assets" / "node_modules" / "axe-core" / "axe.min.js"
SIZES = {
    "phone": {"viewport": {"width": 390, "height": 844}, "is_mobile": True, "has_touch": True},
    "desktop": {"viewport": {"width": 1280, "height": 860}},
}
SLOW_MS = 60_000
"""How long a loaded machine may take for a page."""
PASSWORD = "correct horse battery"


@dataclass
class Served:
    """A running site."""

    url: str
    database: Database


@dataclass
class Opened:
    """A page, what it asked for and what it complained about."""

    page: playwright.Page
    asked: list[str] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)

    def look(self, where: str) -> None:
        """Note what axe-core finds serious in either colour scheme, and whether the page is wider than the screen."""
        wider = self.page.evaluate("document.documentElement.scrollWidth - innerWidth")
        if wider > 0:
            self.faults.append(f"{where}: wider than the screen by {wider} px")
        if not AXE.exists():
            return
        # Through the debugger, which the page's policy does not bind.
        self.page.evaluate(AXE.read_text(encoding="utf-8"))
        for scheme in ("light", "dark"):
            self.page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
            found = self.page.evaluate("axe.run(document, {resultTypes: ['violations']})")
            self.faults += [
                f"{where}, {scheme}: {fault['id']}: {fault['nodes'][0]['html'][:120]}"
                for fault in found["violations"]
                if fault["impact"] in ("serious", "critical")
            ]


@pytest.fixture(scope="module")
def served(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    folder = tmp_path_factory.mktemp("site")
    (folder / "site.sqlite3").write_bytes(sqlite_template.read_bytes())
    settings = WebSettings(
        database_url=f"sqlite:///{folder / 'site.sqlite3'}",
        secret_key="xK3vQ9mT2bW7rY5uN8cJ4hL6pZ1sD0fG",
        videos_url=str(folder / "videos"),
    )
    app = create_app(settings, has_jobs=False)
    app.state.database.close()
    app.state.database = Database(settings.database_url, hasher=cheap_hasher())
    with app.state.database.session() as session:
        for name, email, role in (
            ("Ada Lovelace", "ada@example.org", Role.RESEARCHER),
            ("Clara Barton", "clara@example.org", Role.CLINICIAN),
            ("Root", "root@example.org", Role.ADMIN),
        ):
            accounts.add_user(session, email=email, name=name, role=role, password=PASSWORD)
    server = uvicorn.Server(uvicorn.Config(app, host="127.0.0.1", port=0, log_level="error", access_log=False))
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started:
        assert thread.is_alive(), "the server did not start"
        time.sleep(0.05)
    port = server.servers[0].sockets[0].getsockname()[1]
    yield Served(f"http://127.0.0.1:{port}", app.state.database)
    server.should_exit = True
    thread.join()


@pytest.fixture(params=SIZES)
def opened(request: pytest.FixtureRequest, browser: playwright.Browser) -> Iterator[Opened]:
    context = browser.new_context(**SIZES[request.param], reduced_motion="reduce")
    context.set_default_timeout(SLOW_MS)
    given = Opened(context.new_page())
    given.page.on("request", lambda asked: given.asked.append(asked.url))
    given.page.on("pageerror", lambda error: given.complaints.append(str(error)))
    given.page.on("console", lambda said: given.complaints.append(said.text) if said.type == "error" else None)
    yield given
    context.close()


@pytest.mark.timeout(600)
def test_from_signing_in_to_a_data_set_that_training_takes(served: Served, opened: Opened, tmp_path: Path) -> None:
    page = opened.page
    _sign_in(served, opened, "ada@example.org")
    study = _make_study(opened)
    person = _invite(opened, study)
    _take_part(served, study, person)
    _look_at_the_study(opened, study)
    _read_the_reports(opened, study, person)
    _fetch_landmarks(opened, tmp_path)
    _write_and_undo(opened)
    _export(opened, study, tmp_path)
    _change_settings(opened, study)
    page.get_by_role("button", name="Sign out").click()
    page.wait_for_url("**/sign-in")
    page.goto(study)
    assert "/sign-in?next=/studies/" in page.url
    assert [url for url in opened.asked if not url.startswith((served.url, "data:", "blob:"))] == []
    assert opened.complaints == []
    assert opened.faults == []


def test_an_administrator_sets_how_long_studies_keep_recordings(served: Served, opened: Opened) -> None:
    page = opened.page
    with served.database.session() as session:
        owner = accounts.find_user(session, email="clara@example.org")
        assert owner is not None
        name = f"Backs of {time.monotonic_ns()}"
        study_id = studies.create_study(
            session,
            name=name,
            exercises=[Exercise.WALK],
            consent_text="Yes.",
            privacy_mode="landmarks",
            retention_days=None,
            owner_id=owner.id,
        ).id
    _sign_in(served, opened, "root@example.org")
    page.get_by_role("link", name="Studies", exact=True).click()
    opened.look("administration")
    page.get_by_label(f"Days that {name} keeps").fill("two")
    page.get_by_role("button", name=f"Save the days of {name}").click()
    page.get_by_role("alert").get_by_text("must be a whole number of days").wait_for()
    page.get_by_label(f"Days that {name} keeps").fill("180")
    page.get_by_role("button", name=f"Save the days of {name}").click()
    page.get_by_role("status").get_by_text("Saved").wait_for()
    page.get_by_role("button", name="Delete what is due now").click()
    page.get_by_text("Nothing was due").wait_for()
    with served.database.session(read_only=True) as session:
        assert studies.find_study(session, study_id).retention_days == 180
    # The browser notes the refused form as an error of the network, and nothing else.
    assert [said for said in opened.complaints if "422" not in said] == []
    assert opened.faults == []


def _sign_in(served: Served, opened: Opened, email: str) -> None:
    page = opened.page
    page.goto(f"{served.url}/sign-in")
    opened.look("sign in")
    page.get_by_label("Email").fill(email)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    page.get_by_role("button", name="Sign out").wait_for()


def _make_study(opened: Opened) -> str:
    """Return the address of a new study."""
    page = opened.page
    opened.look("studies")
    page.get_by_role("link", name="New study").click()
    opened.look("new study")
    page.get_by_label("Name", exact=True).fill("Backs in Ulm")
    page.get_by_role("button", name="Make the study").click()
    page.get_by_role("heading", name="What comes next").wait_for()
    opened.look("empty study")
    return page.url


def _invite(opened: Opened, study: str) -> str:
    """Return the address of somebody invited."""
    page = opened.page
    page.get_by_label("For your eyes only").fill("From the Tuesday group")
    page.get_by_role("button", name="Make a link").click()
    assert re.search(r"/join/[\w-]{43}$", page.locator("#invitation-link").inner_text())
    opened.look("invitation")
    page.get_by_role("link", name="To P-0001").click()
    page.get_by_text("They have not opened their link yet").wait_for()
    assert page.url.startswith(f"{study}/people/")
    return page.url


def _take_part(served: Served, study: str, person: str) -> None:
    """Let somebody record twice, as the pages of participants do, and the server assess it."""
    study_id, person_id = study.rpartition("/")[2], person.rpartition("/")[2]
    with served.database.session() as session:
        row = studies.find_participant(session, study_id=study_id, participant_id=person_id)
        text = studies.find_study(session, study_id).consent_text
        studies.sign_consent(session, row, signed_name="Grace Hopper", text_hash=studies.consent_hash(text))
        studies.save_profile(
            session, row, birth_year=1980, sex="female", height_cm=170.0, mass_kg=65.0, back_history={"pain": "no"}
        )
        for flexion_deg in (95.0, 60.0):
            visit = recordings.open_visit(session, row)
            for exercise, rating in ((Exercise.TOUCH_TOES, 71.0), (Exercise.WALK, 64.0)):
                one = record(session, visit, exercise, rating=rating, pose=make_pose(exercise, flexion_deg=flexion_deg))
                if exercise is Exercise.WALK and flexion_deg < 90.0:
                    recordings.fail(session, one.id, reason="nobody was seen in 140 of 150 frames")
                    continue
                track = recordings.load_track(session, one.id)
                made = assess_landmarks(track, exercise=exercise, pose_engine="tasks-vision", height_m=1.70)
                recordings.save_assessment(session, one.id, made)
            recordings.skip(session, visit, exercise=Exercise.JUMP, reason="My knee hurts today")
            recordings.finish_visit(session, visit)


def _look_at_the_study(opened: Opened, study: str) -> None:
    page = opened.page
    page.goto(study)
    assert page.get_by_text("1 finished, 0 recording").is_visible()
    assert page.get_by_text("An index is not a diagnosis").is_visible()
    opened.look("study")
    page.get_by_role("link", name="P-0001").click()
    page.get_by_role("heading", name="Sessions over time").wait_for()
    for told in ("nobody was seen in 140 of 150 frames", "Left out", "Since the previous session"):
        assert page.get_by_text(told).first.is_visible(), told
    opened.look("person")


def _read_the_reports(opened: Opened, study: str, person: str) -> None:
    page = opened.page
    page.get_by_role("link", name="Report of Touch your toes").first.click()
    page.get_by_role("heading", name="Movement report").wait_for()
    # The script has run under the policy: curves are drawn, and the playhead follows.
    assert page.locator("canvas").count() >= 3
    slider = page.locator("input[type=range]").first
    before = slider.input_value()
    page.get_by_role("button", name="One frame on").first.click()
    assert slider.input_value() != before
    opened.look("report")
    # Nothing in the page can reach the visitor's cookies.
    assert page.evaluate("self.origin") == "null"
    page.get_by_role("link", name="Back to P-0001").click()
    page.wait_for_url(person)
    page.get_by_role("link", name="Report of the visit").last.click()
    page.get_by_role("heading", name="Walk 2 metres").first.wait_for()
    opened.look("report of a visit")
    page.get_by_role("link", name="Back to P-0001").click()
    page.wait_for_url(person)


def _fetch_landmarks(opened: Opened, folder: Path) -> None:
    with opened.page.expect_download() as coming:
        opened.page.get_by_role("link", name="Landmarks of Walk 2 metres").first.click()
    path = folder / coming.value.suggested_filename
    coming.value.save_as(path)
    assert path.name.startswith("P-0001-walk-")
    assert path.read_bytes()[:4] == b"PAR1"


def _write_and_undo(opened: Opened) -> None:
    page = opened.page
    page.get_by_label("New note").fill("Leans to the left <when tired>")
    page.get_by_role("button", name="Save the note").click()
    page.get_by_text("The note is saved").wait_for()
    assert page.get_by_text("Leans to the left <when tired>").is_visible()
    page.get_by_role("button", name="Flag", exact=True).click()
    page.get_by_text("Flagged, to be looked at").wait_for()
    opened.look("flagged person")
    page.get_by_role("button", name="Undo").click()
    page.get_by_text("The flag is taken away").wait_for()
    page.get_by_text("Exclude from the results").click()
    page.get_by_label("Why", exact=True).fill("Wore a long coat")
    page.get_by_role("button", name="Exclude P-0001").click()
    page.get_by_text("Wore a long coat").wait_for()
    opened.look("excluded person")
    page.get_by_role("button", name="Take back in").click()
    page.get_by_text("Taken back into the results").wait_for()


def _export(opened: Opened, study: str, folder: Path) -> None:
    page = opened.page
    page.goto(study)
    page.get_by_role("link", name="Export data set").click()
    page.get_by_text("4 recordings of 1 person").wait_for()
    opened.look("export")
    with page.expect_download() as coming:
        page.get_by_role("link", name="Download backs-in-ulm.zip").click()
    path = folder / coming.value.suggested_filename
    coming.value.save_as(path)
    with zipfile.ZipFile(path) as archive:
        archive.extractall(folder)
    told = CliRunner().invoke(command_line, ["data", "validate", str(folder / "backs-in-ulm")])
    assert told.exit_code == 0, told.output
    # As `backsight train STUDY` reads it.
    read = open_study(folder / "backs-in-ulm" / "study.csv")
    # Not the walk that could not be assessed: its row says that it is not to be used.
    assert sorted((clip.exercise, clip.score) for clip in read.clips) == [
        ("touch-toes", 71.0),
        ("touch-toes", 71.0),
        ("walk", 64.0),
    ]


def _change_settings(opened: Opened, study: str) -> None:
    page = opened.page
    page.goto(f"{study}/settings")
    assert page.get_by_text("Fixed, because somebody has recorded").first.is_visible()
    opened.look("settings")
    page.get_by_label("Delete landmarks and videos after").fill("365")
    page.get_by_role("button", name="Save the settings").click()
    page.get_by_role("status").get_by_text("Saved").wait_for()
    page.get_by_label("Add a colleague by email").fill("clara@example.org")
    page.get_by_role("button", name="Add to the study").click()
    page.get_by_text("Your colleague sees this study now").wait_for()
    page.get_by_role("button", name="Remove Clara Barton").click()
    page.get_by_text("They no longer see this study").wait_for()
    page.get_by_role("button", name="Close the study").click()
    page.get_by_text("The study is closed.").wait_for()
    opened.look("closed study")
    page.get_by_role("button", name="Open the study again").click()
    page.get_by_text("The study is open again").wait_for()
