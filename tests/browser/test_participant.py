"""A participant in a real browser, with a camera that plays a clip: from the link to the thank-you, and withdrawal."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
pytest.importorskip("fastapi", reason="the extra `web` is not installed")

import av
import uvicorn
from playwright import sync_api as playwright
from sqlalchemy import select

from backsight.composition import pose_bundle, pose_estimator
from backsight.domain.landmarks import Landmark
from backsight.domain.recording import Exercise
from backsight.domain.sequences import Frame
from backsight.storage import recordings, studies
from backsight.storage.database import Database
from backsight.storage.tables import Consent, Participant, Recording, RecordingState, Role, User, Visit
from backsight.web.app import create_app
from backsight.web.settings import WebSettings
from backsight.web.templating import STATIC_DIR

pytestmark = pytest.mark.browser

ROOT = Path(__file__).parents[2]
CHROMIUM = Path("/usr/bin/chromium")
AXE = ROOT / "web-assets" / "node_modules" / "axe-core" / "axe.min.js"
DEMO = ROOT / "src" / "backsight" / "demo" / "touch-toes.mp4"
STANDS_S = 4
"""How long the person in the clip stands still before bending, so that the camera check can be passed."""
SIZES = {
    "phone": {"viewport": {"width": 390, "height": 844}, "is_mobile": True, "has_touch": True, "color_scheme": "dark"},
    "desktop": {"viewport": {"width": 1280, "height": 860}, "color_scheme": "light"},
}
BODY = [
    Landmark.LEFT_SHOULDER,
    Landmark.RIGHT_SHOULDER,
    Landmark.LEFT_HIP,
    Landmark.RIGHT_HIP,
    Landmark.LEFT_KNEE,
    Landmark.RIGHT_KNEE,
    Landmark.LEFT_ANKLE,
    Landmark.RIGHT_ANKLE,
]
AGREE_PX = 20.0
"""A tenth of the person's height in the clip would be 29 pixels, a mirrored or swapped axis hundreds."""
SLOW_MS = 120_000
"""How long a loaded machine may take to start the pose runtime or find a person."""


@dataclass
class Served:
    """A running site with a study, and who was invited to it."""

    url: str
    database: Database
    study_id: str

    def invite(self) -> tuple[str, str]:
        """Return a new participant's identifier and the secret of their link."""
        with self.database.session() as session:
            invitation = studies.invite(session, study_id=self.study_id)
        return invitation.participant.id, invitation.token


@dataclass
class Opened:
    """A page, what it asked for and what it complained about."""

    page: playwright.Page
    asked: list[str] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)

    def check_accessibility(self, where: str) -> None:
        """Note what axe-core finds serious."""
        if not AXE.exists():
            return
        # Through the debugger, which the page's policy does not bind.
        self.page.evaluate(AXE.read_text(encoding="utf-8"))
        found = self.page.evaluate("axe.run(document, {resultTypes: ['violations']})")
        self.faults += [
            f"{where}: {fault['id']}: {fault['nodes'][0]['html'][:120]}"
            for fault in found["violations"]
            if fault["impact"] in ("serious", "critical")
        ]


