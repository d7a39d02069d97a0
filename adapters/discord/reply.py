"""Shows the reply of one turn on Discord: a typing indicator, paced edits, then the whole answer."""

import asyncio
from collections import Counter
from collections.abc import Sequence
from typing import Any

import structlog

from adapters.discord import render
from adapters.discord.account import Account
from adapters.discord.attachments import files_that_fit
from adapters.discord.errors import MISSING_ACCESS, MISSING_PERMISSIONS, UNKNOWN_MESSAGE, RefusedError
from adapters.discord.incoming import read, ref, snowflake_at
from adapters.discord.place import Posted, ReplyPlace
from adapters.discord.response import Response
from bot.adapter import PartState, PlatformError, Turn
from bot.incoming import Attached
from bot.pacing import Pacing
from bot.segments import File, Segment, Snapshot
from bot.words.asking import Before, Quoted
from bot.words.letter import Sent

FIRST = 1
# The typing indicator lasts ten seconds and is renewed a little earlier.
TYPING = 8.0
# Allowed difference between our clock and Discord's, where no message says when the question came.
SKEW = 2.0

# How many messages of a thread are read when the bot is first mentioned there.
BEFORE = 50

log = structlog.get_logger()


class DiscordReply:
    """`Reply` on Discord. `pace` is the shortest time in seconds between two updates while it grows."""

    def __init__(self, account: Account, turn: Turn, *, pace: float) -> None:
        self._account = account
        self._turn = turn
        self._place = ReplyPlace(account, turn)
        self._pacing = Pacing(self._grow, pace=pace)
        self._posted = {part.number: Posted.of(part.ref) for part in turn.parts}
        self._kept = {part.number: (part.ref, part.state) for part in turn.parts}
        self._shown: dict[int, tuple[str, Sequence[File]]] = {}
        # How often a part was posted again: a nonce is valid for one message, even a deleted one.
        self._renewed: Counter[int] = Counter()
        self._responses = [response for row in turn.incoming if (response := Response.of(row))]
        # The response to the newest command is the first part, until Discord says that there is none.
        self._responds = bool(self._responses)
        # Other people do not see the text of a command, so it is quoted above the answer.
        self._letter = render.letter(asked=self._responses[-1].question if self._responses else "")
        self._typing: asyncio.Task[None] | None = None

    async def find(self) -> None:
        try:
            await self._look()
        except PlatformError as error:
            if error.retryable:
                raise
            # Without Read Message History the bot cannot look. A duplicate answer is better than none.
            log.warning("cannot look for an earlier reply", error=str(error))

    async def show(self, snapshot: Snapshot) -> None:
        # Discord already shows that a command is being answered.
        if self._typing is None and not self._responses:
            self._typing = asyncio.create_task(self._type(), name="reply-types")
        self._pacing.show(snapshot)

    async def finish(self, segments: Sequence[Segment]) -> None:
        # An update in progress must finish first, or it would overwrite the final text.
        await self._pacing.end()
        await self._stop_typing()
        for response in self._responses[:-1]:
            await response.edit(self._account, render.TOGETHER)
        last = await self._put_all(self._letter.whole(segments))
        for number in sorted(number for number in self._posted if number > last):
            await self._remove(number)

    async def fetch(self, file: Attached, most: int) -> bytes:
        return await self._account.download(file.address, most)

    async def said_before(self) -> Before | None:
        """The messages in the thread before the question that first mentioned the bot."""
        asked = [row for row in self._turn.incoming if not row.reply_to]
        thread = self._turn.conversation.thread
        if not asked or thread is None or asked[0].event == self._turn.conversation.key:
            return None
        said = [message async for message in self._account.before(thread, asked[0].event.partition(":")[2], BEFORE + 1)]
        if any(message["author"]["id"] == self._account.me for message in said):
            return None  # the bot took part already, so the conversation has the earlier messages
        words = [Quoted(_name(message), read(message)) for message in said[-BEFORE:]]
        return Before(tuple(one for one in words if one.text.strip()), more=len(said) > BEFORE)

    async def leave(self, words: str) -> None:
        await self._pacing.end(within=1)
        await self._stop_typing()
        if not self._shown and (self._kept or (self._posted and not self._responses)):
            return  # people see what an earlier attempt wrote
        last = max(self._shown, default=FIRST)
        text, _ = self._shown.get(last, ("", ()))
        if len(text) + len(words) + 5 > render.LIMIT:
            return
        await self._put(last, f"{text}\n-# {words}" if text else f"-# {words}", "growing")

    async def aclose(self) -> None:
        await self._stop_typing()
        await self._pacing.aclose()

    async def _grow(self, snapshot: Snapshot) -> bool:
        # A growing answer leaves out updates rather than delay a finished one.
        if not self._account.rate.is_spare:
            return False
        texts = self._letter.growing(snapshot.segments)
        for number, text in enumerate(texts, FIRST):
            await self._put(number, text, "growing")
        return bool(texts)

    async def _put_all(self, sent: Sent) -> int:
        """Post the messages of a finished reply, then its files; returns the number of the last part."""
        number = 0
        for number, text in enumerate(sent.texts, FIRST):
            await self._put(number, text, "final")
        files, complaints = files_that_fit(sent.files)
        notes = [note for note in (sent.note, *complaints) if note]
        if not files and not notes:
            if not number:
                await self._put(FIRST, render.NOTHING, "final")
            return max(number, FIRST)
        try:
            await self._put(number + 1, "\n".join(notes), "final", files)
        except RefusedError as error:
            if not files or error.retryable:
                raise
            log.warning("files not sent", error=str(error))
            for extra, text in enumerate(sent.instead, number + 1):
                await self._put(extra, text, "final")
            return number + len(sent.instead)
        return number + 1

    async def _type(self) -> None:
        """Show the typing indicator until cancelled. Best effort."""
        try:
            while True:
                channel = await self._place.channel()
                if self._account.rate.is_spare:
                    await self._account.typing(channel)
                await asyncio.sleep(TYPING)
        except PlatformError as error:
            log.info("cannot show the typing indicator", error=str(error))

    async def _stop_typing(self) -> None:
        if self._typing is not None:
            self._typing.cancel()
            await asyncio.wait([self._typing])

    async def _put(self, number: int, text: str, state: PartState, files: Sequence[File] = ()) -> None:
        """Show a part in its message, or in a new one."""
        if self._shown.get(number) != (text, files):
            if number not in self._posted or not await self._edit(number, text, files):
                self._posted[number] = await self._post(number, text, files)
            self._shown[number] = (text, files)
        await self._keep(number, state)

    async def _keep(self, number: int, state: PartState) -> None:
        """Record a part, once per message and state."""
        kept = (self._posted[number].ref, state)
        if self._kept.get(number) != kept:
            await self._turn.keep_part(number, *kept)
            self._kept[number] = kept

    async def _post(self, number: int, text: str, files: Sequence[File]) -> Posted:
        """Post a new message. For the same nonce, Discord returns the message that an earlier attempt created."""
        if response := await self._respond(number, text, files):
            return response
        if number == FIRST and self._responses and FIRST not in self._posted:
            # Once its token has expired, a response can be edited like any message, if there is one.
            await self.find()
            if FIRST in self._posted and await self._edit(FIRST, text, files):
                return self._posted[FIRST]
        channel, refers_to = await self._place.channel(), await self._refers_to(number)
        try:
            message = await self._account.post(
                channel, text, nonce=self._nonce(number), refers_to=refers_to, files=files
            )
        except RefusedError as error:
            if error.code in {MISSING_ACCESS, MISSING_PERMISSIONS} and self._responses:
                # Where the bot may not write, only the command's token allows an answer.
                return Posted(channel, await self._responses[-1].follow_up(self._account, text, files))
            # Discord answers like this if the message of this nonce has just been deleted.
            if error.code != UNKNOWN_MESSAGE or self._renewed[number]:
                raise
            self._renewed[number] += 1
            return await self._post(number, text, files)
        if message.get("content", "").strip() != text.strip():
            await self._account.edit(channel, message["id"], text, files)
        return Posted(channel, message["id"])

    async def _refers_to(self, number: int) -> str | None:
        """The message that a part refers to: the question, or the first part where other turns are answered too."""
        if number == FIRST:
            return await self._place.question()
        first = self._posted.get(FIRST)
        return first.message if first and await self._place.is_shared() else None

    def _nonce(self, number: int) -> str:
        """The nonce of a part; Discord allows 25 characters."""
        renewed = self._renewed[number]
        return f"{self._turn.tag}:{number}:{renewed}" if renewed else f"{self._turn.tag}:{number}"

    async def _edit(self, number: int, text: str, files: Sequence[File]) -> bool:
        """Edit a message; return False if somebody deleted it."""
        posted = self._posted[number]
        if response := await self._respond(number, text, files):
            if response != posted:
                await self._remove(number)  # it stood in for a response that was acknowledged later than it seemed
            self._posted[number] = response
            return True
        try:
            await self._account.edit(posted.channel, posted.message, text, files)
        except RefusedError as error:
            if error.code == MISSING_ACCESS and self._responses:
                edited = await self._responses[-1].edit(self._account, text, files, message=posted.message)
                return edited is not None
            if error.code != UNKNOWN_MESSAGE:
                raise
            return False
        return True

    async def _respond(self, number: int, text: str, files: Sequence[File]) -> Posted | None:
        """Write the first part into the response to the newest command; None if there is none to write into."""
        if number != FIRST or not self._responds:
            return None
        response = await self._responses[-1].edit(self._account, text, files)
        self._responds = response is not None
        return response

    async def _remove(self, number: int) -> None:
        """Delete a part that the finished reply no longer has."""
        posted = self._posted[number]
        try:
            await self._account.delete(posted.channel, posted.message)
        except RefusedError as error:
            if error.code == MISSING_ACCESS and self._responses:
                await self._responses[-1].remove(self._account, posted.message)
            elif error.code != UNKNOWN_MESSAGE:
                raise
        del self._posted[number]

    async def _look(self) -> None:
        """Find the messages of this reply after its question, recorded or not."""
        channel, question = await self._place.channel(), await self._place.question()
        fresh = await self._place.is_fresh() or not self._turn.incoming
        shared = await self._place.is_shared()
        begins_after = await self._begins_after(channel)
        commands = [response.interaction for response in self._responses[-1:]]
        found = 0
        async for message in self._account.history(channel, after=str(min([begins_after, *map(int, commands)]))):
            if message["author"]["id"] != self._account.me:
                continue
            # The response to a command that waited stands before the end of the answer before it.
            if int(message["id"]) <= begins_after and _command_of(message) not in commands:
                continue
            number = self._number(message, question, after=found, fresh=fresh, shared=shared)
            if number:
                self._posted.setdefault(number, Posted(channel, message["id"]))
            # Where others are answered too, their messages may come in between.
            found = number or (found if shared else 0)

    async def _begins_after(self, channel: str) -> int:
        """An id before every message of this reply."""
        earlier = [Posted.of(part.ref) for part in await self._turn.earlier()]
        before = [int(posted.message) for posted in earlier if posted.channel == channel]
        if self._turn.incoming:
            before.append(min(int(row.position) for row in self._turn.incoming))
        # Our own clock is used only if Discord's order says too little, as in a channel where others are answered too.
        if not before or (not self._turn.incoming and self._turn.conversation.key != ref(channel)):
            before.append(snowflake_at(self._turn.opened_at - SKEW))
        return max(before)

    def _number(self, message: dict[str, Any], question: str | None, *, after: int, fresh: bool, shared: bool) -> int:
        """Which part of this reply a message is, 0 if none; `after` is the part found before it, 0 if none.

        Once Discord has forgotten the nonce, references decide: the first part refers to the question, and in a place
        where others are answered too (`shared`) the other parts refer to the first. Elsewhere they follow it directly.
        """
        if command := _command_of(message):
            # What belongs to another command is the answer of another turn, or says that this one answers it, too.
            ours = self._responses and command == self._responses[-1].interaction
            follows = message["interaction_metadata"].get("original_response_message_id")
            return (max(after, FIRST) + 1 if follows else FIRST) if ours else 0
        tag, _, number = str(message.get("nonce") or "").partition(":")
        if number:
            return int(number.partition(":")[0]) if tag == self._turn.tag else 0
        first = self._posted.get(FIRST)
        refers_to = (message.get("message_reference") or {}).get("message_id")
        if refers_to and shared and first and refers_to == first.message:
            return max(after, FIRST) + 1
        if refers_to:
            return FIRST if refers_to == question else 0
        if after and not shared:
            return after + 1
        return FIRST if fresh and not question else 0


def _command_of(message: dict[str, Any]) -> str | None:
    """The interaction that a message responds to."""
    command = message.get("interaction_metadata")
    return str(command["id"]) if command else None


def _name(message: dict[str, Any]) -> str:
    author = message["author"]
    return str(author.get("global_name") or author["username"])
