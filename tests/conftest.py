"""Fixtures for every test; a heavy library is imported only when a test asks for what needs it."""

import os
import signal
import threading

pytest_plugins = ["tests.databases"]

# `make test` runs as many tests at once as there are cores. Libraries that then start a thread a core as well make each
# other wait: a network's test of a tenth of a second has taken a minute and a half.
for _variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ.setdefault(_variable, "1")

# A shell's background job, as continuous integration may start the tests, is told to ignore Ctrl-C, and so would every
# command be that a test starts and then interrupts.
if threading.current_thread() is threading.main_thread() and signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)
