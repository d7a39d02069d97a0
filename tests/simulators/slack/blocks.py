"""Blocks: what Slack accepts, the ids it gives, and where in them a person presses something."""

import logging
from collections.abc import Iterator
from itertools import count
from typing import Any

from slack_sdk.errors import SlackObjectFormationError
from slack_sdk.models.blocks import Block

MESSAGE_LIMIT = 50
VIEW_LIMIT = 100
MARKDOWN_LIMIT = 12_000
# On the platform, and not yet in the SDK.
_UNKNOWN_TO_THE_SDK = {"data_table", "data_visualization"}
_numbers = count(1)

# The SDK logs what it cannot parse; here it is refused.
logging.getLogger("slack_sdk.models").setLevel(logging.CRITICAL)


class BlocksError(ValueError):
    """What is wrong with the blocks."""


def accepted(blocks: Any, limit: int = MESSAGE_LIMIT) -> list[dict[str, Any]]:
    """The blocks with the ids Slack gives. The SDK's own validators say what is wrong with one."""
    if not isinstance(blocks, list):
        raise BlocksError("blocks is not a list")
    if len(blocks) > limit:
        raise BlocksError(f"more than {limit} blocks")
    for block in blocks:
        _check(block)
    if sum(len(block["text"]) for block in blocks if block["type"] == "markdown") > MARKDOWN_LIMIT:
        raise BlocksError("markdown blocks hold more than 12,000 characters")
    return [_with_ids(block) for block in blocks]


def _check(block: Any) -> None:
    if not isinstance(block, dict) or "type" not in block:
        raise BlocksError("a block without a type")
    if block["type"] in _UNKNOWN_TO_THE_SDK:
        return
    try:
        parsed = Block.parse(dict(block))
        if parsed is None:
            raise BlocksError(f"unknown block type {block['type']}")
        parsed.to_dict()
    except (SlackObjectFormationError, TypeError) as error:
        raise BlocksError(f"{block['type']}: {error}") from None


def _with_ids(block: dict[str, Any]) -> dict[str, Any]:
    made = {"block_id": f"b{next(_numbers)}", **block}
    for element in elements(made):
        element.setdefault("action_id", f"a{next(_numbers)}")
    return made


def elements(block: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """What a person can press or fill in."""
    inner = [*block.get("elements", []), block.get("accessory"), block.get("element")]
    if block["type"] in {"section", "actions", "context_actions", "input"}:
        yield from (element for element in inner if element and element["type"] != "image")


def find(blocks: list[dict[str, Any]], action_id: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """The block and the element with this action id. Raises `LookupError`."""
    for block in blocks:
        for element in elements(block):
            if element["action_id"] == action_id:
                return block, element
    raise LookupError(f"There is nothing with the action_id {action_id!r} to press.")
