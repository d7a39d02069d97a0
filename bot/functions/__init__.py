"""The functions that the bot itself runs for its assistants: what marks one, and what binds it."""

from collections.abc import Mapping
from typing import Any

from bot.functions.function import Function, function

Functions = Mapping[str, Function[..., Any]]

__all__ = ["Function", "Functions", "function"]
