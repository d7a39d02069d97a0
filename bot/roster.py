"""The configured assistants: creates and updates them on the server, and decides which one answers where."""

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from assistants.connector import AssistantOptions, AssistantsClient
from assistants.contract import AnyTool, Assistant, FunctionTool, Tool
from bot.configuration import AssistantConfig, ChannelConfig, Configuration, Overlap
from bot.functions import Functions
from bot.incoming import Person, Place
from bot.knowledge import Files, digest, read_files, upload
from bot.views import AssistantChoice
from storage import conversations
from storage.database import Database
from storage.records import Conversation

TAG = "threadline"
# The metadata key for the digest of an assistant's files.
FILES = "threadline_files"


@dataclass(frozen=True, slots=True)
class Member:
    """An assistant as configured, with its id on the server."""

    name: str
    config: AssistantConfig
    id: str


class Roster:
    """The configured assistants, kept in sync with the server.

    The conversation's own assistant answers, else the channel's, else the one the person picked, else the default.
    """

    def __init__(
        self,
        db: Database,
        configuration: Configuration,
        has_model: Callable[[str], bool],
        functions: Functions | None = None,
        folder: Path = Path(),
    ) -> None:
        self._db = db
        self._folder = folder
        self._functions = functions or {}
        self._configuration = configuration
        self._has_model = has_model
        self._members: dict[str, Member] = {}

    async def sync(self, client: AssistantsClient) -> None:
        """Create or update the assistants on the server as configured. Assistants of other programs are left alone."""
        there = {a.metadata[TAG]: a async for a in client.assistants.list(limit=100) if TAG in (a.metadata or {})}
        for name, config in self._configuration.assistants.items():
            files = await asyncio.to_thread(read_files, name, config.files, self._folder)
            found = there.get(name)
            if found is None:
                found = await self._made(client, name, config, files)
            elif self._differs(found, config, digest(files)):
                options = self._options(name, config, digest(files))
                if (found.metadata or {}).get(FILES, "") != digest(files):
                    options["tool_resources"] = await _resources(client, config, files)
                found = await client.assistants.modify(found.id, model=config.model, **options)
            self._members[name] = Member(name, config, found.id)

    async def renew(self, client: AssistantsClient, member: Member) -> Member:
        """Create an assistant again on a server that no longer has it."""
        files = await asyncio.to_thread(read_files, member.name, member.config.files, self._folder)
        made = await self._made(client, member.name, member.config, files)
        self._members[member.name] = Member(member.name, member.config, made.id)
        return self._members[member.name]

    async def _made(self, client: AssistantsClient, name: str, config: AssistantConfig, files: Files) -> Assistant:
        options = self._options(name, config, digest(files))
        if files:
            options["tool_resources"] = await _resources(client, config, files)
        return await client.assistants.create(model=config.model, **options)

    def overlap(self, conversation: Conversation) -> Overlap:
        """The rule for messages that arrive while an answer is in progress."""
        channel = self._channel(conversation)
        return channel.overlap or self.choose(conversation, None).config.overlap

    def one_by_one(self, conversation: Conversation) -> bool:
        """Return whether waiting messages are answered one by one here."""
        return self.overlap(conversation) == "queue"

    def bots(self, place: Place) -> int:
        """How many consecutive messages of bots are answered here; 0 if bots are ignored."""
        return self._channel(place).bots

    def ready(self, member: Member) -> bool:
        """Return whether the assistant's model can answer."""
        return self._has_model(member.config.model)

    def functions(self, member: Member) -> Functions:
        """The functions that an assistant may call, by name."""
        return {name: self._functions[name] for name in member.config.functions}

    def stands_in(self, member: Member) -> bool:
        """Return whether an assistant is a default only until the first default has a model."""
        return member.name in self._configuration.default[1:]

    def stand_ins(self, member: Member) -> list[str]:
        """The titles of the stand-ins whose conversations this assistant takes over when a person picks it."""
        others = (self._members[name] for name in self._configuration.default[1:] if name != member.name)
        return [other.config.title for other in others]

    def find(self, words: str) -> Member | None:
        """The assistant with this name or title, ignoring case and punctuation."""
        wanted = _spelling(words)
        for member in self._members.values():
            if wanted in (_spelling(member.name), _spelling(member.config.title)):
                return member
        return None

    def get(self, name: str | None) -> Member | None:
        return self._members.get(name) if name else None

    def by_id(self, assistant_id: str) -> Member | None:
        """The assistant that has this id on the server."""
        return next((member for member in self._members.values() if member.id == assistant_id), None)

    async def pick(self, place: Place, person: str, conversation: Conversation | None) -> Member:
        """The assistant that answers this person here."""
        if conversation and (member := self.get(conversation.assistant)):
            return member
        if member := self.of_channel(place):
            return member
        chosen = await conversations.choice(self._db, "person", person_key(place, person))
        return self.get(chosen) or self._default()

    def choose(self, conversation: Conversation, chosen: str | None) -> Member:
        """The assistant that answers, given the person's own choice."""
        return self.get(conversation.assistant) or self.of_channel(conversation) or self.get(chosen) or self._default()

    def of_channel(self, place: Place | Conversation) -> Member | None:
        """The assistant configured for a channel, if any."""
        return self.get(self._channel(place).assistant)

    async def choices(self, place: Place, person: Person, conversation: Conversation | None) -> list[AssistantChoice]:
        """Every assistant in the order of the configuration; the one that answers here is `chosen`."""
        now = await self.pick(place, person.id, conversation)
        return [
            AssistantChoice(
                name=member.name,
                title=member.config.title,
                description=member.config.description,
                ready=self.ready(member),
                chosen=member is now,
            )
            for member in self._members.values()
        ]

    def _channel(self, place: Place | Conversation) -> ChannelConfig:
        name = f"{place.platform}:{place.workspace}:{place.channel}"
        return self._configuration.channels.get(name) or ChannelConfig()

    def _default(self) -> Member:
        candidates = [self._members[name] for name in self._configuration.default]
        return next((member for member in candidates if self.ready(member)), candidates[0])

    def _options(self, name: str, config: AssistantConfig, files: str) -> AssistantOptions:
        return {
            "name": config.title,
            "description": config.description or None,
            "instructions": config.instructions or None,
            "temperature": config.temperature,
            "tools": self._tools(config),
            "metadata": {TAG: name, **({FILES: files} if files else {})},
        }

    def _tools(self, config: AssistantConfig) -> list[Tool]:
        return [*config.api_tools, *(self._functions[name].tool for name in config.functions)]

    def _differs(self, found: Assistant, config: AssistantConfig, files: str) -> bool:
        return (
            (found.metadata or {}).get(FILES, "") != files
            or found.model != config.model
            or found.name != config.title
            or (found.description or "") != config.description
            or (found.instructions or "") != config.instructions
            or _told(found.tools or ()) != _told(self._tools(config))
            or (config.temperature is not None and found.temperature != config.temperature)
        )


def person_key(place: Place, person: str) -> str:
    """The key under which a person's choice is stored."""
    return f"{place.platform}:{place.workspace}:{person}"


async def _resources(client: AssistantsClient, config: AssistantConfig, files: Files) -> dict[str, Any]:
    """The tool resources for an assistant's file search."""
    ids = [await upload(client, config.title, files)] if files else []
    return {"file_search": {"vector_store_ids": ids}}


def _told(tools: Iterable[AnyTool]) -> list[object]:
    """The parts of tools that identify them, without fields that a server adds."""
    return [
        (tool.function.name, tool.function.description, tool.function.parameters)
        if isinstance(tool, FunctionTool)
        else tool.type
        for tool in tools
    ]


def _spelling(words: str) -> str:
    return "".join(c for c in words.casefold() if c.isalnum())
