"""Receives Slack's events and commands over Socket Mode; acknowledges an event only once it is stored."""

import asyncio
import logging
import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from typing import Any

import structlog
from slack_bolt.adapter.socket_mode.aiohttp import AsyncSocketModeHandler
from slack_bolt.async_app import AsyncAck, AsyncApp
from slack_bolt.authorization import AuthorizeResult
from slack_bolt.logger.messages import warning_client_prioritized_and_token_skipped
from slack_bolt.response import BoltResponse

from adapters.slack.away import catch_up
from adapters.slack.hearing import Hearing
from adapters.slack.incoming import (
    PLATFORM,
    edited,
    from_change,
    from_command,
    from_event,
    from_stop,
    is_notice,
    people_in,
    ref,
)
from adapters.slack.render import private
from adapters.slack.workspace import Workspace
from bot.adapter import Bot, LeavingError, NotClaimedError, PlatformError
from bot.catch_up import retries
from bot.views import NOT_DONE

log = structlog.get_logger()
_ANY = re.compile("")
# Seconds between pings; a socket that does not answer is reconnected.
PING = 10.0


async def listen(workspace: Workspace, bot: Bot) -> None:
    """Receive until cancelled. Bolt reconnects when the socket is lost or Slack asks it to move.

    Raises `ConfigurationError`.
    """
    await _connect(workspace)
    hearing = Hearing()
    app = create_app(workspace, bot, hearing)
    handler: Any = AsyncSocketModeHandler(app, workspace.app_token, ping_interval=PING)

    async def hear(_: Any, message: dict[str, Any], __: str | None = None) -> None:
        if hearing.hear(message):
            bot.gap(PLATFORM)

    handler.client.message_listeners.append(hear)
    looking = asyncio.create_task(_look_back(workspace, bot, hearing, handler.client), name="slack-looks-back")
    try:
        await handler.connect_async()
        log.info("listening to Slack", team=workspace.team)
        await looking
    finally:
        looking.cancel()
        await handler.close_async()


async def _connect(workspace: Workspace) -> None:
    """Connect if Slack could not be reached before."""
    for pause in retries():
        if workspace.is_connected:
            return
        await asyncio.sleep(pause)
        try:
            await workspace.connect()
        except PlatformError as error:
            log.warning("not connected to Slack yet", error=str(error))


async def _look_back(workspace: Workspace, bot: Bot, hearing: Hearing, socket: Any) -> None:
    """Look for missed messages whenever there may be any."""
    while True:
        reason = await hearing.change()
        missed = await _catch_up(workspace, bot, hearing)
        if reason == "silent" and (missed or not await socket.is_connected()):
            # The client retries the same address for ever, but its ticket is valid only for a moment.
            log.warning("Slack's socket delivers nothing: reconnecting at a new address", missed=missed)
            await _move(socket)


async def _catch_up(workspace: Workspace, bot: Bot, hearing: Hearing) -> int:
    """Look until every place could be read; return how many messages had been missed."""
    missed = 0
    bot.gap(PLATFORM)
    for pause in retries():
        try:
            also = set(hearing.refused_in)
            found, whole = await catch_up(workspace, bot, also)
            missed += found
            if whole and await bot.caught_up(PLATFORM):
                hearing.refused_in -= also
                break
        except Exception:
            log.exception("looking for missed messages failed", again_in=pause)
        await hearing.connected_within(pause)
    return missed


async def _move(socket: Any) -> None:
    try:
        await socket.connect_to_new_endpoint(force=True)
    except Exception:
        log.exception("could not reconnect; trying again at the next silence")


