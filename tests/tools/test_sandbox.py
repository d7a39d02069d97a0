"""The sandbox keeps a session a key, ends what idles or is given up, and leaves no process behind."""

import asyncio
import contextlib
import gc
import os
import signal
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from assistants.service.tools import Ended, InputRefused, Limits, Sandbox
from assistants.service.tools.bubblewrap import Bubblewrap
from assistants.service.tools.measuring import children, descendants, measure
from tests.tools.conftest import SMALL, Host


def sandbox(**limits: float) -> Sandbox:
    return Sandbox(Bubblewrap.find(), Limits(**{**SMALL, **limits}), spares=0)  # type: ignore[arg-type]


async def until(holds: Callable[[], object]) -> None:
    """Wait until it is so; fails after a minute."""
    async with asyncio.timeout(60):
        while not holds():  # noqa: ASYNC110 - the processes of the system tell nobody
            await asyncio.sleep(0.01)


async def test_between_calls_nothing_of_a_session_runs() -> None:
    async with sandbox() as running, running.session("a") as session:
        await session.run(
            "import threading\ndef f():\n    while True: pass\nthreading.Thread(target=f, daemon=True).start()"
        )
        (outer,) = children(os.getpid())
        used = measure(outer).processor
        await asyncio.sleep(0.3)
        assert measure(outer).processor - used < 0.1  # it would be 0.3
        assert (await session.run("6 * 7")).output == "42\n"


async def test_callers_of_one_session_wait_for_each_other_and_those_of_others_do_not() -> None:
    async def add(key: str) -> str:
        async with running.session(key) as session:
            return (await session.run("n = globals().get('n', 0) + 1; n")).output

    async with sandbox() as running:
        said = await asyncio.gather(*(add("a") for _ in range(5)), add("b"))
    assert sorted(said) == ["1\n", "1\n", "2\n", "3\n", "4\n", "5\n"]


async def test_a_call_that_is_given_up_ends_its_session_and_the_next_starts_clean() -> None:
    async with sandbox() as running:
        async with running.session("a") as session:
            call = asyncio.create_task(session.run("import time; time.sleep(60)"))
            await asyncio.sleep(0.1)
            call.cancel()
            with pytest.raises(asyncio.CancelledError):
                await call
            assert session.ended == "Its call was given up."
            with pytest.raises(Ended):
                await session.run("1")
        async with running.session("a") as session:
            assert (await session.run("2")).output == "2\n"


async def test_a_session_that_dies_between_calls_is_replaced() -> None:
    async with sandbox() as running:
        async with running.session("a") as session:
            await session.run("x = 1")
        for process in descendants(os.getpid()):
            with contextlib.suppress(ProcessLookupError):  # it went with its parent
                os.kill(process, signal.SIGKILL)
        await until(lambda: session.ended)
        async with running.session("a") as session:
            assert (await session.run("'x' in globals()")).output == "False\n"


async def test_an_idle_session_is_ended_and_its_processes_with_it() -> None:
    async with sandbox(idle=0.05) as running:
        async with running.session("a") as session:
            await session.run("x = 1")
        await until(lambda: not running.sessions and not children(os.getpid()))
        assert session.ended == "It was idle for too long."


async def test_leaving_while_an_idle_session_is_being_ended_leaves_nothing_open() -> None:
    async with sandbox(idle=0.05) as running:
        async with running.session("a") as session:
            pass
        await until(lambda: session.ended)
    assert children(os.getpid()) == []
    # What was left open warns here, and a warning is an error.
    gc.collect()


async def test_where_there_are_too_many_the_longest_idle_makes_room_and_working_ones_do_not() -> None:
    async with sandbox(sessions=2) as running:
        async with running.session("old") as old:
            pass
        async with running.session("new") as new:
            pass
        async with running.session("third"):
            assert old.ended == "It made room for another session."
            assert not new.ended
            async with running.session("new") as still:
                assert still is new
                with pytest.raises(Ended, match="All 2 sessions are at work"):
                    async with running.session("fourth"):
                        pass


@pytest.mark.proof
async def test_a_spare_is_ready_with_its_libraries_and_another_follows() -> None:
    async with Sandbox(Bubblewrap.find(), Limits(), spares=1) as running:
        assert not running.spares
        async with running.session("first"):
            await until(lambda: running.spares)
        async with running.session("a") as session:
            said = await session.run("import sys; print('pandas' in sys.modules, 'matplotlib.pyplot' in sys.modules)")
            assert said.output == "True True\n"
        await until(lambda: running.spares)


async def test_a_call_may_be_given_up_at_any_moment() -> None:
    """Also before its session is there: asyncio never ends a start of a process that is cancelled early."""

    async def use() -> None:
        async with running.session("a") as session:
            await session.run("import time; time.sleep(60)")

    async with sandbox() as running:
        for moments in range(40):
            call = asyncio.create_task(use())
            for _ in range(moments):
                await asyncio.sleep(0)
            call.cancel()
            async with asyncio.timeout(30):
                await asyncio.wait([call])
            assert call.cancelled()
        assert running.sessions == 0
    assert children(os.getpid()) == []


async def test_leaving_ends_every_process_also_while_calls_are_under_way() -> None:
    async with sandbox() as running:
        async with running.session("a") as session:
            await session.run("1")
        async with running.session("b") as session:
            with pytest.raises(InputRefused):
                await session.put("../x", b"")
    assert children(os.getpid()) == []


def test_when_its_host_is_killed_no_session_lives_on(identity: str) -> None:
    host = Host(identity)
    host.run("x = 1")
    left = descendants(host.pid)
    assert len(left) >= (1 if identity.startswith("wasi") else 3)
    host.kill()
    for _ in range(1000):
        if not any(Path(f"/proc/{process}").exists() for process in left):
            return
        time.sleep(0.01)
    pytest.fail("processes of its sessions live on")


def command_lines() -> list[str]:
    return [Path(f"/proc/{each}/cmdline").read_text("utf-8") for each in descendants(os.getpid())]


async def test_our_program_stands_in_no_command_line() -> None:
    async with sandbox() as running, running.session("a"):
        lines = command_lines()
    assert any("bwrap" in line for line in lines)
    assert not [line for line in lines if "import" in line]
