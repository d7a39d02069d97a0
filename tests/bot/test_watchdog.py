"""A program that hangs ends itself: silence must have an end."""

import signal
import sys
import textwrap

from tests.processes import Process

PROGRAM = textwrap.dedent(
    """
    import asyncio, re, sys, time
    from bot.watchdog import watchdog

    async def main():
        with watchdog(float(sys.argv[2])):
            if sys.argv[1] == "hang":
                time.sleep(300)
            if sys.argv[1] == "match":
                re.match("(a+)+b", "a" * 100)
            await asyncio.sleep(float(sys.argv[2]) + 1)
        print("ended", flush=True)

    asyncio.run(main())
    """
)


def test_a_hung_event_loop_ends_the_process_and_shows_where_it_hung() -> None:
    """Otherwise the program would stay connected and answer nobody."""
    process = Process(sys.executable, "-c", PROGRAM, "hang", "0.5")
    assert process.wait() == 70
    assert "the event loop hangs" in process.output
    assert "in main" in process.output


def test_code_that_never_gives_up_the_interpreter_ends_the_process_too() -> None:
    process = Process(sys.executable, "-c", PROGRAM, "match", "0.5")
    assert process.wait() == -signal.SIGVTALRM
    assert "in main" in process.output


def test_a_responsive_event_loop_is_left_alone() -> None:
    process = Process(sys.executable, "-c", PROGRAM, "turn", "5")
    assert process.wait() == 0
    assert "ended" in process.output