def create_app(workspace: Workspace, bot: Bot, hearing: Hearing) -> AsyncApp:
    """The Bolt app: passes every event and command to the bot, and acknowledges only what was stored.

    `hearing` learns of events that Slack dropped and of those that could not be stored. Without
    `process_before_response`, Bolt acknowledges an event before its listener has run.
    """
    logging.getLogger("slack_bolt.AsyncApp").addFilter(_is_news)
    app = AsyncApp(
        # Without a token Bolt asks `authorize` and skips auth.test before the first event. If auth.test failed, Bolt
        # would acknowledge the event without handling it.
        client=workspace.new_client(token=None),
        authorize=_authorize(workspace),
        process_before_response=True,
        request_verification_enabled=False,
        attaching_conversation_kwargs_enabled=False,
    )

    @app.middleware
    async def on_drop(body: dict[str, Any], next: Callable[[], Awaitable[None]]) -> BoltResponse | None:  # noqa: A002
        # This message replaces events and is not one itself.
        if body.get("type") == "app_rate_limited":
            log.warning("Slack drops events beyond 30,000 an hour: looking for missed messages")
            bot.gap(PLATFORM)
            hearing.dropped()
            return BoltResponse(status=200)
        await next()
        return None

    @app.event(_ANY)
    async def on_event(body: dict[str, Any]) -> None:
        # One listener for every event, so that any event the app is subscribed to is acknowledged.
        event = body["event"]
        try:
            await _take(workspace, bot, event)
        except NotClaimedError as error:
            if "channel" in event and not isinstance(error, LeavingError):
                hearing.refused(event["channel"])
            raise

    @app.command(_ANY)
    async def on_command(ack: AsyncAck, body: dict[str, Any]) -> None:
        try:
            words = (await bot.command(from_command(body, team=workspace.team))).text
        except NotClaimedError:
            words = NOT_DONE  # Slack does not redeliver commands
        await ack(text=private(words), response_type="ephemeral")

    @app.error
    async def on_error(error: Exception) -> None:
        # Bolt answers 500, which Socket Mode turns into no acknowledgement, so Slack redelivers the event.
        if isinstance(error, NotClaimedError):
            log.warning("message not stored, Slack will redeliver it", error=str(error))
        else:
            log.error("event from Slack not handled", exc_info=error)

    return app


async def _take(workspace: Workspace, bot: Bot, event: dict[str, Any]) -> None:
    """Pass an event to the bot. Raises `NotClaimedError`."""
    team, us, names = workspace.team, workspace.bot_user, await workspace.names(people_in(event))
    if event["type"] == "agent_session_stopped":
        await bot.stop(*from_stop(event, team=team))
    elif revision := from_change(event, team=team, bot_user=us, names=names):
        receipt = await bot.revise(revision)
        if receipt.outcome == "ignored" and revision.text is not None:
            await _mentioned_by_edit(workspace, bot, event, names)
    elif incoming := from_event(event, team=team, bot_user=us, bot_id=workspace.bot_id, names=names):
        await bot.receive(incoming)
    elif is_notice(event):
        bot.unanswered(ref(team, event["channel"], event["ts"]), f"a notice from Slack ({event['subtype']})")


async def _mentioned_by_edit(workspace: Workspace, bot: Bot, event: dict[str, Any], names: Mapping[str, str]) -> None:
    """Pass on a message whose edit added the mention; the bot decides whether it is still a question."""
    incoming = from_event(
        edited(event), team=workspace.team, bot_user=workspace.bot_user, bot_id=workspace.bot_id, names=names
    )
    if incoming is not None and incoming.addressed:
        await bot.receive(replace(incoming, edited_after=float(event["event_ts"]) - float(incoming.position)))


def _is_news(record: logging.LogRecord) -> bool:
    """Drop Bolt's warning that it ignores SLACK_BOT_TOKEN, which it reads by itself."""
    return record.getMessage() != warning_client_prioritized_and_token_skipped()


def _authorize(workspace: Workspace) -> Any:
    async def authorize(enterprise_id: str | None, team_id: str | None) -> AuthorizeResult:
        return AuthorizeResult(
            enterprise_id=enterprise_id,
            team_id=team_id,
            bot_token=workspace.bot_token,
            bot_user_id=workspace.bot_user,
            bot_id=workspace.bot_id,
        )

    return authorize
