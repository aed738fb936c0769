"""The live view from source to lines and to screen, with fakes for camera, engine, network and window."""

from __future__ import annotations

import io
import itertools
import json
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from pathlib import Path
from typing import NoReturn

import numpy as np
import pytest
from numpy.typing import NDArray

from backsight.domain.recording import Exercise, SourceInfo
from backsight.domain.sequences import Frame, PoseObservation
from backsight.errors import CameraError
from backsight.live.lines import run_lines
from backsight.live.pace import Recorder
from backsight.live.picture import CANVAS, Status
from backsight.live.session import COUNTDOWN_S, Session
from backsight.live.show import LiveWindow, Saved
from backsight.live.stream import JsonLines
from backsight.live.watch import FIRST_PICTURE_S, Connect, Connection, NamedEstimator, Seen
from backsight.ports import IndexPredictor
from backsight.video.reader import VideoFile
from tests.assessments import make_pose
from tests.clips import textured_picture
from tests.fakes import FakePoseEstimator, FakePredictor

LIMIT_S = 20.0
SIZE = (320, 180)
POSE = make_pose(Exercise.WALK, n_frames=40, nobody=(0, 5), hidden=())


class SteppedCamera:
    """A camera whose every frame waits until it is allowed, so that nothing is dropped and nothing sleeps."""

    info = SourceInfo("camera:0", *SIZE, 30.0, float("nan"), is_live=True, analysed_size=SIZE)

    def __init__(self, n_frames: int, *, error: Exception | None = None) -> None:
        self._n_frames = n_frames
        self._error = error
        self._allowed = threading.Semaphore(1)
        self.has_given_all = threading.Event()

    def allow(self, n_frames: int = 1) -> None:
        self._allowed.release(n_frames)

    def frames(self) -> Iterator[Frame]:
        image = textured_picture(SIZE)
        for index in range(self._n_frames):
            assert self._allowed.acquire(timeout=LIMIT_S)
            yield Frame(image=image, timestamp_s=index / 30.0, index=index, captured_s=index / 30.0)
        self.has_given_all.set()
        assert self._allowed.acquire(timeout=LIMIT_S)
        if self._error is not None:
            raise self._error


class FakeEngine(FakePoseEstimator):
    """Replays the pose again and again."""

    engine = "fake engine"

    def estimate(self, frame: Frame) -> PoseObservation:
        return super().estimate(replace(frame, index=frame.index % POSE.n_frames))


class FailingPredictor(FakePredictor):
    """A network that cannot be run."""

    def stream(self) -> NoReturn:
        raise RuntimeError("the network cannot be run")


def connecting(
    *cameras: SteppedCamera, goes_on: bool = True, predictor: IndexPredictor | None = None
) -> Callable[[Callable[[Seen], None], Recorder], Connection]:
    waiting = list(cameras)

    def connect(on_seen: Callable[[Seen], None], recorder: Recorder) -> Connection:
        if not waiting:
            raise CameraError("camera:0: there is no such camera")
        camera = waiting.pop(0)

        def seen_and_on(seen: Seen) -> None:
            on_seen(seen)
            if goes_on:
                camera.allow()

        def open_estimator() -> AbstractContextManager[NamedEstimator]:
            return nullcontext(FakeEngine(POSE))

        return Connection(
            camera,
            open_estimator=open_estimator,
            predictor=predictor or FakePredictor(0.3),
            pose_model="lite",
            recorder=recorder,
            on_seen=seen_and_on,
        )

    return connect


def test_one_json_line_a_frame() -> None:
    out = io.StringIO()
    figures = run_lines(
        connecting(SteppedCamera(40)),
        exercise=Exercise.WALK,
        lines=JsonLines(out),
        say=print,
        clock=lambda: 39 / 30.0,
    )
    lines = [json.loads(line) for line in out.getvalue().splitlines()]
    assert [line["frame"] for line in lines] == list(range(40))
    assert [line["found"] for line in lines] == [False] * 5 + [True] * 35
    assert lines[0]["visibility"] is None
    assert lines[-1]["visibility"] == pytest.approx(0.97)
    assert lines[-1]["latency_ms"] == pytest.approx(0.0)
    assert lines[-4]["latency_ms"] == pytest.approx(100.0, abs=0.1)
    assert {line["dropped"] for line in lines} == {0}
    assert lines[0]["since_s"] is None
    assert {line["notice"] for line in lines} == {"live preview, no diagnosis"}
    assert len(figures.latencies_ms) == figures.n_drawn == 40


def test_a_reader_that_leaves_ends_the_run() -> None:
    class Closed(io.StringIO):
        def flush(self) -> None:
            raise BrokenPipeError

    with pytest.raises(BrokenPipeError):
        run_lines(connecting(SteppedCamera(40)), exercise=None, lines=JsonLines(Closed()), say=print)


