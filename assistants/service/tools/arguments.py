"""Reads one text out of a tool call's arguments, while the model is still writing them."""

from pydantic_core import from_json


def argument(arguments: str, name: str) -> str:
    """Return the argument `name` of JSON that may be incomplete, or the bare text that some models write instead."""
    is_object = arguments.lstrip().startswith("{")
    try:
        said = from_json(arguments, allow_partial="trailing-strings")
    except ValueError:
        return "" if is_object else arguments
    if isinstance(said, dict):
        value = said.get(name, "")
        return value if isinstance(value, str) else ""
    return said if isinstance(said, str) else arguments
