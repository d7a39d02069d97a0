"""The Web API methods this simulator knows, with Slack's own limits and errors."""

from typing import Any

from tests.simulators.slack.methods import chat, conversations, files, sessions, streams, views
from tests.simulators.slack.methods.base import Context, Method, SlackError
from tests.simulators.slack.world import APP, BOT, TEAM

__all__ = ["METHODS", "Context", "Method", "SlackError"]


async def _auth_test(context: Context) -> dict[str, Any]:
    return {
        "url": "https://threadline-sim.slack.com/",
        "team": "Threadline Sim",
        "team_id": TEAM,
        "user": BOT["name"],
        "user_id": BOT["user_id"],
        "bot_id": BOT["bot_id"],
        "is_enterprise_install": False,
    }


async def _connections_open(context: Context) -> dict[str, Any]:
    sockets = context.site.sockets
    if not sockets.enabled:
        raise SlackError("access_denied")
    return {"url": f"{sockets.address}/link/?ticket={sockets.ticket()}&app_id={APP}"}


METHODS = {
    "auth.test": Method(_auth_test),
    "apps.connections.open": Method(_connections_open),
    **chat.METHODS,
    **streams.METHODS,
    **sessions.METHODS,
    **conversations.METHODS,
    **files.METHODS,
    **views.METHODS,
}
