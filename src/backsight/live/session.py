"""What happens next in front of the camera: choose, count down, move, save. Knows no camera, no window and no clock.

A plain state machine. Keys, time and what befell the camera go in; commands for the outside come out.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from enum import StrEnum

from backsight.domain.recording import EXERCISE_LIMIT_S, Exercise
from backsight.errors import InvalidValueError

COUNTDOWN_S = 5.0
"""Time to step back from the keyboard, as `backsight assess camera:0` gives."""
DEFAULT_EXERCISE_S = 8.0
"""An exercise ends by itself, so that whoever is alone need not walk back: standing, 3 to 4 s of movement, standing."""
STAND_S = 1.5
"""Standing still before the movement: measures subtract the person's own standing."""


class Phase(StrEnum):
    """Where the session stands."""

    WAITING = "waiting"
    """Camera and pose model are starting."""
    READY = "ready"
    COUNTDOWN = "countdown"
    MOVING = "moving"
    DONE = "done"
    SAVING = "saving"
    SAVED = "saved"
    NO_CAMERA = "no camera"


class Key(StrEnum):
    """What a user can ask for; the value is the key on the keyboard."""

    TOUCH_TOES = "1"
    WALK = "2"
    JUMP = "3"
    NEXT = "n"
    START = " "
    RECORD = "r"
    SAVE = "s"
    CONNECT = "c"
    QUIT = "q"


class Command(StrEnum):
    """What the outside has to do."""

    BEGIN = "begin"
    """An exercise begins now; `Session.is_recording` says whether it is to be kept."""
    END = "end"
    """It is over; complete the recording."""
    SAVE = "save"
    CONNECT = "connect"
    QUIT = "quit"


@dataclass(frozen=True)
class Guidance:
    """What the person reads from where they stand."""

    headline: str
    """A few words, drawn large."""
    detail: str
    tone: str
    """`ready`, `go`, `done` or `trouble`: the colour of the strip."""
    number: int | None = None
    """Seconds left, drawn over the picture; None = none."""
    keys: tuple[tuple[str, str], ...] = ()
    """(key, what it does) for whoever sits at the keyboard."""


_CHOICES = {Key.TOUCH_TOES: Exercise.TOUCH_TOES, Key.WALK: Exercise.WALK, Key.JUMP: Exercise.JUMP}
_MOVEMENT = {
    Exercise.TOUCH_TOES: ("Touch your toes", "Legs straight, as far as is comfortable, then come up and stand still"),
    Exercise.WALK: ("Walk 2 metres", "At your own pace, inside the picture, then stand still"),
    Exercise.JUMP: ("Jump!", "As high as you can, land where you started, then stand still"),
}
_PREPARE = {
    Exercise.TOUCH_TOES: "Side-on to the camera, whole body in the picture",
    Exercise.WALK: "Across the picture, side-on, whole body in view all the way",
    Exercise.JUMP: "Facing the camera, room above your head",
}
_CHOOSE = ("1 2 3", "exercise")
_TRY, _RECORD, _SAVE, _NEXT = ("space", "try it"), ("r", "record"), ("s", "save"), ("n", "next")
_STOP, _CONNECT, _QUIT = ("space", "stop"), ("c", "connect again"), ("q", "quit")


