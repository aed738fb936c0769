"""How participants of the browser tests get in, walk through the pages and are looked at."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from fastapi import FastAPI
from playwright import sync_api as playwright
from sqlalchemy import select

from backsight.domain.recording import Exercise
from backsight.storage import recordings, studies
from backsight.storage.database import Database
from backsight.storage.tables import Participant, Recording, RecordingState, User, Visit
from backsight.web.assessing import assess_recording

ROOT = Path(__file__).parents[2]
AXE = ROOT / "web-assets" / "node_modules" / "axe-core" / "axe.min.js"
SCREENSHOTS = os.environ.get("BACKSIGHT_SCREENSHOTS")
"""A folder for pictures of every page that is looked at; none are taken without it."""
SIZES = {
    "phone": {"viewport": {"width": 390, "height": 844}, "is_mobile": True, "has_touch": True},
    "desktop": {"viewport": {"width": 1280, "height": 860}},
}
SLOW_MS = 120_000
"""How long a loaded machine may take to start the pose runtime or find a person."""
SECONDS = 8
"""Of a recording: as long as a bend takes in the clip, standing before it included."""
_MOST_TABS = 80
CONSENT = "I agree that my movement is recorded."


@dataclass
class Guest:
    """Somebody invited."""

    id: str
    token: str


@dataclass
class Served:
    """A running site."""

    url: str
    app: FastAPI
    owner_id: str

    @property
    def database(self) -> Database:
        database: Database = self.app.state.database
        return database

    def invite(
        self,
        *,
        mode: str = "landmarks",
        shows_index: bool = False,
        exercises: Sequence[Exercise] = tuple(Exercise),
        is_ready: bool = False,
    ) -> Guest:
        """Invite somebody to a new study; where they are ready, they are past the camera check already."""
        with self.database.session() as session:
            study = studies.create_study(
                session,
                name="Backs in Ulm",
                exercises=list(exercises),
                consent_text=CONSENT,
                privacy_mode=mode,
                retention_days=90,
                owner_id=self.owner_id,
                show_live_index=shows_index,
            )
            invitation = studies.invite(session, study_id=study.id)
            person = invitation.participant
            if is_ready:
                text_hash = studies.consent_hash(study.consent_text)
                studies.sign_consent(session, person, signed_name="Grace Hopper", text_hash=text_hash)
                studies.save_profile(
                    session, person, birth_year=None, sex=None, height_cm=None, mass_kg=None, back_history={}
                )
                recordings.open_visit(session, person).camera_check = {"passed": True}
        return Guest(person.id, invitation.token)

    def recordings_of(self, guest: Guest) -> list[Recording]:
        """Return what there is of somebody, but what was thrown away."""
        query = select(Recording).join(Visit).where(Visit.participant_id == guest.id)
        with self.database.session(read_only=True) as session:
            return list(session.scalars(query.where(Recording.state != RecordingState.DISCARDED)))

    def assess(self, recording: Recording) -> RecordingState:
        """Do what a worker does with a recording that was kept; return what has become of it."""
        assess_recording(self.database, self.app.state.videos, recording.id)
        with self.database.session(read_only=True) as session:
            return session.get_one(Recording, recording.id).state

    def is_there(self, guest: Guest) -> bool:
        """Tell whether somebody has a place in their study."""
        with self.database.session(read_only=True) as session:
            return session.get(Participant, guest.id) is not None


def add_owner(database: Database, role: str) -> str:
    """Make somebody to whom studies belong."""
    with database.session() as session:
        owner = User(email="ada@example.org", name="Ada", role=role, password_hash="unused")
        session.add(owner)
        session.flush()
        return owner.id


@dataclass
class Opened:
    """A page, what it asked for and what it complained about."""

    page: playwright.Page
    size: str
    has_mouse: bool = True
    asked: list[str] = field(default_factory=list)
    """Addresses of requests and of sockets."""
    sent: list[playwright.Request] = field(default_factory=list)
    """Requests that may have a body."""
    told: list[str | bytes] = field(default_factory=list)
    """What went out through sockets."""
    complaints: list[str] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.page.on("request", self._note)
        self.page.on("websocket", self._follow)
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("console", self._hear)

    def _note(self, request: playwright.Request) -> None:
        self.asked.append(request.url)
        if request.method not in ("GET", "HEAD"):
            self.sent.append(request)

    def _follow(self, socket: playwright.WebSocket) -> None:
        self.asked.append(socket.url)
        socket.on("framesent", self._overhear)

    def _overhear(self, text: str | bytes) -> None:
        self.told.append(text)

    def _hear(self, said: playwright.ConsoleMessage) -> None:
        if "Content Security Policy" in said.text:
            self.complaints.append(said.text)

    def press(self, place: playwright.Locator) -> None:
        """Use a button, link or tick; without a mouse by Tab and the key that browsers take for it."""
        if self.has_mouse:
            place.click()
            return
        self.reach(place)
        is_link_or_button = place.evaluate("one => one.matches('a, button, summary')")
        self.page.keyboard.press("Enter" if is_link_or_button else "Space")

    def reach(self, place: playwright.Locator) -> None:
        """Go to a place by Tab alone."""
        place.wait_for()
        for _ in range(_MOST_TABS):
            if place.evaluate("one => one === document.activeElement"):
                return
            self.page.keyboard.press("Tab")
        raise AssertionError(f"Tab does not lead to {place}")

    def write(self, place: playwright.Locator, text: str) -> None:
        """Type into a field."""
        if self.has_mouse:
            place.click()
        else:
            self.reach(place)
        self.page.keyboard.type(text)

    def look_at(self, where: str) -> None:
        """Note what axe-core finds serious, in light and dark, and that nothing sticks out at the side."""
        wide = self.page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        if wide > 0:
            self.faults.append(f"{where}: {wide} pixels wider than the screen")
        for scheme in ("dark", "light"):
            self.page.emulate_media(color_scheme=scheme)
            if SCREENSHOTS:
                name = f"{where.replace(' ', '-')}-{self.size}-{scheme}.png"
                self.page.screenshot(path=Path(SCREENSHOTS) / name, full_page=True)
            if AXE.exists():
                self.faults += [f"{where}, {scheme}: {fault}" for fault in self._faults()]

    def _faults(self) -> list[str]:
        # Through the debugger, which the page's policy does not bind.
        self.page.evaluate(AXE.read_text(encoding="utf-8"))
        found = self.page.evaluate("axe.run(document, {resultTypes: ['violations']})")
        return [
            f"{fault['id']}: {fault['nodes'][0]['html'][:120]}"
            for fault in found["violations"]
            if fault["impact"] in ("serious", "critical")
        ]


def sign(opened: Opened) -> None:
    """Read and sign the consent, after one try without a name."""
    page = opened.page
    opened.look_at("consent")
    opened.press(page.get_by_role("button", name="I agree, go on"))
    page.get_by_text("Please look at this again").wait_for()
    opened.look_at("consent with a fault")
    opened.press(page.get_by_label("I have read this, and I agree"))
    opened.write(page.get_by_label("Your first and last name"), "Grace Hopper")
    opened.press(page.get_by_role("button", name="I agree, go on"))


def answer(opened: Opened) -> None:
    """Answer one question and leave the others."""
    page = opened.page
    page.wait_for_url("**/about-you")
    opened.look_at("about you")
    # Nothing is answered beforehand.
    assert page.locator("input:checked").count() == 0
    opened.write(page.get_by_label("Height"), "172")
    opened.press(page.get_by_role("button", name="Save and go on"))


def check_camera(opened: Opened) -> None:
    """Stand in front of the camera until all is good."""
    page = opened.page
    page.wait_for_url("**/camera")
    opened.look_at("camera")
    opened.press(page.get_by_role("button", name="Open my camera"))
    page.get_by_text("Everything is good. You can go on.").first.wait_for()
    opened.look_at("camera check")
    opened.press(page.get_by_role("button", name="Go on", exact=True))


def start(opened: Opened) -> None:
    """Get as far as a recording that runs."""
    page = opened.page
    opened.press(page.get_by_role("button", name="To the camera"))
    page.locator("[data-start]:enabled").wait_for()
    delay = page.get_by_label("It begins")
    if opened.has_mouse:
        delay.select_option("3")
    else:
        opened.reach(delay)
        page.keyboard.press("ArrowUp")
    opened.press(page.get_by_role("button", name="Start recording"))
    page.get_by_role("button", name="Stop", exact=True).wait_for()


def record(opened: Opened, *, seconds: int = SECONDS) -> None:
    """Record for some seconds and look at what was recorded."""
    start(opened)
    stop(opened, seconds=seconds)
    opened.page.get_by_role("heading", name="This was recorded").wait_for()


def stop(opened: Opened, *, seconds: int = SECONDS) -> None:
    """Stop once the recording is so long."""
    later = re.compile(rf"^({'|'.join(str(number) for number in range(seconds, 61))}) s$")
    playwright.expect(opened.page.locator("[data-timer]")).to_have_text(later, timeout=SLOW_MS)
    opened.press(opened.page.get_by_role("button", name="Stop", exact=True))


def rate(opened: Opened, number: int = 52) -> None:
    """Say how the back feels, by keyboard alone: from the middle of the line up."""
    page = opened.page
    page.get_by_role("heading", name="How does your back feel now?").wait_for()
    assert page.get_by_label("Your number").input_value() == ""
    opened.press(page.get_by_role("button", name="Save and go on"))
    page.get_by_text("Please choose a number").wait_for()
    line = page.get_by_label("How your back feels")
    for _ in range(number - 50):
        line.press("ArrowRight")
    assert page.get_by_label("Your number").input_value() == str(number)
    opened.look_at("rating")
    opened.press(page.get_by_role("button", name="Save and go on"))


def skip(opened: Opened, exercise: str) -> None:
    """Leave an exercise out."""
    page = opened.page
    page.wait_for_url(f"**/exercises/{exercise}")
    opened.look_at(f"explanation of {exercise}")
    opened.press(page.get_by_text("Leave this exercise out"))
    if opened.has_mouse:
        page.get_by_label("I have no space for it").check()
    else:
        # Tab enters a group of choices at its first, arrows go on.
        opened.reach(page.get_by_label("It would hurt"))
        for key in ("ArrowDown", "ArrowDown"):
            page.keyboard.press(key)
    opened.press(page.get_by_role("button", name="Leave it out and go on"))


def withdraw(opened: Opened) -> None:
    """Withdraw from the last page."""
    page = opened.page
    opened.press(page.get_by_role("link", name="withdraw", exact=True))
    page.wait_for_url("**/withdraw")
    opened.look_at("withdraw")
    opened.press(page.get_by_label("Yes, delete everything of mine"))
    opened.press(page.get_by_role("button", name="Withdraw and delete"))
    page.get_by_role("heading", name="Everything of yours is deleted").wait_for()
    opened.look_at("withdrawn")


def hash_of_held_video(page: playwright.Page) -> str:
    """Return the SHA-256 of the video that the browser holds and has not sent yet."""
    digest: str = page.evaluate(
        """async () => {
          const settled = (request) => new Promise((resolve, reject) =>
            Object.assign(request, { onsuccess: () => resolve(request.result), onerror: () => reject(request.error) }));
          const database = await settled(indexedDB.open("backsight", 1));
          const [held] = await settled(database.transaction("videos").objectStore("videos").getAll());
          database.close();
          const digest = await crypto.subtle.digest("SHA-256", await held.blob.arrayBuffer());
          return [...new Uint8Array(digest)].map((byte) => byte.toString(16).padStart(2, "0")).join("");
        }"""
    )
    return digest


_COUNT_HELD = """() => new Promise((resolve) => {
  const request = indexedDB.open("backsight", 1);
  request.onupgradeneeded = () => request.result.createObjectStore("videos");
  request.onsuccess = () => {
    const asked = request.result.transaction("videos").objectStore("videos").count();
    asked.onsuccess = () => { request.result.close(); resolve(asked.result); };
  };
})"""


def held_videos(page: playwright.Page) -> int:
    """Return how many videos the browser holds."""
    count: int = page.evaluate(_COUNT_HELD)
    return count


def wait_for_no_held_video(page: playwright.Page) -> None:
    """Wait until the page has forgotten what the browser held."""
    page.wait_for_function(f"async () => (await ({_COUNT_HELD})()) === 0")
