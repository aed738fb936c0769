"""What goes wrong in front of a camera: no line, no camera, two tabs, a closed page. In a real browser."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest

pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
pytest.importorskip("fastapi", reason="the extra `web` is not installed")

import numpy as np
from playwright import sync_api as playwright

from backsight.storage import recordings
from backsight.storage.tables import RecordingState
from tests.browser import participants
from tests.browser.participants import SLOW_MS, Guest, Opened, Served

pytestmark = [pytest.mark.browser, pytest.mark.timeout(600)]

Opens = Callable[[str], Opened]
SHORT_S = 6
"""Of a recording of which only the sending is looked at."""


def enter(served: Served, opened: Opened, guest: Guest) -> None:
    opened.page.goto(f"{served.url}/join/{guest.token}")
    opened.page.wait_for_url("**/exercises/touch-toes")


def test_with_a_line_that_goes_no_landmark_is_lost_and_the_page_says_that_it_still_sends(
    served: Served, open_page: Opens
) -> None:
    guest, opened = served.invite(shows_index=True, is_ready=True), open_page("phone")
    page = opened.page
    page.route_web_socket("**/live", lambda socket: socket.close(code=1011))
    enter(served, opened, guest)
    participants.start(opened)
    playwright.expect(page.locator("[data-timer]")).to_have_text(re.compile(r"^[2-5] s$"), timeout=SLOW_MS)
    # The preview is gone, and the recording goes on.
    page.get_by_text("not available now; your recording goes on").wait_for()
    page.context.set_offline(True)
    page.get_by_text("The connection is bad just now").wait_for()
    participants.stop(opened)
    page.get_by_text("Storing your recording").wait_for()
    opened.look_at("storing without a line")
    page.context.set_offline(False)
    page.get_by_role("heading", name="This was recorded").wait_for()
    assert page.get_by_text("The connection is bad just now").is_hidden()
    (recording,) = served.recordings_of(guest)
    with served.database.session(read_only=True) as session:
        times_s = recordings.load_track(session, recording.id).pose.timestamps_s
    said_s = float(page.locator("[data-duration]").inner_text().split()[0])
    assert abs(times_s[-1] - said_s) <= 0.51
    assert times_s[0] == 0.0
    # No piece is missing: a piece is 30 pictures, and no such hole is between two.
    assert np.diff(times_s).max() < 10 * np.median(np.diff(times_s)) + 1.0
    page.get_by_role("button", name="Keep this one").click()
    _rate_twice_at_once(opened)
    page.wait_for_url("**/exercises/walk")
    assert [one.state for one in served.recordings_of(guest)] == [RecordingState.QUEUED]
    assert opened.faults == []


def _rate_twice_at_once(opened: Opened) -> None:
    page = opened.page
    page.get_by_label("Your number").fill("70")
    page.get_by_role("button", name="Save and go on").evaluate("one => { one.click(); one.click(); }")


def test_a_page_closed_while_recording_asks_first_and_says_afterwards_what_became_of_it(
    served: Served, open_page: Opens
) -> None:
    guest, opened = served.invite(is_ready=True), open_page("phone")
    page = opened.page
    enter(served, opened, guest)
    assert page.locator("[data-interrupted]").is_hidden()
    participants.start(opened)
    # A second tab does not throw away what the first one records.
    other = Opened(page.context.new_page(), "phone")
    other.page.goto(f"{served.url}/take-part")
    other.page.get_by_text("was broken off before all of it had arrived").wait_for()
    other.page.get_by_role("button", name="To the camera").click()
    other.page.locator("[data-start]:enabled").click()
    other.page.get_by_text("You are recording in another tab or window already").wait_for()
    other.page.close()
    page.bring_to_front()
    asked: list[str] = []

    def leave(dialog: playwright.Dialog) -> None:
        asked.append(dialog.type)
        dialog.accept()

    page.on("dialog", leave)
    page.reload()
    assert asked == ["beforeunload"]
    page.get_by_text("was broken off before all of it had arrived").wait_for()
    opened.look_at("after a recording that was broken off")
    participants.record(opened, seconds=SHORT_S)
    # What is here and not rated waits for who comes back.
    page.reload()
    page.get_by_text("You have recorded this exercise already").wait_for()
    opened.look_at("recorded and not rated")
    page.get_by_role("button", name="Keep it and go on").click()
    _rate_twice_at_once(opened)
    page.wait_for_url("**/exercises/walk")
    page.go_back()
    # What is kept is not asked for again.
    page.wait_for_url("**/exercises/walk")
    assert [one.state for one in served.recordings_of(guest)] == [RecordingState.QUEUED]
    assert opened.faults == []


def test_a_camera_pulled_out_and_a_page_left_end_the_recording_and_say_so(served: Served, open_page: Opens) -> None:
    guest, opened = served.invite(is_ready=True), open_page("phone")
    page = opened.page
    enter(served, opened, guest)
    participants.start(opened)
    playwright.expect(page.locator("[data-timer]")).to_have_text(re.compile(r"^[6-9] s$"), timeout=SLOW_MS)
    page.locator("[data-stage] video").evaluate("one => one.srcObject.getTracks()[0].dispatchEvent(new Event('ended'))")
    page.get_by_role("heading", name="This was recorded").wait_for()
    page.get_by_text("The camera was switched off or pulled out").wait_for()
    opened.look_at("after the camera was pulled out")
    page.get_by_role("button", name="Record again").click()
    page.locator("[data-start]:enabled").wait_for()
    # During the countdown nothing is lost yet.
    page.get_by_role("button", name="Start recording").click()
    page.get_by_role("button", name="Cancel").wait_for()
    page.evaluate(
        """() => {
          Object.defineProperty(document, "hidden", { value: true, configurable: true });
          document.dispatchEvent(new Event("visibilitychange"));
        }"""
    )
    page.get_by_text("The countdown was stopped because this page was left").wait_for()
    page.locator("[data-start]:enabled").wait_for()
    assert opened.faults == []


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("NotAllowedError", "The camera is not allowed on this page. Tap the sign left of the page’s address"),
        ("NotFoundError", "No camera was found. Connect one"),
        ("NotReadableError", "Another program is using the camera"),
    ],
)
def test_without_a_camera_the_page_says_what_to_do_and_tries_again(
    served: Served, open_page: Opens, name: str, says: str
) -> None:
    guest, opened = served.invite(is_ready=True), open_page("phone")
    page = opened.page
    page.add_init_script(
        f"""const give = MediaDevices.prototype.getUserMedia;
        MediaDevices.prototype.getUserMedia = async function (asked) {{
          if (!window.isMended) throw new DOMException("no", "{name}");
          return await give.call(this, asked);
        }};
        const browser = "Mozilla/5.0 (Linux; Android 14) Chrome/130.0";
        Object.defineProperty(Navigator.prototype, "userAgent", {{ get: () => browser }});
        """
    )
    enter(served, opened, guest)
    page.get_by_role("button", name="To the camera").click()
    page.get_by_text(says).wait_for()
    opened.look_at(f"camera {name}")
    assert page.locator("[data-start]").is_disabled()
    page.evaluate("window.isMended = true")
    page.get_by_role("button", name="Try the camera again").click()
    page.locator("[data-start]:enabled").wait_for()
    assert page.get_by_role("button", name="Try the camera again").is_hidden()
    assert opened.faults == []


def test_somebody_too_near_is_told_while_recording(served: Served, open_page: Opens) -> None:
    guest, opened = served.invite(is_ready=True), open_page("phone")
    page = opened.page
    # The same camera, nearer: the feet are below the picture.
    page.add_init_script(
        """const give = MediaDevices.prototype.getUserMedia;
        MediaDevices.prototype.getUserMedia = async function (asked) {
          const srcObject = await give.call(this, asked);
          const video = Object.assign(document.createElement("video"), { muted: true, srcObject });
          await video.play();
          const canvas = Object.assign(document.createElement("canvas"), { width: 1280, height: 720 });
          const context = canvas.getContext("2d");
          context.fillStyle = "#777";
          setInterval(() => {
            context.fillRect(0, 0, 1280, 720);
            context.drawImage(video, -384, -100, 2048, 1152);
          }, 50);
          return canvas.captureStream(20);
        };"""
    )
    enter(served, opened, guest)
    participants.start(opened)
    playwright.expect(page.locator("[data-hint]")).to_have_text(re.compile("step back"), timeout=SLOW_MS)
    opened.look_at("too near")
    assert opened.faults == []


def test_a_video_outlives_the_page_and_goes_on_where_it_was(served: Served, open_page: Opens) -> None:
    guest, opened = served.invite(mode="video", is_ready=True), open_page("phone")
    page = opened.page
    enter(served, opened, guest)
    participants.record(opened, seconds=SHORT_S)
    sha256 = participants.hash_of_held_video(page)
    sent: list[int] = []

    def take_one_piece(route: playwright.Route) -> None:
        if route.request.method == "PATCH":
            sent.append(int(route.request.headers["upload-offset"]))
        if route.request.method == "PATCH" and len(sent) > 1:
            route.abort("connectionreset")
        else:
            route.continue_()

    page.route("**/video/*", take_one_piece)
    page.get_by_role("button", name="Keep this one").click()
    page.get_by_text("The connection is bad just now").wait_for()
    page.on("dialog", lambda dialog: dialog.accept())
    page.reload()
    page.get_by_text("It is still held in this browser").wait_for()
    opened.look_at("a video that is still held")
    page.unroute("**/video/*")
    offsets: list[str] = []
    page.on(
        "request",
        lambda asked: offsets.append(asked.headers.get("upload-offset", "")) if asked.method == "PATCH" else None,
    )
    page.get_by_role("button", name="Send it and go on").click()
    page.get_by_text("Your video has arrived").wait_for()
    # Not from the beginning.
    assert offsets[0] == str(2**18)
    _rate_twice_at_once(opened)
    page.wait_for_url("**/exercises/walk")
    (recording,) = served.recordings_of(guest)
    assert (recording.state, recording.video_sha256) == (RecordingState.QUEUED, sha256)
    assert opened.faults == []


def test_a_video_of_a_browser_that_records_webm_only_is_assessed_too(served: Served, open_page: Opens) -> None:
    guest, opened = served.invite(mode="video", is_ready=True), open_page("phone")
    page = opened.page
    page.add_init_script(
        """const knows = MediaRecorder.isTypeSupported.bind(MediaRecorder);
        MediaRecorder.isTypeSupported = (kind) => kind.startsWith("video/webm") && knows(kind);"""
    )
    enter(served, opened, guest)
    participants.record(opened, seconds=SHORT_S)
    page.get_by_role("button", name="Keep this one").click()
    _rate_twice_at_once(opened)
    page.wait_for_url("**/exercises/walk")
    (recording,) = served.recordings_of(guest)
    assert served.assess(recording) is RecordingState.DONE


def test_a_video_that_is_refused_says_why_and_is_recorded_again(served: Served, open_page: Opens) -> None:
    guest, opened = served.invite(mode="video", is_ready=True), open_page("phone")
    page = opened.page
    enter(served, opened, guest)
    participants.record(opened, seconds=SHORT_S)
    refusal = '{"error": "a video must have at most 512 MB"}'
    page.route("**/video", lambda route: route.fulfill(status=413, body=refusal, content_type="application/json"))
    page.get_by_role("button", name="Keep this one").click()
    page.get_by_role("heading", name="Your video could not be taken").wait_for()
    page.get_by_text("a video must have at most 512 MB").wait_for()
    opened.look_at("a video that is refused")
    page.get_by_role("button", name="Record again").click()
    page.locator("[data-start]:enabled").wait_for()
    assert participants.held_videos(page) == 0
    assert served.recordings_of(guest) == []
    assert opened.faults == []


def test_a_held_video_waits_for_its_own_person_and_goes_with_the_first_page_of_another(
    served: Served, open_page: Opens
) -> None:
    guest, other, opened = served.invite(mode="video", is_ready=True), served.invite(), open_page("phone")
    page = opened.page
    enter(served, opened, guest)
    participants.record(opened, seconds=SHORT_S)
    page.on("dialog", lambda dialog: dialog.accept())
    for elsewhere in ("camera", "withdraw", "exercises/walk"):
        page.goto(f"{served.url}/take-part/{elsewhere}")
        page.wait_for_load_state("networkidle")
        assert participants.held_videos(page) == 1
    page.goto(f"{served.url}/join/{other.token}")
    page.get_by_role("button", name="Go on with my link").click()
    page.wait_for_url("**/consent")
    participants.wait_for_no_held_video(page)
    assert opened.complaints == []
