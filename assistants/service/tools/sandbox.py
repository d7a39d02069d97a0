"""The sandbox: one session a key, kept while it is used, replaced when it ended, ended when it idles."""

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
    """Where the session of a key lives; its lock makes callers wait for each other."""

    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    session: Session | None = None
    waiting: int = 0
    used_at: float = field(default_factory=time.monotonic)


class Sandbox:
    """Sessions of a backend that stopped every canary. An async context; leaving it ends them all."""

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
        """Probe this machine, with bubblewrap unless another backend is given.

        `spares` are sessions kept ready, libraries loaded, once a first one was asked for.
        Raises `Refused` when no backend stops all canaries.
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
        """The session of a key, for this caller alone; a new one where there is none or the last has ended.

        Raises `Ended` when none can be started.
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
        """End the session of a key after the call that is under way, if there is one."""
        if (place := self._places.get(key)) is not None:
            async with place.lock:
                await self._end(key, place, "It was ended.")

    @property
    def sessions(self) -> int:
        """How many sessions live, spares not counted."""
        return sum(place.session is not None for place in self._places.values())

    @property
    def spares(self) -> int:
        """How many sessions are ready for whoever comes next."""
        return len(self._spares)

    async def _new(self) -> Session:
        # From here on: a program whose assistants run no code keeps nothing ready.
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
        """To the end, also where whoever asked is given up: nobody else knows of it any more."""
        closing = asyncio.create_task(session.close(reason))
        self._closing.add(closing)
        closing.add_done_callback(self._closing.discard)
        await asyncio.shield(closing)

    def _leave(self, key: str, place: _Place) -> None:
        """Keep no place without a session and without anybody who waits for one."""
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
