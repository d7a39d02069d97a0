"""The terminal keeps the adapter contract: a real one, in a process of its own, lines in and lines out."""

# ruff: noqa: ARG002 - whatever is typed here is addressed to us
import asyncio
import io
import sys
import uuid
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import AsyncExitStack, suppress

import pytest
from rich.console import Console
from rich.markdown import Markdown

from adapters.console import ConsoleAdapter, render
from adapters.console.answer import Answer
from adapters.web import WebAdapter
from adapters.web.routes import NOT_KEPT
from bot.testing import AdapterContract, Said, Sight, Stage, TakingBot
from bot.views import Moment
from tests.processes import ROOT
from tests.serving import serving

TITLE = "Contract"


class WatchedBot(TakingBot):
    """Tells when a terminal has begun to watch: what happened before would be in the transcript, had it a core."""

    def __init__(self) -> None:
        super().__init__()
        self.watched = asyncio.Event()

    def watch(self, key: str) -> AsyncIterator[Moment]:
        self.watched.set()
        return super().watch(key)


class ConsoleStage(Stage):
    """People at terminals, one conversation each."""

    def __init__(self, adapter: ConsoleAdapter, bot: WatchedBot, address: str) -> None:
        self.adapter = adapter
        self.bot: WatchedBot = bot
        self._address = address
        self._terminals: dict[str, Terminal] = {}

    async def say(self, text: str, *, after: Said | None = None, addressed: bool = True) -> Said:
        where = after.where if after else await self._sit_down()
        await self._terminals[where].type(text)
        return Said(where, text)

    async def resend(self, said: Said) -> None:
        await self._terminals[said.where].type(said.message)

    async def acknowledged(self, said: Said) -> bool:
        """A terminal says nothing of a line that was taken, and complains of one that was not."""
        terminal = self._terminals[said.where]
        taken = asyncio.create_task(self.bot.takes(said.message))
        complained = asyncio.create_task(terminal.complained.wait())
        await asyncio.wait({taken, complained}, return_when=asyncio.FIRST_COMPLETED)
        for task in (taken, complained):
            task.cancel()
        return not terminal.complained.is_set()

    def watch(self, said: Said) -> AsyncGenerator[Sequence[str], None]:
        return self._terminals[said.where].screen.watch()

    async def _sit_down(self) -> str:
        key = f"console:{uuid.uuid4()}"
        self.bot.watched.clear()
        self._terminals[key] = await Terminal.at(self._address, key)
        await self.bot.watched.wait()
        return key

    async def close(self) -> None:
        for terminal in self._terminals.values():
            await terminal.leave()


class Terminal:
    """One running terminal. `screen` is what it printed, less the names of who answers."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.screen = Sight()
        self.complained = asyncio.Event()
        self._process = process
        self._reader = asyncio.create_task(self._read())

    @classmethod
    async def at(cls, address: str, key: str) -> "Terminal":
        pipe = asyncio.subprocess.PIPE
        command = (sys.executable, "-m", "tests.adapters.terminal", address, key)
        return cls(await asyncio.create_subprocess_exec(*command, cwd=ROOT, stdin=pipe, stdout=pipe))

    async def type(self, line: str) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(f"{line}\n".encode())
        await self._process.stdin.drain()

    async def _read(self) -> None:
        assert self._process.stdout is not None
        printed = b""
        while chunk := await self._process.stdout.read(65536):
            printed += chunk
            lines = printed.decode(errors="ignore").splitlines(keepends=True)
            await self.screen.see(["".join(line for line in lines if line.strip() != TITLE)])
            if NOT_KEPT in printed.decode(errors="ignore"):
                self.complained.set()

    async def leave(self) -> None:
        """Ctrl-D; one that does not go is ended."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        try:
            async with asyncio.timeout(0.2):
                await self._process.wait()
        except TimeoutError:
            with suppress(ProcessLookupError):  # it may go at this very moment
                self._process.kill()
            await self._process.wait()
        await self._reader


class TestConsole(
    AdapterContract,
    lacks={
        "bots": "only people type at a terminal",
        "bystanders": "everything typed at the terminal is meant for us",
        "pings": "a terminal has nobody to ping",
        "clicks": "a terminal has no buttons",
        "editing": "a terminal cannot take back what it printed",
        "holding": "a reply is handed over within the process",
        "limit": "an answer in a terminal may have any length",
        "losses": "a reply is handed over within the process",
        "parts": "a terminal posts no messages: the thread and the turn are what lasts",
        "redelivery": "every line typed is a message of its own",
        "refusals": "a reply is handed over within the process: nothing stands between that could refuse it",
    },
):
    @pytest.fixture
    async def stage(self) -> AsyncIterator[ConsoleStage]:
        bot, adapter = WatchedBot(), ConsoleAdapter()
        routes = [*WebAdapter().routes(bot), *adapter.routes(bot)]
        async with AsyncExitStack() as stack:
            address = await stack.enter_async_context(serving(routes, end_watching=bot.end_watching))
            stage = ConsoleStage(adapter, bot, address)
            stack.push_async_callback(stage.close)
            yield stage


def test_a_block_that_does_not_end_is_not_read_anew_for_every_word(monkeypatch: pytest.MonkeyPatch) -> None:
    read, renderable = [0], render.renderable

    def counted(markdown: str) -> Markdown:
        read[0] += len(markdown)
        return renderable(markdown)

    monkeypatch.setattr(render, "renderable", counted)
    text = "```\n" + "a line of code\n" * 800 + "```\n"
    screen = io.StringIO()
    answer = Answer(Console(file=screen, force_terminal=True, width=80, height=20), "")
    for end in range(0, len(text), 10):
        answer.grow([{"type": "text", "markdown": text[:end]}], "Assistant")
    answer.grow([{"type": "text", "markdown": text}], "Assistant")
    answer.end([])
    assert read[0] < 50 * len(text)
    assert screen.getvalue().rpartition("\x1b[2K")[2].count("a line of code") == 800


WHOLE = """# Plan

A **bold** [link](https://example.org).

- one
- two

```python
print({code})
```

end *now*"""
PLAIN = """Assistant
Plan

A bold link (https://example.org).

 • one
 • two

print({code})

end now
"""


def test_through_a_pipe_an_answer_is_plain_text_and_no_line_of_it_is_broken() -> None:
    printed = io.StringIO()
    answer, code = Answer(Console(file=printed, width=40), ""), "x" * 200
    whole = WHOLE.format(code=code)
    for end in range(1, len(whole) + 1):
        answer.grow([{"type": "text", "markdown": whole[:end]}], "Assistant")
    answer.end([])
    assert printed.getvalue() == PLAIN.format(code=code)


def test_what_a_command_says_is_laid_out_beside_the_answer_that_grows() -> None:
    printed = io.StringIO()
    answer = Answer(Console(file=printed, width=80), "")
    answer.grow([{"type": "text", "markdown": "# One\n\nTwo\n\nThree\n"}], "Assistant")
    answer.aside("• `tour` **Tour**\n• `other` Other")
    answer.end([])
    assert printed.getvalue() == "Assistant\nOne\n\nTwo\n• tour Tour\n• other Other\n\nThree\n"