def test_an_index_that_cannot_be_worked_out_ends_the_run_and_says_why() -> None:
    endless = SteppedCamera(1_000_000)
    endless.allow(1_000_000)
    connect = connecting(endless, predictor=FailingPredictor())
    with pytest.raises(RuntimeError, match="the network cannot be run"):
        run_lines(connect, exercise=None, lines=None, say=lambda _: None, until_s=LIMIT_S)


def test_a_connection_says_what_looks() -> None:
    connection = connecting(SteppedCamera(2))(lambda _: None, Recorder())
    assert not connection.engine
    connection.start()
    assert connection.wait(LIMIT_S)
    connection.stop()
    assert connection.engine == "fake engine"


@pytest.mark.parametrize("error", [None, CameraError("camera:0: the camera stopped")])
def test_a_connection_gives_the_interpreters_switch_interval_back(error: Exception | None) -> None:
    before_s = sys.getswitchinterval()
    sys.setswitchinterval(0.004)
    try:
        connection = connecting(SteppedCamera(2, error=error))(lambda _: None, Recorder())
        connection.start()
        assert sys.getswitchinterval() < 0.001
        assert connection.wait(LIMIT_S)
        connection.stop()
        assert sys.getswitchinterval() == pytest.approx(0.004)
        # What others set in the meantime is theirs.
        sys.setswitchinterval(0.003)
        connection.stop()
        assert sys.getswitchinterval() == pytest.approx(0.003)
    finally:
        sys.setswitchinterval(before_s)


def test_a_camera_pulled_out_without_a_window_is_an_error() -> None:
    camera = SteppedCamera(3, error=CameraError("camera:0: the camera stopped"))
    said: list[str] = []
    with pytest.raises(CameraError, match="the camera stopped"):
        run_lines(connecting(camera), exercise=None, lines=None, say=said.append)
    assert "index so far –" in said[0]


class SilentCamera(SteppedCamera):
    """A camera that opens and never gives a picture."""

    def __init__(self) -> None:
        super().__init__(0)
        self.is_left = threading.Event()

    def frames(self) -> Iterator[Frame]:
        assert self.is_left.wait(LIMIT_S)
        yield from ()


class LeavingConnection(Connection):
    """Lets go of a silent camera at once, as a driver does whose device is closed."""

    def __init__(self, camera: SilentCamera, on_seen: Callable[[Seen], None], recorder: Recorder) -> None:
        super().__init__(
            camera,
            open_estimator=lambda: nullcontext(FakeEngine(POSE)),
            predictor=FakePredictor(0.3),
            pose_model="lite",
            recorder=recorder,
            on_seen=on_seen,
        )
        self._leave = camera.is_left.set

    def stop(self) -> None:
        self._leave()
        super().stop()


def to_nobody(on_seen: Callable[[Seen], None], recorder: Recorder) -> Connection:
    return LeavingConnection(SilentCamera(), on_seen, recorder)


def test_a_camera_that_never_gives_a_picture_ends_the_lines() -> None:
    clock = itertools.count(0.0, 1.0 + FIRST_PICTURE_S)
    with pytest.raises(CameraError, match=r"^camera:0: no picture for 30 s; check the cable"):
        run_lines(to_nobody, exercise=None, lines=None, say=print, clock=lambda: next(clock), until_s=1.0)


class Script:
    """A clock and a screen: time jumps and keys are pressed when the window polls, as the script says."""

    is_open = True

    def __init__(self, steps: Iterator[tuple[float, str]]) -> None:
        self.now_s = 0.0
        self.shown: list[NDArray[np.uint8]] = []
        self._steps = steps

    def show(self, image: NDArray[np.uint8]) -> None:
        self.shown.append(image)

    def poll(self) -> str:
        step, key = next(self._steps)
        self.now_s += step
        return key


class Sitting:
    """Runs a window over some cameras and keeps what it was asked to save."""

    def __init__(
        self, folder: Path, *cameras: SteppedCamera, connect: Connect | None = None, until_s: float | None = None
    ) -> None:
        self.folder = folder
        self._until_s = until_s
        self.saved: list[dict[Exercise, int]] = []
        self.said: list[str] = []
        self.session = Session(exercise_s=2.0)
        self._cameras = cameras
        self._connect = connect or connecting(*cameras, goes_on=False)

    def run(self, steps: Iterator[tuple[float, str]]) -> Script:
        script = Script(steps)
        LiveWindow(
            self._connect,
            screen=script,
            save=self._save,
            take_path=lambda exercise: self.folder / f"{exercise}.mp4",
            session=self.session,
            status=Status(),
            say=self.said.append,
            clock=lambda: script.now_s,
            until_s=self._until_s,
        ).run()
        return script

    def _save(self, recordings: Mapping[Exercise, Path], progress: Callable[[str, int, int], None]) -> Saved:
        progress("finding landmarks", 1, 2)
        self.saved.append({exercise: VideoFile(path).n_frames for exercise, path in recordings.items()})
        return Saved("index 0.30", recordings)

    def until(self, phase: str) -> Iterator[tuple[float, str]]:
        """Let time stand still, frame after frame, until the session has come to a phase."""
        for _ in range(2000):
            if self.session.phase == phase:
                return
            yield 0.0, ""
        raise AssertionError(f"never came to {phase}, is in {self.session.phase}")

    def record(self) -> Iterator[tuple[float, str]]:
        """Record 39 frames, after which the camera ends."""
        yield from self.until("ready")
        yield 0.0, "r"
        yield COUNTDOWN_S, ""
        yield from self.until("moving")
        yield 0.0, ""
        self._cameras[0].allow(40)
        yield from self.until("no camera")
        yield 0.0, ""


