"""Tell a participant how the exercise looks while it goes on: landmarks in, hints, index and sub-indices out.

A preview: nothing of it is kept, and the result is what the job makes of the recording. Index and sub-indices leave the
server only where the study shows them. Knows no picture, so it has no hints on light. One message is a chunk as
`storage.chunks.parse_chunk` reads it; twice a second, when frames have come, the answer is a document as `describe`
makes it.
"""

from __future__ import annotations

import json
import math
from collections import Counter, deque
from collections.abc import Awaitable, Callable
from functools import cache
from typing import TYPE_CHECKING, Annotated, Any

import anyio
import anyio.to_thread
from fastapi import APIRouter
from starlette.websockets import WebSocket, WebSocketDisconnect, WebSocketState

from backsight.domain.recording import Exercise
from backsight.domain.sequences import PoseObservation
from backsight.errors import BacksightError, ConflictError, InvalidValueError
from backsight.openers import index_predictor
from backsight.ports import IndexPredictor
from backsight.storage import recordings, studies
from backsight.storage.chunks import LATEST_S, LandmarkFrames, parse_chunk, to_pose
from backsight.storage.tables import RecordingState
from backsight.web.access import CurrentParticipant, Work, audited
from backsight.web.pose_runtime import MODEL

if TYPE_CHECKING:
    from backsight.live.preview import Preview

ANSWER_EVERY_S = 0.5
MAX_MESSAGE_BYTES = 512 * 1024
"""A second of 60 frames with 264 numbers of 20 digits is 340 kB."""
MAX_WAITING_FRAMES = 300
"""Frames that have come and were not looked at yet; when a busy server falls behind, the oldest are left out."""
SILENT_FOR_S = 20.0
"""After so long without a message nobody is there any more."""
N_AT_ONCE = 64
"""Previews in a process; whoever comes later records without one."""
N_OF_ONE = 2
"""Previews of one participant in a process: one, and another that was broken off and is not noticed to be gone yet."""

CLOSED_NORMALLY, TOO_LARGE, NOT_UNDERSTOOD, BUSY = 1000, 1009, 1007, 1013
"""Codes of RFC 6455 and its registry."""

router = APIRouter()
_working = anyio.CapacityLimiter(1)
"""Previews share one thread: chunks that must be kept come first."""
_open: Counter[str] = Counter()
"""Previews that this process has open, by participant."""


@router.websocket("/take-part/recordings/{recording_id}/live")
async def show_live(
    socket: WebSocket,
    recording_id: str,
    participant: CurrentParticipant,
    work: Annotated[Work, audited("watch live")],
) -> None:
    """Answer a recording's landmarks with what they show so far."""
    await socket.accept()
    if _open.total() >= N_AT_ONCE:
        await socket.close(BUSY, "too many people record at this moment; the recording itself goes on")
        return
    if _open[participant.id] >= N_OF_ONE:
        await socket.close(BUSY, "you watch elsewhere already; the recording itself goes on")
        return
    _open[participant.id] += 1
    try:
        preview = await anyio.to_thread.run_sync(_begin, work, recording_id, participant.id, participant.study_id)
        await _Conversation(socket, preview).hold()
    except InvalidValueError as error:
        await _close(socket, NOT_UNDERSTOOD, str(error))
    except BacksightError as error:
        await _close(socket, CLOSED_NORMALLY, str(error))
    finally:
        _open[participant.id] -= 1
        if not _open[participant.id]:
            del _open[participant.id]


def _begin(work: Work, recording_id: str, participant_id: str, study_id: str) -> _Watched:
    with work.session(object_id=recording_id) as session:
        recording = recordings.find_recording(session, recording_id, participant_id=participant_id)
        if recording.state is not RecordingState.RECEIVING:
            raise ConflictError(f"this recording is not going on: it is {recording.state}")
        if recording.width is None or recording.height is None:
            raise ConflictError("the size of this recording's picture is not known")
        exercise, size = Exercise(recording.exercise), (recording.width, recording.height)
        # Of a video the browser's own landmarks are watched, which nobody keeps.
        pose_model = recording.pose_model or MODEL.value
        shows_index = studies.find_study(session, study_id).show_live_index
    # After the transaction: the first preview loads the model, and nobody's chunks should wait for that.
    return _Watched(exercise, size=size, pose_model=pose_model, shows_index=shows_index)


@cache
def _predictor() -> IndexPredictor:
    return index_predictor()


