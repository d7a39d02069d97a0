"""A question asked over the wire, and the replies to it, handled as the core handles them."""

import asyncio
import itertools
import json
import secrets
import time
from collections.abc import Sequence
from contextlib import aclosing
from typing import Self

from bot.adapter import PartState, PlatformError, Reply, Turn
from bot.incoming import Incoming
from bot.segments import Segment
from bot.testing.stage import Said, Stage, must
from storage.records import Conversation, IncomingRow, Part

TRIES = 5
_numbers = itertools.count(1)


class Asked:
    """`said` is the question as posted, `incoming` as the adapter received it.

    `kept` are the parts that the adapter recorded: number → reference and state.
    """

    def __init__(self, stage: Stage, said: Said, incoming: Incoming) -> None:
        self.stage = stage
        self.said = said
        self.kept: dict[int, tuple[str, PartState]] = {}
        self.incoming = incoming
        self._asked_at = time.time()
        self._number = next(_numbers)
        self._tag = secrets.token_hex(6)

    @classmethod
    async def on(cls, stage: Stage, *, after: Said | None = None) -> Self:
        """Post a question and wait until the adapter has received it."""
        text = f"question {next(_numbers)}"
        said = await stage.say(text, after=after)
        return cls(stage, said, await stage.bot.takes(text))

    def reply(self, *, again: bool = False) -> Reply:
        """A reply to the question; `again` after a failed attempt, when the adapter must look before it creates."""
        return self.stage.adapter.reply(self._turn(suspect=again))

    def crash(self) -> None:
        """Simulate a crash: nothing that was posted has been recorded."""
        self.kept.clear()

    async def finish(self, reply: Reply, segments: Sequence[Segment]) -> None:
        """Finish the reply, retrying as the core does when the platform refuses it."""
        for failures in range(TRIES):
            try:
                async with aclosing(reply):
                    if failures:
                        await reply.find()
                    await reply.finish(segments)
                return
            except PlatformError as error:
                must(error.retryable, "A temporary refusal is retryable.", error)
                await asyncio.sleep(error.retry_after or 0)
            reply = self.reply(again=True)
        raise AssertionError(f"The answer was not accepted after {TRIES} attempts.")

    def _turn(self, *, suspect: bool) -> Turn:
        place, now = self.incoming.place, time.time()
        conversation = Conversation(
            id=self._number,
            key=place.key,
            platform=place.platform,
            workspace=place.workspace,
            channel=place.channel,
            thread=place.thread,
            assistant=None,
            thread_id=None,
            engaged=1,
            title=self.incoming.text,
            created_at=now,
            updated_at=now,
        )
        parts = [Part(self._number, number, ref, state) for number, (ref, state) in sorted(self.kept.items())]
        return Turn(
            id=self._number,
            tag=self._tag,
            conversation=conversation,
            incoming=[self._question(now)],
            author=self.incoming.author.id,
            opened_at=self._asked_at,
            assistant="Contract",
            suspect=suspect,
            parts=parts,
            keep_part=self._keep_part,
            earlier=self._earlier,
        )

    def _question(self, now: float) -> IncomingRow:
        said = self.incoming
        return IncomingRow(
            id=self._number,
            event=said.event,
            conversation=self._number,
            position=said.position,
            author=said.author.id,
            author_name=said.author.name,
            body=said.text,
            reply_to=json.dumps(said.reply_to) if said.reply_to else None,
            turn=self._number,
            received_at=now,
        )

    async def _earlier(self) -> Sequence[Part]:
        """No parts: the question comes after every earlier reply."""
        return []

    async def _keep_part(self, number: int, ref: str, state: PartState) -> None:
        self.kept[number] = (ref, state)
