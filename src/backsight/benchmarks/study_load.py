"""`backsight benchmark study`: participants who post landmarks, all at once, to one server of a study.

Everybody's browser sends a chunk of 30 frames once a second, in the numbers and digits of static/participant/frames.js.
The same load then goes to a bare FastAPI endpoint that writes the bodies as they come to a database of the same kind:
what accounts, checks and packing cost is the ratio of the two, measured in one run.
"""

from __future__ import annotations

import http
import json
import math
import re
import secrets
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

import numpy as np

from backsight.benchmarks.figures import BenchmarkResult, Figure
from backsight.benchmarks.study_load_client import Order, Report
from backsight.benchmarks.study_load_servers import HOST, Server, bare_server, study_server
from backsight.domain.recording import Exercise
from backsight.domain.sequences import PoseSequence
from backsight.errors import OutputError
from backsight.simulation.cohort import simulate_recording

P95_BAR_MS = 200.0
LOST_BAR = 0.0
FIRST_PAGE_BAR_S = 3.0
PAGE_BAR_KB = 300.0
FPS = 30
FRAMES_IN_CHUNK = 30
"""As static/participant/sender.js; a test compares the two."""
POSITION_DIGITS, SHARE_DIGITS, TIME_DIGITS = 5, 4, 6
"""As static/participant/frames.js; a test compares the two."""
_STARTS = 3
_SEED = 6


@dataclass(frozen=True)
class _Load:
    """What a server made of the load."""

    report: Report
    server_cpu_s: float


def run_study_load(
    *, participants: int = 50, seconds: float = 30.0, database_url: str | None = None, workers: int = 1
) -> BenchmarkResult:
    """Start a server, let participants record, and count what it kept.

    Parameters
    ----------
    participants
        How many record at once.
    seconds
        How long each records.
    database_url
        An empty database, filled and not emptied; None = SQLite in a temporary folder.
    workers
        Processes of the server.

    Raises
    ------
    OutputError
        When a server does not come up, or refuses what it should take.
    StorageError
        When the database cannot be reached.
    """
    n_chunks = max(1, round(seconds * FPS / FRAMES_IN_CHUNK))
    with tempfile.TemporaryDirectory(prefix="backsight-load-") as name:
        folder = Path(name)
        url = database_url or f"sqlite:///{folder / 'study.sqlite3'}"
        bodies = write_bodies(folder, n_chunks=n_chunks)
        starts_s = _time_starts(url, folder)
        tokens = _fill(url, participants)
        load, page_kb, n_kept = _load_study(url, folder, tokens, bodies, workers=workers)
        bare = _load_bare(database_url or f"sqlite:///{folder / 'bare.sqlite3'}", folder, tokens, bodies)
        body_kb = sum(body.stat().st_size for body in bodies) / len(bodies) / 1000.0
    return BenchmarkResult(
        name="study",
        figures=(
            *_load_figures(load, bare, n_sent=participants * n_chunks, n_kept=n_kept),
            Figure("study_first_page_new_database", starts_s[0], "s", 1, bar=FIRST_PAGE_BAR_S),
            Figure("study_first_page", float(np.median(starts_s[1:])), "s", len(starts_s) - 1, bar=FIRST_PAGE_BAR_S),
            Figure("study_page_before_pose_runtime", page_kb, "kB", 1, bar=PAGE_BAR_KB),
            Figure("study_chunk_size", body_kb, "kB", n_chunks),
        ),
        seeds=(_SEED,),
        notes=_notes(url, participants=participants, n_chunks=n_chunks, workers=workers, page_kb=page_kb),
    )


