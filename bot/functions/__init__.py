"""Python functions that assistants may call."""

from collections.abc import Mapping
from typing import Any

from bot.functions.function import Function, function

Functions = Mapping[str, Function[..., Any]]

__all__ = ["Function", "Functions", "function"]
