"""The models a server can run."""

from assistants.connector.exchange import Exchange, path
from assistants.contract import Deleted, Model, ModelList


class Models:
    """`client.models`"""

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange

    async def list(self) -> list[Model]:
        """All of them: this list has no pages."""
        return (await self._exchange.get(ModelList, "models")).data

    async def retrieve(self, model: str) -> Model:
        return await self._exchange.get(Model, _path(model))

    async def delete(self, model: str) -> Deleted:
        """Delete a fine-tuned model of one's own."""
        return await self._exchange.delete(Deleted, _path(model))


def _path(model: str) -> str:
    return path("models", "{model}", model=model)
