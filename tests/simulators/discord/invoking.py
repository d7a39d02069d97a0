"""What people do to an app's commands, buttons and forms, as INTERACTION_CREATE."""

import secrets
from typing import Any

from tests.simulators.discord import limits, payloads, permissions
from tests.simulators.discord.audience import Audience
from tests.simulators.discord.records import Interaction
from tests.simulators.discord.responses import COMMAND, COMPLETING, COMPONENT, FORM, RESPOND_SECONDS
from tests.simulators.discord.world import APPLICATION, GUILD, World

SUBCOMMAND, GROUP, TEXT, INTEGER, BOOLEAN, NUMBER, ATTACHMENT = 1, 2, 3, 4, 5, 10, 11
ATTACHMENT_LIMIT = 10 * 1024 * 1024


class Invoking:
    """The people's side of interactions."""

    def __init__(self, world: World, audience: Audience) -> None:
        self._world = world
        self._audience = audience

    async def command(self, user: str, channel: str, text: str, options: dict[str, Any], **more: Any) -> Interaction:
        """`text` is as typed: `/assistant use small talk`; `options` are given by name."""
        data = self._command_data(text, options, complete=True)
        return await self._ask(Interaction(self._world.new_id(), _token(), COMMAND, user, channel, data, 0, **more))

    async def complete(self, user: str, channel: str, text: str, option: str) -> Interaction:
        """What the app offers while somebody types the option that ends `text`."""
        data = self._command_data(text, {}, complete=False)
        focused = [one for one in _leaves(data) if one["name"] == option]
        if not focused:
            raise LookupError(f"No option {option} in {text!r}.")
        focused[0]["focused"] = True
        return await self._ask(Interaction(self._world.new_id(), _token(), COMPLETING, user, channel, data, 0))

    async def press(self, user: str, message: str, custom_id: str, values: list[str] | None) -> Interaction:
        """A button, or with `values` a select. An id that is not there is sent too: a stale client does that."""
        shown = self._world.messages[message]
        found = [one for one in limits.every(shown.components) if one.get("custom_id") == custom_id]
        kind = found[0]["type"] if found else 2
        if found and found[0].get("disabled"):
            raise LookupError(f"{custom_id} is disabled.")
        data: dict[str, Any] = {"custom_id": custom_id, "component_type": kind}
        if values is not None:
            data["values"] = values
        asked = Interaction(self._world.new_id(), _token(), COMPONENT, user, shown.channel, data, 0, message=message)
        return await self._ask(asked)

    async def submit(self, user: str, interaction: str, values: dict[str, Any]) -> Interaction:
        """Fills in the form that answered an interaction, and sends it."""
        asked = self._world.interactions[interaction]
        if asked.modal is None or asked.user != user:
            raise LookupError("No form is open for this person.")
        form, asked.modal = asked.modal, None
        data = {"custom_id": form["custom_id"], "components": [_filled(one, values) for one in form["components"]]}
        sent = Interaction(self._world.new_id(), _token(), FORM, user, asked.channel, data, 0, message=asked.message)
        return await self._ask(sent)

    async def _ask(self, asked: Interaction) -> Interaction:
        """Sends it; returns once the app responded, or three seconds have passed."""
        asked.at = self._world.clock.now()
        self._world.interactions[asked.id] = asked
        await self._audience.tell("INTERACTION_CREATE", self._payload(asked), None)
        await self._world.changed()
        responded = await self._world.before(asked.at + RESPOND_SECONDS, lambda: asked.response is not None)
        asked.failed = not responded
        await self._world.changed()
        return asked

    def _payload(self, asked: Interaction) -> dict[str, Any]:
        place = self._world.channels[asked.channel]
        person = self._world.users[asked.user]
        told: dict[str, Any] = {
            "id": asked.id,
            "application_id": APPLICATION,
            "type": asked.type,
            "data": asked.data,
            "channel_id": place.id,
            "channel": payloads.channel(self._world, place),
            "token": asked.token,
            "version": 1,
            "locale": "en-US",
            "app_permissions": str(permissions.ALL & ~permissions.bits(self._world.denied(place))),
            "entitlements": [],
            "attachment_size_limit": ATTACHMENT_LIMIT,
            "authorizing_integration_owners": {"1": person.id} if asked.user_installed else {"0": GUILD},
        }
        if asked.message is not None:
            told["message"] = payloads.message(self._world, self._world.messages[asked.message])
        if place.kind == "dm":
            return told | {"user": payloads.user(person), "context": 1, "authorizing_integration_owners": {"0": "0"}}
        allowed = {"permissions": str(permissions.ALL), "user": payloads.user(person)}
        guild = {"id": GUILD, "locale": "en-US", "features": []}
        member = payloads.member(person, **allowed)
        return told | {"guild_id": GUILD, "guild": guild, "guild_locale": "en-US", "member": member, "context": 0}

    def _command_data(self, text: str, options: dict[str, Any], *, complete: bool) -> dict[str, Any]:
        name, _, rest = text.strip().removeprefix("/").partition(" ")
        found = [one for kept in self._world.commands.values() for one in kept if one["name"] == name]
        if not found:
            raise LookupError(f"There is no command /{name}.")
        command = found[0]
        data = {"id": command["id"], "name": name, "type": command["type"]}
        where = {"guild_id": command["guild_id"]} if "guild_id" in command else {}
        return data | where | {"options": _options(command, rest, options, complete=complete)}


