"""The models that a server offers."""

from assistants.connector.exchange import Exchange, path
from assistants.contract import Deleted, Model, ModelList


class Models:
    """`client.models`"""

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange

    async def list(self) -> list[Model]:
        """Return all models; this list has no pages."""
        return (await self._exchange.get(ModelList, "models")).data

    async def retrieve(self, model: str) -> Model:
        return await self._exchange.get(Model, _path(model))

    async def delete(self, model: str) -> Deleted:
        """Delete a fine-tuned model that you own."""
        return await self._exchange.delete(Deleted, _path(model))


def _path(model: str) -> str:
    return path("models", "{model}", model=model)
