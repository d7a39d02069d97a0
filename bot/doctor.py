"""`threadline doctor`: checks what works on this machine, and says how to fix what does not."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from importlib.metadata import entry_points
from typing import Literal

from assistants.connector import AssistantsClient, AssistantsError
from bot.adapter import Adapter, ConfigurationError
from bot.app import configuration_of
from bot.configuration import Configuration, ModelConfig
from bot.embedded import TOUR
from bot.functions.loading import load_functions
from bot.resources import check_embeddings, check_model, check_named_model, check_sandbox
from bot.settings import Settings, SettingsError
from storage.database import StorageError
from storage.lock import serving
from storage.sqlite import reading

State = Literal["ok", "off", "wrong"]
_MARKS: dict[State, str] = {"ok": "ok", "off": "off", "wrong": "WRONG"}


@dataclass(frozen=True, slots=True)
class Finding:
    """The result of one check. `off` means not set up, which is no problem."""

    name: str
    state: State
    words: str

    def __str__(self) -> str:
        return f"{self.name:<13} {_MARKS[self.state]:<6} {self.words}"


async def examine(settings: Settings) -> list[Finding]:
    """Run every check, one after the other; the sandbox takes some seconds."""
    configured = _configuration(settings)
    functions = [_functions(settings)] if configured.state == "ok" else []
    found = [configured, *functions, await _database(settings)]
    if settings.assistants_base_url:
        found.append(await _checked("assistants", settings, _server))
    else:
        found += [await _checked("model", settings, check_model), *await _named_models(settings)]
        found.append(await _embeddings(settings))
        found.append(await _sandbox(settings))
    return [*found, *_platforms(settings)]


def is_well(found: Iterable[Finding]) -> bool:
    return all(finding.state != "wrong" for finding in found)


def _configuration(settings: Settings) -> Finding:
    try:
        configuration = configuration_of(settings)
    except ConfigurationError as error:
        return Finding("configuration", "wrong", str(error))
    names = ", ".join(name for name, assistant in configuration.assistants.items() if assistant.enabled)
    return Finding("configuration", "ok", f"assistants: {names}.")


def _functions(settings: Settings) -> Finding:
    try:
        found = load_functions(configuration_of(settings), settings.threadline_config.parent)
    except ConfigurationError as error:
        return Finding("functions", "wrong", str(error))
    if not found:
        return Finding("functions", "off", "none is registered; list a module under `functions` in threadline.toml.")
    refused = [name for name, function in found.items() if not function.read_only]
    words = f" Never run, because not marked read_only=True: {', '.join(refused)}." if refused else ""
    return Finding("functions", "ok", f"{', '.join(found)}.{words}")


async def _database(settings: Settings) -> Finding:
    try:
        path = settings.database_path
        if server := serving(path):
            where = f"at {server['url']}" if server.get("url") else "(starting)"
            return Finding("database", "ok", f"{path}, in use by Threadline {where}.")
        if not path.exists():
            return Finding("database", "off", f"{path} is created at the first start.")
        with reading(path) as db:
            (row,) = await db.read("select count(*) as conversations from conversations where key not like 'deleted:%'")
    except (SettingsError, StorageError) as error:
        return Finding("database", "wrong", str(error))
    return Finding("database", "ok", f"{path}, {row['conversations']} conversations; Threadline is not running.")


async def _checked(name: str, settings: Settings, check: Callable[[Settings], Awaitable[str | None]]) -> Finding:
    try:
        words = await check(settings)
    except ConfigurationError as error:
        return Finding(name, "wrong", str(error))
    cure = "none is connected: set MODEL_BASE_URL, MODEL_API_KEY and MODEL, or connect one on the page."
    return Finding(name, "ok", words) if words else Finding(name, "off", cure)


async def _named_models(settings: Settings) -> list[Finding]:
    """One finding for each model of threadline.toml, all checked at the same time."""
    try:
        models = configuration_of(settings).models
    except ConfigurationError:
        return []
    return await asyncio.gather(*(_named_model(name, configured) for name, configured in models.items()))


async def _named_model(name: str, configured: ModelConfig) -> Finding:
    try:
        return Finding(f"models.{name}", "ok", await check_named_model(name, configured))
    except ConfigurationError as error:
        return Finding(f"models.{name}", "wrong", str(error))


async def _embeddings(settings: Settings) -> Finding:
    found = await _checked("embeddings", settings, check_embeddings)
    if found.state != "off":
        return found
    return Finding("embeddings", "off", "file search matches words only; set EMBEDDING_MODEL to match meaning, too.")


async def _server(settings: Settings) -> str:
    try:
        key = settings.assistants_api_key.get_secret_value() or None
        async with AssistantsClient(settings.assistants_base_url, api_key=key) as client:
            await client.assistants.list(limit=1).page()
    except (AssistantsError, ValueError) as error:
        raise ConfigurationError(f"ASSISTANTS_BASE_URL: {error}") from None
    return f"{settings.assistants_base_url} answers."


async def _sandbox(settings: Settings) -> Finding:
    found = await _checked("sandbox", settings, check_sandbox)
    if found.state != "wrong" or _wants_code(settings):
        return found
    return Finding("sandbox", "off", found.words)


def _wants_code(settings: Settings) -> bool:
    """Return whether a configured assistant runs code. The Tour does not count: it works without."""
    try:
        configuration: Configuration = configuration_of(settings)
    except ConfigurationError:
        return False
    assistants = [assistant for assistant in configuration.assistants.values() if assistant.enabled]
    return any(assistant.runs_code and assistant.model != TOUR for assistant in assistants)


def _platforms(settings: Settings) -> Iterable[Finding]:
    for point in sorted(entry_points(group="threadline.adapters"), key=lambda point: point.name):
        try:
            adapter: Adapter | None = point.load().from_settings(settings)
        except ConfigurationError as error:
            yield Finding(point.name, "wrong", str(error))
            continue
        if adapter is None:
            yield Finding(point.name, "off", "no token is set.")
        else:
            yield Finding(point.name, "ok", "set up.")
