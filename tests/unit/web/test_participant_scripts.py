"""The scripts of a participant's pages that need no browser, run by Node: sending over a bad line, hints, frames."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

SCRIPTS = Path(__file__).parents[3] / "src" / "backsight" / "web" / "static" / "participant"
NODE = shutil.which("node")
pytestmark = pytest.mark.skipif(NODE is None, reason="node is not installed")


def run(script: str, tmp_path: Path) -> None:
    """Run a module that imports ours by name and asserts by itself."""
    for one in SCRIPTS.glob("*.js"):
        shutil.copy(one, tmp_path)
    (tmp_path / "package.json").write_text('{"type": "module"}', encoding="utf-8")
    (tmp_path / "case.js").write_text('import assert from "node:assert/strict";\n' + script, encoding="utf-8")
    done = subprocess.run([str(NODE), "case.js"], cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr


def test_a_chunk_is_sent_again_until_it_is_there_and_always_the_same(tmp_path: Path) -> None:
    run(
        """
        import { ChunkSender } from "./sender.js";
        const sent = [], told = [];
        let failures = 1;
        const sender = new ChunkSender(async (number, body) => {
          sent.push([number, body]);
          if (failures-- > 0) throw Object.assign(new Error("no line"), { mayPass: true });
        }, (isWaiting) => told.push(isWaiting));
        for (let i = 0; i < 65; i++) sender.push({ timestamp_s: i });
        assert.equal(await sender.finish(), 3);
        assert.deepEqual(sent.map(([number]) => number), [0, 0, 1, 2]);
        assert.equal(sent[0][1], sent[1][1]);
        const frames = sent.slice(1).flatMap(([, body]) => JSON.parse(body).frames);
        assert.deepEqual(frames.map((one) => one.timestamp_s), [...Array(65).keys()]);
        assert.deepEqual(told, [true, false]);
        assert.equal(sender.isBehind, false);
        """,
        tmp_path,
    )


def test_what_the_server_refuses_for_good_is_not_sent_again(tmp_path: Path) -> None:
    run(
        """
        import { ChunkSender } from "./sender.js";
        let n = 0;
        const sender = new ChunkSender(async () => { n++; throw Object.assign(new Error("no"), { mayPass: false }); });
        for (let i = 0; i < 90; i++) sender.push({ timestamp_s: i });
        await assert.rejects(sender.finish(), /no/);
        assert.equal(n, 1);
        """,
        tmp_path,
    )


def test_a_frame_without_a_person_has_only_its_time(tmp_path: Path) -> None:
    run(
        """
        import { toFrame } from "./frames.js";
        assert.deepEqual(toFrame({ landmarks: [], worldLandmarks: [] }, 0.5), { timestamp_s: 0.5 });
        const mark = { x: 0.1234567, y: -0.2, z: 0, visibility: 1.0000001 };
        const found = { landmarks: [[mark]], worldLandmarks: [[mark]] };
        const place = [[0.12346, -0.2, 0]];
        const expected = { timestamp_s: 1, image: place, world_m: place, visibility: [1] };
        assert.deepEqual(toFrame(found, 1), expected);
        """,
        tmp_path,
    )


def test_hints_name_what_is_wrong_in_the_picture(tmp_path: Path) -> None:
    run(
        """
        import { CameraCheck } from "./hints.js";
        const limits = { foundShare: 0.9, partSeen: 0.5, wholeShare: 0.85, heightPx: 150, heightShare: 0.18,
          tooNearShare: 0.9, crowdedShare: 0.2, noseToAnkle: 0.88, luma: [40, 225], contrast: 12 };
        const parts = { head: [0], hips: [23, 24], feet: [31, 32] };
        // Somebody upright: nose at the top, shoulders, hips, knees and ankles below each other.
        const person = (height, unseen = []) => Array.from({ length: 33 }, (_, number) => {
          const share = number < 11 ? 0 : number < 23 ? 0.2 : number < 25 ? 0.5 : number < 27 ? 0.75 : 1;
          return { x: 0.5, y: 0.05 + share * height, visibility: unseen.includes(number) ? 0.1 : 0.9, presence: 0.9 };
        });
        const look = (people, picture = { luma: 120, contrast: 40, isShifted: false }) => {
          const check = new CameraCheck(limits, parts);
          for (let i = 0; i < 20; i++) {
            check.push({ landmarks: people }, 50 * i, { width: 1280, height: 720 });
            check.pushPicture(picture, 50 * i);
          }
          return Object.fromEntries(check.lines().map(({ name, state, text }) => [name, `${state}: ${text}`]));
        };
        for (const line of Object.values(look([person(0.6)]))) assert.match(line, /^good: /);
        assert.match(look([]).body, /^bad: Step into the picture/);
        assert.match(look([person(0.6, [31, 32])]).body, /^bad: I cannot see your feet: step back/);
        // One foot hidden behind the other is no fault.
        assert.match(look([person(0.6, [31])]).body, /^good/);
        assert.match(look([person(0.9)]).distance, /^bad: Too close/);
        assert.match(look([person(0.15)]).distance, /^bad: Too far/);
        assert.match(look([person(0.6), person(0.3)]).alone, /^bad/);
        assert.match(look([person(0.6)], { luma: 20, contrast: 40, isShifted: false }).light, /^bad: Too dark/);
        assert.match(look([person(0.6)], { luma: 240, contrast: 40, isShifted: false }).light, /^bad: Too bright/);
        assert.match(look([person(0.6)], { luma: 120, contrast: 40, isShifted: true }).still, /^bad/);
        """,
        tmp_path,
    )


CHECKED = """
        import { CheckState } from "./check-state.js";
        const line = ([name, state]) => ({ name, state, text: `${name} ${state}` });
        const look = (states) => Object.entries(states).map(line);
        const good = look({ body: "good", light: "good" });
        const bad = look({ body: "bad", light: "good" });
        const check = new CheckState();
        check.reset(look({ body: "unknown", light: "unknown" }));
