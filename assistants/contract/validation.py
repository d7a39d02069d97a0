"""Turns pydantic's validation errors into the API's error messages."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

from assistants.contract.errors import Failure, invalid, missing_parameter, not_json, unknown_parameter


class SupportsErrors(Protocol):
    """pydantic's ValidationError, and FastAPI's."""

    def errors(self) -> Sequence[Any]: ...


def from_validation(error: SupportsErrors, body: object = None) -> Failure:
    """The first finding as the API would answer it; `body` is what was validated, to name nested parameters well."""
    finding = _telling(error.errors(), body)
    kind = str(finding["type"])
    inside = finding.get("ctx", {}).get("parameter")
    name = ".".join(filter(None, (_parameter(finding["loc"], body, absent=kind == "missing"), inside)))
    if kind.startswith("json_") or not name:
        return not_json()
    say = _SENTENCES.get(kind)
    return say(name, finding) if say else _by_shape(kind, name, finding)


def _telling(findings: Sequence[Mapping[str, Any]], body: object) -> Mapping[str, Any]:
    """Where a field takes one of several shapes, what is wrong inside of the shape that was sent."""
    field = _inside(findings[0]["loc"], body)[:1]
    same = [finding for finding in findings if _inside(finding["loc"], body)[:1] == field]
    return next((finding for finding in same if finding["type"] not in _WRONG_SHAPE), findings[0])


def _inside(location: Sequence[int | str], body: object) -> list[int | str]:
    """The location without the part of a request that a web framework puts before it."""
    placed = len(location) > 1 and location[0] in ("body", "query", "path")
    named_so = isinstance(body, dict) and location[:1] and location[0] in body
    return [*location[1:]] if placed and not named_so else [*location]


def _parameter(location: Sequence[int | str], body: object, *, absent: bool) -> str:
    """`tools[0].function.name` of a location, which also has the tags of unions in it."""
    steps = _inside(location, body)
    name = ""
    for position, step in enumerate(steps):
        if isinstance(step, int):
            name += f"[{step}]"
            body = body[step] if isinstance(body, list) and step < len(body) else None
        elif isinstance(body, dict) and step in body:
            name += f".{step}"
            body = body[step]
        elif body is None or (absent and position == len(steps) - 1):
            name += f".{step}"
    return name.removeprefix(".")


def _missing(name: str, _: Mapping[str, Any]) -> Failure:
    return missing_parameter(name)


def _unknown(name: str, _: Mapping[str, Any]) -> Failure:
    return unknown_parameter(name)


def _long_string(name: str, finding: Mapping[str, Any]) -> Failure:
    limit, length = finding["ctx"]["max_length"], len(finding["input"])
    why = (
        f"string too long. Expected a string with maximum length {limit}, but got a string with length {length} instead"
    )
    return invalid(name, why, code="string_above_max_length")


def _too_many(name: str, finding: Mapping[str, Any]) -> Failure:
    limit, length = finding["ctx"]["max_length"], len(finding["input"])
    if isinstance(finding["input"], dict):
        why = (
            f"too many properties. Expected an object with at most {limit} properties, "
            f"but got an object with {length} properties instead"
        )
        return invalid(name, why, code="object_above_max_properties")
    why = (
        f"array too long. Expected an array with maximum length {limit}, but got an array with length {length} instead"
    )
    return invalid(name, why, code="array_above_max_length")


def _too_few(name: str, finding: Mapping[str, Any]) -> Failure:
    limit = finding["ctx"]["min_length"]
    why = f"empty array. Expected an array with minimum length {limit}, but got an empty array instead"
    return invalid(name, why, code="empty_array")


def _empty_string(name: str, finding: Mapping[str, Any]) -> Failure:
    limit = finding["ctx"]["min_length"]
    why = f"empty string. Expected a string with minimum length {limit}, but got an empty string instead"
    return invalid(name, why, code="empty_string")


def _number(name: str, finding: Mapping[str, Any]) -> Failure:
    context, value = finding["ctx"], finding["input"]
    kind = "integer" if isinstance(value, int) and isinstance(next(iter(context.values())), int) else "decimal"
    side, sign, limit = ("below min", ">=", context["ge"]) if "ge" in context else ("above max", "<=", context["le"])
    shown = limit if isinstance(limit, int) else f"{limit:g}"
    why = f"{kind} {side}imum value. Expected a value {sign} {shown}, but got {value} instead"
    return invalid(name, why, code=f"{kind}_{side.replace(' ', '_')}_value")


def _unsupported(name: str, finding: Mapping[str, Any]) -> Failure:
    context = finding["ctx"]
    supported = context.get("expected") or context.get("expected_tags", "")
    value = context.get("tag", finding["input"])
    return Failure(
        400,
        f"Invalid value: '{value}'. Supported values are: {supported.replace(' or ', ', ')}.",
        code="invalid_value",
        param=name,
    )


def _unsupported_tag(name: str, finding: Mapping[str, Any]) -> Failure:
    return _unsupported(f"{name}.type", finding)


def _pattern(name: str, finding: Mapping[str, Any]) -> Failure:
    pattern = finding["ctx"]["pattern"]
    return invalid(name, f"string does not match pattern. Expected a string that matches the pattern '{pattern}'")


def _no_tag(name: str, _: Mapping[str, Any]) -> Failure:
    return missing_parameter(f"{name}.type")


def _by_shape(kind: str, name: str, finding: Mapping[str, Any]) -> Failure:
    wanted = _KINDS.get(kind)
    if wanted is None:
        return invalid(name, str(finding["msg"]).rstrip("."))
    return Failure(
        400,
        f"Invalid type for '{name}': expected {wanted}, but got {_kind_of(finding['input'])} instead.",
        code="invalid_type",
        param=name,
    )


def _kind_of(value: object) -> str:
    names: dict[type, str] = {
        bool: "a boolean",
        int: "an integer",
        float: "a decimal",
        str: "a string",
        list: "an array",
        dict: "an object",
    }
    return names.get(type(value), "null" if value is None else "another value")


_KINDS = {
    "string_type": "a string",
    "int_type": "an integer",
    "int_from_float": "an integer",
    "float_type": "a decimal",
    "bool_type": "a boolean",
    "list_type": "an array",
    "dict_type": "an object",
    "model_type": "an object",
    "model_attributes_type": "an object",
}
_WRONG_SHAPE = {*_KINDS, "literal_error"}
_SENTENCES: Mapping[str, Callable[[str, Mapping[str, Any]], Failure]] = {
    "missing": _missing,
    "extra_forbidden": _unknown,
    "unknown_inside": _unknown,
    "string_too_long": _long_string,
    "string_too_short": _empty_string,
    "too_long": _too_many,
    "too_short": _too_few,
    "greater_than_equal": _number,
    "less_than_equal": _number,
    "literal_error": _unsupported,
    "union_tag_invalid": _unsupported_tag,
    "string_pattern_mismatch": _pattern,
    "union_tag_not_found": _no_tag,
}
