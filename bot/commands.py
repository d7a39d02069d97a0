"""The commands of `/assistant`: list, use NAME, new, stop, regenerate, help."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import asdict
from typing import Any, Concatenate, ParamSpec, TypeVar

from bot.adapter import Adapter, OpensConversations
from bot.dispatch import Dispatcher
from bot.incoming import Command, Person, Place
from bot.roster import Member, Roster, person_key
from bot.stops import Stops
from bot.views import DONE_ALREADY, Answer, AssistantChoice
from storage import claims, conversations, turns
from storage.database import Database, Transaction
from storage.records import Conversation

P = ParamSpec("P")
T = TypeVar("T")

HELP = (
    "`/assistant list` shows the assistants, `/assistant use NAME` picks one, `/assistant new` starts a new "
    "conversation, `/assistant stop` stops the answer in progress, `/assistant regenerate` answers the last question "
    "again."
)
NOTHING_TO_STOP = "No answer is in progress here."
BUSY = "An answer is still in progress here; stop it first with `/assistant stop`."
# Where a command names no thread, its conversation is looked for among this many of the latest ones.
AMONG = 50


class Commands:
    """Runs commands. Their answers are shown only to the person who gave the command."""

    def __init__(self, db: Database, roster: Roster, stops: Stops, dispatcher: Dispatcher) -> None:
        self._db = db
        self._roster = roster
        self._stops = stops
        self._dispatcher = dispatcher

    async def run(self, command: Command, adapter: Adapter) -> Answer:
        verb, _, rest = command.text.strip().partition(" ")
        try:
            return await self._run(command, verb.casefold(), rest.strip(), adapter)
        except claims.AlreadyDoneError:
            return Answer(DONE_ALREADY)

    async def stop(self, place: Place, person: Person, event: str) -> Answer:
        """Stop the open turn of a conversation. A place without a key means the person's latest in that channel."""
        try:
            return await _whole(self._stop(place, person, event))
        except claims.AlreadyDoneError:
            return Answer(DONE_ALREADY)

    async def regenerate(self, place: Place, person: Person, event: str) -> Answer:
        """Answer the last question again. A place without a key means the person's latest conversation there."""
        try:
            return await _whole(self._regenerate(place, person, event))
        except claims.AlreadyDoneError:
            return Answer(DONE_ALREADY)

    async def _stop(self, place: Place, person: Person, event: str) -> Answer:
        here, turn = await self._under_way(place, person)
        if here is None or turn is None:
            # Recorded all the same: a redelivery must not stop a later answer.
            await self._once(event, person, claims.nothing)
            return Answer(NOTHING_TO_STOP)
        if not await self._once(event, person, turns.ask_to_stop, turn, person.id):
            return Answer(NOTHING_TO_STOP)
        self._stops.tell(turn, person.id)
        return Answer(f"Stopping the answer{_about(here, place)}.")

    async def _under_way(self, place: Place, person: Person) -> tuple[Conversation | None, int | None]:
        """The conversation to stop and its open turn. One that `new` replaced may still have an answer in progress."""
        if not place.key:
            here = await conversations.answering(self._db, asdict(place), person.id)
            return here, await turns.open_turn(self._db, here.id) if here else None
        for here in (await self._here(place), await conversations.set_aside_from(self._db, place.key)):
            if here and (turn := await turns.open_turn(self._db, here.id)):
                return here, turn
        return None, None

    async def _regenerate(self, place: Place, person: Person, event: str) -> Answer:
        if place.key:
            here = await self._here(place)
        else:
            here = await conversations.answered(self._db, asdict(place), person.id, AMONG)
        if here is None:
            await self._once(event, person, claims.nothing)
            return Answer("There is no answer to regenerate here.")
        opened = await self._once(event, person, turns.regenerate, here.id, person.id, time.time())
        if isinstance(opened, str):
            return Answer(BUSY if opened == "busy" else "Nobody has asked anything here yet.")
        self._dispatcher.wake(here.id, opened)
        return Answer(f"Answering the last question{_about(here, place)} again.")

    async def _run(self, command: Command, verb: str, rest: str, adapter: Adapter) -> Answer:
        match verb:
            case "list":
                return await self._list(command)
            case "use":
                return await self._use(command, rest)
            case "new":
                return await self._new(command, adapter)
            case "stop":
                return await self.stop(command.place, command.author, command.event)
            case "regenerate":
                return await self.regenerate(command.place, command.author, command.event)
            case "" | "help":
                return Answer(HELP)
            case _:
                return Answer(f"I do not know `{_quoted(verb)}`. {HELP}")

    async def _list(self, command: Command) -> Answer:
        here = await self._here(command.place)
        lines = [_line(c) for c in await self._roster.choices(command.place, command.author, here)]
        return Answer("\n".join(["Assistants here:", *lines, "Pick one with `/assistant use NAME`."]))

    async def _use(self, command: Command, words: str) -> Answer:
        member = self._roster.find(words) if words else None
        if member is None:
            names = ", ".join(f"`{c.name}`" for c in await self._roster.choices(command.place, command.author, None))
            problem = f"There is no assistant called “{_quoted(words)}”." if words else "Name an assistant."
            return Answer(f"{problem} Available: {names}.")
        place, author, now, title = command.place, command.author, time.time(), member.config.title
        if place.key:
            await self._once(command.event, author, conversations.choose_here, asdict(place), member.name, now)
            answer = f"From now on {title} answers in this conversation."
        else:
            key = person_key(place, author.id)
            await self._once(command.event, author, conversations.choose, "person", key, member.name, author.id, now)
            answer = f"From now on {title} answers the conversations you start{self._taken_over(member)}."
            if (fixed := self._roster.of_channel(place)) and fixed != member:
                answer += f" In this channel {fixed.config.title} answers."
        wants = "" if self._roster.ready(member) else " It needs a model first: connect one on Threadline's page."
        return Answer(answer + wants)

    def _taken_over(self, member: Member) -> str:
        """The clause about conversations answered by a stand-in: the pick applies there too."""
        titles = " or ".join(self._roster.stand_ins(member))
        return f", and takes over the ones in which {titles} stood in" if titles else ""

    async def _new(self, command: Command, adapter: Adapter) -> Answer:
        if not command.place.key:
            return Answer(
                "Every thread is a conversation of its own: mention me outside a thread to start another one."
            )
        if isinstance(adapter, OpensConversations):
            return Answer("A new conversation.", place=adapter.new_place(command.place))
        await self._once(command.event, command.author, conversations.set_aside, command.place.key)
        return Answer("Your next message starts a new conversation; I no longer see the earlier messages.")

    async def _here(self, place: Place) -> Conversation | None:
        return await conversations.by_key(self._db, place.key) if place.key else None

    async def _once(
        self,
        event: str,
        person: Person,
        job: Callable[Concatenate[Transaction, P], T],
        /,
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> T:
        """Run a job in the transaction that records its event. Raises `AlreadyDoneError` for a redelivery."""
        return await self._db.write(claims.once, event, person.id, time.time(), job, *args, **kwargs)


def _whole(work: Coroutine[Any, Any, Answer]) -> Awaitable[Answer]:
    """Await work that goes on if the adapter is cancelled: what was recorded must also be told to the running turns."""
    return asyncio.shield(asyncio.ensure_future(work))


def _about(conversation: Conversation, place: Place) -> str:
    """The title of the conversation, unless the place makes it clear."""
    if conversation.key == place.key or not conversation.title:
        return ""
    return f" in “{_quoted(conversation.title)}”"


def _line(choice: AssistantChoice) -> str:
    marks = [mark for mark, holds in (("answers here", choice.chosen), ("needs a model", not choice.ready)) if holds]
    suffix = f" ({', '.join(marks)})" if marks else ""
    return f"• `{choice.name}` {choice.title}{suffix}: {choice.description}"


def _quoted(words: str) -> str:
    """A person's own words, shortened and unable to end a code span."""
    return words.replace("`", "'")[:80]
