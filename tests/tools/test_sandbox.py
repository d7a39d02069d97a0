"""The sandbox keeps a session a key, ends what idles or is given up, and leaves no process behind."""

import asyncio
import contextlib
import gc
import os
import signal
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from assistants.service.tools import Ended, InputRefused, Limits, Sandbox
from assistants.service.tools.bubblewrap import Bubblewrap
from assistants.service.tools.limits import MIB
from assistants.service.tools.measuring import children, descendants
from assistants.service.tools.session import Outcome, Session
from tests.tools.conftest import SMALL, Host
from tests.tools.own import own_children, own_descendants
from tests.waiting import until


def sandbox(**limits: float) -> Sandbox:
    return Sandbox(Bubblewrap.find(), Limits(**{**SMALL, **limits}), spares=0)  # type: ignore[arg-type]


# Code that never returns. It starts a process, by which a test sees that the call is in progress.
ENDLESS = "import os, time\nos.fork() or time.sleep(600)\nos.wait()"


@contextlib.asynccontextmanager
async def calling(session: Session) -> AsyncIterator[asyncio.Task[Outcome]]:
    """A call that is in progress and does not end by itself; it is cancelled with the block."""
    before = len(own_descendants())
    call = asyncio.create_task(session.run(ENDLESS))
    await until(lambda: len(own_descendants()) > before)
    try:
        yield call
    finally:
        call.cancel()
        await asyncio.wait([call])


def state(process: int) -> str:
    """A process's state as the kernel says it: `R` runs, `S` sleeps, `T` is stopped."""
    return Path(f"/proc/{process}/stat").read_text("utf-8", "replace").rpartition(")")[2].split()[0]


async def test_between_calls_nothing_of_a_session_runs() -> None:
    async with sandbox() as running, running.session("a") as session:
        await session.run(
            "import threading\ndef f():\n    while True: pass\nthreading.Thread(target=f, daemon=True).start()"
        )
        (python,) = [each for each in own_descendants() if not children(each)]
        await until(lambda: state(python) == "T")
        assert (await session.run("6 * 7")).output == "42\n"


async def test_a_call_that_keeps_too_much_memory_ends_its_session_and_not_the_next_call() -> None:
    async with sandbox(memory=64 * MIB) as running:
        async with running.session("a") as session:
            outcome = await session.run("held = bytearray(b'x') * (70 << 20)\nprint('done')")
        async with running.session("a") as session:
            after = await session.run("6 * 7")
    assert outcome.ended == "It used more than 64 MiB of memory and was stopped."
    assert (after.output, after.ended) == ("42\n", "")


async def test_calls_in_one_session_run_one_after_the_other() -> None:
    async def add(_: int) -> str:
        async with running.session("a") as session:
            return (await session.run("n = globals().get('n', 0) + 1; n")).output

    async with sandbox() as running:
        said = await asyncio.gather(*map(add, range(5)))
    assert sorted(said) == ["1\n", "2\n", "3\n", "4\n", "5\n"]


async def test_a_call_does_not_wait_for_a_call_in_another_session() -> None:
    async with sandbox(wall=600) as running, running.session("a") as held, calling(held) as call:
        async with running.session("b") as session:
            assert (await session.run("1")).output == "1\n"
        assert not call.done()


async def test_a_call_that_is_given_up_ends_its_session_and_the_next_starts_clean() -> None:
    async with sandbox() as running:
        async with running.session("a") as session, calling(session) as call:
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
        for process in own_descendants():
            with contextlib.suppress(ProcessLookupError):  # it went with its parent
                os.kill(process, signal.SIGKILL)
        await until(lambda: session.ended)
        async with running.session("a") as session:
            assert (await session.run("'x' in globals()")).output == "False\n"


async def test_an_idle_session_is_ended_and_its_processes_with_it() -> None:
    async with sandbox(idle=0.05) as running:
        async with running.session("a") as session:
            await session.run("x = 1")
        await until(lambda: not running.sessions and not own_children())
        assert session.ended == "It was idle for too long."


async def test_leaving_while_an_idle_session_is_being_ended_leaves_nothing_open() -> None:
    async with sandbox(idle=0.05) as running:
        async with running.session("a") as session:
            pass
        await until(lambda: session.ended)
    assert own_children() == []
    # What was left open warns here, and a warning is an error.
    gc.collect()


async def test_the_session_idle_longest_is_evicted_when_all_are_taken() -> None:
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
    assert own_children() == []


async def test_leaving_ends_every_process_while_a_call_is_in_progress() -> None:
    async with contextlib.AsyncExitStack() as stack:
        async with sandbox() as running:
            session = await stack.enter_async_context(running.session("a"))
            call = await stack.enter_async_context(calling(session))
        assert own_children() == []
        assert (await call).ended


async def test_a_file_whose_name_leads_out_of_the_working_folder_is_refused() -> None:
    async with sandbox() as running, running.session("a") as session:
        with pytest.raises(InputRefused):
            await session.put("../x", b"")


def test_no_sandbox_session_survives_its_host(identity: str) -> None:
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
    return [Path(f"/proc/{each}/cmdline").read_text("utf-8") for each in own_descendants()]


async def test_no_command_line_shows_our_program() -> None:
    async with sandbox() as running, running.session("a"):
        lines = command_lines()
    assert any("bwrap" in line for line in lines)
    assert not [line for line in lines if "import" in line]