"""


def test_rows_and_sentence_of_the_camera_check_are_of_the_same_look(tmp_path: Path) -> None:
    run(
        CHECKED
        + """
        assert.deepEqual([check.sentence, check.isPassed], ["", false]);
        check.take(bad, 0);
        assert.deepEqual([check.sentence, check.found.body], ["body bad", "bad"]);
        // All rows are good: the sentence no longer asks for a change, and does not promise what may not come.
        check.take(good, 500);
        assert.deepEqual([check.sentence, check.isPassed], ["Good. Stay like this for a moment.", false]);
        check.take(bad, 1000);
        assert.equal(check.sentence, "body bad");
        // Looks that are seconds apart, as on a slow machine: good is good from the first of them on.
        check.take(good, 3000);
        check.take(good, 4900);
        assert.equal(check.isPassed, false);
        check.take(good, 7000);
        assert.deepEqual([check.sentence, check.isPassed], ["Everything is good. You can go on.", true]);
        """,
        tmp_path,
    )


def test_a_camera_check_that_is_passed_stays_so_with_its_rows_until_another_camera(tmp_path: Path) -> None:
    run(
        CHECKED
        + """
        for (const atMs of [0, 2000]) check.take(good, atMs);
        // Somebody leaves their place to press the button.
        check.take(bad, 2500);
        assert.deepEqual(check.lines, good);
        assert.deepEqual(check.found, { body: "good", light: "good" });
        assert.deepEqual([check.sentence, check.isPassed], ["Everything is good. You can go on.", true]);
        check.reset(look({ body: "unknown", light: "unknown" }));
        assert.deepEqual([check.sentence, check.isPassed, check.found.body], ["", false, "unknown"]);
        check.take(good, 2600);
        assert.equal(check.isPassed, false);
        """,
        tmp_path,
    )


FAKE_TUS = """
        import { VideoSender } from "./video-sender.js";
        // A server that keeps what came before each break, and a client that asks it where to go on.
        const server = { bytes: 0, urls: [], breaks: [], answers: [] };
        const refusal = (status, error) => ({ originalResponse: {
          getStatus: () => status, getBody: () => JSON.stringify({ error }) } });
        class Upload {
          constructor(blob, options) { Object.assign(this, { blob, options, url: options.uploadUrl }); }
          abort() { this.isAborted = true; }
          async start() {
            await null;
            server.urls.push(this.url);
            if (this.url === null) {
              Object.assign(server, { bytes: 0 });
              this.url = "http://elsewhere/";
              this.options.onUploadUrlAvailable();
            }
            const answer = server.answers.shift();
            if (answer) return this.options.onError(answer);
            while (server.bytes < this.blob.size) {
              if (server.breaks[0] === server.bytes) { server.breaks.shift(); return this.options.onError({}); }
              server.bytes += 1;
              this.options.onProgress(server.bytes, this.blob.size);
              this.options.onChunkComplete();
            }
            server.last = this;
            this.options.onSuccess();
          }
        }
        const told = [];
        const sender = new VideoSender({ library: async () => ({ Upload }), recordingId: "abc", token: "t",
          onProgress: () => {}, onWaiting: (isWaiting) => told.push(isWaiting) });
        const blob = new Blob(["12345"], { type: "video/mp4" });
