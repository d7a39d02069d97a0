"""Lists that fetch their pages automatically."""

from collections.abc import AsyncIterator, Mapping
from typing import Any, Generic, TypeVar

from assistants.connector.exchange import Exchange, body
from assistants.contract import ListPage, ListQuery, Request, Wire

T = TypeVar("T", bound=Wire)


class Pages(Generic[T]):
    """Iterate over all items with `async for`, or get one page with `page()`. Nothing is requested before that."""

    def __init__(
        self,
        exchange: Exchange,
        item: type[T],
        path: str,
        options: Mapping[str, Any],
        *,
        query: type[Request] = ListQuery,
    ) -> None:
        self._exchange = exchange
        self._model: type[ListPage[T]] = ListPage[item]  # type: ignore[valid-type]
        self._path = path
        # Always send the order: not every server has the API's default.
        self._query = {"order": "desc", **body(query, options).wire()}

    async def page(self) -> ListPage[T]:
        """Return the page that the options select: the first, or the one next to `after` or `before`."""
        return await self._exchange.get(self._model, self._path, self._query)

    async def __aiter__(self) -> AsyncIterator[T]:
        query = dict(self._query)
        while True:
            page = await self._exchange.get(self._model, self._path, query)
            for item in page.data:
                yield item
            last = page.last_id or (getattr(page.data[-1], "id", None) if page.data else None)
            # A server that ignores `after` would return the same page for ever.
            if not (page.has_more and page.data) or last in (None, query.get("after")):
                return
            query["after"] = last

    async def find(self, metadata: Mapping[str, str], *, within: int = 100) -> T | None:
        """Return the first of `within` items that has all of this metadata; used to check before a retry."""
        seen = 0
        async for item in self:
            if metadata.items() <= (getattr(item, "metadata", None) or {}).items():
                return item
            seen += 1
            if seen >= within:
                break
        return None