def write_bodies(folder: Path, *, n_chunks: int) -> list[Path]:
    """Write the chunks that everybody sends: a virtual volunteer who walks again and again, as a browser writes it."""
    pose = simulate_recording(0, Exercise.WALK, seed=_SEED, fps=float(FPS)).pose
    paths = []
    for chunk in range(n_chunks):
        numbers = range(chunk * FRAMES_IN_CHUNK, (chunk + 1) * FRAMES_IN_CHUNK)
        frames = [_frame(pose, number % pose.n_frames, timestamp_s=number / FPS) for number in numbers]
        paths.append(folder / f"chunk-{chunk}.json")
        # A script writes no blanks and leaves off a zero behind the point, as this does.
        paths[-1].write_text(json.dumps({"frames": frames}, separators=(",", ":")), encoding="utf-8")
    return paths


def _frame(pose: PoseSequence, index: int, *, timestamp_s: float) -> dict[str, Any]:
    """Return a frame as `toFrame` of static/participant/frames.js makes it; the runtime of today tells no presence."""
    found = np.nan_to_num(pose.image_px[index] / np.array([pose.frame_size[0], pose.frame_size[1], pose.frame_size[0]]))
    return {
        "timestamp_s": round(timestamp_s, TIME_DIGITS),
        "image": np.round(found, POSITION_DIGITS).tolist(),
        "world_m": np.round(np.nan_to_num(pose.world_m[index]), POSITION_DIGITS).tolist(),
        "visibility": np.round(np.clip(np.nan_to_num(pose.visibility[index]), 0.0, 1.0), SHARE_DIGITS).tolist(),
    }


class _Browser:
    """A participant's browser that has followed the link and read a page."""

    def __init__(self, server: Server, token: str) -> None:
        self._server = server
        cookies = self._cookies_of(f"/join/{token}", {})
        answer, page = server.ask("GET", "/take-part/withdraw", headers={"Cookie": cookies})
        cookies = "; ".join([cookies, _cookies(answer.msg.get_all("set-cookie") or [])])
        found = re.search(r'name="csrf-token" content="([0-9a-f]+)"', page)
        if found is None:
            raise OutputError(f"the server shows no page to a participant: it answered {answer.status}")
        self._headers = {
            "Cookie": cookies,
            "X-CSRF-Token": found[1],
            "Content-Type": "application/json",
            "Accept": "application/json",
        }

    def begin(self) -> str:
        """Begin a recording and return its identifier."""
        fields = {
            "exercise": "walk",
            "mode": "landmarks",
            "width": 1280,
            "height": 720,
            "pose_model": "lite",
            "pose_engine": "tasks-vision",
        }
        return str(self._post("/take-part/recordings", fields)["id"])

    def head(self, recording_id: str) -> str:
        """Return path and headers of a chunk's request, for the client's `Order`."""
        headers = [f"{name}: {value}" for name, value in self._headers.items()]
        return "\n".join([f"/take-part/recordings/{recording_id}/chunks/", *headers])

    def measure_page_kb(self) -> float:
        """Return what the page of an exercise weighs with all it loads before the pose runtime; NaN = it has none."""
        self._post("/take-part/camera-check", {"passed": True, "reason": "", "found": {}})
        answer, page = self._server.ask("GET", "/take-part/exercises/walk", headers=self._headers)
        if answer.status != http.HTTPStatus.OK:
            return float("nan")
        waiting, seen = _addresses(page, at="/take-part/exercises/walk"), {}
        while waiting:
            address = waiting.pop()
            if address in seen or "/vendor/" in address:
                continue
            answer, text = self._server.ask("GET", address)
            seen[address] = len(text.encode())
            if address.partition("?")[0].endswith(".js"):
                waiting += _addresses(text, at=address)
        return (len(page.encode()) + sum(seen.values())) / 1000.0

    def _cookies_of(self, path: str, headers: Mapping[str, str]) -> str:
        answer, _ = self._server.ask("GET", path, headers=headers)
        return _cookies(answer.msg.get_all("set-cookie") or [])

    def _post(self, path: str, fields: Mapping[str, Any]) -> dict[str, Any]:
        answer, text = self._server.ask("POST", path, body=json.dumps(fields), headers=self._headers)
        if answer.status != http.HTTPStatus.OK:
            raise OutputError(f"the server refused {path} with {answer.status}: {text[:200]}")
        document: dict[str, Any] = json.loads(text)
        return document


