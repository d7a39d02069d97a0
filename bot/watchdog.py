"""Ends the process when its event loop hangs, so that a supervisor restarts it."""

import asyncio
import contextlib
import faulthandler
import os
import signal
import sys
import threading
import time
from collections.abc import Iterator

import structlog

EXIT_CODE = 70
# How many times the loop is asked to respond within the limit.
BEATS = 10

log = structlog.get_logger()


@contextlib.contextmanager
def watchdog(seconds: float) -> Iterator[None]:
    """Watch the running loop during the block; 0 seconds turns the watchdog off."""
    if not seconds:
        yield
        return
    watch = _Watch(asyncio.get_running_loop(), seconds)
    with _processor_limit():
        watch.set_timer()
        watch.start()
        try:
            yield
        finally:
            watch.end()


@contextlib.contextmanager
def _processor_limit() -> Iterator[None]:
    """End the process when the timer of `_Watch` expires, even if no Python code can run, as in an endless match."""
    with open(os.devnull, "w") as nowhere:
        faulthandler.register(signal.SIGVTALRM, sys.stderr or nowhere, chain=True)
        try:
            yield
        finally:
            signal.setitimer(signal.ITIMER_VIRTUAL, 0)
            faulthandler.unregister(signal.SIGVTALRM)


class _Watch(threading.Thread):
    """Asks the loop to respond. It counts unanswered beats, not seconds, so that a suspended machine is no hang.

    Code that never gives up the interpreter stops this thread, too. For that case every beat sets a timer again, which
    counts the processor time of the program.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, seconds: float) -> None:
        super().__init__(name="watchdog", daemon=True)
        self._loop = loop
        self._pause = seconds / BEATS
        self._seconds = seconds
        # Between two beats the program may use all processors.
        self._processor_seconds = seconds + self._pause * (os.cpu_count() or 1)
        self._ending = threading.Event()
        self._alive = threading.Event()

    def set_timer(self) -> None:
        signal.setitimer(signal.ITIMER_VIRTUAL, self._processor_seconds)

    def end(self) -> None:
        self._ending.set()
        self.join()

    def run(self) -> None:
        silent = 0
        self._ask()
        while not self._ending.wait(self._pause):
            self.set_timer()
            if self._alive.is_set():
                silent = 0
                self._ask()
                continue
            silent += 1
            if silent >= BEATS:
                self._give_up()

    def _ask(self) -> None:
        self._alive.clear()
        with contextlib.suppress(RuntimeError):  # the loop is closed because the program ends
            self._loop.call_soon_threadsafe(self._alive.set)

    def _give_up(self) -> None:
        log.critical("the event loop hangs; ending the process", seconds=self._seconds, at=time.time())
        if sys.stderr:
            faulthandler.dump_traceback(file=sys.stderr, all_threads=True)
            sys.stderr.flush()
        os._exit(EXIT_CODE)
