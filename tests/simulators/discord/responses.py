"""How the app answers an interaction: the callback within three seconds, then follow-ups for fifteen minutes."""

from typing import Any

from tests.simulators.discord import limits, messages, payloads
from tests.simulators.discord.context import Context, Route
from tests.simulators.discord.errors import invalid, refusal
from tests.simulators.discord.records import Interaction, Message
from tests.simulators.discord.world import APPLICATION, BOT

RESPOND_SECONDS = 3
TOKEN_SECONDS = 900
USER_FOLLOW_UPS = 5
MODAL_TITLE = 45
CHOICES = 25
MESSAGE, DEFERRED, DEFERRED_UPDATE, UPDATE, AUTOCOMPLETE, MODAL = 4, 5, 6, 7, 8, 9
COMMAND, COMPONENT, COMPLETING, FORM = 2, 3, 4, 5


async def _callback(context: Context) -> Any:
    """The first response. Answers 204, or with `with_response` what came of it."""
    interaction = context.world.interactions.get(context.path["interaction"])
    if interaction is None or interaction.token != context.path["token"]:
        raise refusal(10062)
    if interaction.response is not None:
        raise refusal(40060)
    if context.world.clock.now() - interaction.at > RESPOND_SECONDS:
        raise refusal(10062)
    message = await _respond(context, interaction, int(context.body["type"]))
    await context.world.changed()
    wanted = context.query.get("with_response", "") in {"1", "true"}
    return _resource(context, interaction, message) if wanted else None


async def _respond(context: Context, interaction: Interaction, kind: int) -> Message | None:
    data = context.body.get("data") or {}
    message = None
    if kind in (MESSAGE, DEFERRED):
        message = await _original(context, interaction, kind, data)
    elif kind == UPDATE and interaction.message is not None:
        message = context.world.messages[interaction.message]
        await messages.revise(_with_body(context, data), message)
    elif kind == AUTOCOMPLETE:
        interaction.choices = _choices(data)
    elif kind == MODAL:
        interaction.modal = _modal(interaction, data)
    elif kind != DEFERRED_UPDATE:
        raise invalid("type", "BASE_TYPE_CHOICES", "Value must be one of {1, 4, 5, 6, 7, 8, 9}.")
    if kind in (DEFERRED_UPDATE, UPDATE):
        interaction.original = interaction.message
    interaction.response = kind
    return message


async def _original(context: Context, interaction: Interaction, kind: int, data: dict[str, Any]) -> Message:
    if kind == MESSAGE:
        limits.check(data, files=len(context.files), flags=int(data.get("flags") or 0))
    thinking = messages.LOADING if kind == DEFERRED else 0
    message = await _say(_with_body(context, data), interaction, type=20, flags=_flags(data) | thinking)
    interaction.original = message.id
    return message


def _flags(data: dict[str, Any]) -> int:
    return int(data.get("flags") or 0) & messages.SETTABLE


def _with_body(context: Context, body: dict[str, Any]) -> Context:
    return Context(context.world, context.audience, context.path, context.query, body, context.files)


async def _say(context: Context, interaction: Interaction, **more: Any) -> Message:
    """A message of the app in answer to an interaction; an ephemeral one is for the person alone."""
    place = context.world.channels[interaction.channel]
    ephemeral = more.get("flags", 0) & messages.EPHEMERAL
    own = {"webhook": APPLICATION, "interaction": interaction.id, "only_for": interaction.user if ephemeral else None}
    message = messages.built(context, place, **own, **more)
    await messages.post(context, message)
    return message


def _choices(data: dict[str, Any]) -> list[dict[str, Any]]:
    choices: list[dict[str, Any]] = data.get("choices") or []
    if len(choices) > CHOICES:
        raise invalid("data.choices", "BASE_TYPE_MAX_LENGTH", f"Must be {CHOICES} or fewer in length.")
    if any(not 1 <= len(str(one[name])) <= 100 for one in choices for name in ("name", "value")):
        raise invalid("data.choices", "BASE_TYPE_BAD_LENGTH", "Must be between 1 and 100 in length.")
    return choices


def _modal(interaction: Interaction, data: dict[str, Any]) -> dict[str, Any]:
    if interaction.type == FORM:
        raise invalid("type", "MODAL_IN_MODAL", "A modal cannot answer a modal.")
    if not 1 <= len(data.get("title") or "") <= MODAL_TITLE:
        raise invalid("data.title", "BASE_TYPE_BAD_LENGTH", f"Must be between 1 and {MODAL_TITLE} in length.")
    return data


def _resource(context: Context, interaction: Interaction, message: Message | None) -> dict[str, Any]:
    told: dict[str, Any] = {"id": interaction.id, "type": interaction.type}
    resource: dict[str, Any] = {"type": interaction.response}
    if message is not None:
        told["response_message_id"] = message.id
        told["response_message_loading"] = bool(message.flags & messages.LOADING)
        told["response_message_ephemeral"] = message.only_for is not None
        resource["message"] = payloads.message(context.world, message)
    return {"interaction": told, "resource": resource}


def _of_token(context: Context) -> Interaction:
    """The interaction whose webhook this is, while its token lives."""
    found = [one for one in context.world.interactions.values() if one.token == context.path["token"]]
    if not found or context.path["application"] != APPLICATION or found[0].response is None:
        raise refusal(10015)
    if context.world.clock.now() - found[0].at > TOKEN_SECONDS:
        raise refusal(50027)
    return found[0]


async def _follow_up(context: Context) -> Any:
    """A further message. The first after a deferral takes its place, and its being ephemeral or not."""
    interaction = _of_token(context)
    limits.check(context.body, files=len(context.files), flags=_flags(context.body))
    waiting = context.world.messages.get(interaction.original or "")
    if waiting is not None and waiting.flags & messages.LOADING:
        return await messages.revise(context, waiting)
    interaction.follow_ups += 1
    if interaction.user_installed and interaction.follow_ups > USER_FOLLOW_UPS:
        raise refusal(40094)
    message = await _say(context, interaction, flags=_flags(context.body), reference=interaction.original, type=19)
    return payloads.message(context.world, message)


def _message(context: Context) -> Message:
    interaction = _of_token(context)
    name = context.path["message"]
    message = context.world.messages.get((interaction.original or "") if name == "@original" else name)
    if message is None or message.deleted or message.author != BOT.id:
        raise refusal(10008)
    return message


async def _get(context: Context) -> Any:
    return payloads.message(context.world, _message(context))


async def _edit(context: Context) -> Any:
    return await messages.revise(context, _message(context))


async def _delete(context: Context) -> None:
    await messages.remove(context, _message(context))


_WEBHOOK = "/webhooks/{application}/{token}"

# None of these wants the bot's token: the interaction's is in the path.
ROUTES = [
    Route("create_interaction_response", "POST", "/interactions/{interaction}/{token}/callback", _callback, True),
    Route("create_followup_message", "POST", _WEBHOOK, _follow_up, True),
    Route("get_interaction_message", "GET", f"{_WEBHOOK}/messages/{{message}}", _get, True),
    Route("edit_interaction_message", "PATCH", f"{_WEBHOOK}/messages/{{message}}", _edit, True),
    Route("delete_interaction_message", "DELETE", f"{_WEBHOOK}/messages/{{message}}", _delete, True),
]
