"""What to write instead of a value that is refused, for whoever wrote it: pydantic's own words are a programmer's."""

from pydantic_core import ErrorDetails

# By the kind of mistake, as pydantic names it; `{…}` is what pydantic knows of it.
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
    """Half a sentence without its stop; what we say ourselves comes through as it is."""
    kind = error["type"]
    words = _INSTEAD.get(kind) or _INSTEAD.get(kind.partition("_")[0])
    if words is None:
        return error["msg"].removeprefix("Value error, ")
    return words.format(**error.get("ctx", {}))