"""


def test_a_video_goes_on_where_the_line_broke(tmp_path: Path) -> None:
    run(
        FAKE_TUS
        + """
        server.breaks = [2, 4];
        await sender.send(blob, { goesOn: false });
        assert.equal(server.bytes, 5);
        const address = "/take-part/recordings/abc/video/abc";
        assert.deepEqual(server.urls, [null, address, address]);
        assert.equal(server.last.options.headers["X-CSRF-Token"], "t");
        assert.deepEqual(told.filter((one, index) => one !== told[index - 1]), [true, false, true, false]);
        """,
        tmp_path,
    )


def test_a_video_held_since_an_earlier_page_is_asked_for_first(tmp_path: Path) -> None:
    run(
        FAKE_TUS
        + """
        server.bytes = 3;
        await sender.send(blob, { goesOn: true });
        assert.deepEqual(server.urls, ["/take-part/recordings/abc/video/abc"]);
        assert.equal(server.bytes, 5);
        """,
        tmp_path,
    )


def test_a_video_that_is_refused_for_good_is_not_sent_again_and_the_reason_is_told(tmp_path: Path) -> None:
    run(
        FAKE_TUS
        + """
        server.answers = [refusal(422, "this is not a video")];
        await assert.rejects(sender.send(blob, { goesOn: false }), /this is not a video/);
        assert.equal(server.urls.length, 1);
        // A conflict of offsets is asked about again, but not for ever.
        server.answers = [1, 2, 3, 4].map(() => refusal(409, "thrown away"));
        await assert.rejects(sender.send(blob, { goesOn: false }), /thrown away/);
        assert.equal(server.answers.length, 1);
        assert.equal(told.includes(true), false);
        """,
        tmp_path,
    )


def test_the_live_preview_sends_twice_a_second_and_its_end_is_only_told(tmp_path: Path) -> None:
    run(
        """
        import { LivePreview } from "./live.js";
        class Socket {
          constructor(url) {
            Object.assign(this, { url, sent: [], readyState: 1, bufferedAmount: 0 });
            Socket.last = this;
          }
          send(text) { this.sent.push(JSON.parse(text).frames.length); }
          close() { this.isClosed = true; }
        }
        const preview = new LivePreview(Socket);
        const heard = [];
        let nEnds = 0;
        preview.onAnswer = (answer) => heard.push(answer.index);
        preview.onEnd = () => nEnds++;
        preview.push({}, 0); // before it is open
        preview.open("abc", { protocol: "https:", host: "study.example" });
        const socket = Socket.last;
        assert.equal(socket.url, "wss://study.example/take-part/recordings/abc/live");
        for (let i = 0; i <= 30; i++) preview.push({}, 1000 + 50 * i);
        assert.deepEqual(socket.sent, [1, 10, 10, 10]);
        // A line that does not take what is sent gets no more.
        socket.bufferedAmount = 1e6;
        for (let i = 31; i <= 60; i++) preview.push({}, 1000 + 50 * i);
        assert.equal(socket.sent.length, 4);
        socket.onmessage({ data: '{"index": 0.3}' });
        assert.deepEqual(heard, [0.3]);
        socket.onclose();
        preview.push({}, 9000);
        assert.equal(nEnds, 1);
        // Closed by ourselves it tells nothing, whatever comes late.
        preview.open("abc", { protocol: "http:", host: "localhost" });
        const second = Socket.last;
        preview.close();
        second.onclose();
        second.onmessage({ data: "{}" });
        assert.equal(nEnds, 1);
        assert.equal(heard.length, 1);
        // A browser that opens none loses the preview, nothing else.
        const none = new LivePreview(class { constructor() { throw new Error("no"); } });
        none.onEnd = () => nEnds++;
        none.open("abc", { protocol: "http:", host: "localhost" });
        none.push({}, 0);
        assert.equal(nEnds, 2);
        """,
        tmp_path,
    )


def test_each_browser_gets_a_kind_of_video_that_it_knows_and_the_server_takes(tmp_path: Path) -> None:
    run(
        """
        import { kindOfFilm } from "./film.js";
        const browser = (...kinds) => ({ isTypeSupported: (kind) => kinds.includes(kind) });
        const firefox = browser("video/webm", "video/webm;codecs=vp9", "video/webm;codecs=vp8");
        assert.equal(kindOfFilm(firefox), "video/webm;codecs=vp8");
        assert.equal(kindOfFilm(browser("video/mp4", "video/mp4;codecs=avc1")), "video/mp4;codecs=avc1");
        assert.equal(kindOfFilm(browser("video/x-matroska")), null);
        assert.equal(kindOfFilm(undefined), null);
        """,
        tmp_path,
    )


def test_somebody_who_refused_the_camera_is_told_where_their_browser_allows_it(tmp_path: Path) -> None:
    run(
        """
        import { howToAllow } from "./camera.js";
        const chrome = "Chrome/130.0 Safari/537.36";
        const safari = "AppleWebKit/605.1.15 Version/18.0 Safari/604.1";
        for (const [browser, says] of [
          [`(iPhone; CPU iPhone OS 18_0) ${safari}`, /Website Settings/],
          ["(iPhone; CPU iPhone OS 18_0) AppleWebKit/605.1.15 CriOS/130.0 Safari/604.1", /^Open Settings/],
          ["(X11; Linux x86_64; rv:130.0) Gecko/20100101 Firefox/130.0", /crossed-out/],
          [`(Linux; Android 14) ${chrome}`, /Permissions/],
          [`(Windows NT 10.0) ${chrome} Edg/130.0`, /^Click the sign/],
          [`(Macintosh) ${safari}`, /^Choose Safari/],
        ]) assert.match(howToAllow(`Mozilla/5.0 ${browser}`), says);
        """,
        tmp_path,
    )