def test_record_save_and_leave(tmp_path: Path) -> None:
    sitting = Sitting(tmp_path, SteppedCamera(40))

    def steps() -> Iterator[tuple[float, str]]:
        yield from sitting.record()
        yield 0.0, "s"
        yield from sitting.until("no camera")
        yield 0.0, "q"

    script = sitting.run(steps())
    # The camera ended while recording: what it had given was complete, and saved like any other.
    assert sitting.saved == [{Exercise.TOUCH_TOES: 39}]
    assert sitting.said == []
    assert script.shown[0].shape == (CANVAS[1], CANVAS[0], 3)


def test_reconnecting_goes_on_and_failing_to_is_said(tmp_path: Path) -> None:
    lost = CameraError("camera:0: the camera stopped")
    sitting = Sitting(tmp_path, SteppedCamera(0, error=lost), SteppedCamera(0, error=lost))

    def steps() -> Iterator[tuple[float, str]]:
        yield from sitting.until("no camera")
        assert sitting.session.message == "camera:0: the camera stopped"
        yield 0.0, "c"
        yield 0.0, ""
        yield from sitting.until("no camera")
        yield 0.0, "c"
        yield 0.0, ""
        assert sitting.session.message == "camera:0: there is no such camera"
        yield 0.0, "q"

    sitting.run(steps())


@pytest.mark.parametrize("is_alone", [True, False])
def test_a_camera_that_never_gives_a_picture_ends_a_window_that_is_to_leave_by_itself(
    tmp_path: Path, is_alone: bool
) -> None:
    sitting = Sitting(tmp_path, connect=to_nobody, until_s=1.0 if is_alone else None)

    def steps() -> Iterator[tuple[float, str]]:
        while sitting.session.phase != "no camera":
            yield 1.0 + FIRST_PICTURE_S, ""
        yield 0.0, "q"

    if is_alone:
        with pytest.raises(CameraError, match=r"^camera:0: no picture for 30 s; check the cable"):
            sitting.run(steps())
    else:
        # Whoever sits there may plug it in and connect again.
        sitting.run(steps())
        assert sitting.session.message.startswith("camera:0: no picture for 30 s")


def test_leaving_without_saving_throws_away_only_when_asked_twice(tmp_path: Path) -> None:
    sitting = Sitting(tmp_path, SteppedCamera(40))

    def steps() -> Iterator[tuple[float, str]]:
        yield from sitting.record()
        assert [path.name for path in tmp_path.iterdir()] == ["touch-toes.mp4"]
        yield 0.0, "q"
        yield 0.0, "q"

    sitting.run(steps())
    assert list(tmp_path.iterdir()) == []


def test_an_interrupt_keeps_the_recording_and_names_it(tmp_path: Path) -> None:
    sitting = Sitting(tmp_path, SteppedCamera(40))

    def steps() -> Iterator[tuple[float, str]]:
        yield from sitting.record()
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        sitting.run(steps())
    assert sitting.said == [f"not saved, but kept: {tmp_path / 'touch-toes.mp4'}"]
    assert VideoFile(tmp_path / "touch-toes.mp4").n_frames == 39


@pytest.mark.parametrize("key", ["q", "n"])
def test_a_key_in_the_moment_an_exercise_ends_by_itself_does_not_touch_its_recording(tmp_path: Path, key: str) -> None:
    camera = SteppedCamera(40)
    sitting = Sitting(tmp_path, camera)

    def steps() -> Iterator[tuple[float, str]]:
        yield from sitting.until("ready")
        yield 0.0, "r"
        yield COUNTDOWN_S, ""
        yield from sitting.until("moving")
        yield 0.0, ""
        camera.allow(39)
        assert camera.has_given_all.wait(LIMIT_S)
        yield sitting.session.exercise_s, ""
        # The pass that follows ends the exercise, and polls this key.
        yield 0.0, key
        assert [path.name for path in tmp_path.iterdir()] == ["touch-toes.mp4"]
        assert sitting.session.exercise is (Exercise.WALK if key == "n" else Exercise.TOUCH_TOES)
        assert list(sitting.session.recorded) == [Exercise.TOUCH_TOES]
        yield 0.0, "s"
        yield from sitting.until("saved")
        camera.allow()
        yield 0.0, "q"

    sitting.run(steps())
    assert sitting.saved == [{Exercise.TOUCH_TOES: 39}]