def _options(told: dict[str, Any], rest: str, given: dict[str, Any], *, complete: bool) -> list[dict[str, Any]]:
    """The options of a command or subcommand, from what was typed after it."""
    known: list[dict[str, Any]] = told.get("options") or []
    if known and known[0]["type"] in (SUBCOMMAND, GROUP):
        name, _, further = rest.strip().partition(" ")
        chosen = next((one for one in known if one["name"] == name), None)
        if chosen is None:
            wrong = f"There is no command /{told['name']} {name}".rstrip()
            raise LookupError(f"{wrong}. Choose from {', '.join(one['name'] for one in known)}.")
        inner = _options(chosen, further, given, complete=complete)
        return [{"name": name, "type": chosen["type"], "options": inner}]
    values = {**_typed(known, rest), **given}
    missing = [one["name"] for one in known if one.get("required") and one["name"] not in values]
    if missing and complete:
        raise LookupError(f"/{told['name']} needs {', '.join(missing)}.")
    if not complete:
        values = {**{one["name"]: "" for one in known if one.get("autocomplete")}, **values}
    return [_given(one, values[one["name"]]) for one in known if one["name"] in values]


def _given(option: dict[str, Any], value: Any) -> dict[str, Any]:
    return {"name": option["name"], "type": option["type"], "value": _value(option, value)}


def _typed(known: list[dict[str, Any]], rest: str) -> dict[str, Any]:
    """Typed words go to the options in their order; the last text takes all that is left. `name:value` names one."""
    values: dict[str, Any] = {}
    rest = rest.strip()
    for number, option in enumerate(known):
        rest = rest.removeprefix(f"{option['name']}:").strip()
        if not rest:
            break
        is_last = number == len(known) - 1 or not any(f"{one['name']}:" in rest for one in known[number + 1 :])
        word, _, rest = (rest, "", "") if is_last and option["type"] == TEXT else rest.partition(" ")
        values[option["name"]] = word
    return values


def _value(option: dict[str, Any], value: Any) -> Any:
    if option["type"] == INTEGER:
        return int(value)
    if option["type"] == NUMBER:
        return float(value)
    if option["type"] == BOOLEAN:
        return value in (True, "true", "True")
    return str(value)


def _leaves(data: dict[str, Any]) -> list[dict[str, Any]]:
    inner = data.get("options", [])
    return [leaf for one in inner for leaf in (_leaves(one) if "options" in one else [one])]


def _filled(component: dict[str, Any], values: dict[str, Any]) -> dict[str, Any]:
    """A part of a form as it is sent: ids and values, and nothing of how it looked."""
    told: dict[str, Any] = {"type": component["type"], "id": component.get("id", 0)}
    if "components" in component:
        return told | {"components": [_filled(one, values) for one in component["components"]]}
    if "component" in component:
        return told | {"component": _filled(component["component"], values)}
    if "custom_id" not in component:
        return told
    value = values.get(component["custom_id"], component.get("value") or "")
    return told | {"custom_id": component["custom_id"], ("values" if isinstance(value, list) else "value"): value}


def _token() -> str:
    return f"interaction-{secrets.token_hex(24)}"