def _cookies(lines: Sequence[str]) -> str:
    return "; ".join(line.partition(";")[0] for line in lines)


def _addresses(text: str, *, at: str) -> list[str]:
    """Return what a page or a module loads from this site, without what it loads later on demand."""
    found = re.findall(r'(?:src|href)="(/static/[^"]+)"', text) + re.findall(r'^import [^;]*?"([^"]+)";', text, re.M)
    return [urljoin(at, address) for address in found]


def _time_starts(url: str, folder: Path) -> list[float]:
    """Return how long a server took to its first page: the first time on an empty database, then on what is there."""
    times_s = []
    for _ in range(_STARTS):
        with study_server(database_url=url, folder=folder) as server:
            times_s.append(server.first_page_s)
    return times_s


def _fill(url: str, n_participants: int) -> list[str]:
    """Put a study with participants who have signed and told of themselves into the database; return their links."""
    from backsight.storage import accounts, studies
    from backsight.storage.database import Database
    from backsight.storage.tables import PrivacyMode, Role

    database, tokens = Database(url), []
    with closing(database), database.session() as session:
        name = secrets.token_hex(4)
        owner = accounts.add_user(
            session,
            email=f"{name}@example.org",
            name="Load",
            role=Role.RESEARCHER,
            password=secrets.token_urlsafe(16),
        )
        study = studies.create_study(
            session,
            name=f"Load {name}",
            exercises=[Exercise.WALK],
            consent_text="I take part in a measurement of the server.",
            privacy_mode=PrivacyMode.LANDMARKS,
            retention_days=None,
            owner_id=owner.id,
        )
        for _ in range(n_participants):
            invitation = studies.invite(session, study_id=study.id)
            person, text_hash = invitation.participant, studies.consent_hash(study.consent_text)
            studies.sign_consent(session, person, signed_name="Virtual volunteer", text_hash=text_hash)
            studies.save_profile(
                session, person, birth_year=1980, sex=None, height_cm=175.0, mass_kg=None, back_history={}
            )
            tokens.append(invitation.token)
    return tokens


def _load_study(
    url: str, folder: Path, tokens: Sequence[str], bodies: Sequence[Path], *, workers: int
) -> tuple[_Load, float, int]:
    """Let participants record; return what the server made of it, the weight of a page in kB and how much was kept."""
    with study_server(database_url=url, folder=folder, workers=workers) as server:
        people = [_Browser(server, token) for token in tokens]
        page_kb = people[0].measure_page_kb()
        recordings = [person.begin() for person in people]
        load = _load(server, [person.head(one) for person, one in zip(people, recordings, strict=True)], bodies)
    return load, page_kb, _count_kept(url, recordings, bodies)


def _load_bare(url: str, folder: Path, tokens: Sequence[str], bodies: Sequence[Path]) -> _Load:
    """Send the same to the bare endpoint, under names that are new to its database."""
    kind = "\nContent-Type: application/octet-stream"
    with bare_server(database_url=url, folder=folder) as server:
        return _load(server, [f"/{number}-{tokens[0][:8]}/{kind}" for number in range(len(tokens))], bodies)


