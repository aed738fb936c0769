"""A participant in a real browser, with a camera that plays a clip: from the link to the thank-you, and withdrawal.

On a desktop everything is done by keyboard alone, on a phone by touch.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from urllib.parse import parse_qsl

import numpy as np
import pytest
from numpy.typing import NDArray

pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
pytest.importorskip("fastapi", reason="the extra `web` is not installed")

import av
from playwright import sync_api as playwright

from backsight.domain.landmarks import Landmark
from backsight.domain.sequences import Frame
from backsight.openers import pose_bundle, pose_estimator
from backsight.storage import recordings
from backsight.storage.tables import PrivacyMode, RecordingState
from tests.browser import participants
from tests.browser.conftest import DEMO
from tests.browser.participants import SIZES, Guest, Opened, Served

pytestmark = [pytest.mark.browser, pytest.mark.timeout(600)]

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
N_STANDING = 3
"""Pictures of the person standing that are compared at least."""
AGREE_PX = 20.0
"""A tenth of the person's height in the clip would be 29 pixels, a mirrored or swapped axis hundreds."""
PAGE_LIMIT_BYTES = 300_000
"""Of a page and everything it loads before the pose runtime, as the browser counts it."""
BODY_LIMIT = 250_000
"""Characters of a second of landmarks, 30 frames of 33 points, and some more; a picture as numbers has millions."""
FINGER_PX = 44
"""Least width and height of what is touched (WCAG 2.2, 2.5.5)."""
TEXT_LIMIT = 200
"""Characters of the longest text in a form or JSON; the smallest picture as text has thousands."""


@pytest.fixture(params=SIZES)
def opened(request: pytest.FixtureRequest, open_page: Callable[[str], Opened]) -> Opened:
    return open_page(request.param)


def test_only_landmarks_from_the_link_to_the_thank_you_and_out_again(served: Served, opened: Opened) -> None:
    guest, page = served.invite(), opened.page
    _walk_to_the_exercise(served, opened, guest)
    weight = page.evaluate("performance.getEntries().reduce((sum, one) => sum + (one.decodedBodySize ?? 0), 0)")
    assert 0 < weight <= PAGE_LIMIT_BYTES
    # A line that breaks for the first chunk, twice.
    broken = iter(range(2))
    page.route("**/chunks/0", lambda route: route.continue_() if next(broken, None) is None else route.abort())
    participants.record(opened)
    assert next(broken, None) is None
    assert page.locator("[data-live]").count() == 0
    opened.look_at("playback")
    opened.press(page.get_by_role("button", name="Keep this one"))
    participants.rate(opened)
    _finish(opened)
    _check_landmarks(served, guest)
    assert not any(url.endswith("/video") for url in opened.asked)
    _withdraw(served, opened, guest)
    _check_only_landmarks_were_sent(opened)


def test_a_video_whose_sending_is_cut_arrives_byte_for_byte(served: Served, opened: Opened) -> None:
    guest, page = served.invite(mode="video"), opened.page
    _walk_to_the_exercise(served, opened, guest)
    participants.record(opened)
    opened.look_at("playback of a video")
    assert page.locator("[data-playback] video").evaluate("one => one.readyState > 0 && one.videoWidth") == 1280
    assert not any(url.endswith("/video") for url in opened.asked)
    sha256 = participants.hash_of_held_video(page)

    # The second piece breaks off, again and again; then the line is gone altogether.
    n_pieces, is_broken = 0, True

    def break_off(route: playwright.Route) -> None:
        nonlocal n_pieces
        n_pieces += route.request.method == "PATCH" and not (n_pieces == 2 and is_broken)
        if n_pieces == 2 and is_broken:
            route.abort("connectionreset")
        else:
            route.continue_()

    page.route("**/video/*", break_off)
    opened.press(page.get_by_role("button", name="Keep this one"))
    page.get_by_text("The connection is bad just now").wait_for()
    page.context.set_offline(True)
    opened.look_at("rating while a video waits")
    participants.rate(opened)
    page.get_by_text("Your number is saved as soon as the video has arrived").wait_for()
    assert served.recordings_of(guest)[0].state is RecordingState.RECEIVING
    is_broken = False
    page.context.set_offline(False)
    page.wait_for_url("**/exercises/walk")
    (recording,) = served.recordings_of(guest)
    assert (recording.state, recording.rating) == (RecordingState.QUEUED, 52.0)
    assert recording.mode is PrivacyMode.VIDEO
    assert recording.video_sha256 == sha256
    assert participants.held_videos(page) == 0
    assert n_pieces >= 3
    folder = Path(served.app.state.settings.videos_url)
    assert len([path for path in folder.rglob("*") if path.is_file() and recording.id in str(path)]) == 1
    if opened.size == "phone":
        assert served.assess(recording) is RecordingState.DONE
    _finish(opened)
    _withdraw(served, opened, guest)
    assert not [path for path in folder.rglob("*") if path.is_file() and recording.id in str(path)]


