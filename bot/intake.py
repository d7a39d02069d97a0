"""Receives messages: decides which ones to answer and stores them before the platform gets its acknowledgement."""

import asyncio
import contextlib
import json
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict

import structlog

from bot.adapter import LeavingError, NotClaimedError, Receipt
from bot.commands import Commands
from bot.conversations import one_line
from bot.dispatch import Dispatcher
from bot.follow_ups import FollowUps
from bot.incoming import Attached, Incoming, Revision
from bot.marks import Marks
from bot.revisions import Revisions
from bot.roster import Roster
from bot.stops import NEWER_MESSAGE, Stops
from bot.unanswered import Unanswered
from bot.views import DONE_ALREADY, Moment
from bot.watch import Hub
from bot.watermarks import Watermarks
from storage import claims, conversations, turns
from storage.database import Database, StorageError
from storage.records import Conversation
from storage.text import storable

# A message that consists of this word stops the answer in progress.
STOP = "stop"
DELETED = "deleted by its author before it was stored"
# Seconds after posting within which an edit may still add the mention.
MENTION_WITHIN = 600.0
TOO_LATE = "it mentioned the bot only after an edit, more than ten minutes after it was posted"

log = structlog.get_logger()


class Intake:
    """`watermarks` records what arrived from each platform. Once it `leaves`, messages are for the next process."""

    def __init__(
        self,
        db: Database,
        roster: Roster,
        dispatcher: Dispatcher,
        *,
        commands: Commands,
        hub: Hub,
        marks: Marks,
        stops: Stops,
        unanswered: Unanswered,
    ) -> None:
        self.watermarks = Watermarks()
        self.leaves = False
        self._db = db
        self._roster = roster
        self._dispatcher = dispatcher
        self._commands = commands
        self._hub = hub
        self._marks = marks
        self._stops = stops
        self._unanswered = unanswered
        self._revisions, self._waiting_follow_ups = Revisions(), FollowUps()

    async def receive(self, incoming: Incoming) -> Receipt:
        if incoming.edited_after > MENTION_WITHIN:
            return self._ignored(incoming.event, TOO_LATE)
        self.watermarks.came(incoming.place.platform, incoming.position)
        event, revised = incoming.event, self._revisions.revised(incoming)
        if revised is None:
            return self._ignored(event, DELETED)
        incoming = revised
        with self._missing_if_refused(incoming), self._looked_up(event):
            reason = await self._not_for_us(incoming)
            stops = not reason and await self._means_stop(incoming)
        if reason:
            return self._ignored(event, reason)
        if stops:
            with self._missing_if_refused(incoming), self.claiming(event):
                done = await self._commands.stop(incoming.place, incoming.author, event)
            return Receipt("duplicate" if done.text == DONE_ALREADY else "accepted")
        # The adapter may be cancelled; the dispatcher must learn of a stored message all the same.
        return await asyncio.shield(asyncio.ensure_future(self._take(incoming)))

    async def revise(self, revision: Revision) -> Receipt:
        # Noted before the look-up, because the message may be stored in between.
        self._revisions.note(revision)
        with self.claiming(revision.event):
            became: claims.Revised = "unknown"
            if await claims.is_claimed(self._db, revision.event):
                became = await self._revise(revision)
        if became == "changed":
            return Receipt("accepted")
        log.debug("revision changes nothing", message=revision.event, reason=became)
        if became == "unknown":
            return Receipt("ignored", "an edit of a message that never arrived")
        return Receipt("duplicate", "its answer had begun")

    async def _take(self, incoming: Incoming) -> Receipt:
        with self._missing_if_refused(incoming):
            receipt = await self._take_one(incoming)
            if receipt.outcome != "ignored":
                await self._follow_ups(incoming)
        return receipt

    async def _take_one(self, incoming: Incoming) -> Receipt:
        bots = self._roster.bots(incoming.place) if incoming.author.is_bot else None
        with self.claiming(incoming.event):
            try:
                until = self.watermarks.until(incoming.place.platform)
                claimed = await self._db.write(claims.claim_incoming, _claim(incoming, bots, until))
            except claims.BotsCappedError:
                return self._ignored(incoming.event, f"{bots} messages of bots in a row: a person must speak first")
        if claimed is None:
            return Receipt("duplicate")
        conversation = claimed.conversation
        asked = Moment("asked", None, question=incoming.text, event=incoming.event, files=incoming.files)
        self._hub.tell(conversation.key, asked)
        self._dispatcher.wake(conversation.id, claimed.opened)
        if claimed.behind is not None:
            self._marks.waits(conversation, claimed.message)
            await self._overlap(conversation, claimed.behind)
        if claimed.opened is None:
            await self._late_revision(incoming)
        return Receipt("accepted", waits=claimed.behind is not None)

    async def _follow_ups(self, mention: Incoming) -> None:
        """Take the follow-ups that arrived before this mention. They are never redelivered; a failed mention is."""
        waiting = self._waiting_follow_ups.after(mention)
        try:
            while waiting:
                if revised := self._revisions.revised(waiting[0]):
                    await self._take_one(revised)
                del waiting[0]
        finally:
            for left in waiting:
                self._waiting_follow_ups.note(left)

    async def _late_revision(self, taken: Incoming) -> None:
        """Apply a revision that arrived while its message was being stored; it counts as long as the message waits."""
        early = self._revisions.of(taken.event)
        if early is None or self._revisions.revised(taken) == taken:
            return
        try:
            await self._revise(early)
        except StorageError:
            log.exception("revision not stored", message=taken.event)

    async def _revise(self, revision: Revision) -> claims.Revised:
        """Revise a stored message; returns the outcome."""
        if not self._revisions.is_newest(revision):
            return "same"
        text = None if revision.text is None else storable(revision.text)
        files = None if revision.files is None else _files(revision.files)
        became = await self._db.write(claims.revise_incoming, revision.event, text, files)
        self._revisions.drop(revision)
        return became

    async def _overlap(self, conversation: Conversation, turn: int) -> None:
        """A message arrived while this turn is in progress: stop the turn if the conversation's rule is `interrupt`."""
        if self._roster.overlap(conversation) != "interrupt":
            return
        try:
            if await self._db.write(turns.ask_to_stop, turn, NEWER_MESSAGE):
                self._stops.tell(turn, NEWER_MESSAGE)
        except StorageError:
            log.exception("answer not interrupted", conversation=conversation.key)

    async def _not_for_us(self, incoming: Incoming) -> str:
        """Why a message is not to be answered; empty if it is."""
        if incoming.author.is_bot and not self._roster.bots(incoming.place):
            return "written by a bot"
        if incoming.addressed:
            return ""
        if not incoming.text.strip() and not incoming.files:
            return "no text"
        # Noted before the look-up, because the mention that starts this conversation may be stored in between.
        self._waiting_follow_ups.note(incoming)
        conversation = await conversations.by_key(self._db, incoming.place.key)
        if conversation is None or not conversation.engaged:
            return "not addressed to the bot"
        # The search for missed messages also finds those from before the first mention, which may arrive late; and the
        # first mention may have been stored during the look-up.
        platform = incoming.place.platform
        if not self.watermarks.is_newest(platform, incoming.position) or not self.watermarks.is_whole(platform):
            begun = await conversations.begun_at(self._db, incoming.place.key)
            if begun and incoming.position < begun:
                return "posted before the bot was first mentioned there"
        self._waiting_follow_ups.drop(incoming)
        return ""

    async def _means_stop(self, incoming: Incoming) -> bool:
        """Return whether a message is the word `stop`, sent while an answer is in progress."""
        # A question asked by a command has a reply that waits for an answer.
        if incoming.author.is_bot or incoming.reply_to or incoming.text.strip().rstrip(".!").casefold() != STOP:
            return False
        conversation = await conversations.by_key(self._db, incoming.place.key)
        return conversation is not None and await turns.open_turn(self._db, conversation.id) is not None

    def _ignored(self, event: str, reason: str) -> Receipt:
        log.debug("message ignored", message=event, reason=reason)
        self._unanswered.note(event, reason)
        return Receipt("ignored", reason)

    @contextlib.contextmanager
    def claiming(self, event: str) -> Iterator[None]:
        """Raise `NotClaimedError` when an event cannot be stored, or must wait for the next process."""
        if self.leaves:
            raise LeavingError(f"{event} arrived while the program shuts down")
        with self._looked_up(event):
            yield

    @contextlib.contextmanager
    def _missing_if_refused(self, incoming: Incoming) -> Iterator[None]:
        """Note a gap if this message cannot be stored: otherwise a later one would count as if this one were, too."""
        try:
            yield
        except NotClaimedError:
            self.watermarks.gap(incoming.place.platform)
            raise

    @contextlib.contextmanager
    def _looked_up(self, event: str) -> Iterator[None]:
        """Raise `NotClaimedError` when the database fails."""
        try:
            yield
        except StorageError as error:
            log.exception("claim failed", message=event)
            raise NotClaimedError(f"{event} could not be stored") from error


def _claim(incoming: Incoming, bots: int | None, heard: str | None) -> claims.Claim:
    place, text = incoming.place, storable(incoming.text)
    return claims.Claim(
        event=incoming.event,
        key=place.key,
        platform=place.platform,
        workspace=place.workspace,
        channel=place.channel,
        thread=place.thread,
        title=one_line(text.strip() or ", ".join(file.name for file in incoming.files)),
        position=incoming.position,
        author=incoming.author.id,
        author_name=storable(incoming.author.name),
        body=text,
        reply_to=json.dumps(incoming.reply_to) if incoming.reply_to else None,
        now=time.time(),
        attachments=_files(incoming.files) if incoming.files else None,
        bots=bots,
        heard=heard,
    )


def _files(files: Sequence[Attached]) -> str:
    return json.dumps([asdict(file) for file in files])
