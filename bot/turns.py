"""Works on turns: opens a turn, answers it, retries after failures, closes it and opens the next."""

import asyncio
import itertools
import json
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

MOST_FAILURES = 5
# A turn that was taken over this often probably crashes its process.
MOST_ATTEMPTS = 20
# How long one process keeps retrying while a platform is unavailable.
PLATFORM_SECONDS = 6 * 3600.0
# Seconds before the first retry; doubled for each further one, up to the longest pause.
BACK_OFF = 2.0
LONGEST_PAUSE = 60.0
# How long posting the farewell may take when the program shuts down.
FAREWELL_SECONDS = 3.0
THINKING = "Thinking…"
# Not "continue": Threadline's own service asks the model again, so the text may begin anew.
FOLLOWS = "Threadline is restarting; the answer will follow."
GREETING = f"Hello! Write your question in the same message as the mention. {HELP}"

T = TypeVar("T")

log = structlog.get_logger()


class Turns:
    """Works on the turns of conversations, from their first message until the platform has accepted the whole reply."""

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
        """Open the next turn of a conversation; None when nothing waits there."""
        one = self._roster.one_by_one(await conversations.by_id(self._db, conversation))
        return await self._db.write(turns.open_next, conversation, time.time(), one=one)

    async def work(self, opened: Opened) -> Opened | None:
        """Work on a turn until it ends; returns the next turn if messages wait. Raises `SupersededError`."""
        row, conversation = opened.turn, opened.conversation
        stop = self._stops.begin(row.id, row.stopped_by)
        self._marks.begins(opened)
        with structlog.contextvars.bound_contextvars(turn=row.tag, conversation=conversation.key):
            try:
                return await self._until_ended(opened, stop)
            finally:
                self._stops.end(row.id)

    async def _until_ended(self, opened: Opened, stop: Stop) -> Opened | None:
        """Retry until the turn has ended; after the last failure it ends with an apology."""
        # An assistant picked in the meantime answers the next turn, not this one.
        opened = replace(opened, turn=replace(opened.turn, assistant=self._member(opened).name))
        if opened.suspect:
            await settling.settled(self._started_at)
        if opened.turn.attempts > MOST_ATTEMPTS:
            return await self._give_up(opened, f"The turn was begun {opened.turn.attempts} times without ending.")
        began = time.monotonic()
        for tries in itertools.count(1):
            try:
                return await self._once(opened, stop)
            except turns.SupersededError:
                raise
            except Exception as error:
                opened = await self._failed(opened, error, counts=not _is_outage(error, began))
                if opened.turn.failures >= MOST_FAILURES or _is_permanent(error):
                    return await self._give_up(opened)
                await _pause(seconds_before_retry(tries, error), stop)
        raise AssertionError("the retries do not end")

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
                    notices=[Notice(sentence) for sentence in json.loads(row.notices or "[]")],
                )
                async with _leaving(reply):
                    result = await self._result(opened, answering)
                    await reply.finish(result.segments)
                # People have the whole answer: from here on a shutdown needs no farewell and lets the turn close.
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
            # Do not replace what an earlier attempt showed.
            await answering.reply.show(Snapshot(status=THINKING))
        return await answering.result()

    async def _failed(self, opened: Opened, error: Exception, *, counts: bool) -> Opened:
        """Record a failed attempt, and count it unless the platform was unavailable; returns the updated turn."""
        row = opened.turn
        words = f"{type(error).__name__}: {error}"
        stored = await self._db.write(turns.record_failure, row.id, row.attempts, words, counts=counts)
        if isinstance(error, PlatformError):
            log.warning("turn failed", failures=stored.failures, error=str(error))
        else:
            log.error("turn failed", failures=stored.failures, exc_info=error)
        return replace(
            opened,
            turn=replace(stored, assistant=row.assistant),
            conversation=await conversations.by_id(self._db, row.conversation),
            parts=await turns.parts_of(self._db, row.id),
            suspect=True,
        )

    async def _give_up(self, opened: Opened, error: str | None = None) -> Opened | None:
        row = opened.turn
        sorry = f"Sorry, I could not answer this. Please ask again. An operator can look up the reason: turn {row.tag}."
        async with aclosing(Trail(self._db)) as trail:
            turn = self._seen(opened, self._member(opened), trail)
            async with aclosing(self._adapters[opened.conversation.platform].reply(turn)) as reply:
                told = await _apologised(reply, sorry)
                with suppress(Exception):  # nobody needs the parts of an apology again
                    await trail.settle()
                return await self._close(opened, turns.Ending("failed", sorry if told else None, error))

    async def _close(self, opened: Opened, ending: turns.Ending) -> Opened | None:
        row, now = opened.turn, time.time()
        one = self._roster.one_by_one(opened.conversation)
        following = await self._db.write(turns.close_turn, row, ending, now, one=one)
        seconds = round(now - row.opened_at, 3)
        if ending.outcome == "failed":
            log.warning("turn ended without an answer", reason=ending.reason, seconds=seconds)
        else:
            log.info("turn ended", outcome=ending.outcome, seconds=seconds)
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
    """If the program shuts down during the block, add the note that the answer follows later."""
    try:
        yield
    except asyncio.CancelledError:
        farewell = asyncio.create_task(reply.leave(FOLLOWS))
        done, _ = await asyncio.wait([farewell], timeout=FAREWELL_SECONDS)
        if not done or farewell.exception():
            log.info("could not post that the answer follows")
        farewell.cancel()
        raise


async def _to_its_end(work: Coroutine[None, None, T]) -> T:
    """Await work that a cancellation does not interrupt: it is awaited first, then the cancellation goes on."""
    task = asyncio.create_task(work)
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.wait([task])
        raise


async def _apologised(reply: Reply, sorry: str) -> bool:
    """Post the apology, retrying while the platform is unavailable; return whether it was accepted."""
    began = time.monotonic()
    for tries in itertools.count(1):
        try:
            await reply.find()
            await reply.finish([Notice(sorry, kind="problem")])
        except PlatformError as refused:
            log.warning("apology not delivered", error=str(refused))
            if not _is_outage(refused, began):
                return False
            await asyncio.sleep(seconds_before_retry(tries, refused))
        except Exception:
            log.exception("apology not delivered")
            return False
        else:
            return True
    raise AssertionError("the retries do not end")


def _is_outage(error: Exception, began: float) -> bool:
    """Return whether the platform is unavailable for now, and somebody may still be waiting for the answer.

    `began` is when this process began the turn, on the monotonic clock.
    """
    return isinstance(error, PlatformError) and error.retryable and time.monotonic() - began < PLATFORM_SECONDS


async def _pause(seconds: float, stop: Stop) -> None:
    """Wait before the next attempt. A stop request shortens the wait to what late effects need."""
    if stop.asked.is_set():
        await asyncio.sleep(seconds)
        return
    began = time.monotonic()
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await stop.asked.wait()
    await asyncio.sleep(began + min(seconds, settling.COMMIT) - time.monotonic())


def _is_permanent(error: Exception) -> bool:
    """Return whether the platform or the assistants' server said that a retry cannot help."""
    return isinstance(error, PlatformError | StatusError) and not error.retryable


def seconds_before_retry(tries: int, error: Exception) -> float:
    """The requested wait, else an exponential back-off; never less than late effects need."""
    asked = getattr(error, "retry_after", None)
    # The exponent is limited because an outage of hours takes more retries than a float can count in powers of two.
    pause = float(asked) if asked else min(LONGEST_PAUSE, BACK_OFF * 2.0 ** min(tries - 1, 10))
    return max(settling.COMMIT, pause)
