"""Assistants: create, modify, list, delete."""

from typing import Unpack

from assistants.connector.exchange import Exchange, body, path
from assistants.connector.options import AssistantChanges, AssistantOptions, ListOptions
from assistants.connector.pages import Pages
from assistants.contract import Assistant, CreateAssistant, Deleted, ModifyAssistant


class Assistants:
    """`client.assistants`"""

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange

    async def create(self, *, model: str, **options: Unpack[AssistantOptions]) -> Assistant:
        request = body(CreateAssistant, {"model": model, **options})
        return await self._exchange.create(Assistant, "assistants", request)

    def list(self, **options: Unpack[ListOptions]) -> Pages[Assistant]:
        return Pages(self._exchange, Assistant, "assistants", options)

    async def retrieve(self, assistant_id: str) -> Assistant:
        return await self._exchange.get(Assistant, _path(assistant_id))

    async def modify(self, assistant_id: str, **changes: Unpack[AssistantChanges]) -> Assistant:
        """Change the given fields; None clears a field."""
        return await self._exchange.post(Assistant, _path(assistant_id), body(ModifyAssistant, changes))

    async def delete(self, assistant_id: str) -> Deleted:
        return await self._exchange.delete(Deleted, _path(assistant_id))


def _path(assistant_id: str) -> str:
    return path("assistants", "{assistant_id}", assistant_id=assistant_id)
