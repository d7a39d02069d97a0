"""Loads functions from installed packages (entry points) and from the modules named in threadline.toml."""

import importlib
import importlib.util
import sys
from collections.abc import Iterable, Iterator
from importlib.metadata import entry_points
from pathlib import Path
from types import ModuleType
from typing import Any

from bot.adapter import ConfigurationError
from bot.configuration import Configuration
from bot.functions import Function, Functions

GROUP = "threadline.functions"
TAKEN = ("code_interpreter", "file_search")


def load_functions(configuration: Configuration, folder: Path) -> Functions:
    """Load every function, by name; files are relative to `folder`. Raises `ConfigurationError`."""
    found: dict[str, Function[..., Any]] = {}
    for where, function in [*_registered(), *_written(configuration.functions, folder)]:
        if function.name in TAKEN:
            raise ConfigurationError(f"{where}: {function.name} is the name of a tool of the API; rename the function.")
        if found.setdefault(function.name, function) is not function:
            raise ConfigurationError(f"{where}: there is another function called {function.name}; rename one of them.")
    _check(configuration, found)
    return found


def _registered() -> Iterator[tuple[str, Function[..., Any]]]:
    for point in entry_points(group=GROUP):
        where = f"the entry point {point.name} of {GROUP}"
        try:
            loaded = point.load()
            yield where, loaded if isinstance(loaded, Function) else Function(loaded)
        except Exception as error:
            raise ConfigurationError(f"{where} cannot be loaded: {_words(error)}") from error


def _written(modules: Iterable[str], folder: Path) -> Iterator[tuple[str, Function[..., Any]]]:
    for name in modules:
        try:
            module = _from_file(folder / name) if name.endswith(".py") else importlib.import_module(name)
        except Exception as error:
            raise ConfigurationError(f"functions: {name} cannot be loaded: {_words(error)}") from error
        functions = [value for value in vars(module).values() if isinstance(value, Function)]
        if not functions:
            raise ConfigurationError(f"functions: {name} contains no function marked with @threadline.function.")
        yield from ((f"functions: {name}", function) for function in functions)


def _from_file(path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"threadline_functions_{path.stem}", path)
    if spec is None or spec.loader is None or not path.is_file():
        raise FileNotFoundError(f"there is no file {path}")
    module = importlib.util.module_from_spec(spec)
    # Reading the signatures looks up the types of the module there.
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def _check(configuration: Configuration, found: Functions) -> None:
    """Raise `ConfigurationError` if an assistant lists an unknown function."""
    for name, assistant in configuration.assistants.items():
        for wanted in assistant.functions:
            if wanted not in found:
                there = f"there are {', '.join(found)}" if found else "there are none"
                raise ConfigurationError(f"assistants.{name}.functions: there is no function {wanted!r}; {there}.")


def _words(error: Exception) -> str:
    said = " ".join(str(error).split()) or type(error).__name__
    return said if said.endswith(".") else f"{said}."
