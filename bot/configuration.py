"""Reads threadline.toml: the assistants, channels, models and functions."""

import re
import tomllib
from collections.abc import Collection, Iterator, Mapping
from difflib import get_close_matches
from importlib import resources
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic_core import ErrorDetails

from assistants.contract import CodeInterpreterTool, FileSearchTool, Tool
from bot.adapter import ConfigurationError
from bot.knowledge import BUILT_IN
from bot.validation import instead

DEFAULT_MODEL = "default"

# Messages that arrive while an answer is in progress are answered together after it, one by one, or at once.
Overlap = Literal["collect", "queue", "interrupt"]


# The tools that threadline.toml may give an assistant.
ToolName = Literal["code_interpreter", "file_search"]
TOOLS: dict[ToolName, Tool] = {"code_interpreter": CodeInterpreterTool(), "file_search": FileSearchTool()}


class AssistantConfig(BaseModel):
    """One `[assistants.NAME]` table. `model` is `default` for the connected model."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    title: str = Field(min_length=1, max_length=256)
    description: str = Field("", max_length=512)
    instructions: str = Field("", max_length=256_000)
    model: str = Field(DEFAULT_MODEL, min_length=1)
    temperature: float | None = Field(None, ge=0, le=2)
    tools: list[ToolName] = Field(default_factory=list)
    functions: list[str] = Field(default_factory=list)
    files: list[str] = Field(default_factory=list)
    notice: str = Field("", max_length=300)
    overlap: Overlap = "collect"
    enabled: bool = True

    @property
    def api_tools(self) -> list[Tool]:
        """The tools of the API that the assistant may use."""
        searches: list[ToolName] = ["file_search"] if self.files and "file_search" not in self.tools else []
        return [TOOLS[name] for name in (*self.tools, *searches)]

    @property
    def searches_files(self) -> bool:
        return bool(self.files) or "file_search" in self.tools

    @property
    def runs_code(self) -> bool:
        return "code_interpreter" in self.tools

    @property
    def reads_files(self) -> bool:
        """Whether the assistant has a tool that reads the documents people send."""
        return bool(self.api_tools)


class ChannelConfig(BaseModel):
    """One `[channels."PLATFORM:WORKSPACE:CHANNEL"]` table.

    `assistant` answers the conversations that start there, until somebody picks another one. `bots` is how many
    consecutive messages of bots are answered.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    assistant: str | None = None
    overlap: Overlap | None = None
    bots: int = Field(0, ge=0, le=100)


class ModelConfig(BaseModel):
    """One `[models.NAME]` table: a Chat-Completions endpoint, used under NAME.

    `model` is the model's name at the endpoint (default NAME); `context` is its context window in tokens.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    base_url: str = Field(min_length=1, pattern=r"^https?://")
    api_key_env: str = ""
    model: str = ""
    context: int | None = Field(None, ge=512)
    vision: bool | None = None
    tools: bool | None = None


class Configuration(BaseModel):
    """The built-in assistants, overridden by threadline.toml. The first ready assistant of `default` answers."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    default: list[str] = Field(min_length=1)
    # Modules that contain functions: importable names, or files (`weather.py`) in the folder of threadline.toml.
    functions: list[str] = Field(default_factory=list)
    assistants: dict[str, AssistantConfig]
    channels: dict[str, ChannelConfig] = Field(default_factory=dict)
    models: dict[str, ModelConfig] = Field(default_factory=dict)


# The tables of the file, by their first key.
TABLES: dict[str, type[BaseModel]] = {"assistants": AssistantConfig, "channels": ChannelConfig, "models": ModelConfig}


def load_configuration(path: Path, *, needed: bool = False) -> Configuration:
    """Load the built-in assistants and the file that overrides them. The file may be missing unless it is `needed`.

    Raises `ConfigurationError` with line and key.
    """
    merged = tomllib.loads(resources.files("bot").joinpath("builtin.toml").read_text("utf-8"))
    source = ""
    try:
        source = path.read_text("utf-8-sig")
        given = tomllib.loads(source)
    except FileNotFoundError:
        if needed:
            raise ConfigurationError(f"THREADLINE_CONFIG names {path}, which does not exist.") from None
        given = {}
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"{path} is not valid TOML: {error}. Correct it and start again.") from None
    except OSError as error:
        raise ConfigurationError(f"{path} cannot be read: {error.strerror}. Check its permissions.") from None
    _merge(merged, given)
    try:
        configuration = Configuration.model_validate(merged)
    except ValidationError as error:
        wrong = (_complaint(path, source, each["loc"], _message(each)) for each in error.errors())
        raise ConfigurationError("\n".join(wrong)) from None
    return _checked(path, source, configuration)


