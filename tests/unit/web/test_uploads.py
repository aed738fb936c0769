"""Uploads: cut off and taken up again, refused when they are no video or somebody else's, kept once."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from httpx2 import Response
from starlette.testclient import TestClient

from backsight.storage import recordings, studies
from backsight.storage.tables import PrivacyMode, Recording, RecordingState
from backsight.storage.videos import VideoStore
from backsight.web.routes import uploads
from backsight.web.routes.uploads import clear_incoming, incoming_dir
from tests.unit.storage.people import begin, begin_video, make_study
from tests.unit.web.site import Site, form_token
from tests.unit.web.test_decoding import write_video

TUS = {"Tus-Resumable": "1.0.0"}
NAMED = {"Upload-Metadata": "filename R3JhY2UubXA0,filetype dmlkZW8vbXA0"}
"""`Grace.mp4` and `video/mp4`."""


@dataclass
class Phone:
    """A participant's browser that sends a video."""

    site: Site
    client: TestClient
    recording_id: str

    @property
    def path(self) -> str:
        return f"/take-part/recordings/{self.recording_id}/video"

    @property
    def folder(self) -> Path:
        return incoming_dir(self.site.app.state.settings)

    def create(self, length: int | None, **headers: str) -> Response:
        length_header = {} if length is None else {"Upload-Length": str(length)}
        return self.client.post(self.path, headers=TUS | NAMED | length_header | headers)

    def send(self, content: bytes, *, offset: int, path: str | None = None) -> Response:
        kind = {"Content-Type": "application/offset+octet-stream", "Upload-Offset": str(offset)}
        return self.client.patch(path or f"{self.path}/{self.recording_id}", content=content, headers=TUS | kind)

    def offset(self) -> int:
        answer = self.client.head(f"{self.path}/{self.recording_id}", headers=TUS)
        assert answer.status_code == 200, answer.status_code
        return int(answer.headers["Upload-Offset"])

    def recording(self) -> Recording:
        with self.site.database.session(read_only=True) as session:
            found = session.get(Recording, self.recording_id)
            assert found is not None
            return found


def join(site: Site, *, mode: PrivacyMode = PrivacyMode.VIDEO, show_live_index: bool = False) -> Phone:
    """Let somebody new join a study of the member's, sign, and begin a recording."""
    with site.database.session() as session:
        owner = studies.members_of(session, site.who.study_id)[0].id
        study = make_study(session, owner_id=owner, privacy_mode=mode, name="Films", show_live_index=show_live_index)
        invitation = studies.invite(session, study_id=study.id)
        text_hash = studies.consent_hash(study.consent_text)
        studies.sign_consent(session, invitation.participant, signed_name="Grace", text_hash=text_hash)
        visit = recordings.open_visit(session, invitation.participant)
        recording_id = (begin_video if mode is PrivacyMode.VIDEO else begin)(session, visit).id
    client = TestClient(site.app, cookies={"backsight-participant": invitation.token}, follow_redirects=False)
    client.headers["X-CSRF-Token"] = form_token(client, "/take-part")
    client.headers["Accept"] = "application/json"
    return Phone(site, client, recording_id)


@pytest.fixture
def phone(site: Site, tmp_path: Path) -> Iterator[Phone]:
    """A phone, on a site whose videos are the test's own."""
    state, folder = site.app.state, str(tmp_path / "kept" / "videos")
    settings, videos = state.settings, state.videos
    state.settings, state.videos = replace(settings, videos_url=folder), VideoStore(folder)
    yield join(site)
    state.settings, state.videos = settings, videos


@pytest.fixture
def video(tmp_path: Path) -> bytes:
    return write_video(tmp_path / "film.mp4", size=(320, 240), seconds=2).read_bytes()


