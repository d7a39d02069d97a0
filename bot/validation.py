"""Rewrites pydantic's messages for people who edit settings: each says what to write instead."""

from pydantic_core import ErrorDetails

# By pydantic's error type; `{…}` is filled from the error's context.
_INSTEAD = {
    "int": "write a whole number",
    "float": "write a number",
    "finite_number": "write a number",
    "bool": "write true or false",
    "string_type": "write text",
    "list_type": "write a list, in square brackets",
    "dict_type": "write a table",
    "model_type": "write a table",
    "literal_error": "write {expected}",
    "greater_than_equal": "write {ge:g} or more",
    "less_than_equal": "write {le:g} or less",
    "string_too_short": "write at least {min_length} character(s)",
    "string_too_long": "write at most {max_length} characters",
    "too_short": "name at least {min_length}",
    "missing": "this is missing",
}


def instead(error: ErrorDetails) -> str:
    """The rewritten message, without a full stop. Messages of our own validators are returned unchanged."""
    kind = error["type"]
    words = _INSTEAD.get(kind) or _INSTEAD.get(kind.partition("_")[0])
    if words is None:
        return error["msg"].removeprefix("Value error, ")
    return words.format(**error.get("ctx", {}))
