"""Exit codes of the `backsight` command, as documented in the user guide."""

from enum import IntEnum


class ExitCode(IntEnum):
    """What the shell is told."""

    ASSESSED = 0
    FAILED = 1
    """Bad input or a machine at fault: one line says what and what to do; nothing is written."""
    USAGE = 2
    """The command was not understood."""
    UNUSABLE = 3
    """Every recording was seen but is unusable: a report without an index says why and how to record again."""
    BAR_MISSED = 4
    """A benchmark ran and missed a bar."""
    PARTIAL = 5
    """Of many clips some failed: each is a row with its reason; the others are done."""
    INTERRUPTED = 130
    """Ctrl-C."""