class _Watched:
    """The preview of one recording; without its index where the study shows none."""

    def __init__(self, exercise: Exercise, *, size: tuple[int, int], pose_model: str, shows_index: bool) -> None:
        # The whole road behind it loads with the first recording, not before the site's first page.
        from backsight.live.preview import LivePreview

        self._exercise = exercise
        self._size = size
        self._preview = LivePreview(_predictor(), pose_model=pose_model, frame_size=size)
        self._shows_index = shows_index
        if shows_index:
            self._preview.begin(exercise)

    def read(self, waiting: list[LandmarkFrames]) -> dict[str, Any]:
        """Take frames and return what is known; takes some milliseconds."""
        for frames in waiting:
            pose = to_pose([frames], width=self._size[0], height=self._size[1]).pose
            for index, timestamp_s in enumerate(frames.timestamps_s):
                seen = PoseObservation(
                    image_px=pose.image_px[index],
                    world_m=pose.world_m[index],
                    visibility=pose.visibility[index],
                    presence=pose.presence[index],
                )
                self._preview.push(seen, timestamp_s=float(timestamp_s))
        return describe(self._preview.read(shown=self._exercise), shows_index=self._shows_index)


class _Conversation:
    """Two tasks on one socket: frames come in as fast as they like, answers go out twice a second."""

    def __init__(self, socket: WebSocket, watched: _Watched) -> None:
        self._socket = socket
        self._watched = watched
        self._waiting: deque[LandmarkFrames] = deque()
        self._last_s = -math.inf
        self._wake = anyio.Event()
        self._failure: BacksightError | None = None

    async def hold(self) -> None:
        """Talk until the client hangs up, falls silent or has recorded longer than it may."""
        async with anyio.create_task_group() as tasks:
            for work in (self._answer, self._listen):
                tasks.start_soon(self._until_over, work, tasks.cancel_scope)
        if self._failure is not None:
            raise self._failure

    async def _until_over(self, work: Callable[[], Awaitable[None]], scope: anyio.CancelScope) -> None:
        """Do one half of the conversation; when it is over, so is the other."""
        try:
            await work()
        except BacksightError as error:
            # Not raised here: a group of tasks would wrap it.
            self._failure = error
        except WebSocketDisconnect:
            pass
        scope.cancel()

    async def _listen(self) -> None:
        while True:
            try:
                with anyio.fail_after(SILENT_FOR_S):
                    text = await self._socket.receive_text()
            except TimeoutError:
                return
            except KeyError:
                raise InvalidValueError("a message must be a text of JSON, got bytes") from None
            if len(text) > MAX_MESSAGE_BYTES:
                await _close(self._socket, TOO_LARGE, f"a message must have at most {MAX_MESSAGE_BYTES // 1024} kB")
                return
            self._take(_parse(text))

    def _take(self, frames: LandmarkFrames) -> None:
        first_s, self._last_s = self._last_s, float(frames.timestamps_s[-1])
        if float(frames.timestamps_s[0]) <= first_s:
            raise InvalidValueError(f"the clock must go on from message to message, within {LATEST_S:.0f} s")
        self._waiting.append(frames)
        while sum(item.n_frames for item in self._waiting) > MAX_WAITING_FRAMES and len(self._waiting) > 1:
            self._waiting.popleft()
        self._wake.set()

    async def _answer(self) -> None:
        while True:
            await self._wake.wait()
            self._wake = anyio.Event()
            waiting = list(self._waiting)
            self._waiting.clear()
            found = await anyio.to_thread.run_sync(self._watched.read, waiting, limiter=_working)
            await self._socket.send_text(json.dumps(found, allow_nan=False))
            await anyio.sleep(ANSWER_EVERY_S)


def describe(preview: Preview, *, shows_index: bool) -> dict[str, Any]:
    """Return a preview as JSON can say it: what is not known is null.

    Returns
    -------
    dict
        `hints`: [{name, severity, text}], worst first; and where the index is shown `index`, `low`, `high`: 0 best to
        1 worst; `verdict`, `reason`; `seen_s`: seconds of the person that the network has read; `sub_indices`:
        [{name, label, value}].
    """
    hints = [{"name": hint.name, "severity": hint.severity.value, "text": hint.text} for hint in preview.hints]
    if not shows_index:
        return {"hints": hints}
    interval = preview.interval
    return {
        "hints": hints,
        "index": _known(preview.index),
        "low": None if interval is None else _known(interval.low),
        "high": None if interval is None else _known(interval.high),
        "verdict": preview.verdict.value,
        "reason": preview.reason,
        "seen_s": _known(preview.seen_s),
        "sub_indices": [
            {"name": part.name, "label": part.label, "value": _known(part.value)} for part in preview.sub_indices
        ],
    }


def _known(value: float) -> float | None:
    return round(float(value), 4) if math.isfinite(value) else None


def _parse(text: str) -> LandmarkFrames:
    try:
        document = json.loads(text)
    except (ValueError, RecursionError):
        raise InvalidValueError("a message must be JSON, got something else") from None
    return parse_chunk(document)


async def _close(socket: WebSocket, code: int, reason: str) -> None:
    if socket.application_state is WebSocketState.CONNECTED:
        # A close frame holds 123 bytes of reason.
        await socket.close(code, reason.encode()[:120].decode(errors="ignore"))
