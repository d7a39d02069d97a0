"""The models a server can run."""

from assistants.connector.exchange import Exchange
from assistants.contract import Model, ModelList


class Models:
    """`client.models`"""

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange

    async def list(self) -> list[Model]:
        """All of them: this list has no pages."""
        return (await self._exchange.get(ModelList, "models")).data
