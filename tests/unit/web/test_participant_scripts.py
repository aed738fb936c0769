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
