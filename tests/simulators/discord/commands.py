"""Application commands: what the app registers, within Discord's limits."""

from typing import Any

from tests.simulators.discord.context import Context, Route
from tests.simulators.discord.errors import invalid
from tests.simulators.discord.world import APPLICATION, World

COMMANDS = {1: 100, 2: 15, 3: 15}
OPTIONS = 25
CHARACTERS = 8000
GLOBAL = ""


async def _list(context: Context) -> Any:
    return context.world.commands.get(context.path.get("guild", GLOBAL), [])


async def _overwrite(context: Context) -> Any:
    """Replaces all. A command that was there keeps its id; its version changes when it does."""
    scope = context.path.get("guild", GLOBAL)
    _check(context.body)
    known = {(one["type"], one["name"]): one for one in context.world.commands.get(scope, [])}
    context.world.commands[scope] = [
        _registered(context.world, given, known.get((given.get("type", 1), given["name"])), scope)
        for given in context.body
    ]
    return context.world.commands[scope]


def _registered(world: World, given: dict[str, Any], before: dict[str, Any] | None, scope: str) -> dict[str, Any]:
    here = {"guild_id": scope} if scope else {}
    told = {"type": 1, "description": "", "options": [], "default_member_permissions": None, "nsfw": False, **given}
    same = before is not None and {**before, **told} == before
    id_ = before["id"] if before else world.new_id()
    version = before["version"] if before and same else world.new_id()
    return {**told, "id": id_, "application_id": APPLICATION, "version": version, **here}


def _check(commands: list[dict[str, Any]]) -> None:
    for kind, limit in COMMANDS.items():
        if len([one for one in commands if one.get("type", 1) == kind]) > limit:
            raise invalid("", "APPLICATION_COMMANDS_TOO_MANY", f"Maximum number of application commands is {limit}.")
    for number, command in enumerate(commands):
        _check_one(str(number), command)
        if _characters(command) > CHARACTERS:
            raise invalid(str(number), "APPLICATION_COMMAND_TOO_LARGE", f"Command exceeds {CHARACTERS} characters.")


def _check_one(where: str, told: dict[str, Any]) -> None:
    """A command or one of its options, and all below."""
    if not 1 <= len(told["name"]) <= 32 or (told.get("type", 1) == 1 and told["name"] != told["name"].lower()):
        raise invalid(f"{where}.name", "APPLICATION_COMMAND_INVALID_NAME", "Command name is invalid")
    if told.get("description") is not None and len(told["description"]) > 100:
        raise invalid(f"{where}.description", "BASE_TYPE_BAD_LENGTH", "Must be between 1 and 100 in length.")
    for field in ("options", "choices"):
        if len(told.get(field) or []) > OPTIONS:
            raise invalid(f"{where}.{field}", "BASE_TYPE_MAX_LENGTH", f"Must be {OPTIONS} or fewer in length.")
    for number, option in enumerate(told.get("options") or []):
        _check_one(f"{where}.options.{number}", option)


def _characters(told: dict[str, Any]) -> int:
    own = len(told["name"]) + len(told.get("description") or "")
    choices = sum(len(one["name"]) + len(str(one["value"])) for one in told.get("choices") or [])
    return own + choices + sum(_characters(option) for option in told.get("options") or [])


ROUTES = [
    Route("get_global_commands", "GET", "/applications/{application}/commands", _list),
    Route("overwrite_global_commands", "PUT", "/applications/{application}/commands", _overwrite),
    Route("get_guild_commands", "GET", "/applications/{application}/guilds/{guild}/commands", _list),
    Route("overwrite_guild_commands", "PUT", "/applications/{application}/guilds/{guild}/commands", _overwrite),
]
