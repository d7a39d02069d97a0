"""A turn's life: open it, answer it, end it, and open the next; whatever happens on the way."""

import asyncio
import itertools
import time
from collections.abc import AsyncIterator, Coroutine, Mapping
from contextlib import aclosing, asynccontextmanager, suppress
from dataclasses import replace
from functools import partial
from typing import TypeVar

import structlog

from assistants.connector import AssistantsClient, StatusError
from bot import settling
from bot.adapter import Adapter, PartState, PlatformError, Reply, Turn
from bot.answer import Answering, Result
from bot.commands import HELP
from bot.marks import Marks
from bot.roster import Member, Roster
from bot.segments import Notice, Snapshot
from bot.stops import Stop, Stops
from bot.trail import Trail
from storage import conversations, turns
from storage.database import Database
from storage.turns import Opened

TRIES = 5
# A turn that was taken over so often has ended its process each time.
MOST_ATTEMPTS = 20
# How long a platform that takes nothing is waited for in one process, and at most between two tries.
PATIENCE = 6 * 3600.0
LONGEST_PAUSE = 60.0
# How long the last words to a platform may take when the program leaves.
FAREWELL = 3.0
THINKING = "Thinking…"
CONTINUES = "Threadline restarts; the answer continues."
GREETING = f"I am here, and read only words: write your question in the same message. {HELP}"

T = TypeVar("T")

log = structlog.get_logger()


class Turns:
    """Works the turns of conversations, from their first message to the platform's last acceptance."""

    def __init__(
        self,
        db: Database,
        client: AssistantsClient,
        roster: Roster,
        adapters: Mapping[str, Adapter],
        marks: Marks,
        stops: Stops,
    ) -> None:
        self._db = db
        self._client = client
        self._roster = roster
        self._adapters = adapters
        self._marks = marks
        self._stops = stops
        self._started_at = time.monotonic()

    async def open(self, conversation: int) -> Opened | None:
        """The turn to work on in a conversation; None when nothing waits there."""
        one = self._roster.one_by_one(await conversations.by_id(self._db, conversation))
        return await self._db.write(turns.open_next, conversation, time.time(), one=one)

    async def work(self, opened: Opened) -> Opened | None:
        """Work a turn to its end; returns the next one where something waits. Raises `SupersededError`."""
        row, conversation = opened.turn, opened.conversation
        stop = self._stops.begin(row.id, row.stopped_by)
        self._marks.begins(opened)
        with structlog.contextvars.bound_contextvars(turn=row.tag, conversation=conversation.key):
            try:
                return await self._until_ended(opened, stop)
            finally:
                self._stops.end(row.id)

    async def _until_ended(self, opened: Opened, stop: Stop) -> Opened | None:
        """Try until the turn has ended; after the last try it ends with an apology, and the conversation goes on."""
        # Whom somebody picks meanwhile answers the next turn.
        opened = replace(opened, turn=replace(opened.turn, assistant=self._member(opened).name))
        if opened.suspect:
            await settling.settled(self._started_at)
        if opened.turn.attempts > MOST_ATTEMPTS:
            return await self._give_up(opened, f"It was taken over {opened.turn.attempts} times.")
        began = time.monotonic()
        for tries in itertools.count(1):
            try:
                return await self._once(opened, stop)
            except turns.SupersededError:
                raise
            except Exception as error:
                opened = await self._failed(opened, error, counts=not _passes(error, began))
                if opened.turn.failures >= TRIES or _is_lasting(error):
                    return await self._give_up(opened)
                await _pause(seconds_before_try(tries, error), stop)
        raise AssertionError("there is always another try")

    async def _once(self, opened: Opened, stop: Stop) -> Opened | None:
        row, member = opened.turn, self._member(opened)
        async with aclosing(Trail(self._db)) as trail:
            turn = self._seen(opened, member, trail)
            async with aclosing(self._adapters[turn.conversation.platform].reply(turn)) as reply:
                answering = Answering(
                    self._db,
                    self._client,
                    self._roster,
                    row,
                    turn,
                    member=member,
                    reply=reply,
                    trail=trail,
                    stop=stop,
                    picked=opened.chosen == member.name,
                    maybe_asked=opened.maybe_asked,
                )
                async with _leaving(reply):
                    result = await self._result(opened, answering)
                    await reply.finish(result.segments)
                # People have all of it: whoever leaves now has nothing to say, and lets the turn be closed.
                return await _to_its_end(self._ended(opened, result.ending, trail))

    async def _ended(self, opened: Opened, ending: turns.Ending, trail: Trail) -> Opened | None:
        await trail.settle()
        return await self._close(opened, ending)

    async def _result(self, opened: Opened, answering: Answering) -> Result:
        turn = answering.turn
        if turn.suspect:
            await answering.reply.find()
        if turn.incoming and not any((message.body or "").strip() or message.attachments for message in turn.incoming):
            return Result([Notice(GREETING)], turns.Ending("answered"))
        if not opened.parts:
            # What an earlier try showed says more.
            await answering.reply.show(Snapshot(status=THINKING))
        return await answering.result()

    async def _failed(self, opened: Opened, error: Exception, *, counts: bool) -> Opened:
        """Record a try that failed, and count it or not; the turn as it stands then."""
        row = opened.turn
        words = f"{type(error).__name__}: {error}"
        failures = await self._db.write(turns.record_failure, row.id, row.attempts, words, counts=counts)
        if isinstance(error, PlatformError):
            log.warning("turn failed", failures=failures, error=str(error))
        else:
            log.error("turn failed", failures=failures, exc_info=error)
        return replace(
            opened,
            turn=replace(row, failures=failures, error=words),
            conversation=await conversations.by_id(self._db, row.conversation),
            parts=await turns.parts_of(self._db, row.id),
            suspect=True,
        )

    async def _give_up(self, opened: Opened, error: str | None = None) -> Opened | None:
        row = opened.turn
        sorry = f"Sorry, I could not answer this; please ask again. An operator finds the reason under turn {row.tag}."
        async with aclosing(Trail(self._db)) as trail:
            turn = self._seen(opened, self._member(opened), trail)
            async with aclosing(self._adapters[opened.conversation.platform].reply(turn)) as reply:
                told = await _apologised(reply, sorry)
                with suppress(Exception):  # the parts of an apology are worth nothing more
                    await trail.settle()
                return await self._close(opened, turns.Ending("failed", sorry if told else None, error))

    async def _close(self, opened: Opened, ending: turns.Ending) -> Opened | None:
        row, now = opened.turn, time.time()
        one = self._roster.one_by_one(opened.conversation)
        following = await self._db.write(turns.close_turn, row, ending, now, one=one)
        log.info("turn ended", outcome=ending.outcome, seconds=round(now - row.opened_at, 3))
        return following

    def _member(self, opened: Opened) -> Member:
        return self._roster.get(opened.turn.assistant) or self._roster.choose(opened.conversation, opened.chosen)

    def _seen(self, opened: Opened, member: Member, trail: Trail) -> Turn:
        """The turn as its adapter sees it."""
        row = opened.turn

        async def keep_part(number: int, ref: str, state: PartState) -> None:
            trail.put(turns.keep_part, row.id, row.attempts, number, ref, state)

        return Turn(
            id=row.id,
            tag=row.tag,
            conversation=opened.conversation,
            incoming=opened.incoming,
            author=row.author or "",
            opened_at=row.opened_at,
            assistant=member.config.title,
            suspect=opened.suspect,
            parts=opened.parts,
            keep_part=keep_part,
            earlier=partial(turns.parts_before, self._db, row),
        )


