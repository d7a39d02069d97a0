"""Base classes of the contract's models: objects keep unknown fields, requests refuse them."""

from typing import Annotated, Any, ClassVar, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    SerializerFunctionWrapHandler,
    model_serializer,
    model_validator,
)
from pydantic_core import PydanticCustomError


class _Json(BaseModel):
    def wire(self) -> dict[str, Any]:
        """Return the JSON object as sent."""
        return self.model_dump(mode="json", by_alias=True)

    def wire_json(self) -> str:
        """Return the JSON text as sent, on one line."""
        return self.model_dump_json(by_alias=True)


class _Sparing(_Json):
    """Fields with a default of None are said only when they were set, then as null where they are None."""

    _optional: ClassVar[frozenset[str]] = frozenset()

    @classmethod
    def __pydantic_init_subclass__(cls, **_: Any) -> None:
        cls._optional = frozenset(name for name, field in cls.model_fields.items() if field.default is None)

    @model_serializer(mode="wrap")
    def _without_unset(self, whole: SerializerFunctionWrapHandler) -> dict[str, Any]:
        said: dict[str, Any] = whole(self)
        for name in self._optional - self.model_fields_set:
            said.pop(type(self).model_fields[name].alias or name, None)
        return said


class Wire(_Json):
    """An object in a server's response. Unknown fields are kept; every field is sent, as null if it has no value."""

    model_config = ConfigDict(extra="allow", protected_namespaces=())


class Sparse(_Sparing, Wire):
    """An object with fields that may be missing on the wire: those with a default of None."""


class Request(_Sparing):
    """A request body. Unknown fields and values of the wrong type are refused."""

    model_config = ConfigDict(extra="forbid", strict=True, protected_namespaces=())

    @model_validator(mode="after")
    def _nothing_unknown_inside(self) -> Self:
        """Tools and the like are objects that keep what they do not know; a request has nothing of that kind."""
        for name in self.model_fields_set:
            if unknown := _first_unknown(getattr(self, name), name):
                raise PydanticCustomError("unknown_inside", "there is no such parameter", {"parameter": unknown})
        return self

    @classmethod
    def read(cls, body: bytes | str) -> Self:
        """The request of a JSON text."""
        return cls.model_validate_json(body)


def _first_unknown(value: object, path: str) -> str | None:
    """The path of a field that a model inside of a request does not have."""
    if isinstance(value, list):
        found = (_first_unknown(item, f"{path}[{index}]") for index, item in enumerate(value))
        return next(filter(None, found), None)
    if not isinstance(value, Wire):
        return None
    if value.model_extra:
        return f"{path}.{next(iter(value.model_extra))}"
    return next(filter(None, (_first_unknown(item, f"{path}.{name}") for name, item in value)), None)


Metadata = dict[str, str]
LimitedMetadata = Annotated[
    dict[Annotated[str, Field(max_length=64)], Annotated[str, Field(max_length=512)]], Field(max_length=16)
]


# The catch-all of a union is tried last, and only where nothing else fits: streams are read one piece at a time.
LEFT_FIRST = Field(union_mode="left_to_right")


def other_than(*known: str) -> AfterValidator:
    """Keeps the catch-all of a union from taking a malformed object of a kind that is known."""

    def check(kind: str) -> str:
        if kind in known:
            raise ValueError(f"a malformed {kind!r}")
        return kind

    return AfterValidator(check)