def elsewhere(configuration: Configuration, only_here: Collection[str], model: str) -> Configuration:
    """The configuration for another server: without the assistants whose models are `only_here`.

    `model` replaces the default model. Raises `ConfigurationError` if no default assistant is left.
    """
    there = {
        name: each.model_copy(update={"model": model}) if model and each.model == DEFAULT_MODEL else each
        for name, each in configuration.assistants.items()
        if each.model not in only_here
    }
    default = [name for name in configuration.default if name in there]
    if not default:
        raise ConfigurationError(
            f"default: name an assistant with another model; {', '.join(only_here)} exist only without"
            " ASSISTANTS_BASE_URL."
        )
    return configuration.model_copy(update={"default": default, "assistants": there})


def _checked(path: Path, source: str, configuration: Configuration) -> Configuration:
    enabled = {name: a for name, a in configuration.assistants.items() if a.enabled}
    if wrong := [_complaint(path, source, *each) for each in _mistakes(path, configuration, enabled)]:
        raise ConfigurationError("\n".join(wrong))
    default = [name for name in configuration.default if name in enabled]
    return configuration.model_copy(update={"default": default, "assistants": enabled})


def _mistakes(
    path: Path, configuration: Configuration, enabled: Mapping[str, AssistantConfig]
) -> Iterator[tuple[tuple[str, ...], str]]:
    """The keys whose values are well-formed but do not fit together or name nothing, each with what is wrong."""
    for name in configuration.assistants:
        if not re.fullmatch(r"[a-z0-9][a-z0-9-]{0,63}", name):
            yield ("assistants", name), "use only small letters, digits and hyphens in names"
    if DEFAULT_MODEL in configuration.models:
        yield ("models", DEFAULT_MODEL), "this name means the connected model; choose another"
    for name, channel in configuration.channels.items():
        if not re.fullmatch(r"[a-z]+:[^:]+:[^:]+", name):
            yield ("channels", name), 'write the channel as "PLATFORM:WORKSPACE:CHANNEL"'
        if channel.assistant is not None and channel.assistant not in enabled:
            yield ("channels", name, "assistant"), f"there is no enabled assistant {channel.assistant!r}"
    files = [(("assistants", name, "files"), file) for name, each in enabled.items() for file in each.files]
    modules = [(("functions",), name) for name in configuration.functions if name.endswith(".py")]
    for where, file in (*files, *modules):
        if not file.startswith(BUILT_IN) and not (path.parent / file).is_file():
            yield where, f"there is no file {file!r} in {path.parent.absolute()}, the folder of {path.name}"
    unknown = [name for name in configuration.default if name not in configuration.assistants]
    for name in unknown:
        yield ("default",), f"there is no assistant {name!r}"
    if not unknown and not any(name in enabled for name in configuration.default):
        yield ("default",), "name an enabled assistant"


def _merge(into: dict[str, Any], given: dict[str, Any]) -> None:
    for key, value in given.items():
        if isinstance(value, dict) and isinstance(into.get(key), dict):
            _merge(into[key], value)
        else:
            into[key] = value


def _message(error: ErrorDetails) -> str:
    """What is wrong with a key; for an unknown key, the most similar known one."""
    if error["type"] != "extra_forbidden":
        return instead(error)
    *table, key = error["loc"]
    known = list((TABLES[str(table[0])] if table else Configuration).model_fields)
    near, names = get_close_matches(str(key), known, 1), ", ".join(known)
    return f"there is no such key; {f'did you mean {near[0]}?' if near else f'known keys: {names}'}"


def _complaint(path: Path, source: str, where: tuple[int | str, ...], message: str) -> str:
    key = ".".join(str(part) for part in where)
    line = _line_of(source, [str(part) for part in where])
    place = f"{path}, line {line}" if line else str(path)
    end = "" if message.endswith(("?", ".")) else "."
    return f"{place}: {key}: {message[:1].lower()}{message[1:]}{end}"


def _line_of(source: str, where: list[str]) -> int | None:
    """The line, counted from 1, that sets the deepest part of this key present in the file."""
    best, depth, table = None, 0, []
    for number, line in enumerate(source.splitlines(), start=1):
        if header := re.match(r"\s*\[([^\[\]]+)\]", line):
            table = [part.strip().strip("\"'") for part in header[1].split(".")]
            here = table
        elif setting := re.match(r"\s*([\w\"'.-]+)\s*=", line):
            here = [*table, *(part.strip("\"'") for part in setting[1].split("."))]
        else:
            continue
        shared = next(
            (n for n, (a, b) in enumerate(zip(here, where, strict=False)) if a != b), min(len(here), len(where))
        )
        if shared > depth:
            best, depth = number, shared
    return best