@dataclass
class Session:
    """One sitting of one person: up to three exercises, each tried or recorded as often as wanted."""

    exercise: Exercise = Exercise.TOUCH_TOES
    exercise_s: float = DEFAULT_EXERCISE_S
    """Seconds after which an exercise ends by itself."""
    phase: Phase = Phase.WAITING
    is_recording: bool = False
    """Whether the exercise that is counted down or under way is kept."""
    recorded: dict[Exercise, float] = field(default_factory=dict)
    """Seconds of each exercise that is recorded and kept."""
    has_unsaved: bool = False
    message: str = ""
    """What the last step led to, e.g. where results lie."""
    progress: str = ""
    """What saving is busy with."""
    _since_s: float = 0.0
    _asked_to_quit: bool = False
    _lost: str = ""
    """Why there are no pictures; empty = there are, or soon will be."""

    def __post_init__(self) -> None:
        if not 1.0 <= self.exercise_s <= EXERCISE_LIMIT_S:
            raise InvalidValueError(
                f"`exercise_s` must lie within 1 and {EXERCISE_LIMIT_S:.0f} seconds, got {self.exercise_s:g}"
            )

    def press(self, key: Key, *, now_s: float) -> tuple[Command, ...]:
        """Act on a key; one that means nothing now is ignored."""
        was_asked, self._asked_to_quit = self._asked_to_quit, False
        if key is Key.QUIT:
            return self._quit(was_asked=was_asked, now_s=now_s)
        match self.phase:
            case Phase.NO_CAMERA if key is Key.CONNECT:
                return (Command.CONNECT,)
            case Phase.NO_CAMERA if key is Key.SAVE:
                return self._save()
            case Phase.MOVING if key in (Key.START, Key.RECORD):
                return self._end(now_s)
            case Phase.COUNTDOWN if key in (Key.START, Key.RECORD):
                self._enter(Phase.READY, now_s)
            case Phase.READY | Phase.DONE | Phase.SAVED:
                return self._choose(key, now_s)
        return ()

    def tick(self, *, now_s: float) -> tuple[Command, ...]:
        """Let time pass."""
        elapsed_s = now_s - self._since_s
        if self.phase is Phase.COUNTDOWN and elapsed_s >= COUNTDOWN_S:
            self._enter(Phase.MOVING, now_s)
            return (Command.BEGIN,)
        if self.phase is Phase.MOVING and elapsed_s >= self.exercise_s:
            return self._end(now_s)
        return ()

    def keep(self, seconds: float, *, exercise: Exercise) -> None:
        """Say that the recording of an exercise is on disk."""
        self.recorded[exercise] = seconds
        self.has_unsaved = True
        kept = f"{seconds:.1f} s recorded"
        self.message = f"{self.message}; {kept}, kept" if self.phase is Phase.NO_CAMERA else kept

    def fail(self, message: str) -> None:
        """Say what went wrong while recording or saving; what was recorded before stays."""
        self.message = message
        if self.phase is Phase.SAVING:
            self.phase = Phase.NO_CAMERA if self._lost else Phase.DONE

    def saved(self, message: str) -> None:
        """Say that everything recorded is assessed and written."""
        self.has_unsaved = False
        self.message, self.phase = message, Phase.SAVED
        if self._lost:
            self.message, self.phase = f"Saved. {message} {self._lost}", Phase.NO_CAMERA

    def lose_camera(self, message: str, *, now_s: float) -> tuple[Command, ...]:
        """Say that no more pictures come."""
        commands = (Command.END,) if self.phase is Phase.MOVING else ()
        self._lost = message
        if self.phase is not Phase.SAVING:
            self._enter(Phase.NO_CAMERA, now_s)
            self.message = message
        return commands

    def await_camera(self, *, now_s: float) -> None:
        """Say that the camera is connected again, but shows nothing yet."""
        self._lost = ""
        self._enter(Phase.WAITING, now_s)

    def find_camera(self, *, now_s: float) -> None:
        """Say that pictures come; means nothing when they came before."""
        if self.phase is Phase.WAITING:
            self._enter(Phase.READY, now_s)

    def guidance(self, *, now_s: float) -> Guidance:
        """Return what to show now."""
        elapsed_s = now_s - self._since_s
        name, label = self.exercise.label, f"{self.exercise.label}: "
        asked = (("q", "again: quit and throw away what is not saved"), _SAVE)
        quit_keys = asked if self._asked_to_quit else (_QUIT,)
        save_keys = (_SAVE,) if self.has_unsaved and not self._asked_to_quit else ()
        match self.phase:
            case Phase.WAITING:
                shown = Guidance("One moment", "Camera and pose model are starting", "ready", keys=quit_keys)
            case Phase.READY:
                keys = (_TRY, _RECORD, _CHOOSE, *save_keys, *quit_keys)
                shown = Guidance(name, _PREPARE[self.exercise], "ready", keys=keys)
            case Phase.COUNTDOWN:
                left = math.ceil(COUNTDOWN_S - elapsed_s)
                what = "recording follows" if self.is_recording else "a try, nothing is kept"
                shown = Guidance("Get ready", f"{label}{what}", "ready", number=max(left, 1), keys=(_STOP, _QUIT))
            case Phase.MOVING:
                left = max(math.ceil(self.exercise_s - elapsed_s), 0)
                headline, detail = _MOVEMENT[self.exercise] if elapsed_s >= STAND_S else ("Stand still", name)
                shown = Guidance(headline, detail, "go", number=left if left <= 3 else None, keys=(_STOP, _QUIT))
            case Phase.DONE:
                detail = self.message or "It was a try: nothing is kept"
                shown = Guidance("Well done", detail, "done", keys=(*save_keys, _NEXT, _RECORD, _TRY, *quit_keys))
            case Phase.SAVING:
                shown = Guidance("One moment", self.progress or "The recording is being assessed", "done")
            case Phase.SAVED:
                shown = Guidance("Saved", self.message, "done", keys=(_NEXT, _RECORD, _TRY, _QUIT))
            case Phase.NO_CAMERA:
                shown = Guidance("No pictures", self.message, "trouble", keys=(_CONNECT, *save_keys, *quit_keys))
        return shown

    def _choose(self, key: Key, now_s: float) -> tuple[Command, ...]:
        if key in _CHOICES or key is Key.NEXT:
            following = list(Exercise)[(list(Exercise).index(self.exercise) + 1) % len(Exercise)]
            self.exercise = _CHOICES.get(key, following)
            self._enter(Phase.READY, now_s)
        elif key in (Key.START, Key.RECORD):
            self.is_recording = key is Key.RECORD
            self._enter(Phase.COUNTDOWN, now_s)
        elif key is Key.SAVE:
            return self._save()
        return ()

    def _save(self) -> tuple[Command, ...]:
        if not self.has_unsaved:
            return ()
        self.phase, self.progress = Phase.SAVING, ""
        return (Command.SAVE,)

    def _end(self, now_s: float) -> tuple[Command, ...]:
        self._enter(Phase.DONE, now_s)
        return (Command.END,)

    def _quit(self, *, was_asked: bool, now_s: float) -> tuple[Command, ...]:
        if self.phase is Phase.SAVING:
            return ()
        ended = self._end(now_s) if self.phase is Phase.MOVING and self.is_recording else ()
        if (self.has_unsaved or ended) and not was_asked:
            self._asked_to_quit = True
            if self.phase is Phase.COUNTDOWN:
                self._enter(Phase.READY, now_s)
            return ended
        return (Command.QUIT,)

    def _enter(self, phase: Phase, now_s: float) -> None:
        self.phase, self._since_s, self.message = phase, now_s, ""
