"""The terminal client of a conversation: sends lines to the page's API and prints answers as they grow."""

import asyncio
import json
import os
import signal
import sys
import threading
import uuid
from collections.abc import AsyncIterator
from typing import Any, Self

import httpx
from httpx_sse import aconnect_sse
from rich.console import Console
from rich.text import Text

from adapters.console.answer import Answer
from adapters.console.render import question, small
from adapters.console.whole import Whole
from bot.adapter import UserError

PROMPT = "you  "
STOP = "/assistant stop"
QUIT = frozenset({"/quit", "/exit"})
GONE = "The server has stopped. Start Threadline again to continue the conversation."
UNSENT = "This line may not have been sent: {line}"
DELETED = "This conversation was deleted. Your next message starts it again."
JSON = dict[str, Any]


class Terminal:
    """A person at a keyboard. Through a pipe, everything is plain text."""

    def __init__(self, url: str, token: str) -> None:
        headers = {"authorization": f"Bearer {token}"} if token else {}
        # The server runs on this machine, so no proxy is used.
        self._http = httpx.AsyncClient(
            base_url=url, headers=headers, timeout=httpx.Timeout(30, read=None), trust_env=False
        )
        self._console = Console(highlight=False, soft_wrap=True)
        self._answer = Answer(self._console, url)
        self._ending: JSON = {}
        self._opened = asyncio.Event()
        self._ended = asyncio.Event()
        self._waiting = ""
        self._growing = False
        self._whole = Whole()
        self._key = ""
        self._stopping: asyncio.Task[str | None] | None = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._http.aclose()

    async def talk(self, key: str, *, new: bool = False) -> None:
        """Run until the person leaves."""
        where: str | None = f"console:{uuid.uuid4()}" if new else key
        lines = _lines()
        loop = asyncio.get_running_loop()
        loop.add_signal_handler(signal.SIGINT, self._interrupt)
        try:
            while where is not None:
                where = await self._converse(where, lines)
        except httpx.TransportError:
            raise UserError(GONE) from None
        finally:
            self._answer.pause()
            loop.remove_signal_handler(signal.SIGINT)

    def _interrupt(self) -> None:
        """Ctrl-C stops the answer in progress. Without one, or the second time, it leaves."""
        if self._stopping is not None or not (self._growing or self._waiting):
            raise KeyboardInterrupt
        self._stopping = asyncio.create_task(self._say(self._key, STOP), name="stop")

    async def _converse(self, key: str, lines: AsyncIterator[str]) -> str | None:
        """Run one conversation; returns the key of the next one, or None to leave."""
        self._opened.clear()
        self._key = key
        follow = asyncio.create_task(self._follow(key))
        try:
            await _until(self._opened, follow)
            async for line in lines:
                if line in QUIT:
                    return None
                if (elsewhere := await self._say(key, line)) is not None:
                    return elsewhere
                if self._waiting and self._console.is_terminal:
                    continue  # lines typed during an answer wait; the prompt comes back when the answer ends
                if self._waiting:
                    await _until(self._ended, follow)
                else:
                    self._prompt()
            return None
        finally:
            follow.cancel()
            await asyncio.gather(follow, return_exceptions=True)

    async def _say(self, key: str, text: str) -> str | None:
        """Send a line; returns the key of another conversation if the line opened one."""
        event = str(uuid.uuid4())
        self._ended.clear()
        self._waiting = event
        message = {"event": event, "text": text}
        try:
            response = await self._http.post(f"/chat/api/conversations/{key}/messages", json=message)
        except httpx.TransportError:
            raise UserError(f"{GONE}\n{UNSENT.format(line=text)}") from None
        said: JSON = response.json()
        if response.is_error:
            self._waiting = ""
            self._note(said.get("error", "The server refused the message."))
        elif said["outcome"] == "command":
            self._waiting = ""
            self._answer.aside(said["text"])
            elsewhere: str | None = said["conversation"]
            return elsewhere
        elif said["waits"]:
            self._note("Noted; the answer will follow.")
        return None

    async def _follow(self, key: str) -> None:
        """Print what happens in the conversation, beginning with its latest exchanges."""
        address = f"/chat/api/conversations/{key}/events"
        async with aconnect_sse(self._http, "GET", address) as source:
            if source.response.is_error:
                await source.response.aread()
                raise UserError(source.response.json().get("error", "The server refused the conversation."))
            began = False
            async for event in source.aiter_sse():
                data: JSON = json.loads(event.data or "{}")
                if event.event == "transcript" and not began:
                    began = True
                    self._history(data["exchanges"])
                    self._opened.set()
                elif event.event == "moment":
                    self._moment(data)
                elif event.event == "problem":
                    self._note(data["error"])

    def _history(self, exchanges: list[JSON]) -> None:
        for exchange in exchanges[-5:]:
            if exchange["question"] or exchange["files"]:
                self._console.print(Text(PROMPT, style="dim"), Text(question(exchange)), sep="", end="\n")
            if exchange["answer"]:
                self._answer.grow(exchange["answer"], exchange["assistant"])
                self._answer.end(exchange["answer"])
        self._prompt()

    def _moment(self, moment: JSON) -> None:
        self._growing = moment["kind"] == "snapshot"
        if moment["kind"] == "snapshot" and (segments := self._whole.segments(moment["segments"])):
            self._answer.grow(segments, moment["assistant"])
        elif moment["kind"] == "snapshot" and self._console.is_terminal:
            self._note(moment["status"])
        elif moment["kind"] == "deleted":
            self._note(DELETED)
            self._prompt()
        elif moment["kind"] == "finished":
            if moment != self._ending:  # a turn whose end could not be recorded ends again
                self._answer.grow(moment["segments"], moment["assistant"])
                self._answer.end(moment["segments"])
                self._prompt()
            self._ending = moment
            self._waiting = ""
            self._stopping = None
            self._ended.set()

    def _note(self, text: str) -> None:
        self._answer.pause()
        self._console.print(small(text))

    def _prompt(self) -> None:
        if self._console.is_terminal:
            self._console.print(Text(f"\n{PROMPT}", style="bold cyan"), end="")


async def _until(event: asyncio.Event, follow: "asyncio.Task[None]") -> None:
    """Wait for an event that following the conversation sets, or for the following to end."""
    told = asyncio.create_task(event.wait())
    await asyncio.wait({told, follow}, return_when=asyncio.FIRST_COMPLETED)
    told.cancel()
    if follow.done():
        await follow
        raise UserError(GONE)


async def _lines() -> AsyncIterator[str]:
    """Yield lines of standard input. A thread reads them, because a person may never finish a line."""
    loop = asyncio.get_running_loop()
    queue: asyncio.Queue[str | None] = asyncio.Queue()

    def read() -> None:
        # Read from the descriptor: a thread blocked in Python's buffered reader would hold its lock at exit.
        left = b""
        while chunk := os.read(sys.stdin.fileno(), 65536):
            *whole, left = (left + chunk).split(b"\n")
            for line in whole:
                loop.call_soon_threadsafe(queue.put_nowait, line.decode(errors="replace"))
        loop.call_soon_threadsafe(queue.put_nowait, left.decode(errors="replace"))
        loop.call_soon_threadsafe(queue.put_nowait, None)

    threading.Thread(target=read, name="keyboard", daemon=True).start()
    while (line := await queue.get()) is not None:
        if line.strip():
            yield line.strip()
