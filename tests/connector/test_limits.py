"""Every limit that the API's description sets on a request is one of ours, so that nothing over it is ever sent."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic import TypeAdapter

from assistants import contract

REQUESTS = {
    "CreateAssistantRequest": contract.CreateAssistant,
    "ModifyAssistantRequest": contract.ModifyAssistant,
    "CreateThreadRequest": contract.CreateThread,
    "ModifyThreadRequest": contract.ModifyThread,
    "CreateMessageRequest": contract.CreateMessage,
    "ModifyMessageRequest": contract.ModifyMessage,
    "CreateRunRequest": contract.CreateRun,
    "ModifyRunRequest": contract.ModifyRun,
    "CreateThreadAndRunRequest": contract.CreateThreadAndRun,
    "SubmitToolOutputsRunRequest": contract.SubmitToolOutputs,
    "CreateFileRequest": contract.CreateFile,
    "CreateUploadRequest": contract.CreateUpload,
    "CompleteUploadRequest": contract.CompleteUpload,
    "CreateVectorStoreRequest": contract.CreateVectorStore,
    "UpdateVectorStoreRequest": contract.ModifyVectorStore,
    "CreateVectorStoreFileRequest": contract.CreateVectorStoreFile,
    "CreateVectorStoreFileBatchRequest": contract.CreateVectorStoreFileBatch,
    "UpdateVectorStoreFileAttributesRequest": contract.ModifyVectorStoreFile,
    "VectorStoreSearchRequest": contract.SearchVectorStore,
}
LIMITS = (
    *("minLength", "maxLength", "pattern", "minItems", "maxItems", "minProperties", "maxProperties"),
    *("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "enum", "const"),
)
BELOW = {"items": "[]", "additionalProperties": "{}", "propertyNames": "{name}"}
# Any model may be named; files of a new vector store are fewer by the documentation; this one stands a level too deep.
EXCEPTIONS = {(".model", "enum"), (".vector_stores[].file_ids", "maxItems"), (".query[]", "minItems")}


def is_exception(place: str, limit: str, _: str) -> bool:
    return any(place.endswith(end) and limit == kind for end, kind in EXCEPTIONS)


@pytest.fixture(scope="module")
def described(shared_facts: Path) -> dict[str, Any]:
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    schemas: dict[str, Any] = yaml.load((shared_facts / "openapi.yaml").read_text(), loader)["components"]["schemas"]  # noqa: S506 - a safe loader
    return schemas


@pytest.mark.parametrize("name", REQUESTS)
def test_no_limit_of_the_description_is_missing(described: dict[str, Any], name: str) -> None:
    schema = TypeAdapter[Any](REQUESTS[name]).json_schema()
    theirs, ours = set(limits(described[name], described)), set(limits(schema, schema.get("$defs", {})))
    chosen = {place for place, limit, _ in theirs if limit == "enum"}
    missing = theirs - ours
    more = {found for found in ours - theirs if found[1] == "enum" and found[0] in chosen}
    assert {found for found in missing | more if not is_exception(*found)} == set()


def test_each_request_of_the_description_is_compared(described: dict[str, Any]) -> None:
    bodies = {name for name in described if name.endswith("Request")}
    assert bodies - set(REQUESTS) == {"AddUploadPartRequest"}  # which is nothing but bytes


def limits(
    schema: dict[str, Any], named: dict[str, Any], place: str = "", within: tuple[str, ...] = ()
) -> Iterator[tuple[str, str, str]]:
    """Each limit with the place it stands at, all variants of a value together."""
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        if name not in within:  # filters hold filters
            yield from limits(named[name], named, place, (*within, name))
    for limit in LIMITS:
        if limit in schema:
            values = schema[limit] if limit == "enum" else [schema[limit]]
            yield from (
                (place, "enum" if limit == "const" else limit, str(value)) for value in values if value is not None
            )
    parts = [("", part) for kind in ("anyOf", "oneOf", "allOf") for part in schema.get(kind, ())]
    parts += [(f".{name}", part) for name, part in schema.get("properties", {}).items()]
    parts += [(mark, schema[kind]) for kind, mark in BELOW.items() if isinstance(schema.get(kind), dict)]
    for mark, part in parts:
        yield from limits(part, named, place + mark, within)