@pytest.mark.parametrize("width", [390, 320])
def test_the_questions_fit_a_phone_and_a_finger(served: Served, open_page: Callable[[str], Opened], width: int) -> None:
    opened = open_page("phone")
    page = opened.page
    page.set_viewport_size({"width": width, "height": 844})
    page.goto(f"{served.url}/join/{served.invite().token}")
    participants.sign(opened)
    page.wait_for_url("**/about-you")
    opened.look_at("about you")
    places = page.locator(".choice, input[inputmode]").evaluate_all(
        "all => all.map((one) => one.getBoundingClientRect()).map(({ width, height }) => [width, height])"
    )
    assert min(min(place) for place in places) >= FINGER_PX
    # Short answers lie side by side: below each other they took 4.9 screens.
    screens = page.evaluate("document.documentElement.scrollHeight") / 844
    assert screens < (4.0 if width == 390 else 5.0)
    # What is chosen is seen without colour, and a key reaches it.
    page.get_by_role("group", name="How strong is the pain").get_by_label("3", exact=True).check()
    assert (
        page.locator(".choices-scale .choice:has(:checked)").evaluate("one => getComputedStyle(one).borderWidth")
        == "3px"
    )
    page.keyboard.press("ArrowRight")
    assert page.get_by_role("group", name="How strong is the pain").get_by_label("4", exact=True).is_checked()
    assert opened.faults == []


def test_hints_and_index_are_seen_live_where_the_study_shows_them(
    served: Served, open_page: Callable[[str], Opened]
) -> None:
    guest, opened = served.invite(shows_index=True, is_ready=True), open_page("phone")
    page = opened.page
    page.goto(f"{served.url}/join/{guest.token}")
    participants.start(opened)
    index = page.locator("[data-index]")
    playwright.expect(index).to_have_text(re.compile(r"^[01]\.\d\d$"), timeout=participants.SLOW_MS)
    assert "likely 0." in page.locator("[data-index-about]").inner_text()
    assert page.get_by_text("A preview, not a diagnosis").is_visible()
    assert page.locator("[data-hint]").inner_text() != ""
    opened.look_at("recording with the index")
    participants.stop(opened)
    page.get_by_role("heading", name="This was recorded").wait_for()
    _check_quiet(served, opened)
    _check_only_landmarks_were_sent(opened)
    assert opened.told


def _walk_to_the_exercise(served: Served, opened: Opened, guest: Guest) -> None:
    opened.page.goto(f"{served.url}/join/{guest.token}")
    participants.sign(opened)
    participants.answer(opened)
    participants.check_camera(opened)
    opened.page.wait_for_url("**/exercises/touch-toes")
    opened.look_at("explanation")


def _finish(opened: Opened) -> None:
    participants.skip(opened, "walk")
    participants.skip(opened, "jump")
    opened.page.wait_for_url("**/thank-you")
    opened.look_at("thank you")


def _withdraw(served: Served, opened: Opened, guest: Guest) -> None:
    participants.withdraw(opened)
    assert not served.is_there(guest)
    assert served.recordings_of(guest) == []
    _check_quiet(served, opened)


def _check_quiet(served: Served, opened: Opened) -> None:
    """Nothing went elsewhere, nothing failed, nothing is out of anybody's reach."""
    own = (served.url, served.url.replace("http:", "ws:"), "blob:", "data:")
    assert [url for url in opened.asked if not url.startswith(own)] == []
    assert opened.complaints == []
    assert opened.faults == []


def _check_only_landmarks_were_sent(opened: Opened) -> None:
    """Bodies are forms and JSON, small, and without a text as long as a picture would be."""
    kinds = {request.headers.get("content-type", "").partition(";")[0] for request in opened.sent}
    assert {"application/json"} <= kinds <= {"application/json", "application/x-www-form-urlencoded"}
    assert {request.method for request in opened.sent} == {"POST"}
    bodies = [request.post_data or "" for request in opened.sent]
    assert any('"frames"' in body for body in bodies)
    for body in (*bodies, *opened.told):
        assert isinstance(body, str)
        assert len(body) <= BODY_LIMIT
        texts = re.findall(r'"([^"]*)"', body) if body.startswith("{") else [text for _, text in parse_qsl(body)]
        assert max((len(text) for text in texts), default=0) <= TEXT_LIMIT
    for text in opened.told:
        assert set(json.loads(text)) == {"frames"}


def _check_landmarks(served: Served, guest: Guest) -> None:
    rows = {row.exercise: row for row in served.recordings_of(guest)}
    skipped = RecordingState.SKIPPED
    states = {name: row.state for name, row in rows.items()}
    assert states == {"touch-toes": RecordingState.QUEUED, "walk": skipped, "jump": skipped}
    assert rows["touch-toes"].rating == 52.0
    with served.database.session(read_only=True) as session:
        pose = recordings.load_track(session, rows["touch-toes"].id).pose
    assert pose.frame_size == (1280, 720)
    assert 7.0 <= pose.duration_s <= 30.0
    assert pose.has_person.mean() > 0.5
    # While they stand, the browser finds what BlazePose finds here, unmirrored and to scale. Not in every picture:
    # a loaded machine looks at one or two a second, and smooths over what it missed.
    seen = pose.image_px[pose.has_person][:, BODY, :2]
    away_px = np.median(np.linalg.norm(seen - _standing_px(), axis=2), axis=1)
    assert np.sort(away_px)[:N_STANDING].max() < AGREE_PX


def _standing_px() -> NDArray[np.float64]:
    """Return where BlazePose on this machine sees the person who stands; shape (n_landmarks, 2)."""
    with av.open(str(DEMO)) as source:
        picture = next(source.decode(video=0)).to_ndarray(format="rgb24")
    with pose_estimator(pose_bundle("lite"), engine="mediapipe") as estimator:
        seen = estimator.estimate(Frame(index=0, timestamp_s=0.0, image=picture))
    return seen.image_px[BODY, :2]
