"""What people may ask with `/assistant`: list, use NAME, new, help."""

import time
from dataclasses import asdict

from bot.adapter import Adapter, OpensConversations
from bot.incoming import Command
from bot.roster import Roster, person_key
from bot.views import Answer, AssistantChoice
from storage import conversations
from storage.database import Database

HELP = (
    "`/assistant list` shows the assistants, `/assistant use NAME` picks one, "
    "`/assistant new` starts a new conversation."
)


class Commands:
    """Answers a command; what it says is for the person who gave it."""

    def __init__(self, db: Database, roster: Roster) -> None:
        self._db = db
        self._roster = roster

    async def run(self, command: Command, adapter: Adapter) -> Answer:
        verb, _, rest = command.text.strip().partition(" ")
        match verb.casefold():
            case "list":
                return await self._list(command)
            case "use":
                return await self._use(command, rest.strip())
            case "new":
                return await self._new(command, adapter)
            case "" | "help":
                return Answer(HELP)
            case _:
                return Answer(f"I do not know `{_quoted(verb)}`. {HELP}")

    async def _list(self, command: Command) -> Answer:
        here = await conversations.by_key(self._db, command.place.key) if command.place.key else None
        lines = [_line(c) for c in await self._roster.choices(command.place, command.author, here)]
        return Answer("\n".join(["Assistants here:", *lines, "Pick one with `/assistant use NAME`."]))

    async def _use(self, command: Command, words: str) -> Answer:
        member = self._roster.find(words) if words else None
        if member is None:
            names = ", ".join(f"`{c.name}`" for c in await self._roster.choices(command.place, command.author, None))
            problem = f"There is no assistant called “{_quoted(words)}”." if words else "Say which one."
            return Answer(f"{problem} There are {names}.")
        place, author, now, title = command.place, command.author, time.time(), member.config.title
        if place.key:
            await self._db.write(conversations.choose_here, asdict(place), member.name, now)
            answer = f"From now on {title} answers in this conversation."
        else:
            key = person_key(place, author.id)
            await self._db.write(conversations.choose, "person", key, member.name, author.id, now)
            answer = f"From now on {title} answers the conversations you begin."
        wants = "" if self._roster.ready(member) else " It needs a model first: connect one on Threadline's page."
        return Answer(answer + wants)

    async def _new(self, command: Command, adapter: Adapter) -> Answer:
        if not command.place.key:
            return Answer(
                "Every thread is a conversation of its own: mention me anew, outside of a thread, to start another."
            )
        if isinstance(adapter, OpensConversations):
            return Answer("A new conversation.", place=adapter.new_place(command.place))
        await self._db.write(conversations.set_aside, command.place.key)
        return Answer("A new conversation begins with your next message; I no longer see what was said before.")


def _line(choice: AssistantChoice) -> str:
    marks = [mark for mark, holds in (("answers here", choice.chosen), ("needs a model", not choice.ready)) if holds]
    suffix = f" ({', '.join(marks)})" if marks else ""
    return f"• `{choice.name}` {choice.title}{suffix}: {choice.description}"


def _quoted(words: str) -> str:
    """A person's own words, short and unable to break out of a code span."""
    return words.replace("`", "'")[:80]