def cut(content: bytes, n_parts: int) -> Iterator[bytes]:
    size = -(-len(content) // n_parts)
    return (content[first : first + size] for first in range(0, len(content), size))


def test_an_upload_cut_off_five_times_goes_on_and_is_kept_byte_for_byte(phone: Phone, video: bytes) -> None:
    created = phone.create(len(video))
    assert created.status_code == 201
    assert created.headers["Location"].endswith(f"{phone.path}/{phone.recording_id}")
    path = phone.folder / phone.recording_id
    for number, part in enumerate(cut(video, 6)):
        offset = phone.offset()
        assert offset == video.index(part, offset)
        if number < 5:
            # The line breaks within the next part: some of its bytes are written, and nobody has entered them.
            assert phone.send(part, offset=offset).status_code == 204
            with path.open("ab") as file:
                file.write(b"half a block")
        else:
            assert phone.send(part, offset=offset).status_code == 204
    kept = phone.recording()
    assert kept.state is RecordingState.RECEIVED
    assert kept.video_sha256 == hashlib.sha256(video).hexdigest()
    with phone.site.app.state.videos.open_local(kept.video_key) as file:
        assert file.read_bytes() == video
    # A phone that lost the last answer asks again; of the video nothing is left in the folder.
    assert phone.offset() == len(video)
    assert path.stat().st_size == 0
    assert "Grace" not in "".join(item.read_text() for item in phone.folder.iterdir())


def test_a_wrong_offset_and_too_many_bytes_change_nothing(phone: Phone, video: bytes) -> None:
    phone.create(len(video))
    phone.send(video[:1000], offset=0)
    assert phone.send(video[:1000], offset=0).status_code == 409
    assert phone.send(video[1000:] + b"more", offset=1000).status_code == 400
    assert phone.offset() == 1000
    assert phone.send(video[1000:], offset=1000).status_code == 204
    assert phone.recording().video_sha256 == hashlib.sha256(video).hexdigest()


def test_a_server_that_dies_before_the_video_is_kept_keeps_it_when_asked(
    phone: Phone, video: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    phone.create(len(video))

    def die(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(uploads, "look_at_video", die)
        with pytest.raises(BaseException, match=r".*"):
            phone.send(video, offset=0)
    assert phone.recording().state is RecordingState.RECEIVING
    assert phone.offset() == len(video)
    assert phone.recording().state is RecordingState.RECEIVED


@pytest.mark.parametrize(
    ("content", "message"), [(b"#!/bin/sh\nrm -rf /\n", "not a video"), (bytes(4096), "not a video")]
)
def test_what_is_no_video_is_thrown_away_and_another_can_be_sent(
    phone: Phone, video: bytes, content: bytes, message: str
) -> None:
    phone.create(len(content))
    refused = phone.send(content, offset=0)
    assert refused.status_code == 422
    assert message in refused.json()["error"]
    assert not (phone.folder / phone.recording_id).exists()
    assert phone.recording().video_key is None
    assert not phone.site.app.state.videos.exists(f"{phone.recording_id}/{hashlib.sha256(content).hexdigest()[:16]}")
    assert phone.create(len(video)).status_code == 201
    assert phone.send(video, offset=0).status_code == 204
    assert phone.recording().state is RecordingState.RECEIVED


@pytest.mark.parametrize(
    ("length", "headers", "status"),
    [
        (513 * 2**20, {}, 413),
        (None, {}, 422),
        (None, {"Upload-Defer-Length": "1"}, 422),
        (0, {}, 422),
        (-1, {}, 422),
        (100, {"Upload-Concat": "partial"}, 422),
        (100, {"Tus-Resumable": "0.2.2"}, 412),
    ],
    ids=["huge", "no length", "later", "empty", "negative", "in parallel", "old protocol"],
)
def test_an_upload_that_cannot_be_taken_is_not_begun(
    phone: Phone, length: int | None, headers: dict[str, str], status: int
) -> None:
    assert phone.create(length, **headers).status_code == status
    assert not phone.folder.exists() or not list(phone.folder.iterdir())


def test_only_the_recording_s_own_participant_sends_and_only_where_the_study_takes_videos(
    phone: Phone, video: bytes
) -> None:
    phone.create(len(video))
    stranger = join(phone.site)
    assert stranger.send(video, offset=0, path=f"{phone.path}/{phone.recording_id}").status_code == 404
    assert stranger.send(video, offset=0, path=f"{stranger.path}/{phone.recording_id}").status_code == 404
    assert stranger.send(video, offset=0, path=f"{stranger.path}/..%2F{phone.recording_id}").status_code == 404
    assert stranger.client.delete(f"{phone.path}/{phone.recording_id}", headers=TUS).status_code == 404
    assert phone.offset() == 0
    phone.client.headers.pop("X-CSRF-Token")
    assert phone.send(video, offset=0).status_code == 403
    assert phone.offset() == 0
    assert join(phone.site, mode=PrivacyMode.LANDMARKS).create(len(video)).status_code == 409
    nobody = TestClient(phone.site.app)
    assert nobody.head(f"{phone.path}/{phone.recording_id}", headers=TUS).status_code in (403, 410)


def test_a_recording_that_has_its_video_takes_no_other(phone: Phone, video: bytes) -> None:
    phone.create(len(video))
    phone.send(video, offset=0)
    assert phone.create(len(video)).status_code == 409
    kept = phone.recording()
    assert kept.video_sha256 == hashlib.sha256(video).hexdigest()


def test_a_recording_thrown_away_while_its_video_comes_in_leaves_none(phone: Phone, video: bytes) -> None:
    phone.create(len(video))
    phone.send(video[:1000], offset=0)
    with phone.site.database.session() as session:
        recordings.discard(session, phone.recording_id)
    assert phone.send(video[1000:], offset=1000).status_code == 409
    assert not list(Path(phone.site.app.state.settings.videos_url).rglob("*/*"))
    assert not (phone.folder / phone.recording_id).exists()


def test_an_upload_can_be_given_up(phone: Phone, video: bytes) -> None:
    phone.create(len(video))
    phone.send(video[:1000], offset=0)
    address = f"{phone.path}/{phone.recording_id}"
    assert phone.client.delete(address, headers=TUS).status_code == 204
    assert phone.client.head(address, headers=TUS).status_code == 404


def test_what_nobody_can_take_up_is_cleared(phone: Phone, video: bytes) -> None:
    database = phone.site.database
    phone.create(len(video))
    phone.send(video[:1000], offset=0)
    # A network's file system calls what it could not remove so.
    stray = phone.folder / ".nfs0000"
    stray.touch()
    assert clear_incoming(database, phone.folder) == 0
    assert phone.offset() == 1000
    stray.unlink()
    newest_s = max(path.stat().st_mtime for path in phone.folder.iterdir())
    assert clear_incoming(database, phone.folder, now_s=newest_s + 2 * 24 * 3600) == 1
    assert not list(phone.folder.iterdir())
    phone.create(len(video))
    with database.session() as session:
        recordings.discard(session, phone.recording_id)
    assert clear_incoming(database, phone.folder) == 1
    assert not list(phone.folder.iterdir())


def test_bytes_that_were_promised_and_not_written_are_asked_for_again(phone: Phone, video: bytes) -> None:
    """A disk that was full: the library enters an offset beyond what is there."""
    phone.create(len(video))
    phone.send(video[:2000], offset=0)
    path = phone.folder / phone.recording_id
    path.write_bytes(video[:1500])
    assert phone.offset() == 1500
    assert phone.send(video[1500:], offset=1500).status_code == 204
    assert phone.recording().video_sha256 == hashlib.sha256(video).hexdigest()
