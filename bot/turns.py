"""A turn's life: open it, answer it, end it, and open the next; whatever happens on the way."""

import asyncio
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import aclosing, asynccontextmanager, suppress
from dataclasses import replace
from functools import partial

import structlog

from assistants.connector import AssistantsClient, StatusError
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
# How long after a request was lost its effect may still appear where it was sent: nobody looks earlier.
LATE_COMMIT = 2.0
# How long the last words to a platform may take when the program leaves.
FAREWELL = 3.0
THINKING = "Thinking…"
CONTINUES = "Threadline restarts; the answer continues."
GREETING = f"I am here, and read only words: write your question in the same message. {HELP}"

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
        if opened.suspect:
            await asyncio.sleep(self._started_at + LATE_COMMIT - time.monotonic())
        if opened.turn.attempts > MOST_ATTEMPTS:
            return await self._give_up(opened, f"It was taken over {opened.turn.attempts} times.")
        while True:
            try:
                return await self._once(opened, stop)
            except turns.SupersededError:
                raise
            except Exception as error:
                opened = await self._failed(opened, error)
                if opened.turn.failures >= TRIES or _is_lasting(error):
                    return await self._give_up(opened)
                await _pause(_seconds(opened.turn.failures, error), stop)

    async def _once(self, opened: Opened, stop: Stop) -> Opened | None:
        row, member = opened.turn, self._member(opened)
        async with aclosing(Trail(self._db)) as trail:
            turn = self._seen(opened, member, trail)
            async with self._reply(turn) as reply:
                answering = Answering(
                    self._db, self._client, self._roster, row, turn, member=member, reply=reply, trail=trail, stop=stop
                )
                result = await self._result(opened, answering)
                await reply.finish(result.segments)
                await trail.settle()
                return await self._close(opened, result.ending)

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

    @asynccontextmanager
    async def _reply(self, turn: Turn) -> AsyncIterator[Reply]:
        """The turn's reply; when the program leaves meanwhile, it says that it goes on later."""
        reply = self._adapters[turn.conversation.platform].reply(turn)
        async with aclosing(reply):
            try:
                yield reply
            except asyncio.CancelledError:
                farewell = asyncio.create_task(reply.leave(CONTINUES))
                done, _ = await asyncio.wait([farewell], timeout=FAREWELL)
                if not done or farewell.exception():
                    log.info("could not say that the answer continues")
                farewell.cancel()
                raise

    async def _failed(self, opened: Opened, error: Exception) -> Opened:
        """Count a try that failed; the turn as it stands then."""
        row = opened.turn
        words = f"{type(error).__name__}: {error}"
        failures = await self._db.write(turns.record_failure, row.id, row.attempts, words)
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
                try:
                    await reply.find()
                    await reply.finish([Notice(sorry, kind="problem")])
                except PlatformError as refused:
                    log.warning("apology not delivered", error=str(refused))
                except Exception:
                    log.exception("apology not delivered")
                with suppress(Exception):  # the parts of an apology are worth nothing more
                    await trail.settle()
                return await self._close(opened, turns.Ending("failed", sorry, error))

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


async def _pause(seconds: float, stop: Stop) -> None:
    """Wait before the next try; somebody who wants the turn to end need not wait as well."""
    if stop.asked.is_set():
        await asyncio.sleep(seconds)
        return
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await stop.asked.wait()


def _is_lasting(error: Exception) -> bool:
    """Whether the platform, or the assistants' server, said that trying again is no use."""
    return isinstance(error, PlatformError | StatusError) and not error.retryable


def _seconds(failures: int, error: Exception) -> float:
    """Before the next try: what was asked for, else longer each time, and never less than a late commit takes."""
    asked = getattr(error, "retry_after", None)
    return float(asked) if asked else min(30.0, LATE_COMMIT**failures)