@asynccontextmanager
async def _leaving(reply: Reply) -> AsyncIterator[None]:
    """When the program leaves meanwhile, the reply says that it goes on later."""
    try:
        yield
    except asyncio.CancelledError:
        farewell = asyncio.create_task(reply.leave(CONTINUES))
        done, _ = await asyncio.wait([farewell], timeout=FAREWELL)
        if not done or farewell.exception():
            log.info("could not say that the answer continues")
        farewell.cancel()
        raise


async def _to_its_end(work: Coroutine[None, None, T]) -> T:
    """What the work gives; who cancels waits for it all the same."""
    task = asyncio.create_task(work)
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.wait([task])
        raise


async def _apologised(reply: Reply, sorry: str) -> bool:
    """Whether the platform took our apology; while it is away it is asked again."""
    began = time.monotonic()
    for tries in itertools.count(1):
        try:
            await reply.find()
            await reply.finish([Notice(sorry, kind="problem")])
        except PlatformError as refused:
            log.warning("apology not delivered", error=str(refused))
            if not _passes(refused, began):
                return False
            await asyncio.sleep(seconds_before_try(tries, refused))
        except Exception:
            log.exception("apology not delivered")
            return False
        else:
            return True
    raise AssertionError("there is always another try")


def _passes(error: Exception, began: float) -> bool:
    """Whether a platform takes nothing just now: it is waited for as long as somebody may still want to read.

    By a clock that nobody sets: `began` is when this process took the turn up.
    """
    return isinstance(error, PlatformError) and error.retryable and time.monotonic() - began < PATIENCE


async def _pause(seconds: float, stop: Stop) -> None:
    """Wait before the next try; somebody who wants the turn to end need not wait for more than late effects."""
    if stop.asked.is_set():
        await asyncio.sleep(seconds)
        return
    began = time.monotonic()
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await stop.asked.wait()
    await asyncio.sleep(began + min(seconds, settling.COMMIT) - time.monotonic())


def _is_lasting(error: Exception) -> bool:
    """Whether the platform, or the assistants' server, said that trying again is no use."""
    return isinstance(error, PlatformError | StatusError) and not error.retryable


def seconds_before_try(tries: int, error: Exception) -> float:
    """Before the next try: what was asked for, else longer each time, and never less than a late commit takes."""
    asked = getattr(error, "retry_after", None)
    # A platform that is waited for for hours is tried more often than a float has room for.
    return max(settling.COMMIT, float(asked)) if asked else min(LONGEST_PAUSE, settling.COMMIT ** min(tries, 10))
