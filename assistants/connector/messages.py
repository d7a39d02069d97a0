"""The messages of a thread."""

from typing import Unpack

from assistants.connector.exchange import Exchange, body, path
from assistants.connector.options import ContentParts, MessageListOptions, MessageOptions
from assistants.connector.pages import Pages
from assistants.contract import CreateMessage, Deleted, Message, MessagesQuery, Metadata, ModifyMessage, Role


class Messages:
    """`client.threads.messages`"""

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange

    async def create(
        self, thread_id: str, *, content: str | ContentParts, role: Role = "user", **options: Unpack[MessageOptions]
    ) -> Message:
        """Add a message. Raises `ThreadLockedError` while a run is active on the thread."""
        request = body(CreateMessage, {"role": role, "content": content, **options})
        return await self._exchange.create(Message, _all(thread_id), request)

    def list(self, thread_id: str, **options: Unpack[MessageListOptions]) -> Pages[Message]:
        """List the messages of a thread, or only those that one run wrote."""
        return Pages(self._exchange, Message, _all(thread_id), options, query=MessagesQuery)

    async def retrieve(self, thread_id: str, message_id: str) -> Message:
        return await self._exchange.get(Message, _one(thread_id, message_id))

    async def modify(self, thread_id: str, message_id: str, *, metadata: Metadata | None) -> Message:
        return await self._exchange.post(
            Message, _one(thread_id, message_id), body(ModifyMessage, {"metadata": metadata})
        )

    async def delete(self, thread_id: str, message_id: str) -> Deleted:
        return await self._exchange.delete(Deleted, _one(thread_id, message_id))


def _all(thread_id: str) -> str:
    return path("threads", "{thread_id}", "messages", thread_id=thread_id)


def _one(thread_id: str, message_id: str) -> str:
    return path("threads", "{thread_id}", "messages", "{message_id}", thread_id=thread_id, message_id=message_id)
