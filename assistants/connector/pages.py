"""Lists that page by themselves."""

from collections.abc import AsyncIterator, Mapping
from typing import Any, Generic, TypeVar

from assistants.connector.exchange import Exchange
from assistants.contract import ListPage, Wire

T = TypeVar("T", bound=Wire)


class Pages(Generic[T]):
    """Every item of a list by `async for`, or one page by `page()`. Nothing is asked before."""

    def __init__(self, exchange: Exchange, item: type[T], path: str, query: Mapping[str, Any]) -> None:
        self._exchange = exchange
        self._model: type[ListPage[T]] = ListPage[item]  # type: ignore[valid-type]
        self._path = path
        self._query = dict(query)

    async def page(self) -> ListPage[T]:
        """The page that the options name: the first one, or the one at `after` or `before`."""
        return await self._exchange.get(self._model, self._path, self._query)

    async def __aiter__(self) -> AsyncIterator[T]:
        query = dict(self._query)
        while True:
            page = await self._exchange.get(self._model, self._path, query)
            for item in page.data:
                yield item
            last = page.last_id or (getattr(page.data[-1], "id", None) if page.data else None)
            # A server that does not know `after` would give the same page for ever.
            if not (page.has_more and page.data) or last in (None, query.get("after")):
                return
            query["after"] = last
