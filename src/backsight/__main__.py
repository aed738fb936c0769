"""Start the command line, as `backsight` or `python -m backsight`. Knows no command, and loads none before it must."""

import os

_INTERRUPTED = 130
"""`ExitCode.INTERRUPTED`, before anything is loaded."""


def run() -> None:
    """Run the command line; Ctrl-C ends it in one line from here on, while the command line is still loading.

    Only what comes before, Python's own start, shows a traceback of its own.
    """
    try:
        import signal

        # A shell's background job is told to ignore Ctrl-C.
        if callable(signal.getsignal(signal.SIGINT)):
            signal.signal(signal.SIGINT, _stop)
    except KeyboardInterrupt:
        _stop()
    from backsight.cli.main import run as run_command_line

    run_command_line()


def _stop(*_told: object) -> None:
    """Leave at once: nothing is begun, and an exception could be lost in what is being imported."""
    try:
        os.write(2, b"backsight: interrupted\n")
    finally:
        os._exit(_INTERRUPTED)


if __name__ == "__main__":
    run()
