"""The sandbox: one session per key, replaced after it ends and ended when idle."""

import asyncio
import contextlib
import itertools
import logging
import time
from collections.abc import AsyncIterator, Coroutine
from dataclasses import dataclass, field
from typing import Self

from assistants.service.tools.backend import Backend
from assistants.service.tools.bubblewrap import Bubblewrap
from assistants.service.tools.cgroups import Groups, NoGroups
from assistants.service.tools.limits import Limits
from assistants.service.tools.probe import probe
from assistants.service.tools.process import Ended, Process
from assistants.service.tools.session import Session

logger = logging.getLogger(__name__)

HELD = "The kernel holds memory and processes of each session, in a control group."
COUNTED = "Memory is counted ten times a second, since there can be no control group ({why})."


@dataclass(slots=True)
class _Place:
    """The slot of a key's session; its lock serializes callers."""

    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    session: Session | None = None
    waiting: int = 0
    used_at: float = field(default_factory=time.monotonic)


class Sandbox:
    """Sessions of a backend that stopped every canary. Leaving this async context ends all sessions."""

    def __init__(
        self, backend: Backend, limits: Limits, *, spares: int = 1, groups: Groups | NoGroups | None = None
    ) -> None:
        self.backend = backend
        self._limits = limits
        self._groups = groups if isinstance(groups, Groups) else None
        self.held = HELD if self._groups else COUNTED.format(why=groups or "nobody looked for one")
        """How memory is limited, in a sentence."""
        self._wanted_spares = spares
        self._spares: list[Session] = []
        self._spares_coming = 0
        self._places: dict[str, _Place] = {}
        self._slots: set[int] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._closing: set[asyncio.Task[None]] = set()

    @classmethod
    async def open(cls, limits: Limits | None = None, *, spares: int = 1, backend: Backend | None = None) -> "Sandbox":
        """Probe this machine and open a sandbox, with bubblewrap unless another backend is given.

        `spares` sessions are kept ready with libraries loaded, once the first session was requested.
        Raises `SandboxUnavailable` when a canary escapes.
        """
        backend = backend or Bubblewrap.find()
        await probe(backend)
        return cls(backend, limits or Limits(), spares=spares, groups=await asyncio.to_thread(_groups))

    async def __aenter__(self) -> Self:
        self._spawn(self._reap())
        return self

    async def __aexit__(self, *_: object) -> None:
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        living = [place.session for place in self._places.values() if place.session is not None]
        await asyncio.gather(*self._closing, *(session.close() for session in [*living, *self._spares]))
        self._places.clear()
        self._spares.clear()

    @contextlib.asynccontextmanager
    async def session(self, key: str) -> AsyncIterator[Session]:
        """Lend the session of a key to one caller, creating it if there is none or it has ended.

        Raises `Ended` when no session can be started.
        """
        place = self._places.setdefault(key, _Place())
        place.waiting += 1
        try:
            async with place.lock:
                await self._forget_ended(place)
                if place.session is None:
                    place.session = await self._new()
                yield place.session
                await self._forget_ended(place)
        finally:
            place.waiting -= 1
            place.used_at = time.monotonic()
            self._leave(key, place)

    async def end(self, key: str) -> None:
        """End the session of a key, after any call in progress."""
        if (place := self._places.get(key)) is not None:
            async with place.lock:
                await self._end(key, place, "It was ended.")

    @property
    def sessions(self) -> int:
        """Number of live sessions, without spares."""
        return sum(place.session is not None for place in self._places.values())

    @property
    def spares(self) -> int:
        """Number of spare sessions ready for use."""
        return len(self._spares)

    async def _new(self) -> Session:
        # Spares start with the first use, so that nothing is kept ready if no assistant runs code.
        self._refill()
        if len(self._places) > self._limits.sessions:
            await self._make_room()
        while self._spares:
            spare = self._spares.pop()
            self._refill()
            if not spare.ended:
                return spare
            await spare.close()
        return await self._start()

    async def _start(self) -> Session:
        slot = next(number for number in itertools.count() if number not in self._slots)
        self._slots.add(slot)
        try:
            process = await Process.start(self.backend, self._limits, slot=slot, groups=self._groups)
        except BaseException:
            self._slots.discard(slot)
            raise
        return Session(process, self._limits, lambda: self._slots.discard(slot))

    async def _make_room(self) -> None:
        idle = [(key, place) for key, place in self._places.items() if place.session and not place.waiting]
        if not idle:
            raise Ended(f"All {self._limits.sessions} sessions are at work; try again in a moment.")
        key, place = min(idle, key=lambda each: each[1].used_at)
        await self._end(key, place, "It made room for another session.")

    async def _end(self, key: str, place: _Place, reason: str) -> None:
        session, place.session = place.session, None
        self._leave(key, place)
        if session is not None:
            await self._close(session, reason)

    async def _forget_ended(self, place: _Place) -> None:
        if place.session is not None and place.session.ended:
            session, place.session = place.session, None
            await self._close(session, session.ended)

    async def _close(self, session: Session, reason: str) -> None:
        """Close a session completely even if the caller is cancelled: nothing else refers to it."""
        closing = asyncio.create_task(session.close(reason))
        self._closing.add(closing)
        closing.add_done_callback(self._closing.discard)
        await asyncio.shield(closing)

    def _leave(self, key: str, place: _Place) -> None:
        """Drop a slot that has no session and no waiting caller."""
        if place.session is None and not place.waiting and self._places.get(key) is place:
            del self._places[key]

    async def _reap(self) -> None:
        while True:
            await asyncio.sleep(min(30, self._limits.idle / 4))
            before = time.monotonic() - self._limits.idle
            for key, place in list(self._places.items()):
                if not place.waiting and place.used_at < before:
                    await self._end(key, place, "It was idle for too long.")

    def _refill(self) -> None:
        for _ in range(self._wanted_spares - len(self._spares) - self._spares_coming):
            self._spares_coming += 1
            self._spawn(self._make_spare())

    async def _make_spare(self) -> None:
        try:
            await self.backend.prepare()
            session = await self._start()
            try:
                await session.warm()
            except BaseException:
                await session.close()
                raise
            self._spares.append(session)
        except Ended as error:
            logger.warning("No spare sandbox session: %s", error)
        finally:
            self._spares_coming -= 1

    def _spawn(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


def _groups() -> Groups | NoGroups:
    try:
        return Groups.find()
    except NoGroups as why:
        return why
