"""Every error that Backsight raises on purpose, as one tree. Knows nothing of who catches them.

BacksightError
├── InvalidValueError        a value handed to us breaks its documented contract (also a ValueError)
│   └── FieldsError          some answers of a form do, each with its own message
├── InputError               something the user gave us cannot be assessed
│   ├── VideoError           not a video, no frames, damaged, unreadable
│   ├── CameraError          no such camera, or it stopped
│   └── NoPersonError        not one frame shows a person
├── ModelFileError
│   ├── WeightsError         BlazePose weights missing, unreachable or altered
│   └── CheckpointError      a Backsight checkpoint is damaged or of another feature schema
├── FilmingError             a virtual volunteer cannot be filmed
│   └── ShotError            this one recording cannot, others may
├── BatchError               a batch cannot go on: no worker process or cluster to work with
├── StorageError             the database or what it holds cannot be read or written
│   ├── NotFoundError        no such study, person or recording
│   └── ConflictError        it does not fit what has happened already
├── AccessError              somebody may not come in
│   ├── SignInError          wrong email or password, or a disabled account
│   ├── ThrottledError       too many failed attempts; says how long to wait
│   └── InvitationError      an invitation link is unknown, used up or expired
├── OutputError              results cannot be written: permission, disk full, already there
└── MissingDependencyError   an optional extra is needed and not installed

A message names the file or field, what was expected, what was found and what to do. The command line prints it
as it stands, on one line, and exits with a code other than 0.
"""

from collections.abc import Mapping


class BacksightError(Exception):
    """Base of every error that Backsight raises on purpose."""


class InvalidValueError(BacksightError, ValueError):
    """A value breaks its documented contract: wrong shape, wrong range, wrong order."""


class FieldsError(InvalidValueError):
    """Some answers of a form break their contract."""

    def __init__(self, fields: Mapping[str, str]) -> None:
        super().__init__("; ".join(f"`{name}` {message}" for name, message in fields.items()))
        self.fields = dict(fields)
        """{field: what was expected and what was found}."""


class InputError(BacksightError):
    """Something the user gave us cannot be assessed."""


class VideoError(InputError):
    """A file is not a video, holds no frames, or is damaged."""


class CameraError(InputError):
    """A camera cannot be opened, or stopped delivering frames."""


class NoPersonError(InputError):
    """Not one frame of the recording shows a person."""


class ModelFileError(BacksightError):
    """A model file is missing, damaged or does not fit."""


class WeightsError(ModelFileError):
    """BlazePose weights are missing, unreachable or altered."""


class CheckpointError(ModelFileError):
    """A Backsight checkpoint is damaged or made for another feature schema."""


class FilmingError(BacksightError):
    """A virtual volunteer cannot be filmed, or a process that films has died."""


class ShotError(FilmingError):
    """One recording of a virtual volunteer cannot be filmed; the others may."""


class BatchError(BacksightError):
    """A batch cannot go on: its worker processes do not start, or its cluster is not there."""


class StorageError(BacksightError):
    """The database cannot be reached, is not up to date, is sealed with another key, or holds damaged data."""


class NotFoundError(StorageError):
    """There is no such study, person or recording."""


class ConflictError(StorageError):
    """What is asked does not fit what has happened already: rated twice, landmarks after the end."""


class AccessError(BacksightError):
    """Somebody may not come in. The message never tells whether an account exists."""


class SignInError(AccessError):
    """The email, the password, or both are wrong, or the account is disabled."""


class ThrottledError(AccessError):
    """Too many attempts to sign in have failed lately.

    Parameters
    ----------
    message
        What to tell the person.
    seconds
        How long to wait before the next attempt.
    """

    def __init__(self, message: str, *, seconds: int) -> None:
        super().__init__(message)
        self.seconds = seconds


class InvitationError(AccessError):
    """An invitation link is unknown, used up or expired."""


class OutputError(BacksightError):
    """Results cannot be written where the user asked for them."""


class MissingDependencyError(BacksightError):
    """An optional extra is needed for this and is not installed."""
