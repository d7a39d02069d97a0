"""The web adapter: the page people open in a browser, and the JSON API beneath it."""

from collections.abc import Sequence

from starlette.routing import BaseRoute

from adapters.web.routes import page_routes
from bot.adapter import Bot
from bot.local import LocalAdapter

__all__ = ["WebAdapter"]


class WebAdapter(LocalAdapter):
    """The page."""

    name = "web"

    def routes(self, bot: Bot) -> Sequence[BaseRoute]:
        return [*super().routes(bot), *page_routes(bot)]
