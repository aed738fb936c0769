"""The live preview of a recording: what comes back, what is refused, and who may watch."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest
from starlette.testclient import TestClient, WebSocketTestSession
from starlette.websockets import WebSocketDisconnect

from backsight.domain.assessment import IndexVerdict, QualityVerdict
from backsight.domain.recording import Exercise
from backsight.live.hints import Hint
from backsight.live.preview import Preview
from backsight.storage import recordings
from backsight.storage.chunks import LandmarkFrames
from backsight.storage.tables import PrivacyMode, RecordingState
from backsight.web.routes import stream
from backsight.web.routes.stream import describe
from tests.assessments import make_pose
from tests.unit.web.site import Site
from tests.unit.web.test_uploads import Phone, join


@pytest.fixture
def phone(site: Site, monkeypatch: pytest.MonkeyPatch) -> Phone:
    """A browser that records landmarks; answers come at once."""
    monkeypatch.setattr(stream, "ANSWER_EVERY_S", 0.0)
    return join(site, mode=PrivacyMode.LANDMARKS, show_live_index=True)


def live(phone: Phone, **headers: str) -> WebSocketTestSession:
    return phone.client.websocket_connect(f"/take-part/recordings/{phone.recording_id}/live", headers=headers)


def document_of(frames: LandmarkFrames) -> dict[str, object]:
    """Return frames as a browser sends them; where nobody is seen, with their time only."""
    documents: list[dict[str, object]] = []
    for index, timestamp_s in enumerate(frames.timestamps_s.tolist()):
        documents.append({"timestamp_s": timestamp_s})
        if np.isfinite(frames.image[index]).all():
            documents[-1] |= {
                name: getattr(frames, name)[index].tolist() for name in ("image", "world_m", "visibility", "presence")
            }
    return {"frames": documents}


def messages(exercise: Exercise = Exercise.WALK) -> Iterator[dict[str, object]]:
    """A real exercise, half a second a message."""
    for frames in recordings.frames_of(make_pose(exercise), n_frames=15):
        yield document_of(frames)


def closing_of(socket: WebSocketTestSession) -> WebSocketDisconnect:
    """Return how the server hangs up; answers on the way there are passed over."""
    message = socket.receive()
    while message["type"] != "websocket.close":
        message = socket.receive()
    return WebSocketDisconnect(message["code"], message.get("reason"))


def test_landmarks_come_back_as_an_index_that_builds_up(phone: Phone) -> None:
    with live(phone) as socket:
        answers = []
        for message in messages():
            socket.send_json(message)
            answers.append(socket.receive_json())
    first, last = answers[0], answers[-1]
    assert first["index"] is None or first["seen_s"] < 1.0
    assert first["verdict"] == "cannot tell"
    assert 0.0 <= last["low"] <= last["index"] <= last["high"] <= 1.0
    assert last["seen_s"] > first["seen_s"]
    assert last["sub_indices"]
    assert all(part["value"] is None or 0.0 <= part["value"] <= 1.0 for part in last["sub_indices"])


def test_where_the_study_shows_no_index_none_leaves_the_server(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stream, "ANSWER_EVERY_S", 0.0)
    phone = join(site, mode=PrivacyMode.LANDMARKS)
    chunks = recordings.frames_of(make_pose(Exercise.WALK), n_frames=30)[:2]
    far = [replace(frames, image=0.5 + 0.1 * (frames.image - 0.5)) for frames in chunks]
    with live(phone) as socket:
        for frames in far:
            socket.send_json(document_of(frames))
            answer = socket.receive_json()
    assert set(answer) == {"hints"}
    assert "Too far away: come closer" in {hint["text"] for hint in answer["hints"]}


def test_a_video_s_own_participant_is_told_what_the_browser_sees_in_it(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stream, "ANSWER_EVERY_S", 0.0)
    phone = join(site, show_live_index=True)
    with live(phone) as socket:
        assert "size" in closing_of(socket).reason
    body = {"exercise": "walk", "mode": "video", "width": 1280, "height": 720}
    phone.recording_id = phone.client.post("/take-part/recordings", json=body).json()["id"]
    with live(phone) as socket:
        socket.send_json(next(messages()))
        assert "index" in socket.receive_json()
    assert phone.recording().state is RecordingState.RECEIVING


def test_nothing_of_a_preview_is_kept(phone: Phone) -> None:
    before = phone.recording().state
    with live(phone) as socket:
        socket.send_json(next(messages()))
        socket.receive_json()
    assert phone.recording().state is before
    with phone.site.database.session() as session, pytest.raises(Exception, match="landmarks"):
        recordings.load_track(session, phone.recording_id)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("{", "must be JSON"),
        ("[" * 100_000, "must be JSON"),
        ("[]", "a chunk must be an object"),
        ('{"frames": []}', "1 to 300 frames"),
        ('{"frames": [{"timestamp_s": 1, "image": [[0, 0, 0]]}]}', "33 x 3 numbers"),
        ('{"frames": [{"timestamp_s": NaN}]}', "within 0 and"),
        ('{"frames": [{"timestamp_s": 2}, {"timestamp_s": 1}]}', "increase strictly"),
    ],
    ids=["cut", "deep", "list", "none", "one landmark", "no clock", "backwards"],
)
def test_what_is_no_chunk_ends_the_preview_with_a_reason(phone: Phone, text: str, reason: str) -> None:
    with live(phone) as socket:
        socket.send_text(text)
        end = closing_of(socket)
    assert end.code == stream.NOT_UNDERSTOOD
    assert reason in end.reason


def test_a_clock_that_goes_back_between_messages_ends_the_preview(phone: Phone) -> None:
    with live(phone) as socket:
        message = next(messages())
        socket.send_json(message)
        socket.receive_json()
        socket.send_json(message)
        end = closing_of(socket)
    assert (end.code, "clock" in end.reason) == (stream.NOT_UNDERSTOOD, True)


def test_bytes_and_huge_messages_end_the_preview(phone: Phone) -> None:
    with live(phone) as socket:
        socket.send_bytes(b"\x00")
        assert closing_of(socket).code == stream.NOT_UNDERSTOOD
    with live(phone) as socket:
        socket.send_text(" " * (stream.MAX_MESSAGE_BYTES + 1))
        assert closing_of(socket).code == stream.TOO_LARGE


def test_another_site_cannot_watch(phone: Phone) -> None:
    with pytest.raises(WebSocketDisconnect), live(phone, origin="https://elsewhere.example"):
        pass
    with live(phone, origin="http://testserver") as socket:
        socket.send_json(next(messages()))
        assert "index" in socket.receive_json()


def test_only_the_recording_s_own_participant_watches_and_only_while_it_goes_on(phone: Phone) -> None:
    stranger = join(phone.site, mode=PrivacyMode.LANDMARKS)
    stranger.recording_id = phone.recording_id
    with live(stranger) as socket:
        assert "there is no recording" in closing_of(socket).reason
    nobody = TestClient(phone.site.app)
    address = f"/take-part/recordings/{phone.recording_id}/live"
    with pytest.raises(WebSocketDisconnect), nobody.websocket_connect(address):
        pass
    with phone.site.database.session() as session:
        recordings.discard(session, phone.recording_id)
    with live(phone) as socket:
        assert "not going on" in closing_of(socket).reason


def test_a_full_server_says_so(phone: Phone, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stream, "N_AT_ONCE", 1)
    with live(phone) as socket:
        socket.send_json(next(messages()))
        socket.receive_json()
        with live(phone) as second:
            assert closing_of(second).code == stream.BUSY
    with live(phone) as socket:
        socket.send_json(next(messages()))
        assert "index" in socket.receive_json()


def test_one_participant_takes_two_places_at_most_and_gives_them_back(phone: Phone) -> None:
    other = join(phone.site, mode=PrivacyMode.LANDMARKS, show_live_index=True)
    with live(phone), live(phone), live(phone) as third, live(other) as theirs:
        assert closing_of(third).code == stream.BUSY
        theirs.send_json(next(messages()))
        assert "index" in theirs.receive_json()
    with live(phone) as again:
        again.send_json(next(messages()))
        assert "index" in again.receive_json()


def test_a_preview_says_null_for_what_is_not_known() -> None:
    hint = Hint("whole_body_in_frame", QualityVerdict.UNUSABLE, "step back")
    found = describe(Preview(hints=(hint,), reason="starts with the exercise"), shows_index=True)
    assert found["hints"] == [{"name": "whole_body_in_frame", "severity": "unusable", "text": "step back"}]
    assert (found["index"], found["low"], found["high"]) == (None, None, None)
    assert found["verdict"] == IndexVerdict.CANNOT_TELL.value
    assert json.loads(json.dumps(found, allow_nan=False)) == found
    assert np.isnan(Preview().index)