def _load(server: Server, heads: Sequence[str], bodies: Sequence[Path]) -> _Load:
    """Have the client's process post everything to a server."""
    every_s = FRAMES_IN_CHUNK / FPS
    order = Order(
        host=HOST, port=server.port, heads=list(heads), bodies=[str(body) for body in bodies], every_s=every_s
    )
    # A server that has just started loads what its jobs need beside the first pages; that is not the load's.
    server.settle()
    before_s = server.cpu_s()
    done = subprocess.run(
        [sys.executable, "-m", "backsight.benchmarks.study_load_client"],
        input=json.dumps(asdict(order)),
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise OutputError(f"the process that posts broke off: {done.stderr.strip().splitlines()[-1:]}")
    return _Load(Report(**json.loads(done.stdout)), server.cpu_s() - before_s)


def _count_kept(url: str, recordings: Sequence[str], bodies: Sequence[Path]) -> int:
    """Return how many chunks stand in the database as they were sent, read through a connection of our own."""
    from sqlalchemy import select

    from backsight.storage.chunks import pack, parse_chunk
    from backsight.storage.database import Database
    from backsight.storage.tables import LandmarkChunk

    expected = [pack(parse_chunk(json.loads(body.read_bytes()))) for body in bodies]
    database = Database(url)
    with closing(database), database.session(read_only=True) as session:
        columns = select(LandmarkChunk.number, LandmarkChunk.payload).where(LandmarkChunk.recording_id.in_(recordings))
        return sum(
            0 <= number < len(expected) and payload == expected[number] for number, payload in session.execute(columns)
        )


def _load_figures(load: _Load, bare: _Load, *, n_sent: int, n_kept: int) -> list[Figure]:
    ours, theirs = load.report, bare.report
    n_ours, n_theirs = len(ours.latencies_ms), len(theirs.latencies_ms)
    if not n_ours or not n_theirs:
        raise OutputError("not one chunk was accepted; the server's log says why")
    p95_ms, bare_p95_ms = (float(np.percentile(one.latencies_ms, 95)) for one in (ours, theirs))
    cpu_ms, bare_cpu_ms = 1000.0 * load.server_cpu_s / n_ours, 1000.0 * bare.server_cpu_s / n_theirs
    return [
        Figure("study_chunks_sent", n_sent, "chunks", 1),
        Figure("study_chunks_kept", n_kept, "chunks", 1),
        Figure("study_chunks_lost", n_sent - n_kept, "chunks", n_sent, bar=LOST_BAR),
        Figure("study_chunks_sent_again", ours.n_again, "requests", n_sent),
        Figure("study_chunk_median", float(np.median(ours.latencies_ms)), "ms", n_ours),
        Figure("study_chunk_p95", p95_ms, "ms", n_ours, bar=P95_BAR_MS),
        Figure("study_chunk_max", max(ours.latencies_ms), "ms", n_ours),
        Figure("study_cpu_per_chunk", cpu_ms, "ms", n_ours),
        Figure("study_server_cpu", 100.0 * load.server_cpu_s / ours.wall_s, "% of a core", 1),
        Figure("study_client_cpu", 100.0 * ours.cpu_s / ours.wall_s, "% of a core", 1),
        Figure("bare_chunk_median", float(np.median(theirs.latencies_ms)), "ms", n_theirs),
        Figure("bare_chunk_p95", bare_p95_ms, "ms", n_theirs),
        Figure("bare_cpu_per_chunk", bare_cpu_ms, "ms", n_theirs),
        Figure("study_over_bare_p95", p95_ms / bare_p95_ms, "x", n_ours),
        Figure("study_over_bare_cpu", cpu_ms / bare_cpu_ms, "x", n_ours),
    ]


def _notes(url: str, *, participants: int, n_chunks: int, workers: int, page_kb: float) -> tuple[str, ...]:
    told = [
        f"{participants} participants, {n_chunks} chunks of {FRAMES_IN_CHUNK} frames each, {FPS} frames a second; "
        f"{_kind_of(url)}, {workers} worker{'s' if workers > 1 else ''}; client and server on the same machine.",
        "A chunk's time runs from the moment when it is full until its answer is there.",
    ]
    if math.isnan(page_kb):
        told.append("The page was not weighed: the browser's pose runtime is not built (`make web-assets`).")
    return tuple(told)


def _kind_of(url: str) -> str:
    return "SQLite" if url.startswith("sqlite") else "PostgreSQL"