@pytest.fixture(scope="module")
def served(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    if not (STATIC_DIR / "vendor" / "tasks-vision").is_dir():
        pytest.skip("the pose runtime is not built: `make web-assets`")
    folder = tmp_path_factory.mktemp("site")
    (folder / "site.sqlite3").write_bytes(sqlite_template.read_bytes())
    settings = WebSettings(
        database_url=f"sqlite:///{folder / 'site.sqlite3'}",
        secret_key="xK3vQ9mT2bW7rY5uN8cJ4hL6pZ1sD0fG",
        videos_url=str(folder / "videos"),
    )
    app = create_app(settings, has_jobs=False)
    with app.state.database.session() as session:
        owner = User(email="ada@example.org", name="Ada", role=Role.RESEARCHER, password_hash="unused")
        session.add(owner)
        session.flush()
        study = studies.create_study(
            session,
            name="Backs in Ulm",
            exercises=list(Exercise),
            consent_text="I agree that my movement is recorded.",
            privacy_mode="landmarks",
            retention_days=None,
            owner_id=owner.id,
        )
    server = uvicorn.Server(uvicorn.Config(app, host="127.0.0.1", port=0, log_level="error", access_log=False))
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started:
        assert thread.is_alive(), "the server did not start"
        time.sleep(0.05)
    port = server.servers[0].sockets[0].getsockname()[1]
    yield Served(f"http://127.0.0.1:{port}", app.state.database, study.id)
    server.should_exit = True
    thread.join()


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a clip that Chromium plays as a camera, over and over: somebody stands, then touches their toes."""
    path = tmp_path_factory.mktemp("camera") / "touch-toes.mjpeg"
    with av.open(str(DEMO)) as source, av.open(str(path), "w", format="mjpeg") as camera:
        pictures = [frame.to_ndarray(format="rgb24") for frame in source.decode(video=0)]
        stream = camera.add_stream("mjpeg", rate=30)
        stream.height, stream.width = pictures[0].shape[:2]
        stream.pix_fmt, stream.bit_rate = "yuvj420p", 20_000_000
        for number, picture in enumerate(pictures[:1] * (30 * STANDS_S) + pictures):
            frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
            frame = frame.reformat(format="yuvj420p", dst_color_range="JPEG")
            frame.pts, frame.time_base = number, Fraction(1, 30)
            camera.mux(stream.encode(frame))
        camera.mux(stream.encode(None))
    return path


@pytest.fixture(scope="module")
def browser(clip: Path) -> Iterator[playwright.Browser]:
    if not CHROMIUM.exists():
        pytest.skip(f"{CHROMIUM} is not installed")
    with playwright.sync_playwright() as driver:
        chromium = driver.chromium.launch(
            executable_path=str(CHROMIUM),
            args=[
                "--no-sandbox",
                "--use-fake-ui-for-media-stream",
                "--use-fake-device-for-media-stream",
                f"--use-file-for-fake-video-capture={clip}",
            ],
        )
        yield chromium
        chromium.close()


@pytest.fixture(params=SIZES)
def opened(request: pytest.FixtureRequest, browser: playwright.Browser) -> Iterator[Opened]:
    context = browser.new_context(**SIZES[request.param], permissions=["camera"], reduced_motion="reduce")
    context.set_default_timeout(SLOW_MS)
    given = Opened(context.new_page())
    given.page.on("request", lambda asked: given.asked.append(asked.url))
    given.page.on("pageerror", lambda error: given.complaints.append(str(error)))
    given.page.on(
        "console",
        lambda said: given.complaints.append(said.text) if "Content Security Policy" in said.text else None,
    )
    yield given
    context.close()


@pytest.mark.timeout(600)
def test_from_the_link_to_the_thank_you_and_out_again(served: Served, opened: Opened) -> None:
    person, token = served.invite()
    page = opened.page
    page.goto(f"{served.url}/join/{token}")
    _sign(opened)
    _answer(opened)
    _check_camera(opened)
    _record(opened)
    _rate(opened)
    _skip(opened, "walk")
    _skip(opened, "jump")
    page.wait_for_url("**/thank-you")
    opened.check_accessibility("thank you")
    _check_what_is_stored(served, person)

    page.get_by_role("link", name="withdraw", exact=True).click()
    opened.check_accessibility("withdraw")
    page.get_by_label("Yes, delete everything of mine").check()
    page.get_by_role("button", name="Withdraw and delete").click()
    page.get_by_role("heading", name="Everything of yours is deleted").wait_for()
    with served.database.session(read_only=True) as session:
        assert session.get(Participant, person) is None
        assert session.scalars(select(Consent).where(Consent.participant_id == person)).all() == []

    assert [url for url in opened.asked if not url.startswith((served.url, "blob:", "data:"))] == []
    assert opened.complaints == []
    assert opened.faults == []


def _sign(opened: Opened) -> None:
    page = opened.page
    opened.check_accessibility("consent")
    page.get_by_role("button", name="I agree, go on").click()
    page.get_by_text("Please look at this again").wait_for()
    page.get_by_label("I have read this, and I agree").check()
    page.get_by_label("Your first and last name").fill("Grace Hopper")
    page.get_by_role("button", name="I agree, go on").click()


def _answer(opened: Opened) -> None:
    page = opened.page
    page.wait_for_url("**/about-you")
    opened.check_accessibility("about you")
    # Nothing is answered beforehand.
    assert page.locator("input:checked").count() == 0
    page.get_by_label("Height").fill("172")
    page.get_by_role("button", name="Save and go on").click()


def _check_camera(opened: Opened) -> None:
    page = opened.page
    page.wait_for_url("**/camera")
    page.get_by_role("button", name="Open my camera").click()
    page.get_by_text("Everything is good. You can go on.").first.wait_for()
    opened.check_accessibility("camera check")
    page.get_by_role("button", name="Go on", exact=True).click()


def _record(opened: Opened) -> None:
    """Record with a line that breaks for the first chunk, twice."""
    page = opened.page
    broken = iter(range(2))
    page.route("**/chunks/0", lambda route: route.continue_() if next(broken, None) is None else route.abort())
    page.wait_for_url("**/exercises/touch-toes")
    opened.check_accessibility("explanation")
    page.get_by_role("button", name="To the camera").click()
    page.locator("[data-start]:enabled").wait_for()
    opened.check_accessibility("live picture")
    page.get_by_label("It begins").select_option("3")
    page.get_by_role("button", name="Start recording").click()
    page.get_by_role("button", name="Stop", exact=True).wait_for()
    # As long as a bend takes in the clip, standing before it included.
    page.locator("[data-timer]").get_by_text("8 s").wait_for()
    page.get_by_role("button", name="Stop", exact=True).click()
    page.get_by_role("heading", name="This was recorded").wait_for()
    assert next(broken, None) is None
    opened.check_accessibility("playback")
    page.get_by_role("button", name="Keep this one").click()


def _rate(opened: Opened) -> None:
    page = opened.page
    page.get_by_role("heading", name="How does your back feel now?").wait_for()
    opened.check_accessibility("rating")
    assert page.get_by_label("Your number").input_value() == ""
    page.get_by_role("button", name="Save and go on").click()
    page.get_by_text("Please choose a number").wait_for()
    # By keyboard alone: from the middle of the line two steps up.
    page.get_by_label("How your back feels").press("ArrowRight")
    page.get_by_label("How your back feels").press("ArrowRight")
    assert page.get_by_label("Your number").input_value() == "52"
    page.get_by_role("button", name="Save and go on").click()


def _skip(opened: Opened, exercise: str) -> None:
    page = opened.page
    page.wait_for_url(f"**/exercises/{exercise}")
    page.get_by_text("Leave this exercise out").click()
    page.get_by_label("I have no space for it").check()
    page.get_by_role("button", name="Leave it out and go on").click()


def _check_what_is_stored(served: Served, person: str) -> None:
    with served.database.session(read_only=True) as session:
        rows = session.scalars(select(Recording).join(Visit).where(Visit.participant_id == person)).all()
        states = {row.exercise: row.state for row in rows}
        skipped = RecordingState.SKIPPED
        assert states == {"touch-toes": RecordingState.QUEUED, "walk": skipped, "jump": skipped}
        (bend,) = (row for row in rows if row.exercise == "touch-toes")
        assert bend.rating == 52.0
        pose = recordings.load_track(session, bend.id).pose
    assert pose.frame_size == (1280, 720)
    assert 7.0 <= pose.duration_s <= 30.0
    assert pose.has_person.mean() > 0.5
    # Most of the clip is standing; there the browser finds what BlazePose finds here, unmirrored and to scale.
    found = np.nanmedian(pose.image_px[:, BODY, :2], axis=0)
    assert np.median(np.linalg.norm(found - _standing_px(), axis=1)) < AGREE_PX


def _standing_px() -> NDArray[np.float64]:
    """Return where BlazePose on this machine sees the person who stands; shape (n_landmarks, 2)."""
    with av.open(str(DEMO)) as source:
        picture = next(source.decode(video=0)).to_ndarray(format="rgb24")
    with pose_estimator(pose_bundle("lite"), engine="mediapipe") as estimator:
        seen = estimator.estimate(Frame(index=0, timestamp_s=0.0, image=picture))
    return seen.image_px[BODY, :2]
